// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The options of a rule, which stand behind its action.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/address_set.h"
#include "base/text.h"
#include "config/option_values.h"
#include "config/rule_action.h"
#include "config/rule_words.h"
#include "config/server_url.h"
#include "config/subnet_text.h"

namespace dnslet::config {
namespace {

using policy::Rule;

constexpr uint32_t kMaxTtl = 2'147'483'647;  // RFC 2181 section 8
constexpr uint32_t kMaxWait = 86'400'000;    // a day: longer is a slip of the unit
constexpr uint32_t kMaxLimit = 1'000'000;
constexpr uint32_t kMaxRace = 100;
constexpr std::size_t kMaxSwap = 100;
constexpr std::size_t kMaxSets = 100;

template <typename T>
Status read_number(std::string_view value, const NumberRange& range, std::optional<T>& field) {
  const auto number = parse_number(value, range);
  if (!number) return Error{": " + number.error().text};
  field = T(*number);
  return Done{};
}

Status read_ttl(std::string_view value, Rule& rule) {
  const NumberRange range{0, kMaxTtl, "seconds"};
  const std::size_t dash = value.find('-');
  const auto least = parse_number(value.substr(0, dash), range);
  const auto most =
      dash == std::string_view::npos ? least : parse_number(value.substr(dash + 1), range);
  if (!least || !most || *least > *most)
    return Error{
        "is not a time to live in seconds, or the least and the most, for example ttl:60 "
        "or ttl:30-3600"};
  rule.options.ttl = policy::TtlRange{*least, *most};
  return Done{};
}

Status read_family(const std::string& key, std::string_view value, std::optional<Family>& field) {
  const std::string family = lower_case(value);
  if (family != "ipv4" && family != "ipv6")
    return Error{"is not " + key + ":ipv4 or " + key + ":ipv6"};
  field = family == "ipv4" ? Family::V4 : Family::V6;
  return Done{};
}

Status read_only(std::string_view value, Rule& rule) {
  return read_family("only", value, rule.options.only);
}

Status read_prefer(std::string_view value, Rule& rule) {
  return read_family("prefer", value, rule.options.prefer);
}

Status read_limit(std::string_view value, Rule& rule) {
  return read_number(value, {1, kMaxLimit, "questions a second"}, rule.options.limit);
}

Status read_wait(std::string_view value, Rule& rule) {
  return read_number(value, {1, kMaxWait, "milliseconds"}, rule.options.wait);
}

Status read_race(std::string_view value, Rule& rule) {
  return read_number(value, {1, kMaxRace, "servers"}, rule.options.race);
}

Status read_nocache(std::string_view, Rule& rule) {
  rule.options.is_uncached = true;
  return Done{};
}

Status read_ahead(std::string_view, Rule& rule) {
  rule.asks_ahead = true;
  return Done{};
}

Status read_swap(std::string_view value, Rule& rule) {
  const auto address = IpAddress::from_text(value);
  if (!address)
    return Error{": " + in_quotes(value) + " is not an IP address, for example 192.0.2.1"};
  rule.swap.push_back(*address);
  return Done{};
}

Status read_subnet(std::string_view value, Rule& rule) {
  const auto subnet = parse_subnet(value);
  if (!subnet) return Error{": " + subnet.error().text};
  rule.options.subnet = *subnet;
  return Done{};
}

// As the kernel takes names; what can't be printed is a slip.
bool is_name(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

// Returns the rule's own of that kind.
const AddressSets* add_set(AddressSet set, Rule& rule, AddressSets policy::RuleSets::*kind) {
  if (!rule.sets) rule.sets = std::make_shared<policy::RuleSets>();
  AddressSets& sets = *rule.sets.*kind;
  sets.push_back(std::make_shared<const AddressSet>(std::move(set)));
  return &sets;
}

Error no_sets() { return only_in_full("is a set of the packet filter"); }

Status read_nft(std::string_view value, Rule& rule) {
  if (!has_address_sets()) return no_sets();
  constexpr std::size_t kMaxName = 255;
  const std::string_view rest = value.substr(std::min(value.find('/'), value.size()));
  const std::size_t slash = rest.find('/', 1);
  AddressSet set{.family = lower_case(value.substr(0, value.size() - rest.size()))};
  if (slash != std::string_view::npos) {
    set.table = rest.substr(1, slash - 1);
    set.name = rest.substr(slash + 1);
  }
  if (std::ranges::count(kNftFamilies, set.family, &NftFamily::word) == 0 ||
      !is_name(set.table, kMaxName) || !is_name(set.name, kMaxName))
    return Error{
        "is not a set of nftables as FAMILY/TABLE/SET, for example nft:inet/filter/allowed"};
  rule.options.nft_sets = add_set(std::move(set), rule, &policy::RuleSets::nft);
  return Done{};
}

Status read_ipset(std::string_view value, Rule& rule) {
  if (!has_address_sets()) return no_sets();
  constexpr std::size_t kMaxName = 31;
  if (!is_name(value, kMaxName))
    return Error{"is not the name of an ipset, of 31 letters at most, for example ipset:allowed"};
  AddressSet set{.kind = AddressSet::Kind::Ipset, .name = std::string(value)};
  rule.options.ip_sets = add_set(std::move(set), rule, &policy::RuleSets::ip);
  return Done{};
}

struct RuleOptionRow {
  std::string_view word;
  std::string_view example;  // with a colon: the option has a value
  // Reads a value, or fails with the end of a sentence.
  Status (*read)(std::string_view value, Rule& rule);
  std::size_t most_values = 1;

  bool has_value() const { return example.find(':') != std::string_view::npos; }
};

constexpr auto kOptions = std::to_array<RuleOptionRow>({
    {"ttl", "ttl:30-3600", read_ttl},
    {"nocache", "nocache", read_nocache},
    {"only", "only:ipv4", read_only},
    {"prefer", "prefer:ipv4", read_prefer},
    {"limit", "limit:100", read_limit},
    {"wait", "wait:300", read_wait},
    {"race", "race:2", read_race},
    {"ahead", "ahead", read_ahead},
    {"subnet", "subnet:client/24/56", read_subnet},
    {"swap", "swap:192.0.2.1", read_swap, kMaxSwap},
    {"nft", "nft:inet/filter/allowed", read_nft, kMaxSets},
    {"ipset", "ipset:allowed", read_ipset, kMaxSets},
});

Error unknown_option() {
  std::string text = "is no option of a rule; there are, for example: ";
  for (const RuleOptionRow& row : kOptions)
    (text += row.word == kOptions.front().word ? "" : ", ") += row.example;
  return Error{text};
}

Status parse_option(const RuleOptionRow& row, std::string_view value, Rule& rule) {
  if (!row.has_value()) return row.read({}, rule);
  const auto values = split_rule_values(value);
  if (!values) return values.error();
  if (values->size() > row.most_values)
    return Error{row.most_values == 1
                     ? "has more than one value"
                     : "has more than " + std::to_string(row.most_values) + " values"};
  for (const std::string& one : *values)
    if (const Status read = row.read(one, rule); !read) return read.error();
  return Done{};
}

}  // namespace

Status parse_rule_options(RuleWords& words, std::string& place, Rule& rule) {
  std::array<bool, kOptions.size()> is_given{};
  while (!words.left.empty()) {
    const std::string_view word = words.take();
    place = word;
    const std::size_t colon = word.find(':');
    const bool has_value = colon != std::string_view::npos;
    const auto* const row =
        std::ranges::find(kOptions, lower_case(word.substr(0, colon)), &RuleOptionRow::word);
    if (row == kOptions.end() || row->has_value() != has_value) return unknown_option();
    bool& is_known = is_given[static_cast<std::size_t>(row - kOptions.begin())];
    if (is_known && row->most_values == 1) return Error{"is given twice"};
    is_known = true;
    const Status read = parse_option(*row, has_value ? word.substr(colon + 1) : word, rule);
    if (!read) return read.error();
  }
  return Done{};
}

}  // namespace dnslet::config
