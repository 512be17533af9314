// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What is counted of each server: plain numbers, touched by one thread only, so that counting costs
// one addition.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "dns/message.h"

namespace dnslet::serve {

// The codes of answers that are counted by name; all others are counted together, behind the last
// one.
inline constexpr auto kCountedRcodes = std::to_array<uint16_t>({0, 1, 2, 3, 4, 5, 16});
inline constexpr std::size_t kRcodeLabels = kCountedRcodes.size() + 1;
std::string rcode_label(std::size_t index);

namespace detail {
// The place of each number up to 255 in a list of those that are counted.
template <std::size_t N>
constexpr std::array<uint8_t, 256> places_in(const std::array<uint16_t, N>& counted) {
  std::array<uint8_t, 256> places{};
  for (uint8_t& place : places) place = N;
  for (std::size_t i = 0; i < N; ++i) places[counted[i]] = static_cast<uint8_t>(i);
  return places;
}
inline constexpr auto kPlacesOfRcodes = places_in(kCountedRcodes);

// Adds each count to the one in its place.
template <std::size_t N>
void add(std::array<uint64_t, N>& sum, const std::array<uint64_t, N>& more) {
  std::ranges::transform(sum, more, sum.begin(), std::plus());
}
}  // namespace detail

inline std::size_t place_of(dns::Rcode rcode) {
  const auto number = static_cast<std::size_t>(rcode);
  return number < 256 ? detail::kPlacesOfRcodes[number] : kRcodeLabels - 1;
}

// How long things took, in steps.
struct Histogram {
  // The upper bounds, in microseconds; a duration that is equal is within.
  static constexpr auto kBounds =
      std::to_array<int64_t>({500, 1'000, 2'500, 5'000, 10'000, 25'000, 50'000, 100'000, 250'000,
                              500'000, 1'000'000, 2'500'000, 5'000'000});

  std::array<uint64_t, kBounds.size() + 1> steps{};  // each duration in one; the last: longer
  std::chrono::nanoseconds sum{0};

  void add(std::chrono::nanoseconds duration);
  uint64_t count() const;
  Histogram& operator+=(const Histogram& other);
};

// How a TLS handshake ends: with a new session, with a former one, or not at all.
inline constexpr std::array<const char*, 3> kHandshakeLabels = {"full", "resumed", "failed"};
inline constexpr std::size_t kHandshakes = kHandshakeLabels.size();

// What went wrong below DNS: no TLS, another status of HTTP than 200 or another body than an
// answer, no way through the proxy, something else on a stream of QUIC than an answer.
enum class StreamFailure : uint8_t { Tls, Http, Proxy, Quic };
inline constexpr std::array<const char*, 4> kStreamFailureLabels = {"tls", "http", "proxy", "quic"};
inline constexpr std::size_t kStreamFailures = kStreamFailureLabels.size();

// What came of looking into the shared cache.
inline constexpr std::array<const char*, 5> kSharedLabels = {"hit", "miss", "late", "failed",
                                                             "skipped"};  // policy::SharedUse

struct SharedCounters {
  std::array<uint64_t, kSharedLabels.size()> results{};
  uint64_t stored = 0;
  uint64_t unstored = 0;  // that it has not taken
  Histogram latency;      // of hits and misses

  SharedCounters& operator+=(const SharedCounters& other);
};

// Of one server. A question becomes an answer, an error or a time-out, unless another server was
// faster.
struct ServerCounters {
  uint64_t questions = 0;
  std::array<uint64_t, kRcodeLabels> answers{};
  uint64_t errors = 0;     // of the network
  uint64_t timeouts = 0;   // silent for --upstream-retry, and until the question was over
  uint64_t retries = 0;    // questions that were not the first for the same sake
  uint64_t penalties = 0;  // how often it was put behind the others
  std::chrono::sys_seconds certificate_end{};      // 1970: none is known
  std::array<uint64_t, kHandshakes> handshakes{};  // of TLS, by how they ended
  std::array<uint64_t, kStreamFailures> stream_failures{};
  std::array<uint64_t, 2> stream_bytes{};  // over TCP, with what TLS and HTTP add: sent, received
  Histogram latency;                       // of answers

  ServerCounters& operator+=(const ServerCounters& other);
};

}  // namespace dnslet::serve
