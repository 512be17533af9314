// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/record_text.h"

#include <algorithm>

namespace dnslet::dns {

std::optional<IpAddress> address_in(const dns::Message& message, const dns::Record& record) {
  const dns::BytesView rdata = message.rdata(record);
  IpAddress address;
  address.family = record.type == dns::Type::A ? Family::V4 : Family::V6;
  if (!dns::is_address_type(record.type) || rdata.size() != address.size()) return std::nullopt;
  std::ranges::copy(rdata, address.bytes.begin());
  return address;
}

std::optional<std::string> rdata_text(const dns::Message& message, const dns::Record& record) {
  if (const auto address = address_in(message, record)) return address->to_text();
  switch (record.type) {
    case dns::Type::CNAME:
    case dns::Type::NS:
    case dns::Type::PTR:
      return message.name_at(record.rdata()).view().to_text();
    default:
      return std::nullopt;
  }
}

std::string generic_rdata_text(const dns::Message& message, const dns::Record& record) {
  if (const auto text = rdata_text(message, record)) return *text;
  constexpr std::string_view kDigits = "0123456789abcdef";
  const dns::BytesView rdata = message.rdata(record);
  std::string text = "\\# " + std::to_string(rdata.size()) + (rdata.empty() ? "" : " ");
  for (const uint8_t byte : rdata) text += {kDigits[byte >> 4], kDigits[byte & 15]};
  return text;
}

}  // namespace dnslet::dns
