// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What a worker counts: plain numbers, touched by its own thread only, so that counting costs one
// addition. Whoever wants to read them gets a copy, and adds those of all workers up.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "dns/message.h"
#include "policy/tables.h"
#include "serve/server_counters.h"

namespace dnslet::serve {

// The types that are counted by name; all others are counted together, behind the last one.
inline constexpr auto kCountedTypes =
    std::to_array<uint16_t>({1, 28, 12, 5, 2, 6, 15, 16, 33, 43, 48, 64, 65, 255});
inline constexpr std::size_t kTypeLabels = kCountedTypes.size() + 1;
std::string type_label(std::size_t index);

namespace detail {
inline constexpr auto kPlacesOfTypes = detail::places_in(kCountedTypes);
}  // namespace detail

inline std::size_t place_of(dns::Type type) {
  const auto number = static_cast<std::size_t>(type);
  return number < 256 ? detail::kPlacesOfTypes[number] : kTypeLabels - 1;
}

struct Counters {
  // By Protocol and type.
  std::array<std::array<uint64_t, kTypeLabels>, kClientProtocols> questions{};
  uint64_t ignored = 0;  // messages that are no question
  std::array<std::array<uint64_t, kRcodeLabels>, policy::kSources> answers{};
  uint64_t over_limit = 0;  // questions refused because of --max-inflight or the table of waiting
  uint64_t refreshes = 0;   // questions of our own, for answers that end soon or have
  uint64_t unsent = 0;
  uint64_t tcp_closed_by_limit = 0;
  std::array<uint64_t, kHandshakes> handshakes{};  // of clients over TLS, HTTPS, QUIC
  std::map<std::string, ServerCounters> servers;   // by address and port
  SharedCounters shared;

  // How it is now.
  uint64_t waiting = 0;  // questions of clients
  uint64_t upstream_open = 0;
  uint64_t tcp_clients = 0;
  std::optional<std::chrono::milliseconds> heard;  // when a server last answered; monotonic

  Counters& operator+=(const Counters& other);
};

}  // namespace dnslet::serve
