// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/log_line.h"

#include <string>

#include "catch.h"

using namespace dnslet;
using io::LogLine;

namespace {

std::string json_of(const LogLine& line) { return line.to_json("2026-01-02T03:04:05Z", "info"); }

std::string json_string(std::string_view text, std::size_t room = 1000) {
  std::string json;
  io::append_json_string(json, text, room);
  return json;
}

}  // namespace

TEST_CASE("a line of text is the message and its fields") {
  const LogLine line =
      LogLine("query").with("client", "192.0.2.1").with("count", uint64_t{3}).with("ms", 1.416, 2);
  CHECK(line.to_text() == "query client=192.0.2.1 count=3 ms=1.42");
}

TEST_CASE("a value with blanks or quotes stands in quotes, an empty one too") {
  const LogLine line = LogLine("x").with("a", "b c").with("d", "e\"f").with("g", "");
  CHECK(line.to_text() == R"(x a="b c" d="e\"f" g="")");
}

TEST_CASE("a backslash does not take the closing quote away") {
  CHECK(LogLine("x").with("a", R"(b c\)").with("d", R"(e\f)").to_text() == R"(x a="b c\\" d=e\f)");
}

TEST_CASE("control bytes can forge no line of text") {
  CHECK(LogLine("a\nb").with("c", "d\r\n\x1b[0m").to_text() == R"(a\x0ab c=d\x0d\x0a\x1b[0m)");
}

TEST_CASE("a line of JSON has the time, the level, the message and typed fields") {
  const LogLine line =
      LogLine("query").with("client", "192.0.2.1").with("count", uint64_t{3}).with("ms", 1.416, 2);
  CHECK(json_of(line) == R"({"time":"2026-01-02T03:04:05Z","level":"info","message":"query",)"
                         R"("client":"192.0.2.1","count":3,"ms":1.42})");
}

TEST_CASE("quotes, backslashes and control bytes are escaped in JSON") {
  CHECK(json_string("a\"b\\c\n\x1b\x7f") == R"("a\"b\\c\u000a\u001b\u007f")");
  CHECK(json_string(std::string_view("\0", 1)) == R"("\u0000")");
}

TEST_CASE("valid UTF-8 stays in JSON, every other byte becomes U+FFFD") {
  CHECK(json_string("caf\xc3\xa9 \xe2\x80\xa6 \xf0\x9f\x98\x80") ==
        "\"caf\xc3\xa9 \xe2\x80\xa6 \xf0\x9f\x98\x80\"");
  // A lone continuation, one that is missing, overlong forms, a surrogate, above U+10FFFF.
  CHECK(json_string("\x80") == R"("\ufffd")");
  CHECK(json_string("\xc3") == R"("\ufffd")");
  CHECK(json_string("\xc3(") == R"("\ufffd(")");
  CHECK(json_string("\xc0\xaf") == R"("\ufffd\ufffd")");
  CHECK(json_string("\xe0\x80\xaf") == R"("\ufffd\ufffd\ufffd")");
  CHECK(json_string("\xed\xa0\x80") == R"("\ufffd\ufffd\ufffd")");
  CHECK(json_string("\xf4\x90\x80\x80") == R"("\ufffd\ufffd\ufffd\ufffd")");
  CHECK(json_string("\xff") == R"("\ufffd")");
}

TEST_CASE("a JSON string that is too long ends with a whole character") {
  CHECK(json_string("abcdef", 4) == R"("abcd")");
  CHECK(json_string("abc\n", 5) == R"("abc")");
  CHECK(json_string("ab\xc3\xa9", 3) == R"("ab")");
}

TEST_CASE("a line of JSON has an end whatever its values are") {
  LogLine line(std::string(9000, '\n'));
  for (int i = 0; i < 20; ++i) line.with("key", std::string(9000, '\\'));
  line.with("number", uint64_t{1});
  const std::string json = json_of(line);
  CHECK(json.size() <= LogLine::kMaxJson + 2);
  CHECK(json.ends_with("\"}"));
}
