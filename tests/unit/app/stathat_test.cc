// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/stathat.h"

#include "catch.h"
#include "dns/packet.h"

using namespace dnslet;
using app::find_address;
using dns::Type;
using test::kToQuestion, test::Packet;

TEST_CASE("the first address of an answer is found behind its CNAMEs") {
  const dns::Bytes target = test::wire_name("edge.test");
  const Packet packet = Packet("stathat.test", Type::A)
                            .flags(0x8180)
                            .answer({kToQuestion, Type::CNAME, 60, target})
                            .answer({target, Type::A, 60, {192, 0, 2, 1}})
                            .answer({target, Type::A, 60, {192, 0, 2, 2}});
  CHECK(find_address(packet.bytes(), Type::A) == IpAddress::v4(192, 0, 2, 1));
  CHECK_FALSE(find_address(packet.bytes(), Type::AAAA));
}

TEST_CASE("an answer without an address, or none at all, gives none") {
  const Packet packet = Packet("stathat.test", Type::A).flags(0x8183);
  CHECK_FALSE(find_address(packet.bytes(), Type::A));
  CHECK_FALSE(find_address({}, Type::A));
  const Packet broken =
      Packet("stathat.test", Type::A).flags(0x8180).answer({kToQuestion, Type::A, 60, {192, 0}});
  CHECK_FALSE(find_address(broken.bytes(), Type::A));
}
