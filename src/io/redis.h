// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The protocol of Redis and Valkey (RESP2): commands out, replies in. It knows no connection:
// io/stream has those. Behind it is one library, in io/redis_hiredis.cc; the variant without it has
// io/redis_missing.cc.

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dns/wire.h"

namespace dnslet::io {

// Whether this variant has it. Without it there are no replies, and commands are empty.
bool has_redis();
// "hiredis 0.14.1"; empty without it.
std::string redis_version();

// The text as a word of a command. Borrows it.
inline dns::BytesView redis_word(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline constexpr std::size_t kMaxRedisWords = 8;

// Appends a command, whose words may hold any bytes. REQUIRES: one word at least, kMaxRedisWords at
// most.
void append_redis_command(dns::Bytes& out, std::initializer_list<dns::BytesView> words);

struct RedisReply {
  enum class Kind {
    Nil,    // there is nothing
    Text,   // a string or a status
    Error,  // what was asked for has not been done
    Other,  // a number, a list: its content is not kept
  };

  Kind kind = Kind::Nil;
  dns::BytesView text;  // of Text and Error
};

// What comes back over one connection. Breaks for good where it is not RESP2 or has more than the
// limits below: nothing behind that can be understood.
class RedisReplies {
 public:
  static constexpr std::size_t kMaxText = 128U << 10;
  static constexpr std::size_t kMaxElements = 16;  // of a list; a list in a list breaks it
  // Of a status, an error, a size, as far as it has not come as a whole.
  static constexpr std::size_t kMaxLine = 1024;

  RedisReplies();
  ~RedisReplies();
  RedisReplies(const RedisReplies&) = delete;
  RedisReplies& operator=(const RedisReplies&) = delete;

  // Copies the bytes. Beyond these it keeps kMaxText of a reply that has not all come.
  // REQUIRES: next() has been called until there was nothing.
  void feed(dns::BytesView bytes);
  // The next reply, in the order of the commands; nullopt: it has not all come, or is broken. Its
  // text is valid until the next call of feed() or next().
  std::optional<RedisReply> next();
  bool is_broken() const { return parser_ == nullptr; }

 private:
  class Parser;
  std::unique_ptr<Parser> parser_;  // null: broken
};

}  // namespace dnslet::io
