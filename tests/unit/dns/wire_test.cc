// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/wire.h"

#include "catch.h"
#include "dns/packet.h"

namespace dnslet::dns {
namespace {

using test::hex;

TEST_CASE("a reader takes big-endian numbers in a row") {
  const Bytes bytes = hex("01 0203 04050607 08090a");
  Reader reader(bytes);
  CHECK(reader.u8() == 0x01);
  CHECK(reader.u16() == 0x0203);
  CHECK(reader.u32() == 0x04050607);
  CHECK(reader.offset() == 7);
  CHECK(reader.remaining() == 3);
  CHECK(std::ranges::equal(reader.bytes(3), hex("08090a")));
  CHECK(reader.remaining() == 0);
  CHECK(reader.ok());
}

TEST_CASE("a reader takes the largest numbers whole") {
  const Bytes bytes = hex("ff ffff ffffffff");
  Reader reader(bytes);
  CHECK(reader.u8() == 0xff);
  CHECK(reader.u16() == 0xffff);
  CHECK(reader.u32() == 0xffffffff);
  CHECK(reader.ok());
}

TEST_CASE("a reader that failed once fails for good and yields zeros") {
  const Bytes bytes = hex("0102 03");
  Reader reader(bytes);
  CHECK(reader.u16() == 0x0102);
  CHECK(reader.u16() == 0);
  CHECK_FALSE(reader.ok());
  for (int i = 0; i < 10; ++i) {
    CHECK(reader.u8() == 0);  // one byte is left, but nobody gets it
    CHECK(reader.bytes(1).empty());
    CHECK(reader.bytes(0).empty());
    reader.skip(0);
    CHECK_FALSE(reader.ok());
  }
  CHECK(reader.offset() <= bytes.size());
}

TEST_CASE("a four-byte number needs four bytes") {
  for (std::size_t size = 0; size < 4; ++size) {
    const Bytes bytes(size, 0xff);
    Reader reader(bytes);
    CHECK((reader.u32() & 0xffff) == 0);
    CHECK_FALSE(reader.ok());
  }
}

TEST_CASE("a skip cannot wrap around") {
  const Bytes bytes = hex("01020304");
  Reader reader(bytes);
  reader.skip(2);
  reader.skip(SIZE_MAX);
  CHECK_FALSE(reader.ok());
  CHECK(reader.offset() <= bytes.size());
}

TEST_CASE("an empty reader is sound until it is read") {
  Reader reader(BytesView{});
  CHECK(reader.ok());
  CHECK(reader.bytes(0).empty());
  CHECK(reader.ok());
  CHECK(reader.u8() == 0);
  CHECK_FALSE(reader.ok());
}

TEST_CASE("a writer puts big-endian numbers in a row") {
  Bytes out(10);
  Writer writer(out);
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u32(0xf4f5f6f7);
  writer.bytes(hex("08090a"));
  CHECK(writer.ok());
  CHECK(writer.size() == 10);
  CHECK(writer.room() == 0);
  CHECK(out == hex("01 0203 f4f5f6f7 08090a"));
}

TEST_CASE("a writer that failed once fails for good and leaves the bytes alone") {
  Bytes out(5, 0xee);
  Writer writer(MutableBytesView(out).first(3));
  writer.u16(0x0102);
  writer.u16(0x0304);
  CHECK_FALSE(writer.ok());
  writer.u8(0x05);
  writer.bytes(hex("06"));
  writer.u16_at(0, 0x0708);
  CHECK_FALSE(writer.ok());
  CHECK(writer.size() == 2);
  CHECK(out == hex("0102 eeeeee"));
}

TEST_CASE("a write that does not fit writes nothing of itself") {
  for (std::size_t room = 0; room < 4; ++room) {
    Bytes out(4, 0xee);
    Writer writer(MutableBytesView(out).first(room));
    writer.u32(0);
    CHECK_FALSE(writer.ok());
    CHECK(out == Bytes(4, 0xee));
  }
}

TEST_CASE("a writer overwrites only what it has written") {
  Bytes out(6, 0xee);
  Writer writer(out);
  writer.u32(0);
  writer.u16_at(0, 0x0102);
  writer.u16_at(2, 0x0304);
  CHECK(writer.ok());
  writer.u16_at(3, 0xffff);
  CHECK_FALSE(writer.ok());
  CHECK(out == hex("01020304 eeee"));
}

TEST_CASE("a writer with less than two bytes has nothing to overwrite") {
  Bytes out(4);
  Writer writer(out);
  writer.u8(1);
  writer.u16_at(0, 1);
  CHECK_FALSE(writer.ok());
  CHECK(out == Bytes{1, 0, 0, 0});
}

TEST_CASE("rewinding takes back bytes and a failure") {
  Bytes out(4);
  Writer writer(out);
  writer.u16(0x0102);
  writer.bytes(Bytes(3));
  CHECK_FALSE(writer.ok());
  writer.rewind(1);
  CHECK(writer.ok());
  writer.u8(0x03);
  CHECK(std::ranges::equal(writer.written(), hex("0103")));
}

}  // namespace
}  // namespace dnslet::dns
