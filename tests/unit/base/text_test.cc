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

TEST_CASE("text is percent-encoded and back") {
  CHECK(percent_encoded("Az09-._~") == "Az09-._~");
  CHECK(percent_encoded("a b@/:%\xff") == "a%20b%40%2F%3A%25%FF");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  CHECK(percent_decoded(percent_encoded(all)) == all);
  CHECK(percent_decoded("%4a%4A+") == "JJ+");
  for (const char* text : {"%", "%4", "a%", "%zz", "%4z", "%-1", "%+1", "% 1"}) {
    CAPTURE(text);
    CHECK_FALSE(percent_decoded(text));
  }
}

TEST_CASE("what stands between :// and an @ is not told") {
  CHECK(without_passwords("ask socks5://me:secret@h/tcp://a b") == "ask socks5://...@h/tcp://a b");
  CHECK(without_passwords("a@b tls://c") == "a@b tls://c");
  CHECK(without_passwords("x://a:b@c@d") == "x://...@d");
  CHECK(without_passwords("").empty());
}
