// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// What io/quic is in a build without OpenSSL 3.5: what needs it has been refused.

#include "io/quic.h"

namespace dnslet::io {

bool has_quic() { return false; }

}  // namespace dnslet::io
