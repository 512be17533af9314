// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What lists take and what they spare. Built once and then only read; a reload builds another one.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dns/name.h"
#include "policy/list_line.h"
#include "policy/name_patterns.h"
#include "policy/name_set.h"
#include "policy/network_set.h"

namespace dnslet::policy {

// The names that one or several lists take.
class ListedNames {
 public:
  // `seed`: see dns/hash.h.
  explicit ListedNames(uint64_t seed) : seed_(seed) {}

  // Adds what is about names; networks are not.
  void add(const ListEntry& entry);
  // Adds a line that is but a name. False: it has another form, and nothing is added.
  bool add_plain(std::string_view line);
  // To be called once, when all is added.
  void finish();

  std::size_t size() const;  // entries
  bool empty() const { return size() == 0; }
  // Whether no entry takes a name: there are exceptions at most.
  bool takes_nothing() const { return taken_.size() + important_.size() == 0; }

  // Whether an entry takes the name and no exception spares it; $important entries beat exceptions,
  // and are beaten by $important exceptions. `hashes`: of the name, by the seed of this; one
  // question's are enough for many lists. REQUIRES: finish() was called.
  bool has(const NameHashes& hashes, dns::NameView name) const;
  bool has(dns::NameView name) const;
  // False: it does not; found out quickly.
  bool may_have(const NameHashes& hashes) const { return (bits_ & hashes.bits()) != 0; }

 private:
  struct Matches {
    NameSet names;
    NamePatterns patterns;

    std::size_t size() const { return names.size() + patterns.size(); }
    bool has(const NameHashes& hashes, dns::NameView name) const;
  };

  Matches& matches_of(const ListEntry& entry);

  uint64_t seed_;
  uint64_t bits_ = 0;  // once finished: a name without any of these is not taken
  Matches taken_;
  Matches exceptions_;
  Matches important_;
  Matches important_exceptions_;
};

// What one --list holds: a rule asks for names or for addresses.
struct List {
  ListedNames names;
  NetworkSet networks;

  explicit List(uint64_t seed) : names(seed) {}
  void add(const ListEntry& entry);
  // To be called once, when all is added.
  void finish();
};

// All lists have one seed: hashes_of() a name serves each of them.
struct BlockLists {
  ListedNames blocked;      // --blocklist
  ListedNames allowed;      // --allowlist
  std::vector<List> named;  // --list, by policy::ListNumber

  // `lists`: how many of --list.
  explicit BlockLists(uint64_t seed, std::size_t lists = 0);
  void finish();

  NameHashes hashes_of(dns::NameView name) const { return {name, seed_}; }
  bool block(dns::NameView name) const;

 private:
  uint64_t seed_;
};

}  // namespace dnslet::policy
