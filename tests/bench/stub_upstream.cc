// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// The nameserver behind the servers under test: stub_upstream [PORT]. Every A question gets one
// address for 3600 seconds, any other type an empty answer. On SIGTERM it prints how many questions
// it has answered: that tells what a cache has kept.

#include <algorithm>
#include <csignal>

#include "datagrams.h"

namespace {

volatile std::sig_atomic_t is_over = 0;

// Where the question section of one question ends; 0: it does not.
std::size_t question_end(const uint8_t* packet, std::size_t size) {
  std::size_t at = bench::kHeaderSize;
  while (at < size && packet[at] != 0) at += packet[at] + 1U;
  at += 5;
  return at <= size ? at : 0;
}

// Turns the question into its answer and returns the answer's size. Its OPT, if any, is left out.
std::size_t answer(uint8_t* packet, std::size_t size) {
  const std::size_t end = question_end(packet, size);
  if (end == 0 || end + bench::kAnswerRecord.size() > bench::kMaxPacket) return 0;
  const bool is_address = packet[end - 4] == 0 && packet[end - 3] == 1;
  packet[2] = static_cast<uint8_t>(0x80 | (packet[2] & 0x01));
  packet[3] = 0x80;
  std::fill_n(packet + 6, 6, uint8_t{0});
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
