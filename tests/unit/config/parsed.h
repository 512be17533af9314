// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What tests of options say of flags and variables: what they become, and how they are told.

#include <algorithm>
#include <string>
#include <vector>

#include "catch.h"
#include "config/options.h"

namespace dnslet::config {

using Arguments = std::vector<std::string>;
using Variables = Environment;

inline Result<ParsedOptions> parse(const Arguments& arguments, const Variables& variables = {}) {
  return parse_options(arguments, variables);
}

// REQUIRES: the input is good.
inline Options good(const Arguments& arguments, const Variables& variables = {}) {
  const auto parsed = parse(arguments, variables);
  INFO((parsed ? "" : parsed.error().text));
  REQUIRE(parsed);
  return parsed->options;
}

// The error sentence; empty if the input is good.
inline std::string bad(const Arguments& arguments, const Variables& variables = {}) {
  const auto parsed = parse(arguments, variables);
  return parsed ? "" : parsed.error().text;
}

inline Setting setting(const std::string& flag, const Arguments& arguments,
                       const Variables& variables = {}) {
  const auto parsed = parse(arguments, variables);
  REQUIRE(parsed);
  for (const Setting& candidate : parsed->settings) {
    if (candidate.flag == flag) return candidate;
  }
  return {};
}

inline bool is_one_printable_line(const std::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// Of endpoints, servers or networks.
template <typename T>
requires requires(const T& thing) { thing.to_text(); }
Arguments texts(const std::vector<T>& things) {
  Arguments result;
  for (const T& thing : things) result.push_back(thing.to_text());
  return result;
}

inline Arguments texts(const dns::NameList& names) {
  Arguments result;
  names.for_each([&](dns::NameView name) { result.push_back(name.to_text()); });
  return result;
}

inline Arguments texts(const std::optional<std::vector<dns::Name>>& names) {
  Arguments result;
  REQUIRE(names);
  for (const dns::Name& name : *names) result.push_back(name.view().to_text());
  return result;
}

// "db.test=1.2.3.4,::5", one text per record.
inline Arguments texts(const std::vector<StaticRecord>& records) {
  Arguments result;
  for (const StaticRecord& record : records) {
    result.push_back(record.name + "=");
    for (std::size_t i = 0; i < record.addresses.size(); ++i) {
      result.back() += (i == 0 ? "" : ",") + record.addresses[i].to_text();
    }
  }
  return result;
}

// "a.test b.test > 10.0.0.1:53 10.0.0.2:53", one text per zone.
inline Arguments texts(const StubZones& zones) {
  Arguments result;
  for (const auto& [servers, domains] : zones) {
    std::string text;
    for (const std::string& domain : texts(domains)) text += domain + " ";
    text += ">";
    for (const ServerAddress& server : servers) text += " " + server.to_text();
    result.push_back(text);
  }
  return result;
}

inline Arguments warnings(const Arguments& arguments, const Variables& variables = {}) {
  const auto parsed = parse(arguments, variables);
  INFO((parsed ? "" : parsed.error().text));
  REQUIRE(parsed);
  return parsed->warnings;
}

}  // namespace dnslet::config
