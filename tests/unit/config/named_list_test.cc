// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/named_list.h"

#include "catch.h"
#include "config/parsed.h"

namespace dnslet::config {
namespace {

using Sources = std::vector<ListSource>;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

Sources sources(const std::string& paths) {
  const auto list = parse_named_list("ads=" + paths);
  INFO((list ? "" : list.error().text));
  REQUIRE(list);
  return list->sources;
}

std::string error(const std::string& text) {
  const auto list = parse_named_list(text);
  return list ? "" : list.error().text;
}

TEST_CASE("a list has a name, paths, and attributes behind them") {
  CHECK(sources("/a") == Sources{{"/a"}});
  CHECK(sources("/a, b=c") == Sources{{"/a"}, {"b=c"}});
  CHECK(sources("/a@CN@-ads,/b@!x") == Sources{{"/a", {"-ads", "cn"}}, {"/b", {"!x"}}});
}

TEST_CASE("an @ of a path is doubled") {
  CHECK(sources("/a@@b") == Sources{{"/a@b"}});
  CHECK(sources("@@") == Sources{{"@"}});
  CHECK(sources("/a@@@@@cn") == Sources{{"/a@@", {"cn"}}});
}

TEST_CASE("what is no list is named, with what would be right") {
  CHECK_THAT(error("/a"), StartsWith("'/a' is not a name, '=' and a path, for example ads=/"));
  for (const char* bad_name : {"=/a", "a b=/a", "a.b=/a", "a@b=/a", "\xc3\xa4=/a"})
    CHECK_THAT(error(bad_name), ContainsSubstring("is not the name of a list"));
  CHECK_THAT(error("ads="), ContainsSubstring("is not a list"));
  CHECK_THAT(error("ads=/a,"), ContainsSubstring("is not a list"));
  CHECK_THAT(error("ads=@cn"), StartsWith("'@cn' is not a path"));
  for (const char* bad_attribute : {"/a@", "/a@-", "/a@cn@", "/a@cn@@ads", "/a@c n"})
    CHECK_THAT(error("ads=" + std::string(bad_attribute)),
               ContainsSubstring("an @ of the path itself"));
}

TEST_CASE("lists are numbered as first named, whatever the case, and the same name adds") {
  const Options options = good({"--list=Ads=/a", "--list", "cn=/b@x", "--list=ADS=/c"});
  REQUIRE(options.lists.size() == 2);
  CHECK(options.lists[0].sources == Sources{{"/a"}, {"/c"}});
  CHECK(options.lists[1].sources == Sources{{"/b", {"x"}}});
  CHECK(find_list(options.lists, "aDs") == policy::ListNumber{0});
  CHECK(find_list(options.lists, "cn") == policy::ListNumber{1});
  CHECK_FALSE(find_list(options.lists, "other"));
}

TEST_CASE("the variable has lists between blanks, of which a bad one is named") {
  const Options options = good({}, {{"DNSMASQ_LIST", "ads=/a,/b  cn=/c"}});
  REQUIRE(options.lists.size() == 2);
  CHECK(options.lists[0].sources == Sources{{"/a"}, {"/b"}});
  CHECK_THAT(bad({}, {{"DNSMASQ_LIST", "ads=/a cn"}}), StartsWith("DNSMASQ_LIST: 'cn' is not"));
  CHECK_THAT(bad({"--list=ads"}), StartsWith("--list: 'ads' is not"));
}

TEST_CASE("--print-config shows lists as they were given") {
  CHECK(setting("list", {"--list=Ads=/a@cn", "--list=b=/b"}).value == "Ads=/a@cn b=/b");
}

TEST_CASE("a list that no rule uses is warned of") {
  CHECK(warnings({"--list=Ads=/a"}) ==
        Arguments{"--list ads has no effect: no rule uses that list"});
  CHECK(warnings({}, {{"DNSMASQ_LIST", "a=/a b=/b"}}).size() == 2);
}

}  // namespace
}  // namespace dnslet::config
