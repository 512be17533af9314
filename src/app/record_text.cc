// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/record_text.h"

#include <algorithm>

#include "base/address.h"

namespace dnslet::app {
namespace {

std::string address_text(dns::BytesView rdata) {
  IpAddress address;
  address.family = rdata.size() == 4 ? Family::V4 : Family::V6;
  std::ranges::copy(rdata, address.bytes.begin());
  return address.to_text();
}

}  // namespace

std::optional<std::string> rdata_text(const dns::Message& message, const dns::Record& record) {
  const dns::BytesView rdata = message.rdata(record);
  switch (record.type) {
    case dns::Type::A:
    case dns::Type::AAAA:
      if (rdata.size() != (record.type == dns::Type::A ? 4 : 16)) return std::nullopt;
      return address_text(rdata);
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

}  // namespace dnslet::app
