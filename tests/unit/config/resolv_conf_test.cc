// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/resolv_conf.h"

#include "catch.h"

namespace dnslet::config {
namespace {

using Texts = std::vector<std::string>;

Texts nameservers(std::string_view text) {
  Texts texts;
  for (const Endpoint& server : parse_resolv_conf(text).nameservers)
    texts.push_back(server.to_text());
  return texts;
}

bool use_vc(std::string_view text) { return parse_resolv_conf(text).use_vc; }

Endpoint endpoint(std::string_view text) { return *Endpoint::from_text(text, 53); }

bool own(std::string_view server, const Texts& listen, const Texts& local = {}) {
  std::vector<Endpoint> endpoints;
  for (const std::string& text : listen) endpoints.push_back(endpoint(text));
  std::vector<IpAddress> addresses;
  for (const std::string& text : local) addresses.push_back(*IpAddress::from_text(text));
  return is_own(endpoint(server), endpoints, addresses);
}

// Nameservers.

TEST_CASE("nameservers are read in order, with port 53") {
  CHECK(nameservers("nameserver 10.0.0.2\nnameserver 10.0.0.1\nnameserver fd00::5\n") ==
        Texts{"10.0.0.2:53", "10.0.0.1:53", "[fd00::5]:53"});
}

TEST_CASE("go-dnsmasq defect 7: a third nameserver and more are read") {
  std::string text;
  for (int i = 1; i <= 8; ++i) text += "nameserver 10.0.0." + std::to_string(i) + "\n";
  CHECK(nameservers(text).size() == 8);
}

TEST_CASE("a nameserver keeps its scope") {
  CHECK(nameservers("nameserver fe80::1%eth0\n") == Texts{"[fe80::1%eth0]:53"});
}

TEST_CASE("a nameserver line comes in many forms") {
  const std::string text = GENERATE(
      as<std::string>{}, "nameserver 10.0.0.1", "nameserver\t10.0.0.1\n", "nameserver 10.0.0.1\r\n",
      "nameserver   10.0.0.1  \n", "nameserver 10.0.0.1 # comment\n",
      "nameserver 10.0.0.1 ; comment\n", "nameserver 10.0.0.1#x\n", "nameserver 10.0.0.1;x\n",
      "\n\nsearch a b\nnameserver 10.0.0.1\noptions ndots:5");
  CAPTURE(text);
  CHECK(nameservers(text) == Texts{"10.0.0.1:53"});
}

TEST_CASE("lines that are not understood are skipped") {
  const std::string text =
      GENERATE(as<std::string>{}, "", "\n", "nameserver", "nameserver \n", "nameserver dns.test\n",
               "nameserver 10.0.0.256\n", "# nameserver 10.0.0.1\n", "#nameserver 10.0.0.1\n",
               ";nameserver 10.0.0.1\n", "nameservers 10.0.0.1\n", "nameserver10.0.0.1\n",
               "Nameserver 10.0.0.1\n", "nameserver 10.0.0.1:5353\n", "nameserver [::1]:53\n",
               "nameserver 10.0.0.1,10.0.0.2\n", "search nameserver 10.0.0.1\n");
  CAPTURE(text);
  CHECK(nameservers(text).empty());
}

TEST_CASE("what is no address alone is told apart from what says nothing") {
  const auto unusable = [](std::string_view text) { return parse_resolv_conf(text).unusable; };
  CHECK(unusable("nameserver 10.0.0.1:5353\nnameserver [::1]\nnameserver 10.0.0.2\n"
                 "nameserver dns.test # x\nnameserver 10.0.0.1,10.0.0.2\n") ==
        Texts{"10.0.0.1:5353", "[::1]", "dns.test", "10.0.0.1,10.0.0.2"});
  CHECK(unusable("nameserver\nnameserver #10.0.0.1\n# nameserver x\n; nameserver x\n").empty());
}

TEST_CASE("bytes may be anything") {
  const std::string text("nameserver \0\xff\nnameserver 10.0.0.1\n\x01\x02", 37);
  CHECK(nameservers(text) == Texts{"10.0.0.1:53"});
}

// Options.

TEST_CASE("use-vc means TCP only") {
  CHECK(use_vc("options use-vc\n"));
  CHECK(use_vc("options ndots:5\tuse-vc timeout:1"));
  CHECK(use_vc("options use-vc\noptions rotate\n"));
  CHECK_FALSE(use_vc(""));
  CHECK_FALSE(use_vc("options ndots:5 rotate timeout:1 attempts:2\n"));
  CHECK_FALSE(use_vc("options use-vcx no-use-vc\n"));
  CHECK_FALSE(use_vc("# options use-vc\n"));
  CHECK_FALSE(use_vc("search use-vc\n"));
}

// Not asking ourselves.

TEST_CASE("a server that we listen on is our own") {
  CHECK(own("127.0.0.1", {"127.0.0.1:53"}));
  CHECK(own("10.0.0.1", {"127.0.0.1:53", "10.0.0.1:53"}));
  CHECK(own("::1", {"[::1]:53"}));
}

TEST_CASE("another address or another port is somebody else") {
  CHECK_FALSE(own("127.0.0.1", {}));
  CHECK_FALSE(own("127.0.0.53", {"127.0.0.1:53"}));
  CHECK_FALSE(own("127.0.0.1", {"127.0.0.1:5353"}));
  CHECK_FALSE(own("::1", {"127.0.0.1:53"}));
  CHECK_FALSE(own("10.0.0.1", {"127.0.0.1:53"}, {"10.0.0.1"}));
}

TEST_CASE("a wildcard listener owns loopback and all of this host's addresses") {
  CHECK(own("127.0.0.1", {"0.0.0.0:53"}));
  CHECK(own("127.0.0.53", {"0.0.0.0:53"}));
  CHECK(own("0.0.0.0", {"0.0.0.0:53"}));
  CHECK(own("10.0.0.1", {"0.0.0.0:53"}, {"192.0.2.1", "10.0.0.1"}));
  CHECK(own("::1", {"[::]:53"}));
  CHECK(own("fd00::5", {"[::]:53"}, {"fd00::5"}));
}

TEST_CASE("a wildcard listener does not own the rest") {
  CHECK_FALSE(own("10.0.0.2", {"0.0.0.0:53"}, {"10.0.0.1"}));
  CHECK_FALSE(own("127.0.0.1", {"0.0.0.0:5353"}));
  CHECK_FALSE(own("127.0.0.11", {"0.0.0.0:53"}));  // Docker's nameserver in its own networks
  CHECK_FALSE(own("::1", {"0.0.0.0:53"}));
  CHECK_FALSE(own("127.0.0.1", {"[::]:53"}));
}

}  // namespace
}  // namespace dnslet::config
