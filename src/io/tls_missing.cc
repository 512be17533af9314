// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// What io/tls is in the variant without TLS: options that need it have been refused.

#include "io/tls.h"
#include "io/tls_server.h"

namespace dnslet::io {

bool has_tls() { return false; }

std::string tls_version() { return {}; }

std::optional<std::chrono::days> days_left(std::chrono::sys_seconds) { return std::nullopt; }

std::optional<KeyHash> key_hash_from_base64(std::string_view) { return std::nullopt; }

Result<std::shared_ptr<const TlsRoots>> load_tls_roots(const std::string&) {
  return Error{"this variant has no TLS"};
}

std::string path_of_tls_roots(const std::string&) { return {}; }

Result<std::shared_ptr<const TlsIdentity>> load_tls_identity(const std::string&,
                                                             const std::string&) {
  return Error{"this variant has no TLS"};
}

Result<KeyHash> key_of_certificate(const std::string&) { return Error{"this variant has no TLS"}; }

std::chrono::sys_seconds end_of(const TlsIdentity&) { return {}; }

std::unique_ptr<TlsServer> TlsServer::make(const std::vector<std::string>&) { return nullptr; }

std::unique_ptr<TlsClient> TlsClient::make(const TlsPeer&, const TlsEvents&) { return nullptr; }

}  // namespace dnslet::io
