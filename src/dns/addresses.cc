// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/addresses.h"

#include <algorithm>

#include "dns/svcb.h"

namespace dnslet::dns {
namespace {

IpAddress address_of(Family family, BytesView bytes) {
  IpAddress address;
  address.family = family;
  std::ranges::copy(bytes, address.bytes.begin());
  return address;
}

}  // namespace

std::optional<IpAddress> address_in(const Message& message, const Record& record) {
  const BytesView rdata = message.rdata(record);
  const Family family = family_of(record.type);
  if (!is_address_type(record.type) || rdata.size() != IpAddress{family}.size())
    return std::nullopt;
  return address_of(family, rdata);
}

bool any_address(const Message& message, const std::function<bool(const IpAddress&)>& fits) {
  bool is_found = false;
  message.walk_records([&](const Record& record) {
    if (record.section == Section::Authority) return true;
    const auto address = address_in(message, record);
    is_found = address && fits(*address);
    if (has_params(record.type))
      is_found = std::ranges::any_of(hints_of(message.rdata(record)), fits);
    return !is_found;
  });
  return is_found;
}

}  // namespace dnslet::dns
