// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Takes a fuzzer's bytes apart: small numbers that steer a target, and blocks that are its data.
// Every block is a heap block of exactly its size, where AddressSanitizer sees one byte too far.
// Past the end everything is zero or empty. Borrows the bytes.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "dns/wire.h"

namespace dnslet::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : reader_({data, size}) {}

  bool empty() const { return reader_.remaining() == 0 || !reader_.ok(); }
  std::uint8_t byte() { return reader_.u8(); }
  std::uint16_t word() { return reader_.u16(); }
  // At most `size` bytes: fewer at the end.
  dns::Bytes block(std::size_t size) {
    const dns::BytesView bytes = reader_.bytes(std::min(size, reader_.remaining()));
    return {bytes.begin(), bytes.end()};
  }
  dns::Bytes rest() { return block(reader_.remaining()); }

 private:
  dns::Reader reader_;
};

// The bytes as characters.
inline std::string text_of(dns::BytesView bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace dnslet::fuzz
