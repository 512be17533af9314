// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/shared_cache.h"

#include <string>

#include "catch.h"

namespace dnslet::config {

TEST_CASE("a shared cache is read in all its forms, and never written with its password") {
  const auto shown = [](const std::string& text) {
    const auto server = parse_shared_cache(text);
    INFO((server ? "" : server.error().text));
    REQUIRE(server);
    return server->to_text() + " " + server->user + " " + server->password;
  };
  CHECK(shown("redis://10.0.0.9") == "redis://10.0.0.9:6379  ");
  CHECK(shown("redis://10.0.0.9/") == "redis://10.0.0.9:6379  ");
  CHECK(shown("REDIS://Redis.Test:7000/3") == "redis://redis.test:7000/3  ");
  CHECK(shown("rediss://[fd00::1]:7000") == "rediss://[fd00::1]:7000  ");
  CHECK(shown("redis://:secret@10.0.0.9/0") == "redis://10.0.0.9:6379  secret");
  CHECK(shown("redis://joe:a%40b%2Fc%3Ad@10.0.0.9") == "redis://10.0.0.9:6379 joe a@b/c:d");
  CHECK(shown("redis://joe:a:b@10.0.0.9") == "redis://10.0.0.9:6379 joe a:b");
  CHECK(shown("unix:/run/redis@1.sock") == "unix:/run/redis@1.sock  ");
}

TEST_CASE("what is no shared cache is told without what may be a password") {
  const std::string text =
      GENERATE(as<std::string>{}, "", "redis", "redis:/secret@x", "redis://", "http://secret@x",
               "redis://secret@x", "redis://a:secret@b@x", "redis://:se/cret@x", "redis://:secret@",
               "redis://:%secret@x", "redis://:secret@x:0", "redis://:secret@x/-1",
               "redis://:secret@x/99999999999", "redis://:secret@x/1/2", "unix:", "unix:x");
  CAPTURE(text);
  const auto server = parse_shared_cache(text);
  REQUIRE_FALSE(server);
  CHECK(server.error().text.find("cret") == std::string::npos);
  CHECK_THAT(server.error().text, Catch::Matchers::ContainsSubstring("is not a shared cache"));
}

}  // namespace dnslet::config
