// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/tls_certificates.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>

#include "base/address.h"
#include "base/text.h"
#include "io/files.h"

namespace dnslet::io {
namespace {

constexpr std::size_t kMaxRootsFile = 16U << 20;

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

// Names of a stranger are clean and short in a log.
std::string clean(std::string_view text) {
  constexpr std::size_t kMost = 80;
  std::string result(text.substr(0, kMost));
  for (char& c : result)
    if (c <= ' ' || c > '~') c = '?';
  return result;
}

std::string in_words(const std::tm& time) {
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &time)};
}

std::string in_words(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? in_words(parts) : "an unreadable time";
}

std::string clock_here() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  return in_words(parts);
}

std::string name_of(const GENERAL_NAME& name) {
  int kind = 0;
  const void* const value = GENERAL_NAME_get0_value(&name, &kind);
  if (kind != GEN_DNS && kind != GEN_IPADD) return {};
  const auto* const text = static_cast<const ASN1_STRING*>(value);
  const auto* const bytes = ASN1_STRING_get0_data(text);
  const auto size = static_cast<std::size_t>(ASN1_STRING_length(text));
  if (kind == GEN_DNS) return clean({reinterpret_cast<const char*>(bytes), size});
  IpAddress address;
  if (size != 4 && size != 16) return {};
  address.family = size == 4 ? Family::V4 : Family::V6;
  std::copy_n(bytes, size, address.bytes.begin());
  return address.to_text();
}

// Those that a certificate is for.
std::string names_in(const X509* certificate) {
  constexpr int kMost = 5;
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string text;
  const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  for (int i = 0; i < std::min(count, kMost); ++i) {
    const std::string name = name_of(*sk_GENERAL_NAME_value(names.get(), i));
    if (!name.empty()) add_item(text, name);
  }
  if (count > kMost) text += " and more";
  return text.empty() ? "no name" : text;
}

Owned<X509_STORE> store_of(const std::string& pem) {
  const Owned<BIO> bio = reader_of(pem);
  Owned<X509_STORE> store(X509_STORE_new());
  int count = 0;
  // A block that can't be read takes no other along. Ends: each turn takes bytes.
  for (auto left = SIZE_MAX; BIO_ctrl_pending(bio.get()) < left;) {
    left = BIO_ctrl_pending(bio.get());
    const Owned<X509> certificate(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
    if (certificate) count += X509_STORE_add_cert(store.get(), certificate.get());
  }
  ERR_clear_error();
  if (count == 0) store.reset();
  return store;
}

// Where systems have theirs.
constexpr std::array<const char*, 4> kBundles = {
    "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem", "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem"};

std::string path_of_system() {
  for (const char* path : kBundles)
    if (may_read(path)) return path;
  return {};
}

// Empty: it is not set.
std::string path_of_variable() {
  const char* const path = std::getenv("SSL_CERT_FILE");
  return path ? path : "";
}

}  // namespace

Owned<BIO> reader_of(const std::string& pem) {
  return Owned<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

std::chrono::sys_seconds end_of(const X509* certificate) {
  std::tm parts{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1) return {};
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&parts)));
}

std::optional<std::chrono::days> days_left(std::chrono::sys_seconds end) {
  using std::chrono::days;
  constexpr days kSoon{14};
  const auto left = std::chrono::floor<days>(end - std::chrono::system_clock::now());
  return left < kSoon ? std::optional(left) : std::nullopt;
}

// Why a certificate does not hold.
std::string reason_of(X509_STORE_CTX* context, const std::string& name) {
  const int error = X509_STORE_CTX_get_error(context);
  const X509* const certificate = X509_STORE_CTX_get_current_cert(context);
  const std::string text = X509_verify_cert_error_string(error);
  if (!certificate) return "its certificate does not hold: " + text;
  switch (error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "its certificate is for " + names_in(certificate) + ", not for " + name;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate ended on " + in_words(X509_get0_notAfter(certificate)) +
             "; the clock here says " + clock_here();
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate holds from " + in_words(X509_get0_notBefore(certificate)) +
             " on; the clock here says " + clock_here();
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
      return "its certificate does not hold: " + text +
             "; --tls-ca trusts who has issued it, --tls-pin its key";
    default:
      return "its certificate does not hold: " + text;
  }
}

KeyHash key_hash(const X509* certificate) {
  KeyHash hash{};
  unsigned char* key = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &key);
  if (size > 0)
    EVP_Digest(key, static_cast<std::size_t>(size), hash.data(), nullptr, EVP_sha256(), nullptr);
  OPENSSL_free(key);
  return hash;
}

std::string to_base64(const KeyHash& hash) {
  std::array<unsigned char, 45> text{};
  const int size = EVP_EncodeBlock(text.data(), hash.data(), static_cast<int>(hash.size()));
  return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(size)};
}

std::optional<KeyHash> key_hash_from_base64(std::string_view text) {
  constexpr std::size_t kTextSize = 44;
  std::array<unsigned char, 33> bytes{};
  if (text.size() != kTextSize || !text.ends_with('=') || text[kTextSize - 2] == '=')
    return std::nullopt;
  const int size =
      EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  if (size != static_cast<int>(bytes.size()) || bytes.back() != 0) return std::nullopt;
  KeyHash hash{};
  std::copy_n(bytes.begin(), hash.size(), hash.begin());
  return to_base64(hash) == text ? std::optional(hash) : std::nullopt;
}

std::string path_of_tls_roots(const std::string& path) {
  if (!path.empty()) return path;
  const std::string given = path_of_variable();
  return given.empty() ? path_of_system() : given;
}

Result<std::shared_ptr<const TlsRoots>> load_tls_roots(const std::string& path) {
  const std::string from = path_of_tls_roots(path);
  if (from.empty())
    return Error{
        "the system has no root certificates; install its package ca-certificates, or name a file "
        "of them in PEM form with --tls-ca (DNSMASQ_TLS_CA) or SSL_CERT_FILE"};
  const auto failed = [&](const std::string& why) {
    const char* const of_variable = path_of_variable().empty() ? "" : "SSL_CERT_FILE: ";
    return Error{(path.empty() ? of_variable : "--tls-ca (DNSMASQ_TLS_CA): ") + why};
  };
  const auto pem = read_file(from, kMaxRootsFile);
  if (!pem) return failed(pem.error().text);
  auto store = store_of(*pem);
  if (!store) return failed(in_quotes(from) + " holds no certificate in PEM form");
  return std::shared_ptr<const TlsRoots>(std::make_shared<TlsRoots>(std::move(store)));
}

}  // namespace dnslet::io
