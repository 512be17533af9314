// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A regular expression over names. The engine is TRE: its own library on glibc, the C library
// itself on musl. It follows all ways through the expression at once, so that a match takes time
// for each letter of the name at most, and no name can make it slow.
//
// See policy/expression_parser.h for the dialect, which is the same everywhere.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dnslet::policy {

class NameExpression {
 public:
  // Fails with the place in the text and what would be right.
  static Result<NameExpression> compile(std::string_view text);

  // Whether it fits anywhere in the name. `name`: in lower case, without the final dot; any bytes.
  // Allocates nothing but what the regexec() of musl does: one block that it frees again, of 48
  // bytes for each place of the expression. Names without any of the literals do not get there.
  bool fits(std::string_view name) const;

  // Each name that fits holds one of these at least; none: not known. See ParsedExpression.
  const std::vector<std::string>& literals() const { return literals_; }
  // As it was given.
  const std::string& text() const { return text_; }

 private:
  struct Automaton;
  struct FreeAutomaton {
    void operator()(Automaton* automaton) const;
  };

  NameExpression() = default;
  bool may_fit(std::string_view name) const;

  std::string text_;
  std::vector<std::string> literals_;
  std::unique_ptr<Automaton, FreeAutomaton> automaton_;  // compiled
};

}  // namespace dnslet::policy
