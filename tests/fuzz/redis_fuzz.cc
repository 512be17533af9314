// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// A server of Redis that says anything: its replies are the same in whatever pieces they come, have
// their limits, and are none behind what can't be understood. What was read can be sent back as a
// word of a command.

#include <cassert>
#include <utility>
#include <vector>

#include "input.h"
#include "io/redis.h"

namespace {

using namespace dnslet;
using dns::Bytes, dns::BytesView;
using io::RedisReplies, io::RedisReply;

struct Heard {
  std::vector<std::pair<RedisReply::Kind, Bytes>> replies;
  bool is_broken = false;
};

// All replies of these bytes, when they come in pieces of this size.
Heard hear(BytesView bytes, std::size_t size) {
  RedisReplies replies;
  Heard heard;
  while (!bytes.empty()) {
    const BytesView piece = bytes.first(std::min(size, bytes.size()));
    bytes = bytes.subspan(piece.size());
    replies.feed(Bytes(piece.begin(), piece.end()));
    while (const std::optional<RedisReply> reply = replies.next()) {
      assert(!heard.is_broken && reply->text.size() <= RedisReplies::kMaxText);
      heard.replies.emplace_back(reply->kind, Bytes(reply->text.begin(), reply->text.end()));
    }
    heard.is_broken = replies.is_broken();
  }
  return heard;
}

// A command is a list of words.
void send_back(BytesView text) {
  Bytes command;
  io::append_redis_command(command, {io::redis_word("SET"), text, text});
  const Heard heard = hear(command, command.size());
  assert(!heard.is_broken && heard.replies.size() == 1);
  assert(heard.replies.front().first == RedisReply::Kind::Other);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (!io::has_redis()) return 0;  // the other variant has none
  fuzz::Input input(data, size);
  const std::size_t step = 1 + input.byte();
  const Bytes bytes = input.rest();
  const Heard whole = hear(bytes, bytes.size());
  const Heard pieces = hear(bytes, step);
  // A line that is too long is seen before it ends.
  assert(pieces.replies.size() <= whole.replies.size());
  for (std::size_t i = 0; i < pieces.replies.size(); ++i)
    assert(pieces.replies[i] == whole.replies[i]);
  if (bytes.size() <= RedisReplies::kMaxLine) {
    assert(pieces.replies.size() == whole.replies.size());
    assert(pieces.is_broken == whole.is_broken);
  }
  for (const auto& [kind, text] : whole.replies) send_back(text);
  return 0;
}
