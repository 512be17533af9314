// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Has the addresses of answers put into sets of the packet filter, beside the loop: those of one
// turn, or of the time that the ones before took, are one batch. Bounded: what comes while too much
// waits is left out, and so put with the next answer that has it.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/address_set.h"
#include "io/address_sets.h"
#include "io/background.h"
#include "io/log.h"
#include "io/loop.h"
#include "policy/address_puts.h"

namespace dnslet::serve {

class FilterSets {
 public:
  static constexpr std::size_t kMostWaiting = 4096;  // addresses

  // `on_written`: a batch, and all before it, have been dealt with.
  FilterSets(io::Loop& loop, io::Log& log, policy::RecentPuts& recent,
             std::function<void(uint64_t batch)> on_written);

  // Has those put that are not there already. Returns the number of their batch, above that of all
  // earlier ones; 0: there is nothing to wait for.
  uint64_t put(std::vector<AddressPut> puts);
  // Hands over what there is, unless the batch before is under way. To be called once a turn.
  void flush();
  // Somebody has waited for a batch for as long as may be: nobody waits any more until it is done.
  void on_late();
  // As of io/background.
  [[nodiscard]] bool end(io::Milliseconds patience) { return work_.end(patience); }

 private:
  struct Batch {
    std::vector<AddressPut> puts;
    io::SetWriter::Outcome outcome;
  };

  void add(const AddressPut& put);
  void on_done(const Batch& batch);
  void tell(const Batch& batch);
  void warn(const std::string& topic, io::LogLine line);

  io::Loop& loop_;
  io::Log& log_;
  policy::RecentPuts& recent_;
  std::function<void(uint64_t batch)> on_written_;
  std::vector<AddressPut> collected_;
  std::map<std::pair<const AddressSet*, IpAddress>, std::size_t> places_;  // in collected_
  uint64_t batch_ = 1;  // of what is collected; all below have been handed over
  bool is_late_ = false;
  std::set<std::string> failing_;  // sets of which the last batch has failed
  io::SetWriter writer_;           // of the work alone
  io::Background work_;
};

}  // namespace dnslet::serve
