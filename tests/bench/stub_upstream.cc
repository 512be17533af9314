// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// The nameserver behind the servers under test: stub_upstream [PORT]. Every A question gets one
// address for 3600 seconds, any other type an empty answer. Names that begin with x do not exist,
// those that begin with t get no answer. On SIGTERM it prints how many questions have come: that
// tells what a cache has kept.

#include <algorithm>
#include <csignal>

#include "datagrams.h"

namespace {

volatile std::sig_atomic_t is_over = 0;

// Owner (a pointer to the question), SOA, IN, 3600 seconds, 22 bytes: root, root, five numbers; the
// last one is MINIMUM, 3600.
constexpr std::array<uint8_t, 34> kAuthorityRecord = {0xc0, 12, 0, 6, 0, 1, 0, 0, 0x0e, 16, 0, 22,
                                                      0,    0,  0, 0, 0, 1, 0, 0, 0,    1,  0, 0,
                                                      0,    1,  0, 0, 0, 1, 0, 0, 0x0e, 16};

// Where the question section of one question ends; 0: it does not.
std::size_t question_end(const uint8_t* packet, std::size_t size) {
  std::size_t at = bench::kHeaderSize;
  while (at < size && packet[at] != 0) at += packet[at] + 1U;
  at += 5;
  return at <= size ? at : 0;
}

// Turns the question into its answer and returns the answer's size; 0: there is none. Its OPT, if
// any, is left out.
std::size_t answer(uint8_t* packet, std::size_t size) {
  const std::size_t end = question_end(packet, size);
  if (end == 0 || end + kAuthorityRecord.size() > bench::kMaxPacket) return 0;
  const uint8_t letter = packet[bench::kHeaderSize + 1];
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
  std::ranges::copy(bench::kAnswerRecord, packet + end);
  return end + bench::kAnswerRecord.size();
}

}  // namespace

int main(int count, char** words) {
  const int fd = bench::listening_socket(count > 1 ? bench::number_from_text(words[1]) : 0);
  struct sigaction ending {};
  ending.sa_handler = [](int) { is_over = 1; };
  sigaction(SIGTERM, &ending, nullptr);  // without SA_RESTART: it interrupts receive()

  static bench::Batch batch;
  unsigned long answered = 0;
  while (!is_over) {
    const std::size_t received = batch.receive(fd, MSG_WAITFORONE);
    for (std::size_t i = 0; i < received; ++i)
      batch.set_size(i, answer(batch.packet(i), batch.received_size(i)));
    batch.send_back(fd, received);
    answered += received;
  }
  std::printf("answered %lu\n", answered);
}
