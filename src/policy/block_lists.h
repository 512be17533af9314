// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What lists take and what they spare. Built once and then only read; a reload builds another one.

#include <cstddef>
#include <cstdint>
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
  // To be called once, when all is added.
  void finish();

  std::size_t size() const;  // entries
  bool empty() const { return size() == 0; }
  // Whether no entry takes a name: there are exceptions at most.
  bool takes_nothing() const { return taken_.size() + important_.size() == 0; }

  // Whether an entry takes the name and no exception spares it; $important entries beat exceptions,
  // and are beaten by $important exceptions. REQUIRES: finish() was called.
  bool has(dns::NameView name) const { return has(NameHashes(name, seed_), name); }
  // The same with the name's hashes, by the same seed.
  bool has(const NameHashes& hashes, dns::NameView name) const;

 private:
  struct Matches {
    NameSet names;
    NamePatterns patterns;

    std::size_t size() const { return names.size() + patterns.size(); }
    bool has(const NameHashes& hashes, dns::NameView name) const;
  };

  Matches& matches_of(const ListEntry& entry);

  uint64_t seed_;
  Matches taken_;
  Matches exceptions_;
  Matches important_;
  Matches important_exceptions_;
};

// A list of --list, for rules.
struct List {
  ListedNames names;
  NetworkSet networks;

  void add(const ListEntry& entry) {
    names.add(entry);
    if (entry.kind == ListEntry::Kind::Network) networks.add(entry.network);
  }
  void finish() {
    names.finish();
    networks.finish();
  }
};

struct BlockLists {
  ListedNames blocked;      // --blocklist
  ListedNames allowed;      // --allowlist
  std::vector<List> named;  // --list, in the order of their first mention

  explicit BlockLists(uint64_t seed, std::size_t lists = 0) : blocked(seed), allowed(seed) {
    for (std::size_t i = 0; i < lists; ++i) named.push_back({ListedNames(seed), {}});
  }
  // To be called once, when all is added.
  void finish();
  std::size_t named_size() const;  // entries of all of them
  bool block(dns::NameView name) const {
    return !blocked.takes_nothing() && blocked.has(name) && !allowed.has(name);
  }
};

}  // namespace dnslet::policy
