// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Hosts text → one table of names and addresses: exact names, wildcards, reverse.
//
// A table is built once and then only read; a reload builds another one. Several files become one
// table, in order. Names are compared in lower case.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "base/stop_flag.h"
#include "dns/name.h"
#include "policy/key_table.h"

namespace dnslet::policy {

// A line that was skipped.
struct BadLine {
  std::size_t line = 0;  // counts from 1
  std::string reason;    // "'300.1.2.3' is not an IP address"
};

// Whether an entry was taken. Of the addresses that a name has too many the first is TooMany.
enum class Added { Yes, BadName, TooMany, OneMoreTooMany };

// An entry and where it was given. The name borrows from the table.
struct HostsEntry {
  dns::NameView name;  // of a wildcard without the "*" label
  bool is_wildcard = false;
  IpAddress address;
  std::size_t source = 0;  // counts from 1
  std::size_t line = 0;    // of the source's text, counts from 1; 0: it was no text
};

// What came of one text: how many lines were skipped, and the first of them.
struct HostsReport {
  static constexpr std::size_t kMaxNamed = 10;
  std::size_t bad_lines = 0;
  std::vector<BadLine> first_bad;  // at most kMaxNamed
};

class HostsTable {
 public:
  static constexpr uint32_t kMaxAddressesPerName = 4096;  // no message holds more A records

  // `seed`: see dns/hash.h.
  explicit HostsTable(uint64_t seed)
      : seed_(seed), exact_(seed), wildcards_(seed), reverse_(seed) {}

  bool empty() const { return entries_.empty(); }
  std::size_t entries() const { return distinct_; }  // names with their addresses, each once
  std::size_t owners() const { return exact_owners_.size() + wildcard_owners_.size(); }
  std::size_t sources() const { return sources_; }

  // Adds the next source, in hosts(5) format: address, then names; `#` starts a comment. A name
  // that begins with `*.` matches every name below the rest; `*` is every name. Bytes may be
  // anything. Ends early when stopped; the table is of no use then.
  HostsReport add_text(std::string_view text, const StopFlag& stop = kNeverStopped);
  // Adds, as the next source, what `table` took from its source number `source`.
  void add_from(const HostsTable& table, std::size_t source);
  // Adds one name (`*.` in front: a wildcard; `*` alone: every name) to the current source.
  // REQUIRES: start_source() or add_text() came before.
  [[nodiscard]] Added add(std::string_view name, const IpAddress& address);
  void start_source() { ++sources_; }
  // Gives back what only adding needs. To be called at the end.
  void finish() { crowded_.clear(); }

  // Whether the name has an entry, its own or by wildcard (the longest wins; `*` alone does not
  // count), and which: a number below owners(), good until something is added.
  std::optional<uint32_t> find(dns::NameView name) const;
  // The same for `*` alone, which is every name that nothing else has.
  bool has_any() const { return wildcards_.has_size(dns::kRootWire.size()); }
  std::optional<uint32_t> find_any() const;
  // Calls `visit(const IpAddress&)` for every address of the owner that find() gave, in file order.
  template <typename Visit>
  void for_each_address(uint32_t owner, Visit visit) const {
    walk_addresses(owner, [&visit](const IpAddress& address) {
      visit(address);
      return true;
    });
  }
  // The same until `visit` returns false.
  template <typename Visit>
  void walk_addresses(uint32_t owner, Visit visit) const {
    const std::size_t exact = exact_owners_.size();
    const Owner& found = owner < exact ? exact_owners_[owner] : wildcard_owners_[owner - exact];
    if (!visit(found.first)) return;
    for (uint32_t next = found.next; next != kNone; next = entries_[next].next)
      if (!visit(entries_[next].ip)) return;
  }
  // Calls `visit(const HostsEntry&)` for all that was given, in its order, repetitions too.
  template <typename Visit>
  void for_each_entry(Visit visit) const {
    for (const Entry& entry : entries_) visit(described(entry));
  }
  // The name of the owner that find() gave, of a wildcard without the "*" label.
  dns::NameView name_of(uint32_t owner) const;
  bool is_wildcard(uint32_t owner) const { return owner >= exact_owners_.size(); }
  // For preload(): see there. Follows exact names only.
  uint64_t hash_of(dns::NameView name) const { return exact_.hash_of(name.wire()); }
  void prefetch(uint64_t hash, Depth depth) const;
  // The name that came first with this address, not counting wildcards. Borrows from the table.
  std::optional<dns::NameView> find_name(const IpAddress& address) const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  // What a name's own number finds without a look elsewhere: the one address that most names have.
  struct Owner {
    IpAddress first;
    uint32_t next = kNone;  // in entries_, for the address behind it
  };
  // What the text said, in its order, repetitions too.
  struct Entry {
    IpAddress ip;
    bool is_wildcard = false;
    uint32_t name = 0;    // number in exact_ or wildcards_
    uint32_t source = 0;  // counts from 1
    uint32_t line = 0;    // counts from 1
    uint32_t next = kNone;
  };

  // A name with so many addresses that walking along them for each new one would take long.
  struct Crowd {
    KeyTable addresses;
    uint32_t last = kNone;  // in entries_
    bool is_told = false;   // that there are too many
  };
  static constexpr uint32_t kFew = 8;
  enum class Linked { New, Known, TooMany, OneMoreTooMany };

  HostsEntry described(const Entry& entry) const;
  // Links the entry that comes next to those of its owner, unless its address is among them.
  [[nodiscard]] Linked link(Owner& owner, uint64_t key, const IpAddress& address);
  [[nodiscard]] Linked link(Crowd& crowd, const IpAddress& address);
  Crowd& crowd_of(const Owner& owner, uint64_t key);
  uint32_t number_of_wildcard(uint32_t wildcard) const {
    return static_cast<uint32_t>(exact_owners_.size()) + wildcard;
  }
  [[nodiscard]] Added add_word(std::string_view word, const IpAddress& address, std::size_t line);
  [[nodiscard]] Added enter(const HostsEntry& entry);
  void add_line(std::string_view line, std::size_t number, HostsReport& report);

  uint64_t seed_;
  KeyTable exact_;
  KeyTable wildcards_;                  // without the "*" label
  KeyTable reverse_;                    // address bytes
  std::vector<Owner> exact_owners_;     // by number in exact_
  std::vector<Owner> wildcard_owners_;  // by number in wildcards_
  std::vector<uint32_t> first_names_;   // number in reverse_ → exact_
  std::vector<Entry> entries_;
  std::unordered_map<uint64_t, Crowd> crowded_;  // by number of the owner and kind
  uint32_t sources_ = 0;
  std::size_t distinct_ = 0;
};

}  // namespace dnslet::policy
