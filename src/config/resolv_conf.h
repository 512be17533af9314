// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// resolv.conf(5): text → nameservers and the options that matter to a server. Pure; lines that are
// not understood are skipped, as glibc does. What --default-resolver writes is in resolv_conf_edit.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"

namespace dnslet::config {

constexpr std::size_t kMaxResolvConf = 1 << 20;  // bytes; a longer file is not read

struct ResolvConf {
  std::vector<Endpoint> nameservers;  // port 53; a scope as written (RFC 4007 section 11)
  std::vector<std::string> unusable;  // what other nameserver lines have for an address
  bool use_vc = false;                // `options use-vc`: TCP only
  std::vector<std::string> search;    // of the last `search` or `domain` line, as written
  std::optional<unsigned> ndots;      // `options ndots:N`, at most 15 as in glibc
};

// What the file says, read as if restored: an entry of ours, or an edit that was stopped, is undone
// first.
ResolvConf parse_resolv_conf(std::string_view text);

// Whether asking `named` would be asking ourselves: it is one of `listen`, or its port belongs to
// a wildcard listener of its family and its address is this host's own (`local`) or loopback. Not
// 127.0.0.11 on a wildcard: what a container sends there goes to the engine's nameserver, whoever
// listens (Docker manual, "Networking", DNS services).
bool is_own(const Endpoint& named, std::span<const Endpoint> listen,
            std::span<const IpAddress> local);

// What nameserver lines need to say for clients to find us: the address of the first listener on
// port 53, the loopback of its family for a wildcard one. Where that is loopback, the address of a
// later listener on port 53 that is neither loopback nor a wildcard comes second: a container
// engine takes loopback nameservers out of what it gives to containers. Empty: none has that port,
// and resolv.conf can name no other.
std::vector<std::string> entry_for(std::span<const Endpoint> listen);

}  // namespace dnslet::config
