// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/plain_name.h"

#include <algorithm>
#include <array>

#include "dns/name.h"
#include "policy/name_hash.h"

namespace dnslet::policy {
namespace {

// The domain of "||DOMAIN^", else the text.
std::string_view without_marks(std::string_view text) {
  const bool is_of_adblock = text.starts_with("||") && text.ends_with('^') && text.size() > 3;
  return is_of_adblock ? text.substr(2, text.size() - 3) : text;
}

// ".localdomain", as names of a host itself end where they have a dot: ListLine decides.
bool may_be_own(std::string_view text) { return (text.back() | 0x20) == 'n'; }

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Eight letters of a name, folded, and what is to be known of them.
struct Letters {
  uint64_t folded;
  uint64_t dots;   // as EightLetters tells them
  uint64_t wrong;  // not 0: there are others than a name has

  explicit Letters(uint64_t word) {
    constexpr uint64_t kLower = 0x20 * EightLetters::kEach;  // what lower case has more
    const uint64_t plain = word & ~EightLetters::kHigh;
    const uint64_t alphabetic = EightLetters::between(plain | kLower, 'a', 'z');
    const uint64_t others =
        EightLetters::between(plain, '-', '9') & ~EightLetters::equal(plain, '/');
    folded = word | alphabetic >> 2;
    dots = EightLetters::equal(plain, '.');
    const uint64_t right = alphabetic | others | EightLetters::equal(plain, '_');
    wrong = (~right | word) & EightLetters::kHigh;
  }
};

// The first letters of a text, fewer than eight, and behind them as many of `filler`.
uint64_t load_first(std::string_view text, std::size_t count) {
  constexpr uint64_t kFiller = 'a' * EightLetters::kEach;
  uint64_t word = 0;
  if (text.size() >= NameHash::kWord) {
    word = NameHash::load(text.data());
  } else {
    std::array<char, NameHash::kWord> bytes{};
    std::ranges::copy(text, bytes.begin());
    word = NameHash::load(bytes.data());
  }
  return NameHash::first_of(word, count) | (kFiller & ~NameHash::first_of(~uint64_t{0}, count));
}

}  // namespace

bool PlainName::read(std::string_view line, uint64_t seed) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  covers = Covers::NameAndBelow;
  for (const std::string_view address : {"0.0.0.0 ", "127.0.0.1 "}) {
    if (!line.starts_with(address)) continue;
    covers = Covers::Name;
    return read_name(line.substr(address.size()), seed) && labels > 1 && !may_be_own(line);
  }
  return read_name(without_marks(line), seed);
}

bool PlainName::read_name(std::string_view text, uint64_t seed) {
  // So short that no label can be too long. Where the last letter is a digit the top domain may be
  // a number; at a dot a label is empty.
  if (text.empty() || text.size() > dns::kMaxLabel) return false;
  if (is_digit(text.back()) || text.back() == '.' || text.front() == '.') return false;
  NameHash hasher(seed);
  uint64_t wrong = 0;
  uint64_t right_dots = 0;  // of the letters behind
  labels = 1;
  const auto take = [&](const Letters& letters) {
    const uint64_t next_is_dot = letters.dots >> 8 | right_dots << 56;
    wrong |= letters.wrong | (letters.dots & next_is_dot);
    right_dots = letters.dots;
    labels += EightLetters::count(letters.dots);
  };
  std::size_t left = text.size();
  for (; left >= NameHash::kWord; left -= NameHash::kWord) {
    const Letters letters(NameHash::load(text.data() + left - NameHash::kWord));
    take(letters);
    hasher.add(letters.folded);
  }
  const Letters first(load_first(text, left));
  // Its last letter is followed by those behind, not by what fills it up.
  const uint64_t last = left == 0 ? 0 : uint64_t{0x80} << (8 * (left - 1));
  if ((first.dots & last) != 0 && left < text.size() && text[left] == '.') return false;
  right_dots = 0;
  take(first);
  hash = hasher.of(NameHash::first_of(first.folded, left), text.size());
  return wrong == 0;
}

}  // namespace dnslet::policy
