// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// What the nameservers behind the servers under test answer. Every A question gets one address for
// 3600 seconds, any other type an empty answer. Names that begin with x do not exist, those that
// begin with t get no answer.
#pragma once

#include <algorithm>
#include <vector>

#include "datagrams.h"

namespace bench {

// Owner (a pointer to the question), SOA, IN, 3600 seconds, 22 bytes: root, root, five numbers; the
// last one is MINIMUM, 3600.
constexpr std::array<uint8_t, 34> kAuthorityRecord = {0xc0, 12, 0, 6, 0, 1, 0, 0, 0x0e, 16, 0, 22,
                                                      0,    0,  0, 0, 0, 1, 0, 0, 0,    1,  0, 0,
                                                      0,    1,  0, 0, 0, 1, 0, 0, 0x0e, 16};

// Where the question section of one question ends; 0: it does not.
inline std::size_t question_end(const uint8_t* packet, std::size_t size) {
  std::size_t at = kHeaderSize;
  while (at < size && packet[at] != 0) at += packet[at] + 1U;
  at += 5;
  return at <= size ? at : 0;
}

// Turns the question into its answer and returns the answer's size; 0: there is none. Its OPT, if
// any, is left out.
inline std::size_t answer(uint8_t* packet, std::size_t size) {
  const std::size_t end = question_end(packet, size);
  if (end == 0 || end + kAuthorityRecord.size() > kMaxPacket) return 0;
  const uint8_t letter = packet[kHeaderSize + 1];
  if (letter == 't') return 0;
  const bool is_address = packet[end - 4] == 0 && packet[end - 3] == 1;
  packet[2] = static_cast<uint8_t>(0x80 | (packet[2] & 0x01));
  packet[3] = 0x80;
  std::fill_n(packet + 6, 6, uint8_t{0});
  if (letter == 'x') {
    packet[3] |= 3;  // NXDOMAIN
    packet[9] = 1;
    std::ranges::copy(kAuthorityRecord, packet + end);
    return end + kAuthorityRecord.size();
  }
  if (!is_address) return end;
  packet[7] = 1;
  std::ranges::copy(kAnswerRecord, packet + end);
  return end + kAnswerRecord.size();
}

// Takes the whole messages of a stream out of `incoming` and appends their answers. False: that is
// no stream of questions.
inline bool answer_frames(std::vector<uint8_t>& incoming, std::vector<uint8_t>& outgoing,
                          unsigned long& answered) {
  std::size_t taken = 0;
  while (incoming.size() - taken >= 2) {
    const std::size_t length = incoming[taken] * 256U + incoming[taken + 1];
    if (length > kMaxPacket) return false;
    if (incoming.size() - taken < 2 + length) break;
    std::array<uint8_t, kMaxPacket> packet;
    std::copy_n(incoming.data() + taken + 2, length, packet.begin());
    taken += 2 + length;
    ++answered;
    const std::size_t size = answer(packet.data(), length);
    if (size == 0) continue;
    outgoing.push_back(static_cast<uint8_t>(size >> 8));
    outgoing.push_back(static_cast<uint8_t>(size & 0xff));
    outgoing.insert(outgoing.end(), packet.begin(),
                    packet.begin() + static_cast<std::ptrdiff_t>(size));
  }
  incoming.erase(incoming.begin(), incoming.begin() + static_cast<std::ptrdiff_t>(taken));
  return true;
}

}  // namespace bench
