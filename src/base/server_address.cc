// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "base/server_address.h"

namespace dnslet {

std::string ServerAddress::name_to_verify() const {
  if (!verified.empty()) return verified;
  return endpoint ? endpoint->address.to_text() : host;
}

std::string ServerAddress::to_text() const {
  const char* const schemes[] = {"", "tcp://", "tls://"};
  std::string text = schemes[static_cast<std::size_t>(way)];
  text += endpoint ? endpoint->to_text() : host + ':' + std::to_string(port);
  return verified.empty() ? text : text + '#' + verified;
}

}  // namespace dnslet
