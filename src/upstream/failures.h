// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Whose fault it is that something could not be sent.

#include <cerrno>

#include "upstream/transport.h"

namespace dnslet::upstream {

// `error`: an errno. ECONNABORTED: what was reached has refused to go on.
constexpr Outcome outcome_of(int error) {
  const bool is_ours =
      error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM || error == EAGAIN;
  if (error == ECONNABORTED) return Outcome::Failed;
  return is_ours ? Outcome::NoResources : Outcome::Unreachable;
}

}  // namespace dnslet::upstream
