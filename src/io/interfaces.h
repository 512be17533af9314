// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What the kernel says of a network interface, and when it says something new.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/address.h"
#include "base/result.h"
#include "io/loop.h"

namespace dnslet::io {

struct Interface {
  int index = 0;
  bool is_running = false;                           // up, and something is connected
  std::optional<std::array<uint8_t, 6>> hardware{};  // of Ethernet, and all that looks like it
  std::optional<IpAddress> address{};                // its first one, V4, not link-local
};

// nullopt: there is none of that name.
std::optional<Interface> find_interface(const std::string& name);

// Calls back in the loop when something is new of any interface or its IPv4 addresses
// (rtnetlink(7)): once for all of a moment, as where containers come and go there is much.
class InterfaceWatch {
 public:
  static constexpr Milliseconds kMoment{100};

  // Of the interface that is followed.
  struct Changes {
    bool is_renewed = false;  // an address was told anew, as after DHCP's renewal of its lease
    bool was_lost = false;    // down or gone, if only for a moment
  };
  using OnChange = std::function<void(Changes changes)>;

  Status open();
  // REQUIRES: open() has succeeded.
  void start(Loop& loop, OnChange on_change);
  // By its index; 0: none.
  void follow(int interface) { followed_ = interface; }

 private:
  void read();
  void note(std::span<const uint8_t> message);

  Descriptor socket_;
  int followed_ = 0;
  Changes changes_;
  std::unique_ptr<Watch> watch_;
  std::unique_ptr<Timer> moment_;
};

}  // namespace dnslet::io
