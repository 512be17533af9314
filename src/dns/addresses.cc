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

// The value of a hint: addresses, one behind the other.
bool any_in(BytesView value, Family family, const std::function<bool(const IpAddress&)>& fits) {
  const std::size_t size = IpAddress{family}.size();
  for (std::size_t at = 0; at + size <= value.size(); at += size)
    if (fits(address_of(family, value.subspan(at, size)))) return true;
  return false;
}

}  // namespace

std::optional<IpAddress> address_in(const Message& message, const Record& record) {
  const BytesView rdata = message.rdata(record);
  const Family family = record.type == Type::A ? Family::V4 : Family::V6;
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
    if (has_params(record.type)) {
      const BytesView rdata = message.rdata(record);
      is_found = any_in(hint_in(rdata, Hint::Ipv4), Family::V4, fits) ||
                 any_in(hint_in(rdata, Hint::Ipv6), Family::V6, fits);
    }
    return !is_found;
  });
  return is_found;
}

}  // namespace dnslet::dns
