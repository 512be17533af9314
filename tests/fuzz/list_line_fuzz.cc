// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Any text as lines of a list: nothing is taken from a comment or a line left out, no entry is the
// root or takes everything, and what is taken does not depend on case, blanks at the ends, line
// ends, the line before or the way it is read. A set of all names and patterns has each of its own.

#include <algorithm>
#include <cassert>
#include <string>

#include "base/text.h"
#include "input.h"
#include "policy/list_line.h"

namespace {

using namespace dnslet;
using policy::ListEntry, policy::ListLine;

constexpr std::uint64_t kSeed = 1;

bool is_same(const ListEntry& left, const ListEntry& right) {
  return left.kind == right.kind && left.covers == right.covers &&
         left.is_exception == right.is_exception && left.is_important == right.is_important &&
         left.name == right.name && left.pattern == right.pattern &&
         (left.expression ? left.expression->text() : "") ==
             (right.expression ? right.expression->text() : "") &&
         left.network.to_text() == right.network.to_text();
}

void check_same(const ListLine& left, const ListLine& right) {
  assert(left.fault == right.fault && left.attributes == right.attributes);
  assert(left.included == right.included);
  assert(std::ranges::equal(left.entries, right.entries, is_same));
}

void check(const ListLine& line) {
  if (line.fault == ListLine::Fault::LeftOut) assert(line.entries.empty());
  assert(line.included.empty() || line.entries.empty());
  for (const ListEntry& entry : line.entries) {
    if (entry.kind == ListEntry::Kind::Name) {
      assert(!entry.name.view().is_root());
      policy::NameSet set;
      set.add(entry.name, entry.covers, kSeed);
      set.finish();
      const bool has_itself = set.has(policy::NameHashes(entry.name, kSeed));
      assert(has_itself == (entry.covers != policy::Covers::Below));
    }
    if (entry.kind == ListEntry::Kind::Pattern) {
      assert(entry.pattern.says_something());
      assert(entry.pattern.text == lower_case(entry.pattern.text));
      std::string name = entry.pattern.text;
      std::erase(name, '*');
      assert(entry.pattern.fits(name));
      policy::NamePatterns patterns;
      patterns.add(entry.pattern);
      patterns.finish();
      assert(patterns.has(name));
    }
  }
}

// The fast way through a list tells what the line does.
void check_plain(const ListLine& line, const std::string& text) {
  policy::PlainName plain;
  if (!plain.read(text, kSeed)) return;
  assert(line.fault == ListLine::Fault::None && line.entries.size() == 1);
  const ListEntry& entry = line.entries.front();
  assert(entry.kind == ListEntry::Kind::Name && entry.covers == plain.covers);
  assert(!entry.is_exception && !entry.is_important && line.attributes.empty());
  const policy::NameHashes hashes(entry.name, kSeed);
  assert(hashes.all().back() == plain.hash && hashes.all().size() == plain.labels);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = fuzz::text_of(fuzz::Input(data, size).rest());
  ListLine used;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string line = text.substr(start, end - start);
    start = end + 1;
    used.parse(line);
    check(used);
    check_plain(used, line);
    ListLine other;
    other.parse(line + "\r\n");
    check_same(used, other);
    other.parse(lower_case(line));
    const auto is_expression = [](const ListEntry& entry) {
      return entry.kind == ListEntry::Kind::Expression;
    };
    if (used.included.empty() && std::ranges::none_of(used.entries, is_expression))
      check_same(used, other);
  }
  return 0;
}
