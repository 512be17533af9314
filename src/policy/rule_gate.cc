// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/rule_gate.h"

#include <algorithm>
#include <string_view>

#include "base/mapped_address.h"
#include "policy/list_letters.h"
#include "policy/network_set.h"

namespace dnslet::policy {
namespace {

using About = Condition::About;

constexpr uint64_t kAnyLetters = 0;             // that a rule needs
constexpr uint64_t kAllLetters = ~uint64_t{0};  // that a name has

constexpr uint64_t bit_of(uint8_t letter) { return uint64_t{1} << (letter & 63U); }

template <typename Letters>
constexpr uint64_t bits_of(const Letters& letters) {
  uint64_t bits = 0;
  for (const auto letter : letters) bits |= bit_of(static_cast<uint8_t>(letter));
  return bits;
}

// What the reverse names of both families have in common.
constexpr uint64_t kReverse =
    bits_of(std::string_view("in-addr.arpa")) & bits_of(std::string_view("ip6.arpa"));

// The letters that a name must have so that the condition may hold.
uint64_t letters_of(const Condition& condition) {
  uint64_t common = kAllLetters;
  switch (condition.about) {
    case About::Name:
    case About::Zone:
      for (const dns::Name& name : condition.names) common &= bits_of(name.view().wire());
      return common;
    case About::Word:
      for (const std::string& word : condition.words) common &= bits_of(word);
      return common;
    case About::Expression:
      for (const auto& expression : condition.expressions) {
        if (expression->literals().empty()) return kAnyLetters;
        for (const std::string& literal : expression->literals()) common &= bits_of(literal);
      }
      return common;
    case About::Reverse:
      return kReverse;
    default:
      return kAnyLetters;
  }
}

}  // namespace

GateKey gate_key_of(const ClientQuestion& asked) {
  const IpAddress client = unmapped(asked.client.address);
  GateKey key{.letters = bit_of('.'),
              .address = client.family == Family::V4 ? NetworkSet::narrow(client) : 0,
              .family = client.family,
              .type = asked.question.type};
  for (const uint8_t byte : asked.question.name.wire()) {
    key.letters |= bit_of(byte);
    // What is no letter of ordinary names is escaped or changed before a rule looks at it.
    if (byte > dns::kMaxLabel && kFolded[byte] == 0) key.letters = kAllLetters;
  }
  return key;
}

RuleGate::RuleGate(const Rule& rule) {
  uint64_t common = kAllLetters;
  std::size_t conditions = 0;  // about the name, one of which is enough
  for (const Condition& condition : rule.conditions) {
    if (condition.is_negated) continue;
    if (is_about_name(condition.about)) {
      ++conditions;
      common &= letters_of(condition);
      if (condition.lists.size() == 1) list_ = condition.lists.front();
    } else if (condition.about == About::Type) {
      uint64_t types = 0;
      for (const dns::Type type : condition.types) types |= bit_of(type);
      types_ &= types;
    } else if (condition.about == About::Client && condition.lists.empty()) {
      look_at_client(condition);
    }
  }
  if (conditions > 0) letters_ = common;
  if (conditions > 1) list_.reset();
}

void RuleGate::look_at_client(const Condition& condition) {
  uint32_t first = UINT32_MAX;
  uint32_t last = 0;
  bool lets_v6 = false;
  for (const Network& network : condition.networks) {
    if (network.address.family == Family::V6) {
      lets_v6 = true;
      continue;
    }
    const auto range = NetworkSet::range_of(network);
    first = std::min(first, range.first);
    last = std::max(last, range.last);
  }
  first_ = std::max(first_, first);
  last_ = std::min(last_, last);
  lets_v6_ = lets_v6_ && lets_v6;
}

}  // namespace dnslet::policy
