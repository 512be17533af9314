// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// What io/redis is in the variant without Redis: options that need it have been refused.

#include "io/redis.h"

namespace dnslet::io {

class RedisReplies::Parser {};

bool has_redis() { return false; }

std::string redis_version() { return {}; }

void append_redis_command(dns::Bytes&, std::initializer_list<dns::BytesView>) {}

RedisReplies::RedisReplies() = default;

RedisReplies::~RedisReplies() = default;

void RedisReplies::feed(dns::BytesView) {}

std::optional<RedisReply> RedisReplies::next() { return std::nullopt; }

}  // namespace dnslet::io
