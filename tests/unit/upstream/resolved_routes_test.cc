// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/resolved_routes.h"

#include "catch.h"

using namespace dnslet;
using namespace dnslet::upstream;

namespace {

io::ResolvedServer server(const char* text) { return {*IpAddress::from_text(text), 0, {}}; }

// "corp.test" is searched, "~corp.test" is for routing only.
io::ResolvedLink link(int index, const std::vector<const char*>& servers,
                      const std::vector<std::string>& domains, bool is_default) {
  io::ResolvedLink link;
  link.index = index;
  link.name = index == 0 ? "global" : "eth" + std::to_string(index);
  for (const char* const text : servers) link.servers.push_back(server(text));
  for (const std::string& domain : domains) {
    const bool is_route_only = domain.starts_with('~');
    link.domains.push_back({domain.substr(is_route_only ? 1 : 0), is_route_only});
  }
  link.is_default = is_default;
  return link;
}

std::string text(const std::vector<ServerAddress>& servers) {
  std::string text;
  for (const ServerAddress& server : servers) (text += text.empty() ? "" : " ") += server.to_text();
  return text;
}

// "DOMAIN,DOMAIN=SERVERS; " for each list of servers, and those of all other names.
std::string text(const KnownServers& known) {
  std::string all;
  for (const auto& some : known.of_domains) {
    std::string names;
    some.domains.for_each(
        [&](dns::NameView domain) { (names += names.empty() ? "" : ",") += domain.to_text(); });
    all += names + "=" + text(some.servers) + "; ";
  }
  return all + text(known.servers);
}

std::string routes(const io::ResolvedLinks& links) { return text(routes_of(links)); }

}  // namespace

TEST_CASE("each domain of a link goes to its servers, all else where the default route is") {
  CHECK(routes({link(2, {"10.0.0.1"}, {"corp.test", "~lab.test"}, false),
                link(3, {"10.0.1.1", "10.0.1.2"}, {}, true)}) ==
        "corp.test,lab.test=10.0.0.1:53; 10.0.1.1:53 10.0.1.2:53");
}

TEST_CASE("a domain of two links goes to the servers of both, each once") {
  CHECK(routes({link(2, {"10.0.0.1"}, {"corp.test"}, false),
                link(3, {"10.0.0.2", "10.0.0.1"}, {"~CORP.test."}, false)}) ==
        "corp.test=10.0.0.1:53 10.0.0.2:53; ");
}

TEST_CASE("the root is a domain like others") {
  CHECK(routes({link(0, {"10.9.9.9"}, {}, true), link(2, {"10.0.0.1"}, {"corp.test"}, true),
                link(3, {"10.0.1.1"}, {"~."}, true)}) ==
        "corp.test=10.0.0.1:53; .=10.0.1.1:53; 10.9.9.9:53 10.0.0.1:53 10.0.1.1:53");
  CHECK(routes({link(0, {"10.9.9.9"}, {}, true), link(2, {"10.0.0.1"}, {}, true)}) ==
        "10.9.9.9:53 10.0.0.1:53");
}

TEST_CASE("domains that are not for routing only are searched, each once") {
  const auto found =
      routes_of({link(0, {"10.9.9.9"}, {"all.test"}, true),
                 link(2, {"10.0.0.1"}, {"~lab.test", "corp.test", "all.test"}, false),
                 link(3, {"10.0.0.2"}, {".", "corp.test"}, false)});
  CHECK(found.search ==
        std::vector{*dns::Name::from_text("all.test"), *dns::Name::from_text("corp.test")});
}

TEST_CASE("a link-local server keeps its link, others have none") {
  CHECK(routes({link(2, {"fe80::1", "fd00::1"}, {}, true)}) == "[fe80::1%eth2]:53 [fd00::1]:53");
  CHECK(routes({link(0, {"fe80::1"}, {}, true)}) == "[fe80::1]:53");
}

TEST_CASE("a link that is for TLS only has servers over TLS, with the name of their certificate") {
  auto strict = link(2, {"10.0.0.1", "10.0.0.2", "10.0.0.3"}, {}, true);
  strict.servers[0].name = "DNS.test";
  strict.servers[1].port = 8853;
  strict.servers[2].name = "10.0.0.3";
  strict.is_tls = true;
  CHECK(routes({strict}) == "tls://10.0.0.1:853#dns.test tls://10.0.0.2:8853 tls://10.0.0.3:853");
}

TEST_CASE("without TLS a port counts, and the name of a certificate does not") {
  auto plain = link(2, {"10.0.0.1"}, {}, true);
  plain.servers[0].port = 5353;
  plain.servers[0].name = "dns.test";
  CHECK(routes({plain}) == "10.0.0.1:5353");
}

TEST_CASE("what is no name is no domain") {
  CHECK(routes({link(2, {"10.0.0.1"}, {"", "a..b", "~x y", std::string(300, 'a')}, true)}) ==
        "10.0.0.1:53");
  CHECK(routes({}).empty());
}

TEST_CASE("whose servers are asked is known") {
  const auto known = routes_of({link(2, {"10.0.0.1"}, {"corp.test"}, true),
                                link(3, {"10.0.0.2"}, {"corp.test", "lab.test"}, true)});
  CHECK(known.whose == "eth2, eth3");
  REQUIRE(known.of_domains.size() == 2);
  CHECK(known.of_domains[0].whose == "eth2, eth3");
  CHECK(known.of_domains[1].whose == "eth3");
}

TEST_CASE("a link is told as the log has it") {
  CHECK(to_text(link(2, {"10.0.0.1", "fe80::1"}, {"corp.test", "~lab.test"}, true)) ==
        "eth2: 10.0.0.1:53, [fe80::1%eth2]:53 for corp.test, lab.test, default");
  CHECK(to_text(link(0, {"10.0.0.1"}, {}, false)) == "global: 10.0.0.1:53");
}
