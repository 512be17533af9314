// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/listener_options.h"

#include "config/parsed.h"
#include "io/tls.h"

namespace dnslet::config {
namespace {

Arguments listed(const Options& options) {
  Arguments texts;
  for (const Endpoint& endpoint : options.listen) texts.push_back(endpoint.to_text());
  for (const EncryptedListener& one : options.encrypted)
    texts.push_back(std::string(kProtocolNames[static_cast<std::size_t>(one.protocol)]) + "://" +
                    one.endpoint.to_text() + one.path);
  return texts;
}

TEST_CASE("listeners over TLS and HTTPS stand beside plain ones, or alone") {
  if (!io::has_tls()) return;
  const auto with = [&](const std::string& value) {
    return listed(good({"--listen", value, "--tls-cert", "a.pem"}));
  };
  CHECK(with("127.0.0.1,tls://0.0.0.0,https://[::]") ==
        Arguments{"127.0.0.1:53", "tls://0.0.0.0:853", "https://[::]:443/dns-query"});
  CHECK(with("TLS://127.0.0.1:0") == Arguments{"tls://127.0.0.1:0"});
  CHECK(with("https://127.0.0.1:8443/") == Arguments{"https://127.0.0.1:8443/"});
  CHECK(with("https://::1/a/b") == Arguments{"https://[::1]:443/a/b"});
}

TEST_CASE("a listener that can't be is refused") {
  if (!io::has_tls()) return;
  for (const char* value : {"tls://", "tls://a.test", "tls://127.0.0.1/", "https://127.0.0.1/a?b",
                            "https://127.0.0.1/a#b", "https:///a", "https://127.0.0.1/%41"}) {
    CAPTURE(value);
    CHECK(bad({"--listen", value}).find("is not a listener") != std::string::npos);
  }
  for (const char* value : {"udp://127.0.0.1", "http://127.0.0.1", "://1.2.3.4"}) {
    CAPTURE(value);
    CHECK(bad({"--listen", value}).find("is no listener; write tls://") != std::string::npos);
  }
  CHECK(bad({"--listen", "127.0.0.1:853,tls://127.0.0.1", "--tls-cert", "a"}) ==
        "--listen: '127.0.0.1:853' is given twice");
  CHECK(bad({"--listen", "tls://127.0.0.1"}).find("need a certificate") != std::string::npos);
}

TEST_CASE("a variant without TLS says which one has it") {
  if (io::has_tls()) return;
  CHECK(bad({"--listen", "tls://127.0.0.1"}).find("dnslet-min does not have") != std::string::npos);
  CHECK(bad({"--tls-cert", "a"}).find("dnslet-min does not have") != std::string::npos);
}

}  // namespace
}  // namespace dnslet::config
