// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/shared_key.h"

#include <array>
#include <charconv>
#include <string_view>

#include "dns/hash.h"

namespace dnslet::policy {
namespace {

void append(std::string_view text, dns::Bytes& out) {
  out.insert(out.end(), text.begin(), text.end());
}

void append(uint64_t number, int base, dns::Bytes& out) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
  append({digits.data(), static_cast<std::size_t>(end - digits.data())}, out);
}

void append_name(dns::NameView name, dns::Bytes& out) {
  dns::BytesView rest = name.wire();
  const std::size_t start = out.size();
  while (rest.front() != 0) {  // ends: takes a label each turn, and the last one is empty
    const std::size_t size = rest.front();
    if (out.size() > start) out.push_back('.');
    out.insert(out.end(), rest.begin() + 1, rest.begin() + 1 + static_cast<std::ptrdiff_t>(size));
    rest = rest.subspan(1 + size);
  }
  if (out.size() == start) out.push_back('.');
}

}  // namespace

uint64_t mark_of(const std::vector<dnslet::ServerAddress>& servers) {
  uint64_t mark = 0;
  for (const dnslet::ServerAddress& server : servers) mark = dns::hash(server.to_text(), mark);
  return mark == 0 ? 1 : mark;
}

void append_shared_key(const UpstreamQuestion& question, uint64_t mark, dns::Bytes& out) {
  append("dnslet:1:", out);
  append_name(question.question.name, out);
  out.push_back(':');
  append(static_cast<uint64_t>(question.question.type), 10, out);
  out.push_back(':');
  append(static_cast<uint64_t>(question.question.qclass), 10, out);
  out.push_back(':');
  if (question.flags.dnssec_ok) out.push_back('d');
  if (question.flags.checking_disabled) out.push_back('c');
  if (question.route.sent_subnet() != nullptr) out.push_back('s');
  out.push_back(':');
  append(mark, 16, out);
}

}  // namespace dnslet::policy
