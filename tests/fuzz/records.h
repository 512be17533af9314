// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What the targets that compare messages have in common: the name asked, the records in a row, and
// whether they mean the same after the edits of dns/patch.h.

#include <cstddef>
#include <vector>

#include "dns/message.h"

namespace dnslet::fuzz {

// The question's name as the client wrote it.
inline dns::Bytes spelled_name(const dns::Query& query) {
  const dns::BytesView folded = query.question.name.view().wire();
  dns::Bytes name(folded.begin(), folded.end());
  query.spelling.apply_to(name);
  return name;
}

inline std::vector<dns::Record> records_of(const dns::Message& message) {
  std::vector<dns::Record> records;
  message.for_each_record([&](const dns::Record& record) { records.push_back(record); });
  return records;
}

// Marks the bytes of an owner name. False: behind a pointer it has one in the question or does not
// end before its own start.
inline bool mark_owner(const dns::Message& message, std::size_t start, std::vector<bool>& marked) {
  const dns::BytesView bytes = message.bytes();
  std::size_t size = 0;
  for (std::size_t at = start; size != 1;) {  // ends: as parse() did
    const bool is_inline = at >= start;
    const bool is_pointer = bytes[at] >= 0xc0;
    size = is_pointer ? 2 : std::size_t{1} + bytes[at];
    if (is_pointer && at < message.question_end()) return false;
    if (!is_inline && at + size > start) return false;
    for (std::size_t i = 0; i < size; ++i) marked[at + i] = true;
    at = is_pointer ? std::size_t{bytes[at]} % 64 * 256 + bytes[at + 1] : at + size;
  }
  return true;
}

// Whether no edit changes an owner name. In a message that somebody made up one may: its
// compression pointers can lead into the header, into a TTL, to labels that run on into later
// records, or through bytes of the question that only look like a pointer. Such a message may come
// out garbled, but not too long.
inline bool is_steady(const dns::Message& message) {
  const std::vector<dns::Record> records = records_of(message);
  std::vector<bool> marked(message.size());
  bool steady = true;
  for (const dns::Record& record : records)
    steady = steady && mark_owner(message, record.start, marked);
  for (const dns::Record& record : records)
    for (std::size_t i = 0; i < 4; ++i) steady = steady && !marked[record.ttl_offset() + i];
  for (std::size_t i = 0; i < dns::kHeaderSize; ++i) steady = steady && !marked[i];
  return steady;
}

}  // namespace dnslet::fuzz
