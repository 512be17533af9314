// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/fake_file.h"

#include <vector>

#include "dns/wire.h"
#include "io/block_file.h"

namespace dnslet::app {
namespace {

// The file: a block with the networks, blocks of names in the order of their places, a mark, and
// places in the order of their use.
constexpr uint8_t kMark = 0xff;              // no name begins so
constexpr std::size_t kPlacesAtOnce = 1024;  // others wait for so long

struct Stored {
  std::vector<dns::Name> names;
  std::vector<uint32_t> order;
};

// Those of a block; false: there is something else.
bool take_names(dns::BytesView block, std::vector<dns::Name>& names) {
  dns::Reader reader(block);
  while (reader.remaining() > 0) {
    auto name = dns::Name::from_wire(reader);
    if (!name || names.size() == policy::FakeAddresses::kMostNames) return false;
    names.push_back(*name);
  }
  return true;
}

// Nothing of what makes no sense.
Stored parse(io::BlockReader& reader) {
  Stored stored;
  auto block = reader.next();
  for (; block && !block->empty() && block->front() != kMark; block = reader.next())
    if (!take_names(*block, stored.names)) return {};
  block = reader.next();
  if (!block) return {};
  for (dns::Reader order(*block); order.remaining() >= sizeof(uint32_t);)
    stored.order.push_back(order.u32());
  return stored;
}

}  // namespace

Status write_fakes(policy::FakeAddresses& fakes, const std::string& path) {
  io::BlockWriter writer(path);
  Status status = writer.open();
  if (status) status = writer.add(fakes.networks());
  dns::Bytes block;
  for (uint32_t place = 0; status; place += kPlacesAtOnce) {
    block.clear();
    fakes.append_names(place, kPlacesAtOnce, block);
    if (block.empty()) break;
    status = writer.add(block);
  }
  if (status) status = writer.add(dns::Bytes{kMark});
  block = fakes.places_by_use();
  if (status && !block.empty()) status = writer.add(block);
  return status ? writer.finish() : status;
}

Status read_fakes(const std::string& path, policy::FakeAddresses& fakes) {
  io::BlockReader reader(path);
  const auto opened = reader.open();
  if (!opened) return opened.error();
  if (!*opened) return Done{};
  const auto networks = reader.next();
  if (!networks || !fakes.has_some_of(*networks)) return Done{};
  const Stored stored = parse(reader);
  fakes.restore(stored.names, stored.order);
  return Done{};
}

}  // namespace dnslet::app
