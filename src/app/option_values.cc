// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/option_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "dns/name.h"

namespace dnslet::app {
namespace {

constexpr uint16_t kDnsPort = 53;
constexpr std::size_t kMaxQuoted = 100;
constexpr std::string_view kBlanks = " \t\r\n\v\f";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

Error not_a(std::string_view text, std::string_view what) {
  return Error{quoted(text) + " is not " + std::string(what)};
}

// Neither the root nor a name with an asterisk, which would look like a wildcard and not be one.
bool is_domain(std::string_view text) {
  const auto name = dns::Name::from_text(text);
  return name && !name->view().is_root() && text.find('*') == std::string_view::npos;
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto endpoint = Endpoint::from_text(text, kDnsPort);
  if (endpoint) return *endpoint;
  return not_a(text,
               "an IP address with an optional port, for example 127.0.0.1:53 or [::1]:53 "
               "(names are not accepted here)");
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

std::string quoted(std::string_view text) {
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
    if (is_repeated && listener->port != 0) return Error{quoted(element) + " is given twice"};
    listeners.push_back(*listener);
  }
  return listeners;
}

Result<std::vector<Endpoint>> parse_nameservers(std::string_view text) {
  const auto elements = parse_list(text);
  if (!elements) return elements.error();

  std::vector<Endpoint> nameservers;
  for (const std::string_view element : *elements) {
    const auto nameserver = parse_endpoint(element);
    if (!nameserver) return nameserver.error();
    if (nameserver->port == 0) return not_a(element, "a nameserver: its port is from 1 to 65535");
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

Result<std::vector<std::string>> parse_domains(std::string_view text) {
  const auto elements = parse_list(text);
  if (!elements) return elements.error();

  std::vector<std::string> domains;
  for (std::string_view element : *elements) {
    const std::string_view domain = element.substr(element.starts_with('.') ? 1 : 0);
    if (!is_domain(domain)) {
      return not_a(element, "a domain, for example ads.example (names below it are included)");
    }
    domains.emplace_back(domain);
  }
  return domains;
}

Result<StaticRecord> parse_static_record(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return not_a(text, "a name and its addresses, for example db.local=10.0.0.5,fd00::5");
  }

  const std::string_view name = trimmed(text.substr(0, equals));
  if (!is_domain(name.substr(name.starts_with("*.") ? 2 : 0))) {
    return Error{quoted(text) + ": " + quoted(name) +
                 " is not a name, for example db.local or *.apps.local"};
  }

  const auto addresses = parse_addresses(text.substr(equals + 1));
  if (!addresses) return Error{quoted(text) + ": " + addresses.error().text};
  return StaticRecord{std::string(name), *addresses};
}

Result<Filter> parse_filter(std::string_view text) {
  const std::string family = lower_case(text);
  if (family == "a") return Filter::A;
  if (family == "aaaa") return Filter::Aaaa;
  return not_a(text, "a or aaaa");
}

Result<std::string> parse_path(std::string_view text) {
  if (text.empty()) return not_a(text, "a path, for example /etc/hosts");
  return std::string(text);
}

}  // namespace dnslet::app
