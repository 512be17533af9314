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

TEST_CASE("users and passwords are not told, in what is right and in what is not") {
  const auto shown = [](const std::string& text) { return without_passwords(text); };
  CHECK(shown("socks5://me:SECRET@h/tcp://a") == "socks5://...@h/tcp://a");
  CHECK(shown("ask SOCKS5://me:SECRET@h/tcp://a b") == "ask SOCKS5://...@h/tcp://a b");
  CHECK(shown("10.0.0.1,tcp://10.0.0.2,socks5://a:SECRET@h/tcp://b,socks5://c:SECRET@i/tcp://d") ==
        "10.0.0.1,tcp://10.0.0.2,socks5://...@h/tcp://b,socks5://...@i/tcp://d");
  CHECK(shown("https://me:SECRET@h/q") == "https://...@h/q");
  for (const char* plain :
       {"https://dns.test/p@th,tcp://1.1.1.1", "socks5://h/https://dns.test/p@th", "a@b tls://c",
        "socks5://[fd00::1]:1080/tcp://a", "socks5://10.0.0.9:1080/tcp://a", "socks.test:53", ""})
    CHECK(shown(plain) == plain);
  for (const char* text :
       {"socks5://u:SECRET SECRET@h/tcp://a", "s=socks5://u:SECRET@h/tcp://bad host",
        "corp.test/socks5://u:SECRET@h/tcp://1.1.1.1,x/y/z", "socks5h://u:SECRET@h/tcp://a",
        "socks://u:SECRET@h", "socks5:u:SECRET@h/tcp://a", "socks5:/u:SECRET@h/tcp://a",
        "u:SECRET@h/tcp://a", "-nsocks5://u:SECRET@h/tcp://a", "socks5://u:SECRET,SECRET@h/tcp://a",
        "socks5://u:SECRET", "SECRET@h/tcp://a", "socks5://u:12/SECRET@h/tcp://a",
        "socks5://u:SECRET://SECRET@h/tcp://a", "* -> asc socks5:u:SECRET@h/tcp://a",
        "x \"socks5://u:SECRET SECRET@h/tcp://a\" ttl:60", "socks5://u:SECRET%2"}) {
    CAPTURE(text);
    CHECK(shown(text).find("SECRET") == std::string::npos);
    CHECK(in_quotes(text).find("SECRET") == std::string::npos);
  }
  CHECK(shown(std::string(200'000, '@')).size() == 200'000);
}
