// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/hosts.h"

#include "catch.h"

namespace dnslet::policy {
namespace {

using Texts = std::vector<std::string>;

dns::Name name(std::string_view text) { return *dns::Name::from_text(text); }

IpAddress ip(std::string_view text) {
  INFO(text);
  const auto address = IpAddress::from_text(text);
  REQUIRE(address);
  return *address;
}

HostsTable table_of(std::string_view text) {
  HostsTable table(1);
  (void)table.add_text(text);
  return table;
}

// The addresses of a name, in order.
Texts addresses(const HostsTable& table, std::string_view asked) {
  Texts texts;
  const auto owner = table.find(name(asked));
  if (!owner) return texts;
  table.for_each_address(*owner,
                         [&](const IpAddress& address) { texts.push_back(address.to_text()); });
  return texts;
}

// "SOURCE:LINE ADDRESS NAME" for each entry, in order.
Texts entries(const HostsTable& table) {
  Texts texts;
  table.for_each_entry([&](const HostsEntry& entry) {
    texts.push_back(std::to_string(entry.source) + ":" + std::to_string(entry.line) + " " +
                    entry.address.to_text() + (entry.is_wildcard ? " *." : " ") +
                    entry.name.to_text());
  });
  return texts;
}

std::string reverse(const HostsTable& table, std::string_view address) {
  const auto found = table.find_name(ip(address));
  return found ? found->to_text() : "";
}

// "LINE: REASON" for each bad line that is named.
Texts bad_lines(std::string_view text) {
  HostsTable table(1);
  Texts lines;
  const HostsReport report = table.add_text(text);
  for (const BadLine& bad : report.first_bad)
    lines.push_back(std::to_string(bad.line) + ": " + bad.reason);
  CHECK(report.bad_lines >= lines.size());
  return lines;
}

std::string line(int address, const std::string& names) {
  return "10." + std::to_string(address >> 16 & 255) + "." + std::to_string(address >> 8 & 255) +
         "." + std::to_string(address & 255) + " " + names + "\n";
}

// The format.

TEST_CASE("a line gives an address to any number of names") {
  const HostsTable table = table_of("10.0.0.1 a.test b.test c\nfd00::5 a.test\n");
  CHECK(addresses(table, "a.test") == Texts{"10.0.0.1", "fd00::5"});
  CHECK(addresses(table, "b.test") == Texts{"10.0.0.1"});
  CHECK(addresses(table, "c") == Texts{"10.0.0.1"});
  CHECK(table.entries() == 4);
}

TEST_CASE("a name is one whole name") {
  const HostsTable table = table_of("10.0.0.1 a.test\n");
  CHECK_FALSE(table.find(name("b.test")));
  CHECK_FALSE(table.find(name("test")));
  CHECK_FALSE(table.find(name("x.a.test")));
  CHECK_FALSE(table.find(name("xa.test")));
  CHECK_FALSE(table.find(name(".")));
}

TEST_CASE("hosts text comes in many forms") {
  const std::string text = GENERATE(
      as<std::string>{}, "10.0.0.1 a.test b.test", "10.0.0.1 a.test b.test\n",
      "10.0.0.1\ta.test\tb.test\n", "10.0.0.1 a.test b.test\r\n",
      " \t10.0.0.1   a.test\t b.test \t",
      "\xef\xbb\xbf"
      "10.0.0.1 a.test b.test\n",
      "10.0.0.1 a.test b.test#c.test\n", "10.0.0.1 a.test b.test # c.test\n",
      "# comment\n\n   \n\r\n10.0.0.1 a.test b.test", "10.0.0.1 A.TEST b.test.\n",
      "10.0.0.1 a.test\n10.0.0.1 b.test\n\n\n", "10.0.0.1 a.test b.test a.test\n10.0.0.1 b.test\n");
  CAPTURE(text);
  const HostsTable table = table_of(text);
  CHECK(bad_lines(text).empty());
  CHECK(addresses(table, "a.test") == Texts{"10.0.0.1"});
  CHECK(addresses(table, "b.test") == Texts{"10.0.0.1"});
  CHECK(table.entries() == 2);
  CHECK(reverse(table, "10.0.0.1") == "a.test");
}

TEST_CASE("text without entries makes an empty table") {
  const std::string text =
      GENERATE(as<std::string>{}, "", "\n", "\r\n", "#", "# a\n#b", "\xef\xbb\xbf");
  CAPTURE(text);
  CHECK(table_of(text).empty());
  CHECK(bad_lines(text).empty());
}

TEST_CASE("a byte order mark is one at the start only") {
  CHECK(bad_lines("10.0.0.1 a\n\xef\xbb\xbf"
                  "10.0.0.2 b\n")
            .size() == 1);
}

TEST_CASE("addresses of one name come in file order, each once") {
  const HostsTable table =
      table_of("10.0.0.3 a\n10.0.0.1 a\n::1 a\n10.0.0.2 a\n10.0.0.1 a\n10.0.0.3 b a\n");
  CHECK(addresses(table, "a") == Texts{"10.0.0.3", "10.0.0.1", "::1", "10.0.0.2"});
}

TEST_CASE("go-dnsmasq defect 11: 0.0.0.0 and :: are kept, and a one-letter name is sound") {
  const HostsTable table = table_of("0.0.0.0 ads.test x\n:: ads.test\n");
  CHECK(addresses(table, "ads.test") == Texts{"0.0.0.0", "::"});
  CHECK(addresses(table, "x") == Texts{"0.0.0.0"});
}

// Bad lines.

TEST_CASE("a bad line is skipped and named, the others count") {
  const std::string text =
      "10.0.0.1 good\n300.1.2.3 bad\n10.0.0.2\n10.0.0.3 a..b\r\n\n# 1 2\nlocalhost 10.0.0.1\n"
      "10.0.0.4 fine\n";
  CHECK(bad_lines(text) == Texts{"2: '300.1.2.3' is not an IP address",
                                 "3: no name behind the address", "4: 'a..b' is not a usable name",
                                 "7: 'localhost' is not an IP address"});
  CHECK(addresses(table_of(text), "fine") == Texts{"10.0.0.4"});
  CHECK(table_of(text).entries() == 2);
}

TEST_CASE("an address that only looks like one is no address") {
  const std::string address =
      GENERATE(as<std::string>{}, "10.0.0", "10.0.0.1.2", "10.0.0.1/8", "10.0.0.1:53", "[::1]",
               "::1::", "010.0.0.1", "fe80::1%eth0", "*");
  CHECK(bad_lines(address + " a\n") == Texts{"1: '" + address + "' is not an IP address"});
}

TEST_CASE("a name that is none is not usable") {
  const std::string bad = GENERATE(as<std::string>{}, ".", "..", "*.", "*..", ".a", "a..b", "a\x01",
                                   "a\x7f", "caf\xc3\xa9", "\\", "\\300");
  CAPTURE(bad);
  HostsTable table(1);
  CHECK(table.add_text("10.0.0.1 " + bad + "\n").bad_lines == 1);
  CHECK(table.empty());
}

TEST_CASE("the good names of a line with a bad one are kept") {
  const HostsTable table = table_of("10.0.0.1 a a..b c\n");
  CHECK(addresses(table, "a") == Texts{"10.0.0.1"});
  CHECK(addresses(table, "c") == Texts{"10.0.0.1"});
}

TEST_CASE("ten bad lines are named, the rest is counted") {
  std::string text;
  for (int i = 0; i < 25; ++i) text += "bad\n";
  HostsTable table(1);
  const HostsReport report = table.add_text(text);
  CHECK(report.bad_lines == 25);
  REQUIRE(report.first_bad.size() == 10);
  CHECK(report.first_bad.back().line == 10);
}

TEST_CASE("a reason is short and printable whatever the line") {
  const Texts reasons =
      bad_lines(std::string(1'000'000, 'x') + "\n\x1b[2J\n" + std::string(1, '\0'));
  REQUIRE(reasons.size() == 3);
  CHECK(reasons[0].size() < 120);
  CHECK(reasons[1] == "2: '?[2J' is not an IP address");
  CHECK(reasons[2] == "3: '?' is not an IP address");
}

TEST_CASE("a name has as many addresses as a message can hold, and no more") {
  constexpr auto kMax = static_cast<int>(HostsTable::kMaxAddressesPerName);
  HostsTable table(1);
  table.start_source();
  int taken = 0;
  for (int i = 0; i < kMax; ++i) {
    const auto low = static_cast<uint8_t>(i & 255);
    const auto high = static_cast<uint8_t>(i >> 8);
    if (table.add("a", IpAddress::v4(10, 0, high, low)) == Added::Yes) ++taken;
  }
  CHECK(taken == kMax);
  CHECK(table.add("a", ip("11.0.0.1")) == Added::TooMany);
  CHECK(table.add("a", ip("11.0.0.3")) == Added::OneMoreTooMany);
  CHECK(table.add("a", ip("10.0.3.7")) == Added::Yes);  // it has this one
  CHECK(table.add("b", ip("11.0.0.1")) == Added::Yes);
  CHECK(table.add_text("11.0.0.2 b a\n").bad_lines == 0);  // it has been told
  CHECK(addresses(table, "a").size() == HostsTable::kMaxAddressesPerName);
}

TEST_CASE("of too many addresses of a name the first is told") {
  for (const std::string name : {"a.test", "*.a.test"}) {
    std::string text;
    std::vector<std::string> expected;
    for (int i = 0; i < 100'000; ++i) {
      const std::string address = "10." + std::to_string(i >> 16) + "." +
                                  std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255);
      text += address + " " + name + "\n" + address + " " + name + "\n";
      if (i < static_cast<int>(HostsTable::kMaxAddressesPerName)) expected.push_back(address);
    }
    HostsTable table(1);
    const HostsReport report = table.add_text(text);
    CHECK(report.bad_lines == 1);
    REQUIRE(report.first_bad.size() == 1);
    CHECK(report.first_bad[0].line == 2 * HostsTable::kMaxAddressesPerName + 1);
    CHECK(report.first_bad[0].reason ==
          "'" + name + "' has more than 4096 addresses, the rest does not count");
    CHECK(addresses(table, "x.a.test").empty() == (name == "a.test"));
    CHECK(addresses(table, name == "a.test" ? name : "x.a.test") == expected);
  }
}

TEST_CASE("a stopped reading of a text ends at once") {
  const StopFlag stop = true;
  HostsTable table(1);
  (void)table.add_text("10.0.0.1 a.test\n", stop);
  CHECK(table.empty());
}

// Wildcards.

TEST_CASE("a wildcard is for every name below it, at any depth, but not for itself") {
  const HostsTable table = table_of("10.0.0.1 *.db.test\n");
  CHECK(addresses(table, "a.db.test") == Texts{"10.0.0.1"});
  CHECK(addresses(table, "A.B.c.DB.Test") == Texts{"10.0.0.1"});
  CHECK_FALSE(table.find(name("db.test")));
  CHECK_FALSE(table.find(name("adb.test")));
  CHECK_FALSE(table.find(name("test")));
  CHECK_FALSE(table.find(name(".")));
}

TEST_CASE("the longest wildcard wins, whatever the order") {
  const std::string text = GENERATE(as<std::string>{}, "10.0.0.1 *.test\n10.0.0.2 *.db.test\n",
                                    "10.0.0.2 *.db.test\n10.0.0.1 *.test\n");
  const HostsTable table = table_of(text);
  CHECK(addresses(table, "a.test") == Texts{"10.0.0.1"});
  CHECK(addresses(table, "db.test") == Texts{"10.0.0.1"});
  CHECK(addresses(table, "a.db.test") == Texts{"10.0.0.2"});
  CHECK(addresses(table, "a.b.db.test") == Texts{"10.0.0.2"});
}

TEST_CASE("a name's own entry beats every wildcard") {
  const HostsTable table = table_of("10.0.0.1 *.test\n10.0.0.2 a.test\n10.0.0.3 *.a.test\n");
  CHECK(addresses(table, "a.test") == Texts{"10.0.0.2"});
  CHECK(addresses(table, "b.test") == Texts{"10.0.0.1"});
  CHECK(addresses(table, "x.a.test") == Texts{"10.0.0.3"});
}

TEST_CASE("below a name with an entry of its own the wildcard goes on") {
  const HostsTable table = table_of("10.0.0.1 *.test\n10.0.0.2 a.test\n");
  CHECK(addresses(table, "x.a.test") == Texts{"10.0.0.1"});
}

TEST_CASE("a star elsewhere is an ordinary letter") {
  const HostsTable table = table_of("10.0.0.1 a.*.test\n");
  CHECK(addresses(table, "a.*.test") == Texts{"10.0.0.1"});
  CHECK_FALSE(table.find(name("a.b.test")));
}

TEST_CASE("a star alone is every name that has no entry, and none of those that have one") {
  HostsTable table(1);
  CHECK_FALSE(table.has_any());
  (void)table.add_text("10.0.0.1 *\n10.0.0.2 *.a.test\n10.0.0.3 b.test\nfd00::1 *\n");
  REQUIRE(table.has_any());
  CHECK(addresses(table, "x.a.test") == Texts{"10.0.0.2"});
  CHECK(addresses(table, "b.test") == Texts{"10.0.0.3"});
  CHECK_FALSE(table.find(name("a.test")));
  CHECK_FALSE(table.find(name("c")));
  Texts found;
  table.for_each_address(*table.find_any(), [&](const auto& ip) { found.push_back(ip.to_text()); });
  CHECK(found == Texts{"10.0.0.1", "fd00::1"});
  HostsTable copy(1);
  copy.add_from(table, 1);
  CHECK(copy.has_any());
  CHECK_FALSE(table_of("10.0.0.1 *.a b\n").has_any());
}

// Reverse.

TEST_CASE("an address has the name that came first, in any file") {
  HostsTable table(1);
  (void)table.add_text("10.0.0.1 first second\nfd00::5 six\n");
  (void)table.add_text("10.0.0.1 third\n10.0.0.2 Fourth.TEST\n");
  CHECK(reverse(table, "10.0.0.1") == "first");
  CHECK(reverse(table, "10.0.0.2") == "fourth.test");
  CHECK(reverse(table, "fd00::5") == "six");
  CHECK(reverse(table, "10.0.0.3").empty());
}

TEST_CASE("a wildcard is no address's name") {
  const HostsTable table = table_of("10.0.0.1 *.a.test\n10.0.0.2 *.a.test b.test\n");
  CHECK(reverse(table, "10.0.0.1").empty());
  CHECK(reverse(table, "10.0.0.2") == "b.test");
}

// Sources.

TEST_CASE("a table is put together from the sources of another") {
  HostsTable old(1);
  (void)old.add_text("10.0.0.1 a\n10.0.0.9 *.w\n");
  (void)old.add_text("10.0.0.2 a b\n");
  (void)old.add_text("10.0.0.3 c\n");
  CHECK(old.sources() == 3);

  HostsTable fresh(2);
  (void)fresh.add_text("10.0.0.7 a\n");
  fresh.add_from(old, 2);
  fresh.add_from(old, 1);
  CHECK(fresh.sources() == 3);
  CHECK(addresses(fresh, "a") == Texts{"10.0.0.7", "10.0.0.2", "10.0.0.1"});
  CHECK(addresses(fresh, "x.w") == Texts{"10.0.0.9"});
  CHECK(reverse(fresh, "10.0.0.2") == "a");
  CHECK_FALSE(fresh.find(name("c")));
}

TEST_CASE("an entry knows its source and line, also when it is taken over") {
  HostsTable old(1);
  (void)old.add_text("10.0.0.1 a\n");
  (void)old.add_text("# names\n\n10.0.0.2 b *.w\n10.0.0.2 b");
  HostsTable table(1);
  table.start_source();
  REQUIRE(table.add("c", ip("10.0.0.3")) == Added::Yes);
  table.add_from(old, 2);
  const Texts lines = {"1:0 10.0.0.3 c", "2:3 10.0.0.2 b", "2:3 10.0.0.2 *.w", "2:4 10.0.0.2 b"};
  CHECK(entries(table) == lines);
  CHECK(table.name_of(*table.find(name("b"))).to_text() == "b");
  CHECK_FALSE(table.is_wildcard(*table.find(name("b"))));
  CHECK(table.name_of(*table.find(name("x.y.w"))).to_text() == "w");
  CHECK(table.is_wildcard(*table.find(name("x.y.w"))));
}

TEST_CASE("a source that does not exist adds nothing") {
  const HostsTable old = table_of("10.0.0.1 a\n");
  HostsTable fresh(1);
  fresh.add_from(old, 2);
  CHECK(fresh.empty());
  CHECK(fresh.sources() == 1);
}

TEST_CASE("a hundred thousand names are all found") {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += line(i, "host" + std::to_string(i) + ".test");
  const HostsTable table = table_of(text);
  CHECK(table.entries() == 100'000);
  CHECK(addresses(table, "host0.test") == Texts{"10.0.0.0"});
  CHECK(addresses(table, "host99999.test") == Texts{"10.1.134.159"});
  CHECK(reverse(table, "10.1.134.159") == "host99999.test");
  CHECK_FALSE(table.find(name("host100000.test")));
}

}  // namespace
}  // namespace dnslet::policy
