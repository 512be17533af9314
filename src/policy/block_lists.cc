// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/block_lists.h"

namespace dnslet::policy {

bool ListedNames::Matches::has(const NameHashes& hashes, dns::NameView name) const {
  if (!names.empty() && names.has(hashes)) return true;
  return !patterns.empty() && patterns.has(NameText(name).view());
}

ListedNames::Matches& ListedNames::matches_of(const ListEntry& entry) {
  if (entry.is_important) return entry.is_exception ? important_exceptions_ : important_;
  return entry.is_exception ? exceptions_ : taken_;
}

void ListedNames::add(const ListEntry& entry) {
  if (entry.kind == ListEntry::Kind::Name)
    matches_of(entry).names.add(entry.name, entry.covers, seed_);
  if (entry.kind == ListEntry::Kind::Pattern) matches_of(entry).patterns.add(entry.pattern);
  if (entry.kind == ListEntry::Kind::Expression) matches_of(entry).patterns.add(entry.expression);
}

bool ListedNames::add_plain(std::string_view line) {
  PlainName name;
  if (!name.read(line, seed_)) return false;
  taken_.names.add(name);
  return true;
}

void ListedNames::finish() {
  for (Matches* const matches : {&taken_, &exceptions_, &important_, &important_exceptions_}) {
    matches->names.finish();
    matches->patterns.finish();
  }
  for (const Matches* const matches : {&taken_, &important_})
    bits_ |= matches->patterns.empty() ? matches->names.bits() : ~uint64_t{0};
}

std::size_t ListedNames::size() const {
  return taken_.size() + exceptions_.size() + important_.size() + important_exceptions_.size();
}

bool ListedNames::has(dns::NameView name) const {
  return !takes_nothing() && has(NameHashes(name, seed_), name);
}

bool ListedNames::has(const NameHashes& hashes, dns::NameView name) const {
  if (!may_have(hashes)) return false;
  if (important_.has(hashes, name)) return !important_exceptions_.has(hashes, name);
  return taken_.has(hashes, name) && !exceptions_.has(hashes, name) &&
         !important_exceptions_.has(hashes, name);
}

void List::add(const ListEntry& entry) {
  if (entry.kind == ListEntry::Kind::Network)
    networks.add(entry.network);
  else
    names.add(entry);
}

void List::finish() {
  names.finish();
  networks.finish();
}

BlockLists::BlockLists(uint64_t seed, std::size_t lists)
    : blocked(seed), allowed(seed), seed_(seed) {
  named.reserve(lists);
  while (named.size() < lists) named.emplace_back(seed);
}

void BlockLists::finish() {
  blocked.finish();
  allowed.finish();
  for (List& list : named) list.finish();
}

bool BlockLists::block(dns::NameView name) const {
  if (blocked.takes_nothing()) return false;
  const NameHashes hashes = hashes_of(name);
  return blocked.has(hashes, name) && !allowed.has(hashes, name);
}

}  // namespace dnslet::policy
