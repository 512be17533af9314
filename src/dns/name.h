// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One domain name in wire form (RFC 1035 section 3.1), checked, without compression, in lower case.
//
// `Name` owns its 255 bytes inline; `NameView` borrows bytes that were a Name once and therefore
// are valid: labels of 1 to 63 bytes, the root at the end, at most 255 bytes in all. Names compare
// byte for byte because they are folded on the way in (RFC 4343). A client's own spelling is not
// kept here (see Query::spelling).

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.h"
#include "dns/wire.h"

namespace dnslet::dns {

inline constexpr std::size_t kMaxName = 255;  // RFC 1035 section 2.3.4
inline constexpr std::size_t kMaxLabel = 63;
static_assert(kMaxName <= ShortBytes::kMax);
inline constexpr std::array<uint8_t, 1> kRootWire = {0};

// ASCII only, whatever the locale (RFC 4343 section 3). Length bytes are below 'A': a whole name in
// wire form may be folded blindly.
constexpr uint8_t fold(uint8_t byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<uint8_t>(byte + ('a' - 'A')) : byte;
}

class NameView {
 public:
  // REQUIRES: `wire` is a folded name as kept by Name, whole, and outlives the view.
  explicit NameView(BytesView wire) : wire_(wire) {}

  BytesView wire() const { return wire_; }
  bool is_root() const { return wire_.size() == 1; }
  std::size_t labels() const;  // without the root
  std::size_t dots() const;    // of the text without the final dot: labels - 1, 0 for the root

  // The first label without its length byte; empty for the root.
  BytesView first_label() const { return wire_.subspan(1, wire_[0]); }
  // The name without its first label. REQUIRES: !is_root().
  NameView parent() const { return NameView(wire_.subspan(wire_[0] + std::size_t{1})); }
  // Whether this is `zone` or below it, on label boundaries.
  bool is_within(NameView zone) const;

  bool operator==(const NameView& other) const { return same_bytes(wire_, other.wire_); }

  // Master-file text without the final dot; "." for the root. Bytes that are not printable, dots in
  // labels, backslashes and double quotes are escaped (RFC 1035 section 5.1), so it is safe to log.
  std::string to_text() const;

 private:
  BytesView wire_;
};

// How many compression pointers may still be followed. One budget serves all names of a message:
// thousands of owners that point into one long chain would take milliseconds each time they are
// read, and nobody writes them in good faith.
struct JumpBudget {
  static constexpr std::size_t kOfMessage = 65536;
  std::size_t left = kOfMessage;
};

class Name {
 public:
  Name() : wire_(kRootWire) {}  // the root
  explicit Name(NameView name) : wire_(name.wire()) {}

  // Reads a name without compression and folds it. nullopt: cut short, a label type other than 00
  // (a pointer too), more than 255 bytes. The reader then stands anywhere.
  static std::optional<Name> from_wire(Reader& reader);
  // The same in place of this name. False: the name is unchanged.
  [[nodiscard]] bool read_wire(Reader& reader);
  // Reads a name that may be compressed; `message` is the whole packet and `reader` stands in it,
  // behind the header. Afterwards the reader stands behind the name's own bytes. A pointer into the
  // header is no name (RFC 1035 section 4.1.4: a prior occurrence of one): what it reads there
  // changes with the ID and the flags.
  static std::optional<Name> from_message(BytesView message, Reader& reader);
  // The same out of a budget; nullopt also when it is used up.
  static std::optional<Name> from_message(BytesView message, Reader& reader, JumpBudget& jumps);
  // Text as people write it: labels and dots, a final dot or none, "." for the root, escapes \. and
  // \DDD. nullopt: an empty or overlong label, more than 255 bytes in wire form, blanks,
  // controls, bytes above 127 (they have to be escaped).
  static std::optional<Name> from_text(std::string_view text);

  // "left.right". nullopt: longer than 255 bytes.
  static std::optional<Name> join(NameView left, NameView right);

  // Valid as long as *this is unchanged.
  NameView view() const { return NameView(wire_.view()); }
  operator NameView() const { return view(); }  // NOLINT(google-explicit-constructor): a borrow

  bool operator==(const Name& other) const { return view() == other.view(); }

 private:
  explicit Name(const ShortBytes& wire);  // folds it

  ShortBytes wire_;
};

// The address whose reverse name this is; nullopt for every other name.
std::optional<IpAddress> address_of_reverse(NameView name);
// The way back (RFC 1035 section 3.5, RFC 3596 section 2.5).
Name reverse_of(const IpAddress& address);

}  // namespace dnslet::dns
