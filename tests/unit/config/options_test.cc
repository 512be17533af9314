// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/options.h"

#include "config/option_table.h"
#include "config/parsed.h"

namespace dnslet::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("without flags and variables every option has the default of the manual") {
  const Options options = good({});
  CHECK(options.action == Action::Serve);
  CHECK(texts(options.listen) == Arguments{"127.0.0.1:53"});
  CHECK(options.nameservers.empty());
  CHECK(options.stub_zones.empty());
  CHECK(options.resolv_conf == "/etc/resolv.conf");
  CHECK(options.hosts_files.empty());
  CHECK(options.hosts_poll == seconds(0));
  CHECK(options.addresses.empty());
  CHECK(options.block.empty());
  CHECK(options.filter == policy::Filter::None);
  CHECK(options.allow.empty());
  CHECK_FALSE(options.enable_search);
  CHECK(options.search_domains == std::nullopt);
  CHECK(options.bootstrap.empty());
  CHECK(options.ndots == std::nullopt);
  CHECK(options.fwd_ndots == 0);
  CHECK_FALSE(options.round_robin);
  CHECK(options.family_fix);
  CHECK(options.flatten);
  CHECK(options.cache_capacity == 0);
  CHECK(options.cache_ttl == seconds(60));
  CHECK(options.cache_negative_ttl == seconds(10));
  CHECK(options.cache_stale == seconds(0));
  CHECK(options.prefetch);
  CHECK_FALSE(options.no_recursion);
  CHECK(options.upstream_timeout == milliseconds(4500));
  CHECK(options.upstream_retry == milliseconds(800));
  CHECK(options.force_tcp == std::nullopt);
  CHECK(options.max_inflight == 4096);
  CHECK(options.max_tcp_clients == 256);
  CHECK(options.tcp_idle_timeout == milliseconds(10000));
  CHECK_FALSE(options.systemd);
  CHECK(options.user == std::nullopt);
  CHECK_FALSE(options.verbose);
  CHECK_FALSE(options.syslog);
}

TEST_CASE("the fields of Options and the table agree about the defaults") {
  const Options untouched;
  const Options options = good({});
  CHECK(untouched.hosts_poll == options.hosts_poll);
  CHECK(untouched.fwd_ndots == options.fwd_ndots);
  CHECK(untouched.cache_capacity == options.cache_capacity);
  CHECK(untouched.cache_ttl == options.cache_ttl);
  CHECK(untouched.cache_negative_ttl == options.cache_negative_ttl);
  CHECK(untouched.upstream_timeout == options.upstream_timeout);
  CHECK(untouched.upstream_retry == options.upstream_retry);
  CHECK(untouched.max_inflight == options.max_inflight);
  CHECK(untouched.max_tcp_clients == options.max_tcp_clients);
  CHECK(untouched.tcp_idle_timeout == options.tcp_idle_timeout);
}

// Precedence.

TEST_CASE("a flag wins over its variable, a variable over the default") {
  CHECK(good({}, {{"DNSMASQ_RCACHE", "7"}}).cache_capacity == 7);
  CHECK(good({"--rcache=9"}, {{"DNSMASQ_RCACHE", "7"}}).cache_capacity == 9);
  CHECK(good({"--rcache=0"}, {{"DNSMASQ_RCACHE", "7"}}).cache_capacity == 0);
  CHECK_FALSE(good({"--verbose=false"}, {{"DNSMASQ_VERBOSE", "true"}}).verbose);
}

TEST_CASE("an empty variable counts as unset") {
  CHECK(good({}, {{"DNSMASQ_RCACHE_TTL", ""}}).cache_ttl == seconds(60));
  CHECK(texts(good({}, {{"DNSMASQ_LISTEN", ""}}).listen) == Arguments{"127.0.0.1:53"});
  CHECK(good({}, {{"DNSMASQ_HOSTSFILE", ""}}).hosts_files.empty());
  CHECK(good({}, {{"DNSMASQ_FORCE_TCP", ""}}).force_tcp == std::nullopt);
  CHECK(setting("rcache", {}, {{"DNSMASQ_RCACHE", ""}}).origin == Origin::Default);
}

TEST_CASE("a flag replaces the list of its variable, it does not add to it") {
  const Variables variables = {{"DNSMASQ_HOSTSFILE", "/a,/b"}, {"DNSMASQ_ADDRESS", "a=10.0.0.1"}};
  const Options options = good({"-f", "/c", "--address=c=10.0.0.3"}, variables);
  CHECK(options.hosts_files == Arguments{"/c"});
  CHECK(texts(options.addresses) == Arguments{"c=10.0.0.3"});
}

