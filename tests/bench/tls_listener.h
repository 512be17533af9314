// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// A listener on all addresses, for tests/bench/far.py, that hands each connection, before its
// handshake, to a thread of its own.
#pragma once

#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <thread>

#include "datagrams.h"

namespace bench {

using Serve = void (*)(SSL* ssl);

inline void serve_one(SSL_CTX* context, int fd, Serve serve) {
  const int on = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  SSL* const ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  if (SSL_accept(ssl) == 1) serve(ssl);
  SSL_free(ssl);
  close(fd);
}

// Never returns. Prints its port.
[[noreturn]] inline void listen_and_serve(SSL_CTX* context, char** words, Serve serve) {
  if (SSL_CTX_use_certificate_chain_file(context, words[1]) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, words[2], SSL_FILETYPE_PEM) != 1)
    fail("cannot read certificate and key");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (listener < 0 || bind(listener, any, size) != 0 || listen(listener, 128) != 0 ||
      getsockname(listener, any, &size) != 0)
    fail("cannot listen");
  std::printf("port %u\n", ntohs(address.sin_port));
  std::fflush(stdout);
  while (true) {
    const int fd = accept(listener, nullptr, nullptr);
    if (fd >= 0) std::thread(serve_one, context, fd, serve).detach();
  }
}

}  // namespace bench
