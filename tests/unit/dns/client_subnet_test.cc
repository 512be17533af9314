// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/client_subnet.h"

#include <array>

#include "catch.h"
#include "dns/message.h"
#include "dns/packet.h"
#include "dns/reply.h"

namespace dnslet::dns {
namespace {

using test::hex;
using test::opt;
using test::Packet;

Query query(const Bytes& options) {
  return parse_query(Packet("a.test", Type::A).flags(0x0100).additional(opt(1232, 0, options)))
      .query;
}

TEST_CASE("a network of a client is read as it is written") {
  for (const char* text : {"0001 18 00 c00002", "0001 20 00 c0000201", "0001 00 00", "0000 00 00",
                           "0002 38 00 20010db8000000", "0001 11 00 0a0180", "0002 00 00",
                           "0002 80 40 20010db8000000000000000000000001"}) {
    const Bytes data = hex(text);
    const auto subnet = read_client_subnet(data);
    REQUIRE(subnet);
    std::array<uint8_t, ClientSubnet::kMaxSize> out{};
    Writer writer(out);
    write_client_subnet(writer, *subnet);
    REQUIRE(writer.ok());
    CHECK(writer.size() == subnet->size());
    CHECK(same_bytes(writer.written().subspan(4), data));
    CHECK(Reader(writer.written()).u16() == kOptionClientSubnet);
  }
  CHECK(read_client_subnet(hex("0001 18 10 c00002"))->network.to_text() == "192.0.2.0/24");
  CHECK(read_client_subnet(hex("0001 18 10 c00002"))->scope == 16);
}

TEST_CASE("what is no network of a client is told apart from none") {
  for (const char* text : {"", "00", "0001", "0001 18", "0001 18 00", "0001 18 00 c000",
                           "0001 18 00 c0000200", "0001 17 00 c00001", "0001 21 00 c000020100",
                           "0001 18 21 c00002", "0003 08 00 0a", "0000 08 00 0a", "0000 00 01",
                           "0002 81 00 20010db800000000000000000000000100", "0002 00 81"}) {
    const Bytes data = hex(text);
    CHECK_FALSE(read_client_subnet(data));
    Bytes option = hex("0008 00");
    option.push_back(static_cast<uint8_t>(data.size()));
    option.insert(option.end(), data.begin(), data.end());
    const Query asked = query(option);
    CHECK((asked.has_broken_subnet && !asked.subnet && asked.edns));
  }
  CHECK_FALSE(query({}).has_broken_subnet);
  CHECK(query(hex("0008 0007 0001 18 08 c00002")).has_broken_subnet);  // a scope in a question
  CHECK(query(hex("000a 0002 ffff 0008 0007 0001 18 00 c00002")).subnet);
}

TEST_CASE("an answer has the network as the client has said it, and before it any error") {
  const Query asked = query(hex("0008 0008 0001 20 00 c0000207"));
  const ExtendedError error(hex("0016 6e6f"));
  for (const std::size_t spare : {0U, 5U, 6U, 7U, 8U, 20U}) {
    Bytes out = Packet("a.test", Type::A).bytes();
    const std::size_t size = out.size();
    out.resize(size + opt_size(asked) + spare);
    out.resize(append_opt(out, size, asked, {Rcode::NoError, &error, 24}));
    const auto message = Message::parse(out);
    REQUIRE(message);
    const auto data = find_option(*message, kOptionClientSubnet);
    REQUIRE(data);
    CHECK(same_bytes(*data, hex("0001 20 18 c0000207")));
    CHECK(extended_error(*message).size() == (spare < 6 ? 0U : spare < 8 ? 2U : 4U));
  }
}

TEST_CASE("a query has the network that it is given, and none without EDNS") {
  const Question question{*Name::from_text("a.test")};
  const Network network = *Network::from_text("192.0.2.0/23");
  for (const QueryEdns edns : {QueryEdns::WithEdns, QueryEdns::WithoutEdns}) {
    const QueryBytes built = build_upstream_query(question, {}, edns, &network);
    const ReceivedQuery received = parse_query(built.view());
    CHECK(received.verdict == Verdict::Usable);
    CHECK(received.query.subnet.has_value() == (edns == QueryEdns::WithEdns));
    if (received.query.subnet) CHECK(received.query.subnet->network == network);
  }
}

}  // namespace
}  // namespace dnslet::dns
