// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/list_reader.h"

#include <map>
#include <string>
#include <vector>

#include "catch.h"
#include "io/scratch_file.h"

namespace dnslet::config {
namespace {

// Files in memory, by path.
class Files {
 public:
  void add(const std::string& path, const std::string& text) {
    const test::ScratchFile scratch(text);  // stays open here
    auto file = io::TextFile::open(scratch.path());
    REQUIRE(file);
    files_[path] = std::make_shared<const io::TextFile>(std::move(*file));
  }

  // How often each name is told, and each file opened.
  void read(const std::string& path, const std::vector<std::string>& wanted = {}) {
    ListReader reader({[this](const std::string& opened,
                              const std::string& includer) -> Result<ListReader::File> {
                         ++opened_[opened];
                         includers_[opened] = includer;
                         return files_[opened];
                       },
                       [this](const policy::ListEntry& entry, const ListReader::Place&) {
                         ++told_[entry.name.view().to_text()];
                       }},
                      kNeverStopped);
    CHECK(reader.read(path, wanted));
    for (const auto& report : reader.reports()) unreadable_ += report.unreadable.lines;
  }
  int opened(const std::string& path) const { return at(opened_, path); }
  int told(const std::string& name) const { return at(told_, name); }
  std::size_t unreadable() const { return unreadable_; }
  std::string includer_of(const std::string& path) const { return includers_.at(path); }

 private:
  static int at(const std::map<std::string, int>& counts, const std::string& key) {
    const auto found = counts.find(key);
    return found == counts.end() ? 0 : found->second;
  }

  std::map<std::string, ListReader::File> files_;
  std::map<std::string, int> opened_;
  std::map<std::string, int> told_;
  std::map<std::string, std::string> includers_;
  std::size_t unreadable_ = 0;
};

TEST_CASE("a file that is included many times is read once for the same wish") {
  Files files;
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "include:other\ninclude:other @x @x\ninclude:other @x\n";
  files.add("/list", text);
  files.add("/other", "a.test\nb.test @x\n");
  files.read("/list");
  CHECK(files.opened("/other") == 2);
  CHECK(files.told("a.test") == 1);
  CHECK(files.told("b.test") == 2);
  CHECK(files.unreadable() == 0);
}

TEST_CASE("lists that include each other are read once") {
  Files files;
  files.add("/a", "include:b\ninclude:a\ninclude:a\na.test\n");
  files.add("/b", "include:a\ninclude:b\nb.test\n");
  files.read("/a");
  CHECK(files.opened("/a") == 1);
  CHECK(files.opened("/b") == 1);
  CHECK(files.told("b.test") == 1);
}

TEST_CASE("a list includes a thousand files at most, eight one inside the other") {
  Files files;
  std::string text;
  for (int i = 0; i < 1001; ++i) text += "include:f" + std::to_string(i) + "\n";
  files.add("/list", text);
  files.read("/list");
  CHECK(files.opened("/f999") == 1);
  CHECK(files.opened("/f1000") == 0);
  CHECK(files.unreadable() == 1);
  for (int i = 0; i < 10; ++i)
    files.add("/deep" + std::to_string(i), "include:deep" + std::to_string(i + 1) + "\n");
  files.read("/deep0");
  CHECK(files.opened("/deep8") == 1);
  CHECK(files.opened("/deep9") == 0);
}

TEST_CASE("of a list the lines count that have what is wanted, also of files that it includes") {
  Files files;
  files.add("/list", "a.test @cn\nb.test @cn @ads\nc.test\ninclude:other @x\n");
  files.add("/other", "d.test @cn\ne.test @CN @x\nf.test @cn @x @ads\n");
  files.read("/list", {"-ads", "cn"});
  for (const char* taken : {"a.test", "e.test"}) CHECK(files.told(taken) == 1);
  for (const char* not_taken : {"b.test", "c.test", "d.test", "f.test"})
    CHECK(files.told(not_taken) == 0);
}

TEST_CASE("who opens an included file is told the line that includes it") {
  Files files;
  files.add("/list", "# title\ninclude:other\n");
  files.read("/list");
  CHECK(files.includer_of("/list").empty());
  CHECK(files.includer_of("/other") == "'/list', line 2");
}

}  // namespace
}  // namespace dnslet::config
