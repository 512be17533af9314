// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/dhcp_message.h"

#include <algorithm>
#include <string>

#include "catch.h"

using namespace dnslet;
using namespace dnslet::upstream;
using std::chrono::seconds;

namespace {

const HardwareAddress kHardware = {2, 0, 0, 0, 0, 7};

// What a server sends, as bytes; parts can be changed before they are put together.
struct Answer {
  uint32_t id = 0x01020304;
  dns::Bytes options;
  dns::Bytes server_name = dns::Bytes(64, 0);
  dns::Bytes file = dns::Bytes(128, 0);

  Answer& with(uint8_t code, const dns::Bytes& value) {
    options.push_back(code);
    options.push_back(static_cast<uint8_t>(value.size()));
    options.insert(options.end(), value.begin(), value.end());
    return *this;
  }

  dns::Bytes bytes() const {
    dns::Bytes out(20 + 8 + 240, 0);
    dns::Writer writer(out);
    writer.u16(0x4500);
    writer.u16(static_cast<uint16_t>(out.size() + options.size()));
    writer.u32(0);
    writer.u16(64 << 8 | 17);
    writer.u16(0);
    writer.u32(0x0a000001);
    writer.u32(0xffffffff);
    writer.u16(67);
    writer.u16(68);
    writer.u16(static_cast<uint16_t>(8 + 240 + options.size()));
    writer.u16(0);
    writer.u32(0x02010600);
    writer.u32(id);
    const dns::Bytes none(20, 0);
    writer.bytes(none);
    writer.bytes(kHardware);
    writer.bytes(dns::BytesView(none).first(10));
    writer.bytes(server_name);
    writer.bytes(file);
    writer.u32(0x63825363);
    out.insert(out.end(), options.begin(), options.end());
    return out;
  }
};

Answer offer() { return Answer().with(53, {2}); }

std::string list(const std::vector<IpAddress>& addresses) {
  std::string text;
  for (const IpAddress& address : addresses) text += (text.empty() ? "" : " ") + address.to_text();
  return text;
}

std::string servers_in(const dns::Bytes& packet) {
  const auto reply = parse_dhcp_reply(packet);
  return reply ? list(reply->servers) : "no reply";
}

uint16_t sum_of(dns::BytesView bytes, uint32_t sum = 0) {
  dns::Reader reader(bytes);
  while (reader.remaining() > 0) sum += reader.u16();
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

}  // namespace

TEST_CASE("who has an address informs, who has none discovers") {
  const auto discover = build_dhcp_request({7, 3, kHardware, std::nullopt});
  const auto inform = build_dhcp_request({7, 3, kHardware, IpAddress::v4(10, 0, 0, 9)});
  const std::size_t payload = 28;
  // "op", "ciaddr", "flags", the type of the message
  CHECK(discover[payload] == 1);
  CHECK(sum_of(dns::BytesView(discover).subspan(payload + 12, 4)) == 0);
  CHECK(inform[payload + 12] == 10);
  CHECK(inform[payload + 15] == 9);
  CHECK(inform[12] == 10);  // the source of the packet
  for (const auto& packet : {discover, inform}) {
    CHECK(packet[payload + 9] == 3);
    CHECK((packet[payload + 10] | packet[payload + 11]) == 0);  // nothing has to be broadcast
    CHECK(std::equal(kHardware.begin(), kHardware.end(), packet.begin() + payload + 28));
  }
  CHECK(discover[payload + 242] == 1);
  CHECK(inform[payload + 242] == 8);
}

TEST_CASE("a request has both checksums") {
  const auto packet = build_dhcp_request({0xfffefdfc, 0, kHardware, IpAddress::v4(10, 0, 0, 9)});
  CHECK(sum_of(dns::BytesView(packet).first(20)) == 0xffff);
  CHECK(sum_of(dns::BytesView(packet).subspan(12), 17U + (kDhcpRequestSize - 20)) == 0xffff);
}

TEST_CASE("an offer's servers come in their order, each once") {
  const auto reply = parse_dhcp_reply(
      offer().with(51, {0, 0, 0, 120}).with(6, {10, 0, 0, 2, 10, 0, 0, 1, 10, 0, 0, 2}).bytes());
  REQUIRE(reply);
  CHECK(reply->id == 0x01020304);
  CHECK(reply->hardware == kHardware);
  CHECK(list(reply->servers) == "10.0.0.2 10.0.0.1");
  CHECK(reply->renewal == seconds(60));
}

TEST_CASE("a time to renew is told, or is half of the lease, or is not known") {
  const dns::Bytes day = {0, 1, 0x51, 0x80};
  CHECK(parse_dhcp_reply(offer().with(58, {0, 0, 0, 9}).with(51, day).bytes())->renewal ==
        seconds(9));
  CHECK(parse_dhcp_reply(offer().with(51, day).bytes())->renewal == seconds(43'200));
  CHECK(parse_dhcp_reply(Answer().with(53, {5}).bytes())->renewal == seconds(0));
  CHECK(parse_dhcp_reply(offer().with(51, {0, 1}).bytes())->renewal == seconds(0));  // cut
}

TEST_CASE("an option goes on where it is there again, also in the fields of others") {
  const Answer twice = offer().with(6, {10, 0}).with(12, {'h'}).with(6, {0, 1});
  CHECK(servers_in(twice.bytes()) == "10.0.0.1");

  Answer in_fields = offer().with(52, {3}).with(6, {10, 0});  // the file comes first
  const dns::Bytes in_file = {0, 6, 1, 0, 255};
  const dns::Bytes in_name = {6, 1, 1};
  std::ranges::copy(in_file, in_fields.file.begin());
  std::ranges::copy(in_name, in_fields.server_name.begin());
  CHECK(servers_in(in_fields.bytes()) == "10.0.0.1");
  in_fields.server_name.back() = 6;  // without a size
  CHECK(servers_in(in_fields.bytes()) == "no reply");
}

TEST_CASE("fields are read for options where they hold some only") {
  for (const int overload : {0, 1, 2, 3}) {
    Answer answer = offer();
    if (overload > 0) answer.with(52, {static_cast<uint8_t>(overload)});
    const dns::Bytes first = {6, 4, 10, 0, 0, 1, 255};
    const dns::Bytes second = {6, 4, 10, 0, 0, 2, 255};
    std::ranges::copy(first, answer.file.begin());
    std::ranges::copy(second, answer.server_name.begin());
    CAPTURE(overload);
    const std::string in_file = (overload & 1) != 0 ? "10.0.0.1" : "";
    const std::string in_name = (overload & 2) != 0 ? "10.0.0.2" : "";
    CHECK(servers_in(answer.bytes()) == in_file + (overload == 3 ? " " : "") + in_name);
  }
}

TEST_CASE("what can be no server of a link is told apart") {
  const auto reply = parse_dhcp_reply(
      offer()
          .with(6, {0, 0, 0, 0, 255, 255, 255, 255, 224, 0, 0, 251, 127, 0, 0, 1, 10, 0, 0, 1})
          .bytes());
  REQUIRE(reply);
  CHECK(list(reply->servers) == "10.0.0.1");
  CHECK(list(reply->unusable) == "0.0.0.0 255.255.255.255 224.0.0.251 127.0.0.1");
}

TEST_CASE("no more servers are taken than a table has room for") {
  Answer answer = offer();
  for (uint8_t i = 1; i <= 40; ++i) answer.with(6, {10, 0, 0, i});
  CHECK(parse_dhcp_reply(answer.bytes())->servers.size() == DhcpReply::kMostServers);
}

TEST_CASE("an answer without servers is one, and addresses that are cut are none") {
  CHECK(servers_in(offer().bytes()).empty());
  CHECK(servers_in(offer().with(6, {}).bytes()).empty());
  CHECK(servers_in(offer().with(6, {10, 0, 0, 1, 10}).bytes()).empty());
}

TEST_CASE("what is no offer and no acknowledgement counts for nothing") {
  for (const unsigned type : {1U, 3U, 4U, 6U, 7U, 8U})
    CHECK(servers_in(
              Answer().with(53, {static_cast<uint8_t>(type)}).with(6, {10, 0, 0, 1}).bytes()) ==
          "no reply");
  CHECK(servers_in(Answer().with(6, {10, 0, 0, 1}).bytes()) == "no reply");
  CHECK(servers_in(offer().with(53, {2}).with(6, {10, 0, 0, 1}).bytes()) == "no reply");
}

TEST_CASE("bytes that are not as they should be are no answer") {
  const dns::Bytes whole = offer().with(6, {10, 0, 0, 1}).bytes();
  REQUIRE(servers_in(whole) == "10.0.0.1");
  struct Change {
    std::size_t place;
    uint8_t value;
  };
  for (const auto& [place, value] : {Change{0, 0x65},
                                     {0, 0x44},
                                     {0, 0x4f},
                                     {2, 0xff},
                                     {6, 0x20},
                                     {7, 1},
                                     {9, 6},
                                     {23, 67},
                                     {24, 0xff},
                                     {25, 7},
                                     {28, 1},
                                     {29, 6},
                                     {30, 8},
                                     {264, 0},
                                     {272, 200}}) {
    dns::Bytes changed = whole;
    changed[place] = value;
    CAPTURE(place);
    CHECK(servers_in(changed) == "no reply");
  }
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(servers_in({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}) ==
          "no reply");
}

TEST_CASE("what stands behind the packet or the end of options is not read") {
  Answer answer = offer();
  answer.options.push_back(255);
  answer.with(6, {10, 0, 0, 1});
  CHECK(servers_in(answer.bytes()).empty());
  dns::Bytes padded = offer().with(6, {10, 0, 0, 1}).bytes();
  padded.insert(padded.end(), {6, 4, 10, 0, 0, 2});
  CHECK(servers_in(padded) == "10.0.0.1");
}
