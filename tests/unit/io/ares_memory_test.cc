// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/ares_memory.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "catch.h"

using dnslet::io::AresMemory;

namespace {

bool holds(const void* block, std::size_t size, int byte) {
  const auto* const bytes = static_cast<const uint8_t*>(block);
  return std::all_of(bytes, bytes + size, [byte](uint8_t value) { return value == byte; });
}

}  // namespace

TEST_CASE("blocks of any size hold their bytes and do not overlap") {
  std::vector<void*> blocks;
  for (std::size_t size = 0; size < 3000; ++size) {
    void* const block = AresMemory::allocate(size);
    REQUIRE(block != nullptr);
    CHECK(reinterpret_cast<uintptr_t>(block) % alignof(std::max_align_t) == 0);
    std::memset(block, static_cast<int>(size % 251), size);
    blocks.push_back(block);
  }
  for (std::size_t size = 0; size < blocks.size(); ++size)
    CHECK(holds(blocks[size], size, static_cast<int>(size % 251)));
  for (void* const block : blocks) AresMemory::free(block);
  AresMemory::give_back();
}

TEST_CASE("what was freed is given again, whoever asks for that size") {
  void* const block = AresMemory::allocate(50);
  AresMemory::free(block);
  CHECK(AresMemory::kept() == 64);
  CHECK(AresMemory::allocate(33) == block);
  CHECK(AresMemory::kept() == 0);
  AresMemory::free(block);
  AresMemory::give_back();
  CHECK(AresMemory::kept() == 0);
}

TEST_CASE("large blocks, and more than enough of one size, are not kept") {
  AresMemory::free(AresMemory::allocate(AresMemory::kLargest + 1));
  CHECK(AresMemory::kept() == 0);
  std::vector<void*> blocks(100);
  for (void*& block : blocks) block = AresMemory::allocate(AresMemory::kLargest);
  for (void* const block : blocks) AresMemory::free(block);
  CHECK(AresMemory::kept() == AresMemory::kMostKept);
  void* const other = AresMemory::allocate(1);
  AresMemory::free(other);
  CHECK(AresMemory::kept() == AresMemory::kMostKept + AresMemory::kStep);
  AresMemory::give_back();
}

TEST_CASE("a block may be freed by another thread, which then has it") {
  void* const block = AresMemory::allocate(100);
  std::thread([block] {
    AresMemory::free(block);
    CHECK(AresMemory::kept() == 128);
    CHECK(AresMemory::allocate(128) == block);
    AresMemory::free(block);
    AresMemory::give_back();
  }).join();
  CHECK(AresMemory::kept() == 0);
}

TEST_CASE("a block that grows keeps its bytes") {
  void* block = AresMemory::reallocate(nullptr, 10);
  std::memset(block, 7, 10);
  for (const std::size_t size : {64U, 65U, 1024U, 1025U, 100000U}) {
    block = AresMemory::reallocate(block, size);
    REQUIRE(block != nullptr);
    CHECK(holds(block, 10, 7));
    std::memset(block, 7, size);
  }
  block = AresMemory::reallocate(block, 20);
  CHECK(holds(block, 20, 7));
  AresMemory::free(block);
  AresMemory::free(nullptr);
  AresMemory::give_back();
}

TEST_CASE("what no memory can hold is refused, and the block stays") {
  CHECK(AresMemory::allocate(SIZE_MAX) == nullptr);
  void* const block = AresMemory::allocate(8);
  std::memset(block, 3, 8);
  CHECK(AresMemory::reallocate(block, SIZE_MAX - 1) == nullptr);
  CHECK(holds(block, 8, 3));
  AresMemory::free(block);
}
