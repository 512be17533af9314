// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/record_options.h"

#include "catch.h"

namespace dnslet::config {
namespace {

std::string parted(std::string_view text) {
  std::string all;
  for (const std::string_view statement : split_statements(text))
    (all += '[') += std::string(statement) + ']';
  return all;
}

TEST_CASE("statements stand between line ends and semicolons with blanks around them") {
  CHECK(parted("a ; b\nc") == "[a][b][c]");
  CHECK(parted(" a b \r\n\n ; ; c ;") == "[a b][c]");
  CHECK(parted("a;b ;c d; e") == "[a;b ;c d; e]");
  CHECK(parted(R"(a "x ; y" ; b "\" ; " ; c \" ; d)") == R"([a "x ; y"][b "\" ; "][c \"][d])");
  CHECK(parted("a \"x ; y") == "[a \"x ; y]");
  CHECK(parted("") == "");
  CHECK(parted(";") == "");
  CHECK(parted("a\\") == "[a\\]");
}

TEST_CASE("a comment begins with # at the start of a word, outside of quotes") {
  CHECK(record_line("# all") == "");
  CHECK(record_line("  a.test A 192.0.2.1 # mine\r\n") == "a.test A 192.0.2.1");
  CHECK(record_line("a.test TXT x#y \"# z\" \\# w") == "a.test TXT x#y \"# z\" \\# w");
  CHECK(record_line("a.test TYPE65280 \\# 0") == "a.test TYPE65280 \\# 0");
  CHECK(record_line("\n") == "");
}

TEST_CASE("records and files are added in their order, and a bad one is named") {
  Options options;
  REQUIRE(add_records("a.test TXT x ; @/etc/records\nb.test 5 A 192.0.2.1", options));
  REQUIRE(options.records.size() == 2);
  CHECK(options.records[1].ttl == 5U);
  CHECK(options.record_files == std::vector<std::string>{"/etc/records"});

  const auto error_of = [&](std::string_view text) {
    const Status status = add_records(text, options);
    return status ? "none" : status.error().text;
  };
  CHECK(error_of("") == "'' is not a record: write NAME [TTL] TYPE RDATA, or @PATH");
  CHECK(error_of("@") == "'@' is not a file of records: write @PATH");
  CHECK(error_of("c.test TXT y ; d.test A x") ==
        "'d.test A x': 'x' is not an IPv4 address; A is written as IPV4");
}

}  // namespace
}  // namespace dnslet::config
