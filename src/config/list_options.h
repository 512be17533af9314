// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The values of --list.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dnslet::config {

// A file or a directory of lists; of its lines only those with these attributes: "cn", and "-ads"
// for those that lack ads.
struct ListPath {
  std::string path;
  std::vector<std::string> attributes;

  bool operator==(const ListPath&) const = default;
};

struct NamedList {
  std::string name;
  std::vector<ListPath> paths;

  bool operator==(const NamedList&) const = default;
};

// "NAME=PATH[@ATTRIBUTE...][,PATH...]"; an @ of the path itself is @@. Fails with the end of a
// sentence.
Result<NamedList> parse_named_list(std::string_view text);

// Enters the list, or adds its paths to the one of that name.
void add_named_list(std::vector<NamedList>& lists, NamedList list);

}  // namespace dnslet::config
