// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/ares_memory.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace dnslet::io {
namespace {

constexpr std::size_t kStep = AresMemory::kStep;
constexpr std::size_t kSizes = AresMemory::kLargest / kStep;

// What precedes each block.
struct alignas(std::max_align_t) Head {
  std::size_t room;  // bytes of the block
};

// A block that nobody uses, in its own memory.
struct Unused {
  Unused* next;
};

// A thread's blocks of one size.
struct List {
  Unused* first;
  std::size_t bytes;
};

// Without a destructor: static programs for musl have no support for those of threads.
thread_local std::array<List, kSizes> lists;

Head* head_of(void* block) { return static_cast<Head*>(block) - 1; }

// Null: blocks of this size are not kept.
List* list_of(std::size_t room) {
  return room <= AresMemory::kLargest ? &lists[room / kStep - 1] : nullptr;
}

// REQUIRES: there is one.
void* take_from(List& list) {
  Unused* const block = std::exchange(list.first, list.first->next);
  list.bytes -= head_of(block)->room;
  return block;
}

// Whole steps, at least one; 0: it is too large.
std::size_t rounded(std::size_t size) {
  if (size > SIZE_MAX - kStep - sizeof(Head)) return 0;
  return std::max<std::size_t>(1, (size + kStep - 1) / kStep) * kStep;
}

}  // namespace

void* AresMemory::allocate(std::size_t size) noexcept {
  const std::size_t room = rounded(size);
  if (room == 0) return nullptr;
  List* const list = list_of(room);
  if (list && list->first) return take_from(*list);
  auto* const head = static_cast<Head*>(std::malloc(sizeof(Head) + room));
  if (!head) return nullptr;
  head->room = room;
  return head + 1;
}

void AresMemory::free(void* block) noexcept {
  if (!block) return;
  const std::size_t room = head_of(block)->room;
  List* const list = list_of(room);
  if (!list || list->bytes + room > kMostKept) {
    std::free(head_of(block));
    return;
  }
  list->bytes += room;
  list->first = new (block) Unused{list->first};
}

void* AresMemory::reallocate(void* block, std::size_t size) noexcept {
  if (block && size <= head_of(block)->room) return block;
  void* const larger = allocate(size);
  if (!larger || !block) return larger;
  std::memcpy(larger, block, head_of(block)->room);
  free(block);
  return larger;
}

std::size_t AresMemory::kept() {
  std::size_t sum = 0;
  for (const List& list : lists) sum += list.bytes;
  return sum;
}

void AresMemory::give_back() {
  for (List& list : lists)
    while (list.first) std::free(head_of(take_from(list)));
}

}  // namespace dnslet::io
