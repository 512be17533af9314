// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Static records of any type (--record), by owner: exact names, wildcards, reverse names of their
// addresses. A table is built once and then only read. Names are compared in lower case.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/record_from_text.h"
#include "policy/key_table.h"

namespace dnslet::policy {

// Of one owner.
struct StaticRecord {
  dns::Type type = dns::Type::A;
  uint32_t ttl = 0;
  dns::Bytes rdata;  // not compressed
};

class Records {
 public:
  static constexpr std::size_t kMaxPerName = 4096;  // no message holds more

  // `seed`: see dns/hash.h.
  explicit Records(uint64_t seed) : exact_(seed), wildcards_(seed), reverse_(seed) {}

  bool empty() const { return owners_.empty(); }
  std::size_t owners() const { return owners_.size(); }

  // Adds a record, behind those of its name; one that is there already is no second one. `ttl`: of
  // one that has none. Fails where the name has a CNAME and something else, or two of them, or too
  // many records.
  Status add(const dns::WrittenRecord& record, uint32_t ttl);
  // Fails where CNAMEs lead in a circle. To be called at the end.
  Status check_aliases() const;
  // Fails where this name, which has a record elsewhere, has a CNAME here. `*.` in front: of the
  // wildcard.
  Status check_beside(std::string_view text) const;

  // Whether the name has records, its own or by wildcard (the longest wins), and which: a number
  // below owners().
  std::optional<uint32_t> find(dns::NameView name) const;
  // All that it has, in the order in which they were added. Valid as long as the table.
  std::span<const StaticRecord> of(uint32_t owner) const { return owners_[owner].records; }
  bool has(uint32_t owner, dns::Type type) const;
  bool has_addresses(uint32_t owner) const {
    return has(owner, dns::Type::A) || has(owner, dns::Type::AAAA);
  }
  // The owner's name, of a wildcard without the "*" label.
  dns::NameView name_of(uint32_t owner) const;
  bool is_wildcard(uint32_t owner) const { return owners_[owner].is_wildcard; }

  // Where the name's CNAME leads; nullopt: it has none. Valid as long as the table.
  std::optional<dns::NameView> alias_of(dns::NameView name) const;
  // The name that came first with this address, not counting wildcards.
  std::optional<dns::NameView> find_name(const IpAddress& address) const;

 private:
  struct Owner {
    bool is_wildcard = false;
    uint32_t name = 0;  // number in exact_ or wildcards_
    std::vector<StaticRecord> records;
  };

  Owner& owner_of(const dns::WrittenRecord& record);
  std::optional<dns::NameView> alias_of(uint32_t owner) const;
  void add_reverse(const dns::WrittenRecord& record);

  KeyTable exact_;
  KeyTable wildcards_;                     // without the "*" label
  KeyTable reverse_;                       // address bytes
  std::vector<uint32_t> exact_owners_;     // number in exact_ → owners_
  std::vector<uint32_t> wildcard_owners_;  // number in wildcards_ → owners_
  std::vector<uint32_t> first_names_;      // number in reverse_ → exact_
  std::vector<Owner> owners_;
};

}  // namespace dnslet::policy
