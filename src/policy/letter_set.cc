// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/letter_set.h"

#include <algorithm>
#include <array>

#include "dns/name.h"

namespace dnslet::policy {
namespace {

constexpr bool is_in(char c, char first, char last) { return c >= first && c <= last; }
constexpr bool is_digit(char c) { return is_in(c, '0', '9'); }
constexpr bool is_alpha(char c) { return is_in(c, 'a', 'z'); }
constexpr bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }
constexpr bool is_space(char c) { return c == ' ' || is_in(c, '\t', '\r'); }
constexpr bool is_graph(char c) { return is_in(c, '!', '~'); }

struct Class {
  std::string_view name;
  bool (*has)(char c);
};

// Case does not matter: each case of letters is both.
constexpr std::array kClasses = {
    Class{"alnum", is_alnum},
    Class{"alpha", is_alpha},
    Class{"blank", [](char c) { return c == ' ' || c == '\t'; }},
    Class{"cntrl", [](char c) { return c == 0x01 || is_in(c, '\t', '\r'); }},
    Class{"digit", is_digit},
    Class{"graph", is_graph},
    Class{"lower", is_alpha},
    Class{"print", [](char c) { return is_in(c, ' ', '~'); }},
    Class{"punct", [](char c) { return is_graph(c) && !is_alnum(c); }},
    Class{"space", is_space},
    Class{"upper", is_alpha},
    Class{"xdigit", [](char c) { return is_digit(c) || is_in(c, 'a', 'f'); }},
    Class{"d", is_digit},
    Class{"s", is_space},
    Class{"w", [](char c) { return is_alnum(c) || c == '_'; }},
};

// Whether a name may hold it, once letter_for() was asked and it was folded.
constexpr bool may_be_in_name(std::size_t code) {
  const auto c = static_cast<char>(code);
  return code != 0 && letter_for(c) == c && !is_in(c, 'A', 'Z');
}
// What letter_for() puts for others is a control code itself.
constexpr bool is_letter(std::size_t code) {
  return code == 0x01 || code == 0x02 || may_be_in_name(code);
}

std::string literal(char c) {
  constexpr std::string_view kMarks = R"(\.[]{}()*+?|^$)";
  return (kMarks.find(c) == std::string_view::npos ? "" : "\\") + std::string(1, c);
}

}  // namespace

LetterSet LetterSet::all() {
  LetterSet set;
  set.invert();
  return set;
}

std::optional<LetterSet> LetterSet::of_class(std::string_view name) {
  const auto found = std::ranges::find(kClasses, name, &Class::name);
  if (found == kClasses.end()) return std::nullopt;
  LetterSet set;
  for (std::size_t code = 0; code < kCodes; ++code)
    set.letters_[code] = is_letter(code) && found->has(static_cast<char>(code));
  return set;
}

void LetterSet::add(char first, char last) {
  for (char c = first; c <= last; ++c) letters_.set(dns::fold(static_cast<uint8_t>(c)));
}

void LetterSet::invert() {
  for (std::size_t code = 0; code < kCodes; ++code)
    letters_[code] = is_letter(code) && !letters_[code];
}

template <typename Visit>
void LetterSet::for_each_range(Visit visit) const {
  std::size_t first = 0;  // of the range at hand; 0: none is
  std::size_t last = 0;
  for (std::size_t code = 1; code < kCodes; ++code) {
    if (letters_[code]) {
      first = first == 0 ? code : first;
      last = code;
    } else if (is_letter(code) && first != 0) {
      visit(static_cast<char>(first), static_cast<char>(last));
      first = 0;
    }
  }
  if (first != 0) visit(static_cast<char>(first), static_cast<char>(last));
}

std::optional<char> LetterSet::only() const {
  if (letters_.count() != 1) return std::nullopt;
  std::size_t code = 0;
  while (!letters_[code]) ++code;
  return static_cast<char>(code);
}

std::size_t LetterSet::ranges() const {
  std::size_t count = 0;
  for_each_range([&count](char, char) { ++count; });
  return count;
}

std::string LetterSet::to_text() const {
  if (const auto letter = only()) return literal(*letter);
  return letters_ == all().letters_ ? "." : in_brackets();
}

// "]" stands in front, "-" at the end, "^" not in front, and "[" not before what makes a class of
// it.
std::string LetterSet::in_brackets() const {
  LetterSet plain = *this;
  const auto take = [&plain](char mark) {
    const auto code = static_cast<uint8_t>(mark);
    std::string text = plain.letters_[code] ? std::string(1, mark) : std::string();
    plain.letters_.reset(code);
    return text;
  };
  std::string text = take(']');
  const std::string last_ones = take('[') + take('^') + take('-');
  plain.for_each_range([&text](char first, char last) {
    text += first;
    if (first != last) text += std::string("-") + last;
  });
  text += last_ones;
  return text == "^-" ? "[-^]" : "[" + text + "]";
}

}  // namespace dnslet::policy
