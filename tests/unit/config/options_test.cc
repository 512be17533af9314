// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/options.h"

#include <algorithm>
#include <map>
#include <set>

#include "catch.h"
#include "config/option_table.h"

namespace dnslet::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Arguments = std::vector<std::string>;
using Variables = Environment;

Result<ParsedOptions> parse(const Arguments& arguments, const Variables& variables = {}) {
  return parse_options(arguments, variables);
}

// REQUIRES: the input is good.
Options good(const Arguments& arguments, const Variables& variables = {}) {
  const auto parsed = parse(arguments, variables);
  INFO((parsed ? "" : parsed.error().text));
  REQUIRE(parsed);
  return parsed->options;
}

// The error sentence; empty if the input is good.
std::string bad(const Arguments& arguments, const Variables& variables = {}) {
  const auto parsed = parse(arguments, variables);
  return parsed ? "" : parsed.error().text;
}

Setting setting(const std::string& flag, const Arguments& arguments,
                const Variables& variables = {}) {
  const auto parsed = parse(arguments, variables);
  REQUIRE(parsed);
  for (const Setting& candidate : parsed->settings) {
    if (candidate.flag == flag) return candidate;
  }
  return {};
}

bool is_one_printable_line(const std::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

Arguments texts(const std::vector<Endpoint>& endpoints) {
  Arguments result;
  for (const Endpoint& endpoint : endpoints) result.push_back(endpoint.to_text());
  return result;
}

Arguments texts(const std::vector<ServerAddress>& servers) {
  Arguments result;
  for (const ServerAddress& server : servers) result.push_back(server.to_text());
  return result;
}

Arguments texts(const dns::NameList& names) {
  Arguments result;
  names.for_each([&](dns::NameView name) { result.push_back(name.to_text()); });
  return result;
}

Arguments texts(const std::optional<std::vector<dns::Name>>& names) {
  Arguments result;
  REQUIRE(names);
  for (const dns::Name& name : *names) result.push_back(name.view().to_text());
  return result;
}

Arguments texts(const std::vector<Network>& networks) {
  Arguments result;
  for (const Network& network : networks) result.push_back(network.to_text());
  return result;
}

// "db.local=1.2.3.4,::5", one text per record.
Arguments texts(const std::vector<StaticRecord>& records) {
  Arguments result;
  for (const StaticRecord& record : records) {
    result.push_back(record.name + "=");
    for (std::size_t i = 0; i < record.addresses.size(); ++i) {
      result.back() += (i == 0 ? "" : ",") + record.addresses[i].to_text();
    }
  }
  return result;
}

// "a.test b.test > 10.0.0.1:53 10.0.0.2:53", one text per zone.
Arguments texts(const std::vector<StubZone>& zones) {
  Arguments result;
  for (const StubZone& zone : zones) {
    std::string text;
    for (const std::string& domain : texts(zone.domains)) text += domain + " ";
    text += ">";
    for (const ServerAddress& server : zone.servers) text += " " + server.to_text();
    result.push_back(text);
  }
  return result;
}

Arguments warnings(const Arguments& arguments, const Variables& variables = {}) {
  const auto parsed = parse(arguments, variables);
  INFO((parsed ? "" : parsed.error().text));
  REQUIRE(parsed);
  return parsed->warnings;
}

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
  CHECK(texts(good({"-s", "a.test", "-s", "b.test", "--search"}).search_domains) ==
        Arguments{"a.test", "b.test"});
  CHECK(texts(good({"--bootstrap=10.0.0.1", "--bootstrap=10.0.0.2"}).bootstrap) ==
        Arguments{"10.0.0.1:53", "10.0.0.2:53"});
  for (const OptionRow& row : option_table()) {
    if (row.kind != Kind::List || row.flag == "listen") continue;
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
  CHECK(bad({"--lisetn=1.2.3.4"}) == "unknown flag '--lisetn': did you mean --listen? See --help");
  CHECK(bad({"--bogus"}) == "unknown flag '--bogus', see --help");
  CHECK_THAT(bad({"--nameserver=1.1.1.1"}), Catch::Matchers::ContainsSubstring("--nameservers?"));
  CHECK_THAT(bad({"--rcache-tll", "5"}), Catch::Matchers::ContainsSubstring("--rcache-ttl?"));
  CHECK_THAT(bad({"-x"}), Catch::Matchers::StartsWith("unknown flag '-x'"));
}

TEST_CASE("an unknown flag is named as it was spelled") {
  CHECK(bad({"-c"}) == "unknown flag '-c', see --help");
  CHECK(bad({"-rcach=5"}) == "unknown flag '-rcach': did you mean --rcache? See --help");
  CHECK(bad({"--c=x"}) == "unknown flag '--c', see --help");
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
  CHECK(bad({"--verbose", "-r"}) == "--rcache: its value is missing, see --help");
  CHECK(bad({"-listen"}) == "--listen: its value is missing, see --help");
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
      CHECK((row.placeholder == "PATH" || is_one_printable_line(error)));
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

// Each option.

TEST_CASE("listen takes a list of addresses of both families") {
  CHECK(texts(good({"-l", "0.0.0.0, [::]:5353 ,fd00::5,127.0.0.1:0"}).listen) ==
        Arguments{"0.0.0.0:53", "[::]:5353", "[fd00::5]:53", "127.0.0.1:0"});
  CHECK(texts(good({}, {{"DNSMASQ_LISTEN", "10.0.0.1:5353"}}).listen) ==
        Arguments{"10.0.0.1:5353"});
}

TEST_CASE("a name to listen on is refused and told why") {
  CHECK(bad({"--listen", "127.0.0.1,dns.example:53"}) ==
        "--listen: 'dns.example:53' is not an IP address with an optional port, for example "
        "127.0.0.1:53 or [::1]:53 (names are not accepted here)");
}

TEST_CASE("listen refuses an address given twice, but not two free ports") {
  CHECK(bad({"-l", "127.0.0.1,127.0.0.1:53"}) == "--listen: '127.0.0.1:53' is given twice");
  CHECK(good({"-l", "127.0.0.1:0,127.0.0.1:0"}).listen.size() == 2);
}

TEST_CASE("nameservers are addresses and names, in their order") {
  CHECK(texts(good({"-n", "10.0.0.2,10.0.0.1:5353,[fe80::1%eth0]:53"}).nameservers) ==
        Arguments{"10.0.0.2:53", "10.0.0.1:5353", "[fe80::1%eth0]:53"});
  CHECK(texts(good({}, {{"DNSMASQ_SERVERS", "1.1.1.1"}}).nameservers) == Arguments{"1.1.1.1:53"});
  CHECK_THAT(bad({"-n", "10.0.0.1:0"}), Catch::Matchers::ContainsSubstring("'10.0.0.1:0' is not"));
  CHECK(texts(good({"-n", "unbound,tcp://DNS.test,udp://[fd00::1]:54"}).nameservers) ==
        Arguments{"unbound:53", "tcp://dns.test:53", "[fd00::1]:54"});
  CHECK_THAT(bad({"-n", "10.0.0.1,tls://1.1.1.1"}),
             Catch::Matchers::StartsWith("--nameservers: 'tls://1.1.1.1' asks for DNS over TLS"));
}

TEST_CASE("the servers of --bootstrap are addresses") {
  CHECK(texts(good({"--bootstrap=10.0.0.1,[fd00::1]:54"}).bootstrap) ==
        Arguments{"10.0.0.1:53", "[fd00::1]:54"});
  CHECK(texts(good({}, {{"DNSMASQ_BOOTSTRAP", "10.0.0.1"}}).bootstrap) == Arguments{"10.0.0.1:53"});
  CHECK_THAT(bad({"--bootstrap=dns.test"}),
             Catch::Matchers::StartsWith("--bootstrap: 'dns.test' is not an IP address"));
  CHECK_FALSE(bad({"--bootstrap=10.0.0.1:0"}).empty());
  CHECK_FALSE(bad({"--bootstrap=tcp://10.0.0.1"}).empty());
}

TEST_CASE("an empty element of a list is refused") {
  const std::string list = GENERATE(as<std::string>{}, ",", "10.0.0.1,", ",10.0.0.1",
                                    "10.0.0.1,,10.0.0.2", " ", "10.0.0.1, ,10.0.0.2");
  CAPTURE(list);
  CHECK(bad({"--listen=" + list}) ==
        "--listen: '" + list +
            "' is not a list: put a value on both sides of every comma, for "
            "example a,b");
  CHECK_FALSE(bad({"--nameservers=" + list}).empty());
  CHECK_FALSE(bad({"--allow=" + list}).empty());
  CHECK_FALSE(bad({"--block=" + list}).empty());
  CHECK_FALSE(bad({"--search-domains=" + list}).empty());
  CHECK_FALSE(bad({}, {{"DNSMASQ_HOSTSFILE", list}}).empty());
}

TEST_CASE("allow takes networks and single addresses") {
  CHECK(texts(good({"--allow=10.0.0.0/8, fd00::/8,127.0.0.1"}).allow) ==
        Arguments{"10.0.0.0/8", "fd00::/8", "127.0.0.1/32"});
  CHECK(bad({"--allow=10.0.0.0/33"}) ==
        "--allow: '10.0.0.0/33' is not a network, for example 10.0.0.0/8, fd00::/8, 10.0.0.5 or "
        "private");
}

TEST_CASE("private clients are those that are no part of the internet") {
  const auto allowed = [](std::string_view address) {
    const auto networks = good({"--allow=10.1.2.3, Private"}).allow;
    return std::ranges::any_of(networks, [&](const Network& network) {
      return network.contains(*IpAddress::from_text(address));
    });
  };
  for (const char* address : {"127.0.0.1", "10.9.9.9", "172.16.0.1", "172.31.255.255",
                              "192.168.1.1", "100.64.0.1", "100.127.255.255", "169.254.9.9", "::1",
                              "fd00::1", "fc00::1", "fe80::1", "::ffff:10.0.0.1"}) {
    CAPTURE(address);
    CHECK(allowed(address));
  }
  for (const char* address :
       {"8.8.8.8", "172.32.0.1", "172.15.255.255", "100.128.0.1", "100.63.255.255", "192.169.0.1",
        "2001:db8::1", "::2", "fec0::1", "0.0.0.0", "::ffff:8.8.8.8"}) {
    CAPTURE(address);
    CHECK_FALSE(allowed(address));
  }
}

TEST_CASE("hosts files add up, by flags and in the variable") {
  CHECK(good({"-f", "/a", "--hostsfile=/b"}).hosts_files == Arguments{"/a", "/b"});
  CHECK(good({}, {{"DNSMASQ_HOSTSFILE", "/a, /b c"}}).hosts_files == Arguments{"/a", "/b c"});
}

TEST_CASE("static records add up, by flags and in the variable") {
  CHECK(
      texts(good({"--address=db.local=10.0.0.5, fd00::5", "--address", "*.apps=::1"}).addresses) ==
      Arguments{"db.local=10.0.0.5,fd00::5", "*.apps=::1"});
  CHECK(texts(good({"--address=*=10.0.0.5", "--address=#=::1"}).addresses) ==
        Arguments{"*=10.0.0.5", "*=::1"});
  CHECK(texts(good({}, {{"DNSMASQ_ADDRESS", " a=10.0.0.1\n\tb.=10.0.0.2,::1 "}}).addresses) ==
        Arguments{"a=10.0.0.1", "b.=10.0.0.2,::1"});
  CHECK(good({}, {{"DNSMASQ_ADDRESS", " \n"}}).addresses.empty());
}

TEST_CASE("a static record needs a usable name and addresses") {
  CHECK(bad({"--address=db.local"}) ==
        "--address: 'db.local' is not a name and its addresses, for example "
        "db.test=10.0.0.5,fd00::5");
  CHECK(bad({"--address=a=10.0.0.1,b=10.0.0.2"}) ==
        "--address: 'a=10.0.0.1,b=10.0.0.2': 'b=10.0.0.2' is not an IP address, for example "
        "10.0.0.5 or fd00::5");
  const std::string name = GENERATE(as<std::string>{}, "", ".", "*.", "a..b", ".a", "*.*.a", "a.*",
                                    "*a", "a b", "a\tb", "a\x01");
  CAPTURE(name);
  CHECK_THAT(bad({"--address=" + name + "=10.0.0.1"}),
             Catch::Matchers::EndsWith("is not a name, for example db.test or *.apps.test"));
}

TEST_CASE("block takes domains with or without dots at their ends") {
  CHECK(texts(good({"--block=ads.example, .Tracker.test ,b.test.,localhost"}).block) ==
        Arguments{"ads.example", "tracker.test", "b.test", "localhost"});
  CHECK(texts(good({"--block=128/26.1.0.10.in-addr.arpa"}).block) ==
        Arguments{"128/26.1.0.10.in-addr.arpa"});
  const std::string domain = GENERATE(as<std::string>{}, ".", "..", "a..b", "..a", "*.a", "*",
                                      "a b", "a\x7f", "a.test/", "10.0.0.1");
  CAPTURE(domain);
  CHECK_THAT(bad({"--block=" + domain}), Catch::Matchers::ContainsSubstring("is not a domain"));
}

TEST_CASE("a path to block is no domain, and is told what to do") {
  const std::string path = GENERATE(as<std::string>{}, "/etc/ads.txt", "./ads.txt", "ads/list",
                                    "../a", "/ads", "lists/ads.test");
  CAPTURE(path);
  const std::string error = bad({"--block=a.test," + path});
  CHECK_THAT(error, Catch::Matchers::StartsWith("--block: '" + path + "' is a path"));
  CHECK_THAT(error, Catch::Matchers::EndsWith("--hostsfile"));
  CHECK_FALSE(bad({"--search-domains=" + path}).empty());
  CHECK_FALSE(bad({"--address=" + path + "=10.0.0.1"}).empty());
}

TEST_CASE("names are as long as DNS allows and no longer") {
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
  REQUIRE(longest.size() == 253);
  CHECK(texts(good({"--block=" + longest + "."}).block) == Arguments{longest});
  CHECK_FALSE(bad({"--block=" + longest + "b"}).empty());
  CHECK_FALSE(bad({"--block=" + label + "a.test"}).empty());
  CHECK(good({"--address=" + longest + "=::1"}).addresses.size() == 1);
  CHECK_FALSE(bad({"--address=" + longest + "b=::1"}).empty());
}

// That names are looked up is tested from outside: a unit test reads no /etc/passwd.
TEST_CASE("user takes a uid and a gid") {
  CHECK(good({"--user=12:34"}).user == io::UserIds{12, 34});
  CHECK(good({}, {{"DNSMASQ_USER", "0:4294967294"}}).user == io::UserIds{0, 4294967294});
}

TEST_CASE("what is no user is refused with what would be one") {
  const std::string text =
      GENERATE(as<std::string>{}, "1000:", ":5", ":", "1:2:3", "-1", "+5", "4294967295",
               "0:4294967295", "5:-1", "99999999999999999999", "12:staff", "a:b", "root:0");
  CHECK(bad({"--user=" + text}) == "--user: '" + text +
                                       "' is not a user: write a name, a uid or uid:gid, for "
                                       "example nobody or 65534:65534");
}

TEST_CASE("what becomes of the clients' search list is kept or auto") {
  CHECK(good({}).client_options == ClientOptions::Keep);
  CHECK(good({"--resolvconf-options=Keep"}).client_options == ClientOptions::Keep);
  CHECK(good({}, {{"DNSMASQ_RESOLVCONF_OPTIONS", "auto"}}).client_options == ClientOptions::Auto);
  CHECK(bad({"--resolvconf-options=yes"}) == "--resolvconf-options: 'yes' is not keep or auto");
}

TEST_CASE("the search list is taken away from clients only where dnslet searches") {
  CHECK(good({"-d", "--resolvconf-options=auto", "--enable-search"}).default_resolver);
  CHECK_THAT(bad({"-d", "--resolvconf-options=auto"}),
             Catch::Matchers::ContainsSubstring("add --enable-search"));
}

TEST_CASE("filter takes an address family") {
  CHECK(good({"--filter=a"}).filter == policy::Filter::A);
  CHECK(good({"--filter=AAAA"}).filter == policy::Filter::Aaaa);
  CHECK(good({}, {{"DNSMASQ_FILTER", "aaaa"}}).filter == policy::Filter::Aaaa);
  CHECK(bad({"--filter=mx"}) == "--filter: 'mx' is not a or aaaa");
}

// Stub zones.

TEST_CASE("a stub zone has domains and nameservers") {
  CHECK(texts(good({"-z", "a.test/10.0.0.1"}).stub_zones) == Arguments{"a.test > 10.0.0.1:53"});
  CHECK(texts(good({"--stubzones=a.test,b.test/10.0.0.1,10.0.0.2:5353"}).stub_zones) ==
        Arguments{"a.test b.test > 10.0.0.1:53 10.0.0.2:5353"});
  CHECK(texts(good({"-stubzones", "a.test/[fd00::1]:5353,fd00::2,fe80::1%eth0"}).stub_zones) ==
        Arguments{"a.test > [fd00::1]:5353 [fd00::2]:53 [fe80::1%eth0]:53"});
}

TEST_CASE("every form of DNSMASQ_STUB gives the same zones, by variable and by flag") {
  const std::string text = GENERATE(as<std::string>{},  //
                                    "a.test,b.test/10.0.0.1,10.0.0.2:5353,c.test/[fd00::1]",
                                    "a.test,b.test/10.0.0.1,10.0.0.2:5353 c.test/[fd00::1]",
                                    "a.test,b.test/10.0.0.1,10.0.0.2:5353;c.test/[fd00::1]:53",
                                    "a.test,b.test/10.0.0.1,10.0.0.2:5353 ; c.test/fd00::1",
                                    " a.test, b.test/10.0.0.1 ,10.0.0.2:5353 , c.test/[fd00::1]\n",
                                    "a.test,b.test/10.0.0.1,10.0.0.2:5353;\n\tc.test/[fd00::1];",
                                    ".a.test,.b.test/10.0.0.1,10.0.0.2:5353,.c.test/[fd00::1]");
  CAPTURE(text);
  const Arguments expected = {"a.test b.test > 10.0.0.1:53 10.0.0.2:5353", "c.test > [fd00::1]:53"};
  CHECK(texts(good({}, {{"DNSMASQ_STUB", text}}).stub_zones) == expected);
  CHECK(texts(good({"--stubzones", text}).stub_zones) == expected);
}

TEST_CASE("behind a comma, what is no address starts the next zone, of several domains too") {
  CHECK(texts(good({"-z", "a/10.0.0.1,b,c/10.0.0.2,d/10.0.0.3,10.0.0.4"}).stub_zones) ==
        Arguments{"a > 10.0.0.1:53", "b c > 10.0.0.2:53", "d > 10.0.0.3:53 10.0.0.4:53"});
}

TEST_CASE("stub zones add up, and flags replace the variable") {
  const Variables variables = {{"DNSMASQ_STUB", "v.test/10.0.0.9"}};
  CHECK(texts(good({"-z", "a/10.0.0.1", "-z", "b/10.0.0.2;c/10.0.0.3"}, variables).stub_zones) ==
        Arguments{"a > 10.0.0.1:53", "b > 10.0.0.2:53", "c > 10.0.0.3:53"});
  CHECK(setting("stubzones", {"-z", "a/::1", "-z", "b/::2"}).value == "a/::1 b/::2");
  CHECK(setting("stubzones", {}, variables).value == "v.test/10.0.0.9");
  CHECK(good({}, {{"DNSMASQ_STUB", " \n"}}).stub_zones.empty());
}

TEST_CASE("the domain of a stub zone may have a dot at either end") {
  CHECK(texts(good({"-z", ".A.Test./10.0.0.1,1.0.10.in-addr.arpa/10.0.0.2"}).stub_zones) ==
        Arguments{"a.test > 10.0.0.1:53", "1.0.10.in-addr.arpa > 10.0.0.2:53"});
}

TEST_CASE("a stub zone for a dot stands for every name") {
  CHECK(texts(good({"-z", "./10.0.0.1 a.test/10.0.0.2"}).stub_zones) ==
        Arguments{". > 10.0.0.1:53", "a.test > 10.0.0.2:53"});
}

TEST_CASE("a stub zone needs a domain, a slash and a nameserver") {
  const std::string text = GENERATE(as<std::string>{}, "a.test", "a,b", " ; ", "a;b/::1",
                                    "a/10.0.0.1 b", "a/10.0.0.1,b", "a /10.0.0.1");
  CAPTURE(text);
  CHECK_THAT(bad({"--stubzones=" + text}),
             Catch::Matchers::StartsWith("--stubzones: '" + text + "'") &&
                 Catch::Matchers::EndsWith(" is not a stub zone: write domains, a slash and "
                                           "nameservers, for example corp.example/10.0.0.53"));
}

TEST_CASE("the domain of a stub zone must be one") {
  const std::string domain =
      GENERATE(as<std::string>{}, "", "..", "a..b", "..a", "*.a", "a\x7f", "10.0.0.1", "10.0.0.1.",
               "fd00::1", "[fd00::1]:53", "a.test:53", "5");
  CAPTURE(domain);
  CHECK_THAT(bad({}, {{"DNSMASQ_STUB", domain + "/10.0.0.1"}}),
             Catch::Matchers::EndsWith(
                 "is not a domain, for example corp.example (names below it are included)"));
}

TEST_CASE("a mistyped address does not pass for the domain of the next stub zone") {
  const std::string address = GENERATE(as<std::string>{}, "10.0.0.300", "10.0.0", "10.0.0.1.");
  CAPTURE(address);
  CHECK_THAT(
      bad({"--stubzones=a.test/10.0.0.1," + address + ",b.test/10.0.0.3"}),
      Catch::Matchers::EndsWith("': '" + address +
                                "' is not another nameserver or the domain of another stub zone"));
}

TEST_CASE("the servers of a stub zone are written like nameservers") {
  CHECK(texts(good({"-z", "a.test/ns.test,ns2.test:53,tcp://NS3.test,10.0.0.1"}).stub_zones) ==
        Arguments{"a.test > ns.test:53 ns2.test:53 tcp://ns3.test:53 10.0.0.1:53"});
  CHECK(texts(good({"-z", "a.test/tcp://10.0.0.1,b.test/udp://[fd00::1]:54"}).stub_zones) ==
        Arguments{"a.test > tcp://10.0.0.1:53", "b.test > [fd00::1]:54"});
  CHECK(texts(good({"-z", "a.test/ns.test,b.test/ns.test"}).stub_zones) ==
        Arguments{"a.test b.test > ns.test:53"});
  CHECK_THAT(bad({"-z", "a.test/10.0.0.1,tls://10.0.0.2"}),
             Catch::Matchers::ContainsSubstring("asks for DNS over TLS"));
  const std::string server = GENERATE(
      as<std::string>{}, "", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1/b.test", "10.0.0.1,[::1]:0",
      "10.0.0.1,10.0.0.1:dns", "10.0.0.1,[fd00::1", "10.0.0.1,fd00::g", "10.0.0.1,10.0.0.2:99999",
      "10.0.0.1,", "10.0.0.1,,10.0.0.2", ",10.0.0.1", " 10.0.0.1");
  CAPTURE(server);
  CHECK_THAT(bad({"--stubzones=a.test/" + server}),
             Catch::Matchers::StartsWith("--stubzones: 'a.test/" + server + "'"));
}

TEST_CASE("no domain has two stub zones") {
  CHECK(bad({"--stubzones=a.test/10.0.0.1,A.test./10.0.0.2"}) ==
        "--stubzones: 'a.test' is given twice: name all its servers at once, for example "
        "corp.example/10.0.0.53,10.0.0.54");
  CHECK_FALSE(bad({"-z", "a/10.0.0.1", "-z", "a/10.0.0.2"}).empty());
  CHECK_FALSE(bad({"-z", "a,.a/10.0.0.1"}).empty());
  CHECK_FALSE(bad({"-z", "./10.0.0.1;./10.0.0.2"}).empty());
  CHECK(bad({"-z", "a.test/10.0.0.1;b.a.test/10.0.0.1"}).empty());
}

TEST_CASE("stub zones without number are taken, and hostile ones refused in one line") {
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "z" + std::to_string(i) + ".test/10.0.0.1 ";
  const auto zones = good({}, {{"DNSMASQ_STUB", many}}).stub_zones;
  REQUIRE(zones.size() == 1);  // those of the same servers are kept together
  CHECK(zones.front().domains.size() == 20'000);
  for (const char c : {',', ';', '/', '.', 'a', ' ', '\n', '[', '\xff'}) {
    const std::string error = bad({"-z", "a.test/10.0.0.1," + std::string(100'000, c)});
    CAPTURE(c, error);
    CHECK(error.size() < 1000);
    CHECK((is_one_printable_line(error)));
  }
}

// Search.

TEST_CASE("search domains keep their order and need no dot") {
  const Arguments expected = {"ns.svc.cluster.local", "lan", "corp.example"};
  CHECK(texts(good({"-s", "ns.svc.cluster.local, .lan ,Corp.example."}).search_domains) ==
        expected);
  CHECK(texts(good({}, {{"DNSMASQ_SEARCH_DOMAINS", "ns.svc.cluster.local,lan,Corp.example."}})
                  .search_domains) == expected);
  CHECK(bad({"--search-domains=a..b"}) ==
        "--search-domains: 'a..b' is not a domain, for example corp.example");
  for (const char* text : {"..", "*.a", "a b", "a.test;b.test", "a.test:53", "a=b"}) {
    CAPTURE(text);
    CHECK_THAT(bad({}, {{"DNSMASQ_SEARCH_DOMAINS", text}}),
               Catch::Matchers::StartsWith("DNSMASQ_SEARCH_DOMAINS: '"));
  }
}

TEST_CASE("a dot in the search list is no domain, and no error") {
  CHECK(texts(good({"-s", "a.test,.,b.test"}).search_domains) == Arguments{"a.test", "b.test"});
  const Options options = good({"--search", "-s", "."});
  REQUIRE(options.search_domains);
  CHECK(options.search_domains->empty());
}

TEST_CASE("a domain that stands in the search list twice is tried once") {
  CHECK(texts(good({"-s", "a.test,b.test,A.test.", "-s", ".b.test,c"}).search_domains) ==
        Arguments{"a.test", "b.test", "c"});
}

TEST_CASE("a search list has any length") {
  std::string list = "d0.test";
  for (int i = 1; i < 1000; ++i) list += ",d" + std::to_string(i) + ".test";
  CHECK(texts(good({"--search-domains", list}).search_domains).size() == 1000);
}

TEST_CASE("search is enabled by every spelling of its flag and by its variable") {
  const std::string flag =
      GENERATE(as<std::string>{}, "--enable-search", "-enable-search", "--search", "-search",
               "--append-search-domains", "-append-search-domains", "-a", "--a");
  CAPTURE(flag);
  CHECK(good({flag}).enable_search);
  CHECK(good({flag + "=yes"}).enable_search);
  CHECK_FALSE(good({flag + "=no"}, {{"DNSMASQ_ENABLE_SEARCH", "true"}}).enable_search);
  CHECK(setting("enable-search", {flag}).origin == Origin::Flag);
  CHECK_THAT(bad({flag + "=maybe"}),
             Catch::Matchers::StartsWith("--enable-search: 'maybe' is not"));
  CHECK(good({}, {{"DNSMASQ_ENABLE_SEARCH", "1"}}).enable_search);
}

TEST_CASE("of several spellings of one flag the last one wins") {
  CHECK_FALSE(good({"-a", "--search=false"}).enable_search);
  CHECK(good({"--enable-search=false", "-a"}).enable_search);
}

TEST_CASE("a deprecated flag is warned of once, with the one to use") {
  CHECK(warnings({"-a"}) == Arguments{"-a is deprecated: use --enable-search"});
  CHECK(warnings({"--append-search-domains=yes", "-append-search-domains"}) ==
        Arguments{"--append-search-domains is deprecated: use --enable-search"});
  CHECK(warnings({"-a", "--append-search-domains"}).size() == 2);
  CHECK(warnings({"--enable-search", "-search", "--search", "-s", "a", "-z", "a/::1"}).empty());
}

TEST_CASE("a value that looks like a deprecated flag is not warned of") {
  CHECK(warnings({"--hostsfile", "-a"}).empty());
  CHECK(good({"--hostsfile", "-a"}).hosts_files == Arguments{"-a"});
}

TEST_CASE("a deprecated variable works, with a warning that names the one to use") {
  const Variables variables = {{"DNSMASQ_APPEND", "true"}, {"DNSMASQ_SEARCH", "a.test,b.test"}};
  const Options options = good({}, variables);
  CHECK(options.enable_search);
  CHECK(texts(options.search_domains) == Arguments{"a.test", "b.test"});
  CHECK(warnings({}, variables) ==
        Arguments{"DNSMASQ_APPEND is deprecated: use DNSMASQ_ENABLE_SEARCH",
                  "DNSMASQ_SEARCH is deprecated: use DNSMASQ_SEARCH_DOMAINS"});
  const Setting list = setting("search-domains", {}, variables);
  CHECK(list.origin == Origin::Variable);
  CHECK(config_text({list}) == "search-domains = a.test,b.test  (DNSMASQ_SEARCH)\n");
  CHECK_THAT(bad({}, {{"DNSMASQ_APPEND", "x"}}),
             Catch::Matchers::StartsWith("DNSMASQ_APPEND: 'x' is not true or false"));
}

TEST_CASE("a deprecated variable gives way to the new one and to the flag, and is not looked at") {
  Variables variables = {{"DNSMASQ_APPEND", "x"},
                         {"DNSMASQ_SEARCH", "a..b"},
                         {"DNSMASQ_ENABLE_SEARCH", "false"},
                         {"DNSMASQ_SEARCH_DOMAINS", "new.test"}};
  CHECK_FALSE(good({}, variables).enable_search);
  CHECK(texts(good({}, variables).search_domains) == Arguments{"new.test"});
  CHECK(warnings({}, variables) == Arguments{"DNSMASQ_SEARCH_DOMAINS has no effect without "
                                             "--enable-search (DNSMASQ_ENABLE_SEARCH)"});
  variables["DNSMASQ_ENABLE_SEARCH"] = variables["DNSMASQ_SEARCH_DOMAINS"] = "";
  CHECK(texts(good({"--search", "-s", "flag.test"}, variables).search_domains) ==
        Arguments{"flag.test"});
  CHECK_FALSE(bad({}, variables).empty());
}

TEST_CASE("the names of variables are no flags") {
  CHECK_FALSE(bad({"--DNSMASQ_APPEND"}).empty());
  CHECK_FALSE(bad({"--DNSMASQ_SEARCH=a"}).empty());
}

TEST_CASE("ndots 0 is told apart from being left to resolv.conf") {
  CHECK(good({"--ndots=0"}).ndots == 0U);
  CHECK(good({}, {{"DNSMASQ_NDOTS", "5"}}).ndots == 5U);
  CHECK(good({}, {{"DNSMASQ_NDOTS", ""}}).ndots == std::nullopt);
  CHECK(bad({"--ndots=16"}) == "--ndots: '16' is not a number of dots from 0 to 15");
}

TEST_CASE("round-robin is a switch") {
  CHECK(good({"--round-robin"}).round_robin);
  CHECK(good({}, {{"DNSMASQ_RR", "on"}}).round_robin);
}

TEST_CASE("paths are taken as they are") {
  CHECK(good({"--resolv-conf=/run/resolv conf"}).resolv_conf == "/run/resolv conf");
  CHECK(good({}, {{"DNSMASQ_RESOLV_CONF", "/x"}}).resolv_conf == "/x");
}

struct NumberCase {
  std::string flag;
  std::string variable;
  int64_t min;
  int64_t max;
  int64_t (*read)(const Options&);
};

const std::vector<NumberCase> kNumbers = {
    {"ndots", "DNSMASQ_NDOTS", 0, 15,
     [](const Options& o) { return o.ndots ? static_cast<int64_t>(*o.ndots) : -1; }},
    {"fwd-ndots", "DNSMASQ_FWD_NDOTS", 0, 126,
     [](const Options& o) -> int64_t { return o.fwd_ndots; }},
    {"hostsfile-poll", "DNSMASQ_POLL", 0, 86400,
     [](const Options& o) -> int64_t { return o.hosts_poll.count(); }},
    {"rcache", "DNSMASQ_RCACHE", 0, 10'000'000,
     [](const Options& o) { return static_cast<int64_t>(o.cache_capacity); }},
    {"rcache-ttl", "DNSMASQ_RCACHE_TTL", 1, 86400,
     [](const Options& o) -> int64_t { return o.cache_ttl.count(); }},
    {"rcache-neg-ttl", "DNSMASQ_RCACHE_NEG_TTL", 0, 86400,
     [](const Options& o) -> int64_t { return o.cache_negative_ttl.count(); }},
    {"rcache-stale", "DNSMASQ_RCACHE_STALE", 0, 86400,
     [](const Options& o) -> int64_t { return o.cache_stale.count(); }},
    {"upstream-timeout", "DNSMASQ_UPSTREAM_TIMEOUT", 1, 86'400'000,
     [](const Options& o) -> int64_t { return o.upstream_timeout.count(); }},
    {"upstream-retry", "DNSMASQ_UPSTREAM_RETRY", 1, 86'400'000,
     [](const Options& o) -> int64_t { return o.upstream_retry.count(); }},
    {"max-inflight", "DNSMASQ_MAX_INFLIGHT", 1, 1'000'000,
     [](const Options& o) { return static_cast<int64_t>(o.max_inflight); }},
    {"max-tcp-clients", "DNSMASQ_MAX_TCP_CLIENTS", 1, 1'000'000,
     [](const Options& o) { return static_cast<int64_t>(o.max_tcp_clients); }},
    {"tcp-idle-timeout", "DNSMASQ_TCP_IDLE_TIMEOUT", 1, 86'400'000,
     [](const Options& o) -> int64_t { return o.tcp_idle_timeout.count(); }},
};

TEST_CASE("numbers are taken from their smallest to their largest value") {
  for (const NumberCase& number : kNumbers) {
    CAPTURE(number.flag);
    for (const int64_t value : {number.min, number.min + 1, number.max}) {
      const std::string text = std::to_string(value);
      CHECK(number.read(good({"--" + number.flag + "=" + text})) == value);
      CHECK(number.read(good({}, {{number.variable, text}})) == value);
    }
    CHECK_FALSE(bad({"--" + number.flag + "=" + std::to_string(number.min - 1)}).empty());
    CHECK_FALSE(bad({"--" + number.flag + "=" + std::to_string(number.max + 1)}).empty());
  }
}

TEST_CASE("a number is decimal digits and nothing else") {
  const std::string text = GENERATE(as<std::string>{}, "-1", "+1", " 1", "1 ", "1.5", "0x10", "1e3",
                                    "1_000", "1s", "x", "4294967297", "99999999999999999999999");
  for (const NumberCase& number : kNumbers) {
    CAPTURE(number.flag, text);
    const std::string error = bad({"--" + number.flag + "=" + text});
    CHECK_THAT(error, Catch::Matchers::StartsWith("--" + number.flag + ": '" + text + "' is not"));
  }
}

// Actions.

TEST_CASE("actions are asked for by flag, long and short") {
  CHECK(good({"--help"}).action == Action::Help);
  CHECK(good({"-h"}).action == Action::Help);
  CHECK(good({"-help"}).action == Action::Help);
  CHECK(good({"--version"}).action == Action::Version);
  CHECK(good({"-v"}).action == Action::Version);
  CHECK(good({"--print-config"}).action == Action::PrintConfig);
  CHECK(good({"--healthcheck"}).action == Action::Healthcheck);
  CHECK(good({"--help=false"}).action == Action::Serve);
}

TEST_CASE("help wins over the version, and both over unusable values") {
  CHECK(good({"--version", "--help", "--print-config"}).action == Action::Help);
  CHECK(good({"--help", "--rcache=x"}).action == Action::Help);
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
    CHECK((row.needs.empty() || std::ranges::count(option_table(), row.needs, name_of) == 1));
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
