// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/expression_parser.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "policy/expression_part.h"
#include "policy/letter_set.h"

namespace dnslet::policy {
namespace {

constexpr std::string_view kKnownEscapes = R"(\d \w \s \b \D \W \S \B, and \ before a mark)";

constexpr bool is_printable(char c) { return c >= ' ' && c <= '~'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
// What a backslash makes an ordinary letter of.
constexpr bool is_mark(char c) { return is_printable(c) && !is_digit(c) && !is_letter(c); }
constexpr bool is_repeat(char c) { return c == '*' || c == '+' || c == '?' || c == '{'; }

constexpr const char* kTooLarge =
    "it becomes too large once repeats are written out: repeat less, or part it";

bool is_too_large(const PartSize& size) {
  return size.places > ParsedExpression::kMaxPlaces ||
         size.steps + size.firsts + size.lasts > ParsedExpression::kMaxSteps;
}

// Reads from the front to the end; after a fault everything is at its end.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  ExpressionPart parse() {
    ExpressionPart part = parse_choice();
    if (peek() == ')') fail("no group is open here: write \\)");
    if (is_too_large(part.size)) fail_at(0, kTooLarge);
    return part;
  }

  const std::optional<Error>& fault() const { return fault_; }
  void fail(const std::string& what) { fail_at(at_, what); }

 private:
  using Empty = ExpressionPart::Empty;

  bool at_end() const { return at_ >= text_.size(); }
  // 0 at the end; an expression holds none.
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool take(std::string_view wanted) {
    if (!text_.substr(std::min(at_, text_.size())).starts_with(wanted)) return false;
    at_ += wanted.size();
    return true;
  }

  void fail_at(std::size_t at, const std::string& what) {
    if (!fault_) {
      const std::string_view rest = text_.substr(std::min(at, text_.size()));
      const std::string place =
          rest.empty() ? "at the end"
                       : "at letter " + std::to_string(at + 1) + ", " + in_quotes(rest);
      fault_ = Error{"regular expression " + in_quotes(text_) + ": " + place + ": " + what};
    }
    at_ = text_.size();
  }

  ExpressionPart parse_choice() {
    PartChoice choice;
    do {
      const std::size_t start = at_;
      if (choice.add(parse_sequence())) continue;
      fail_at(start,
              "of the choices of a group only one may be ^, $, \\b or \\B alone: write one "
              "expression for each");
    } while (take("|"));
    return choice.finish();
  }

  ExpressionPart parse_sequence() {
    PartSequence sequence;
    while (!at_end() && peek() != '|' && peek() != ')') sequence.append(parse_repeated());
    return sequence.finish();
  }

  ExpressionPart parse_repeated() {
    ExpressionPart part = parse_one();
    const std::size_t start = at_;
    if (!is_repeat(peek())) return part;
    if (part.size.places == 0) {
      fail("there is no letter in front of it that could be repeated");
      return part;
    }
    const Repeat repeat = parse_repeat();
    if (is_repeat(peek())) fail("one repeat is enough, short or not: leave this one out");
    if (is_too_large(part.size.repeated(repeat))) {
      fail_at(start, kTooLarge);
      return part;  // and is not written out
    }
    return part.repeated(repeat);
  }

  Repeat parse_repeat() {
    if (take("*")) return {0, Repeat::kEndless};
    if (take("+")) return {1, Repeat::kEndless};
    if (take("?")) return {0, 1};
    const std::size_t start = at_;
    (void)take("{");
    const std::optional<std::size_t> least = parse_count();
    std::optional<std::size_t> most = least;
    if (take(",")) most = peek() == '}' ? Repeat::kEndless : parse_count();
    if (!least || !most || !take("}") || *most < *least || *most == 0) {
      fail_at(start, "a count is {2}, {2,} or {2,4}, up to 255 and not of nothing: a brace is \\{");
      return {};
    }
    return {*least, *most};
  }

  std::optional<std::size_t> parse_count() {
    if (!is_digit(peek())) return std::nullopt;
    std::size_t count = 0;
    for (; is_digit(peek()); ++at_)
      count = std::min(count * 10 + static_cast<std::size_t>(peek() - '0'),
                       ParsedExpression::kMaxRepeat + 1);
    return count > ParsedExpression::kMaxRepeat ? std::nullopt : std::optional(count);
  }

  ExpressionPart parse_one() {
    const char c = peek();
    if (c == '(') return parse_group();
    if (c == '[') return parse_brackets();
    if (c == '\\') return parse_escaped();
    if (is_repeat(c)) fail("there is nothing to repeat: write \\" + std::string(1, c));
    if (!is_printable(c)) fail("names are ASCII: write the ASCII form (xn--...)");
    if (at_end()) return {};
    ++at_;
    if (c == '^' || c == '$') return ExpressionPart::of_place(std::string(1, c));
    if (c == '.') return ExpressionPart::of_letters(LetterSet::all());
    LetterSet letters;
    letters.add(c, c);
    return ExpressionPart::of_letters(letters);
  }

