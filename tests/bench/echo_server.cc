// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// The limit that the kernel sets to a DNS server on UDP: echo_server [PORT]. Sends each question
// back with the QR bit set and one answer record behind it, and looks at nothing.

#include <algorithm>

#include "datagrams.h"

int main(int count, char** words) {
  const int fd = bench::listening_socket(count > 1 ? bench::number_from_text(words[1]) : 0);
  static bench::Batch batch;
  while (true) {
    const std::size_t received = batch.receive(fd, MSG_WAITFORONE);
    for (std::size_t i = 0; i < received; ++i) {
      const std::size_t size = std::min(batch.received_size(i), bench::kMaxPacket - 16);
      batch.packet(i)[2] |= 0x80;
      batch.packet(i)[7] = 1;
      std::ranges::copy(bench::kAnswerRecord, batch.packet(i) + size);
      batch.set_size(i, size + bench::kAnswerRecord.size());
    }
    batch.send_back(fd, received);
  }
}
