// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/option_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "base/text.h"
#include "config/server_url.h"
#include "dns/name.h"
#include "policy/key_table.h"

namespace dnslet::config {
namespace {

constexpr std::string_view kStubZone =
    "a stub zone: write domains, a slash and nameservers, for example corp.example/10.0.0.53";
constexpr std::string_view kStubDomain =
    "a domain, for example corp.example (names below it are included)";
constexpr std::string_view kNextStub = "another nameserver or the domain of another stub zone";
constexpr NumberRange kIds = {0, 4'294'967'294, "ids"};  // one more is (uid_t)-1: nobody at all

// Names have slashes where they stand for parts of a network only (RFC 2317 section 4).
bool is_path(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string folded = lower_case(text);
  return slash != std::string_view::npos && slash + 1 < text.size() && !folded.ends_with(".arpa") &&
         !folded.ends_with(".arpa.");
}

// Neither the root, nor a name with an asterisk, which would look like a wildcard and not be one,
// or with a sign that belongs to a list, an address or a path.
std::optional<dns::Name> parse_plain_domain(std::string_view text) {
  const auto name = dns::Name::from_text(text);
  const bool is_domain = name && !name->view().is_root() && !is_path(text) &&
                         text.find_first_of("*;:=") == std::string_view::npos &&
                         !text.ends_with('/') && !IpAddress::from_text(text);
  return is_domain ? name : std::nullopt;
}

// No domain does; a mistyped IPv4 address does.
bool ends_in_number(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  const std::string_view last = text.substr(text.rfind('.') + 1);
  return last.find_first_not_of("0123456789") == std::string_view::npos;
}

// The domain of a stub zone; nullopt: it is none.
std::optional<dns::Name> parse_stub_domain(std::string_view text) {
  if (text == ".") return dns::Name();
  return ends_in_number(text) ? std::nullopt : parse_domain(text);
}

// What stands between two commas of a stub zone: a domain, a server, or both around a slash.
struct StubElement {
  std::optional<std::string_view> domain;
  std::optional<std::string_view> server;
};
// `may_be_server`: the zone has one already, so that another one may come without a domain.
StubElement split_stub(std::string_view text, bool may_be_server, bool is_set) {
  const std::size_t slash = text.find('/');
  const bool has_slash = slash != std::string_view::npos;
  const bool has_scheme = has_slash && text.substr(0, slash).ends_with(':');
  if (may_be_server && (has_scheme || !has_slash) && (is_set || looks_like_server(text)))
    return {std::nullopt, text};
  if (!has_slash) return {text, std::nullopt};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

// Parts at semicolons and blanks, but not at a blank beside a comma.
std::vector<std::string> split_zones(std::string text) {
  std::replace(text.begin(), text.end(), ';', ' ');
  std::vector<std::string> parts;
  for (const std::string_view word : split_blanks(text)) {
    const bool goes_on = !parts.empty() && (parts.back().ends_with(',') || word.starts_with(','));
    if (goes_on)
      parts.back() += word;
    else
      parts.emplace_back(word);
  }
  return parts;
}

// The server, or those of the set.
Status add_servers(std::string_view text, const ServerSets& sets,
                   std::vector<ServerAddress>& servers) {
  if (const auto set = sets.find(text); set != sets.end()) {
    servers.insert(servers.end(), set->second.begin(), set->second.end());
    return Done{};
  }
  auto server = parse_server(text);
  if (!server) return server.error();
  servers.push_back(std::move(*server));
  return Done{};
}

void add_domains(const dns::NameList& domains, dns::NameList& all) {
  domains.for_each([&all](dns::NameView domain) { all.add(domain); });
}

// The zones of one such part, added to `zones`.
Status add_zones_of_part(std::string_view text, const ServerSets& sets, StubZones& zones) {
  const auto elements = parse_list(text);
  if (!elements) return elements.error();

  dns::NameList domains;
  std::vector<ServerAddress> servers;
  for (const std::string_view element : *elements) {
    const bool has_servers = !servers.empty();
    const auto [domain, server] = split_stub(element, has_servers, sets.contains(element));
    if (domain) {
      if (has_servers) add_domains(std::exchange(domains, {}), zones[std::exchange(servers, {})]);
      const auto name = parse_stub_domain(*domain);
      if (!name) return not_a(*domain, has_servers ? kNextStub : kStubDomain);
      domains.add(*name);
    }
    if (!server) continue;
    if (Status added = add_servers(*server, sets, servers); !added) return added;
  }
  if (servers.empty()) return not_a(elements->back(), kStubZone);
  add_domains(domains, zones[std::move(servers)]);
  return Done{};
}

Result<std::vector<IpAddress>> parse_addresses(std::string_view text) {
  const auto elements = parse_list(text);
  if (!elements) return elements.error();

  std::vector<IpAddress> addresses;
  for (const std::string_view element : *elements) {
    const auto address = IpAddress::from_text(element);
    if (!address) return not_a(element, "an IP address, for example 10.0.0.5 or fd00::5");
    addresses.push_back(*address);
  }
  return addresses;
}

}  // namespace

std::optional<dns::Name> parse_domain(std::string_view text) {
  return parse_plain_domain(text.substr(text.starts_with('.') ? 1 : 0));
}

Result<bool> parse_boolean(std::string_view text) {
  constexpr std::array<std::string_view, 5> kTrue = {"true", "1", "t", "yes", "on"};
  constexpr std::array<std::string_view, 5> kFalse = {"false", "0", "f", "no", "off"};
  const std::string word = lower_case(text);
  if (std::find(kTrue.begin(), kTrue.end(), word) != kTrue.end()) return true;
  if (std::find(kFalse.begin(), kFalse.end(), word) != kFalse.end()) return false;
  return not_a(text, "true or false (1 or 0, t or f, yes or no, on or off)");
}

Result<uint32_t> parse_number(std::string_view text, NumberRange range) {
  uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code == std::errc() && stop == end && value >= range.min && value <= range.max) return value;
  return not_a(text, "a number of " + std::string(range.unit) + " from " +
                         std::to_string(range.min) + " to " + std::to_string(range.max));
}

Result<std::vector<std::string_view>> parse_list(std::string_view text) {
  std::vector<std::string_view> elements;
  std::size_t start = 0;
  while (true) {
    const std::size_t comma = std::min(text.find(',', start), text.size());
    const std::string_view element = trimmed(text.substr(start, comma - start));
    if (element.empty()) {
      return not_a(text, "a list: put a value on both sides of every comma, for example a,b");
    }
    elements.push_back(element);
    if (comma == text.size()) return elements;
    start = comma + 1;
  }
}

// The elements of a list, each read by `parse`.
template <typename T, typename Parse>
Result<std::vector<T>> parse_each(std::string_view text, Parse parse) {
  const auto elements = parse_list(text);
  if (!elements) return elements.error();

  std::vector<T> values;
  for (const std::string_view element : *elements) {
    auto value = parse(element);
    if (!value) return value.error();
    values.push_back(std::move(*value));
  }
  return values;
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto endpoint = Endpoint::from_text(text, kDnsPort);
  if (endpoint) return *endpoint;
  return not_a(text,
               "an IP address with an optional port, for example 127.0.0.1:53 or [::1]:53 "
               "(names are not accepted here)");
}

Result<std::vector<Endpoint>> parse_bootstrap(std::string_view text) {
  return parse_each<Endpoint>(text, [](std::string_view element) {
    auto server = parse_endpoint(element);
    if (server && server->port == 0)
      return Result<Endpoint>(not_a(element, "a server: its port is from 1 to 65535"));
    return server;
  });
}

Result<std::vector<ServerAddress>> parse_nameservers(std::string_view text) {
  return parse_each<ServerAddress>(text, parse_server);
}

Result<std::vector<Network>> parse_networks(std::string_view text) {
  const auto elements = parse_list(text);
  if (!elements) return elements.error();

  std::vector<Network> networks;
  for (const std::string_view element : *elements) {
    if (lower_case(element) == "private") {
      const auto known = private_networks();
      networks.insert(networks.end(), known.begin(), known.end());
      continue;
    }
    const auto network = Network::from_text(element);
    if (!network)
      return not_a(element, "a network, for example 10.0.0.0/8, fd00::/8, 10.0.0.5 or private");
    networks.push_back(*network);
  }
  return networks;
}

Result<std::vector<dns::Name>> parse_blocked_domains(std::string_view text) {
  return parse_each<dns::Name>(text, [](std::string_view element) -> Result<dns::Name> {
    if (const auto name = parse_domain(element)) return *name;
    if (is_path(element))
      return Error{in_quotes(element) +
                   " is a path, where a domain is expected; name a file of domains with "
                   "--blocklist"};
    return not_a(element, "a domain, for example ads.example (names below it are included)");
  });
}

Result<std::vector<dns::Name>> parse_search_domains(std::string_view text) {
  const auto elements = parse_list(text);
  if (!elements) return elements.error();

  std::vector<dns::Name> domains;
  for (const std::string_view element : *elements) {
    if (element == ".") continue;
    const auto name = parse_domain(element);
    if (!name) return not_a(element, "a domain, for example corp.example");
    domains.push_back(*name);
  }
  return domains;
}

Status add_stub_zones(std::string_view text, const ServerSets& sets, StubZones& zones) {
  const auto parts = split_zones(std::string(text));
  for (const std::string& part : parts) {
    const Status added = add_zones_of_part(part, sets, zones);
    if (added) continue;
    const std::string& why = added.error().text;
    return why.starts_with(in_quotes(text)) ? added.error() : Error{in_quotes(text) + ": " + why};
  }
  if (parts.empty()) return not_a(text, kStubZone);
  return Done{};
}

Status check_stub_zones(const StubZones& zones) {
  policy::KeyTable seen(0);  // no secret: who writes the zones gains nothing by collisions
  std::size_t entered = 0;
  std::optional<std::string> repeated;
  for (const auto& [servers, domains] : zones)
    domains.for_each([&](dns::NameView domain) {
      if (seen.insert(domain.wire()) == entered)
        ++entered;
      else if (!repeated)
        repeated = domain.to_text();
    });
  if (!repeated) return Done{};
  return Error{in_quotes(*repeated) +
               " is given twice: name all its servers at once, for example " +
               "corp.example/10.0.0.53,10.0.0.54"};
}

Result<StaticRecord> parse_static_record(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return not_a(text, "a name and its addresses, for example db.test=10.0.0.5,fd00::5");
  }

