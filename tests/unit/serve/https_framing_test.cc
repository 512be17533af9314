// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "serve/https_framing.h"

#include <string>

#include "catch.h"
#include "dns/packet.h"

namespace dnslet::serve {
namespace {

const std::string kPath = "/dns-query";  // NOLINT(bugprone-throwing-static-initialization)

io::HttpRequest request(const std::string& method, const std::string& query = "",
                        const std::string& type = "") {
  io::HttpRequest made;
  made.method = method;
  made.path = kPath;
  made.query = query;
  made.type = type;
  return made;
}

unsigned status_of(const io::HttpRequest& request, std::size_t body = 0) {
  return read_doh_request(request, kPath, dns::Bytes(body)).status;
}

TEST_CASE("a GET request has its message in the query") {
  const auto read = read_doh_request(
      request("GET", "dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB"), kPath, {});
  CHECK(read.status == 200);  // RFC 8484 section 4.1.1
  CHECK(read.message == test::Packet("www.example.com", dns::Type::A).id(0).flags(0x0100).bytes());
  CHECK(read_doh_request(request("GET", "a=b&dns=AAAAAAAAAAAAAAAA&c"), kPath, {}).message ==
        dns::Bytes(12));
  CHECK(read_doh_request(request("GET", "dns=-_AAAAAAAAAAAAAAAA"), kPath, {}).message.front() ==
        0xfb);
}

TEST_CASE("a query without one message is refused") {
  for (const char* query : {"", "dns", "dns=", "dns=AAAA", "dns=AAAAAAAAAAAAAAAAA",
                            "dns=AAAAAAAAAAAAAAA=", "dns=AAAAAAAAAAAAAAA+", "DNS=AAAAAAAAAAAAAAAA",
                            "dns=AAAAAAAAAAAAAAAA&dns=AAAAAAAAAAAAAAAA", "xdns=AAAAAAAAAAAAAAAA"}) {
    CAPTURE(query);
    CHECK(status_of(request("GET", query)) == 400);
  }
  CHECK(status_of(request("GET", "dns=" + std::string(87380, 'A'))) == 200);
  CHECK(status_of(request("GET", "dns=" + std::string(87384, 'A'))) == 400);
}

TEST_CASE("a POST request has its message in the body") {
  CHECK(status_of(request("POST", "", "application/dns-message"), 12) == 200);
  CHECK(status_of(request("POST", "", "APPLICATION/dns-message ; a=b"), 12) == 200);
  CHECK(status_of(request("POST", "", "application/dns-message"), 11) == 400);
  CHECK(status_of(request("POST", "", "application/dns-messages"), 12) == 415);
  CHECK(status_of(request("POST"), 12) == 415);
}

TEST_CASE("other methods and paths are refused") {
  for (const char* method : {"HEAD", "PUT", "get", "OPTIONS", ""})
    CHECK(status_of(request(method)) == 405);
  io::HttpRequest elsewhere = request("GET", "dns=AAAAAAAAAAAAAAAA");
  elsewhere.path = "/dns-query/";
  CHECK(status_of(elsewhere) == 404);
}

TEST_CASE("how long an answer may be kept is said as it says itself") {
  const auto control = [](const dns::Bytes& bytes) { return cache_control_of(bytes); };
  CHECK(control(dns::Bytes(12)) == "max-age=0");
  CHECK(control({}) == "max-age=0");
  test::Packet two("a.test", dns::Type::A);
  two.flags(0x8180).answer({.ttl = 300}).answer({.ttl = 40});
  CHECK(control(two.bytes()) == "max-age=40");
  two.additional(test::opt());
  CHECK(control(two.bytes()) == "max-age=40");  // what an OPT has there is no TTL
}

}  // namespace
}  // namespace dnslet::serve
