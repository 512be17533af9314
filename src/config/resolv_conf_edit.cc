// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/resolv_conf_edit.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdint>
#include <cstdio>

#include "config/lines.h"

namespace dnslet::config {
namespace {

constexpr std::string_view kEntry = "nameserver ";
constexpr std::string_view kOptions = "options ndots:1";        // a dot makes a name complete
constexpr std::string_view kAddedMark = "# added by dnslet: ";  // what it announces stands below
constexpr std::string_view kOptionsMark = " # added by dnslet";
constexpr std::string_view kKeptMark = "# dnslet: ";
// What an edit under way puts behind the text: padding, a head line with numbers, the original
// line by line, an end line. The other padding stands where the line end before it is ours, too.
constexpr std::string_view kPadMark = "# dnslet: editing #";
constexpr std::string_view kPadMarkAndLineEnd = "#~ dnslet: editing #";
constexpr std::string_view kSavedMark = "# dnslet: this file is being edited, it held: ";
constexpr std::string_view kSavedLine = "#|";
constexpr std::string_view kSavedEnd = "# dnslet: end of what it held";
constexpr int kDecimal = 10;
constexpr int kHex = 16;
// A write can end in the middle at such a boundary, when the process is killed in it.
constexpr std::size_t kPage = 4096;

bool is_unended(std::string_view text) { return !text.empty() && text.back() != '\n'; }

std::string_view without_line_end(std::string_view line) {
  return line.substr(0, line.find_last_not_of("\r\n") + 1);
}

bool is_nameserver(std::string_view line) { return next_word(line) == "nameserver"; }

bool sets_ndots(std::string_view line) {
  if (next_word(line) != "options") return false;
  for (std::string_view word = next_word(line); !word.empty(); word = next_word(line))
    if (word.starts_with("ndots:")) return true;
  return false;
}

// Whether a client with this line asks for more than the name that it was given.
bool makes_search(std::string_view line) {
  const bool has_ndots = sets_ndots(line);
  const std::string_view keyword = next_word(line);
  return keyword == "search" || keyword == "domain" || has_ndots;
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  for (std::string_view word = next_word(line); !word.empty(); word = next_word(line))
    words.emplace_back(word);
  return words;
}

// Tells our lines from all others, line by line from the top.
class OurLines {
 public:
  // Whether a mark alone is ours is known only when what it announces is found.
  enum class Line { Other, Mark, Server, Options };

  Line next(std::string_view line) {
    if (line.starts_with(kAddedMark)) {
      announced_ = words_of(line.substr(kAddedMark.size()));
      return announced_.empty() ? Line::Other : Line::Mark;
    }
    const std::string_view text = without_line_end(line);
    if (line.starts_with(kOptions) && text.ends_with(kOptionsMark)) return Line::Options;
    if (!line.starts_with(kEntry)) return Line::Other;
    std::string_view rest = text.substr(kEntry.size());
    if (text.ends_with(kOptionsMark)) {  // the form that older versions wrote
      announced_ = {std::string(next_word(rest))};
      return Line::Server;
    }
    const bool is_ours = std::ranges::find(announced_, rest) != announced_.end();
    return is_ours ? Line::Server : Line::Other;
  }

  // What the mark above announces, or the last line of the older form.
  const std::vector<std::string>& announced() const { return announced_; }

