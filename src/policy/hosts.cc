// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/hosts.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace dnslet::policy {
namespace {

// As isspace(3) in the C locale, by which the C library takes these files apart.
constexpr bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

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

HostsReport HostsTable::add_text(std::string_view text, const StopFlag& stop) {
  HostsReport report;
  start_source();
  text = without_mark(text);

  for (std::size_t number = 1; !text.empty(); ++number) {  // ends: every turn takes a line off
    if (is_set(stop)) return report;
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
      const Added added = add_word(name, *address, number);
      if (added == Added::BadName) reason = quoted(name) + " is not a usable name";
      if (added == Added::TooMany)
        reason = quoted(name) + " has more than " + std::to_string(kMaxAddressesPerName) +
                 " addresses, the rest does not count";
    }
  }
  if (reason.empty()) return;

  ++report.bad_lines;
  if (report.first_bad.size() < HostsReport::kMaxNamed)
    report.first_bad.push_back({number, std::move(reason)});
}

void HostsTable::add_from(const HostsTable& table, std::size_t source) {
  start_source();
  table.for_each_entry([&](const HostsEntry& entry) {
    if (entry.source == source) (void)enter(entry);  // what was left out then is told then
  });
}

Added HostsTable::add(std::string_view name, const IpAddress& address) {
  return add_word(name, address, 0);
}

Added HostsTable::add_word(std::string_view word, const IpAddress& address, std::size_t line) {
  if (word == "*") return enter({dns::Name(), true, address, sources_, line});
  const bool is_wildcard = word.starts_with("*.");
  if (is_wildcard) word.remove_prefix(2);
  const auto owner = dns::Name::from_text(word);
  if (!owner || owner->view().is_root()) return Added::BadName;
  return enter({*owner, is_wildcard, address, sources_, line});
}

Added HostsTable::enter(const HostsEntry& entry) {
  const IpAddress& address = entry.address;
  std::vector<Owner>& owners = entry.is_wildcard ? wildcard_owners_ : exact_owners_;
  const uint32_t number = (entry.is_wildcard ? wildcards_ : exact_).insert(entry.name.wire());
  Linked linked = Linked::New;
  if (number == owners.size())
    owners.push_back({address});
  else
    linked = link(owners[number], number * 2ULL + (entry.is_wildcard ? 1 : 0), address);
  if (linked == Linked::TooMany) return Added::TooMany;
  if (linked == Linked::OneMoreTooMany) return Added::OneMoreTooMany;

  entries_.push_back(
      {address, entry.is_wildcard, number, sources_, static_cast<uint32_t>(entry.line)});
  // What is known is kept for add_from(), in case the other source loses it.
  if (linked == Linked::Known) return Added::Yes;

  ++distinct_;
  if (entry.is_wildcard) return Added::Yes;  // "*.db.local" is nobody's host name
  if (reverse_.insert(address.data()) == first_names_.size()) first_names_.push_back(number);
  return Added::Yes;
}

HostsTable::Linked HostsTable::link(Owner& owner, uint64_t key, const IpAddress& address) {
  uint32_t count = 1;
  uint32_t* end = &owner.next;
  bool is_known = owner.first == address;
  for (; *end != kNone && count < kFew; end = &entries_[*end].next, ++count)
    is_known = is_known || entries_[*end].ip == address;
  if (is_known) return Linked::Known;
  if (count == kFew) return link(crowd_of(owner, key), address);
  *end = static_cast<uint32_t>(entries_.size());
  return Linked::New;
}

HostsTable::Linked HostsTable::link(Crowd& crowd, const IpAddress& address) {
  const std::size_t count = crowd.addresses.size();
  if (count == kMaxAddressesPerName) {
    if (crowd.addresses.find(address.data())) return Linked::Known;
    return std::exchange(crowd.is_told, true) ? Linked::OneMoreTooMany : Linked::TooMany;
  }
  if (crowd.addresses.insert(address.data()) < count) return Linked::Known;
  const auto next = static_cast<uint32_t>(entries_.size());
  entries_[crowd.last].next = next;
  crowd.last = next;
  return Linked::New;
}

// Of an owner with kFew addresses or more.
HostsTable::Crowd& HostsTable::crowd_of(const Owner& owner, uint64_t key) {
  const auto [found, is_new] = crowded_.try_emplace(key, Crowd{KeyTable(seed_)});
  Crowd& crowd = found->second;
  if (!is_new) return crowd;
  crowd.addresses.insert(owner.first.data());
  for (uint32_t next = owner.next; next != kNone; next = entries_[next].next) {
    crowd.addresses.insert(entries_[next].ip.data());
    crowd.last = next;
  }
  return crowd;
}

HostsEntry HostsTable::described(const Entry& entry) const {
  const KeyTable& names = entry.is_wildcard ? wildcards_ : exact_;
  return {dns::NameView(names.key(entry.name)), entry.is_wildcard, entry.ip, entry.source,
          entry.line};
}

dns::NameView HostsTable::name_of(uint32_t owner) const {
  const auto exact = static_cast<uint32_t>(exact_owners_.size());
  return dns::NameView(owner < exact ? exact_.key(owner) : wildcards_.key(owner - exact));
}

std::optional<uint32_t> HostsTable::find(dns::NameView name) const {
  if (const auto number = exact_.find(name.wire())) return number;
  if (wildcards_.empty() || name.is_root()) return std::nullopt;
  const auto number = find_closest(wildcards_, name.parent());
  if (!number || wildcards_.key(*number).size() == dns::kRootWire.size()) return std::nullopt;
  return number_of_wildcard(*number);
}

std::optional<uint32_t> HostsTable::find_any() const {
  const auto number = wildcards_.find(dns::Name().view().wire());
  if (!number) return std::nullopt;
  return number_of_wildcard(*number);
}

void HostsTable::prefetch(uint64_t hash, Depth depth) const {
  const auto number = exact_.prefetch(hash, depth);
  if (number && depth == Depth::Entry) prefetch_short(&exact_owners_[*number], sizeof(Owner));
}

std::optional<dns::NameView> HostsTable::find_name(const IpAddress& address) const {
  const auto number = reverse_.find(address.data());
  if (!number) return std::nullopt;
  return dns::NameView(exact_.key(first_names_[*number]));
}

}  // namespace dnslet::policy
