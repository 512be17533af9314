// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The parameters of SVCB and HTTPS records, from their text (RFC 9460 section 2.1) to the wire
// form.

#include <string_view>
#include <vector>

#include "base/result.h"
#include "dns/wire.h"

namespace dnslet::dns {

// Words of the form key or key=value, in any order. Fails, in a sentence about the word, where a
// key is unknown or stands there twice, a value is not what its key wants, or a key that is
// mandatory is missing (RFC 9460 section 8).
Result<Bytes> svc_params_from_text(const std::vector<std::string_view>& words);

}  // namespace dnslet::dns
