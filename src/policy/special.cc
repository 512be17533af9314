// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/special.h"

#include <algorithm>

namespace dnslet::policy {
namespace {

bool is_label(dns::BytesView label, std::string_view text) {
  return std::ranges::equal(label, text,
                            [](uint8_t byte, char c) { return byte == static_cast<uint8_t>(c); });
}

dns::BytesView last_label(dns::NameView name) {
  const dns::BytesView wire = name.wire();
  std::size_t last = 0;
  for (std::size_t at = 0; wire[at] != 0; at += std::size_t{1} + wire[at]) last = at;
  return wire.subspan(last + (name.is_root() ? 0 : 1), wire[last]);
}

}  // namespace

Special special_kind(dns::NameView name) {
  const dns::BytesView top = last_label(name);
  if (is_label(top, "localhost")) return Special::Localhost;
  if (is_label(top, "invalid") || is_label(top, "onion")) return Special::NoSuchDomain;
  if (!is_label(top, "arpa")) return Special::None;
  const auto address = dns::address_of_reverse(name);
  const bool is_loopback = address && *address == IpAddress::loopback(address->family);
  return is_loopback ? Special::LoopbackName : Special::None;
}

std::optional<std::string_view> chaos_text(const dns::QuestionView& question,
                                           std::string_view version) {
  if (question.qclass != dns::Class::CH || question.type != dns::Type::TXT) return std::nullopt;
  const std::string name = question.name.to_text();
  if (name == "version.bind" || name == "version.server") return version;
  if (name == "hostname.bind" || name == "id.server") return "localhost";
  return std::nullopt;
}

}  // namespace dnslet::policy
