// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/version.h"

namespace dnslet {

const char* version() { return VERSION; }

}  // namespace dnslet
