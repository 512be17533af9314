// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/help.h"

#include <string>
#include <vector>

#include "catch.h"
#include "config/option_table.h"

using namespace dnslet::config;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = text.find('\n', start);
    REQUIRE(end != std::string::npos);
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

}  // namespace

TEST_CASE("help fits 80 columns") {
  for (const std::string& line : lines_of(help_text(HelpRows::All))) {
    CAPTURE(line);
    CHECK(line.size() <= 80);
    CHECK_FALSE(line.ends_with(' '));
  }
}

TEST_CASE("help shows each variable in the line of its flag, with the explanation below") {
  const auto lines = lines_of(help_text(HelpRows::All));
  for (const OptionRow& row : option_table()) {
    const std::string left = row.flag.empty() ? "   " : " --" + std::string(row.flag) + " ";
    const std::string right(row.flag.empty() ? row.variable : row.help);
    CAPTURE(left);
    const auto line = std::ranges::find_if(lines, [&](const std::string& candidate) {
      const std::string second = candidate.substr(std::min<std::size_t>(38, candidate.size()));
      return candidate.find(left) != std::string::npos &&
             second.starts_with(row.variable.empty() ? row.help : row.variable);
    });
    REQUIRE(line != lines.end());
    if (row.variable.empty()) continue;
    REQUIRE(line + 1 != lines.end());
    CHECK_THAT(line[1], Catch::Matchers::StartsWith("        " + std::string(row.help)));
  }
}

TEST_CASE("the help of what is used most is a part of the whole, and no more than 50 lines") {
  const auto whole = lines_of(help_text(HelpRows::All));
  const auto lines = lines_of(help_text(HelpRows::UsedMost));
  CHECK(lines.size() <= 50);
  std::size_t others = 0;
  std::size_t with_variable = 0;
  for (const std::string& line : lines) {
    others += std::ranges::count(whole, line) == 0;
    with_variable += line.find(" DNSMASQ_") != std::string::npos;
  }
  CHECK(others == 1);          // it says where the rest is
  CHECK(with_variable == 14);  // each name of the list in help.cc is an option
}

TEST_CASE("the version tells the libraries and theirs in one line") {
  const std::string text = version_text();
  CHECK(lines_of(text).size() == 1);
  CHECK_THAT(text, Catch::Matchers::StartsWith("dnslet") &&
                       Catch::Matchers::ContainsSubstring("(libuv 1.") &&
                       Catch::Matchers::ContainsSubstring(", c-ares 1."));
}
