// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What is wanted of the header of an answer of HTTP, whatever version carried it.

#include <string_view>

#include "io/request_client.h"

namespace dnslet::io {

// A status begins anew: an answer that is still to come (1xx) is followed by the one that counts.
void note_field(HttpResponse& response, std::string_view name, std::string_view value);

}  // namespace dnslet::io
