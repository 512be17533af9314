// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/http_fields.h"

#include <charconv>

namespace dnslet::io {
namespace {

// A larger one counts as the largest (RFC 9111 section 1.2.2).
std::optional<uint32_t> number_of(std::string_view text) {
  uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, number);
  if (text.empty() || stop != end) return std::nullopt;
  return status == std::errc::result_out_of_range ? UINT32_MAX : number;
}

}  // namespace

void note_field(HttpResponse& response, std::string_view name, std::string_view value) {
  if (name == ":status") {
    response = HttpResponse();
    response.status = number_of(value).value_or(0);
  } else if (name == "retry-after") {
    if (const auto number = number_of(value)) response.retry_after = std::chrono::seconds(*number);
  } else if (name == "age") {
    response.age = std::chrono::seconds(number_of(value).value_or(0));
  }
}

}  // namespace dnslet::io
