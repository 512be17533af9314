// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What nothing works without, tried once at the start. A sandbox may refuse any system call, and
// later there is nobody left to tell.

#include "base/result.h"

namespace dnslet::io {

// Draws random numbers and makes an event loop with one handle of each kind. Fails with a sentence
// that names the remedy: "cannot draw random numbers (getrandom): operation not permitted; …".
Status try_system();

}  // namespace dnslet::io
