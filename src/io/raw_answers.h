// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Answers as they came, kept beside c-ares.
//
// c-ares matches ID and question and goes on to TCP where TC is set; it needs no more than header
// and question for that, so no more is shown to it. What it would otherwise do differs by version:
// 1.34 re-encodes every message, fails on RDATA that it does not like and then drops all that is
// under way; 1.18 hands everything on. The bytes that count are these, untouched.

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "dns/wire.h"

namespace dnslet::io {

class RawAnswers {
 public:
  static constexpr std::size_t kMaxShown = 12 + 255 + 4;

  enum class Kept {
    Shown,       // c-ares has something to look at
    BareHeader,  // an expected ID and nothing else: c-ares would look for the question in vain
    Nothing,     // nobody expects it, or it is no response
  };

  // From now on, packets with this ID are kept. At most 65,536, so at most as many packets.
  void expect(uint16_t id) { answers_[id].clear(); }
  void forget(uint16_t id) { answers_.erase(id); }

  // Keeps the packet if its ID is expected. What c-ares is to see is written into `shown` (at least
  // kMaxShown bytes): ID, flags with rcode 0, the question.
  Kept keep(dns::BytesView packet, dns::Writer& shown);
  // Gives the kept packet away; empty where there is none.
  dns::Bytes take(uint16_t id);

 private:
  std::unordered_map<uint16_t, dns::Bytes> answers_;
};

}  // namespace dnslet::io
