// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Any bytes as a client's packet and as a message: what parses can be walked to its end, and is the
// same without its OPT.

#include <algorithm>
#include <cassert>
#include <vector>

#include "dns/answer.h"
#include "dns/message.h"
#include "dns/reply.h"
#include "dns/svcb.h"
#include "dns/without_opt.h"
#include "records.h"

namespace {

using namespace dnslet::dns;  // NOLINT(google-build-using-namespace): of the code under test
using dnslet::fuzz::records_of;

void check_query(BytesView packet) {
  const ReceivedQuery received = parse_query(packet);
  const Query& query = received.query;
  const std::size_t limit = query.udp_limit();
  assert(limit >= kMinUdpPayload && limit <= kMaxUdpPayload);
  assert(packet.size() >= kHeaderSize || received.verdict == Verdict::Drop);
  assert(query.has_question || received.verdict != Verdict::Usable);
  if (!query.has_question) return;

  const Bytes spelled = dnslet::fuzz::spelled_name(query);
  assert(std::ranges::equal(spelled, packet.subspan(kHeaderSize, spelled.size())));
  if (received.verdict != Verdict::Usable) return;

  const auto message = Message::parse(packet);
  if (!message) return;  // a query may have RDATA that no answer may have
  assert(message->size() <= packet.size() && message->question() == query.question);
  assert(message->edns().has_value() == query.edns.has_value());
}

void check_walk(const Message& message) {
  std::size_t end = message.question_end();
  for (const Record& record : records_of(message)) {
    assert(record.start == end && record.fixed > record.start && record.end >= record.rdata());
    assert(record.ttl_offset() + 4 <= record.rdata() && record.end <= message.size());
    assert(message.rdata(record).size() == record.end - record.rdata());
    end = record.end;

    const Name owner = message.owner(record);
    assert(Name::from_text(owner.view().to_text()) == owner);
    assert(message.name_at(record.rdata()).view().wire().size() <= kMaxName);
  }
  assert(end == message.size());
  assert(extended_error(message).empty() || message.opt());
}

// Everything before the OPT is still there, with the same owners. REQUIRES: is_steady(message).
void check_without_opt(const Message& message) {
  const Bytes bytes = without_opt(message);
  const auto bare = Message::parse(bytes);
  assert(bare && bare->size() == bytes.size());
  assert(!bare->opt() && bare->question() == message.question());

  const std::vector<Record> before = records_of(message);
  const std::vector<Record> after = records_of(*bare);
  assert(after.size() == before.size() || message.opt());
  for (std::size_t i = 0; i < after.size(); ++i) {
    assert(after[i].start == before[i].start && after[i].end == before[i].end);
    assert(after[i].section == before[i].section && after[i].type == before[i].type);
    assert(bare->owner(after[i]) == message.owner(before[i]));
  }
}

// What is found out while a packet is read is what its bytes say.
void check_answer(const Message& message) {
  Answer read;
  read.read(message);
  const Answer same(Bytes(read.message().begin(), read.message().end()));
  assert(read.kind() == same.kind() && read.is_whole() == same.is_whole());
  assert(read.lifetime() == same.lifetime() && std::ranges::equal(read.ttls(), same.ttls()));
}

// Without hints it is as sound as before, and has none; all records are there.
void check_without_hints(const Message& message) {
  if (message.opt()) return;
  for (const Hint hint : {Hint::Ipv4, Hint::Ipv6}) {
    const auto rest = without_hints(message, hint);
    if (!rest) continue;
    const auto bare = Message::parse(*rest);
    assert(bare && bare->size() == rest->size() && bare->question() == message.question());
    assert(bare->has(flag::kTc) || records_of(*bare).size() == records_of(message).size());
    assert(!without_hints(*bare, hint));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView packet(data, size);
  check_query(packet);
  if (const auto message = Message::parse(packet)) {
    check_walk(*message);
    check_without_hints(*message);
    const Bytes bare = without_opt(*message);
    assert(bare.size() <= message->size());
    check_answer(*message);
    if (dnslet::fuzz::is_steady(*message)) check_without_opt(*message);
  }
  return 0;
}
