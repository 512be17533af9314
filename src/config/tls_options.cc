// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/tls_options.h"

#include <algorithm>

#include "base/text.h"
#include "config/option_stores.h"
#include "config/server_url.h"
#include "io/tls.h"

namespace dnslet::config {
namespace {

Status check_tls() { return io::has_tls() ? Status(Done{}) : only_in_full("needs TLS"); }

template <auto field>
Status store_path(std::string_view text, Options& options) {
  if (Status status = check_tls(); !status) return status;
  return value<field, parse_path>(text, {}, options);
}

}  // namespace

Status store_tls_ca(std::string_view text, const NumberRange&, Options& options) {
  return store_path<&Options::tls_ca>(text, options);
}

Status store_tls_cert(std::string_view text, const NumberRange&, Options& options) {
  return store_path<&Options::tls_cert>(text, options);
}

Status store_tls_key(std::string_view text, const NumberRange&, Options& options) {
  return store_path<&Options::tls_key>(text, options);
}

Status store_tls_pin(std::string_view text, const NumberRange&, Options& options) {
  if (Status status = check_tls(); !status) return status;
  const std::size_t equals = std::min(text.find('='), text.size());
  const std::string name = name_of_certificate(text.substr(0, equals));
  const auto hash = io::key_hash_from_base64(text.substr(std::min(equals + 1, text.size())));
  if (name.empty() || !hash)
    return not_a(
        text,
        "the name of a certificate and the SHA-256 of its key in Base64, 44 characters, as "
        "dns.example=...=; the log names the key that a server has");
  options.tls_pins[name].push_back(*hash);
  return Done{};
}

}  // namespace dnslet::config
