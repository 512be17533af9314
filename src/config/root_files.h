// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The root certificates by which servers over TLS are judged: of --tls-ca, SSL_CERT_FILE or the
// system. Read only where a server needs them: they take some megabytes.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/options.h"
#include "io/log.h"
#include "io/tls.h"
#include "policy/rule_set.h"

namespace dnslet::config {

class RootFiles {
 public:
  using Roots = std::shared_ptr<const io::TlsRoots>;

  // Both must outlive it.
  RootFiles(const Options& options, io::Log& log) : options_(options), log_(log) {}

  // From now on a server that others know needs them, too. From any thread.
  void set_needed() { are_needed_by_others_ = true; }
  // Reads them, if one of the options' servers or of these rules' needs them and they are not there
  // yet. Fails with a sentence; then there are none. `rules`: may be null.
  Status load(const policy::RuleSet* rules);
  // Reads them again, where they are there, or as load() does. What can't be read leaves those that
  // are there, with a warning.
  void reload(const policy::RuleSet* rules);
  // Those that were read and can't be any more: a sentence, or none.
  std::vector<std::string> unreadable() const;
  // Null: none were needed.
  const Roots& roots() const { return roots_; }

 private:
  bool are_needed(const policy::RuleSet* rules) const;
  Status read();

  const Options& options_;
  io::Log& log_;
  std::atomic<bool> are_needed_by_others_{false};
  Roots roots_;
};

}  // namespace dnslet::config
