// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Taking resolv.conf(5) apart into lines and words. Views point into the text they were given.

#include <algorithm>
#include <string_view>

namespace dnslet::config {

// Takes the next line off the front of `text`, its line end included; empty: nothing was left.
inline std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end == std::string_view::npos ? end : end + 1);
  text.remove_prefix(line.size());
  return line;
}

// Takes the next word off the front of `line`; empty: none was left.
inline std::string_view next_word(std::string_view& line) {
  constexpr std::string_view kBlanks = " \t\r\n";
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace dnslet::config
