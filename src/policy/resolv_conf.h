// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// resolv.conf(5): text → nameservers and the options that matter to a server; text with the entry
// of
// --default-resolver taken out. Pure; lines that are not understood are skipped, as glibc does.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"

namespace dnslet::policy {

struct ResolvConf {
  std::vector<Endpoint> nameservers;  // port 53; a scope as written (RFC 4007 section 11)
  bool use_vc = false;                // `options use-vc`: TCP only
  std::vector<std::string> search;    // of the last `search` or `domain` line, as written
  std::optional<unsigned> ndots;      // `options ndots:N`, at most 15 as in glibc
};

// The text as it was before --default-resolver edited it: `nameserver … # added by dnslet` lines
// dropped, `# dnslet: …` lines uncommented. A text without an added line comes back as it is.
std::string without_entry(std::string_view text);

// What the file says, read as if the entry of a crashed run had been taken out.
ResolvConf parse_resolv_conf(std::string_view text);

// Whether asking `named` would be asking ourselves: it is one of `listen`, or its port belongs to
// a wildcard listener of its family and its address is this host's own (`local`) or loopback.
bool is_own(const Endpoint& named, std::span<const Endpoint> listen,
            std::span<const IpAddress> local);

}  // namespace dnslet::policy
