// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/query_log.h"

#include <algorithm>
#include <string>

namespace dnslet::app {
namespace {

constexpr std::size_t kMaxShown = 8;

IpAddress address_in(dns::BytesView rdata) {
  IpAddress address;
  address.family = rdata.size() == 4 ? Family::V4 : Family::V6;
  std::ranges::copy(rdata, address.bytes.begin());
  return address;
}

std::string record_text(const dns::Message& message, const dns::Record& record) {
  const dns::BytesView rdata = message.rdata(record);
  switch (record.type) {
    case dns::Type::A:
    case dns::Type::AAAA: {
      const std::size_t size = record.type == dns::Type::A ? 4 : 16;
      return rdata.size() == size ? address_in(rdata).to_text() : to_text(record.type);
    }
    case dns::Type::CNAME:
    case dns::Type::NS:
    case dns::Type::PTR:
      return message.name_at(record.rdata()).view().to_text();
    default:
      return to_text(record.type);
  }
}

std::string answer_text(dns::BytesView bytes) {
  const auto message = dns::Message::parse(bytes);
  if (!message) return "-";
  std::string text;
  std::size_t shown = 0;
  message->for_each_record([&](const dns::Record& record) {
    if (record.section != dns::Section::Answer) return;
    if (++shown > kMaxShown) return;
    text += (text.empty() ? "" : ",") + record_text(*message, record);
  });
  if (shown > kMaxShown) text += ",…";
  return text.empty() ? "-" : text;
}

}  // namespace

io::LogLine query_line(const policy::Lookup& lookup, const Outgoing& outgoing,
                       std::chrono::nanoseconds taken) {
  const dns::Query& query = lookup.query();
  const bool is_udp = lookup.client().transport == policy::Transport::Udp;

  io::LogLine line("query");
  line.with("client", lookup.client().address.to_text());
  line.with("proto", is_udp ? "udp" : "tcp");
  line.with("name", query.has_question ? query.question.name.view().to_text() : "-");
  line.with("type", query.has_question ? to_text(query.question.type) : "-");
  line.with("rcode", to_text(outgoing.reply.rcode));
  line.with("answer", answer_text(outgoing.message));
  line.with("source", to_text(outgoing.reply.source));
  if (!outgoing.via.empty()) line.with("via", outgoing.via);
  line.with("ms", static_cast<double>(taken.count()) / 1e6, 2);
  return line;
}

}  // namespace dnslet::app
