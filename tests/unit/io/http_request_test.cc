// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/http_request.h"

#include <string>

#include "catch.h"

using namespace dnslet;

namespace {

// "METHOD PATH", or "-" for what is refused.
std::string read(const std::string& head) {
  const auto request = io::parse_http_head(head);
  return request ? request->method + ' ' + request->path : "-";
}

// A whole head with this first line.
std::string with_line(const std::string& line) { return line + "\r\nHost: a\r\n\r\n"; }
// A whole head with these lines behind the first.
std::string with_headers(const std::string& lines) {
  return "GET /metrics HTTP/1.1\r\n" + lines + "\r\n";
}

}  // namespace

TEST_CASE("a head ends with an empty line") {
  CHECK_FALSE(io::size_of_head("", 0));
  CHECK_FALSE(io::size_of_head("GET / HTTP/1.1\r\n", 0));
  CHECK(io::size_of_head("GET / HTTP/1.1\r\n\r\nrest", 0) == 18);
  CHECK(io::size_of_head("GET / HTTP/1.1\n\nrest", 0) == 16);
  CHECK(io::size_of_head("a\n\r\nrest", 0) == 4);
}

TEST_CASE("the end of a head is found however its bytes are divided") {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (std::size_t seen = 0; seen < head.size(); ++seen) {
    CAPTURE(seen);
    CHECK_FALSE(io::size_of_head(head.substr(0, seen), 0));
    CHECK(io::size_of_head(head, seen) == head.size());
  }
}

TEST_CASE("a request is its method and its path") {
  CHECK(read(with_line("GET /metrics HTTP/1.1")) == "GET /metrics");
  CHECK(read(with_line("HEAD / HTTP/1.0")) == "HEAD /");
  CHECK(read(with_line("PURGE /a/b HTTP/1.1")) == "PURGE /a/b");
  CHECK(read(with_line("get /metrics HTTP/1.1")) == "get /metrics");
}

TEST_CASE("a query is not part of the path") {
  CHECK(read(with_line("GET /metrics?name=a HTTP/1.1")) == "GET /metrics");
  CHECK(read(with_line("GET /? HTTP/1.1")) == "GET /");
}

TEST_CASE("a request tells whom it means") {
  const auto host = [](const std::string& head) { return io::parse_http_head(head)->host; };
  CHECK(host(with_line("GET / HTTP/1.1")) == "a");
  CHECK(host(with_headers("Accept: b\r\nhOST:\t a.test:80 \t\r\n")) == "a.test:80");
  CHECK(host(with_headers("Host:[::1]:9153\r\n")) == "[::1]:9153");
  CHECK(host(with_headers("Host: \r\n")).empty());
  CHECK(host("GET / HTTP/1.0\r\n\r\n").empty());
  CHECK(host(with_line("GET http://b.test:80/metrics HTTP/1.1")) == "b.test:80");
}

TEST_CASE("a target may name its host") {
  CHECK(read(with_line("GET http://a.test:80/metrics HTTP/1.1")) == "GET /metrics");
  CHECK(read(with_line("GET HTTPS://a.test/dns-query?dns=AA HTTP/1.1")) == "GET /dns-query");
  CHECK(read(with_line("GET http://a.test HTTP/1.1")) == "-");
  CHECK(read(with_line("GET ftp://a.test/metrics HTTP/1.1")) == "-");
}

TEST_CASE("a client may wait with the body until it is wanted") {
  const auto waits = [](const std::string& head) { return io::parse_http_head(head)->waits; };
  CHECK_FALSE(waits(with_line("POST / HTTP/1.1")));
  CHECK(waits(with_headers("Host: a\r\nExpect: 100-Continue\r\n")));
  CHECK_FALSE(waits("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"));
}

TEST_CASE("a line that is no request is refused") {
  for (const char* line :
       {"", "GET", "GET /", "GET / HTTP/1.1 ", "GET  / HTTP/1.1", " GET / HTTP/1.1",
        "GET / HTTP/2.0", "GET / http/1.1", "GET / HTTP/1.10", "GET * HTTP/1.1",
        "GET metrics HTTP/1.1", "G\x01T / HTTP/1.1", "GET /\x7f HTTP/1.1", "GET /\xc3\xa4 HTTP/1.1",
        "GET\t/ HTTP/1.1", "(GET) / HTTP/1.1", "GET /\r HTTP/1.1", "CONNECT a.test:80 HTTP/1.1"}) {
    CAPTURE(line);
    CHECK(read(with_line(line)) == "-");
  }
}

TEST_CASE("HTTP/1.1 needs one Host, in any case") {
  CHECK(read(with_headers("HOST: a\r\n")) == "GET /metrics");
  CHECK(read(with_headers("")) == "-");
  CHECK(read(with_headers("Host: a\r\nhost: b\r\n")) == "-");
  CHECK(read("GET / HTTP/1.0\r\n\r\n") == "GET /");
}

TEST_CASE("headers may hold any text, but no line may be broken") {
  CHECK(read(with_headers("Host: a\r\nX:\r\nY: \t\xff\xfe \"\r\n")) == "GET /metrics");
  for (const char* lines :
       {"Host: a\r\nno colon\r\n", "Host: a\r\n folded: b\r\n", "Host: a\r\nspace : b\r\n",
        "Host: a\r\n: b\r\n", "Host: a\r\nX: \x01\r\n", "Host: a\r\nX: a\rb\r\n"}) {
    CAPTURE(lines);
    CHECK(read(with_headers(lines)) == "-");
  }
}

TEST_CASE("a head that has no end is refused") {
  CHECK(read("") == "-");
  CHECK(read("GET / HTTP/1.0") == "-");
  CHECK(read("GET / HTTP/1.0\r\n") == "-");
  CHECK(read("GET / HTTP/1.0\r\n\r\nmore") == "-");
}

TEST_CASE("a response has a status") {
  CHECK(io::parse_http_status("HTTP/1.1 200 OK\r\n") == 200U);
  CHECK(io::parse_http_status("HTTP/1.0 503") == 503U);
  for (const char* text : {"", "HTTP/1.1", "HTTP/1.1 20", "HTTP/1.1 2x0", "HTTP/2 200", "200 OK"}) {
    CAPTURE(text);
    CHECK_FALSE(io::parse_http_status(text));
  }
}

TEST_CASE("a request tells its query, its body and whether it is the last one") {
  const auto query = io::parse_http_head(with_line("GET /a?b=c?d HTTP/1.1"));
  REQUIRE(query);
  CHECK(query->path == "/a");
  CHECK(query->query == "b=c?d");
  CHECK_FALSE(query->is_last);
  CHECK(query->body_size == 0);
  const auto body = io::parse_http_head(with_headers(
      "Host: a\r\ncontent-LENGTH: 12\r\nContent-Type: x/y\r\nConnection: a, Close\r\n"));
  REQUIRE(body);
  CHECK(body->body_size == 12);
  CHECK(body->type == "x/y");
  CHECK(body->is_last);
  CHECK_FALSE(body->has_codings);
  CHECK(io::parse_http_head(with_headers("Host: a\r\nTransfer-Encoding: gzip\r\n"))->has_codings);
  CHECK(io::parse_http_head("GET / HTTP/1.0\r\n\r\n")->is_last);
}

TEST_CASE("a body has one size") {
  for (const char* value :
       {"", "-1", "+1", "1 2", "0x1", "99999999999999999999", "1\r\nContent-Length: 1"}) {
    CAPTURE(value);
    CHECK(read(with_headers(std::string("Host: a\r\nContent-Length: ") + value + "\r\n")) == "-");
  }
}
