// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/socks5.h"

#include <uv.h>

#include "catch.h"

namespace dnslet::io {
namespace {

using dns::Bytes;
using More = Socks5Handshake::More;
using Send = Socks5Handshake::Send;
using Open = Socks5Handshake::Open;
using Failed = Socks5Handshake::Failed;

// A handshake, and what the proxy has said and nobody has taken.
struct Talk {
  explicit Talk(Socks5Request asked) : request(std::move(asked)), handshake(request) {}
  Socks5Handshake::Step hear(const Bytes& bytes) {
    heard.insert(heard.end(), bytes.begin(), bytes.end());
    dns::BytesView view = heard;
    Socks5Handshake::Step step = handshake.step(view);
    heard = Bytes(view.begin(), view.end());
    return step;
  }
  Bytes sent(const Bytes& bytes) { return std::get<Send>(hear(bytes)).bytes; }
  std::string failure(const Bytes& bytes) { return std::get<Failed>(hear(bytes)).reason; }

  Socks5Request request;
  Socks5Handshake handshake;
  Bytes heard;
};

const Socks5Request kByName = {.host = "a.test", .address = std::nullopt, .port = 853};
const Bytes kConnected = {5, 0, 0, 1, 0, 0, 0, 0, 0, 0};

Socks5Request as_user(Socks5Request request) {
  request.user = "me";
  request.password = "x";
  return request;
}

TEST_CASE("a proxy is asked for a name, or an address of either family") {
  Talk name(kByName);
  CHECK(name.handshake.greeting() == Bytes{5, 1, 0});
  CHECK(name.sent({5, 0}) == Bytes{5, 1, 0, 3, 6, 'a', '.', 't', 'e', 's', 't', 3, 85});
  CHECK(std::holds_alternative<Open>(name.hear(kConnected)));
  Talk v4({.host = "", .address = IpAddress::v4(192, 0, 2, 1), .port = 53});
  CHECK(v4.sent({5, 0}) == Bytes{5, 1, 0, 1, 192, 0, 2, 1, 0, 53});
  Talk v6({.host = "", .address = IpAddress::from_text("2001:db8::1"), .port = 443});
  CHECK(v6.sent({5, 0}) ==
        Bytes{5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0xbb});
}

TEST_CASE("a user is told where the proxy wants one, and only then") {
  Talk asked(as_user(kByName));
  CHECK(asked.handshake.greeting() == Bytes{5, 2, 0, 2});
  CHECK(asked.sent({5, 2}) == Bytes{1, 2, 'm', 'e', 1, 'x'});
  CHECK(asked.sent({1, 0}).size() == 13);
  CHECK(std::holds_alternative<Open>(asked.hear(kConnected)));
  Talk free(as_user(kByName));
  CHECK(free.sent({5, 0}).size() == 13);
  Talk wrong(as_user(kByName));
  (void)wrong.sent({5, 2});
  CHECK(wrong.failure({1, 1}) == "user or password is wrong");
}

TEST_CASE("whatever address the proxy names is taken, and nothing behind it") {
  for (const Bytes& address : {Bytes{1, 9, 9, 9, 9}, Bytes{3, 2, 'a', 'b'}, Bytes{3, 0},
                               Bytes{4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}) {
    Talk talk(kByName);
    (void)talk.sent({5, 0});
    Bytes reply = {5, 0, 0};
    reply.insert(reply.end(), address.begin(), address.end());
    for (const uint8_t byte : reply) CHECK(std::holds_alternative<More>(talk.hear({byte})));
    CHECK(std::holds_alternative<More>(talk.hear({1})));
    CHECK(std::holds_alternative<Open>(talk.hear({2, 77, 78})));
    CHECK(talk.heard == Bytes{77, 78});
  }
}

TEST_CASE("a refusal is told in words") {
  const auto refused = [](uint8_t code) {
    Talk talk(kByName);
    (void)talk.sent({5, 0});
    return talk.failure({5, code});
  };
  CHECK(refused(1) == "it has refused: general failure");
  CHECK(refused(2) == "it has refused: its rules do not allow it");
  CHECK(refused(5) == "it has refused: connection refused");
  CHECK(refused(8) == "it has refused: it does not take this kind of address");
  CHECK(refused(9) == "it has refused: code 9");
  CHECK(refused(255) == "it has refused: code 255");
  CHECK(Talk(kByName).failure({5, 0xff}) == "it wants a user: write socks5://USER:PASSWORD@");
  CHECK(Talk(as_user(kByName)).failure({5, 0xff}) == "it takes no user with a password");
}

TEST_CASE("what speaks something else is no proxy") {
  const std::string none = "what answers there does not speak SOCKS5";
  CHECK(Talk(kByName).failure({'H'}) == none);
  CHECK(Talk(kByName).failure({4}) == none);
  CHECK(Talk(kByName).failure({5, 2}) == none);  // nobody has offered that
  CHECK(Talk(kByName).failure({5, 1}) == none);
  Talk version(kByName);
  (void)version.sent({5, 0});
  CHECK(version.failure({4}) == none);
  Talk kind(kByName);
  (void)kind.sent({5, 0});
  CHECK(kind.failure({5, 0, 0, 2}) == none);
}

}  // namespace
}  // namespace dnslet::io
