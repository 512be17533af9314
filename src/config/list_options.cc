// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/list_options.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "base/text.h"
#include "config/option_values.h"

namespace dnslet::config {
namespace {

bool is_of_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_of_word);
}

// nullopt: an attribute is none.
std::optional<ListPath> parse_list_path(std::string_view text) {
  ListPath list;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    const bool is_mark = text[at] == '@';
    const bool is_escaped = is_mark && at + 1 < text.size() && text[at + 1] == '@';
    if (is_mark && !is_escaped) break;
    list.path += text[at];
    if (is_escaped) ++at;
  }
  while (at < text.size()) {  // ends: each turn takes the @ at least
    const std::size_t end = std::min(text.find('@', at + 1), text.size());
    const std::string attribute = lower_case(text.substr(at + 1, end - at - 1));
    const std::string_view word = attribute;
    if (!is_word(word.substr(word.starts_with('-') ? 1 : 0))) return std::nullopt;
    list.attributes.push_back(attribute);
    at = end;
  }
  if (list.path.empty()) return std::nullopt;
  return list;
}

}  // namespace

Result<NamedList> parse_named_list(std::string_view text) {
  const Error error =
      not_a(text,
            "a named list, for example ads=/etc/ads.txt or cn=/etc/geosite@cn@-ads "
            "(a name of letters, digits, - and _, then = and paths between commas)");
  const std::size_t equals = std::min(text.find('='), text.size());
  NamedList list{std::string(text.substr(0, equals)), {}};
  if (!is_word(list.name) || equals == text.size()) return error;
  const auto paths = parse_list(text.substr(equals + 1));
  if (!paths) return error;
  for (const std::string_view path : *paths) {
    auto parsed = parse_list_path(path);
    if (!parsed) return error;
    list.paths.push_back(std::move(*parsed));
  }
  return list;
}

void add_named_list(std::vector<NamedList>& lists, NamedList list) {
  const auto known = std::ranges::find(lists, list.name, &NamedList::name);
  if (known == lists.end())
    lists.push_back(std::move(list));
  else
    std::ranges::move(list.paths, std::back_inserter(known->paths));
}

}  // namespace dnslet::config
