// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/resolv_conf_edit.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "policy/lines.h"

namespace dnslet::policy {
namespace {

constexpr std::string_view kEntry = "nameserver ";
constexpr std::string_view kAddedMark = " # added by dnslet";
constexpr std::string_view kKeptMark = "# dnslet: ";
// What an edit under way puts behind the text: padding, a head line with three numbers, the
// original line by line, an end line.
constexpr std::string_view kPadMark = "# dnslet: editing #";
constexpr std::string_view kSavedMark = "# dnslet: this file is being edited, it held: ";
constexpr std::string_view kSavedLine = "#|";
constexpr std::string_view kSavedEnd = "# dnslet: end of what it held\n";
constexpr int kHex = 16;

bool is_unended(std::string_view text) { return !text.empty() && text.back() != '\n'; }

std::string_view without_line_end(std::string_view line) {
  return line.substr(0, line.find_last_not_of("\r\n") + 1);
}

bool is_added(std::string_view line) {
  return line.starts_with(kEntry) && without_line_end(line).ends_with(kAddedMark);
}

// FNV-1a: tells whether a copy is whole; nobody has to be kept from forging one.
uint64_t checksum(std::string_view text) {
  uint64_t sum = 0xcbf29ce484222325;
  for (const char byte : text) sum = (sum ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
  return sum;
}

// `size` bytes of comment that can follow `text`.
std::string padding(std::string_view text, std::size_t size) {
  std::string pad = is_unended(text) ? "\n" : "";
  pad += kPadMark;
  pad.append(size - pad.size() - 1, '#');
  return pad + '\n';
}

// The copy of an original that an edit keeps behind the text.
struct Saved {
  std::size_t start = 0;   // of its head line in the text
  std::size_t offset = 0;  // where the edited text ended
  std::size_t size = 0;    // of the original
  uint64_t sum = 0;
  std::string_view body;  // behind the head line; a view of the text
};

template <typename T>
bool take_number(std::string_view& line, T& number, int base) {
  const std::string_view word = next_word(line);
  const auto [stop, code] = std::from_chars(word.data(), word.data() + word.size(), number, base);
  return code == std::errc() && stop == word.data() + word.size();
}

// The last copy in the text, whole or not.
std::optional<Saved> find_saved(std::string_view text) {
  const std::size_t mark = text.rfind(std::string("\n") += kSavedMark);
  if (mark == std::string_view::npos) return std::nullopt;
  Saved saved;
  saved.start = mark + 1;
  saved.body = text.substr(saved.start);
  std::string_view line = next_line(saved.body);
  if (is_unended(line)) return std::nullopt;
  line.remove_prefix(kSavedMark.size());
  constexpr int kDecimal = 10;
  const bool is_read = take_number(line, saved.offset, kDecimal) &&
                       take_number(line, saved.size, kDecimal) &&
                       take_number(line, saved.sum, kHex);
  if (!is_read || saved.offset >= saved.start) return std::nullopt;
  return saved;
}

// The original, and behind it what others have added to the file since; nullopt: the copy is not
// whole.
std::optional<std::string> read_saved(const Saved& saved) {
  std::string original;
  std::string_view rest = saved.body;
  std::string_view line = next_line(rest);
  for (; line.starts_with(kSavedLine); line = next_line(rest))  // ends: takes a line off each turn
    original += line.substr(kSavedLine.size());
  const bool has_line_end_of_ours = original.size() == saved.size + 1 && original.back() == '\n';
  if (has_line_end_of_ours) original.pop_back();
  const bool is_whole =
      line == kSavedEnd && original.size() == saved.size && checksum(original) == saved.sum;
  if (!is_whole) return std::nullopt;
  if (has_line_end_of_ours && !rest.empty()) original += '\n';
  return original += rest;
}

// Cuts off a padding that was not written to its end, or nothing behind it.
std::string_view without_torn_padding(std::string_view text) {
  const std::size_t mark = text.rfind(kPadMark);
  if (mark == std::string_view::npos || (mark > 0 && text[mark - 1] != '\n')) return text;
  std::string_view rest = text.substr(mark);
  (void)next_line(rest);  // the padding itself
  const bool is_torn = rest.starts_with(kSavedMark) || kSavedMark.starts_with(rest);
  return is_torn ? text.substr(0, mark) : text;
}

// The text as it was when no edit was under way, or the original where that is at hand.
std::string before_edit(std::string_view text) {
  while (const auto saved = find_saved(text)) {  // ends: the text gets shorter
    if (auto original = read_saved(*saved)) return *original;
    const std::string_view edited = text.substr(0, saved->offset);
    const std::size_t pad = saved->start - saved->offset;
    const bool is_ours =
        pad > kPadMark.size() + 1 && text.substr(saved->offset, pad) == padding(edited, pad);
    if (!is_ours) return std::string(text);
    text = edited;
  }
  return std::string(without_torn_padding(text));
}

}  // namespace

std::string with_entry(std::string_view original, std::string_view server) {
  std::string text(kEntry);
  ((text += server) += kAddedMark) += '\n';
  for (std::string_view rest = original; !rest.empty();) {  // ends: takes a line off each turn
    const std::string_view line = next_line(rest);
    std::string_view words = line;
    if (next_word(words) == "nameserver" || line.starts_with(kKeptMark)) text += kKeptMark;
    text += line;
  }
  return text;
}

std::optional<std::string> entry_in(std::string_view text) {
  while (!text.empty()) {  // ends: takes a line off each turn
    std::string_view line = next_line(text);
    if (!is_added(line)) continue;
    line.remove_prefix(kEntry.size());
    return std::string(next_word(line));
  }
  return std::nullopt;
}

std::string original_of(std::string_view text) {
  const std::string edited = before_edit(text);
  std::string original;
  bool was_edited = false;
  for (std::string_view rest = edited; !rest.empty();) {  // ends: takes a line off each turn
    std::string_view line = next_line(rest);
    if (is_added(line)) {
      was_edited = true;
      continue;
    }
    if (line.starts_with(kKeptMark)) line.remove_prefix(kKeptMark.size());
    original += line;
  }
  return was_edited ? original : edited;
}

InPlaceEdit plan_edit(std::string_view from, std::string_view to) {
  const std::string original = original_of(from);
  constexpr std::size_t kLineEnds = 2;  // in front of a padding and behind it
  const std::size_t text_end = std::max(from.size(), to.size()) + kPadMark.size() + kLineEnds;
  std::array<char, 2 * sizeof(uint64_t)> sum{};
  const auto end = std::to_chars(sum.data(), sum.data() + sum.size(), checksum(original), kHex);

  InPlaceEdit edit;
  edit.size = to.size();
  edit.head = std::string(to) + padding(to, text_end - to.size());
  edit.tail = padding(from, text_end - from.size());
  ((((edit.tail += kSavedMark) += std::to_string(from.size())) += ' ') +=
   std::to_string(original.size())) += ' ';
  (edit.tail += std::string_view(sum.data(), end.ptr)) += '\n';
  for (std::string_view rest = original; !rest.empty();)  // ends: takes a line off each turn
    (edit.tail += kSavedLine) += next_line(rest);
  if (is_unended(original)) edit.tail += '\n';
  edit.tail += kSavedEnd;
  return edit;
}

}  // namespace dnslet::policy
