// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Nameservers that were named and are not asked, told once each: dnslet itself, and what is no
// address.

#include <string>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "config/name_sources.h"
#include "io/log.h"

namespace dnslet::app {

class LeftOut {
 public:
  // `resolv_conf`: the path. Both must outlive it.
  LeftOut(const std::string& resolv_conf, io::Log& log) : resolv_conf_(resolv_conf), log_(log) {}

  // Warns of what is new since the last call.
  void warn(const config::Forwarding& forwarding);
  void warn_of_own(const config::Forwarding& forwarding);
  // Warns of a resolv.conf that was named and can't be read.
  void warn_of_unread(const config::Forwarding& forwarding);

  // Warns that the file names none any more.
  void warn_of_none();
  // Why there is none that can be asked, as the front of a sentence.
  std::string no_server(const Result<config::Forwarding>& forwarding) const;

 private:
  void warn_of_unusable(const config::Forwarding& forwarding);

  const std::string& resolv_conf_;
  io::Log& log_;
  std::vector<Endpoint> own_;          // that was warned of
  std::vector<std::string> unusable_;  // likewise
};

}  // namespace dnslet::app
