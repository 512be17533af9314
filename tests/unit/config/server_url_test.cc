// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/server_url.h"

#include <string>
#include <vector>

#include "catch.h"
#include "io/http3.h"
#include "io/quic.h"
#include "io/resolved.h"
#include "io/tls.h"

using namespace dnslet;
using namespace dnslet::config;

namespace {

// "WAY HOST" of a name, "WAY ENDPOINT" of an address, or the error.
std::string parsed(const std::string& text) {
  const auto server = parse_server(text);
  if (!server) return server.error().text;
  const char* const ways[] = {"udp ", "tcp ", "tls ", "https ", "quic ", "h3 "};
  const std::string way = ways[static_cast<std::size_t>(server->protocol)];
  const std::string name = (server->path.empty() ? "" : " " + server->path) +
                           (server->verified.empty() ? "" : " " + server->verified);
  if (server->endpoint) {
    CHECK(server->host.empty());
    CHECK(server->endpoint->port == server->port);
    return way + server->endpoint->to_text() + name;
  }
  return way + server->host + " " + std::to_string(server->port) + name;
}

}  // namespace

TEST_CASE("a server is an address, with a port or without") {
  CHECK(parsed("10.0.0.1") == "udp 10.0.0.1:53");
  CHECK(parsed("10.0.0.1:5353") == "udp 10.0.0.1:5353");
  CHECK(parsed("fd00::1") == "udp [fd00::1]:53");
  CHECK(parsed("[fd00::1]") == "udp [fd00::1]:53");
  CHECK(parsed("[fd00::1]:5353") == "udp [fd00::1]:5353");
  CHECK(parsed("fe80::1%eth0") == "udp [fe80::1%eth0]:53");
  CHECK(parsed("[fe80::1%eth0]:54") == "udp [fe80::1%eth0]:54");
}

TEST_CASE("a scheme says how a server is reached, in any case of letters") {
  CHECK(parsed("udp://10.0.0.1") == "udp 10.0.0.1:53");
  CHECK(parsed("tcp://10.0.0.1:5353") == "tcp 10.0.0.1:5353");
  CHECK(parsed("TCP://[fe80::1%eth0]:54") == "tcp [fe80::1%eth0]:54");
  CHECK(parsed("tcp://fd00::1") == "tcp [fd00::1]:53");
  CHECK(parsed("tcp://dns.test") == "tcp dns.test 53");
  CHECK(parsed("udp://system") == "udp system 53");
}

TEST_CASE("a server is a name, of one word too") {
  CHECK(parsed("unbound") == "udp unbound 53");
  CHECK(parsed("DNS.Quad9.net.") == "udp dns.quad9.net 53");
  CHECK(parsed("dns.quad9.net:9953") == "udp dns.quad9.net 9953");
  CHECK(parsed("my_stack-dns_1:53") == "udp my_stack-dns_1 53");
  CHECK(parsed("1and1.test") == "udp 1and1.test 53");
}

TEST_CASE("spellings of one server are equal, and what differs is not") {
  CHECK(*parse_server("udp://10.0.0.1:53") == *parse_server("10.0.0.1"));
  CHECK(*parse_server("DNS.test.") == *parse_server("dns.test:53"));
  CHECK(*parse_server("tcp://10.0.0.1") != *parse_server("10.0.0.1"));
  CHECK(*parse_server("10.0.0.1:54") != *parse_server("10.0.0.1"));
  CHECK(*parse_server("[fe80::1%eth0]") != *parse_server("fe80::1"));
}

TEST_CASE("the text of a server has its port and is read as the same server") {
  const std::string text =
      GENERATE(as<std::string>{}, "10.0.0.1:53", "[fd00::1]:5353", "[fe80::1%eth0]:53",
               "tcp://10.0.0.1:53", "tcp://[fd00::1]:53", "unbound:53", "tcp://dns.test:5353");
  CAPTURE(text);
  const auto server = parse_server(text);
  REQUIRE(server);
  CHECK(server->to_text() == text);
  CHECK(parse_server("udp://unbound")->to_text() == "unbound:53");
}

