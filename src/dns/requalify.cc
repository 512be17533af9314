// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/requalify.h"

#include <algorithm>

#include "dns/answer.h"
#include "dns/rewrite.h"

namespace dnslet::dns {
namespace {

constexpr uint16_t kKept = flag::kQr | flag::kTc | flag::kRcode;

uint32_t smallest_ttl(const Message& message, uint32_t limit) {
  message.for_each_record([&](const Record& record) {
    if (record.section == Section::Answer) limit = std::min(limit, record.ttl);
  });
  return limit;
}

}  // namespace

Bytes requalify(const Message& found, const Question& asked, uint32_t max_ttl) {
  const bool is_same = found.question().name == asked.name;
  const bool exists = found.rcode() == Rcode::NoError;
  const bool has_answers = found.count(Section::Answer) > 0 && (exists || is_same);
  const bool needs_proof = !has_data(found) || !exists;

  Bytes out(kMaxMessage);
  RecordWriter writer(found, out);
  writer.write_head(found.flags() & kKept, asked);
  if (has_answers && !is_same)
    writer.write_alias(asked, found.question().name, smallest_ttl(found, max_ttl));
  found.for_each_record([&](const Record& record) {
    const bool is_answer = has_answers && record.section == Section::Answer;
    const bool is_proof =
        needs_proof && record.section == Section::Authority && record.type == Type::SOA;
    if (is_answer || is_proof) writer.write(record, std::min(record.ttl, max_ttl));
  });
  out.resize(writer.finish());
  return out;
}

Bytes put_alias(const Message& found, const Question& asked, uint32_t ttl) {
  Bytes out(kMaxMessage);
  RecordWriter writer(found, out);
  writer.write_head(found.flags() & kKept, asked);
  writer.write_alias(asked, found.question().name, ttl);
  found.for_each_record([&](const Record& record) {
    if (record.section != Section::Additional) writer.write(record, record.ttl);
  });
  out.resize(writer.finish());
  return out;
}

}  // namespace dnslet::dns
