/* SPDX-License-Identifier: MIT
 * Copyright the dnslet authors
 *
 * forge SOCKET KIND COUNT FIRST LAST PACKET PORT sends COUNT copies of a DNS packet, written as hex,
 * from the socket with this number to 127.0.0.1:PORT and prints how many the kernel has taken. What
 * differs from one to the next, at random, is
 *   ids    the ID: any from FIRST to LAST but the packet's own
 *   ports  the port: any from FIRST to LAST but PORT
 *   none   nothing
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { kBatch = 64, kMaxPacket = 512 };

static uint8_t packets[kBatch][kMaxPacket];
static struct sockaddr_in targets[kBatch];
static struct iovec parts[kBatch];
static struct mmsghdr headers[kBatch];

/* xorshift32 (Marsaglia): the same forgeries in every run */
static uint32_t random_number(void) {
  static uint32_t state = 2463534242;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

static uint16_t other_than(uint16_t number, uint32_t first, uint32_t last) {
  uint16_t drawn;
  do drawn = (uint16_t)(first + random_number() % (last - first + 1));
  while (drawn == number);
  return drawn;
}

static size_t read_hex(const char *text, uint8_t *bytes) {
  size_t size = 0;
  unsigned value;
  for (; size < kMaxPacket && sscanf(text + 2 * size, "%2x", &value) == 1; ++size)
    bytes[size] = (uint8_t)value;
  return size;
}

int main(int argc, char *argv[]) {
  if (argc != 8) return 2;
  const int fd = atoi(argv[1]);
  const char *const kind = argv[2];
  const long count = atol(argv[3]);
  const uint32_t first = (uint32_t)atol(argv[4]);
  const uint32_t last = (uint32_t)atol(argv[5]);
  const uint16_t port = (uint16_t)atoi(argv[7]);
  const size_t size = read_hex(argv[6], packets[0]);
  if (size < 2) return 2;
  const uint16_t id = (uint16_t)(packets[0][0] << 8 | packets[0][1]);

  for (int i = 0; i < kBatch; ++i) {
    memcpy(packets[i], packets[0], size);
    targets[i].sin_family = AF_INET;
    targets[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    targets[i].sin_port = htons(port);
    parts[i] = (struct iovec){packets[i], size};
    headers[i].msg_hdr.msg_name = &targets[i];
    headers[i].msg_hdr.msg_namelen = sizeof targets[i];
    headers[i].msg_hdr.msg_iov = &parts[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }

  long taken = 0;
  for (long sent = 0; sent < count;) {
    const int batch = count - sent < kBatch ? (int)(count - sent) : kBatch;
    for (int i = 0; i < batch; ++i) {
      const uint16_t forged = strcmp(kind, "ids") == 0 ? other_than(id, first, last) : id;
      packets[i][0] = (uint8_t)(forged >> 8);
      packets[i][1] = (uint8_t)forged;
      if (strcmp(kind, "ports") == 0) targets[i].sin_port = htons(other_than(port, first, last));
    }
    for (int done = 0; done < batch;) {
      const int now = sendmmsg(fd, headers + done, (unsigned)(batch - done), MSG_NOSIGNAL);
      taken += now > 0 ? now : 0;
      done += now > 0 ? now : 1;
    }
    sent += batch;
  }
  printf("%ld\n", taken);
  return 0;
}
