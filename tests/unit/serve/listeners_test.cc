// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "serve/listeners.h"

#include <initializer_list>
#include <string>
#include <vector>

#include "catch.h"

namespace dnslet::serve {
namespace {

std::string listed(std::initializer_list<const char*> udp, std::initializer_list<const char*> tcp) {
  std::vector<Endpoint> endpoints[2];
  for (const char* text : udp) endpoints[0].push_back(*Endpoint::from_text(text, 53));
  for (const char* text : tcp) endpoints[1].push_back(*Endpoint::from_text(text, 53));
  return list_endpoints([&](Protocol protocol) {
    const auto place = static_cast<std::size_t>(protocol);
    return place < 2 ? endpoints[place] : std::vector<Endpoint>();
  });
}

TEST_CASE("endpoints served over UDP and TCP are listed together") {
  CHECK(listed({"127.0.0.1"}, {"127.0.0.1"}) == "udp+tcp 127.0.0.1:53");
  CHECK(listed({"127.0.0.1", "::1"}, {"::1", "127.0.0.1"}) == "udp+tcp 127.0.0.1:53 [::1]:53");
}

TEST_CASE("endpoints served over one transport alone are listed behind its name") {
  CHECK(listed({"127.0.0.1"}, {}) == "udp 127.0.0.1:53");
  CHECK(listed({}, {"127.0.0.1"}) == "tcp 127.0.0.1:53");
  CHECK(listed({"127.0.0.1:1"}, {"127.0.0.1:2"}) == "udp 127.0.0.1:1 tcp 127.0.0.1:2");
  CHECK(listed({"127.0.0.1", "127.0.0.2"}, {"::1", "127.0.0.2"}) ==
        "udp+tcp 127.0.0.2:53 udp 127.0.0.1:53 tcp [::1]:53");
}

}  // namespace
}  // namespace dnslet::serve
