// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/systemd.h"

#include <cstdlib>
#include <string>

#include "catch.h"

namespace dnslet::io {
namespace {

constexpr const char* kVariables[] = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"};

// What it said, and nothing of it is left for children or for later. REQUIRES: it must fail.
std::string refusal(const char* pid, const char* count) {
  const char* const values[] = {pid, count, "dns"};
  for (int i = 0; i < 3; ++i) setenv(kVariables[i], values[i], 1);
  const auto sockets = take_passed_sockets();
  REQUIRE_FALSE(sockets);
  for (const char* name : kVariables) CHECK(std::getenv(name) == nullptr);
  return sockets.error().text;
}

TEST_CASE("sockets for another process are refused with both numbers") {
  CHECK_THAT(refusal("1", "1"),
             Catch::Matchers::StartsWith(
                 "the sockets were passed to another process (LISTEN_PID is 1, this is "));
  CHECK_THAT(refusal("1x", "1"), Catch::Matchers::ContainsSubstring("LISTEN_PID is 1x"));
}

TEST_CASE("an empty promise of sockets counts as none") {
  CHECK_THAT(refusal("", "1"), Catch::Matchers::StartsWith("no sockets were passed"));
  CHECK_THAT(refusal("1", ""), Catch::Matchers::StartsWith("no sockets were passed"));
}

}  // namespace
}  // namespace dnslet::io
