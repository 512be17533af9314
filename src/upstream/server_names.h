// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The addresses of servers that are written by name: one object a program, in one loop.
//
// A name is asked for, A and AAAA, as soon as somebody follows it, and again before its TTL ends.
// Addresses stay in use until others are known: a failure, or an answer without any address, takes
// none away. Who lives in another thread has a follower here that posts to it.
//
// Asks the bootstrap servers and nobody else: the caller sees to it that dnslet itself is not among
// them. "localhost" and the names below it are the loopback addresses, and are not asked for (RFC
// 6761 section 6.3).

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/slots.h"
#include "io/log.h"
#include "io/loop.h"
#include "upstream/address_queries.h"

namespace dnslet::upstream {

class ServerNames {
 public:
  struct Times {
    io::Milliseconds shortest{30'000};    // that addresses are kept, whatever their TTL
    io::Milliseconds longest{3'600'000};  // likewise
    io::Milliseconds first_pause{250};    // after a failure, doubled by each one
    io::Milliseconds longest_pause{30'000};
    io::Milliseconds between{1000};  // questions for a name whose addresses all refuse, at least
  };
  using Addresses = std::vector<IpAddress>;
  // All that are known, IPv6 and IPv4 in turn (RFC 8305 section 4), never none. Must not destroy
  // the ServerNames nor call use_bootstrap().
  using OnAddresses = std::function<void(const Addresses& addresses)>;

  // Ends with this object, which the ServerNames must outlive.
  class Following {
   public:
    Following() = default;
    Following(Following&& other) noexcept { *this = std::move(other); }
    Following& operator=(Following&& other) noexcept {
      std::swap(names_, other.names_);
      std::swap(number_, other.number_);
      return *this;
    }
    Following(const Following&) = delete;
    Following& operator=(const Following&) = delete;
    ~Following() {
      if (names_) names_->leave(number_);
    }

   private:
    friend class ServerNames;
    Following(ServerNames* names, uint64_t number) : names_(names), number_(number) {}

    ServerNames* names_ = nullptr;
    uint64_t number_ = 0;
  };

  // To be made before there are other threads. `loop` and `log` must outlive this.
  ServerNames(io::Loop& loop, io::Log& log, Times times);
  ServerNames(io::Loop& loop, io::Log& log) : ServerNames(loop, log, Times()) {}
  ~ServerNames();
  ServerNames(const ServerNames&) = delete;
  ServerNames& operator=(const ServerNames&) = delete;

  // The servers to ask from now on; may be none. Names without addresses are asked for at once.
  void use_bootstrap(std::vector<Endpoint> servers);
  // Tells the name's addresses from inside, where they are known, and then whenever they change.
  [[nodiscard]] Following follow(const std::string& host, const OnAddresses& on_addresses);
  // All addresses of a name that is followed have refused to connect: asks for it again, however
  // long its TTL has to go.
  void ask_again(const std::string& host);

 private:
  // What is known of one family.
  struct Known {
    Addresses addresses{};
    io::Milliseconds lifetime{0};  // of the addresses
    // Of the last question.
    AddressQueries::Outcome outcome = AddressQueries::Outcome::Failed;
    std::string reason{};
  };
  struct Name {
    std::string host;
    std::array<Known, 2> families{};  // V4, V6
    Addresses told{};
    std::vector<uint64_t> followers{};  // in followers_
    int open = 0;                       // questions
    io::Milliseconds asked{0};          // last
    io::Milliseconds due{0};            // for the next question, while none is open
    io::Milliseconds pause{0};          // after the next failure
    std::unique_ptr<io::Timer> timer{};
  };
  struct Follower {
    uint64_t name = 0;
    OnAddresses on_addresses;
  };

  uint64_t number_of(const std::string& host);
  void leave(uint64_t follower);
  void ask(uint64_t number);
  void ask_after(Name& name, io::Milliseconds pause);
  void on_report(const AddressQueries::Report& report);
  void conclude(Name& name);
  void warn(const Name& name, const std::string& reason);
  void tell(uint64_t number);

  io::Loop& loop_;
  io::Log& log_;
  Times times_;
  std::vector<Endpoint> bootstrap_;
  Slots<Name> names_;
  std::unordered_map<std::string, uint64_t> by_host_;  // in lower case
  Slots<Follower> followers_;
  std::unique_ptr<AddressQueries> queries_;  // none until somebody is followed
};

}  // namespace dnslet::upstream
