// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A cheap look at a question from which most rules are seen not to fit it. What a gate lets through
// still has to be looked at; what it keeps out fits the rule in no case.

#include <cstdint>
#include <optional>

#include "policy/rule.h"
#include "policy/rungs.h"

namespace dnslet::policy {

// What gates look at in a question, found out once for all of them.
struct GateKey {
  uint64_t letters = 0;  // that the name has: a bit for each, which several may share
  uint32_t address = 0;  // of a client of IPv4, also of one that is mapped (RFC 4291, 2.5.5.2)
  Family family = Family::V4;
  dns::Type type = dns::Type::A;
};
GateKey gate_key_of(const ClientQuestion& asked);

class RuleGate {
 public:
  explicit RuleGate(const Rule& rule);

  bool lets(const GateKey& key) const {
    const bool has_type = (types_ & bit_of(key.type)) != 0;
    const bool has_client =
        key.family == Family::V4 ? key.address >= first_ && key.address <= last_ : lets_v6_;
    return (letters_ & ~key.letters) == 0 && has_type && has_client;
  }
  // The one list that has to take the name; nullopt: there is no such list.
  std::optional<ListNumber> list() const { return list_; }

 private:
  static constexpr uint64_t bit_of(dns::Type type) {
    return uint64_t{1} << (static_cast<unsigned>(type) & 63U);
  }
  void look_at_client(const Condition& condition);

  uint64_t letters_ = 0;  // that a name has to have
  uint32_t first_ = 0;    // all networks of IPv4 lie between these
  uint32_t last_ = UINT32_MAX;
  uint64_t types_ = ~uint64_t{0};
  bool lets_v6_ = true;
  std::optional<ListNumber> list_;
};

}  // namespace dnslet::policy
