// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/resolved_values.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace dnslet::io {
namespace {

// Calls `read(key)` for each property of an answer to GetAll, which reads its variant or returns
// false: then it is passed over. False: the answer is none, or broken.
template <typename Read>
bool for_each_property(const SdBus& sd, sd_bus_message* answer, Read read) {
  if (sd.enter(answer, SD_BUS_TYPE_ARRAY, "{sv}") <= 0) return false;
  int status = 0;
  while ((status = sd.enter(answer, SD_BUS_TYPE_DICT_ENTRY, "sv")) > 0) {
    const char* key = nullptr;
    if (sd.read(answer, "s", &key) <= 0) return false;
    if (!read(std::string_view(key)) && sd.skip(answer, "v") < 0) return false;
    if (sd.exit(answer) < 0) return false;
  }
  return status == 0 && sd.exit(answer) >= 0;
}

// Calls `read()` for each element of a variant that is an array of such structures.
template <typename Read>
bool for_each_element(const SdBus& sd, sd_bus_message* answer, const std::string& type, Read read) {
  const std::string array = "a(" + type + ")";
  if (sd.enter(answer, SD_BUS_TYPE_VARIANT, array.c_str()) <= 0) return false;
  if (sd.enter(answer, SD_BUS_TYPE_ARRAY, array.c_str() + 1) < 0) return false;
  while (sd.enter(answer, SD_BUS_TYPE_STRUCT, type.c_str()) > 0) {
    read();
    if (sd.exit(answer) < 0) return false;
  }
  const bool is_whole = sd.exit(answer) >= 0;
  return is_whole && sd.exit(answer) >= 0;
}

// A variant of a plain type.
template <typename T>
std::optional<T> read_plain(const SdBus& sd, sd_bus_message* answer, const char* type) {
  T value{};
  if (sd.enter(answer, SD_BUS_TYPE_VARIANT, type) <= 0) return std::nullopt;
  if (sd.read(answer, type, &value) < 0 || sd.exit(answer) < 0) return std::nullopt;
  return value;
}

std::optional<IpAddress> address_of(int family, std::span<const uint8_t> bytes) {
  IpAddress address;
  address.family = family == AF_INET6 ? Family::V6 : Family::V4;
  if ((family != AF_INET && family != AF_INET6) || bytes.size() != address.size())
    return std::nullopt;
  std::ranges::copy(bytes, address.bytes.begin());
  return address;
}

class ManagerReader {
 public:
  ManagerReader(const SdBus& sd, sd_bus_message* answer, std::map<int, ResolvedLink>& links)
      : sd_(sd), answer_(answer), links_(links) {}

  bool read(std::string_view key) {
    if (key == "Domains") return read_domains();
    if (key == "DNSOverTLS") return read_tls();
    if (key == "DNSEx") return read_servers(true);
    // The same without ports and names, for those who know no better.
    return key == "DNS" && !has_ports_ && read_servers(false);
  }

 private:
  ResolvedLink* link_of(int index) {
    if (index < 0 || (links_.size() >= kMaxLinks && !links_.contains(index))) return nullptr;
    return &links_[index];
  }

  bool read_servers(bool has_ports) {
    for (auto& [index, link] : links_) link.servers.clear();
    has_ports_ = has_ports;
    return for_each_element(sd_, answer_, has_ports ? "iiayqs" : "iiay", [this] { read_server(); });
  }

  void read_server() {
    int index = 0;
    int family = 0;
    const void* bytes = nullptr;
    std::size_t size = 0;
    ResolvedServer server;
    const char* name = "";
    if (sd_.read(answer_, "ii", &index, &family) < 0) return;
    if (sd_.read_array(answer_, SD_BUS_TYPE_BYTE, &bytes, &size) < 0) return;
    if (has_ports_ && sd_.read(answer_, "qs", &server.port, &name) < 0) return;
    const auto address = address_of(family, {static_cast<const uint8_t*>(bytes), size});
    ResolvedLink* const link = link_of(index);
    if (!address || link == nullptr || link->servers.size() >= kMaxServersOfLink) return;
    server.address = *address;
    server.name = name;
    link->servers.push_back(server);
  }

  bool read_domains() {
    return for_each_element(sd_, answer_, "isb", [this] {
      int index = 0;
      const char* name = nullptr;
      int is_route_only = 0;
      if (sd_.read(answer_, "isb", &index, &name, &is_route_only) < 0) return;
      ResolvedLink* const link = link_of(index);
      if (link == nullptr || link->domains.size() >= kMaxDomainsOfLink) return;
      link->domains.push_back({name, is_route_only != 0});
    });
  }

  bool read_tls() {
    const auto mode = read_plain<const char*>(sd_, answer_, "s");
    if (mode) links_[0].is_tls = std::string_view(*mode) == "yes";
    return mode.has_value();
  }

  const SdBus& sd_;
  sd_bus_message* answer_;
  std::map<int, ResolvedLink>& links_;
  bool has_ports_ = false;
};

}  // namespace

bool read_manager(const SdBus& sd, sd_bus_message* answer, std::map<int, ResolvedLink>& links) {
  ManagerReader reader(sd, answer, links);
  return for_each_property(sd, answer, [&](std::string_view key) { return reader.read(key); });
}

bool read_link(const SdBus& sd, sd_bus_message* answer, ResolvedLink& link) {
  constexpr uint64_t kDns = 1;  // SD_RESOLVED_DNS; the others are of LLMNR and mDNS
  bool is_in_use = true;
  const bool is_whole = for_each_property(sd, answer, [&](std::string_view key) {
    if (key == "ScopesMask") {
      const auto scopes = read_plain<uint64_t>(sd, answer, "t");
      if (scopes) is_in_use = (*scopes & kDns) != 0;
      return scopes.has_value();
    }
    if (key == "DefaultRoute") {
      const auto value = read_plain<int>(sd, answer, "b");
      if (value) link.is_default = *value != 0;
      return value.has_value();
    }
    if (key != "DNSOverTLS") return false;
    const auto mode = read_plain<const char*>(sd, answer, "s");
    if (mode) link.is_tls = std::string_view(*mode) == "yes";
    return mode.has_value();
  });
  return is_whole && is_in_use;
}

}  // namespace dnslet::io
