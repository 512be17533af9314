// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/hash.h"

#include <bit>
#include <set>

#include "catch.h"
#include "dns/packet.h"

namespace dnslet::dns {
namespace {

TEST_CASE("equal bytes have equal hashes wherever they lie") {
  const Bytes bytes = test::wire_name("www.example.test");
  for (std::size_t shift = 0; shift < 16; ++shift) {
    Bytes moved(shift, 0xee);
    test::append(moved, bytes);
    CHECK(hash(BytesView(moved).subspan(shift), 7) == hash(bytes, 7));
  }
}

TEST_CASE("the seed changes every hash") {
  for (std::size_t size = 0; size < 40; ++size) {
    const Bytes bytes(size, 'a');
    CHECK(hash(bytes, 1) != hash(bytes, 2));
  }
}

TEST_CASE("a longer run of zeros has another hash") {
  std::set<uint64_t> hashes;
  for (std::size_t size = 0; size <= 64; ++size) hashes.insert(hash(Bytes(size, 0), 42));
  CHECK(hashes.size() == 65);
}

TEST_CASE("every bit of the input moves bits of both halves") {
  const Bytes bytes = test::wire_name("a-host.example.test");
  const uint64_t before = hash(bytes, 42);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes changed = bytes;
    changed[bit / 8] = static_cast<uint8_t>(changed[bit / 8] ^ 1U << bit % 8);
    const uint64_t moved = hash(changed, 42) ^ before;
    CAPTURE(bit);
    CHECK(std::popcount(moved & 0xffffffff) > 3);
    CHECK(std::popcount(moved >> 32) > 3);
  }
}

TEST_CASE("numbered names spread over the buckets") {
  constexpr std::size_t kBuckets = 1024;
  std::vector<int> load(kBuckets);
  for (int i = 0; i < 10'240; ++i)
    ++load[hash(test::wire_name("host" + std::to_string(i) + ".test"), 42) % kBuckets];
  CHECK(*std::max_element(load.begin(), load.end()) < 40);  // ten each
}

}  // namespace
}  // namespace dnslet::dns
