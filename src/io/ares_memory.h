// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Memory for c-ares: what it frees is given to it again.
//
// c-ares takes five blocks for each question (many more from 1.28 on) and frees them with the
// answer. Under load some hundred questions are open at a time, and so many blocks are too many for
// malloc's quick lists: seven of a size in glibc, none in musl.
//
// The functions are malloc(), free() and realloc() of the C library in all that they promise.
// c-ares hands them no context, so the lists are the thread's; a block may be freed by another
// thread than the one that got it. Tools that look for errors of memory see less through them: in a
// program with AddressSanitizer c-ares should have the C library's own (see kHelps).

#include <cstddef>

namespace dnslet::io {

class AresMemory {
 public:
#if defined(__SANITIZE_ADDRESS__)
  static constexpr bool kHelps = false;
#elif defined(__has_feature)
  static constexpr bool kHelps = !__has_feature(address_sanitizer);
#else
  static constexpr bool kHelps = true;
#endif
  static constexpr std::size_t kStep = 32;         // bytes; blocks are of 1, 2, … steps
  static constexpr std::size_t kLargest = 1024;    // bytes of a block that is kept
  static constexpr std::size_t kMostKept = 65536;  // bytes of all blocks of one size

  static void* allocate(std::size_t size) noexcept;
  static void* reallocate(void* block, std::size_t size) noexcept;
  static void free(void* block) noexcept;

  // Bytes that this thread keeps.
  static std::size_t kept();
  // Gives them back, as at the thread's end.
  static void give_back();
};

}  // namespace dnslet::io
