// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/framing.h"

namespace dnslet::io {

std::optional<std::size_t> LengthFraming::take(dns::BytesView bytes, User& user) {
  std::size_t taken = 0;
  while (!user.is_full()) {  // ends: every turn takes at least the two bytes of the length
    dns::Reader reader(bytes.subspan(taken));
    const dns::BytesView packet = reader.bytes(reader.u16());
    if (!reader.ok()) break;
    taken += reader.offset();
    user.on_question(0, packet);
  }
  return taken;
}

void LengthFraming::add_answer(uint64_t, dns::BytesView answer, dns::Bytes& out) {
  out.push_back(static_cast<uint8_t>(answer.size() >> 8));
  out.push_back(static_cast<uint8_t>(answer.size() & 0xff));
  out.insert(out.end(), answer.begin(), answer.end());
}

}  // namespace dnslet::io
