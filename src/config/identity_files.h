// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The certificate of --tls-cert and its key, read at the start and again at each reload. A pair
// that does not fit leaves the one before in force.

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/options.h"
#include "io/log.h"
#include "io/tls_server.h"

namespace dnslet::config {

class IdentityFiles {
 public:
  using Identity = std::shared_ptr<const io::TlsIdentity>;

  // Both must outlive it.
  IdentityFiles(const Options& options, io::Log& log) : options_(options), log_(log) {}

  // Reads them, where a listener needs them. Fails with a sentence.
  Status load();
  // Reads them again, where they are there.
  void reload();
  // Those that were read and can't be any more: a sentence each.
  std::vector<std::string> unreadable() const;
  // Null: none is needed.
  const Identity& identity() const { return identity_; }

 private:
  const Options& options_;
  io::Log& log_;
  Identity identity_;
};

}  // namespace dnslet::config