TEST_CASE("a variable that its flag overrides is not looked at") {
  CHECK(good({"--rcache=5"}, {{"DNSMASQ_RCACHE", "many"}}).cache_capacity == 5);
}

TEST_CASE("of a flag with one value that is given twice the last one wins, with a warning") {
  CHECK(good({"--rcache=1", "-r", "2"}).cache_capacity == 2);
  CHECK(warnings({"--rcache=1", "-r", "2"}) ==
        Arguments{"--rcache is given more than once: the last one counts, '2'"});
  CHECK(good({"--filter=a", "--filter=aaaa"}).filter == policy::Filter::Aaaa);
  CHECK(warnings({"--filter=a", "--filter=aaaa"}).size() == 1);
  CHECK_FALSE(good({"--verbose", "--verbose=off"}).verbose);
  CHECK(warnings({"--verbose", "--verbose=off"}).size() == 1);
  CHECK(warnings({"--verbose", "--verbose=yes"}).empty());
}

TEST_CASE("a flag that takes a list and is given again adds to it") {
  CHECK(texts(good({"-l", "10.0.0.1", "-l", "10.0.0.2"}).listen) ==
        Arguments{"10.0.0.1:53", "10.0.0.2:53"});
  CHECK(texts(good({"-n", "10.0.0.1", "--nameservers=10.0.0.2,10.0.0.3"}).nameservers) ==
        Arguments{"10.0.0.1:53", "10.0.0.2:53", "10.0.0.3:53"});
  CHECK(texts(good({"--block=a.test", "--block=b.test,c.test"}).block) ==
        Arguments{"a.test", "b.test", "c.test"});
  CHECK(texts(good({"--allow=10.0.0.0/8", "--allow=::1"}).allow) ==
        Arguments{"10.0.0.0/8", "::1/128"});
  CHECK(texts(good({"--fake-ip=fd00::/64", "--fake-ip=10.0.0.0/8"}).fake_networks) ==
        Arguments{"fd00::/64", "10.0.0.0/8"});
  CHECK(texts(good({"-s", "a.test", "-s", "b.test", "--search"}).search_domains) ==
        Arguments{"a.test", "b.test"});
  CHECK(texts(good({"--bootstrap=10.0.0.1", "--bootstrap=10.0.0.2"}).bootstrap) ==
        Arguments{"10.0.0.1:53", "10.0.0.2:53"});
  for (const OptionRow& row : option_table()) {
    if (row.kind != Kind::List || row.flag == "listen" || row.flag == "fake-ip") continue;
    const std::string value = row.placeholder.starts_with("DOMAIN") ? "a.test" : "10.0.0.1";
    const std::string flag = "--" + std::string(row.flag) + "=" + value;
    CAPTURE(flag);
    CHECK(setting(std::string(row.flag), {flag, flag}).value == value + "," + value);
  }
  CHECK(setting("nameservers", {"-n", "10.0.0.1,10.0.0.2"}) ==
        setting("nameservers", {"-n", "10.0.0.1", "-n", "10.0.0.2"}));
}

TEST_CASE("a list that a flag begins leaves its variable out") {
  CHECK(texts(good({"-n", "10.0.0.1", "-n", "10.0.0.2"}, {{"DNSMASQ_SERVERS", "10.0.0.9"}})
                  .nameservers) == Arguments{"10.0.0.1:53", "10.0.0.2:53"});
  CHECK(texts(good({"-s", "a", "--search"}, {{"DNSMASQ_SEARCH_DOMAINS", "b"}}).search_domains) ==
        Arguments{"a"});
}

TEST_CASE("an unusable value is refused even where a later one would win") {
  CHECK_FALSE(bad({"--rcache=many", "--rcache=5"}).empty());
}

// Spelling.

TEST_CASE("a value follows its flag after an equals sign or a blank") {
  CHECK(good({"--rcache=5"}).cache_capacity == 5);
  CHECK(good({"--rcache", "5"}).cache_capacity == 5);
  CHECK(good({"-r", "5"}).cache_capacity == 5);
  CHECK(good({"-r=5"}).cache_capacity == 5);
}

