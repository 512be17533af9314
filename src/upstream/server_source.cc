// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/server_source.h"

#include "upstream/dhcp_source.h"

namespace dnslet::upstream {

std::unique_ptr<ServerSource> make_source(const std::string& text, io::Loop& loop, io::Log& log) {
  return std::make_unique<DhcpSource>(text.substr(text.find(':') + 1), loop, log);
}

}  // namespace dnslet::upstream
