// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/socks5.h"

#include <uv.h>

#include <array>
#include <utility>

namespace dnslet::io {
namespace {

constexpr uint8_t kVersion = 5;
constexpr uint8_t kNoAuthentication = 0;
constexpr uint8_t kUserAndPassword = 2;
constexpr uint8_t kNoneOfThese = 0xff;
constexpr uint8_t kAdmissionVersion = 1;  // of RFC 1929
constexpr uint8_t kConnect = 1;

// Kinds of addresses.
constexpr uint8_t kIpv4 = 1;
constexpr uint8_t kName = 3;
constexpr uint8_t kIpv6 = 4;

Socks5Handshake::Failed no_socks5() {
  return {"what answers there does not speak SOCKS5", UV_EPROTO};
}

void append_text(dns::Bytes& bytes, const std::string& text) {
  bytes.push_back(static_cast<uint8_t>(text.size()));
  bytes.insert(bytes.end(), text.begin(), text.end());
}

// What the code of a reply means (RFC 1928 section 6).
Socks5Handshake::Failed refusal(uint8_t code) {
  static constexpr std::array<const char*, 8> kMeanings = {"general failure",
                                                           "its rules do not allow it",
                                                           "network unreachable",
                                                           "host unreachable",
                                                           "connection refused",
                                                           "TTL expired",
                                                           "it can't connect to servers",
                                                           "it does not take this kind of address"};
  const std::string meaning =
      code <= kMeanings.size() ? kMeanings[code - 1U] : "code " + std::to_string(code);
  return {"it has refused: " + meaning, UV_ECONNABORTED};
}

}  // namespace

dns::Bytes Socks5Handshake::greeting() {
  if (request_.user.empty()) return {kVersion, 1, kNoAuthentication};
  return {kVersion, 2, kNoAuthentication, kUserAndPassword};
}

Socks5Handshake::Step Socks5Handshake::step(dns::BytesView& bytes) {
  switch (waiting_) {
    case Waiting::Method:
      return on_method(bytes);
    case Waiting::Admission:
      return on_admission(bytes);
    case Waiting::Connection:
      break;
  }
  return on_connection(bytes);
}

Socks5Handshake::Step Socks5Handshake::on_method(dns::BytesView& bytes) {
  dns::Reader reader(bytes);
  const uint8_t version = reader.u8();
  if (reader.ok() && version != kVersion) return no_socks5();
  const uint8_t method = reader.u8();
  if (!reader.ok()) return More{};
  bytes = bytes.subspan(reader.offset());
  if (method == kNoAuthentication) return ask_to_connect();
  const bool has_user = !request_.user.empty();
  if (method == kUserAndPassword && has_user) {
    waiting_ = Waiting::Admission;
    dns::Bytes admission = {kAdmissionVersion};
    append_text(admission, request_.user);
    append_text(admission, request_.password);
    return Send{std::move(admission)};
  }
  if (method != kNoneOfThese) return no_socks5();
  return Failed{has_user ? "it takes no user with a password"
                         : "it wants a user: write socks5://USER:PASSWORD@",
                UV_ECONNABORTED};
}

Socks5Handshake::Step Socks5Handshake::on_admission(dns::BytesView& bytes) {
  dns::Reader reader(bytes);
  reader.skip(1);  // its version, in which proxies differ
  const uint8_t status = reader.u8();
  if (!reader.ok()) return More{};
  bytes = bytes.subspan(reader.offset());
  if (status != 0) return Failed{"user or password is wrong", UV_ECONNABORTED};
  return ask_to_connect();
}

Socks5Handshake::Step Socks5Handshake::ask_to_connect() {
  waiting_ = Waiting::Connection;
  dns::Bytes request = {kVersion, kConnect, 0};
  if (const auto& address = request_.address) {
    request.push_back(address->family == Family::V4 ? kIpv4 : kIpv6);
    request.insert(request.end(), address->data().begin(), address->data().end());
  } else {
    request.push_back(kName);
    append_text(request, request_.host);
  }
  request.push_back(static_cast<uint8_t>(request_.port >> 8));
  request.push_back(static_cast<uint8_t>(request_.port));
  return Send{std::move(request)};
}

// The address behind the code is of no use here, but has to be taken.
Socks5Handshake::Step Socks5Handshake::on_connection(dns::BytesView& bytes) {
  dns::Reader reader(bytes);
  const uint8_t version = reader.u8();
  if (reader.ok() && version != kVersion) return no_socks5();
  const uint8_t code = reader.u8();
  if (!reader.ok()) return More{};
  if (code != 0) return refusal(code);
  reader.skip(1);
  const uint8_t kind = reader.u8();
  if (!reader.ok()) return More{};
  switch (kind) {
    case kIpv4:
      reader.skip(4);
      break;
    case kIpv6:
      reader.skip(16);
      break;
    case kName:
      reader.skip(reader.u8());
      break;
    default:
      return no_socks5();
  }
  reader.skip(2);  // port
  if (!reader.ok()) return More{};
  bytes = bytes.subspan(reader.offset());
  return Open{};
}

}  // namespace dnslet::io
