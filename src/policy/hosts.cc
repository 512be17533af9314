// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/hosts.h"

#include <algorithm>

namespace dnslet::policy {
namespace {

constexpr bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Takes the next word off the front of `line`; empty at its end.
std::string_view next_word(std::string_view& line) {
  const auto* const start = std::find_if_not(line.begin(), line.end(), is_blank);
  const auto* const end = std::find_if(start, line.end(), is_blank);
  line = std::string_view(end, line.end());
  return {start, end};
}

// For a message: printable, and not the whole of a line of a megabyte.
std::string quoted(std::string_view word) {
  constexpr std::size_t kMaxQuoted = 64;
  std::string text = "'";
  for (const char c : word.substr(0, kMaxQuoted)) text += c >= ' ' && c < 127 ? c : '?';
  return text + (word.size() > kMaxQuoted ? "…'" : "'");
}

}  // namespace

HostsReport HostsTable::add_text(std::string_view text) {
  HostsReport report;
  start_source();
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());

  for (std::size_t number = 1; !text.empty(); ++number) {  // ends: every turn takes a line off
    const std::size_t end = std::min(text.find('\n'), text.size());
    add_line(text.substr(0, end), number, report);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return report;
}

void HostsTable::add_line(std::string_view line, std::size_t number, HostsReport& report) {
  line = line.substr(0, line.find('#'));
  const std::string_view address_text = next_word(line);
  if (address_text.empty()) return;

  std::string reason;
  const auto address = IpAddress::from_text(address_text);
  if (!address) {
    reason = quoted(address_text) + " is not an IP address";
  } else {
    std::string_view name = next_word(line);
    if (name.empty()) reason = "no name behind the address";
    for (; !name.empty(); name = next_word(line)) {
      const Added added = add(name, *address);
      if (added == Added::BadName) reason = quoted(name) + " is not a usable name";
      if (added == Added::TooMany) reason = quoted(name) + " has too many addresses";
    }
  }
  if (reason.empty()) return;

  ++report.bad_lines;
  if (report.first_bad.size() < HostsReport::kMaxNamed)
    report.first_bad.push_back({number, std::move(reason)});
}

void HostsTable::add_from(const HostsTable& table, std::size_t source) {
  start_source();
  for (const Address& entry : table.addresses_) {
    if (entry.source != source) continue;
    const Owner& owner = table.owners_[entry.owner];
    const KeyTable& names = owner.is_wildcard ? table.wildcards_ : table.exact_;
    const dns::NameView name(names.key(owner.name));
    (void)link(owner_of(name, owner.is_wildcard), entry.ip);  // what was left out then is told then
  }
}

Added HostsTable::add(std::string_view name, const IpAddress& address) {
  const bool is_wildcard = name.starts_with("*.");
  if (is_wildcard) name.remove_prefix(2);
  const auto owner = dns::Name::from_text(name);
  if (!owner || owner->view().is_root()) return Added::BadName;
  return link(owner_of(*owner, is_wildcard), address);
}

uint32_t HostsTable::owner_of(dns::NameView name, bool is_wildcard) {
  KeyTable& names = is_wildcard ? wildcards_ : exact_;
  std::vector<uint32_t>& owner_of_name = is_wildcard ? wildcard_owner_ : exact_owner_;
  const uint32_t number = names.insert(name.wire());
  if (number < owner_of_name.size()) return owner_of_name[number];

  owner_of_name.push_back(static_cast<uint32_t>(owners_.size()));
  owners_.push_back({number, is_wildcard});
  return owner_of_name.back();
}

Added HostsTable::link(uint32_t owner, const IpAddress& address) {
  Owner& entry = owners_[owner];
  if (entry.count == kMaxAddressesPerName) return Added::TooMany;
  bool known = false;
  for_each_address(owner, [&](const IpAddress& other) { known = known || other == address; });
  const auto number = static_cast<uint32_t>(addresses_.size());
  addresses_.push_back({address, owner, sources_, kNone});
  if (known) return Added::Yes;  // kept for add_from(), in case the other source loses it

  ++entries_;
  ++entry.count;
  (entry.last == kNone ? entry.first : addresses_[entry.last].next) = number;
  entry.last = number;

  if (entry.is_wildcard) return Added::Yes;  // "*.db.local" is nobody's host name
  if (reverse_.insert(address.data()) == reverse_owner_.size()) reverse_owner_.push_back(owner);
  return Added::Yes;
}

std::optional<uint32_t> HostsTable::find(dns::NameView name) const {
  if (const auto number = exact_.find(name.wire())) return exact_owner_[*number];
  if (wildcards_.empty() || name.is_root()) return std::nullopt;
  const auto number = find_closest(wildcards_, name.parent());
  if (!number) return std::nullopt;
  return wildcard_owner_[*number];
}

std::optional<dns::NameView> HostsTable::find_name(const IpAddress& address) const {
  const auto number = reverse_.find(address.data());
  if (!number) return std::nullopt;
  return dns::NameView(exact_.key(owners_[reverse_owner_[*number]].name));
}

}  // namespace dnslet::policy