  ExpressionPart parse_group() {
    const std::size_t start = at_;
    (void)take("(");
    if (!take("?:") && peek() == '?') {
      const bool is_looking = peek(1) == '=' || peek(1) == '!' ||
                              (peek(1) == '<' && (peek(2) == '=' || peek(2) == '!'));
      fail_at(start, is_looking
                         ? "looking around is not possible: write what comes before or behind"
                         : "a group is (...) or (?:...), without a name; case never matters");
    }
    if (++depth_ > ParsedExpression::kMaxDepth) fail_at(start, "more than 20 groups in each other");
    ExpressionPart part = parse_choice();
    --depth_;
    if (!take(")")) fail_at(start, "the group has no end: write ), or \\( for a parenthesis");
    part.text = "(" + part.text + ")";
    return part;
  }

  ExpressionPart parse_escaped() {
    const char c = peek(1);
    const char lower = static_cast<char>(is_letter(c) ? c | 0x20 : c);
    const bool is_capital = c != lower;
    LetterSet letters;
    if (lower == 'b') {
      at_ += 2;
      return ExpressionPart::of_place(std::string("\\") + c);
    }
    if (const auto known = is_letter(c) ? LetterSet::of_class({&lower, 1}) : std::nullopt) {
      letters = *known;
      if (is_capital) letters.invert();
    } else if (is_mark(c)) {
      letters.add(c, c);
    } else {
      return fail_escape();
    }
    at_ += 2;
    return ExpressionPart::of_letters(letters);
  }

  ExpressionPart fail_escape() {
    if (is_digit(peek(1)))
      fail("there are no back references: write out what has to come again");
    else
      fail("behind \\ only this is known: " + std::string(kKnownEscapes));
    return {};
  }

  ExpressionPart parse_brackets() {
    const std::size_t start = at_;
    (void)take("[");
    const bool is_inverted = take("^");
    LetterSet letters;
    bool is_first = true;
    for (; !at_end() && (is_first || peek() != ']'); is_first = false)
      parse_item(letters, is_first);
    if (!take("]")) fail_at(start, "the bracket has no end: write ], or \\[ for a bracket");
    if (is_inverted) letters.invert();
    if (!fault_ && letters.empty()) fail_at(start, "no letter is left: nothing would ever fit");
    return fault_ ? ExpressionPart() : ExpressionPart::of_letters(letters);
  }

  void parse_item(LetterSet& letters, bool is_first) {
    if (const auto some = parse_class()) return letters.add(*some);
    if (peek() == '-' && !is_first && peek(1) != ']')
      return fail("a - stands first or last in brackets, or between two letters: write \\-");
    const std::size_t start = at_;
    const char first = parse_letter();
    char last = first;
    if (peek() == '-' && peek(1) != ']' && !at_end()) {
      ++at_;
      if (peek() == '[' || (peek() == '\\' && is_letter(peek(1)))) fail_at(start, "no such range");
      last = parse_letter();
    }
    if (last < first) fail_at(start, "the range ends before it begins: turn it round");
    if (!fault_) letters.add(first, last);
  }

  // [:alpha:] or \d, if there is one.
  std::optional<LetterSet> parse_class() {
    if (peek() == '\\' && is_letter(peek(1))) {
      const std::string_view name = text_.substr(at_ + 1, 1);
      const auto letters = LetterSet::of_class(name);
      if (letters) at_ += 2;
      if (!letters) fail("behind \\ in brackets only d, w, s and marks are known");
      return letters;
    }
    if (peek() != '[' || (peek(1) != ':' && peek(1) != '.' && peek(1) != '=')) return std::nullopt;
    const std::size_t end = text_.find(":]", at_ + 2);
    const auto letters = end == std::string_view::npos || peek(1) != ':' || end < at_ + 4
                             ? std::nullopt
                             : LetterSet::of_class(text_.substr(at_ + 2, end - at_ - 2));
    if (letters) at_ = end + 2;
    if (!letters)
      fail("there is no such class: write [:alnum:], [:alpha:], [:digit:] or another of POSIX");
    return letters;
  }

  // One of brackets, maybe behind a backslash.
  char parse_letter() {
    const bool is_escaped = take("\\");
    const char c = peek();
    if (!is_printable(c))
      fail(at_end() ? "a letter is missing" : "names are ASCII: write the ASCII form (xn--...)");
    else if (is_escaped && !is_mark(c))
      fail("behind \\ in brackets only d, w, s and marks are known");
    else
      ++at_;
    return c;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::optional<Error> fault_;
};

}  // namespace

Result<ParsedExpression> parse_expression(std::string_view text) {
  if (text.empty()) return Error{"a regular expression must not be empty: .* fits every name"};
  if (text.size() > ParsedExpression::kMaxText)
    return Error{"regular expression " + in_quotes(text) + ": more than 1000 letters: part it"};
  Parser parser(text);
  ExpressionPart part = parser.parse();
  if (parser.fault()) return *parser.fault();

  std::vector<std::string> literals = part.needed();
  const auto is_of_no_use = [](const std::string& literal) {
    return literal.size() < ParsedExpression::kMinLiteral || literal.find('*') != std::string::npos;
  };
  if (std::ranges::any_of(literals, is_of_no_use)) literals.clear();
  return ParsedExpression{std::move(part.text), std::move(literals)};
}

}  // namespace dnslet::policy