TEST_CASE("what is no server is refused with what would be one") {
  const std::string text =
      GENERATE(as<std::string>{}, "", ".", "..", "a..b", "-a.test", "a-.test", "a b", "a\n",
               "*.a.test", "10.0.0.300", "192.0.2", "5", "10.0.0.1.", "[fd00::1", "fd00::g",
               "fd00::1]:53", "[a.test]", "a.test/x", "/etc/resolv.conf", "user@a.test", "a.test#b",
               "udp://", "tcp://:53", ":53", "fe80::1%", "10.0.0.1%eth0", "\xc3\xa4.test");
  CAPTURE(text);
  CHECK_THAT(parsed(text), Catch::Matchers::ContainsSubstring(
                               "is not a server: write an address or a name, with a port"));
  CHECK_FALSE(parse_server(std::string(64, 'a') + ".test"));
  CHECK_FALSE(parse_server(std::string(254, 'a')));
}

TEST_CASE("the port of a server is one that can be asked") {
  const std::string text =
      GENERATE(as<std::string>{}, "10.0.0.1:0", "[fd00::1]:0", "tcp://10.0.0.1:0", "dns.test:0",
               "dns.test:", "dns.test:dns", "dns.test:65536", "dns.test:53x", "dns.test:-1");
  CAPTURE(text);
  CHECK_THAT(parsed(text), Catch::Matchers::EndsWith("its port is from 1 to 65535"));
}

TEST_CASE("a server over TLS has a name to verify, the host's where no other is given") {
  if (!io::has_tls()) {
    CHECK(
        parsed("tls://1.1.1.1") ==
        "'tls://1.1.1.1' asks for DNS over TLS, which the variant dnslet-min does not have; dnslet "
        "has it");
    return;
  }
  CHECK(parsed("tls://1.1.1.1") == "tls 1.1.1.1:853");
  CHECK(parsed("TLS://[fd00::1]:8853#DNS.test.") == "tls [fd00::1]:8853 dns.test");
  CHECK(parsed("tls://fe80::1%eth0#dns.test") == "tls [fe80::1%eth0]:853 dns.test");
  CHECK(parsed("tls://dns.test") == "tls dns.test 853");
  CHECK(parsed("tls://dns.test#192.0.2.1") == "tls dns.test 853 192.0.2.1");
  CHECK(*parse_server("tls://dns.test:853#DNS.test") == *parse_server("tls://dns.test"));
  CHECK(*parse_server("tls://10.0.0.1#10.0.0.1") == *parse_server("tls://10.0.0.1"));
  CHECK(*parse_server("tls://10.0.0.1#a.test") != *parse_server("tls://10.0.0.1"));
  CHECK(parse_server("tls://10.0.0.1")->name_to_verify() == "10.0.0.1");
  CHECK(parse_server("tls://dns.test")->name_to_verify() == "dns.test");
  CHECK(parse_server("tls://10.0.0.1#a.test")->name_to_verify() == "a.test");
  CHECK(parse_server("tls://10.0.0.1:53#a.test")->to_text() == "tls://10.0.0.1:53#a.test");
  for (const char* text :
       {"tls://", "tls://#a.test", "tls://10.0.0.1#", "tls://10.0.0.1#a b", "tls://10.0.0.1#a..b",
        "tls://10.0.0.1:0", "tls://10.0.0.1:853:1", "tls://10.0.0.1#a.test:853",
        "udp://10.0.0.1#a.test", "10.0.0.1#a.test"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_server(text));
  }
}

TEST_CASE("a server over HTTPS has a path besides") {
  if (!io::has_tls()) {
    CHECK_THAT(parsed("https://me:secret@1.1.1.1/q"),
               Catch::Matchers::StartsWith("'https://...@1.1.1.1/q' asks for DNS over HTTPS"));
    return;
  }
  CHECK(parsed("https://1.1.1.1/dns-query") == "https 1.1.1.1:443 /dns-query");
  CHECK(parsed("HTTPS://DNS.test:8443/A%2Cb?k=v#other.test") ==
        "https dns.test 8443 /A%2Cb?k=v other.test");
  CHECK(parsed("https://[fe80::1%eth0]:444/") == "https [fe80::1%eth0]:444 /");
  CHECK(*parse_server("https://dns.test/q{?dns}") == *parse_server("https://dns.test:443/q"));
  CHECK(*parse_server("https://dns.test/q") != *parse_server("https://dns.test/Q"));
  CHECK(parse_server("https://1.1.1.1/q#dns.test")->to_text() == "https://1.1.1.1:443/q#dns.test");
  CHECK(parse_server("https://1.1.1.1:443/q#dns.test")->authority() == "dns.test");
  CHECK(parse_server("https://1.1.1.1:444/q")->authority() == "1.1.1.1:444");
  CHECK(parse_server("https://[fd00::1]/q")->authority() == "[fd00::1]");
  for (const char* text :
       {"https://", "https:///q", "https://1.1.1.1", "https://1.1.1.1#a.test", "https://1.1.1.1/q#",
        "https://1.1.1.1/q{?name}", "https://1.1.1.1/q r", "https://1.1.1.1/q;r",
        "https://a@b.test/q", "https://1.1.1.1:0/q", "https://1.1.1.1/%zz",
        "https://1.1.1.1/\xc3\xa4", "https://1.1.1.1/<q>"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_server(text));
  }
}

