// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/control_text.h"

#include "parsed.h"

namespace dnslet::config {
namespace {

std::string again(std::string_view line) {
  const auto request = parse_control_request(line);
  return request ? to_text(*request) : request.error().text;
}

TEST_CASE("a line to a running dnslet is a command and a name") {
  for (const char* const line :
       {"dump-cache", "dump-cache a.test", "flush", "flush *.a.test", "flush *..", "flush .",
        "lists", "flush \\*.a.test", "flush -a", "flush *.*.a.test", "flush a\\032b\\.c\\200"})
    CHECK(again(line) == line);
  CHECK(again("  flush \t A.Test. \r") == "flush a.test");
}

TEST_CASE("any other line is refused in one printable sentence") {
  for (const std::string& line :
       {std::string(), std::string("quit"), std::string("flush a b"), std::string("lists a"),
        std::string("flush a..b"), std::string("flush *."), std::string("Flush"),
        std::string("flush \0", 7), std::string("\x1b[31m\xff"), std::string(3000, 'x')}) {
    CAPTURE(line);
    const auto request = parse_control_request(line);
    REQUIRE_FALSE(request);
    CHECK(is_one_printable_line(request.error().text));
  }
}

TEST_CASE("the flags of the same name ask for it") {
  CHECK(good({"--flush"}).action == Action::Control);
  CHECK(to_text(good({"--flush"}).request) == "flush");
  CHECK(to_text(good({"--flush", "a.test"}).request) == "flush a.test");
  CHECK(to_text(good({"--flush=*.a.test", "--control", "/run/x"}).request) == "flush *.a.test");
  CHECK(to_text(good({"--dump-cache", "--control", "/run/x"}).request) == "dump-cache");
  CHECK(to_text(good({"--lists"}).request) == "lists");
  CHECK(good({"--lists=false", "--no-rec"}).action == Action::Serve);
  CHECK(good({"--flush"}, {{"DNSMASQ_CONTROL", "/run/x"}}).control == "/run/x");
  CHECK_FALSE(bad({"--flush", "a..b"}).empty());
  CHECK_FALSE(bad({"--flush", "a", "b"}).empty());
  CHECK_FALSE(bad({"--lists", "a"}).empty());
}

TEST_CASE("the path of a socket has the room that the system has") {
  CHECK(parse_control_path(std::string(107, 'x')));
  CHECK_FALSE(parse_control_path(std::string(108, 'x')));
  CHECK_FALSE(parse_control_path(""));
}

}  // namespace
}  // namespace dnslet::config
