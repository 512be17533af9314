// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/name_expression.h"

// The only place that knows which TRE it is. The regcomp() of glibc is another engine: it takes
// time and memory without bound for some expressions.
#if defined(__GLIBC__)
#include <tre/tre.h>
#else
#include <regex.h>
#define tre_regcomp regcomp
#define tre_regexec regexec
#define tre_regfree regfree
#endif

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "dns/name.h"
#include "policy/expression_parser.h"
#include "policy/letter_set.h"

namespace dnslet::policy {

struct NameExpression::Automaton {
  regex_t compiled;
};

void NameExpression::FreeAutomaton::operator()(Automaton* automaton) const {
  tre_regfree(&automaton->compiled);
  delete automaton;
}

Result<NameExpression> NameExpression::compile(std::string_view text) {
  auto parsed = parse_expression(text);
  if (!parsed) return parsed.error();
  auto automaton = std::make_unique<Automaton>();
  const int status =
      tre_regcomp(&automaton->compiled, parsed->text.c_str(), REG_EXTENDED | REG_NOSUB);
  if (status != 0) return Error{"regular expression " + in_quotes(text) + ": too large: part it"};

  NameExpression expression;
  expression.text_ = text;
  expression.literals_ = std::move(parsed->literals);
  expression.automaton_.reset(automaton.release());
  return expression;
}

bool NameExpression::may_fit(std::string_view name) const {
  return literals_.empty() || std::ranges::any_of(literals_, [name](const std::string& literal) {
           return name.find(literal) != std::string_view::npos;
         });
}

bool NameExpression::fits(std::string_view name) const {
  std::array<char, dns::kMaxName + 1> letters;
  if (name.size() > dns::kMaxName || !may_fit(name)) return false;
  *std::ranges::transform(name, letters.begin(), letter_for).out = '\0';
  return tre_regexec(&automaton_->compiled, letters.data(), 0, nullptr, 0) == 0;
}

}  // namespace dnslet::policy
