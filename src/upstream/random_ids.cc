// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/random_ids.h"

#include <unistd.h>

#include <cassert>

namespace dnslet::upstream {

void RandomIds::draw() {
  static_assert(sizeof ids_ <= 256);  // getentropy() gives no more at once
  const int status = getentropy(ids_.data(), sizeof ids_);
  assert(status == 0);  // fails where the system has none only, which the start has found out
  (void)status;
  used_ = 0;
}

}  // namespace dnslet::upstream
