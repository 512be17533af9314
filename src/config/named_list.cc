// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/named_list.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/sort.h"
#include "base/text.h"
#include "config/option_values.h"
#include "policy/list_letters.h"

namespace dnslet::config {
namespace {

constexpr std::string_view kExample = ", for example ads=/etc/dnslet/ads.list";

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, policy::is_of_label);
}

// What attributes of list lines are made of: words like "cn", "!cn", "region:eu".
bool is_attribute(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '@'; });
}

// Where the path ends: at an `@` that is not doubled.
std::size_t end_of_path(std::string_view text) {
  std::size_t at = text.find('@');
  while (at != std::string_view::npos && text.substr(at).starts_with("@@"))
    at = text.find('@', at + 2);  // ends: moves on
  return std::min(at, text.size());
}

std::string with_single_marks(std::string_view text) {
  std::string path;
  for (std::size_t at = 0; at < text.size(); ++at) {
    path += text[at];
    if (text[at] == '@') ++at;  // its double
  }
  return path;
}

Result<ListSource> parse_source(std::string_view text) {
  const std::size_t end = end_of_path(text);
  ListSource source{with_single_marks(text.substr(0, end))};
  if (source.path.empty())
    return Error{in_quotes(text) + " is not a path, maybe with @ATTRIBUTE behind it"};
  std::string_view rest = text.substr(end);
  while (!rest.empty()) {  // ends: takes an attribute and its mark each turn
    const std::string_view attribute = rest.substr(1, rest.find('@', 1) - 1);
    rest.remove_prefix(attribute.size() + 1);
    if (!is_attribute(attribute))
      return Error{in_quotes(text) +
                   " is not a path and attributes, for example /etc/dnslet/sites@cn@-ads; "
                   "an @ of the path itself is written @@"};
    source.attributes.push_back(lower_case(attribute));
  }
  sort_now_and_then(source.attributes);
  return source;
}

}  // namespace

Result<NamedList> parse_named_list(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos)
    return Error{in_quotes(text) + " is not a name, '=' and a path" + std::string(kExample)};
  const std::string_view name = text.substr(0, equals);
  if (!is_name(name))
    return Error{in_quotes(name) + " is not the name of a list: letters, digits, '-' and '_'" +
                 std::string(kExample)};
  const auto paths = parse_list(text.substr(equals + 1));
  if (!paths) return paths.error();
  NamedList list{lower_case(name), {}};
  for (const std::string_view path : *paths) {
    auto source = parse_source(path);
    if (!source) return source.error();
    list.sources.push_back(std::move(*source));
  }
  return list;
}

void add_list(std::vector<NamedList>& lists, NamedList list) {
  const auto known = std::ranges::find(lists, list.name, &NamedList::name);
  if (known == lists.end()) return lists.push_back(std::move(list));
  std::ranges::move(list.sources, std::back_inserter(known->sources));
}

std::optional<policy::ListNumber> find_list(const std::vector<NamedList>& lists,
                                            std::string_view name) {
  const auto list = std::ranges::find(lists, lower_case(name), &NamedList::name);
  if (list == lists.end()) return std::nullopt;
  return static_cast<policy::ListNumber>(list - lists.begin());
}

}  // namespace dnslet::config
