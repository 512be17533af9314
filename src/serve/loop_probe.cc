// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "serve/loop_probe.h"

#include <unistd.h>

#include <array>
#include <cassert>
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

#include "dns/hash.h"

namespace dnslet::serve {
namespace {

// Below arpa no forwarder appends a search domain, and none answers by itself.
constexpr std::string_view kZone = "dnslet-loop.arpa";
constexpr std::size_t kDigits = 32;  // of the number and of its hash
constexpr std::size_t kWire = 1 + kDigits + 1 + 11 + 1 + 4 + 1;

uint64_t hash_of(uint64_t number, uint64_t secret) {
  std::array<uint8_t, sizeof number> bytes{};
  for (uint8_t& byte : bytes) {
    byte = static_cast<uint8_t>(number);
    number >>= 8;
  }
  return dns::hash(bytes, secret);
}

std::string text_of(uint64_t number, uint64_t secret) {
  std::array<char, kDigits + 1> text{};
  (void)std::snprintf(text.data(), text.size(), "%016llx%016llx",
                      static_cast<unsigned long long>(number),
                      static_cast<unsigned long long>(hash_of(number, secret)));
  return std::string(text.data()) + '.' + std::string(kZone);
}

}  // namespace

uint64_t draw_number() {
  uint64_t number = 0;
  const int status = getentropy(&number, sizeof number);
  assert(status == 0);  // it was there when the process started
  (void)status;
  return number;
}

dns::Name make_probe_name(uint64_t number, uint64_t secret) {
  return *dns::Name::from_text(text_of(number, secret));
}

std::optional<uint64_t> find_probe(dns::NameView name, uint64_t secret) {
  if (name.wire().size() != kWire || name.wire()[0] != kDigits) return std::nullopt;
  const dns::BytesView label = name.first_label();
  const std::string text(label.begin(), label.end());
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + kDigits / 2, number, 16);
  if (error != std::errc() || end != text.data() + kDigits / 2) return std::nullopt;
  if (make_probe_name(number, secret).view() != name) return std::nullopt;
  return number;
}

}  // namespace dnslet::serve
