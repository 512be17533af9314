// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/option_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "dns/name.h"

namespace dnslet::app {
namespace {

constexpr uint16_t kDnsPort = 53;
constexpr std::size_t kMaxQuoted = 100;
constexpr std::string_view kStubZone =
    "a stub zone: write domains, a slash and nameservers, for example corp.example/10.0.0.53";
constexpr std::string_view kStubDomain =
    "a domain, for example corp.example (names below it are included)";
constexpr std::string_view kNextStub = "another nameserver or the domain of another stub zone";
constexpr NumberRange kIds = {0, 4'294'967'294, "ids"};  // one more is (uid_t)-1: nobody at all
constexpr std::string_view kBlanks = " \t\r\n\v\f";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Neither the root, nor a name with an asterisk, which would look like a wildcard and not be one,
// or with a sign that belongs to a list or an address.
bool is_domain(std::string_view text) {
  const auto name = dns::Name::from_text(text);
  return name && !name->view().is_root() && text.find_first_of("*;:=") == std::string_view::npos &&
         !text.ends_with('/') && !IpAddress::from_text(text);
}

// No domain does; a mistyped IPv4 address does.
bool ends_in_number(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  const std::string_view last = text.substr(text.rfind('.') + 1);
  return last.find_first_not_of("0123456789") == std::string_view::npos;
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto endpoint = Endpoint::from_text(text, kDnsPort);
  if (endpoint) return *endpoint;
  return not_a(text,
               "an IP address with an optional port, for example 127.0.0.1:53 or [::1]:53 "
               "(names are not accepted here)");
}

Result<Endpoint> parse_nameserver(std::string_view text) {
  auto nameserver = parse_endpoint(text);
  if (nameserver && nameserver->port == 0)
    return not_a(text, "a nameserver: its port is from 1 to 65535");
  return nameserver;
}

// The domain of a stub zone without its leading dot; empty: it is none.
std::string_view stub_domain(std::string_view text) {
  if (text == ".") return text;
  if (text.starts_with('.')) text.remove_prefix(1);
  return is_domain(text) && !ends_in_number(text) ? text : std::string_view();
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

// The zones of one such part, added to `zones`.
Status add_stub_zones(std::string_view text, std::vector<StubZone>& zones) {
  const auto elements = parse_list(text);
  if (!elements) return elements.error();

  StubZone zone;
  for (const std::string_view element : *elements) {
    const std::size_t slash = element.find('/');
    const bool has_servers = !zone.servers.empty();
    const bool is_server = has_servers && Endpoint::from_text(element, kDnsPort);
    if (has_servers && !is_server) zones.push_back(std::exchange(zone, {}));
    if (!is_server) {
      const std::string_view domain = stub_domain(element.substr(0, slash));
      if (domain.empty())
        return not_a(element.substr(0, slash), has_servers ? kNextStub : kStubDomain);
      zone.domains.emplace_back(domain);
      if (slash == std::string_view::npos) continue;
    }
    const auto server = parse_nameserver(is_server ? element : element.substr(slash + 1));
    if (!server) return server.error();
    zone.servers.push_back(*server);
  }
  if (zone.servers.empty()) return not_a(zone.domains.back(), kStubZone);
  zones.push_back(std::move(zone));
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

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

Error not_a(std::string_view text, std::string_view what) {
  return Error{in_quotes(text) + " is not " + std::string(what)};
}

std::string escaped(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result;
  for (const char c : text) {
    if (c >= ' ' && c <= '~') {
      result += c;
      continue;
    }
    const auto byte = static_cast<uint8_t>(c);
    result += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return result;
}

std::string in_quotes(std::string_view text) {
  const bool cut = text.size() > kMaxQuoted;
  return "'" + escaped(text.substr(0, kMaxQuoted)) + (cut ? "...'" : "'");
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

std::vector<std::string_view> split_blanks(std::string_view text) {
  std::vector<std::string_view> elements;
  while (!(text = trimmed(text)).empty()) {
    const std::string_view element = text.substr(0, text.find_first_of(kBlanks));
    elements.push_back(element);
    text.remove_prefix(element.size());
  }
  return elements;
}

Result<std::vector<Endpoint>> parse_listeners(std::string_view text) {
  const auto elements = parse_list(text);
  if (!elements) return elements.error();

  std::vector<Endpoint> listeners;
  for (const std::string_view element : *elements) {
    const auto listener = parse_endpoint(element);
    if (!listener) return listener.error();
    const bool is_repeated =
        std::find(listeners.begin(), listeners.end(), *listener) != listeners.end();
    if (is_repeated && listener->port != 0) return Error{in_quotes(element) + " is given twice"};
    listeners.push_back(*listener);
  }
  return listeners;
}

Result<std::vector<Endpoint>> parse_nameservers(std::string_view text) {
  const auto elements = parse_list(text);
  if (!elements) return elements.error();

  std::vector<Endpoint> nameservers;
  for (const std::string_view element : *elements) {
    const auto nameserver = parse_nameserver(element);
    if (!nameserver) return nameserver.error();
    nameservers.push_back(*nameserver);
  }
  return nameservers;
}

Result<std::vector<Network>> parse_networks(std::string_view text) {
  const auto elements = parse_list(text);
  if (!elements) return elements.error();

  std::vector<Network> networks;
  for (const std::string_view element : *elements) {
    const auto network = Network::from_text(element);
    if (!network) return not_a(element, "a network, for example 10.0.0.0/8, fd00::/8 or 10.0.0.5");
    networks.push_back(*network);
  }
  return networks;
}

Result<std::vector<std::string>> parse_domains(std::string_view text, std::string_view example) {
  const auto elements = parse_list(text);
  if (!elements) return elements.error();

  std::vector<std::string> domains;
  for (std::string_view element : *elements) {
    const std::string_view domain = element.substr(element.starts_with('.') ? 1 : 0);
    if (!is_domain(domain)) {
      return not_a(element, "a domain, for example " + std::string(example));
    }
    domains.emplace_back(domain);
  }
  return domains;
}

Result<std::vector<StubZone>> parse_stub_zones(std::string_view text) {
  std::vector<StubZone> zones;
  for (const std::string& part : split_zones(std::string(text))) {
    const Status added = add_stub_zones(part, zones);
    if (added) continue;
    const std::string& why = added.error().text;
    return why.starts_with(in_quotes(text)) ? added.error() : Error{in_quotes(text) + ": " + why};
  }
  if (zones.empty()) return not_a(text, kStubZone);
  return zones;
}

Status check_stub_zones(const std::vector<StubZone>& zones) {
  std::set<std::string> seen;
  for (const StubZone& zone : zones) {
    for (const std::string& domain : zone.domains) {
      const auto name = dns::Name::from_text(domain);
      if (!name || seen.insert(name->view().to_text()).second) continue;
      return Error{in_quotes(domain) +
                   " is given twice: name all its servers at once, for example " +
                   "corp.example/10.0.0.53,10.0.0.54"};
    }
  }
  return Done{};
}

Result<StaticRecord> parse_static_record(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return not_a(text, "a name and its addresses, for example db.local=10.0.0.5,fd00::5");
  }

  std::string_view name = trimmed(text.substr(0, equals));
  if (name == "#") name = "*";  // as dnsmasq writes every name
  if (name != "*" && !is_domain(name.substr(name.starts_with("*.") ? 2 : 0))) {
    return Error{in_quotes(text) + ": " + in_quotes(name) +
                 " is not a name, for example db.local or *.apps.local"};
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

Result<policy::ClientOptions> parse_client_options(std::string_view text) {
  const std::string choice = lower_case(text);
  if (choice == "keep") return policy::ClientOptions::Keep;
  if (choice == "auto") return policy::ClientOptions::Auto;
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

}  // namespace dnslet::app