 private:
  std::vector<std::string> announced_;
};

// A line that with_entry() has commented out, or one that looks like it.
bool is_kept(std::string_view line) {
  if (!line.starts_with(kKeptMark)) return false;
  line.remove_prefix(kKeptMark.size());
  return is_nameserver(line) || makes_search(line) || line.starts_with(kKeptMark);
}

// Our line of options, with those that would be lost.
std::string options_line(std::string_view original) {
  std::string text(kOptions);
  while (!original.empty()) {  // ends: takes a line off each turn
    std::string_view line = next_line(original);
    if (!sets_ndots(line)) continue;
    (void)next_word(line);
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
      if (word.front() == '#' || word.front() == ';') break;
      if (!word.starts_with("ndots:")) (text += ' ') += word;
    }
  }
  return (text += kOptionsMark) + '\n';
}

// FNV-1a: tells whether a text is whole; nobody has to be kept from forging one.
uint64_t checksum(std::string_view text) {
  uint64_t sum = 0xcbf29ce484222325;
  for (const char byte : text) sum = (sum ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
  return sum;
}

// `size` bytes of comment that can follow `text`.
std::string padding(std::string_view text, std::size_t size) {
  std::string pad = is_unended(text) ? "\n" : "";
  pad += is_unended(text) ? kPadMarkAndLineEnd : kPadMark;
  pad.append(size - pad.size() - 1, '#');
  return pad + '\n';
}

template <typename T>
bool take_number(std::string_view& line, T& number, int base) {
  const std::string_view word = next_word(line);
  const auto [stop, code] = std::from_chars(word.data(), word.data() + word.size(), number, base);
  return code == std::errc() && stop == word.data() + word.size();
}

// What the head line of a copy says.
struct Head {
  std::size_t place = 0;    // where in the file it stands
  uint64_t before_sum = 0;  // of all that stands before it, when the edit began
  uint64_t after_sum = 0;   // and when the text had been overwritten
  std::size_t size = 0;     // of the original
  uint64_t original_sum = 0;

  static std::optional<Head> parse(std::string_view line) {
    Head head;
    line.remove_prefix(kSavedMark.size());
    const bool is_read =
        take_number(line, head.place, kDecimal) && take_number(line, head.before_sum, kHex) &&
        take_number(line, head.after_sum, kHex) && take_number(line, head.size, kDecimal) &&
        take_number(line, head.original_sum, kHex);
    if (!is_read) return std::nullopt;
    return head;
  }

  std::string to_text() const {
    std::array<char, 128> numbers{};
    (void)std::snprintf(numbers.data(), numbers.size(), "%zu %" PRIx64 " %" PRIx64 " %zu %" PRIx64,
                        place, before_sum, after_sum, size, original_sum);
    return std::string(kSavedMark) + numbers.data() + '\n';
  }
};

// What an edit has put behind a text, as much of it as there is. Views of the file's text.
struct Block {
  std::string_view front;   // the text before it, without a line end of ours
  bool has_padding = true;  // false: it has been overwritten by a text that has grown over a page
  std::string_view above;   // all that stands before the head line
  std::optional<Head> head;
  std::string original;  // as far as the copy goes
  bool has_end = false;
  std::string_view rest;  // what others have written behind it
};

bool is_padding(std::string_view line) {
  return line.starts_with(kPadMark) || line.starts_with(kPadMarkAndLineEnd);
}

// Where the last line begins that is one of our paddings or head lines; a head line right behind
// its padding counts for nothing.
std::size_t find_last_mark(std::string_view text) {
  std::size_t last = std::string_view::npos;
  bool is_behind_padding = false;
  for (std::string_view rest = text; !rest.empty();) {  // ends: takes a line off each turn
    const std::size_t place = text.size() - rest.size();
    const std::string_view line = next_line(rest);
    if (is_padding(line) || (line.starts_with(kSavedMark) && !is_behind_padding)) last = place;
    is_behind_padding = is_padding(line);
  }
  return last;
}

std::optional<Block> find_last_block(std::string_view text) {
  const std::size_t start = find_last_mark(text);
  if (start == std::string_view::npos) return std::nullopt;
  Block block;
  block.rest = text.substr(start);
  const bool has_line_end = block.rest.starts_with(kPadMarkAndLineEnd);
  block.front = text.substr(0, has_line_end && start > 0 ? start - 1 : start);
  block.has_padding = !block.rest.starts_with(kSavedMark);
  if (block.has_padding) (void)next_line(block.rest);
  block.above = text.substr(0, text.size() - block.rest.size());
  if (!block.rest.starts_with(kSavedMark)) {
    if (kSavedMark.starts_with(block.rest)) block.rest = {};  // cut off in its head line
    return block;
  }
  block.head = Head::parse(next_line(block.rest));
  while (block.rest.starts_with(kSavedLine))  // ends: takes a line off each turn
    block.original += next_line(block.rest).substr(kSavedLine.size());
  block.has_end = block.rest.starts_with(kSavedEnd);
  const bool is_cut_off = kSavedEnd.starts_with(block.rest) || kSavedLine.starts_with(block.rest);
  if (block.has_end || is_cut_off) (void)next_line(block.rest);
  return block;
}

// The copy, if it is whole and what stands above it was written by the same edit. Otherwise the
// text above is the newer one, or the only one.
std::optional<std::string> copy_in(const Block& block) {
  if (!block.head || !block.has_end) return std::nullopt;
  std::string original = block.original;
  if (original.size() > block.head->size && original.back() == '\n') original.pop_back();
  const bool is_whole =
      original.size() == block.head->size && checksum(original) == block.head->original_sum;
  const uint64_t sum = checksum(block.above);
  const bool is_a_step = sum == block.head->before_sum || sum == block.head->after_sum;
  const bool may_be_torn = block.above.size() > kPage && (block.rest.empty() || !block.has_padding);
  const bool is_ours = block.above.size() == block.head->place && (is_a_step || may_be_torn);
  if (!is_whole || !is_ours) return std::nullopt;
  return original;
}

std::string joined(std::string_view text, std::string_view rest) {
  std::string both(text);
  if (is_unended(text) && !rest.empty()) both += '\n';
  return both += rest;
}

// Cuts off the first bytes of a padding, where no more were written; of several stops, all.
std::string_view without_torn_mark(std::string_view text) {
  constexpr std::size_t kShortest = std::string_view("# dnslet:").size();
  while (true) {                                     // ends: the text gets shorter
    const std::size_t start = text.rfind('\n') + 1;  // 0 where there is none
    const std::string_view line = text.substr(start);
    if (line.size() < kShortest) return text;
    const bool has_line_end = kPadMarkAndLineEnd.starts_with(line);
    if (!has_line_end && !kPadMark.starts_with(line)) return text;
    text = text.substr(0, has_line_end && start > 0 ? start - 1 : start);
  }
}

// The text as it was when no edit was under way, or the original where that is at hand.
std::string before_edit(std::string_view text) {
  // A file that grew and lost what was written then ends in zeros.
  const std::size_t end = text.find_last_not_of('\0') + 1;
  if (find_last_mark(text.substr(0, end)) != std::string_view::npos) text = text.substr(0, end);
  std::string edited(without_torn_mark(text));
  while (const auto block = find_last_block(edited)) {  // ends: the text gets shorter
    if (const auto original = copy_in(*block)) return joined(*original, block->rest);
    std::string_view front = block->front;
    // Zeros above a whole copy: somebody had cut the file just before it was written.
    if (block->has_end) front = front.substr(0, front.find_last_not_of('\0') + 1);
    edited = joined(without_torn_mark(front), block->rest);
  }
  return edited;
}

}  // namespace

std::string with_entry(std::string_view original, std::span<const std::string> servers,
                       ClientOptions options) {
  const bool is_auto = options == ClientOptions::Auto;
  std::string text(kAddedMark.substr(0, kAddedMark.size() - 1));
  for (const std::string& server : servers) (text += ' ') += server;
  text += '\n';
  for (const std::string& server : servers) ((text += kEntry) += server) += '\n';
  if (is_auto) text += options_line(original);
  for (std::string_view rest = original; !rest.empty();) {  // ends: takes a line off each turn
    const std::string_view line = next_line(rest);
    const bool is_in_the_way = is_nameserver(line) || (is_auto && makes_search(line));
    if (is_in_the_way || is_kept(line)) text += kKeptMark;
    text += line;
  }
  return text;
}

std::vector<std::string> entry_in(std::string_view text) {
  OurLines ours;
  while (!text.empty())  // ends: takes a line off each turn
    if (ours.next(next_line(text)) == OurLines::Line::Server) return ours.announced();
  return {};
}

std::string original_of(std::string_view text) {
  const std::string edited = before_edit(text);
  std::string original;
  std::string_view mark;  // above, as long as nothing of what it announces was found
  std::size_t place = 0;  // of the mark in the original, should it not be ours
  OurLines ours;
  bool was_edited = false;
  for (std::string_view rest = edited; !rest.empty();) {  // ends: takes a line off each turn
    std::string_view line = next_line(rest);
    const OurLines::Line kind = ours.next(line);
    if (kind == OurLines::Line::Server || kind == OurLines::Line::Options) {
      was_edited = true;
      if (kind == OurLines::Line::Server && !mark.empty()) original.erase(place, mark.size());
      if (kind == OurLines::Line::Server) mark = {};
      continue;
    }
    if (kind == OurLines::Line::Mark) {
      mark = line;
      place = original.size();
    }
    if (is_kept(line)) line.remove_prefix(kKeptMark.size());
    original += line;
  }
  return was_edited ? original : edited;
}

InPlaceEdit plan_edit(std::string_view from, std::string_view to) {
  const std::string original = original_of(from);
  constexpr std::size_t kLineEnds = 2;  // in front of a padding and behind it
  Head head;
  head.place = std::max(from.size(), to.size()) + kPadMarkAndLineEnd.size() + kLineEnds;
  head.size = original.size();
  head.original_sum = checksum(original);

  InPlaceEdit edit;
  edit.size = to.size();
  edit.head = std::string(to) + padding(to, head.place - to.size());
  edit.tail = padding(from, head.place - from.size());
  head.before_sum = checksum(std::string(from) + edit.tail);
  head.after_sum = checksum(edit.head);
  edit.tail += head.to_text();
  for (std::string_view rest = original; !rest.empty();)  // ends: takes a line off each turn
    (edit.tail += kSavedLine) += next_line(rest);
  if (is_unended(original)) edit.tail += '\n';
  (edit.tail += kSavedEnd) += '\n';
  return edit;
}

std::optional<std::string> overwrite_with(std::string_view from, std::string_view to) {
  const std::size_t room = from.size() - std::min(from.size(), to.size());
  if (room < kPadMarkAndLineEnd.size() + 2) return std::nullopt;
  return std::string(to) + padding(to, room);
}

}  // namespace dnslet::config
