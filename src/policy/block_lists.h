// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What lists take and what they spare. Built once and then only read; a reload builds another one.

#include <cstddef>
#include <cstdint>

#include "dns/name.h"
#include "policy/list_line.h"
#include "policy/name_patterns.h"
#include "policy/name_set.h"

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
  bool has(dns::NameView name) const;

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

struct BlockLists {
  ListedNames blocked;  // --blocklist
  ListedNames allowed;  // --allowlist

  explicit BlockLists(uint64_t seed) : blocked(seed), allowed(seed) {}
  bool block(dns::NameView name) const { return blocked.has(name) && !allowed.has(name); }
};

}  // namespace dnslet::policy
