// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The table of options, one row each. The command line, the environment, --help, --print-config and
// the test that reads the man page all follow from it; a new option is a field of Options, a row
// here and the function that the row points to.

#include <span>
#include <string_view>

#include "app/options.h"
#include "base/result.h"

namespace dnslet::app {

enum class Kind {
  Text,       // one value; the last flag wins
  Switch,     // true or false; a bare flag means true
  Action,     // a switch that asks for something else than serving; it has no variable
  Question,   // such an action about a value of one or two words
  CommaList,  // each flag adds a value; the variable separates them by commas
  BlankList,  // each flag adds a value; the variable separates them by blanks
  Sequence,   // each flag adds values; the variable reads like one flag
};

struct OptionRow {
  std::string_view group;  // heading in --help; rows of a group stand together
  std::string_view flag;   // without dashes; empty: a variable only
  char letter = 0;         // 0: no short form
  Kind kind = Kind::Text;
  std::string_view variable;
  std::string_view placeholder;    // what --help calls the value; empty for Switch and Action
  std::string_view default_value;  // goes through `parse` like any other; empty: unset
  std::string_view help;           // with the default in brackets where it is not a value

  // Stores one checked value, or fails with "'x' is not ...". A Text replaces the value before it,
  // an element is added to its list.
  Status (*parse)(std::string_view value, Options& options) = nullptr;
};

std::span<const OptionRow> option_table();

// Another name of an option, from go-dnsmasq's days.
struct OldName {
  std::string_view name;  // of a flag, without dashes, or of a variable
  std::string_view flag;  // the option's own
  bool is_deprecated = true;
};
std::span<const OldName> old_flags();
std::span<const OldName> old_variables();

inline bool is_action(const OptionRow& row) {
  return row.kind == Kind::Action || row.kind == Kind::Question;
}

// By flag, short form or old name, without dashes; nullptr: there is none.
const OptionRow* find_option(std::string_view name);

}  // namespace dnslet::app
