// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/query_log.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "io/log.h"

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

std::string query_line(const policy::Lookup& lookup, const Outgoing& outgoing,
                       std::chrono::nanoseconds taken) {
  const dns::Query& query = lookup.query();
  const bool is_udp = lookup.client().transport == policy::Transport::Udp;
  std::array<char, 32> ms{};
  (void)std::snprintf(ms.data(), ms.size(), "%.2f", static_cast<double>(taken.count()) / 1e6);

  std::string line = "query client=" + lookup.client().address.to_text();
  line += std::string(" proto=") + (is_udp ? "udp" : "tcp");
  line += " name=" + (query.has_question ? io::quoted(query.question.name.view().to_text()) : "-");
  line += " type=" + (query.has_question ? to_text(query.question.type) : "-");
  line += " rcode=" + to_text(outgoing.reply.rcode);
  line += " answer=" + io::quoted(answer_text(outgoing.message));
  line += std::string(" source=") + to_text(outgoing.reply.source);
  if (!outgoing.via.empty()) line.append(" via=").append(outgoing.via);
  return line + " ms=" + ms.data();
}

}  // namespace dnslet::app
