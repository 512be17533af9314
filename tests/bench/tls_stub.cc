// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// The nameserver behind servers that ask over TLS: tls_stub CERTIFICATE KEY, with the answers of
// stub_answer.h, a thread for each connection.

#include "stub_answer.h"
#include "tls_listener.h"

namespace {

void serve(SSL* ssl) {
  std::vector<uint8_t> incoming;
  std::array<uint8_t, 16384> buffer;
  unsigned long answered = 0;
  while (true) {
    const int size = SSL_read(ssl, buffer.data(), buffer.size());
    if (size <= 0) return;
    incoming.insert(incoming.end(), buffer.begin(), buffer.begin() + size);
    std::vector<uint8_t> outgoing;
    if (!bench::answer_frames(incoming, outgoing, answered)) return;
    if (!outgoing.empty() &&
        SSL_write(ssl, outgoing.data(), static_cast<int>(outgoing.size())) <= 0)
      return;
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  bench::listen_and_serve(SSL_CTX_new(TLS_server_method()), words, serve);
}
