// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Any bytes as an HTTP client's: the end of a head is found in the same place however the bytes are
// divided, and a request that is read has a method and a path that can be written into a line.

#include <algorithm>
#include <cassert>
#include <string>

#include "input.h"
#include "io/http_request.h"

namespace {

using namespace dnslet;

bool is_word(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::size_t first = input.word();
  const std::string text = fuzz::text_of(input.rest());

  const auto end = io::size_of_head(text, 0);
  const std::size_t seen = std::min(first, text.size());
  if (!io::size_of_head(text.substr(0, seen), 0)) assert(io::size_of_head(text, seen) == end);
  if (end) assert(*end <= text.size() && text[*end - 1] == '\n');

  (void)io::parse_http_status(text);
  const auto request = io::parse_http_head(text.substr(0, end.value_or(text.size())));
  if (!request) return 0;
  assert(end && is_word(request->method) && is_word(request->path));
  assert(request->path.front() == '/' && request->path.find('?') == std::string::npos);

  const std::string again = request->method + ' ' + request->path + " HTTP/1.1\r\nHost: a\r\n\r\n";
  const auto same = io::parse_http_head(again);
  assert(same && same->method == request->method && same->path == request->path);
  return 0;
}
