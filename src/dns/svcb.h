// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The address hints of SVCB and HTTPS records (RFC 9460), which give a client addresses that it has
// not asked for.

#include <optional>
#include <vector>

#include "base/address.h"
#include "dns/answer.h"
#include "dns/message.h"
#include "dns/wire.h"

namespace dnslet::dns {

// RFC 9460 section 7.3.
enum class Hint : uint16_t { Ipv4 = 4, Ipv6 = 6 };

// Whether an answer to a question of this type may have hints that count.
inline bool may_have_hints(Type type) {
  return type == Type::HTTPS || type == Type::SVCB || type == Type::ANY;
}

// Whether records of this type have service parameters.
inline bool has_params(Type type) { return type == Type::HTTPS || type == Type::SVCB; }

// The hints in the RDATA of such a record, of both families. Where it is malformed, those in front
// of that place: some client may take them.
std::vector<IpAddress> hints_of(BytesView rdata);

// The message without these hints in its answer and additional records, and without their mention
// among the mandatory keys. AD goes with them. nullopt: it has none; RDATA that is malformed has
// none and stays as it is. REQUIRES: no OPT.
std::optional<Bytes> without_hints(const Message& message, Hint hint);
// The same of an answer, whose error stays. One that does not parse has none to take out.
std::optional<Answer> without_hints(const Answer& answer, Hint hint);

}  // namespace dnslet::dns
