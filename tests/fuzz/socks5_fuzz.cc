// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// A proxy that says anything, in whatever pieces: the handshake ends, or waits for more of one
// reply that is not whole; what it sends is what RFC 1928 and 1929 have.

#include <cassert>
#include <variant>

#include "input.h"
#include "io/socks5.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dnslet;
  using io::Socks5Handshake;
  constexpr std::size_t kLongestReply = 4 + 1 + 255 + 2;
  fuzz::Input input(data, size);
  const uint8_t how = input.byte();
  io::Socks5Request request = {.host = "dns.test", .address = std::nullopt, .port = 853};
  if (how & 1) request.user = "user";
  if (how & 2) request.address = IpAddress::v4(192, 0, 2, 1);
  Socks5Handshake handshake(request);
  assert(handshake.greeting().front() == 5);
  dns::Bytes heard;
  int sent = 0;
  while (!input.empty()) {
    const dns::Bytes piece = input.block(1 + input.byte() % 8);
    heard.insert(heard.end(), piece.begin(), piece.end());
    dns::BytesView left = heard;
    while (true) {
      const Socks5Handshake::Step step = handshake.step(left);
      if (const auto* const failed = std::get_if<Socks5Handshake::Failed>(&step)) {
        assert(!failed->reason.empty() && failed->status < 0);
        return 0;
      }
      if (std::holds_alternative<Socks5Handshake::Open>(step)) return 0;
      if (std::holds_alternative<Socks5Handshake::More>(step)) break;
      assert(!std::get<Socks5Handshake::Send>(step).bytes.empty());
      assert(++sent <= 2);
    }
    heard = dns::Bytes(left.begin(), left.end());
    assert(heard.size() <= kLongestReply + 8);
  }
  return 0;
}
