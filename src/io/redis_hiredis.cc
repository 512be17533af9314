// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// io/redis by hiredis, of which only the protocol is used: the reader of replies and the writer of
// commands. Works with 0.14 and 1.x.
//
// The library would build a tree of each reply. It is given functions that keep the text of the
// reply itself and nothing of what is in a list, and refuse what is above the limits or not RESP2,
// which 1.x would read: a refusal counts as a lack of memory there, and the reader stops.

#include <hiredis/hiredis.h>

#include <array>
#include <cassert>
#include <cstdlib>

#include "io/redis.h"

namespace dnslet::io {
namespace {

struct FreeReader {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};

}  // namespace

class RedisReplies::Parser {
 public:
  Parser();
  ~Parser() = default;
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  // Each is false where it is broken.
  bool feed(dns::BytesView bytes);
  bool read(std::optional<RedisReply>& reply);

 private:
  // Each returns the parser, as the object that stands for a reply; null refuses it.
  static void* on_text(const redisReadTask* task, char* text, std::size_t size) noexcept;
  static void* on_number(const redisReadTask* task, long long number) noexcept;
  static void* on_nil(const redisReadTask* task) noexcept;
  // 0.14 counts in int, 1.x in size_t.
  template <typename Count>
  static void* on_list(const redisReadTask* task, Count elements) noexcept;

  static Parser* keep(const redisReadTask* task, RedisReply::Kind kind,
                      std::string_view text = {}) noexcept;
  bool is_too_long() const;

  redisReplyObjectFunctions functions_{};
  std::unique_ptr<redisReader, FreeReader> reader_;
  RedisReply::Kind kind_ = RedisReply::Kind::Nil;
  dns::Bytes text_;  // the library moves its own when it returns
};

RedisReplies::Parser::Parser() {
  functions_.createString = on_text;
  functions_.createArray = on_list;
  functions_.createInteger = on_number;
  functions_.createNil = on_nil;
  reader_.reset(redisReaderCreateWithFunctions(&functions_));
  if (reader_ == nullptr) std::abort();  // out of memory
  reader_->privdata = this;
}

// What next() has left over is one reply that has not all come.
bool RedisReplies::Parser::is_too_long() const {
  constexpr std::size_t kAround = 16;  // at most: its size in front, and what ends both
  const std::string_view rest(reader_->buf + reader_->pos, reader_->len - reader_->pos);
  if (rest.size() > kMaxText + kAround) return true;
  return rest.size() > kMaxLine && rest.substr(0, kMaxLine).find("\r\n") == std::string_view::npos;
}

bool RedisReplies::Parser::feed(dns::BytesView bytes) {
  if (is_too_long()) return false;
  return redisReaderFeed(reader_.get(), reinterpret_cast<const char*>(bytes.data()),
                         bytes.size()) == REDIS_OK;
}

bool RedisReplies::Parser::read(std::optional<RedisReply>& reply) {
  void* found = nullptr;
  if (redisReaderGetReply(reader_.get(), &found) != REDIS_OK) return false;
  if (found == nullptr) return true;
  reply = RedisReply{kind_, text_};
  return found == this;  // else of a kind for which it was given no function
}

RedisReplies::Parser* RedisReplies::Parser::keep(const redisReadTask* task, RedisReply::Kind kind,
                                                 std::string_view text) noexcept {
  auto* const self = static_cast<Parser*>(task->privdata);
  if (task->parent != nullptr) return self;
  self->kind_ = kind;
  self->text_.assign(text.begin(), text.end());
  return self;
}

void* RedisReplies::Parser::on_text(const redisReadTask* task, char* text,
                                    std::size_t size) noexcept {
  // On 32 bits a size may be more than has come. What ends a text is not looked at by the library.
  if (size > kMaxText || std::string_view(text + size, 2) != "\r\n") return nullptr;
  switch (task->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      return keep(task, RedisReply::Kind::Text, {text, size});
    case REDIS_REPLY_ERROR:
      return keep(task, RedisReply::Kind::Error, {text, size});
    default:
      return nullptr;
  }
}

void* RedisReplies::Parser::on_number(const redisReadTask* task, long long) noexcept {
  return keep(task, RedisReply::Kind::Other);
}

void* RedisReplies::Parser::on_nil(const redisReadTask* task) noexcept {
  if (task->type != REDIS_REPLY_STRING && task->type != REDIS_REPLY_ARRAY) return nullptr;
  return keep(task, RedisReply::Kind::Nil);
}

template <typename Count>
void* RedisReplies::Parser::on_list(const redisReadTask* task, Count elements) noexcept {
  if (task->type != REDIS_REPLY_ARRAY || task->parent != nullptr) return nullptr;
  if (static_cast<std::size_t>(elements) > kMaxElements) return nullptr;
  return keep(task, RedisReply::Kind::Other);
}

RedisReplies::RedisReplies() : parser_(std::make_unique<Parser>()) {}

RedisReplies::~RedisReplies() = default;

void RedisReplies::feed(dns::BytesView bytes) {
  if (parser_ && !parser_->feed(bytes)) parser_.reset();
}

std::optional<RedisReply> RedisReplies::next() {
  std::optional<RedisReply> reply;
  if (!parser_ || parser_->read(reply)) return reply;
  parser_.reset();
  return std::nullopt;
}

bool has_redis() { return true; }

// The one that it was built with: the library itself does not tell.
std::string redis_version() {
  return "hiredis " + std::to_string(HIREDIS_MAJOR) + "." + std::to_string(HIREDIS_MINOR) + "." +
         std::to_string(HIREDIS_PATCH);
}

void append_redis_command(dns::Bytes& out, std::initializer_list<dns::BytesView> words) {
  assert(words.size() > 0 && words.size() <= kMaxRedisWords);
  std::array<const char*, kMaxRedisWords> begins{};
  std::array<std::size_t, kMaxRedisWords> sizes{};
  std::size_t count = 0;
  for (const dns::BytesView word : words) {
    begins[count] = word.empty() ? "" : reinterpret_cast<const char*>(word.data());
    sizes[count++] = word.size();
  }
  // The other one calls sprintf() for each word.
  sds command = nullptr;
  const auto size =
      redisFormatSdsCommandArgv(&command, static_cast<int>(count), begins.data(), sizes.data());
  if (size < 0) std::abort();  // out of memory
  out.insert(out.end(), command, command + size);
  redisFreeSdsCommand(command);
}

}  // namespace dnslet::io
