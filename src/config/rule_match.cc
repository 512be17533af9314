// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/rule_match.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <utility>

#include "base/text.h"
#include "config/option_values.h"
#include "config/rule_values.h"
#include "config/rule_words.h"
#include "config/server_url.h"

namespace dnslet::config {
namespace {

using policy::Condition;
using About = Condition::About;

constexpr std::size_t kMaxWord = 253;  // no name is longer
constexpr std::string_view kListPrefix = "list:";

Status read_name(std::string_view value, const RuleNames&, Condition& condition) {
  const auto name = rule_name(value);
  if (!name)
    return Error{"is not a domain name, for example ads.test (zone: takes names below it too)"};
  condition.names.push_back(*name);
  return Done{};
}

Status read_word(std::string_view value, const RuleNames&, Condition& condition) {
  if (value.size() > kMaxWord) return Error{"is longer than any name"};
  condition.words.push_back(lower_case(value));
  return Done{};
}

Status read_list(std::string_view value, const RuleNames& known, Condition& condition) {
  const auto list = known.lists.find(lower_case(value));
  if (list == known.lists.end())
    return Error{"names no list of --list (DNSMASQ_LIST); there are: " + names_in(known.lists)};
  condition.lists.push_back(list->second);
  return Done{};
}

Status read_network(std::string_view value, const RuleNames&, Condition& condition) {
  if (lower_case(value) == "private") {
    const auto known = private_networks();
    condition.networks.insert(condition.networks.end(), known.begin(), known.end());
    return Done{};
  }
  const auto network = Network::from_text(value);
  if (!network)
    return Error{"is not a network, for example 10.0.0.0/8, fd00::/8, 10.0.0.5 or private"};
  condition.networks.push_back(*network);
  return Done{};
}

bool names_list(std::string_view value) {
  return lower_case(value.substr(0, kListPrefix.size())) == kListPrefix;
}

// What stands behind a comma has to be in quotes: {1,3}.
Status read_expression(std::string_view value, const RuleNames&, Condition& condition) {
  auto expression = policy::NameExpression::compile(value);
  if (!expression) return Error{"is no expression: " + expression.error().text};
  condition.expressions.push_back(
      std::make_shared<const policy::NameExpression>(std::move(*expression)));
  return Done{};
}

Status read_client(std::string_view value, const RuleNames& known, Condition& condition) {
  if (names_list(value)) return read_list(value.substr(kListPrefix.size()), known, condition);
  return read_network(value, known, condition);
}

// A server that answers with an unspecified address says that there is none, as others do with a
// private one.
Status read_address(std::string_view value, const RuleNames& known, Condition& condition) {
  const std::string word = lower_case(value);
  if (word == "none") {
    condition.has_none = true;
    return Done{};
  }
  if (word == "private")
    for (const char* text : {"0.0.0.0", "::"})
      condition.networks.push_back(*Network::from_text(text));
  return read_client(value, known, condition);
}

Status read_type(std::string_view value, const RuleNames&, Condition& condition) {
  const auto type = dns::type_from_text(value);
  if (!type) return Error{"is not a type of records, for example AAAA, HTTPS or TYPE65"};
  condition.types.push_back(*type);
  return Done{};
}

Status read_protocol(std::string_view value, const RuleNames&, Condition& condition) {
  const auto protocol = protocol_from_text(value);
  if (!protocol || !is_for_clients(*protocol)) return Error{"is not udp, tcp, tls, https or quic"};
  condition.protocols.push_back(*protocol);
  return Done{};
}

Status read_listener(std::string_view value, const RuleNames& known, Condition& condition) {
  const auto listener = Endpoint::from_text(value, kDnsPort);
  if (!listener) return Error{"is not an address and a port, for example 127.0.0.1:5353"};
  if (known.knows_listeners && std::ranges::count(known.listeners, *listener) == 0) {
    std::string all;
    for (const Endpoint& one : known.listeners) (all += all.empty() ? "" : ", ") += one.to_text();
    return Error{"is no listener of --listen (DNSMASQ_LISTEN); there are: " + all};
  }
  condition.listeners.push_back(*listener);
  return Done{};
}

Status read_rcode(std::string_view value, const RuleNames&, Condition& condition) {
  const auto rcode = rule_rcode(value);
  if (!rcode) return Error{"is not a code of answers, for example NXDOMAIN or NOERROR"};
  using dns::Rcode;
  for (const Rcode failure : {Rcode::ServFail, Rcode::Refused, Rcode::NotImp, Rcode::FormErr})
    if (*rcode == failure)
      return Error{
          "is a failure, after which the next server is asked, and no code of an answer; write "
          "for example NXDOMAIN or NOERROR"};
  condition.rcodes.push_back(*rcode);
  return Done{};
}

Status read_alias(std::string_view value, const RuleNames& known, Condition& condition) {
  if (names_list(value)) return read_list(value.substr(kListPrefix.size()), known, condition);
  return read_name(value, known, condition);
}

struct KeyRow {
  std::string_view key;
  About about;
  // Adds one value, or fails with the end of a sentence.
  Status (*read)(std::string_view value, const RuleNames& known, Condition& condition);
};

constexpr auto kKeys = std::to_array<KeyRow>({
    {"name", About::Name, read_name},
    {"zone", About::Zone, read_name},
    {"word", About::Word, read_word},
    {"regex", About::Expression, read_expression},
    {"list", About::List, read_list},
    {"ptr", About::Reverse, read_network},
    {"type", About::Type, read_type},
    {"from", About::Client, read_client},
    {"via", About::Via, read_protocol},
    {"at", About::Listener, read_listener},
    {"answer", About::Address, read_address},
    {"rcode", About::Rcode, read_rcode},
    {"alias", About::Alias, read_alias},
});

std::string all_keys() {
  std::string text = "*";
  for (const KeyRow& row : kKeys) (text += ", ") += std::string(row.key) + ':';
  return text;
}

}  // namespace

Result<Condition> parse_condition(std::string_view word, const RuleNames& known,
                                  std::string& place) {
  place = word;
  Condition condition;
  condition.is_negated = word.starts_with('!');
  if (condition.is_negated) word.remove_prefix(1);
  const std::size_t colon = word.find(':');
  if (colon == std::string_view::npos)
    return Error{"is no condition: write KEY:VALUE, for example zone:ads.test; there are: " +
                 all_keys()};
  const auto* const row = std::ranges::find(kKeys, lower_case(word.substr(0, colon)), &KeyRow::key);
  if (row == kKeys.end()) return Error{"has an unknown key; there are: " + all_keys()};
  condition.about = row->about;
  const auto values = split_rule_values(word.substr(colon + 1));
  if (!values) return values.error();
  for (const std::string& value : *values) {
    place = std::string(row->key) + ':' + value;
    if (const Status read = row->read(value, known, condition); !read) return read.error();
  }
  return condition;
}

}  // namespace dnslet::config
