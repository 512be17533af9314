// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One line of a list of names → what it takes. Every line is read by its own form: domains and
// wildcards, hosts(5), dnsmasq's local=, server= and address=, Adblock, domain: full: keyword:
// regexp: of domain lists, networks. Bytes may be anything.
//
// A line that asks for more than a name can tell (a path, a port, a modifier) is left out as a
// whole: cut down to a name it would take too much.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "dns/name.h"
#include "policy/name_expression.h"
#include "policy/name_patterns.h"
#include "policy/name_set.h"

namespace dnslet::policy {

struct ListEntry {
  enum class Kind : uint8_t { Name, Pattern, Expression, Network };

  Kind kind = Kind::Name;
  Covers covers = Covers::NameAndBelow;  // of a Name
  bool is_exception = false;             // takes names out of its list
  bool is_important = false;             // an entry counts whatever the exceptions say
  dns::Name name = {};                   // of a Name; not the root
  NamePattern pattern = {};              // of a Pattern
  std::shared_ptr<const NameExpression> expression = {};  // of an Expression
  Network network = {};                                   // of a Network
};

// What is in a line. To be used for one line after the other.
struct ListLine {
  enum class Fault : uint8_t { None, LeftOut, Unreadable };

  std::vector<ListEntry> entries;       // none of a comment; of a faulty line what could be read
  std::vector<std::string> attributes;  // "cn" of "@cn", "-cn" of "@-cn"
  std::string included;                 // the file of an include: line, else empty
  Fault fault = Fault::None;

  // Takes the next line's place. `text`: with or without its line end.
  void parse(std::string_view text);

  // Whether the line has each of these, and lacks what has a "-" in front.
  bool has_attributes(const std::vector<std::string>& wanted) const;

 private:
  void parse_prefixed(std::string_view kind, std::string_view value);
  void parse_words(std::string_view text);
  void parse_word(std::string_view word);
  void parse_hosts(std::string_view text);
  void parse_dnsmasq(std::string_view key, std::string_view value);
  void parse_adblock(std::string_view text);
  void read_attributes(const std::vector<std::string_view>& words);
  bool add_name(std::string_view text, Covers covers);
  bool add_domain(std::string_view text, Covers covers_wildcard);
  void fail(Fault what) { fault = what; }
};

}  // namespace dnslet::policy