TEST_CASE("a server may stand behind a proxy, which resolves its name") {
  const auto server = parse_server("SOCKS5://me:s%2Fe%40%25@Proxy.test/tcp://dns.test");
  REQUIRE(server);
  CHECK(server->protocol == Protocol::Tcp);
  CHECK(server->host == "dns.test");
  CHECK(server->proxy->user == "me");
  CHECK(server->proxy->password == "s/e@%");
  CHECK(server->is_name());
  CHECK(server->name_to_resolve() == "proxy.test");
  CHECK(server->dialled_port() == 1080);
  CHECK(server->to_text() == "socks5://me@proxy.test:1080/tcp://dns.test:53");
  const auto plain = parse_server("socks5://[fd00::1]:9/tcp://dns.test:5353");
  REQUIRE(plain);
  CHECK_FALSE(plain->is_name());
  CHECK(plain->dialled()->to_text() == "[fd00::1]:9");
  CHECK(*parse_server(plain->to_text()) == *plain);
  CHECK(*plain != *parse_server("tcp://dns.test:5353"));
  CHECK(*plain != *parse_server("socks5://a:b@[fd00::1]:9/tcp://dns.test:5353"));
  CHECK(parse_server("socks5://" + std::string(255, 'u') + ":@10.0.0.1/tcp://10.0.0.2"));
  for (const char* text :
       {"socks5://", "socks5:///tcp://10.0.0.2", "socks5://10.0.0.1", "socks5://10.0.0.1/",
        "socks5://10.0.0.1/10.0.0.2", "socks5://10.0.0.1/udp://10.0.0.2",
        "socks5://a@10.0.0.1/tcp://10.0.0.2", "socks5://a:b c@10.0.0.1/tcp://10.0.0.2",
        "socks5://a:b@c@10.0.0.1/tcp://10.0.0.2", "socks5:a:b@10.0.0.1/tcp://10.0.0.2",
        "socks5://:b@10.0.0.1/tcp://10.0.0.2", "socks5://a:%4@10.0.0.1/tcp://10.0.0.2",
        "socks5://a:%zz@10.0.0.1/tcp://10.0.0.2",
        "socks5://10.0.0.1/socks5://10.0.0.2/tcp://10.0.0.3", "socks5://10.0.0.1:0/tcp://10.0.0.2",
        "socks5://10.0.0.1/tcp://fe80::1%eth0", "socks5://10.0.0.1/tcp://10.0.0.2:0"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_server(text));
  }
  CHECK_THAT(parsed("socks5://me:secret@10.0.0.1/quic://10.0.0.2"),
             !Catch::Matchers::ContainsSubstring("secret"));
  CHECK_FALSE(parse_server("socks5://10.0.0.1/quic://10.0.0.2"));
  CHECK_FALSE(parse_server("socks5://10.0.0.1/h3://10.0.0.2/q"));
  CHECK_THAT(parsed("socks5://me:secret@10.0.0.1:x/tcp://10.0.0.2"),
             !Catch::Matchers::ContainsSubstring("secret"));
}

TEST_CASE("a scheme without its slashes is told from a host with a port") {
  CHECK(parsed("https:1.1.1.1/q") == "'https:1.1.1.1/q' lacks slashes: write https://");
  CHECK(parsed("TCP:10.0.0.1") == "'TCP:10.0.0.1' lacks slashes: write tcp://");
  CHECK(parsed("udp:53") == "udp udp 53");
  CHECK(parsed("dhcp:53") == "udp dhcp 53");
  CHECK(parsed("tls") == "udp tls 53");
}

