// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "base/version.h"

namespace dnslet {

const char* version() { return VERSION; }

}  // namespace dnslet
