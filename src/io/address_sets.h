// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Sets of addresses of the kernel's packet filter: nftables and ipset, over netlink. Behind it is
// io/sets_netlink.cc; the variant without them has io/sets_missing.cc, in which every check fails.
//
// A request is carried out while it is sent, and waits there for others who write to the packet
// filter: a large file of nft may take a second. So all of this is for a thread that may wait, not
// for that of a loop.

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/address_set.h"
#include "base/result.h"

namespace dnslet::io {

class SetWriter {
 public:
  // What has come of a batch.
  struct Outcome {
    std::vector<bool> done;  // by place in the batch; also of what is none of the set's family
    std::map<std::string, std::string> failed;  // sets, as text, and the first reason of each
  };

  SetWriter();
  ~SetWriter();
  SetWriter(const SetWriter&) = delete;
  SetWriter& operator=(const SetWriter&) = delete;

  // Whether the set is there and takes single addresses. Fails with the end of a sentence about it.
  Status check(const AddressSet& set);
  // Puts addresses into sets, for so long where a set has time-outs. One that is in a set of
  // nftables already stays at least as long as it would have; an ipset does not tell, and takes the
  // new time. What a set is like is found out each time.
  Outcome put(std::span<const AddressPut> puts);

 private:
  class Netlink;
  std::unique_ptr<Netlink> netlink_;
};

}  // namespace dnslet::io
