// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// A line from the socket of --control: whatever it holds it is refused in one printable line, or
// says the same when it is written out and read again.

#include <algorithm>
#include <cassert>

#include "config/control_text.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dnslet;
  fuzz::Input input(data, size);
  const std::string line = fuzz::text_of(input.rest());
  const auto request = config::parse_control_request(line);
  if (!request) {
    assert(std::ranges::all_of(request.error().text, [](char c) { return c >= ' ' && c <= '~'; }));
    return 0;
  }
  const std::string text = to_text(*request);
  assert(text.find('\n') == std::string::npos);
  const auto again = config::parse_control_request(text);
  assert(again && again->command == request->command && again->names.name == request->names.name);
  assert(again->names.has_below == request->names.has_below);
  return 0;
}