TEST_CASE("Go's spelling with a single dash works for every flag") {
  CHECK(texts(good({"-listen", "10.0.0.1"}).listen) == Arguments{"10.0.0.1:53"});
  CHECK(texts(good({"-listen=10.0.0.1"}).listen) == Arguments{"10.0.0.1:53"});
  CHECK(good({"-no-rec"}).no_recursion);
  CHECK_FALSE(good({"-no-rec=false"}).no_recursion);
  CHECK(good({"--r", "5"}).cache_capacity == 5);

  for (const OptionRow& row : option_table()) {
    if (row.flag.empty()) continue;
    const std::string flag(row.flag);
    CAPTURE(flag);
    const std::string once = bad({"-" + flag + "=\x01"});
    CHECK(once == bad({"--" + flag + "=\x01"}));
    CHECK_THAT(once, !Catch::Matchers::ContainsSubstring("unknown"));
  }
}

TEST_CASE("letters behind one dash are one name, never a bundle of short flags") {
  CHECK_THAT(bad({"-filtre", "a"}), Catch::Matchers::ContainsSubstring("did you mean --filter?"));
  CHECK_THAT(bad({"-hv"}), Catch::Matchers::StartsWith("unknown flag '-hv'"));
}

TEST_CASE("a value may begin with a dash") {
  CHECK(good({"--hostsfile", "-listen"}).hosts_files == Arguments{"-listen"});
  CHECK(good({"--hostsfile", "--verbose"}).hosts_files == Arguments{"--verbose"});
  CHECK_FALSE(good({"--hostsfile", "--verbose"}).verbose);
  CHECK(good({"-f", "-"}).hosts_files == Arguments{"-"});
}

TEST_CASE("a value may hold equals signs and commas") {
  CHECK(good({"-f=/a=b,c"}).hosts_files == Arguments{"/a=b,c"});
  CHECK(good({"--hostsfile", "/a=b,c"}).hosts_files == Arguments{"/a=b,c"});
}

TEST_CASE("every spelling of a boolean works, in any case") {
  const std::string yes =
      GENERATE(as<std::string>{}, "true", "1", "t", "yes", "on", "TRUE", "T", "Yes", "oN");
  CAPTURE(yes);
  CHECK(good({"--verbose=" + yes}).verbose);
  CHECK(good({}, {{"DNSMASQ_VERBOSE", yes}}).verbose);
  CHECK(setting("verbose", {"--verbose=" + yes}).value == "true");

  const std::string no =
      GENERATE(as<std::string>{}, "false", "0", "f", "no", "off", "FALSE", "F", "No", "oFF");
  CAPTURE(no);
  CHECK_FALSE(good({"--verbose=" + no}).verbose);
  CHECK_FALSE(good({}, {{"DNSMASQ_VERBOSE", no}}).verbose);
  CHECK(setting("verbose", {"--verbose=" + no}).value == "false");
}

TEST_CASE("a bare boolean means true and takes nothing that follows it") {
  CHECK(good({"--verbose"}).verbose);
  CHECK(good({"--verbose", "--syslog"}).syslog);
  CHECK(bad({"--verbose", "false"}) ==
        "unexpected argument 'false': write --flag=VALUE to switch something on or off");
}

TEST_CASE("what is no boolean is refused with all that would be one") {
  const std::string text =
      GENERATE(as<std::string>{}, "", "2", "y", "tru", "truee", "-1", " true", "enabled");
  CAPTURE(text);
  CHECK(bad({"--verbose=" + text}) ==
        "--verbose: '" + text + "' is not true or false (1 or 0, t or f, yes or no, on or off)");
}

TEST_CASE("no-rec is a name of its own and not a negated rec") {
  CHECK(good({"--no-rec"}).no_recursion);
  CHECK(good({}, {{"DNSMASQ_NOREC", "1"}}).no_recursion);
  CHECK_THAT(bad({"--rec"}), Catch::Matchers::StartsWith("unknown flag '--rec'"));
  CHECK_THAT(bad({"--no-verbose"}), Catch::Matchers::StartsWith("unknown flag '--no-verbose'"));
}

TEST_CASE("force-tcp is told apart from being left to resolv.conf") {
  CHECK(good({"--force-tcp"}).force_tcp == true);
  CHECK(good({"--force-tcp=false"}).force_tcp == false);
  CHECK(good({}, {{"DNSMASQ_FORCE_TCP", "0"}}).force_tcp == false);
  CHECK(setting("force-tcp", {}).value.empty());
}

// Mistakes on the command line.

TEST_CASE("an unknown flag is named, with the one that was meant") {
  CHECK(bad({"--lisetn=1.2.3.4"}) ==
        "unknown flag '--lisetn': did you mean --listen? See --help-all");
  CHECK(bad({"--bogus"}) == "unknown flag '--bogus', see --help-all");
  CHECK_THAT(bad({"--nameserver=1.1.1.1"}), Catch::Matchers::ContainsSubstring("--nameservers?"));
  CHECK_THAT(bad({"--rcache-tll", "5"}), Catch::Matchers::ContainsSubstring("--rcache-ttl?"));
  CHECK_THAT(bad({"-x"}), Catch::Matchers::StartsWith("unknown flag '-x'"));
}

