// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The letters that one place of a regular expression takes, and the letters that names are matched
// in: of bytes that no expression tells apart one stands for all, so that an engine meets only some
// ASCII letters, and never a zero.

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dnslet::policy {

// What stands for a byte of a folded name.
constexpr char letter_for(char byte) {
  constexpr char kControl = 0x01;
  constexpr char kBeyondAscii = 0x02;
  const auto code = static_cast<uint8_t>(byte);
  if (code >= 0x80) return kBeyondAscii;
  const bool is_blank = code >= '\t' && code <= '\r';
  return (code < ' ' && !is_blank) || code == 0x7f ? kControl : byte;
}

class LetterSet {
 public:
  static LetterSet all();
  // By the name of a POSIX class ("alpha") or by the letter behind a backslash ("d"); no such:
  // nullopt.
  static std::optional<LetterSet> of_class(std::string_view name);

  // Letters of any case are the same. REQUIRES: first <= last, both printable ASCII.
  void add(char first, char last);
  void add(const LetterSet& other) { letters_ |= other.letters_; }
  void invert();

  bool empty() const { return letters_.none(); }
  // The letter, if there is only one.
  std::optional<char> only() const;
  // How many ranges of letters it is made of: each costs an engine a comparison.
  std::size_t ranges() const;
  // As POSIX extended expressions write it. REQUIRES: it is not empty.
  std::string to_text() const;

 private:
  static constexpr std::size_t kCodes = 0x80;

  // Visits the ranges from the first to the last code. What names never hold parts none of them.
  template <typename Visit>
  void for_each_range(Visit visit) const;
  std::string in_brackets() const;

  std::bitset<kCodes> letters_;
};

}  // namespace dnslet::policy
