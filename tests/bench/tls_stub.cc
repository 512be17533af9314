// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// The nameserver behind servers that ask over TLS: tls_stub CERTIFICATE KEY, with the answers of
// stub_answer.h, a thread for each connection.

#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <thread>

#include "datagrams.h"
#include "stub_answer.h"

namespace {

void serve(SSL_CTX* context, int fd) {
  const int on = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  SSL* const ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  std::vector<uint8_t> incoming;
  std::array<uint8_t, 16384> buffer;
  unsigned long answered = 0;
  while (SSL_accept(ssl) == 1) {
    const int size = SSL_read(ssl, buffer.data(), buffer.size());
    if (size <= 0) break;
    incoming.insert(incoming.end(), buffer.begin(), buffer.begin() + size);
    std::vector<uint8_t> outgoing;
    if (!bench::answer_frames(incoming, outgoing, answered)) break;
    if (!outgoing.empty() &&
        SSL_write(ssl, outgoing.data(), static_cast<int>(outgoing.size())) <= 0)
      break;
  }
  SSL_free(ssl);
  close(fd);
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  if (SSL_CTX_use_certificate_chain_file(context, words[1]) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, words[2], SSL_FILETYPE_PEM) != 1)
    bench::fail("cannot read certificate and key");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (listener < 0 || bind(listener, any, size) != 0 || listen(listener, 128) != 0 ||
      getsockname(listener, any, &size) != 0)
    bench::fail("cannot listen");
  std::printf("port %u\n", ntohs(address.sin_port));
  std::fflush(stdout);
  while (true) {
    const int fd = accept(listener, nullptr, nullptr);
    if (fd >= 0) std::thread(serve, context, fd).detach();
  }
}
