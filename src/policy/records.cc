// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/records.h"

#include <algorithm>
#include <utility>

namespace dnslet::policy {
namespace {

Error beside_alias(const dns::Name& owner, bool is_wildcard) {
  return Error{"'" + std::string(is_wildcard ? "*." : "") + owner.view().to_text() +
               "' has a CNAME, beside which a name has no other record"};
}

}  // namespace

using dns::Type;

Records::Owner& Records::owner_of(const dns::WrittenRecord& record) {
  KeyTable& names = record.is_wildcard ? wildcards_ : exact_;
  std::vector<uint32_t>& numbers = record.is_wildcard ? wildcard_owners_ : exact_owners_;
  const uint32_t name = names.insert(record.owner.view().wire());
  if (name == numbers.size()) {
    numbers.push_back(static_cast<uint32_t>(owners_.size()));
    owners_.push_back({record.is_wildcard, name, {}});
  }
  return owners_[numbers[name]];
}

Status Records::add(const dns::WrittenRecord& record, uint32_t ttl) {
  Owner& owner = owner_of(record);
  const auto is_same = [&](const StaticRecord& other) {
    return other.type == record.type && other.rdata == record.rdata;
  };
  if (std::ranges::any_of(owner.records, is_same)) return Done();
  const bool is_beside_alias =
      !owner.records.empty() &&
      (record.type == Type::CNAME || owner.records.front().type == Type::CNAME);
  if (is_beside_alias) return beside_alias(record.owner, record.is_wildcard);
  if (owner.records.size() == kMaxPerName)
    return Error{"'" + record.owner.view().to_text() + "' has more than " +
                 std::to_string(kMaxPerName) + " records"};
  owner.records.push_back({record.type, record.ttl.value_or(ttl), record.rdata});
  if (!record.is_wildcard && is_address_type(record.type)) add_reverse(record);
  return Done();
}

void Records::add_reverse(const dns::WrittenRecord& record) {
  const uint32_t number = reverse_.insert(record.rdata);
  if (number == first_names_.size())
    first_names_.push_back(*exact_.find(record.owner.view().wire()));
}

// Each owner is walked over once: what was found to end is known to.
Status Records::check_aliases() const {
  enum class State : uint8_t { New, OnPath, Ends };
  std::vector<State> states(owners_.size(), State::New);
  for (uint32_t first = 0; first < owners_.size(); ++first) {
    std::vector<uint32_t> path;
    for (std::optional<uint32_t> owner = first; owner && states[*owner] != State::Ends;) {
      if (states[*owner] == State::OnPath)
        return Error{"the CNAME of '" + name_of(*owner).to_text() + "' leads back to it"};
      states[*owner] = State::OnPath;
      path.push_back(*owner);
      const auto target = alias_of(*owner);
      owner = target ? find(*target) : std::nullopt;
    }
    for (const uint32_t owner : path) states[owner] = State::Ends;
  }
  return Done();
}

Status Records::check_beside(std::string_view text) const {
  const bool is_wildcard = text.starts_with("*.");
  const auto name = dns::Name::from_text(is_wildcard ? text.substr(2) : text);
  if (!name) return Done();
  const auto number = (is_wildcard ? wildcards_ : exact_).find(name->view().wire());
  if (!number) return Done();
  const uint32_t owner = (is_wildcard ? wildcard_owners_ : exact_owners_)[*number];
  if (alias_of(owner)) return beside_alias(*name, is_wildcard);
  return Done();
}

std::optional<uint32_t> Records::find(dns::NameView name) const {
  if (const auto exact = exact_.find(name.wire())) return exact_owners_[*exact];
  if (wildcards_.empty() || name.is_root()) return std::nullopt;
  const auto wildcard = find_closest(wildcards_, name.parent());
  return wildcard ? std::optional(wildcard_owners_[*wildcard]) : std::nullopt;
}

bool Records::has(uint32_t owner, Type type) const {
  return std::ranges::any_of(of(owner),
                             [&](const StaticRecord& record) { return record.type == type; });
}

dns::NameView Records::name_of(uint32_t owner) const {
  const Owner& found = owners_[owner];
  return dns::NameView((found.is_wildcard ? wildcards_ : exact_).key(found.name));
}

std::optional<dns::NameView> Records::alias_of(uint32_t owner) const {
  const StaticRecord& first = owners_[owner].records.front();
  if (first.type != Type::CNAME) return std::nullopt;
  return dns::NameView(first.rdata);
}

std::optional<dns::NameView> Records::alias_of(dns::NameView name) const {
  const auto owner = find(name);
  return owner ? alias_of(*owner) : std::nullopt;
}

std::optional<dns::NameView> Records::find_name(const IpAddress& address) const {
  const auto number = reverse_.find(address.data());
  if (!number) return std::nullopt;
  return dns::NameView(exact_.key(first_names_[*number]));
}

}  // namespace dnslet::policy
