// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A record as people write it, on a line of its own (RFC 1035 section 5.1).

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/wire.h"

namespace dnslet::dns {

struct WrittenRecord {
  Name owner;  // of a wildcard without the "*" label
  bool is_wildcard = false;
  Type type = Type::A;
  std::optional<uint32_t> ttl;  // seconds
  Bytes rdata;                  // see rdata_from_text()
};

// "NAME [TTL] [IN] TYPE RDATA", where TTL and IN may change places and NAME may begin with "*.".
// Every name is a whole one: there is no `$ORIGIN`, `$TTL` or `@`. Fails in a sentence that names
// the word that is wrong and what would be right.
Result<WrittenRecord> record_from_text(std::string_view text);

}  // namespace dnslet::dns
