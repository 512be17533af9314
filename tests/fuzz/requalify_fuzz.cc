// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// An answer found under one name is told under another: what comes out is a whole message for the
// name asked that leads to the same records, and telling it again changes nothing.

#include <algorithm>
#include <cassert>
#include <vector>

#include "dns/reply.h"
#include "dns/requalify.h"
#include "dns/without_opt.h"
#include "input.h"
#include "records.h"

namespace {

using namespace dnslet;
using dns::Bytes, dns::Message, dns::Record, dns::Section;
using fuzz::records_of;

std::vector<Record> answers_of(const Message& message) {
  std::vector<Record> answers = records_of(message);
  std::erase_if(answers, [](const Record& record) { return record.section != Section::Answer; });
  return answers;
}

// Types whose RDATA holds no name that may be compressed: it is copied byte for byte.
bool is_opaque(dns::Type type) {
  const auto number = static_cast<unsigned>(type);
  return type == dns::Type::A || type == dns::Type::AAAA || type == dns::Type::TXT || number > 39;
}

// The records behind the CNAME are those that were found, as far as there was room, but for some
// that are broken inside.
void check_answers(const Message& found, const Message& told) {
  const std::vector<Record> before = answers_of(found);
  std::vector<Record> after = answers_of(told);
  if (after.empty()) return;  // negative, or no room
  if (found.question() != told.question()) {
    assert(after.front().type == dns::Type::CNAME);
    assert(told.owner(after.front()) == told.question().name);
    assert(told.name_at(after.front().rdata()) == found.question().name);
    after.erase(after.begin());
  }
  std::size_t next = 0;
  const auto leave_out = [&] {
    assert(next < before.size() && !is_opaque(before[next].type));
    ++next;
  };
  for (const Record& record : after) {
    const auto is_next = [&] {
      return next < before.size() && record.type == before[next].type &&
             record.rclass == before[next].rclass &&
             told.owner(record) == found.owner(before[next]);
    };
    while (!is_next()) leave_out();
    assert(!is_opaque(record.type) ||
           std::ranges::equal(told.rdata(record), found.rdata(before[next])));
    ++next;
  }
  if (told.has(dns::flag::kTc)) return;
  while (next < before.size()) leave_out();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint32_t max_ttl = std::uint32_t{input.word()} << 16 | input.word();
  const Bytes spelling = input.block(input.byte());
  const Bytes packet = input.rest();
  dns::Reader reader(spelling);
  const auto name = dns::Name::from_wire(reader);
  const auto message = Message::parse(packet);
  if (!message) return 0;

  const Bytes bare = dns::without_opt(*message);
  const auto found = Message::parse(bare);
  if (!found) return 0;  // the OPT's bytes were part of a name
  dns::Question asked = found->question();
  if (name) asked.name = *name;
  const Bytes bytes = dns::requalify(*found, asked, max_ttl);
  const auto told = Message::parse(bytes);
  assert(told && told->size() == bytes.size() && told->size() <= dns::kMaxMessage);
  assert(told->question() == asked && !told->has(dns::flag::kAd) && !told->opt());
  for (const Record& record : records_of(*told)) assert(record.ttl <= max_ttl);
  check_answers(*found, *told);

  const Bytes again = dns::requalify(*told, asked, max_ttl);
  const auto same = Message::parse(again);
  assert(same && same->question() == asked);
  assert(told->has(dns::flag::kTc) || answers_of(*same).size() == answers_of(*told).size());
  return 0;
}
