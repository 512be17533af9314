// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/http_status.h"

#include <algorithm>

namespace dnslet::upstream {
namespace {

constexpr unsigned kOk = 200;
constexpr unsigned kTooMany = 429;
constexpr unsigned kUnavailable = 503;
constexpr std::chrono::seconds kLongestPause{60};

}  // namespace

HttpVerdict verdict_of(unsigned status) {
  if (status == kOk) return HttpVerdict::Answer;
  return status / 100 == 4 && status != kTooMany ? HttpVerdict::Declined : HttpVerdict::Failed;
}

std::chrono::seconds pause_of(unsigned status, std::optional<std::chrono::seconds> retry_after) {
  if (status != kTooMany && status != kUnavailable) return std::chrono::seconds(0);
  return std::min(retry_after.value_or(std::chrono::seconds(0)), kLongestPause);
}

std::string status_text(unsigned status) {
  std::string text = "HTTP status " + std::to_string(status);
  if (status / 100 == 3) text += ", a redirect, which is not followed";
  if (status == kTooMany) text += ", too many questions";
  if (status == 404 || status == 405) text += "; is its path right?";
  return text;
}

}  // namespace dnslet::upstream
