// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/redis.h"

#include <vector>

#include "catch.h"

namespace dnslet::io {
namespace {

using namespace std::string_literals;

using Kind = RedisReply::Kind;

// A reply as one text: "text:…", "error:…", "nil", "other".
std::string shown(const RedisReply& reply) {
  const std::string text(reply.text.begin(), reply.text.end());
  if (reply.kind == Kind::Text) return "text:" + text;
  if (reply.kind == Kind::Error) return "error:" + text;
  CHECK(text.empty());
  return reply.kind == Kind::Nil ? "nil" : "other";
}

// A connection's replies as they come.
struct Talk {
  // The replies that there are now.
  std::vector<std::string> hear(std::string_view bytes) {
    std::vector<std::string> heard;
    replies.feed(redis_word(bytes));
    while (const std::optional<RedisReply> reply = replies.next()) heard.push_back(shown(*reply));
    return heard;
  }
  bool is_broken() const { return replies.is_broken(); }

  RedisReplies replies;
};

// What is wrong with these bytes is seen at their end, and remains so.
void check_broken(const std::string& bytes) {
  INFO(bytes.substr(0, 80));
  Talk talk;
  CHECK(talk.hear(bytes).empty());
  CHECK(talk.is_broken());
  CHECK(talk.hear("+OK\r\n").empty());
  CHECK(talk.is_broken());
}

std::string bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

using Replies = std::vector<std::string>;

TEST_CASE("the variant without Redis has none of it") {
  if (has_redis()) {
    CHECK_THAT(redis_version(), Catch::Matchers::ContainsSubstring("hiredis "));
    return;
  }
  CHECK(redis_version().empty());
  Talk talk;
  CHECK(talk.hear("+OK\r\n").empty());
  CHECK(talk.is_broken());
}

TEST_CASE("replies come in order, in whatever pieces they have come") {
  if (!has_redis()) return;
  const std::string text = "a\0b\r\n$-1\r\n"s;
  const std::string bytes = "+OK\r\n$-1\r\n" + bulk(text) + "-ERR no such thing\r\n:42\r\n" +
                            bulk("") + "*2\r\n$1\r\na\r\n:1\r\n" + bulk("end") + "*-1\r\n*0\r\n";
  const Replies all = {"text:OK", "nil",   "text:" + text, "error:ERR no such thing",
                       "other",   "text:", "other",        "text:end",
                       "nil",     "other"};
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    Talk talk;
    Replies heard;
    for (std::size_t at = 0; at < bytes.size(); at += size)
      for (const std::string& reply : talk.hear(bytes.substr(at, size))) heard.push_back(reply);
    INFO(size);
    CHECK(heard == all);
    CHECK_FALSE(talk.is_broken());
  }
}

TEST_CASE("a reply that has not all come is none") {
  if (!has_redis()) return;
  Talk talk;
  CHECK(talk.hear("").empty());
  CHECK(talk.hear("$5\r\nabc").empty());
  CHECK(talk.hear("de\r").empty());
  CHECK(talk.hear("\n+") == Replies{"text:abcde"});
  CHECK(talk.hear("OK\r\n") == Replies{"text:OK"});
}

TEST_CASE("a long text is taken whole, and a longer one breaks the connection") {
  if (!has_redis()) return;
  const std::string longest(RedisReplies::kMaxText, 'a');
  Talk talk;
  CHECK(talk.hear(bulk(longest)) == Replies{"text:" + longest});
  const std::string bytes = bulk(longest) + bulk("b") + bulk(longest);
  Replies heard;
  for (std::size_t at = 0; at < bytes.size(); at += 65536)
    for (const std::string& reply : talk.hear(bytes.substr(at, 65536))) heard.push_back(reply);
  CHECK(heard == Replies{"text:" + longest, "text:b", "text:" + longest});
  check_broken(bulk(longest + "a"));
}

TEST_CASE("a size that was only told takes no memory") {
  if (!has_redis()) return;
  for (const std::string size : {"131073", "2000000000", "4294967295", "9223372036854775807"}) {
    Talk talk;
    std::size_t fed = 0;
    CHECK(talk.hear("$" + size + "\r\n").empty());
    for (; !talk.is_broken() && fed < 10 * RedisReplies::kMaxText; fed += 4096)
      CHECK(talk.hear(std::string(4096, 'a')).empty());
    CHECK(talk.is_broken());
    CHECK(fed <= RedisReplies::kMaxText + 2 * 4096);
  }
}

TEST_CASE("a line without an end breaks the connection soon") {
  if (!has_redis()) return;
  for (const std::string begin : {"+", "-", ":", "$", "*", "+\n", "*2\r\n+"}) {
    Talk talk;
    std::size_t fed = 0;
    CHECK(talk.hear(begin).empty());
    for (; !talk.is_broken() && fed < 10 * RedisReplies::kMaxLine; ++fed)
      CHECK(talk.hear("1").empty());
    CHECK(fed <= RedisReplies::kMaxLine + 2);
  }
}

TEST_CASE("lists have their limits") {
  if (!has_redis()) return;
  std::string list = "*16\r\n";
  for (int i = 0; i < 16; ++i) list += bulk(std::string(100'000, 'a'));
  Talk talk;
  CHECK(talk.hear(list) == Replies{"other"});
  CHECK(talk.hear("*2\r\n$-1\r\n-ERR\r\n+OK\r\n") == Replies{"other", "text:OK"});
  check_broken("*17\r\n");
  check_broken("*2000000000\r\n");
  check_broken("*4294967296\r\n");
  check_broken("*1\r\n*1\r\n:1\r\n");
  check_broken("*1\r\n*0\r\n");
  check_broken("*1\r\n" + bulk(std::string(RedisReplies::kMaxText + 1, 'a')));
}

TEST_CASE("what is not RESP2 breaks the connection") {
  if (!has_redis()) return;
  for (const char* const bytes :
       {"HTTP/1.1 400 Bad Request\r\n", "\x15\x03\x01\x00\x02\x02\x28", "\r\n", ":1x\r\n", ":\r\n",
        "$x\r\n", "$-2\r\n", "$99999999999999999999\r\n", "*x\r\n", "*-2\r\n", "$ 1\r\na\r\n"})
    check_broken(bytes);
  check_broken("\0"s);
  check_broken("$1\r\nab\r\n");
  check_broken("$1\r\na\n\r");
}

TEST_CASE("RESP3, which nobody has asked for, breaks the connection in every version") {
  if (!has_redis()) return;
  for (const char* const bytes :
       {"_\r\n", "#t\r\n", ",1.5\r\n", "(12345\r\n", "=5\r\ntxt:a\r\n", "%1\r\n+a\r\n+b\r\n",
        "%-1\r\n", "~1\r\n+a\r\n", ">1\r\n+a\r\n", "|1\r\n+a\r\n+b\r\n"})
    check_broken(bytes);
}

TEST_CASE("replies in front of what is wrong count") {
  if (!has_redis()) return;
  Talk talk;
  CHECK(talk.hear("+OK\r\n$1\r\na\r\nnonsense") == Replies{"text:OK", "text:a"});
  CHECK(talk.is_broken());
}

TEST_CASE("a command is appended, with any bytes in its words") {
  if (!has_redis()) return;
  dns::Bytes out = {'x'};
  const dns::Bytes key = {0, '\r', '\n', 255};
  append_redis_command(out, {redis_word("GET"), key});
  append_redis_command(out, {redis_word("PING")});
  append_redis_command(out, {redis_word("SET"), key, {}, redis_word("PX"), redis_word("60000")});
  const std::string written(out.begin(), out.end());
  CHECK(written ==
        "x*2\r\n$3\r\nGET\r\n$4\r\n\0\r\n\xff\r\n"
        "*1\r\n$4\r\nPING\r\n"
        "*5\r\n$3\r\nSET\r\n$4\r\n\0\r\n\xff\r\n$0\r\n\r\n$2\r\nPX\r\n$5\r\n60000\r\n"s);
}

}  // namespace
}  // namespace dnslet::io
