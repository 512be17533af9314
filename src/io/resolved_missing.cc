// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// What io/resolved is in a program without libsystemd: options that need it have been refused.

#include "io/resolved.h"

namespace dnslet::io {

class Resolved::Client {};

bool has_resolved() { return false; }

Resolved::Resolved(Loop&, Log&, OnLinks) {}  // NOLINT(performance-unnecessary-value-param)

Resolved::~Resolved() = default;

Status Resolved::start() { return Error{"this program has no libsystemd"}; }

Result<ResolvedLinks> Resolved::wait() { return ResolvedLinks(); }

}  // namespace dnslet::io
