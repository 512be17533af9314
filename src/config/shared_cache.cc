// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/shared_cache.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/text.h"
#include "config/option_table.h"
#include "config/server_url.h"
#include "io/redis.h"

namespace dnslet::config {
namespace {

constexpr std::string_view kSharedCache =
    "a shared cache: write redis://HOST, rediss://USER:PASSWORD@HOST:PORT/DATABASE, with %40 for @ "
    "and %2F for /, or unix:PATH";
constexpr std::size_t kMaxSocket = 107;  // unix(7)
constexpr unsigned kMaxDatabase = 1'000'000;

// Takes "NAME" off the front, in any case of letters.
bool take_start(std::string_view& text, std::string_view name) {
  if (lower_case(text.substr(0, name.size())) != name) return false;
  text.remove_prefix(name.size());
  return true;
}

// What a message may show of it: what may be a password is not to be told apart in what is wrong.
std::string shown(std::string_view text) {
  const std::size_t slashes = text.find("://");
  if (slashes != std::string_view::npos) return std::string(text.substr(0, slashes + 3)) + "...";
  return text.find_first_of("@:=") == std::string_view::npos ? std::string(text) : "...";
}

Error is_none(std::string_view text) { return not_a(shown(text), kSharedCache); }

// [[USER]:PASSWORD@]
bool take_user(std::string_view& place, RedisServer& server) {
  const std::size_t at = place.rfind('@');
  if (at == std::string_view::npos) return true;
  const std::string_view names = place.substr(0, at);
  const std::size_t colon = names.find(':');
  if (colon == std::string_view::npos || names.find_first_of("@/? ") != std::string_view::npos)
    return false;
  const auto user = percent_decoded(names.substr(0, colon));
  const auto password = percent_decoded(names.substr(colon + 1));
  if (!user || !password || password->empty()) return false;
  server.user = *user;
  server.password = *password;
  place.remove_prefix(at + 1);
  return true;
}

// [/DATABASE]
bool take_database(std::string_view& place, RedisServer& server) {
  const std::size_t slash = place.find('/');
  if (slash == std::string_view::npos) return true;
  const std::string_view number = place.substr(slash + 1);
  place = place.substr(0, slash);
  if (number.empty()) return true;  // as clients of Redis take it
  const auto [stop, status] =
      std::from_chars(number.data(), number.data() + number.size(), server.database);
  return status == std::errc() && stop == number.data() + number.size() &&
         server.database <= kMaxDatabase;
}

}  // namespace

Result<RedisServer> parse_shared_cache(std::string_view text) {
  RedisServer server;
  std::string_view place = text;
  if (take_start(place, "unix:")) {
    server.socket = place;
    if (server.socket.empty() || server.socket.size() > kMaxSocket || server.socket.front() != '/')
      return not_a(text,
                   "a shared cache: write the whole path of its socket behind unix:, of 107 "
                   "bytes at most");
    return server;
  }
  server.place.protocol = Protocol::Tcp;
  if (take_start(place, "rediss://"))
    server.place.protocol = Protocol::Tls;
  else if (!take_start(place, "redis://"))
    return is_none(text);
  if (!take_user(place, server) || !take_database(place, server)) return is_none(text);
  auto found = parse_place(place, kRedisPort);
  if (!found) return is_none(text);
  found->protocol = server.place.protocol;
  server.place = std::move(*found);
  return server;
}

Status store_shared_cache(std::string_view text, const NumberRange&, Options& options) {
  if (!io::has_redis()) return only_in_full("needs a client of Redis");
  auto server = parse_shared_cache(text);
  if (!server) return server.error();
  options.shared_cache = std::move(*server);
  return Done{};
}

}  // namespace dnslet::config
