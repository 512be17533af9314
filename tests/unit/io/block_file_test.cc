// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/block_file.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "catch.h"
#include "io/files.h"

namespace dnslet::io {
namespace {

using dns::Bytes, dns::BytesView;

// A path in a folder of its own, which goes with all that is in it.
class Scratch {
 public:
  Scratch() { REQUIRE(mkdtemp(folder_.data()) != nullptr); }
  ~Scratch() { std::filesystem::remove_all(folder_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string path() const { return folder_ + "/file"; }

 private:
  std::string folder_ = std::filesystem::temp_directory_path() / "dnslet-XXXXXX";
};

// What the file holds; nullopt: it is refused.
std::optional<std::vector<Bytes>> blocks_of(const std::string& path) {
  BlockReader reader(path);
  const auto opened = reader.open();
  if (!opened || !*opened) return std::nullopt;
  std::vector<Bytes> blocks;
  while (true) {
    const auto block = reader.next();
    REQUIRE(block);
    if (block->empty()) return blocks;
    blocks.emplace_back(block->begin(), block->end());
  }
}

Status write(const std::string& path, const std::vector<Bytes>& blocks) {
  BlockWriter writer(path);
  Status status = writer.open();
  for (const Bytes& block : blocks)
    if (status) status = writer.add(block);
  return status ? writer.finish() : status;
}

std::string content(const std::string& path) { return *read_file(path, 1 << 20); }

void set_content(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

const std::vector<Bytes> kBlocks = {{1, 2, 3}, Bytes(1000, 7), {0}};

}  // namespace

TEST_CASE("a block file holds what was written last") {
  const Scratch file;
  for (const auto& blocks : {kBlocks, std::vector<Bytes>{}, std::vector<Bytes>{{9}}}) {
    REQUIRE(write(file.path(), blocks));
    CHECK(blocks_of(file.path()) == blocks);
    CHECK(stamp_of(file.path() + ".new") == FileStamp());
  }
}

TEST_CASE("a block file that is not finished is not there") {
  const Scratch file;
  REQUIRE(write(file.path(), kBlocks));
  {
    BlockWriter writer(file.path());
    REQUIRE(writer.open());
    REQUIRE(writer.add(Bytes{4}));
    CHECK_FALSE(write(file.path(), {{5}}));  // nobody else writes meanwhile
  }
  CHECK(blocks_of(file.path()) == kBlocks);
  CHECK(write(file.path(), {{5}}));
  CHECK(blocks_of(file.path()) == std::vector<Bytes>{{5}});
}

TEST_CASE("a block file that was cut or changed anywhere is refused") {
  const Scratch file;
  REQUIRE(write(file.path(), kBlocks));
  const std::string whole = content(file.path());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    set_content(file.path(), whole.substr(0, size));
    CAPTURE(size);
    CHECK_FALSE(blocks_of(file.path()));
  }
  for (std::size_t place = 0; place < whole.size(); ++place) {
    std::string changed = whole;
    changed[place] = static_cast<char>(changed[place] ^ 0x40);
    set_content(file.path(), changed);
    CAPTURE(place);
    CHECK_FALSE(blocks_of(file.path()));
  }
  set_content(file.path(), whole + "x");
  CHECK_FALSE(blocks_of(file.path()));
  set_content(file.path(), whole);
  CHECK(blocks_of(file.path()) == kBlocks);
}

TEST_CASE("a block file takes the place of nothing else, and leaves nothing beside it") {
  const Scratch file;
  set_content(file.path(), "127.0.0.1 localhost\n");
  CHECK_THAT(write(file.path(), kBlocks).error().text,
             Catch::Matchers::ContainsSubstring("no file of dnslet's"));
  CHECK(content(file.path()) == "127.0.0.1 localhost\n");
  CHECK(stamp_of(file.path() + ".new") == FileStamp());
  set_content(file.path(), "dnslet blo");  // one that was cut
  CHECK(write(file.path(), kBlocks));

  const std::string link = file.path() + ".link";
  std::filesystem::create_symlink(file.path(), link);
  CHECK(write(link, {{5}}));
  CHECK(std::filesystem::is_symlink(link));
  CHECK(blocks_of(file.path()) == std::vector<Bytes>{{5}});
  CHECK(write("/dev/null", {}).error().text.find("no file of dnslet's") != std::string::npos);
}

TEST_CASE("a block file: none, a folder, and a stop are no files to read") {
  const Scratch file;
  CHECK_FALSE(*BlockReader(file.path() + ".none").open());
  CHECK(BlockReader("/").open().error().text == "cannot read '/': not a regular file");
  REQUIRE(write(file.path(), kBlocks));
  CHECK_FALSE(BlockReader(file.path()).open(StopFlag(true)));
  CHECK_THAT(write("/nowhere/file", {}).error().text,
             Catch::Matchers::StartsWith("cannot write '/nowhere/file': no such file"));
}

}  // namespace dnslet::io
