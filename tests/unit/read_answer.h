// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

#include <optional>

#include "policy/lookup.h"

namespace dnslet::policy {

// Into an answer of its own; nullopt: it is of no use.
inline std::optional<UpstreamAnswer> read_answer(dns::BytesView packet,
                                                 const UpstreamQuestion& question) {
  std::optional<UpstreamAnswer> read(std::in_place);
  if (!read_answer(packet, question, *read)) read.reset();
  return read;
}

}  // namespace dnslet::policy
