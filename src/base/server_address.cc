// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "base/server_address.h"

namespace dnslet {

std::string ServerAddress::to_text() const {
  const std::string scheme = way == Way::Tcp ? "tcp://" : "";
  return scheme + (endpoint ? endpoint->to_text() : host + ':' + std::to_string(port));
}

}  // namespace dnslet