TEST_CASE("an unknown flag is named as it was spelled") {
  CHECK(bad({"-c"}) == "unknown flag '-c', see --help-all");
  CHECK(bad({"-rcach=5"}) == "unknown flag '-rcach': did you mean --rcache? See --help-all");
  CHECK(bad({"--c=x"}) == "unknown flag '--c', see --help-all");
}

TEST_CASE("an option of a later day is unknown") {
  const std::string flag = "dnssec";
  CHECK_THAT(bad({"--" + flag}), Catch::Matchers::StartsWith("unknown flag '--" + flag + "'"));
}

TEST_CASE("malformed flags are unknown, not a crash") {
  const std::string flag =
      GENERATE(as<std::string>{}, "---", "---listen", "--=", "--=x", "-=", "-=x", "--%", "-%",
               "--listen%=1", "-\xff", "--\xc3\xa4", "--a b");
  CAPTURE(flag);
  const std::string error = bad({flag});
  CHECK_THAT(error, Catch::Matchers::StartsWith("unknown flag '"));
  CHECK(is_one_printable_line(error));
}

TEST_CASE("an argument without a flag is refused") {
  CHECK(bad({"resolv.conf"}) ==
        "unexpected argument 'resolv.conf': everything is a flag, see --help");
  CHECK_THAT(bad({""}), Catch::Matchers::StartsWith("unexpected argument ''"));
  CHECK_THAT(bad({"-"}), Catch::Matchers::StartsWith("unexpected argument '-'"));
  CHECK_THAT(bad({"--", "x"}), Catch::Matchers::StartsWith("unexpected argument 'x'"));
  CHECK_THAT(bad({"--rcache=5", "x"}), Catch::Matchers::StartsWith("unexpected argument 'x'"));
}

TEST_CASE("a value that is missing is missed by name") {
  CHECK(bad({"--verbose", "-r"}) == "--rcache: its value is missing, see --help-all");
  CHECK(bad({"-listen"}) == "--listen: its value is missing, see --help-all");
}

TEST_CASE("an empty value of a flag is refused") {
  CHECK(bad({"--listen="}) == "--listen: '' is empty where IP[:PORT],... is expected");
  CHECK(bad({"-f", ""}) == "--hostsfile: '' is empty where PATH is expected");
  for (const OptionRow& row : option_table()) {
    if (row.flag.empty()) continue;
    const std::string flag(row.flag);
    CAPTURE(flag);
    CHECK_THAT(bad({"--" + flag + "="}), Catch::Matchers::StartsWith("--" + flag + ": '' is "));
  }
}

TEST_CASE("a bad value is reported under the name by which it came") {
  CHECK(bad({"-r", "many"}) == "--rcache: 'many' is not a number of answers from 0 to 10000000");
  CHECK(bad({}, {{"DNSMASQ_RCACHE", "many"}}) ==
        "DNSMASQ_RCACHE: 'many' is not a number of answers from 0 to 10000000");
}

TEST_CASE("no byte of a value can forge a line or drive a terminal") {
  CHECK_THAT(bad({"--rcache=1\nready: x"}), Catch::Matchers::ContainsSubstring("'1\\x0aready: x'"));
  CHECK_THAT(bad({"--rcache=\x1b[2J"}), Catch::Matchers::ContainsSubstring("'\\x1b[2J'"));
  for (const OptionRow& row : option_table()) {
    const std::string flag(row.flag);
    CAPTURE(flag);
    for (const char* value : {"\x01,\n", "\xff=\xfe", "\x7f", "a=\x80", "*.\r\n=1"}) {
      const std::string error = bad({"--" + flag + "=" + value});
      // Only a path may be made of any bytes.
      CHECK(
          (row.placeholder.find("PATH") != std::string_view::npos || is_one_printable_line(error)));
    }
  }
  CHECK(is_one_printable_line(bad({"\x1b[2J"})));
  CHECK(is_one_printable_line(bad({"--\x1b[2J"})));
}

TEST_CASE("a huge value makes a short sentence") {
  CHECK(bad({"--rcache=" + std::string(1'000'000, '9')}).size() < 300);
  CHECK(bad({"--" + std::string(1'000'000, 'x')}).size() < 300);
  CHECK(bad({std::string(1'000'000, 'x')}).size() < 300);
}

}  // namespace
}  // namespace dnslet::config
