// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Any text as a server, or as the network of --client-subnet: what is read is read the same from
// its own text; what is not has one printable sentence about it.

#include <algorithm>
#include <cassert>
#include <string>

#include "config/server_url.h"
#include "config/subnet_text.h"
#include "input.h"

namespace {

using namespace dnslet;

void check_sentence(const std::string& sentence) {
  assert(!sentence.empty());
  assert(std::ranges::all_of(sentence, [](char c) { return c >= ' ' && c != 127; }));
}

void check_server(const std::string& text) {
  const auto server = config::parse_server(text);
  if (!server) return check_sentence(server.error().text);
  assert(server->port != 0);
  assert(server->endpoint.has_value() == server->host.empty());
  assert(server->proxy || server->is_name() == !server->host.empty());
  assert(server->verified.empty() || server->is_encrypted());
  assert(server->path.empty() == (server->protocol != Protocol::Https));
  assert(!server->name_to_verify().empty());
  if (server->proxy && !server->proxy->user.empty()) return;  // its password is not shown
  const auto again = config::parse_server(server->to_text());
  assert(again && *again == *server);
}

void check_subnet(const std::string& text) {
  using Kind = policy::SubnetChoice::Kind;
  const auto subnet = config::parse_subnet(text);
  if (!subnet) return check_sentence(subnet.error().text);
  assert(subnet->most_v4 <= 32 && subnet->most_v6 <= 128);
  if (subnet->kind != Kind::Fixed) return;
  const auto again = config::parse_subnet(subnet->fixed.to_text());
  assert(again && again->fixed == subnet->fixed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_server(text);
  check_subnet(text);
  return 0;
}
