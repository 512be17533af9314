// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// What io/address_sets is in the variant without them: rules that need them have been refused.

#include "io/address_sets.h"

namespace dnslet::io {

class SetWriter::Netlink {};

SetWriter::SetWriter() = default;

SetWriter::~SetWriter() = default;

Status SetWriter::check(const AddressSet&) { return Error{"is not in this variant"}; }

SetWriter::Outcome SetWriter::put(std::span<const AddressPut>) { return {}; }

}  // namespace dnslet::io
