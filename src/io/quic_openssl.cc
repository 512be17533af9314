// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

#include "io/quic.h"

namespace dnslet::io {

bool has_quic() { return true; }

}  // namespace dnslet::io
