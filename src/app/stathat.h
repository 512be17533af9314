// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Posts what has been counted to StatHat's EZ API every 10 s, one request for a batch.
//
// The host's name is looked up through dnslet itself. What a post has not brought there is told by
// the next one; after failures posts are left out, more and more of them.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/metric_formats.h"
#include "app/options.h"
#include "app/worker.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/tcp_connection.h"

namespace dnslet::app {

class StatHat {
 public:
  static constexpr io::Milliseconds kInterval{10'000};  // a post takes no longer either
  static constexpr unsigned kMostLeftOut = 31;          // posts, after many failures
  static constexpr std::size_t kMaxResponse = 1024;     // bytes in which its status must be

  using OnValues = std::function<void(std::vector<Named> values)>;
  // Hands what has been counted to `on_values` in a later turn, or never.
  using Count = std::function<void(OnValues on_values)>;

  struct Account {
    std::string key;
    HttpUrl url;
  };

  // In the thread of `worker`, which looks names up. It and `log` must outlive this.
  StatHat(Worker& worker, io::Log& log, Account account, Count count);

  void start();

 private:
  void on_time();
  void find_host(dns::Type type);
  void on_host(dns::Type type, dns::BytesView message);
  void post(const IpAddress& host);
  void on_data(std::string_view bytes);
  void succeed();
  void fail(const std::string& reason);

  Worker& worker_;
  io::Log& log_;
  Account account_;
  Count count_;
  std::vector<Named> values_;             // of the post under way
  std::map<std::string, double> before_;  // counters as last told
  uint64_t round_ = 0;                    // what comes late belongs to another one
  bool is_busy_ = false;
  unsigned failures_ = 0;
  unsigned left_out_ = 0;  // posts that are still to be left out
  std::string response_;
  std::unique_ptr<io::TcpConnection> connection_;
  io::Timer timer_;
};

// The first address of this type in an answer.
std::optional<IpAddress> find_address(dns::BytesView message, dns::Type type);

}  // namespace dnslet::app
