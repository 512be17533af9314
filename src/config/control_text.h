// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What an operator asks a running dnslet over the socket of --control: one line, a command and
// perhaps a name. Written by the flags of the same name, or by hand.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "policy/name_choice.h"

namespace dnslet::config {

enum class Command : uint8_t { DumpCache, Flush, Lists };

struct ControlRequest {
  Command command = Command::Lists;
  policy::NameChoice names;  // of the first two
};

// "dump-cache", "flush a.test", "lists". Any bytes may come; an error is a sentence.
Result<ControlRequest> parse_control_request(std::string_view line);
std::string to_text(const ControlRequest& request);

// "a.test", or "*.a.test" for it and all names below. An empty text: all names.
Result<policy::NameChoice> parse_name_choice(std::string_view text);
Result<std::string> parse_control_path(std::string_view text);

}  // namespace dnslet::config
