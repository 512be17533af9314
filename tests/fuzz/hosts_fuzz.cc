// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Any text as a hosts file (two of them: a zero byte parts them): each name of it is found with its
// address, as slow words for the format say, and a table copied source by source is the same table.

#include <algorithm>
#include <cassert>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "input.h"
#include "policy/hosts.h"

namespace {

using namespace dnslet;
using dns::Name;
using policy::HostsReport, policy::HostsTable;

constexpr std::uint64_t kSeed = 1;

std::vector<std::string> split(const std::string& text, const std::string& ends) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (ends.find(c) == std::string::npos)
      parts.back() += c;
    else
      parts.emplace_back();
  }
  return parts;
}

// The (name, address) pairs of a text, by the book.
std::vector<std::pair<std::string, IpAddress>> entries_of(std::string text) {
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  std::vector<std::pair<std::string, IpAddress>> entries;
  for (const std::string& line : split(text, "\n")) {
    std::vector<std::string> words = split(line.substr(0, line.find('#')), " \t\r\v\f");
    std::erase(words, "");
    const auto address = words.empty() ? std::nullopt : IpAddress::from_text(words.front());
    for (std::size_t i = 1; address && i < words.size(); ++i)
      entries.emplace_back(words[i], *address);
  }
  return entries;
}

std::vector<IpAddress> addresses_of(const HostsTable& table, const Name& name) {
  std::vector<IpAddress> addresses;
  const auto owner = table.find(name);
  if (owner) table.for_each_address(*owner, [&](const IpAddress& ip) { addresses.push_back(ip); });
  return addresses;
}

void check_report(const HostsReport& report, const std::string& text) {
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  assert(report.bad_lines <= lines);
  assert(report.first_bad.size() == std::min(report.bad_lines, HostsReport::kMaxNamed));
  std::size_t last = 0;
  for (const policy::BadLine& bad : report.first_bad) {
    assert(bad.line > last && bad.line <= lines && !bad.reason.empty());
    assert(bad.reason.find_first_of("\r\n\x1b\x7f") == std::string::npos);
    last = bad.line;
  }
}

void check_entry(const HostsTable& table, const std::string& text, const IpAddress& address) {
  const bool is_wildcard = text.starts_with("*.");
  if (text == "*") {
    std::vector<IpAddress> of_any;
    table.for_each_address(*table.find_any(), [&](const IpAddress& ip) { of_any.push_back(ip); });
    assert(table.has_any() && std::ranges::find(of_any, address) != of_any.end());
    return;
  }
  // A wildcard is asked for by a name below it, unless that has an entry of its own.
  const auto name = Name::from_text(is_wildcard ? "never-in-a-text" + text.substr(1) : text);
  if (!name || name->view().is_root() || (is_wildcard && name->view().labels() < 2)) return;
  const std::vector<IpAddress> addresses = addresses_of(table, *name);
  assert(std::ranges::find(addresses, address) != addresses.end());
  if (is_wildcard) return;

  const auto host = table.find_name(address);
  assert(host);
  const std::vector<IpAddress> of_host = addresses_of(table, Name(*host));
  assert(std::ranges::find(of_host, address) != of_host.end());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string all(data, data + size);
  HostsTable table(kSeed);
  std::vector<std::pair<std::string, IpAddress>> entries;
  for (const std::string& part : split(all, std::string(1, '\0'))) {
    const dns::Bytes exact(part.begin(), part.end());
    check_report(table.add_text({reinterpret_cast<const char*>(exact.data()), exact.size()}), part);
    std::ranges::copy(entries_of(part), std::back_inserter(entries));
  }
  if (entries.size() > HostsTable::kMaxAddressesPerName) return 0;  // some may be left out

  HostsTable copy(kSeed);
  for (std::size_t source = 1; source <= table.sources(); ++source) copy.add_from(table, source);
  assert(copy.entries() == table.entries() && copy.sources() == table.sources());
  assert(table.entries() <= entries.size());
  for (const auto& [text, address] : entries) {
    check_entry(table, text, address);
    check_entry(copy, text, address);
    const auto name = Name::from_text(text);
    if (name) assert(addresses_of(copy, *name) == addresses_of(table, *name));
    assert(copy.find_name(address) == table.find_name(address));
  }
  return 0;
}
