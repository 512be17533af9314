// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/identity_files.h"

#include <utility>

#include "io/files.h"

namespace dnslet::config {

// Browsers and phones do without a server whose certificate has ended, and say little about it.
Status IdentityFiles::load() {
  if (options_.encrypted.empty()) return Done{};
  auto identity = io::load_tls_identity(options_.tls_cert, options_.tls_key);
  if (!identity)
    return Error{"--tls-cert, --tls-key (DNSMASQ_TLS_CERT, DNSMASQ_TLS_KEY): " +
                 identity.error().text};
  identity_ = std::move(*identity);
  if (const auto left = io::days_left(io::end_of(*identity_)))
    log_.write(io::Level::Warning,
               io::LogLine(left->count() < 0 ? "the certificate of --tls-cert has ended"
                                             : "the certificate of --tls-cert ends soon")
                   .with("path", options_.tls_cert)
                   .with("days", std::to_string(left->count())));
  return Done{};
}

void IdentityFiles::reload() {
  if (!identity_) return;
  if (const Status status = load(); !status)
    log_.write(io::Level::Warning, status.error().text + "; the certificate before stays");
}

std::vector<std::string> IdentityFiles::unreadable() const {
  if (!io::has_tls() || !identity_) return {};
  std::vector<std::string> paths{options_.tls_cert};
  if (!options_.tls_key.empty()) paths.push_back(options_.tls_key);
  return io::unreadable(paths);
}

}  // namespace dnslet::config
