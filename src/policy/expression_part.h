// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A part of a regular expression that has been parsed, and how parts become larger ones.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "policy/letter_set.h"

namespace dnslet::policy {

struct Repeat {
  static constexpr std::size_t kEndless = SIZE_MAX;

  std::size_t least = 1;
  std::size_t most = 1;
};

// How large the automaton becomes, before it is made: places that take a letter, and steps from one
// to a next one. Counts that are too high stay so.
struct PartSize {
  std::size_t places = 0;
  std::size_t firsts = 0;  // places that may come first
  std::size_t lasts = 0;   // ranges of letters of the places that may come last
  std::size_t steps = 0;
  bool may_be_empty = true;

  // The part, and then `next`.
  void append(const PartSize& next);
  // The part, or `other`.
  void unite(const PartSize& other);
  PartSize repeated(Repeat repeat) const;
};

struct ExpressionPart {
  // Whether it fits where there is no letter for it: everywhere, or at certain places (^, \b) only.
  enum class Empty { Never, Somewhere, Everywhere };

  std::string text;  // as the engine reads it
  Empty empty = Empty::Everywhere;
  PartSize size = {};
  std::optional<std::string> exact = "";   // the letters, if no others are possible
  std::vector<std::string> literals = {};  // one of them is in whatever fits; none: not known

  static ExpressionPart of_letters(const LetterSet& letters);
  // `text`: an assertion, such as ^.
  static ExpressionPart of_place(std::string text);

  // What any match has to hold.
  std::vector<std::string> needed() const;
  // REQUIRES: it is one letter, brackets or a group; repeat.most > 0.
  ExpressionPart repeated(Repeat repeat) const;

 private:
  std::string optional_text(const std::string& what) const;
  std::string repeated_text(Repeat repeat) const;
};

// Part after part.
class PartSequence {
 public:
  void append(const ExpressionPart& part);
  ExpressionPart finish();

 private:
  void finish_run();

  ExpressionPart whole_;
  std::string run_;  // letters that follow each other
  bool is_exact_ = true;
};

// Any one of several parts.
class PartChoice {
 public:
  // False: with parts before, it would depend on the place whether nothing at all fits, in a way
  // that TRE gets wrong: it looks at the first part that may be empty, and at no other.
  bool add(ExpressionPart part);
  ExpressionPart finish();

 private:
  ExpressionPart whole_;
  std::size_t count_ = 0;
  bool has_unknown_ = false;  // a part without literals
};

}  // namespace dnslet::policy
