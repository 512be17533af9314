// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/expression_part.h"

#include <algorithm>
#include <utility>

#include "policy/expression_parser.h"

namespace dnslet::policy {
namespace {

using Empty = ExpressionPart::Empty;

// Of no use beyond: what is too large is refused, however large.
constexpr std::size_t kTooMany = 1'000'000;

std::size_t capped(std::size_t count) { return std::min(count, kTooMany); }

std::size_t shortest(const std::vector<std::string>& literals) {
  if (literals.empty()) return 0;
  return std::ranges::min_element(literals, {}, &std::string::size)->size();
}

// The more letters, the fewer names hold them.
bool is_rarer(const std::vector<std::string>& left, const std::vector<std::string>& right) {
  const std::size_t letters = shortest(left);
  const std::size_t others = shortest(right);
  return letters > others || (letters == others && left.size() < right.size());
}

std::string times(std::size_t count, const std::string& text) {
  std::string all;
  for (; count > 0; --count) all += text;
  return all;
}

}  // namespace

void PartSize::append(const PartSize& next) {
  places = capped(places + next.places);
  steps = capped(steps + next.steps + lasts * next.firsts);
  firsts = capped(firsts + (may_be_empty ? next.firsts : 0));
  lasts = capped(next.lasts + (next.may_be_empty ? lasts : 0));
  may_be_empty = may_be_empty && next.may_be_empty;
}

void PartSize::unite(const PartSize& other) {
  places = capped(places + other.places);
  steps = capped(steps + other.steps);
  firsts = capped(firsts + other.firsts);
  lasts = capped(lasts + other.lasts);
  may_be_empty = may_be_empty || other.may_be_empty;
}

// As repeats are written out: a{2,4} is aa(a(a)?)?, a{2,} is aa+.
PartSize PartSize::repeated(Repeat repeat) const {
  const bool is_endless = repeat.most == Repeat::kEndless;
  PartSize rest;
  if (is_endless) {
    rest = *this;
    rest.steps = capped(steps + lasts * firsts);
  }
  for (std::size_t i = repeat.least; !is_endless && i < repeat.most; ++i) {
    PartSize longer = *this;
    longer.append(rest);
    rest = longer;
    rest.may_be_empty = true;
  }
  PartSize whole;
  for (std::size_t i = is_endless ? 1 : 0; i < repeat.least; ++i) whole.append(*this);
  whole.append(rest);
  whole.may_be_empty = may_be_empty || repeat.least == 0;
  return whole;
}

ExpressionPart ExpressionPart::of_letters(const LetterSet& letters) {
  ExpressionPart part;
  part.text = letters.to_text();
  part.empty = Empty::Never;
  part.size = {1, 1, letters.ranges(), 0, false};
  const auto only = letters.only();
  part.exact = only ? std::optional(std::string(1, *only)) : std::nullopt;
  return part;
}

ExpressionPart ExpressionPart::of_place(std::string text) {
  ExpressionPart part;
  part.text = std::move(text);
  part.empty = Empty::Somewhere;
  return part;
}

std::vector<std::string> ExpressionPart::needed() const {
  if (!exact) return literals;
  return exact->empty() ? std::vector<std::string>() : std::vector{*exact};
}

// TRE takes an optional part that fits at certain places only for one that has to stand there: ()
// in front, the first part that may be empty, makes it optional as it should be.
std::string ExpressionPart::optional_text(const std::string& what) const {
  return empty == Empty::Somewhere ? "(()|" + what + ")" : "(" + what + ")?";
}

// Counts are written out: TRE confuses the copies of what has counts inside.
std::string ExpressionPart::repeated_text(Repeat repeat) const {
  if (repeat.most == Repeat::kEndless && repeat.least == 0)
    return empty == Empty::Somewhere ? optional_text(text + "+") : text + "*";
  if (repeat.most == Repeat::kEndless) return times(repeat.least - 1, text) + text + "+";
  std::string rest;
  for (std::size_t i = repeat.least; i < repeat.most; ++i) {
    rest.insert(0, text);
    rest = optional_text(rest);
  }
  return times(repeat.least, text) + rest;
}

ExpressionPart ExpressionPart::repeated(Repeat repeat) const {
  ExpressionPart part;
  const bool is_optional = repeat.least == 0;
  part.text = repeated_text(repeat);
  part.empty = is_optional ? Empty::Everywhere : empty;
  part.size = size.repeated(repeat);
  part.exact = repeat.least == 1 && repeat.most == 1 ? exact : std::nullopt;
  if (!is_optional) part.literals = needed();
  return part;
}

void PartSequence::finish_run() {
  if (run_.size() > shortest(whole_.literals)) whole_.literals = {run_};
  run_.clear();
}

void PartSequence::append(const ExpressionPart& part) {
  whole_.text += part.text;
  whole_.size.append(part.size);
  whole_.empty = std::min(whole_.empty, part.empty);
  if (part.exact) {
    run_ += *part.exact;
    return;
  }
  is_exact_ = false;
  finish_run();
  if (is_rarer(part.literals, whole_.literals)) whole_.literals = part.literals;
}

ExpressionPart PartSequence::finish() {
  whole_.exact = is_exact_ ? std::optional(run_) : std::nullopt;
  finish_run();
  if (whole_.text.empty()) whole_.text = "()";
  return std::move(whole_);
}

bool PartChoice::add(ExpressionPart part) {
  std::vector<std::string> needed = part.needed();
  has_unknown_ = has_unknown_ || needed.empty();
  if (count_++ == 0) {
    whole_ = std::move(part);
    return true;
  }
  const bool is_by_place = whole_.empty == Empty::Somewhere && part.empty == Empty::Somewhere;
  const bool goes_first = whole_.empty == Empty::Somewhere && part.empty == Empty::Everywhere;
  whole_.text = goes_first ? part.text + "|" + whole_.text : whole_.text + "|" + part.text;
  whole_.size.unite(part.size);
  whole_.empty = std::max(whole_.empty, part.empty);
  std::vector<std::string> all = count_ == 2 ? whole_.needed() : std::move(whole_.literals);
  all.insert(all.end(), needed.begin(), needed.end());
  has_unknown_ = has_unknown_ || all.size() > ParsedExpression::kMaxLiterals;
  whole_.literals = has_unknown_ ? std::vector<std::string>() : std::move(all);
  whole_.exact.reset();
  return !is_by_place;
}

ExpressionPart PartChoice::finish() { return std::move(whole_); }

}  // namespace dnslet::policy