  std::string_view name = trimmed(text.substr(0, equals));
  if (name == "#") name = "*";  // as dnsmasq writes every name
  if (name != "*" && !parse_plain_domain(name.substr(name.starts_with("*.") ? 2 : 0))) {
    return Error{in_quotes(text) + ": " + in_quotes(name) +
                 " is not a name, for example db.test or *.apps.test"};
  }

  const auto addresses = parse_addresses(text.substr(equals + 1));
  if (!addresses) return Error{in_quotes(text) + ": " + addresses.error().text};
  return StaticRecord{std::string(name), *addresses};
}

Result<policy::Filter> parse_filter(std::string_view text) {
  const std::string family = lower_case(text);
  if (family == "a") return policy::Filter::A;
  if (family == "aaaa") return policy::Filter::Aaaa;
  return not_a(text, "a or aaaa");
}

Result<ClientOptions> parse_client_options(std::string_view text) {
  const std::string choice = lower_case(text);
  if (choice == "keep") return ClientOptions::Keep;
  if (choice == "auto") return ClientOptions::Auto;
  return not_a(text, "keep or auto");
}

Result<io::UserIds> parse_user(std::string_view text) {
  const bool is_name = text.find_first_not_of("0123456789:-+") != std::string_view::npos &&
                       text.find(':') == std::string_view::npos;
  if (is_name) {
    const auto user = io::find_user(std::string(text));
    if (user) return *user;
    return not_a(text, "a user of this system: write a name of /etc/passwd, or a uid and a gid");
  }

  const std::size_t colon = std::min(text.find(':'), text.size());
  const auto uid = parse_number(text.substr(0, colon), kIds);
  const bool has_gid = colon < text.size();
  const auto gid = has_gid ? parse_number(text.substr(colon + 1), kIds) : uid;
  if (!uid || !gid)
    return not_a(text, "a user: write a name, a uid or uid:gid, for example nobody or 65534:65534");
  return io::UserIds{*uid, has_gid ? *gid : io::find_group_of(*uid).value_or(*uid)};
}

Result<dns::Question> parse_question(std::string_view text) {
  const auto words = split_blanks(text);
  if (words.empty() || words.size() > 2)
    return not_a(text, "a name and perhaps a type, for example 'www.example AAAA'");
  dns::Question question;
  if (const auto address = IpAddress::from_text(words[0])) {
    question.name = dns::reverse_of(*address);
    question.type = dns::Type::PTR;
  } else {
    const auto name = dns::Name::from_text(words[0]);
    const bool is_none = words[0].starts_with('-') || words[0].find(':') != std::string_view::npos;
    if (!name || is_none) return not_a(words[0], "a name or an address, for example www.example");
    question.name = *name;
  }
  if (words.size() == 1) return question;
  const auto type = dns::type_from_text(words[1]);
  if (!type) return not_a(words[1], "a type of records, for example AAAA or TYPE65");
  question.type = *type;
  return question;
}

Result<std::string> parse_path(std::string_view text) {
  if (text.empty()) return not_a(text, "a path, for example /etc/hosts");
  return std::string(text);
}

Result<std::vector<std::string>> parse_paths(std::string_view text) {
  return parse_each<std::string>(text, parse_path);
}

}  // namespace dnslet::config
