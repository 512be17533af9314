// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/option_table.h"

#include <algorithm>
#include <set>

#include "config/parsed.h"

namespace dnslet::config {
namespace {

// Actions.

TEST_CASE("actions are asked for by flag, long and short") {
  CHECK(good({"--help"}).action == Action::Help);
  CHECK(good({"-h"}).action == Action::Help);
  CHECK(good({"-help"}).action == Action::Help);
  CHECK(good({"--help-all"}).action == Action::HelpAll);
  CHECK(good({"--version"}).action == Action::Version);
  CHECK(good({"-v"}).action == Action::Version);
  CHECK(good({"--print-config"}).action == Action::PrintConfig);
  CHECK(good({"--healthcheck"}).action == Action::Healthcheck);
  CHECK(good({"--help=false"}).action == Action::Serve);
}

TEST_CASE("help wins over the version, and both over unusable values") {
  CHECK(good({"--version", "--help", "--print-config"}).action == Action::Help);
  CHECK(good({"--help", "--rcache=x"}).action == Action::Help);
  CHECK(good({"--help-all", "-h", "--rcache=x"}).action == Action::HelpAll);
  CHECK(good({"--version"}, {{"DNSMASQ_LISTEN", "x"}}).action == Action::Version);
  CHECK_FALSE(bad({"--print-config", "--rcache=x"}).empty());
  CHECK_FALSE(bad({"--healthcheck"}, {{"DNSMASQ_LISTEN", "x"}}).empty());
}

// --print-config.

TEST_CASE("every option but the actions has a setting, in the order of the table") {
  const auto parsed = parse({});
  REQUIRE(parsed);
  Arguments expected;
  for (const OptionRow& row : option_table()) {
    if (!is_action(row)) expected.emplace_back(row.flag.empty() ? row.variable : row.flag);
  }
  Arguments flags;
  for (const Setting& candidate : parsed->settings) flags.push_back(candidate.flag);
  CHECK(flags == expected);
}

TEST_CASE("a setting tells its value and where it came from") {
  const Arguments arguments = {"-f", "/a", "-f", "/b", "--verbose", "--rcache=1", "--rcache=2"};
  const Variables variables = {{"DNSMASQ_ADDRESS", "a=::1  b=::2"}, {"DNSMASQ_POLL", "5"}};
  CHECK(setting("hostsfile", arguments).value == "/a,/b");
  CHECK(setting("hostsfile", arguments).origin == Origin::Flag);
  CHECK(setting("verbose", arguments).value == "true");
  CHECK(setting("rcache", arguments).value == "2");
  CHECK(setting("address", {}, variables).value == "a=::1 b=::2");
  CHECK(setting("hostsfile-poll", {}, variables).origin == Origin::Variable);
  CHECK(setting("listen", {}).value == "127.0.0.1:53");
  CHECK(setting("listen", {}).origin == Origin::Default);
  CHECK(setting("nameservers", {}).value.empty());
}

TEST_CASE("the configuration is printed with one option a line") {
  CHECK(config_text({{"listen", "127.0.0.1:53", Origin::Default},
                     {"nameservers", "10.0.0.1", Origin::ResolvConf},
                     {"hostsfile-poll", "5", Origin::Variable, "DNSMASQ_POLL"},
                     {"rcache", "100", Origin::Flag},
                     {"block", "", Origin::Default}}) ==
        "listen = 127.0.0.1:53  (default)\n"
        "nameservers = 10.0.0.1  (resolv.conf)\n"
        "hostsfile-poll = 5  (DNSMASQ_POLL)\n"
        "rcache = 100  (--rcache)\n"
        "block = -  (default)\n");
  CHECK(config_text({{"hostsfile", "/a\n\x1b", Origin::Flag}}) ==
        "hostsfile = /a\\x0a\\x1b  (--hostsfile)\n");
}

// The table.

TEST_CASE("no flag, letter or variable stands for two options") {
  std::set<std::string_view> flags;
  std::set<char> letters;
  std::set<std::string_view> variables;
  for (const OptionRow& row : option_table()) {
    CAPTURE(row.flag);
    CHECK(row.flag.size() != 1);
    CHECK((row.flag.empty() || flags.insert(row.flag).second));
    CHECK((row.letter == 0 || letters.insert(row.letter).second));
    CHECK((row.variable.empty() || variables.insert(row.variable).second));
  }
}

TEST_CASE("old names lead to an option and hide no other name") {
  for (const OldName& old : old_flags()) {
    CAPTURE(old.name);
    REQUIRE(find_option(old.name) != nullptr);
    CHECK(find_option(old.name) == find_option(old.flag));
    for (const OptionRow& row : option_table()) {
      CHECK(row.flag != old.name);
      CHECK((old.name.size() > 1 || row.letter != old.name[0]));
    }
  }
  for (const OldName& old : old_variables()) {
    CAPTURE(old.name);
    CHECK(find_option(old.flag) != nullptr);
    for (const OptionRow& row : option_table()) CHECK(row.variable != old.name);
  }
}

TEST_CASE("the rows of the table are complete") {
  for (const OptionRow& row : option_table()) {
    CAPTURE(row.flag);
    CHECK(row.store != nullptr);
    CHECK_FALSE(row.help.empty());
    CHECK(row.placeholder.empty() == is_switch(row));
    CHECK(row.variable.empty() == is_action(row));
    for (std::string_view needs = row.needs; !needs.empty();) {
      const std::string_view need = needs.substr(0, needs.find('|'));
      CHECK(std::ranges::count(option_table(), need, name_of) == 1);
      needs.remove_prefix(std::min(need.size() + 1, needs.size()));
    }
    CHECK((row.variable.starts_with("DNSMASQ_") || is_action(row) || row.flag.empty()));
    Options options;
    CHECK((row.default_value.empty() || row.store(row.default_value, row.range, options)));
  }
}

TEST_CASE("the rows of a group stand together") {
  std::set<std::string_view> groups;
  std::string_view last;
  for (const OptionRow& row : option_table()) {
    if (row.group == last) continue;
    CHECK(groups.insert(row.group).second);
    last = row.group;
  }
}

TEST_CASE("an option is found by its flag and by its letter only") {
  REQUIRE(find_option("rcache") != nullptr);
  CHECK(find_option("rcache") == find_option("r"));
  CHECK(find_option("") == nullptr);
  CHECK(find_option("rcach") == nullptr);
  CHECK(find_option(std::string_view("\0", 1)) == nullptr);
}

TEST_CASE("--explain takes a name and perhaps a type") {
  const auto explained = [](const Arguments& arguments) {
    const Options options = good(arguments);
    CHECK(options.action == Action::Explain);
    return options.explained.name.view().to_text() + ' ' + to_text(options.explained.type);
  };
  CHECK(explained({"--explain", "WWW.example."}) == "www.example A");
  CHECK(explained({"--explain", "www.example", "aaaa"}) == "www.example AAAA");
  CHECK(explained({"--explain=www.example", "TYPE65"}) == "www.example HTTPS");
  CHECK(explained({"-explain", "www.example MX"}) == "www.example MX");
  CHECK(explained({"--explain", "10.0.0.7"}) == "7.0.0.10.in-addr.arpa PTR");
  CHECK(explained({"--explain", ".", "NS"}) == ". NS");
  CHECK(explained({"--explain", "www.example", "--rcache", "5"}) == "www.example A");
  CHECK(good({"--explain", "www.example", "--rcache", "5"}).cache_capacity == 5);

  const std::vector<Arguments> wrong = {{"--explain"},
                                        {"--explain="},
                                        {"--explain", " "},
                                        {"--explain", "a..b"},
                                        {"--explain", "", "A"},
                                        {"--explain=", "A"},
                                        {"--explain", "a", ""},
                                        {"--explain", "a A A"},
                                        {"--explain", "--rcache=5"},
                                        {"--explain", "::1x"},
                                        {"--explain", "a", "W"},
                                        {"--explain", "a", "A", "A"},
                                        {"--explain", "a", "--rcache=5", "A"}};
  for (const Arguments& arguments : wrong) {
    CAPTURE(arguments);
    CHECK(is_one_printable_line(bad(arguments)));
  }
}

}  // namespace
}  // namespace dnslet::config
