// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/plain_name.h"

#include <random>
#include <string>

#include "catch.h"
#include "policy/list_line.h"

namespace dnslet::policy {
namespace {

constexpr uint64_t kSeed = 0x0123456789abcdef;

bool is_plain(const std::string& line) { return PlainName().read(line, kSeed); }

// Whether ListLine reads the line as this name and all below it, and as nothing else.
bool is_same(const PlainName& name, const std::string& text) {
  ListLine line;
  line.parse(text);
  if (line.fault != ListLine::Fault::None || line.entries.size() != 1) return false;
  const ListEntry& entry = line.entries.front();
  const bool is_ordinary = entry.kind == ListEntry::Kind::Name && entry.covers == name.covers &&
                           !entry.is_exception && !entry.is_important && line.attributes.empty() &&
                           line.included.empty();
  const NameHashes hashes(entry.name, kSeed);
  return is_ordinary && hashes.all().back() == name.hash && hashes.all().size() == name.labels;
}

TEST_CASE("a line that is but a name has the hash of the name") {
  const std::string label(63, 'l');
  for (const std::string& line :
       {std::string("ads.test"), std::string("ADS.Test\r"), std::string("0.0.0.0 ADS.test"),
        std::string("127.0.0.1 ads.test\r"), std::string("||ads.test^"), std::string("a"),
        std::string("_x-1.7.b-"), label, label.substr(5) + ".test"}) {
    CAPTURE(line);
    PlainName name;
    REQUIRE(name.read(line, kSeed));
    CHECK(is_same(name, line));
  }
}

TEST_CASE("a line of any other form is left to others") {
  const std::string label(63, 'l');
  for (const std::string& line : {std::string(),
                                  std::string("\r"),
                                  std::string("."),
                                  std::string(".ads.test"),
                                  std::string("ads..test"),
                                  std::string("ads.test."),
                                  std::string("# ads"),
                                  std::string("ads.test # why"),
                                  std::string(" ads.test"),
                                  std::string("10.0.0.1"),
                                  std::string("ads.test1"),
                                  std::string("*.ads.test"),
                                  std::string("@@||ads.test^"),
                                  std::string("||ads.test"),
                                  std::string("||^"),
                                  std::string("||.ads.test^"),
                                  std::string("|ads.test^"),
                                  std::string("ads.test^"),
                                  std::string("ads.test @cn"),
                                  std::string("0.0.0.0 localhost"),
                                  std::string("0.0.0.0 localhost.localdomain"),
                                  std::string("127.0.0.1 x.LOCALDOMAIN"),
                                  std::string("0.0.0.0  ads.test"),
                                  std::string("0.0.0.0 ads.test x.test"),
                                  std::string("0.0.0.0 "),
                                  std::string("0.0.0.0 0.0.0.0"),
                                  std::string("0.0.0.0 *.ads.test"),
                                  std::string("0.0.0.0 ||ads.test^"),
                                  std::string("0.0.0.0 ads.test @cn"),
                                  std::string("\xef\xbb\xbf"
                                              "ads.test"),
                                  std::string("ads\0.test", 9),
                                  label + "l.test",
                                  label + '.' + label + '.' + label + '.' + label.substr(1)}) {
    CAPTURE(line);
    CHECK_FALSE(is_plain(line));
  }
}

TEST_CASE("every byte at every place of a line is read as ListLine reads it") {
  const std::string line = "abcdefghi.klmno.test";
  for (std::size_t at = 0; at < line.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = line;
      changed[at] = static_cast<char>(byte);
      PlainName name;
      const bool is_read = name.read(changed, kSeed);
      CAPTURE(changed);
      if (is_read) CHECK(is_same(name, changed));
      const std::string letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
      if (letters.find(changed[at]) != std::string::npos) CHECK(is_read);
    }
  }
}

TEST_CASE("200,000 random lines are read as ListLine reads them") {
  std::mt19937 random(3);
  const std::string letters = "aZ0-_..||^@*# \r\n:/";
  std::size_t plain = 0;
  std::size_t wrong = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string line = random() % 4 == 0 ? "0.0.0.0 " : "";
    const std::size_t kinds = random() % 2 == 0 ? 6 : letters.size();
    for (std::size_t size = random() % 12; size > 0; --size) line += letters[random() % kinds];
    PlainName name;
    if (!name.read(line, kSeed)) continue;
    ++plain;
    wrong += is_same(name, line) ? 0U : 1U;
  }
  CHECK(wrong == 0);
  CHECK(plain > 10'000);
}

}  // namespace
}  // namespace dnslet::policy
