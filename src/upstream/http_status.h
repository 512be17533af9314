// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What an answer's status says of a DNS server over HTTPS (RFC 8484 section 4.2.1).

#include <chrono>
#include <optional>
#include <string>

namespace dnslet::upstream {

enum class HttpVerdict {
  Answer,    // its body is to be looked at
  Declined,  // this question is not answered; others may be
  Failed,
};

HttpVerdict verdict_of(unsigned status);

// How long the server is to be left alone, as it says with this status. 0: it does not say.
std::chrono::seconds pause_of(unsigned status, std::optional<std::chrono::seconds> retry_after);

// In words, for a log line: "HTTP status 302, a redirect, which is not followed".
std::string status_text(unsigned status);

}  // namespace dnslet::upstream
