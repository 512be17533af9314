// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Entries of a file that anybody may have written: what is taken for one is an answer that the
// cache may keep, and comes out of it as the same entry.

#include <cassert>

#include "input.h"
#include "policy/cache.h"
#include "policy/stored_answer.h"

namespace {

using namespace dnslet;
using dns::Bytes, dns::BytesView;
using policy::StoredEntry;

constexpr policy::Milliseconds kNow{1'000'000};
constexpr policy::WallTime kWall{1'800'000'000'000};
constexpr std::uint32_t kRules = 3;

void check(const StoredEntry& entry) {
  assert(entry.left <= entry.answer.lifetime());
  assert(entry.answer.is_whole());
  policy::Cache cache(10, 1);
  cache.restore(entry.key(), entry.answer, {kNow, entry.left}, 0);
  if (cache.entries() == 0) return;  // too large for so small a cache
  Bytes bytes;
  policy::Cache::Walk walk;
  (void)cache.walk(walk, 1, kNow, [&](const policy::CacheTable::Entry& kept) {
    (void)append_entry(kept, kWall, kRules, bytes);
  });
  BytesView rest = bytes;
  StoredEntry again;
  assert(read_entry(rest, kWall, kRules, again) && rest.empty());
  assert(again.left == entry.left && again.route == entry.route);
  assert(again.question == entry.question);
  // The cache keeps no id.
  assert(dns::same_bytes(again.answer.message().subspan(2), entry.answer.message().subspan(2)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const policy::WallTime now = kWall + policy::WallTime(input.word() * 100);
  const Bytes bytes = input.rest();
  BytesView rest = bytes;
  StoredEntry entry;
  while (!rest.empty()) {  // ends: each takes its size at least
    const std::size_t before = rest.size();
    if (!read_entry(rest, now, kRules, entry)) return 0;
    assert(rest.size() < before);
    if (entry.left.count() > 0) check(entry);
  }
  return 0;
}
