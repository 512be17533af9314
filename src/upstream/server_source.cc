// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/server_source.h"

namespace dnslet::upstream {

// No kind of source is there yet: the text of none is taken for a server.
std::unique_ptr<ServerSource> make_source(const std::string&, io::Loop&, io::Log&) {
  return nullptr;
}

}  // namespace dnslet::upstream
