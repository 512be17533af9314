// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "base/text.h"

#include "catch.h"

using namespace dnslet;

TEST_CASE("folding is for ASCII letters only") {
  CHECK(lower_case("AbZ-9.\xc3\x84") == "abz-9.\xc3\x84");
}

TEST_CASE("blanks of every kind are taken off both ends and part words") {
  CHECK(trimmed(" \t\r\n\v\fa b\n ") == "a b");
  CHECK(trimmed(" \n").empty());
  CHECK(split_blanks("\ta  b\r\nc ") == std::vector<std::string_view>{"a", "b", "c"});
  CHECK(split_blanks(" \n").empty());
}

TEST_CASE("quoted text is one printable line of bounded length") {
  CHECK(in_quotes("a\nb\x7f\xff") == "'a\\x0ab\\x7f\\xff'");
  CHECK(in_quotes(std::string(100, 'a')) == "'" + std::string(100, 'a') + "'");
  CHECK(in_quotes(std::string(101, 'a')) == "'" + std::string(100, 'a') + "...'");
  CHECK(not_a("x", "a y").text == "'x' is not a y");
}
