// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/http_request.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace dnslet::io {
namespace {

// RFC 9110 section 5.6.2.
bool is_token_character(char c) {
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const bool is_digit = c >= '0' && c <= '9';
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return is_letter || is_digit || kOthers.find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_character);
}

bool is_printable(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

// The next line without its end, which is taken off `text`. nullopt: there is none.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// The word in front of the next blank; both are taken off `line`.
std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

// A request's target (RFC 9112 section 3.2).
struct Target {
  std::string_view path;  // and query; empty: it has none
  std::string_view host;  // empty: the header tells
};

Target read_target(std::string_view target) {
  std::string_view host;
  for (const std::string_view scheme : {"http://", "https://"}) {
    // Section 3.2.2: every server has to take this form.
    if (lower_case(target.substr(0, scheme.size())) != scheme) continue;
    target.remove_prefix(scheme.size());
    host = target.substr(0, target.find_first_of("/?"));
    target.remove_prefix(host.size());
    break;
  }
  return {target.starts_with('/') ? target : std::string_view(), host};
}

std::string_view without_blanks(std::string_view text) {
  const std::size_t start = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(start);
  return text.substr(0, text.find_last_not_of(" \t") + 1);  // none: npos + 1
}

// How often a header was there that may be there once.
struct Seen {
  std::size_t hosts = 0;
  std::size_t sizes = 0;
};

// False: the value is none that the header may have.
bool read_header(std::string_view name, std::string_view value, HttpRequest& request, Seen& seen) {
  const std::string folded = lower_case(name);
  if (folded == "host") {
    request.host = value;
    return ++seen.hosts == 1;
  }
  if (folded == "content-type") request.type = value;
  if (folded == "connection" && lower_case(value).find("close") != std::string::npos)
    request.is_last = true;
  if (folded == "expect" && lower_case(value) == "100-continue") request.waits = true;
  if (folded == "transfer-encoding") request.has_codings = true;
  if (folded != "content-length") return true;
  const char* const end = value.data() + value.size();
  const auto [stop, status] = std::from_chars(value.data(), end, request.body_size);
  return ++seen.sizes == 1 && stop == end && status == std::errc();
}

// The lines behind the first, up to the empty one: all well-formed, one of them Host.
bool read_headers(std::string_view text, bool needs_host, HttpRequest& request) {
  Seen seen;
  while (const auto line = take_line(text)) {  // ends: every turn takes a line
    if (line->empty()) return text.empty() && (seen.hosts == 1 || !needs_host);
    const std::size_t colon = line->find(':');
    if (colon == std::string_view::npos || !is_token(line->substr(0, colon))) return false;
    const bool is_clean = std::ranges::all_of(line->substr(colon), [](char c) {
      return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 127);
    });
    const std::string_view value = without_blanks(line->substr(colon + 1));
    if (!is_clean || !read_header(line->substr(0, colon), value, request, seen)) return false;
  }
  return false;
}

}  // namespace

void set_target(HttpRequest& request, std::string_view target) {
  const std::size_t mark = std::min(target.find('?'), target.size());
  request.path = target.substr(0, mark);
  request.query = target.substr(std::min(mark + 1, target.size()));
}

std::optional<std::size_t> size_of_head(std::string_view bytes, std::size_t seen) {
  constexpr std::size_t kLongestEnd = 4;  // "\r\n\r\n", of which three bytes may have been seen
  const std::size_t from = std::max(seen, kLongestEnd) - kLongestEnd;
  std::size_t at = bytes.find('\n', from);
  while (at != std::string_view::npos) {  // ends: `at` grows
    const std::string_view rest = bytes.substr(at + 1);
    if (rest.starts_with('\n')) return at + 2;
    if (rest.starts_with("\r\n")) return at + 3;
    at = bytes.find('\n', at + 1);
  }
  return std::nullopt;
}

std::optional<HttpRequest> parse_http_head(std::string_view head) {
  auto line = take_line(head);
  if (!line) return std::nullopt;

  const std::string_view method = take_word(*line);
  const std::string_view target = take_word(*line);
  const bool is_current = *line == "HTTP/1.1";
  if (!is_current && *line != "HTTP/1.0") return std::nullopt;
  if (!is_token(method) || !is_printable(target)) return std::nullopt;
  HttpRequest request;
  request.is_last = !is_current;
  if (!read_headers(head, is_current, request)) return std::nullopt;  // 3.2: 1.1 needs Host
  if (!is_current) request.waits = false;                             // RFC 9110 section 10.1.1

  const Target read = read_target(target);
  if (read.path.empty()) return std::nullopt;
  request.method = method;
  set_target(request, read.path);
  if (!read.host.empty()) request.host = read.host;  // 3.2.2: it takes the place of the header
  return request;
}

std::optional<unsigned> parse_http_status(std::string_view bytes) {
  constexpr std::size_t kVersion = 9;  // "HTTP/1.1 "
  constexpr std::size_t kStatus = 3;
  const bool is_http = bytes.starts_with("HTTP/1.1 ") || bytes.starts_with("HTTP/1.0 ");
  if (!is_http || bytes.size() < kVersion + kStatus) return std::nullopt;
  unsigned status = 0;
  for (const char c : bytes.substr(kVersion, kStatus)) {
    if (c < '0' || c > '9') return std::nullopt;
    status = status * 10 + static_cast<unsigned>(c - '0');
  }
  return status;
}

}  // namespace dnslet::io
