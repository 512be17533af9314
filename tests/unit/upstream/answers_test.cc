// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/answers.h"

#include "catch.h"
#include "dns/packet.h"

using namespace dnslet;
using test::Bytes, test::Packet, test::Type;

namespace {

const Bytes kQuery = Packet("www.Example.test", Type::A).id(0x1234).flags(0x0100).answer().bytes();

bool answers(const Bytes& packet) { return upstream::answers(packet, kQuery); }
Packet answer(std::string_view name, Type type = Type::A, uint16_t qclass = 1) {
  return Packet(name, type, qclass).id(0x1234).flags(0x8180);
}

}  // namespace

TEST_CASE("an answer has the ID and the question of its query, in any case of letters") {
  CHECK(answers(answer("www.Example.test").bytes()));
  CHECK(answers(answer("WWW.example.TEST").answer().bytes()));
  CHECK_FALSE(answers(answer("www.Example.test").id(0x1235).bytes()));
  CHECK_FALSE(answers(answer("www.Example.test", Type::AAAA).bytes()));
  CHECK_FALSE(answers(answer("www.Example.test", Type::A, 3).bytes()));
  CHECK_FALSE(answers(answer("www.Example.tesu").bytes()));
  CHECK_FALSE(answers(answer("w.Example.test").bytes()));
  CHECK_FALSE(answers(answer("www.Example.test").count(0, 2).bytes()));
  CHECK_FALSE(answers(answer("www.Example.test").flags(0x0100).bytes()));  // a query
}

TEST_CASE("a bare header is a refusal of old servers, and less is nothing") {
  const Bytes whole = answer("www.Example.test").count(0, 0).flags(0x8184).bytes();
  const Bytes header(whole.begin(), whole.begin() + 12);
  CHECK(answers(header));
  for (std::size_t size = 0; size < 12; ++size)
    CHECK_FALSE(answers(Bytes(header.begin(), header.begin() + static_cast<long>(size))));
  CHECK_FALSE(answers(Packet("", Type::A).id(0x1234).flags(0x8184).count(0, 0).bytes()));
  Bytes with_records = header;
  with_records[7] = 1;
  CHECK_FALSE(answers(with_records));
}

TEST_CASE("TC is seen") {
  CHECK(upstream::is_truncated(answer("a.test").flags(0x8380).bytes()));
  CHECK_FALSE(upstream::is_truncated(answer("a.test").flags(0x8180).bytes()));
}
