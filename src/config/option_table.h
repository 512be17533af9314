// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The table of options, one row each. The command line, the environment, --help, --print-config and
// the test that reads the man page all follow from it; a new option is a field of Options and a row
// here, which names the field and, where it is no number and no switch, the function that reads it.

#include <span>
#include <string_view>

#include "base/result.h"
#include "config/option_values.h"
#include "config/options.h"

namespace dnslet::config {

enum class Kind {
  Text,       // one value; the last flag wins
  Switch,     // true or false; a bare flag means true
  Action,     // a switch that asks for something else than serving; it has no variable
  Question,   // such an action about a value of one or two words
  Command,    // such an action that may be about one word
  List,       // each flag adds what it holds between commas; the variable reads like one flag
  PathList,   // each flag adds a value, commas and all; the variable separates them by commas
  BlankList,  // each flag adds a value; the variable separates them by blanks
  Sequence,   // each flag adds values between blanks; the variable reads like one flag
  Lines,      // each flag adds values, one a line or between lone semicolons; the variable likewise
};

struct OptionRow {
  std::string_view group;  // heading in --help; rows of a group stand together
  std::string_view flag;   // without dashes; empty: a variable only
  char letter = 0;         // 0: no short form
  Kind kind = Kind::Text;
  std::string_view variable;
  std::string_view placeholder;    // what --help calls the value; empty for Switch and Action
  std::string_view default_value;  // goes through `store` like any other; empty: unset
  std::string_view help;           // with the default in brackets where it is not a value

  // Checks one value and puts it into its field, or fails with "'x' is not ...". A Text replaces
  // the value before it, a list takes it in addition. `range`: of a number.
  Status (*store)(std::string_view value, const NumberRange& range, Options& options) = nullptr;
  NumberRange range = {};
  // The flag, else the variable, of another option without which this one does nothing; of several,
  // between `|`, one is enough.
  std::string_view needs = {};
  // Called once behind the last value, for what all of them together have to be. Null: nothing.
  Status (*complete)(Options& options) = nullptr;
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
  return row.kind == Kind::Action || row.kind == Kind::Question || row.kind == Kind::Command;
}
inline bool is_switch(const OptionRow& row) {
  return row.kind == Kind::Switch || row.kind == Kind::Action;
}
inline bool is_list(const OptionRow& row) { return row.kind >= Kind::List; }
// How settings call the option: its flag, or its variable where it has none.
inline std::string_view name_of(const OptionRow& row) {
  return row.flag.empty() ? row.variable : row.flag;
}

// By flag, short form or old name, without dashes; nullptr: there is none.
const OptionRow* find_option(std::string_view name);

}  // namespace dnslet::config
