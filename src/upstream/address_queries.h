// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Asks DNS servers for the addresses of host names, with c-ares: its messages, its sockets, its
// clock. All that differs between versions of c-ares is in address_queries.cc.
//
// Names are asked for as they are: no search list, no aliases, no hosts file, nothing from the
// environment, no cache. A server that fails or is silent is followed by the next one.

#include <ares.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "io/loop.h"

namespace dnslet::upstream {

class AddressQueries {
 public:
  enum class Outcome {
    Addresses,
    None,    // the name does not exist, or has no address of this family
    Failed,  // no server gave a usable answer
  };
  struct Report {
    uint64_t token = 0;
    Family family = Family::V4;
    Outcome outcome = Outcome::Failed;
    std::vector<IpAddress> addresses{};  // in the order of the answer, each once
    std::chrono::seconds ttl{0};         // the lowest of the addresses and of the aliases to them
    std::string reason{};                // why there are none, in words
  };
  // Called once a question, from the loop, never from inside ask(). Must not destroy this.
  using OnReport = std::function<void(const Report& report)>;

  // `servers`: at least one, all with a port. `loop` must outlive this.
  AddressQueries(io::Loop& loop, std::vector<Endpoint> servers, OnReport on_report);
  // No report comes any more.
  ~AddressQueries();
  AddressQueries(const AddressQueries&) = delete;
  AddressQueries& operator=(const AddressQueries&) = delete;

  void ask(const std::string& host, Family family, uint64_t token);

  // Takes what c-ares would read out of the environment. Call before there are other threads.
  static void clear_environment();

 private:
  struct Question;
  struct Watched {
    std::unique_ptr<io::Watch> watch;
    int events = 0;  // for which c-ares waits
  };

  bool open();
  void use_own_sockets();
  int connect_to(int fd, const sockaddr* address, socklen_t size) const;
  void on_done(const Question& question, int status, const ares_addrinfo* result);
  void on_socket_state(int fd, int events);
  void on_ready(int fd, int events);
  void wait_for_time();
  void tell();

  io::Loop& loop_;
  std::vector<Endpoint> servers_;
  OnReport on_report_;
  ares_channel channel_ = nullptr;  // null: out of memory
  bool is_ending_ = false;
  std::unordered_map<int, Watched> watched_;  // by descriptor
  std::vector<Report> reports_;               // not told yet
  io::Timer time_timer_;                      // c-ares has something to do then
  io::Timer turn_timer_;
};

}  // namespace dnslet::upstream
