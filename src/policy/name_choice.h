// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Which names a question of an operator is about.

#include <optional>

#include "dns/name.h"

namespace dnslet::policy {

struct NameChoice {
  std::optional<dns::Name> name;  // nullopt: all
  bool has_below = false;         // with all names below it

  bool has(dns::NameView other) const {
    if (!name) return true;
    return has_below ? other.is_within(*name) : other == *name;
  }
};

}  // namespace dnslet::policy
