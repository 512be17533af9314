// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Any text as a record: one that is read makes a message that parses, its text reads back to the
// same bytes, and nothing is changed by blanks at the ends. Any bytes as RDATA: their text reads
// back to the same text.

#include <cassert>
#include <string>

#include "dns/rdata_from_text.h"
#include "dns/record_from_text.h"
#include "dns/record_text.h"
#include "dns/reply.h"
#include "input.h"

namespace {

using namespace dnslet;

// The text of such a record in an answer; empty: it is no sound RDATA.
std::string written(dns::Type type, dns::BytesView rdata) {
  dns::Bytes out(dns::kMaxMessage);
  dns::ReplyWriter reply(out, {dns::Name().view(), type}, dns::Rcode::NoError);
  reply.add_record(type, rdata, 60);
  const dns::BytesView packet = reply.finish();
  if (reply.is_full()) return "";
  const auto message = dns::Message::parse(packet);
  std::string text;
  if (message)
    message->for_each_record(
        [&](const dns::Record& record) { text = rdata_text(*message, record); });
  return text;
}

void check_text(const std::string& text) {
  const auto record = dns::record_from_text(text);
  const auto padded = dns::record_from_text("\t" + text + "\t");
  if (!record) return;
  constexpr std::size_t kMuch = 60000;  // with the rest of a message it has to fit
  if (record->rdata.size() > kMuch) return;
  const std::string back = written(record->type, record->rdata);
  assert(!back.empty());
  const auto again = dns::rdata_from_text(record->type, back);
  assert(again && *again == record->rdata);
  if (!text.ends_with('\\') && text.find('"') == std::string::npos)
    assert(padded && padded->rdata == record->rdata);
}

void check_bytes(dns::Type type, dns::BytesView rdata) {
  const std::string text = written(type, rdata);
  if (text.empty()) return;
  const auto read = dns::rdata_from_text(type, text);
  if (!read) {
    assert(text.starts_with("\\#"));  // it is not what its type makes it
    return;
  }
  assert(written(type, *read) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  if (size > 0 && data[0] >= ' ') {
    check_text(fuzz::text_of(input.rest()));
    return 0;
  }
  input.byte();
  const auto type = static_cast<dns::Type>(input.word());
  check_bytes(type, input.rest());
  return 0;
}
