// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/name_patterns.h"
#include "base/sort.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <tuple>

namespace dnslet::policy {
namespace {

// Takes the part up to the next `*` off the front of `text`, that `*` too.
std::string_view next_part(std::string_view& text) {
  const std::size_t star = text.find('*');
  const std::string_view part = text.substr(0, star);
  text.remove_prefix(star == std::string_view::npos ? text.size() : star + 1);
  return part;
}

bool may_start_at(std::string_view name, std::size_t at, NamePattern::Start start) {
  if (at == 0 || start == NamePattern::Start::Anywhere) return true;
  return start == NamePattern::Start::Label && name[at - 1] == '.';
}

// Where `part` stands first, as the first part of a pattern may.
std::size_t find_first(std::string_view name, std::string_view part, NamePattern::Start start) {
  std::size_t at = name.find(part);
  while (at != std::string_view::npos && !may_start_at(name, at, start)) {
    if (start == NamePattern::Start::Name) return std::string_view::npos;
    at = name.find(part, at + 1);
  }
  return at;
}

bool ends_from(std::string_view name, std::string_view part, std::size_t from) {
  return name.size() >= from + part.size() && name.ends_with(part);
}

uint32_t letters_at(std::string_view text, std::size_t count) {
  uint32_t letters = 0;
  for (const char c : text.substr(0, count)) letters = letters << 8 | static_cast<uint8_t>(c);
  return letters;
}

std::size_t longest_part(std::string_view text) {
  std::size_t longest = 0;
  while (!text.empty()) longest = std::max(longest, next_part(text).size());
  return longest;
}

template <typename Visit>
void for_each_letters(std::string_view text, std::size_t count, Visit visit) {
  while (!text.empty()) {
    const std::string_view part = next_part(text);
    for (std::size_t at = 0; at + count <= part.size(); ++at)
      visit(letters_at(part.substr(at), count));
  }
}

std::size_t bit_of(uint32_t letters, std::size_t bits) {
  return (letters * 0x9e3779b97f4a7c15ULL >> 32) & (bits - 1);
}

}  // namespace

bool NamePattern::fits(std::string_view name) const {
  std::string_view rest = text;
  std::string_view part = next_part(rest);
  const bool is_one = part.size() == text.size();
  if (is_one && end == End::Name)
    return ends_from(name, part, 0) && may_start_at(name, name.size() - part.size(), start);
  std::size_t at = find_first(name, part, start);
  // Ends: each turn takes a part. What stands first leaves most room for the next ones.
  while (at != std::string_view::npos && part.data() + part.size() != text.data() + text.size()) {
    at += part.size();
    part = next_part(rest);
    const bool is_last = part.data() + part.size() == text.data() + text.size();
    if (is_last && end == End::Name) return ends_from(name, part, at);
    at = name.find(part, at);
  }
  return at != std::string_view::npos;
}

bool NamePattern::says_something() const {
  return text.find_first_not_of(".*") != std::string::npos;
}

NameText::NameText(dns::NameView name) {
  const dns::BytesView wire = name.wire();
  for (std::size_t at = 0; wire[at] != 0; at += std::size_t{1} + wire[at]) {
    if (at > 0) text_[size_++] = '.';
    const dns::BytesView label = wire.subspan(at + 1, wire[at]);
    std::copy(label.begin(), label.end(), text_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += label.size();
  }
}

void NamePatterns::finish() {
  sort_now_and_then(patterns_, [](const NamePattern& pattern) {
    return std::tie(pattern.text, pattern.start, pattern.end);
  });
  patterns_.erase(std::unique(patterns_.begin(), patterns_.end()), patterns_.end());
  const auto text_of = [](const auto& expression) -> const std::string& {
    return expression->text();
  };
  sort_now_and_then(expressions_, text_of);
  const auto is_same = [&](const auto& a, const auto& b) { return text_of(a) == text_of(b); };
  const auto first = std::unique(expressions_.begin(), expressions_.end(), is_same);
  expressions_.erase(first, expressions_.end());
  add_literals();
  for (std::size_t letters = 1; letters <= kMaxLetters; ++letters) file(letters);
}

void NamePatterns::add_literals() {
  for (std::size_t i = 0; i < expressions_.size(); ++i) {
    const std::vector<std::string>& literals = expressions_[i]->literals();
    if (literals.empty()) unfiled_.push_back(i);
    for (const std::string& literal : literals) {
      patterns_.push_back(NamePattern{literal});
      literal_of_.push_back(i);
    }
  }
}

void NamePatterns::file(std::size_t letters) {
  const auto is_filed_here = [letters](const NamePattern& pattern) {
    return std::min(longest_part(pattern.text), kMaxLetters) == letters;
  };
  std::vector<uint32_t> all;
  for (const NamePattern& pattern : patterns_)
    if (is_filed_here(pattern))
      for_each_letters(pattern.text, letters, [&](uint32_t some) { all.push_back(some); });
  if (all.empty()) return;
  std::ranges::sort(all);

  File& file = files_[letters];
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    if (!is_filed_here(patterns_[i])) continue;
    Entry rarest{0, static_cast<uint32_t>(i)};
    std::size_t fewest = SIZE_MAX;
    for_each_letters(patterns_[i].text, letters, [&](uint32_t some) {
      const auto [first, last] = std::equal_range(all.begin(), all.end(), some);
      const auto count = static_cast<std::size_t>(last - first);
      if (count >= fewest) return;
      fewest = count;
      rarest.letters = some;
    });
    file.entries.push_back(rarest);
  }
  sort_now_and_then(file.entries, &Entry::letters);

  constexpr std::size_t kWordsEach = 1;  // 64 bits: few letters of a name meet a bit by chance
  file.filled.assign(std::bit_ceil(file.entries.size() * kWordsEach), 0);
  const std::size_t bits = file.filled.size() * 64;
  for (const Entry& entry : file.entries) {
    const std::size_t bit = bit_of(entry.letters, bits);
    file.filled[bit / 64] |= uint64_t{1} << bit % 64;
  }
}

bool NamePatterns::fits(std::size_t pattern, std::string_view name) const {
  const std::size_t words = patterns_.size() - literal_of_.size();
  if (pattern < words) return patterns_[pattern].fits(name);
  return expressions_[literal_of_[pattern - words]]->fits(name);
}

bool NamePatterns::has_under(std::size_t letters, std::string_view name) const {
  const File& file = files_[letters];
  const std::size_t bits = file.filled.size() * 64;
  for (std::size_t at = 0; at + letters <= name.size(); ++at) {
    const uint32_t some = letters_at(name.substr(at), letters);
    const std::size_t bit = bit_of(some, bits);
    if ((file.filled[bit / 64] >> bit % 64 & 1) == 0) continue;
    // Each pattern has looked at the whole name: letters that come again tell nothing new.
    if (name.find(name.substr(at, letters)) < at) continue;
    auto entry = std::ranges::lower_bound(file.entries, some, {}, &Entry::letters);
    for (; entry != file.entries.end() && entry->letters == some; ++entry)
      if (fits(entry->pattern, name)) return true;
  }
  return false;
}

bool NamePatterns::has(std::string_view name) const {
  for (std::size_t letters = 1; letters <= kMaxLetters; ++letters)
    if (!files_[letters].entries.empty() && has_under(letters, name)) return true;
  return std::ranges::any_of(
      unfiled_, [&](std::size_t expression) { return expressions_[expression]->fits(name); });
}

}  // namespace dnslet::policy
