// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/list_files.h"

#include <string>

#include "catch.h"
#include "io/scratch_file.h"

namespace dnslet::config {
namespace {

dns::Name name(const std::string& text) {
  const auto parsed = dns::Name::from_text(text);
  REQUIRE(parsed);
  return *parsed;
}

IpAddress address(const std::string& text) {
  const auto parsed = IpAddress::from_text(text);
  REQUIRE(parsed);
  return *parsed;
}

struct World {
  io::Log log{io::Log::Target::StandardError, io::Log::Format::Text};  // never flushed
  ListFiles files;

  explicit World(const ListFiles::Paths& paths) : files(paths, 1, log) { REQUIRE(files.load()); }
  const policy::List& list(std::size_t number) const { return files.lists()->named.at(number); }
};

// The line's number, 0 where nothing is found.
std::size_t line_of(const std::optional<ListFiles::Place>& place) {
  return place ? place->line : 0;
}

TEST_CASE("a named list has the names and networks of all its files, of wanted lines alone") {
  const test::ScratchFile one("a.test @cn\nb.test @cn @ads\n10.0.0.0/8 @cn\n");
  const test::ScratchFile two("c.test\nfd00::/8\n");
  const World world(
      {{}, {}, {{"sites", {{one.path(), {"cn", "-ads"}}, {two.path()}}}, {"all", {{one.path()}}}}});
  const policy::List& sites = world.list(0);
  CHECK(sites.names.has(name("x.a.test")));
  CHECK_FALSE(sites.names.has(name("b.test")));
  CHECK(sites.names.has(name("c.test")));
  CHECK(sites.networks.contains(address("10.1.1.1")));
  CHECK(sites.networks.contains(address("fd00::1")));
  const policy::List& all = world.list(1);
  CHECK(all.names.has(name("b.test")));
  CHECK_FALSE(all.names.has(name("c.test")));
  CHECK_FALSE(all.networks.contains(address("fd00::1")));
  CHECK_FALSE(world.files.lists()->block(name("a.test")));
}

TEST_CASE("a file may be blocked and be a named list, which are told apart") {
  const test::ScratchFile file("a.test\n@@||ok.a.test^\n10.0.0.0/8\n");
  const World world({{file.path()}, {}, {{"sites", {{file.path()}}}}});
  CHECK(world.files.lists()->block(name("a.test")));
  CHECK(world.files.lists()->blocked.size() == 2);
  CHECK(world.list(0).names.size() == 2);
  CHECK(world.list(0).names.has(name("a.test")));
  CHECK_FALSE(world.list(0).names.has(name("ok.a.test")));
}

TEST_CASE("the line of a named list that takes a name or an address is found") {
  const test::ScratchFile one("# title\nother.test\n10.1.0.0/16\n@@||ok.a.test^\n");
  const test::ScratchFile two("a.test\nfull:x.a.test\n10.0.0.0/8\n||a.test^$important\n");
  const World world(
      {{}, {}, {{"none", {{one.path()}}}, {"sites", {{one.path()}, {two.path(), {"-x"}}}}}});
  const auto found = world.files.find(1, address("10.1.1.1"));
  REQUIRE(found);
  CHECK(found->path == one.path());
  CHECK(found->line == 3);
  CHECK(found->text == "10.1.0.0/16");
  CHECK(line_of(world.files.find(1, address("::ffff:10.2.1.1"))) == 3);
  CHECK(world.files.find(1, address("10.2.1.1"))->path == two.path());
  CHECK(line_of(world.files.find(1, name("b.other.test"))) == 2);
  CHECK(line_of(world.files.find(1, name("x.a.test"))) == 4);
  CHECK(line_of(world.files.find(1, name("ok.a.test"))) == 4);
  CHECK_FALSE(world.files.find(0, name("a.test")));
  CHECK_FALSE(world.files.find(0, address("10.2.1.1")));
  CHECK_FALSE(world.files.find(1, address("11.1.1.1")));
}

TEST_CASE("what a named list spares has no line that takes it") {
  const test::ScratchFile file("a.test\n@@||ok.a.test^\n");
  const World world({{}, {}, {{"sites", {{file.path()}}}}});
  CHECK(world.files.find(0, name("a.test")));
  CHECK_FALSE(world.files.find(0, name("ok.a.test")));
}

}  // namespace
}  // namespace dnslet::config
