// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/name.h"

#include "catch.h"
#include "dns/packet.h"

namespace dnslet::dns {
namespace {

using test::hex;

// REQUIRES: `text` is a name.
Name name(std::string_view text) {
  INFO(text);
  const auto parsed = Name::from_text(text);
  REQUIRE(parsed);
  return *parsed;
}

Bytes wire(const Name& name) {
  const BytesView view = name.view().wire();
  return {view.begin(), view.end()};
}

std::optional<Name> from_wire(const Bytes& bytes) {
  Reader reader(bytes);
  return Name::from_wire(reader);
}

// What stands behind the header of a message.
Bytes behind_header(const Bytes& bytes) {
  Bytes message(kHeaderSize);
  test::append(message, bytes);
  return message;
}

// A name that starts at `offset` of what stands behind a header.
std::optional<Name> from_message(const Bytes& bytes, std::size_t offset) {
  const Bytes message = behind_header(bytes);
  Reader reader(message);
  reader.skip(kHeaderSize + offset);
  return Name::from_message(message, reader);
}

// `count` labels of `size` bytes.
std::string labels_text(std::size_t count, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += std::string(size, 'a') + '.';
  return text;
}

// Text.

TEST_CASE("a name in text becomes labels in wire form") {
  CHECK(wire(name("db.test")) == hex("02 6462 04 74657374 00"));
  CHECK(wire(name("a")) == hex("01 61 00"));
  CHECK(wire(name(".")) == hex("00"));
}

TEST_CASE("a final dot changes nothing") {
  CHECK(name("db.test.") == name("db.test"));
  CHECK(name("db.test.").view().to_text() == "db.test");
  CHECK(name(".").view().to_text() == ".");
}

TEST_CASE("names are the same in any case, of ASCII letters only") {
  CHECK(name("DB.TeSt") == name("db.test"));
  CHECK(name("@[`{.test") == name("@[`{.test"));
  CHECK_FALSE(name("@.test") == name("`.test"));
  CHECK_FALSE(name("\\195.test") == name("\\227.test"));
  for (unsigned byte = 0; byte < 256; ++byte)
    CHECK(fold(static_cast<uint8_t>(byte)) == (byte >= 'A' && byte <= 'Z' ? byte + 32 : byte));
}

TEST_CASE("an escape stands for any byte") {
  CHECK(wire(name("a\\.b.c")) == hex("03 612e62 01 63 00"));
  CHECK(wire(name("\\\\")) == hex("01 5c 00"));
  CHECK(wire(name("\\000\\255\\065")) == hex("03 00ff61 00"));
  CHECK(wire(name("a\\ b")) == hex("03 612062 00"));
}

TEST_CASE("a text that is no name is refused") {
  const std::string text = GENERATE(as<std::string>{}, "", "..", ".a", "a..b", "a..", "a b", " a",
                                    "a ", "a\tb", "a\n", "a\x7f", "a\xc3\xa9", "\\", "a\\", "\\1",
                                    "\\12", "\\256", "\\999", "\\1x2", "\\12x");
  CAPTURE(text);
  CHECK_FALSE(Name::from_text(text));
}

TEST_CASE("a text with a zero byte is refused") {
  CHECK_FALSE(Name::from_text(std::string_view("a\0b", 3)));
  CHECK_FALSE(Name::from_text(std::string_view("\0", 1)));
}

TEST_CASE("text that would be read wrongly is escaped") {
  CHECK(Name::from_text("a\\.b\\\\c")->view().to_text() == "a\\.b\\\\c");
  CHECK(Name::from_text("\\010\\032\\127\\255")->view().to_text() == "\\010\\032\\127\\255");
  CHECK(Name::from_text("a-b_c!~")->view().to_text() == "a-b_c!~");
  CHECK(Name::from_text("a;b(c)@d$e")->view().to_text() == "a\\;b\\(c\\)\\@d\\$e");
}

TEST_CASE("every byte survives the way from wire to text and back") {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const Bytes bytes = {2, static_cast<uint8_t>(byte), 'x', 1, static_cast<uint8_t>(byte), 0};
    const auto read = from_wire(bytes);
    REQUIRE(read);
    CAPTURE(read->view().to_text());
    CHECK(Name::from_text(read->view().to_text()) == read);
  }
}

// Limits.

TEST_CASE("a label has at most 63 bytes") {
  CHECK(Name::from_text(std::string(63, 'a') + ".test"));
  CHECK_FALSE(Name::from_text(std::string(64, 'a') + ".test"));
  CHECK_FALSE(Name::from_text("test." + std::string(64, 'a')));
}

TEST_CASE("a name has at most 255 bytes in wire form") {
  const std::string longest = labels_text(3, 63) + std::string(61, 'b');
  CHECK(name(longest).view().wire().size() == 255);
  CHECK(name(longest + ".") == name(longest));
  CHECK_FALSE(Name::from_text(longest + "b"));
  CHECK_FALSE(Name::from_text(longest + ".b"));
  CHECK(name(labels_text(127, 1)).view().labels() == 127);
  CHECK_FALSE(Name::from_text(labels_text(128, 1)));
  CHECK_FALSE(Name::from_text(std::string(100'000, 'a')));
}

TEST_CASE("the longest name survives the way from wire to text and back") {
  const Name longest = name(labels_text(3, 63) + std::string(61, 'b'));
  CHECK(from_wire(wire(longest)) == longest);
  CHECK(Name::from_text(longest.view().to_text()) == longest);
  CHECK(Name(longest.view()) == longest);
}

TEST_CASE("a name on the wire has at most 255 bytes too") {
  Bytes bytes;
  for (int i = 0; i < 127; ++i) test::append(bytes, hex("01 61"));
  Bytes longer = bytes;
  bytes.push_back(0);
  REQUIRE(bytes.size() == 255);
  CHECK(from_wire(bytes));
  CHECK(from_message(bytes, 0));
  test::append(longer, hex("01 61 00"));
  CHECK_FALSE(from_wire(longer));
  CHECK_FALSE(from_message(longer, 0));
}

// Wire form.

TEST_CASE("a name is read up to its root and folded") {
  const Bytes bytes = hex("02 4442 04 54655374 00 ffff");
  Reader reader(bytes);
  CHECK(Name::from_wire(reader) == name("db.test"));
  CHECK(reader.offset() == 9);
}

TEST_CASE("a name that is cut short anywhere is refused") {
  const Bytes whole = hex("02 6462 04 74657374 00");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    CAPTURE(size);
    CHECK_FALSE(from_wire(bytes));
    CHECK_FALSE(from_message(bytes, 0));
  }
}

TEST_CASE("label types 01 and 10 do not exist") {
  const auto type = static_cast<uint8_t>(GENERATE(0x40, 0x41, 0x7f, 0x80, 0xbf));
  Bytes bytes(200, 0);
  bytes[0] = type;
  CHECK_FALSE(from_wire(bytes));
  CHECK_FALSE(from_message(bytes, 0));
}

TEST_CASE("a name without compression holds no pointer") {
  CHECK_FALSE(from_wire(hex("c000")));
  CHECK_FALSE(from_wire(hex("01 61 c000")));
}

// Compression.

TEST_CASE("a pointer leads to the rest of the name") {
  const Bytes message = behind_header(hex("04 74657374 00 02 6462 c00c ffff"));
  Reader reader(message);
  reader.skip(kHeaderSize + 6);
  CHECK(Name::from_message(message, reader) == name("db.test"));
  CHECK(reader.offset() == kHeaderSize + 11);
  CHECK(reader.ok());
}

TEST_CASE("a chain of pointers is followed") {
  const Bytes bytes = hex("04 74657374 00  02 6462 c00c  01 61 c012  c017");
  CHECK(from_message(bytes, 11) == name("a.db.test"));
  const Bytes message = behind_header(bytes);
  Reader reader(message);
  reader.skip(kHeaderSize + 15);
  CHECK(Name::from_message(message, reader) == name("a.db.test"));
  CHECK(reader.offset() == kHeaderSize + 17);
}

TEST_CASE("a pointer into the middle of a name is followed") {
  CHECK(from_message(hex("02 6462 04 74657374 00 c00f"), 9) == name("test"));
  CHECK(from_message(hex("02 6462 04 74657374 00 c014"), 9) == name("."));
}

TEST_CASE("a name has at most as many pointers as it may have labels, and one to the first") {
  // A root, then pointers each to the place before it.
  const auto chain = [](std::size_t pointers) {
    Bytes bytes = hex("00");
    std::size_t target = kHeaderSize;
    for (std::size_t i = 0; i < pointers; ++i) {
      const std::size_t place = kHeaderSize + bytes.size();
      bytes.push_back(static_cast<uint8_t>(0xc0 | target >> 8));
      bytes.push_back(static_cast<uint8_t>(target));
      target = place;
    }
    return from_message(bytes, bytes.size() - 2);
  };
  CHECK(chain(128) == Name());
  CHECK_FALSE(chain(129));
}

TEST_CASE("a pointer has 14 bits") {
  Bytes bytes(0x3fff - kHeaderSize, 0);
  test::append(bytes, hex("01 61 00  01 62 ffff"));
  CHECK(from_message(bytes, 0x4002 - kHeaderSize) == name("b.a"));
}

TEST_CASE("a pointer into the header is refused: what stands there changes") {
  for (uint8_t target = 0; target < kHeaderSize; ++target) {
    CAPTURE(int{target});
    CHECK_FALSE(from_message({0xc0, target}, 0));
    CHECK_FALSE(from_message({1, 'a', 0xc0, target}, 0));
  }
  CHECK(from_message({0, 0xc0, kHeaderSize}, 1) == name("."));
}

TEST_CASE("a pointer that does not lead back is refused") {
  CHECK_FALSE(from_message(hex("c00c"), 0));
  CHECK_FALSE(from_message(hex("c00e 00"), 0));
  CHECK_FALSE(from_message(hex("01 61 c00c"), 0));
  CHECK_FALSE(from_message(hex("01 61 c00e"), 0));
  CHECK_FALSE(from_message(hex("01 61 c010 00"), 0));
  CHECK_FALSE(from_message(hex("00 c00d"), 1));
  CHECK_FALSE(from_message(hex("00 cfff"), 1));
}

TEST_CASE("a loop of pointers ends") {
  CHECK_FALSE(from_message(hex("c00e c00c"), 2));
  CHECK_FALSE(from_message(hex("01 61 c00c c00c"), 4));
  CHECK_FALSE(from_message(hex("01 61 c010 01 62 c00c"), 4));
}

TEST_CASE("a pointer cut in two is refused") { CHECK_FALSE(from_message(hex("00 c0"), 1)); }

TEST_CASE("a name is measured with what its pointers add") {
  Bytes message;
  for (int i = 0; i < 127; ++i) test::append(message, hex("01 61"));
  message.push_back(0);
  test::append(message, hex("c00c  01 62 c00c  01 62 c00e"));
  CHECK(from_message(message, 255)->view().labels() == 127);
  CHECK_FALSE(from_message(message, 257));
  CHECK(from_message(message, 261)->view().labels() == 127);
}

// Labels.

TEST_CASE("labels and dots are counted without the root") {
  CHECK(name(".").view().labels() == 0);
  CHECK(name(".").view().dots() == 0);
  CHECK(name("a").view().labels() == 1);
  CHECK(name("a").view().dots() == 0);
  CHECK(name("a.b.c").view().labels() == 3);
  CHECK(name("a.b.c").view().dots() == 2);
  CHECK(name("a\\.b").view().dots() == 0);
}

TEST_CASE("a name falls apart into first label and parent") {
  const Name whole = name("db.test");
  CHECK(std::ranges::equal(whole.view().first_label(), hex("6462")));
  CHECK(whole.view().parent() == name("test"));
  CHECK(whole.view().parent().parent().is_root());
  CHECK(name(".").view().first_label().empty());
}

TEST_CASE("a name is within a zone on label boundaries only") {
  CHECK(name("example.com").view().is_within(name("example.com")));
  CHECK(name("a.b.example.com").view().is_within(name("example.com")));
  CHECK(name("example.com").view().is_within(name(".")));
  CHECK(name(".").view().is_within(name(".")));
  CHECK_FALSE(name("notexample.com").view().is_within(name("example.com")));
  CHECK_FALSE(name("com").view().is_within(name("example.com")));
  CHECK_FALSE(name(".").view().is_within(name("com")));
  CHECK_FALSE(name("example.com.test").view().is_within(name("example.com")));
}

TEST_CASE("bytes of a label that look like a zone are none") {
  // One label: x, then the wire form of "test" without its root.
  CHECK_FALSE(name("x\\004test").view().is_within(name("test")));
  CHECK_FALSE(name("x\\.test").view().is_within(name("test")));
}

TEST_CASE("two names are joined as far as they fit") {
  CHECK(Name::join(name("db"), name("a.test")) == name("db.a.test"));
  CHECK(Name::join(name("."), name("a.test")) == name("a.test"));
  CHECK(Name::join(name("db"), name(".")) == name("db"));
  const Name left = name(labels_text(3, 63));
  CHECK(Name::join(left, name(std::string(61, 'b')))->view().wire().size() == 255);
  CHECK_FALSE(Name::join(left, name(std::string(62, 'b'))));
}

// Reverse names.

TEST_CASE("a reverse name is an address") {
  CHECK(address_of_reverse(name("4.3.2.1.in-addr.arpa")) == IpAddress::v4(1, 2, 3, 4));
  CHECK(address_of_reverse(name("255.0.10.100.IN-ADDR.ARPA")) == IpAddress::v4(100, 10, 0, 255));
  CHECK(address_of_reverse(
            name("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.f.e.d.c.b.a.9.8.7.6.5.4.3.2.D.F.ip6.arpa")) ==
        IpAddress::from_text("fd23:4567:89ab:cdef::1"));
}

TEST_CASE("an address has a reverse name, and the way back leads to it") {
  CHECK(reverse_of(IpAddress::v4(1, 2, 3, 40)).view().to_text() == "40.3.2.1.in-addr.arpa");
  for (const char* const text : {"0.0.0.0", "255.1.20.0", "::", "fd23:4567:89ab:cdef::1"}) {
    CAPTURE(text);
    const auto address = IpAddress::from_text(text);
    CHECK(address_of_reverse(reverse_of(*address)) == address);
  }
}

TEST_CASE("a name that is nearly reverse is no address") {
  const std::string text = GENERATE(
      as<std::string>{}, ".", "in-addr.arpa", "3.2.1.in-addr.arpa", "5.4.3.2.1.in-addr.arpa",
      "256.3.2.1.in-addr.arpa", "04.3.2.1.in-addr.arpa", "a.3.2.1.in-addr.arpa",
      "1000.3.2.1.in-addr.arpa", "-1.3.2.1.in-addr.arpa", "4.3.2.1.in-addr.test",
      "4.3.2.1.ip6.arpa", "4.3.2.1.in-addr.arpa.test", "a.b.c.d.e.f", "1.ip6.arpa");
  CAPTURE(text);
  CHECK_FALSE(address_of_reverse(name(text)));
}

TEST_CASE("the labels of an IPv6 reverse name are single hexadecimal digits") {
  std::string digits;
  for (int i = 0; i < 31; ++i) digits += "0.";
  CHECK(address_of_reverse(name("0." + digits + "ip6.arpa")));
  CHECK_FALSE(address_of_reverse(name("g." + digits + "ip6.arpa")));
  CHECK_FALSE(address_of_reverse(name("00." + digits + "ip6.arpa")));
  CHECK_FALSE(address_of_reverse(name("0." + digits + "in-addr.arpa")));
  CHECK_FALSE(address_of_reverse(name("0.0." + digits + "ip6.arpa")));
  CHECK_FALSE(address_of_reverse(name(digits + "ip6.arpa")));
}

}  // namespace
}  // namespace dnslet::dns