TEST_CASE("an interface stands for the servers that DHCP offers there") {
  for (const char* text : {"dhcp:eth0", "dhcp:wlp0s20f3", "dhcp:eth0.100", "dhcp:Br-lan_1"}) {
    const auto server = parse_server(text);
    REQUIRE(server);
    CHECK(server->is_source());
    CHECK_FALSE(server->is_name());
    CHECK_FALSE(server->dialled());
    CHECK(server->to_text() == text);
    CHECK(looks_like_server(text));
  }
  CHECK(parse_server("DHCP:Eth0")->source == "dhcp:Eth0");  // names of interfaces have letters
  for (const char* text : {"dhcp:", "dhcp:eth 0", "dhcp:a/b", "dhcp:eth0:1", "dhcp:..",
                           "dhcp://eth0", "dhcp:a234567890123456", "dhcp:eth0#dns.test"})
    CHECK(parsed(text) == "'" + std::string(text) +
                              "' is not a source of servers: behind dhcp: stands an interface, "
                              "for example dhcp:eth0");
  CHECK_FALSE(parse_server("socks5://10.0.0.9/dhcp:eth0"));
}

TEST_CASE("a word stands for the servers of systemd-resolved, where these can be asked for") {
  for (const char* text : {"resolved", "Resolved"}) {
    const auto server = parse_server(text);
    CHECK(looks_like_server(text));
    CHECK(static_cast<bool>(server) == io::has_resolved());
    if (server) CHECK(server->source == "resolved");
    if (!server) CHECK_THAT(parsed(text), Catch::Matchers::ContainsSubstring("with libsystemd"));
  }
  CHECK(parsed("resolved:53") == "udp resolved 53");
  CHECK(parsed("udp://resolved") == "udp resolved 53");
  CHECK_FALSE(parse_server("socks5://10.0.0.9/resolved"));
}

TEST_CASE("the servers of resolv.conf are a source") {
  for (const char* text : {"system", "System"}) {
    const auto server = parse_server(text);
    REQUIRE(server);
    CHECK(server->is_system());
    CHECK(server->is_source());
    CHECK(server->to_text() == "system");
  }
  CHECK_FALSE(parse_server("system:53")->is_source());  // a host may be called so
}

TEST_CASE("a way that this build has not is named") {
  std::vector<const char*> texts;
  if (!io::has_quic()) texts.push_back("quic://dns.test");
  if (!io::has_http3()) texts.push_back("h3://dns.test/dns-query");
  for (const char* text : texts) {
    CAPTURE(text);
    CHECK_THAT(parsed(text), Catch::Matchers::ContainsSubstring("this build does not have"));
  }
  const std::string quic = io::has_quic() ? ", quic://, h3://" : "";
  CHECK(parsed("ftp://dns.test") ==
        "'ftp://dns.test': 'ftp://' is no way to a server; write udp://, tcp://, tls://, "
        "https://" +
            quic + " or socks5://");
}

TEST_CASE("a server over QUIC or HTTP/3 is written as those over TLS and HTTPS are") {
  if (!io::has_quic()) return;
  CHECK(parsed("quic://10.0.0.1") == "quic 10.0.0.1:853");
  CHECK(parse_server("QUIC://Dns.Test:8853#Other.test")->to_text() ==
        "quic://dns.test:8853#other.test");
  CHECK_FALSE(parse_server("quic://dns.test/path"));
  if (!io::has_http3()) return;
  CHECK(parse_server("h3://dns.test/q{?dns}#other.test")->to_text() ==
        "h3://dns.test:443/q#other.test");
  CHECK(parse_server("h3://dns.test:8443/q")->authority() == "dns.test:8443");
  CHECK_FALSE(parse_server("h3://dns.test"));
}

TEST_CASE("a server is told from a domain where it has more than a name") {
  for (const char* text : {"10.0.0.1", "fd00::1", "[fd00::1]", "a.test:53", "tcp://a.test"})
    CHECK(looks_like_server(text));
  for (const char* text : {"a.test", "a", ".", "10.0.0.300", ""})
    CHECK_FALSE(looks_like_server(text));
}
