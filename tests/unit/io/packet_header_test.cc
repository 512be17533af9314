// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/packet_header.h"

#include "catch.h"

using namespace dnslet;

namespace {

// An Initial of version 1 with IDs of 8 and 4 bytes, up to and with the length of its token.
dns::Bytes initial(uint8_t token_size) {
  return {0xc3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 4, 9, 9, 9, 9, token_size};
}

}  // namespace

TEST_CASE("the header of an Initial tells both IDs and whether it has a token") {
  const dns::Bytes datagram = initial(0);
  const auto header = io::read_quic_header(datagram);
  REQUIRE(header);
  CHECK(header->is_long);
  CHECK(header->version == 1);
  CHECK_FALSE(header->has_token);
  CHECK_FALSE(header->is_retry);
  CHECK(header->destination.size() == 8);
  CHECK(header->destination.front() == 1);
  CHECK(header->source.size() == 4);
  CHECK(header->source.front() == 9);

  const dns::Bytes with_token = initial(0x40);
  CHECK(io::read_quic_header(with_token)->has_token);
}

TEST_CASE("a header that is cut off is none") {
  const dns::Bytes datagram = initial(0);
  for (std::size_t size = 0; size < datagram.size(); ++size)
    CHECK_FALSE(io::read_quic_header(dns::BytesView(datagram).first(size)));
}

TEST_CASE("a short header has an ID of the length that ours have") {
  const dns::Bytes datagram = {0x40, 1, 2, 3, 4, 5, 6, 7, 8, 0};
  const auto header = io::read_quic_header(datagram);
  REQUIRE(header);
  CHECK_FALSE(header->is_long);
  CHECK(header->destination.size() == io::kQuicIdSize);
  CHECK_FALSE(io::read_quic_header(dns::BytesView(datagram).first(8)));
}

TEST_CASE("of another version only what all versions have is read") {
  const dns::Bytes datagram = {0xf0, 9, 9, 9, 9, 0, 0};
  const auto header = io::read_quic_header(datagram);
  REQUIRE(header);
  CHECK_FALSE(header->is_retry);
  CHECK_FALSE(header->has_token);
  CHECK(header->destination.empty());

  dns::Bytes retry = initial(0);
  retry[0] = 0xf3;
  CHECK(io::read_quic_header(retry)->is_retry);
}
