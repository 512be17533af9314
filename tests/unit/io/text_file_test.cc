// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/text_file.h"

#include <memory>
#include <string>
#include <vector>

#include "catch.h"
#include "io/scratch_file.h"

namespace dnslet::io {
namespace {

std::vector<std::string> lines_of(const TextFile& file) {
  std::vector<std::string> lines;
  CHECK(file.for_each_line([&](std::string_view line) { lines.emplace_back(line); }));
  return lines;
}

std::vector<std::string> lines_of(const std::string& text) {
  const test::ScratchFile scratch(text);
  const auto file = TextFile::open(scratch.path());
  REQUIRE(file);
  return lines_of(*file);
}

using Lines = std::vector<std::string>;

TEST_CASE("a file is read line by line, with or without an end of the last one") {
  CHECK(lines_of(std::string()).empty());
  CHECK(lines_of("a") == Lines{"a"});
  CHECK(lines_of("a\n") == Lines{"a"});
  CHECK(lines_of("a\n\nb\r\n") == Lines{"a", "", "b\r"});
}

TEST_CASE("lines over the ends of what is read at once stay whole") {
  std::string text;
  Lines expected;
  for (std::size_t i = 0; i < 40'000; ++i) {
    expected.push_back("line " + std::to_string(i));
    text += expected.back() + "\n";
  }
  CHECK(lines_of(text) == expected);
}

TEST_CASE("a line that is too long is cut, and the next one is whole") {
  const std::string longest(TextFile::kMaxLine, 'a');
  CHECK(lines_of(longest + "\nb\n") == Lines{longest, "b"});
  CHECK(lines_of(longest + "aaaa" + longest + "\nb") == Lines{longest + "a", "b"});
}

TEST_CASE("what has been opened is read again when its path leads nowhere") {
  auto scratch = std::make_unique<test::ScratchFile>("a\n");
  const auto file = TextFile::open(scratch->path());
  REQUIRE(file);
  scratch.reset();
  CHECK(lines_of(*file) == Lines{"a"});
  CHECK(lines_of(*file) == Lines{"a"});
}

TEST_CASE("what is missing or no file is told") {
  const auto missing = TextFile::open("/nowhere/list");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().text == "cannot read '/nowhere/list': no such file or directory");
  CHECK_FALSE(TextFile::open("/tmp"));
  CHECK_FALSE(TextFile::open("/dev/null"));
}

TEST_CASE("reading ends when it is stopped") {
  const test::ScratchFile scratch("a\n");
  const auto file = TextFile::open(scratch.path());
  REQUIRE(file);
  const StopFlag stop = true;
  CHECK_FALSE(file->for_each_line([](std::string_view) {}, stop));
}

}  // namespace
}  // namespace dnslet::io
