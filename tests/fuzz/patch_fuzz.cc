// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// A message that parses is turned into a client's answer, aged and cut: it fits together with our
// OPT, and if it is steady it still parses and holds the first of its records.

#include <cassert>
#include <vector>

#include "dns/flatten.h"
#include "dns/patch.h"
#include "dns/reply.h"
#include "dns/without_opt.h"
#include "input.h"
#include "records.h"

namespace {

using namespace dnslet;
using dns::Bytes, dns::Message, dns::Query, dns::Record;
using fuzz::records_of;

// Whoever asks for `question`: every second letter in upper case where `steer` says so.
Query make_query(fuzz::Input& input, const dns::Question& question, std::uint8_t steer) {
  Query query;
  query.id = input.word();
  query.flags = input.word();
  query.question = question;
  query.has_question = true;
  Bytes spelling(question.name.view().wire().begin(), question.name.view().wire().end());
  for (std::size_t i = 1; i < spelling.size(); i += 2)
    if (steer & 1 && spelling[i] >= 'a' && spelling[i] <= 'z') spelling[i] -= 'a' - 'A';
  query.spelling.assign(spelling, question.name);
  if (steer & 2) query.edns = dns::Edns{.dnssec_ok = (steer & 4) != 0};
  return query;
}

void check_aged(const Message& message, std::uint32_t age) {
  Bytes bytes(message.size());
  std::vector<uint16_t> ttls;
  dns::find_ttls(message, ttls);
  dns::copy_counted_down(message.bytes(), bytes, ttls, age);
  const auto aged = Message::parse(bytes);
  assert(aged);
  const std::vector<Record> before = records_of(message);
  const std::vector<Record> after = records_of(*aged);
  for (std::size_t i = 0; i < before.size(); ++i) {
    assert(after[i].ttl == before[i].ttl - std::min(before[i].ttl, age));
    assert(std::ranges::equal(aged->rdata(after[i]), message.rdata(before[i])));
  }
}

// What was left out is told where the client needs it, and nothing else is.
void check_cut(const Message& whole, const Message& part, const Query& query) {
  const std::vector<Record> before = records_of(whole);
  const std::vector<Record> after = records_of(part);
  assert(after.size() <= before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    assert(after[i].section == before[i].section && after[i].end == before[i].end);
    assert(part.owner(after[i]) == whole.owner(before[i]));
  }
  const bool has_all = part.count(dns::Section::Answer) == whole.count(dns::Section::Answer);
  const bool has_proof =
      part.count(dns::Section::Authority) == whole.count(dns::Section::Authority);
  const bool is_negative = whole.count(dns::Section::Answer) == 0;
  const bool needs_proof = query.dnssec_ok() || is_negative;
  const bool is_cut = !has_all || (!has_proof && needs_proof);
  assert(part.has(dns::flag::kTc) == (is_cut || whole.has(dns::flag::kTc)));
}

// Flattened it fits, and if it is steady it echoes the question and holds what was there or fewer.
void check_flattened(Bytes message, std::size_t room, const Query& query, bool is_steady) {
  const std::size_t limit = dns::kHeaderSize + query.question.name.view().wire().size() + 4 + room;
  const std::size_t records = records_of(*Message::parse(message)).size();
  dns::address_to(message, query);
  const std::size_t size = dns::flatten(message, limit, query);
  assert(size <= limit && size <= message.size());
  if (!is_steady) return;
  const auto flat = Message::parse(dns::BytesView(message).first(size));
  assert(flat && flat->size() == size && flat->question() == query.question);
  assert(records_of(*flat).size() <= records);
}

// Room for `limit` bytes and not one more, the message in front.
Bytes make_reply(Bytes message, std::size_t limit, const Query& query,
                 const dns::ExtendedError& error) {
  const std::size_t room = limit - (query.edns ? dns::kOptSize : 0);
  dns::address_to(message, query);
  const std::size_t size = dns::cut(message, room, query);
  assert(size <= room && size <= message.size());

  Bytes out(limit);
  std::ranges::copy(dns::BytesView(message).first(size), out.begin());
  const std::size_t end = dns::append_opt(out, size, query, {dns::Rcode::NoError, &error});
  assert(end >= size && end <= limit);
  out.resize(end);
  return out;
}

// REQUIRES: is_steady(whole).
void check_reply(const Message& whole, const Bytes& bytes, const Query& query) {
  const auto reply = Message::parse(bytes);
  assert(reply && reply->size() == bytes.size() && reply->id() == query.id);
  assert(reply->has(dns::flag::kQr) && reply->question() == query.question);
  assert(reply->edns().has_value() == query.edns.has_value());
  const Bytes spelled = fuzz::spelled_name(query);
  const auto echoed = reply->bytes().subspan(dns::kHeaderSize, spelled.size());
  assert(std::ranges::equal(echoed, spelled));

  const Bytes bare = dns::without_opt(*reply);
  check_cut(whole, *Message::parse(bare), query);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t steer = input.byte();
  const std::size_t limit = std::max<std::size_t>(dns::kMinUdpPayload, input.word());
  const std::uint32_t age = std::uint32_t{input.word()} << 16 | input.word();
  fuzz::Input client(data, size);  // for id and flags the same bytes do
  const Bytes packet = input.rest();
  const auto message = Message::parse(packet);
  if (!message) return 0;

  const Query query = make_query(client, message->question(), steer);
  const Bytes bare = dns::without_opt(*message);
  const dns::ExtendedError error(dns::extended_error(*message));
  const Bytes reply = make_reply(bare, limit, query, error);
  const bool is_steady = fuzz::is_steady(*message);
  if (Message::parse(bare)) check_flattened(bare, limit % dns::kMinUdpPayload, query, is_steady);
  if (!is_steady) return 0;

  const auto folded = Message::parse(bare);
  assert(folded);
  check_aged(*folded, age);
  check_reply(*folded, reply, query);
  return 0;
}
