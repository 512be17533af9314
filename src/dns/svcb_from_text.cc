// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/svcb_from_text.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "base/address.h"
#include "base/sort.h"
#include "base/text.h"
#include "dns/rdata_text.h"
#include "dns/text_fields.h"

namespace dnslet::dns {
namespace {

void append_u16(Bytes& bytes, std::size_t value) {
  bytes.push_back(static_cast<uint8_t>(value >> 8));
  bytes.push_back(static_cast<uint8_t>(value));
}

std::string text_of(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

// RFC 9460 appendix A.1: between commas, of which those behind a backslash are letters.
std::vector<Bytes> split_items(const Bytes& value) {
  std::vector<Bytes> items(1);
  for (std::size_t i = 0; i < value.size(); ++i) {
    const bool is_escaped = value[i] == '\\' && i + 1 < value.size();
    if (value[i] == ',' && !is_escaped)
      items.emplace_back();
    else
      items.back().push_back(value[is_escaped ? ++i : i]);
  }
  return items;
}

std::optional<Bytes> alpn_of(const Bytes& value) {
  Bytes bytes;
  for (const Bytes& item : split_items(value)) {
    if (item.empty() || item.size() > 255) return std::nullopt;
    bytes.push_back(static_cast<uint8_t>(item.size()));
    bytes.insert(bytes.end(), item.begin(), item.end());
  }
  return bytes;
}

std::optional<Bytes> hints_of_text(const Bytes& value, Family family) {
  Bytes bytes;
  for (const Bytes& item : split_items(value)) {
    const auto address = IpAddress::from_text(text_of(item));
    if (!address || address->family != family) return std::nullopt;
    const auto data = address->data();
    bytes.insert(bytes.end(), data.begin(), data.end());
  }
  return bytes;
}

std::optional<Bytes> port_of(const Bytes& value) {
  const auto port = number_of(text_of(value), 65535);
  if (!port) return std::nullopt;
  Bytes bytes;
  append_u16(bytes, *port);
  return bytes;
}

// In increasing order, without itself.
std::optional<Bytes> mandatory_of(const Bytes& value) {
  std::vector<uint16_t> keys;
  for (const Bytes& item : split_items(value)) {
    const auto key = svc_key_from_text(text_of(item));
    if (!key || *key == 0) return std::nullopt;
    keys.push_back(*key);
  }
  sort_now_and_then(keys);
  if (std::ranges::adjacent_find(keys) != keys.end()) return std::nullopt;
  Bytes bytes;
  for (const uint16_t key : keys) append_u16(bytes, key);
  return bytes;
}

std::optional<Bytes> value_of(SvcKey key, const Bytes& value) {
  switch (key) {
    case SvcKey::Mandatory:
      return mandatory_of(value);
    case SvcKey::Alpn:
      return alpn_of(value);
    case SvcKey::NoDefaultAlpn:
      return value.empty() ? std::optional(value) : std::nullopt;
    case SvcKey::Port:
      return port_of(value);
    case SvcKey::Ipv4Hint:
      return hints_of_text(value, Family::V4);
    case SvcKey::Ech:
      return value.empty() ? std::nullopt : bytes_of_base64(text_of(value));
    case SvcKey::Ipv6Hint:
      return hints_of_text(value, Family::V6);
    default:
      return value;
  }
}

const char* form_of(SvcKey key) {
  switch (key) {
    case SvcKey::Mandatory:
      return "mandatory=KEY,... of other keys, each once";
    case SvcKey::Alpn:
      return "alpn=PROTOCOL,..., for example alpn=h2,h3";
    case SvcKey::NoDefaultAlpn:
      return "no-default-alpn without a value";
    case SvcKey::Port:
      return "port=NUMBER up to 65535";
    case SvcKey::Ipv4Hint:
      return "ipv4hint=IPV4,...";
    case SvcKey::Ech:
      return "ech=BASE64";
    case SvcKey::Ipv6Hint:
      return "ipv6hint=IPV6,...";
    default:
      return "KEY=\"TEXT\"";
  }
}

using Params = std::map<uint16_t, Bytes>;  // in the order of the wire form

Status add_param(std::string_view word, Params& params) {
  const std::size_t equals = std::min(word.find('='), word.size());
  const auto key = svc_key_from_text(word.substr(0, equals));
  if (!key)
    return not_a(word,
                 "a parameter: its key is one of mandatory, alpn, no-default-alpn, port, "
                 "ipv4hint, ech, ipv6hint, dohpath, or keyNUMBER");
  const auto text = bytes_of_word(word.substr(std::min(equals + 1, word.size())));
  auto value = text ? value_of(static_cast<SvcKey>(*key), *text) : std::nullopt;
  if (!value || value->size() > UINT16_MAX) return not_a(word, form_of(static_cast<SvcKey>(*key)));
  if (!params.emplace(*key, std::move(*value)).second)
    return Error{in_quotes(word) + " stands there twice"};
  return Done();
}

// The first of the mandatory keys that is not there.
std::optional<uint16_t> missing_key(const Params& params) {
  const auto mandatory = params.find(static_cast<uint16_t>(SvcKey::Mandatory));
  if (mandatory == params.end()) return std::nullopt;
  Reader reader(mandatory->second);
  while (reader.remaining() > 0) {  // ends: takes two bytes
    const uint16_t key = reader.u16();
    if (!params.contains(key)) return key;
  }
  return std::nullopt;
}

}  // namespace

Result<Bytes> svc_params_from_text(const std::vector<std::string_view>& words) {
  Params params;
  for (const std::string_view word : words)
    if (const Status status = add_param(word, params); !status) return status.error();
  if (const auto key = missing_key(params))
    return Error{"the parameter " + svc_key_text(*key) + " is mandatory and is not there"};
  Bytes bytes;
  for (const auto& [key, value] : params) {
    append_u16(bytes, key);
    append_u16(bytes, value.size());
    bytes.insert(bytes.end(), value.begin(), value.end());
  }
  return bytes;
}

}  // namespace dnslet::dns
