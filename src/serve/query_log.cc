// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "serve/query_log.h"

#include <string>

#include "dns/record_text.h"

namespace dnslet::serve {
namespace {

constexpr std::size_t kMaxShown = 8;
constexpr std::size_t kMaxText = 512;  // with the longest name in front the line is still whole

std::string answer_text(dns::BytesView bytes) {
  const auto message = dns::Message::parse(bytes);
  if (!message) return "-";
  std::string text;
  std::size_t shown = 0;
  message->for_each_record([&](const dns::Record& record) {
    if (record.section != dns::Section::Answer) return;
    if (++shown > kMaxShown || text.size() > kMaxText) return;
    text += (text.empty() ? "" : ",") + rdata_text(*message, record);
  });
  const bool is_cut = text.size() > kMaxText;
  if (is_cut) text.resize(kMaxText);
  if (is_cut || shown > kMaxShown) text += ",…";
  return text.empty() ? "-" : text;
}

}  // namespace

io::LogLine query_line(const policy::Lookup& lookup, const Outgoing& outgoing,
                       std::chrono::nanoseconds taken) {
  const dns::Query& query = lookup.query();

  io::LogLine line("query");
  line.with("client", lookup.client().address.to_text());
  line.with("proto", kProtocolNames[static_cast<std::size_t>(lookup.client().protocol)]);
  line.with("name", query.has_question ? query.question.name.view().to_text() : "-");
  line.with("type", query.has_question ? to_text(query.question.type) : "-");
  line.with("rcode", to_text(outgoing.reply.rcode));
  line.with("answer", answer_text(outgoing.message));
  line.with("source", to_text(outgoing.reply.source));
  if (!outgoing.via.empty()) line.with("via", outgoing.via);
  line.with("ms", static_cast<double>(taken.count()) / 1e6, 2);
  return line;
}

}  // namespace dnslet::serve
