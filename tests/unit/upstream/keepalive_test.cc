// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/keepalive.h"

#include <algorithm>
#include <string>

#include "catch.h"
#include "dns/message.h"
#include "dns/packet.h"

using namespace dnslet;
using std::chrono::milliseconds;
using test::Bytes, test::Packet, test::Type;

namespace {

Bytes framed(dns::BytesView query) {
  Bytes stream = {1, 2, 3};
  upstream::append_frame(stream, query);
  return {stream.begin() + 3, stream.end()};
}

Bytes behind_length(const Bytes& message) {
  Bytes stream;
  test::append_u16(stream, message.size());
  test::append(stream, message);
  return stream;
}

const Bytes kOption = {0, 11, 0, 0};

}  // namespace

TEST_CASE("a query leaves behind its length, with edns-tcp-keepalive in its OPT") {
  const Bytes plain = Packet("a.test", Type::A).bytes();
  CHECK(framed(plain) == behind_length(plain));
  CHECK(framed(Packet("a.test", Type::A).additional(test::opt(1232, test::kDo))) ==
        behind_length(
            Packet("a.test", Type::A).additional(test::opt(1232, test::kDo, kOption)).bytes()));
  const Bytes subnet = {0, 8, 0, 5, 0, 1, 8, 0, 10};
  Bytes both = subnet;
  test::append(both, kOption);
  CHECK(framed(Packet(".", Type::NS).additional(test::opt(512, 0, subnet))) ==
        behind_length(Packet(".", Type::NS).additional(test::opt(512, 0, both)).bytes()));
}

TEST_CASE("a query is padded to a multiple of 128 bytes, but for what has no OPT") {
  for (std::size_t length = 1; length < 240; ++length) {
    std::string name;
    for (std::size_t left = length; left > 0; left -= std::min<std::size_t>(left, 50))
      name += std::string(std::min<std::size_t>(left, 50), 'a') + ".";
    const Packet asked(name, Type::A);
    Bytes stream;
    upstream::append_frame(stream, Packet(asked).additional(test::opt()),
                           upstream::Padding::ToBlocks);
    CHECK((stream.size() - 2) % 128 == 0);
    CHECK(dns::Reader(stream).u16() == stream.size() - 2);
    const auto message = dns::Message::parse(dns::BytesView(stream).subspan(2));
    REQUIRE(message);
    const auto padding = dns::find_option(*message, 12);
    REQUIRE(padding);
    CHECK(padding->size() < 128);
    CHECK(std::ranges::count(*padding, 0) == static_cast<std::ptrdiff_t>(padding->size()));
    stream.clear();
    upstream::append_frame(stream, asked, upstream::Padding::ToBlocks);
    CHECK(stream == behind_length(asked.bytes()));
  }
}

TEST_CASE("a query without a frame is padded, and asks for no keepalive") {
  Bytes bytes = {1, 2};
  upstream::append_padded(bytes, Packet("a.test", Type::A).additional(test::opt()));
  CHECK(bytes.size() == 2 + 128);
  const auto message = dns::Message::parse(dns::BytesView(bytes).subspan(2));
  REQUIRE(message);
  CHECK(dns::find_option(*message, 12));
  CHECK_FALSE(dns::find_option(*message, 11));
  bytes.clear();
  upstream::append_padded(bytes, Packet("a.test", Type::A));
  CHECK(bytes == Packet("a.test", Type::A).bytes());
}

TEST_CASE("what ends with anything but an OPT is left alone") {
  const Bytes record = Packet("a.test", Type::A).additional().bytes();
  CHECK(framed(record) == behind_length(record));
  const Bytes more = Packet("a.test", Type::A).additional(test::opt()).raw(Bytes{0}).bytes();
  CHECK(framed(more) == behind_length(more));
}

TEST_CASE("the server's edns-tcp-keepalive is in units of 100 ms") {
  const auto told = [](const Bytes& options) {
    return upstream::keepalive_of(
        Packet("a.test", Type::A).flags(0x8180).answer().additional(test::opt(1232, 0, options)));
  };
  CHECK(told({0, 11, 0, 2, 0, 100}) == milliseconds(10'000));
  CHECK(told({0, 11, 0, 2, 0xff, 0xff}) == milliseconds(6'553'500));
  CHECK(told({0, 11, 0, 2, 0, 0}) == milliseconds(0));
  CHECK(told({0, 15, 0, 2, 0, 22, 0, 11, 0, 2, 0, 1}) == milliseconds(100));
  CHECK_FALSE(told({}));
  CHECK_FALSE(told(kOption));
  CHECK_FALSE(told({0, 11, 0, 2, 0}));
  CHECK_FALSE(told({0, 11, 0}));
  CHECK_FALSE(upstream::keepalive_of(Packet("a.test", Type::A)));
  CHECK_FALSE(upstream::keepalive_of({}));
}
