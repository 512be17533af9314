// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

#include "dns/reply.h"

namespace dnslet::dns {

inline Bytes without_opt(const Message& message) {
  Bytes copy;
  copy_without_opt(message, copy);
  return copy;
}

}  // namespace dnslet::dns
