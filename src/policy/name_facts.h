// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What rules look at in a name, each found out when the first of them asks for it.

#include <optional>

#include "policy/block_lists.h"
#include "policy/name_patterns.h"
#include "policy/name_set.h"

namespace dnslet::policy {

class NameFacts {
 public:
  // The name must outlive this.
  explicit NameFacts(dns::NameView name) : name_(name) {}

  dns::NameView name() const { return name_; }
  std::string_view text() {
    if (!text_) text_.emplace(name_);
    return text_->view();
  }
  // `lists`: the same each time.
  const NameHashes& hashes(const BlockLists& lists) {
    if (!hashes_) hashes_.emplace(lists.hashes_of(name_));
    return *hashes_;
  }
  // The address that it is the reverse name of; nullopt: of none.
  const std::optional<IpAddress>& reversed() {
    if (!is_reversed_) reversed_ = dns::address_of_reverse(name_);
    is_reversed_ = true;
    return reversed_;
  }

 private:
  dns::NameView name_;
  std::optional<NameText> text_;
  std::optional<NameHashes> hashes_;
  std::optional<IpAddress> reversed_;
  bool is_reversed_ = false;
};

}  // namespace dnslet::policy
