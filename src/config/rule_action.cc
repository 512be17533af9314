// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/rule_action.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"
#include "config/rule_values.h"
#include "config/rule_words.h"
#include "config/server_url.h"

namespace dnslet::config {
namespace {

using dns::Rcode;
using policy::RuleAction;
using Kind = RuleAction::Kind;

constexpr std::size_t kMaxAddresses = 1000;  // an answer of them fits a message
constexpr std::size_t kMaxText = 255;        // RFC 1035 section 3.3: of a character-string

// What stands between commas in the next word. Fails where there is none.
Result<std::vector<std::string>> take_values(RuleWords& words) {
  return split_rule_values(words.take());
}

void add_once(const ServerAddress& server, std::vector<ServerAddress>& servers) {
  if (std::ranges::count(servers, server) == 0) servers.push_back(server);
}

Status read_servers(RuleWords& words, const RuleNames& known, RuleAction& action) {
  if (words.left.empty())
    return Error{"needs servers, for example 10.0.0.1, or a set of --server; there are: " +
                 names_in(known.sets)};
  const auto values = take_values(words);
  if (!values) return values.error();
  for (const std::string& value : *values) {
    const auto set = known.sets.find(value);
    if (set != known.sets.end()) {
      for (const ServerAddress& server : set->second) add_once(server, action.servers);
      continue;
    }
    if (!looks_like_server(value))
      return Error{
          ": " + in_quotes(value) + " is no set of --server (DNSMASQ_SERVER_SETS); there are: " +
          names_in(known.sets) + " (a host needs a port here, for example " + "dns.example:53)"};
    const auto server = parse_server(value);
    if (!server) return Error{": " + server.error().text};
    add_once(*server, action.servers);
  }
  return Done{};
}

Status read_code(RuleWords& words, const RuleNames&, RuleAction& action) {
  const auto rcode = rule_rcode(words.take());
  if (!rcode) return Error{"is not a code of answers, for example rcode NXDOMAIN or rcode REFUSED"};
  action.rcode = *rcode;
  return Done{};
}

Status read_text(RuleWords& words, RuleAction& action) {
  if (words.left.empty()) return Error{"needs a text, for example answer TXT \"v=spf1 -all\""};
  auto values = take_values(words);
  if (!values) return values.error();
  if (values->size() > 1) return Error{"needs double quotes around a text with commas"};
  if (values->front().size() > kMaxText) return Error{"is a text of more than 255 bytes"};
  action.text = std::move(values->front());
  return Done{};
}

Status read_answer(RuleWords& words, const RuleNames&, RuleAction& action) {
  if (words.left.empty())
    return Error{
        "needs addresses or a text, for example answer 10.0.0.1,fd00::1 or answer TXT "
        "\"v=spf1 -all\""};
  if (lower_case(words.left.front()) == "txt") {
    (void)words.take();
    return read_text(words, action);
  }
  const auto values = take_values(words);
  if (!values) return values.error();
  if (values->size() > kMaxAddresses)
    return Error{"has more than " + std::to_string(kMaxAddresses) + " addresses"};
  for (const std::string& value : *values) {
    const auto address = IpAddress::from_text(value);
    if (!address)
      return Error{": " + in_quotes(value) +
                   " is not an IP address, for example 10.0.0.1 or fd00::1, nor TXT and a text"};
    action.addresses.push_back(*address);
  }
  return Done{};
}

Status read_target(RuleWords& words, const RuleNames&, RuleAction& action) {
  const auto values = take_values(words);
  const auto name = values && values->size() == 1 ? rule_name(values->front()) : std::nullopt;
  if (!name || name->view().is_root())
    return Error{"is not the name of a target, for example alias www.example"};
  action.target = *name;
  return Done{};
}

Status check_fake(RuleWords&, const RuleNames& known, RuleAction&) {
  if (known.has_fake_addresses) return Done{};
  return Error{"needs networks to take addresses from; name them in --fake-ip (DNSMASQ_FAKE_IP)"};
}

struct ActionRow {
  std::string_view word;
  Kind kind;
  Rcode rcode = Rcode::NoError;
  // Takes what belongs to the action, or fails with the end of a sentence. Null: nothing does.
  Status (*read)(RuleWords& words, const RuleNames& known, RuleAction& action) = nullptr;
};

constexpr auto kActions = std::to_array<ActionRow>({
    {"ask", Kind::Ask, Rcode::NoError, read_servers},
    {"block", Kind::Rcode, Rcode::NxDomain},
    {"refuse", Kind::Rcode, Rcode::Refused},
    {"empty", Kind::Rcode, Rcode::NoError},
    {"drop", Kind::Drop},
    {"rcode", Kind::Rcode, Rcode::NoError, read_code},
    {"answer", Kind::Answer, Rcode::NoError, read_answer},
    {"fake", Kind::Fake, Rcode::NoError, check_fake},
    {"alias", Kind::Alias, Rcode::NoError, read_target},
    {"pass", Kind::Pass},
    {"with", Kind::With},
});

template <typename Rows>
std::string words_of(const Rows& rows) {
  std::string text;
  for (const auto& row : rows) add_item(text, row.word);
  return text;
}

// From the first to before the last of words that stand in one text.
std::string text_between(const std::string_view* first, const std::string_view* last) {
  std::string text;
  for (const std::string_view* word = first; word != last; ++word)
    (text += text.empty() ? "" : " ") += *word;
  return text;
}

}  // namespace

Result<RuleAction> parse_rule_action(RuleWords& words, const RuleNames& known, std::string& place) {
  const std::string_view* const first = words.left.data();
  const std::string_view word = words.take();
  place = word.empty() ? kArrow : word;
  const auto* const row = std::ranges::find(kActions, lower_case(word), &ActionRow::word);
  if (row == kActions.end())
    return Error{(word.empty() ? "needs an action behind it" : "is no action") +
                 std::string("; there are: ") + words_of(kActions)};
  RuleAction action{.kind = row->kind, .servers = {}, .rcode = row->rcode, .addresses = {}};
  if (!row->read) return action;
  const Status read = row->read(words, known, action);
  place = text_between(first, words.left.data());
  if (!read) return read.error();
  return action;
}

}  // namespace dnslet::config
