// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Words, patterns with `*` and regular expressions that are looked for in names: a thousand words
// and patterns cost a question less than a microsecond.
//
// Each is filed under four letters (fewer where it has no more in a row) that few others have. Of a
// name each run of as many letters is looked up, in a small map of bits first, and only what is
// filed there is compared. An expression is filed under a literal that it needs; one that needs
// none is matched with every name.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dns/name.h"
#include "policy/name_expression.h"

namespace dnslet::policy {

// What a name has to hold: `text`, in lower case, where `*` stands for any letters or none.
struct NamePattern {
  enum class Start : uint8_t { Anywhere, Label, Name };  // where it begins
  enum class End : uint8_t { Anywhere, Name };           // where it ends

  std::string text;
  Start start = Start::Anywhere;
  End end = End::Anywhere;

  bool operator==(const NamePattern&) const = default;

  // `name`: in lower case, without the final dot. Linear in it for each part between two `*`.
  bool fits(std::string_view name) const;
  // Whether there is a letter or a digit: what has none would fit every name.
  bool says_something() const;
};

// A name as its labels and dots, without the final dot and without escapes.
class NameText {
 public:
  explicit NameText(dns::NameView name);
  std::string_view view() const { return {text_.data(), size_}; }

 private:
  std::array<char, dns::kMaxName> text_;  // the first size_ are set
  std::size_t size_ = 0;
};

class NamePatterns {
 public:
  // REQUIRES: pattern.says_something().
  void add(NamePattern pattern) { patterns_.push_back(std::move(pattern)); }
  void add(std::shared_ptr<const NameExpression> expression) {
    expressions_.push_back(std::move(expression));
  }
  // Drops those given twice. To be called once, when all are added.
  void finish();

  std::size_t size() const { return patterns_.size() - literal_of_.size() + expressions_.size(); }
  bool empty() const { return size() == 0; }

  // Whether one fits. REQUIRES: finish() was called.
  bool has(std::string_view name) const;

 private:
  static constexpr std::size_t kMaxLetters = 4;

  struct Entry {
    uint32_t letters = 0;
    uint32_t pattern = 0;
  };
  // The patterns that are filed under so many letters.
  struct File {
    std::vector<Entry> entries;    // by their letters
    std::vector<uint64_t> filled;  // bits by a hash of the letters; a power of two of words
  };

  void add_literals();
  void file(std::size_t letters);
  bool fits(std::size_t pattern, std::string_view name) const;
  bool has_under(std::size_t letters, std::string_view name) const;

  std::vector<NamePattern> patterns_;  // once finished, the literals of expressions at the end
  std::vector<std::shared_ptr<const NameExpression>> expressions_;
  std::vector<std::size_t> literal_of_;      // the expression of each of the last patterns
  std::vector<std::size_t> unfiled_;         // expressions without literals
  std::array<File, kMaxLetters + 1> files_;  // by number of letters
};

}  // namespace dnslet::policy
