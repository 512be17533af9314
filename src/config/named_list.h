// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The lists of --list, which rules call by their names.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/rule.h"

namespace dnslet::config {

// A file, or a directory of them, of which the lines with these attributes count.
struct ListSource {
  std::string path;
  std::vector<std::string> attributes = {};  // "cn": has it; "-cn": lacks it; in lower case

  bool operator==(const ListSource&) const = default;
};

struct NamedList {
  std::string name;  // in lower case
  std::vector<ListSource> sources;
  bool is_used = false;  // by a rule; who reads the rules says so
};

// "NAME=PATH[,PATH...]" with attributes behind each PATH: "@cn@-ads". An `@` of the path is `@@`.
// The error is the end of a sentence, as in config/option_values.
Result<NamedList> parse_named_list(std::string_view text);

// Adds to the list of that name, or a list behind the others: its place is its number.
void add_list(std::vector<NamedList>& lists, NamedList list);

// The number of a list by its name in any case of letters; nullopt: there is none.
std::optional<policy::ListNumber> find_list(const std::vector<NamedList>& lists,
                                            std::string_view name);

}  // namespace dnslet::config
