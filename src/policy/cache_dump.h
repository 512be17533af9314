// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The cache for people: every entry in the text form of master files (RFC 1035 section 5), TTLs
// counted down. A comment in front of each tells what the question was, and for whom the answer
// counts; records that are not in the answer section are comments, too.
//
// In pieces: what is between two of them costs nothing, and the cache is locked for a few entries
// at a time. What is there from the first to the last piece is in it, once.

#include <string>
#include <vector>

#include "policy/cache.h"

namespace dnslet::policy {

class CacheDump {
 public:
  static constexpr std::size_t kPiece = 8192;  // bytes, and one record

  // Borrows the cache.
  CacheDump(Cache& cache, NameChoice names) : cache_(cache), names_(std::move(names)) {}

  // Puts the next piece behind `out`, which may be nothing. False: it was the last one.
  bool next(Milliseconds now, std::string& out);

 private:
  struct Copy {
    unsigned flags;
    Route route;
    dns::Bytes message;
    uint64_t age_ms;
    uint32_t lifetime;  // s
  };

  void take(Milliseconds now);
  bool write(const Copy& copy, std::size_t end, std::string& out);

  Cache& cache_;
  NameChoice names_;
  Cache::Place place_;
  std::vector<Copy> copies_;  // the last one is written next
  std::size_t written_ = 0;   // records of it
  bool is_begun_ = false;     // it
  bool has_begun_ = false;    // the dump
};

}  // namespace dnslet::policy
