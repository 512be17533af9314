// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/reply.h"

#include <algorithm>

#include "dns/patch.h"

namespace dnslet::dns {
namespace {

constexpr uint16_t kPointerToQuestion = 0xc000 | kHeaderSize;

// What precedes the RDATA length of an OPT of ours (RFC 6891 section 6.1.2).
void write_opt_head(Writer& writer, unsigned extended_rcode, bool dnssec_ok) {
  constexpr auto kOpt = static_cast<uint8_t>(Type::OPT);
  const uint8_t dnssec = dnssec_ok ? kDnssecOkBit >> 8 : 0;
  const std::array<uint8_t, kOptSize - 2> head = {0,
                                                  0,
                                                  kOpt,
                                                  kMaxUdpPayload >> 8,
                                                  kMaxUdpPayload & 0xff,
                                                  static_cast<uint8_t>(extended_rcode),
                                                  0,
                                                  dnssec,
                                                  0};
  writer.bytes(head);
}

// What a header begins with.
struct HeaderStart {
  unsigned id = 0;
  unsigned flags = 0;
  uint8_t questions = 0;
};

// Through one array, which the compiler fills in registers.
void write_header(Writer& writer, const HeaderStart& start) {
  const std::array<uint8_t, kHeaderSize> header = {static_cast<uint8_t>(start.id >> 8),
                                                   static_cast<uint8_t>(start.id),
                                                   static_cast<uint8_t>(start.flags >> 8),
                                                   static_cast<uint8_t>(start.flags),
                                                   0,
                                                   start.questions};
  writer.bytes(header);
}

void write_question(Writer& writer, const Question& question) {
  writer.bytes(question.name.view().wire());
  writer.u16(static_cast<uint16_t>(question.type));
  writer.u16(static_cast<uint16_t>(question.qclass));
}

}  // namespace

ExtendedError::ExtendedError(BytesView data) {
  if (data.size() < 2) return;
  data_.append(data.first(data.size() <= 2 + kMaxText ? data.size() : 2));
}

ExtendedError ExtendedError::stale_answer() { return ExtendedError(std::array<uint8_t, 2>{0, 3}); }

ExtendedError ExtendedError::no_reachable_authority() {
  return ExtendedError(std::array<uint8_t, 2>{0, 22});
}

ExtendedError ExtendedError::network_error() {
  return ExtendedError(std::array<uint8_t, 2>{0, 23});
}

ExtendedError ExtendedError::blocked(std::string_view reason) {
  Bytes data{0, 15};
  data.insert(data.end(), reason.begin(), reason.end());
  return ExtendedError(data);
}

ReplyWriter::ReplyWriter(MutableBytesView out, const QuestionView& question, Rcode rcode)
    : writer_(out), qclass_(question.qclass) {
  write_header(writer_, {.flags = flag::kQr | (static_cast<unsigned>(rcode) & flag::kRcode),
                         .questions = 1});
  writer_.bytes(question.name.wire());
  writer_.u16(static_cast<uint16_t>(question.type));
  writer_.u16(static_cast<uint16_t>(question.qclass));
}

void ReplyWriter::add_address(const IpAddress& address, uint32_t ttl) {
  add_record(type_of(address.family), address.data(), ttl);
}

void ReplyWriter::add_ptr(NameView target, uint32_t ttl) {
  add_record(Type::PTR, target.wire(), ttl);
}

void ReplyWriter::add_text(std::string_view text, uint32_t ttl) {
  std::array<uint8_t, 256> rdata{};
  rdata[0] = static_cast<uint8_t>(text.size());
  std::ranges::copy(text, rdata.begin() + 1);
  add_record(Type::TXT, BytesView(rdata).first(text.size() + 1), ttl);
}

void ReplyWriter::add_record(Type type, BytesView rdata, uint32_t ttl) {
  if (truncated_) return;
  const std::size_t start = writer_.size();
  writer_.u16(kPointerToQuestion);
  writer_.u16(static_cast<uint16_t>(type));
  writer_.u16(static_cast<uint16_t>(qclass_));
  writer_.u32(ttl);
  writer_.u16(static_cast<uint16_t>(rdata.size()));
  writer_.bytes(rdata);
  if (writer_.ok()) {
    ++answers_;
    return;
  }
  writer_.rewind(start);
  truncated_ = true;
}

MutableBytesView ReplyWriter::finish() {
  writer_.u16_at(6, answers_);
  const MutableBytesView message = writer_.written();
  if (truncated_) message[2] |= static_cast<uint8_t>(flag::kTc >> 8);
  return message;
}

void write_question(Writer& writer, const Query& query) {
  const BytesView name = query.question.name.view().wire();
  writer.bytes(name);
  if (writer.ok()) query.spelling.apply_to(writer.written().last(name.size()));
  writer.u16(static_cast<uint16_t>(query.question.type));
  writer.u16(static_cast<uint16_t>(query.question.qclass));
}

std::size_t write_refusal(MutableBytesView out, const Query& query, Rcode rcode) {
  constexpr uint16_t kFromClient = flag::kOpcode | flag::kRd | flag::kCd;
  Writer writer(out);
  write_header(writer, {query.id,
                        flag::kQr | flag::kRa | (query.flags & kFromClient) |
                            (static_cast<unsigned>(rcode) & flag::kRcode),
                        static_cast<uint8_t>(query.has_question ? 1 : 0)});
  if (query.has_question) write_question(writer, query);
  return append_opt(out, writer.size(), query, {rcode});
}

namespace {

// REQUIRES: `size` bytes stand in front of what the writer has.
void write_padding(Writer& writer, std::size_t size) {
  constexpr std::size_t kOptionHead = 4;
  if (writer.room() < kOptionHead) return;
  const std::size_t end = size + writer.size() + kOptionHead;
  const std::size_t missing = (kPaddedBlock - end % kPaddedBlock) % kPaddedBlock;
  const std::size_t padding = std::min(missing, writer.room() - kOptionHead);
  writer.u16(kOptionPadding);
  writer.u16(static_cast<uint16_t>(padding));
  static constexpr std::array<uint8_t, kPaddedBlock> kZeros{};
  writer.bytes(BytesView(kZeros).first(padding));
}

}  // namespace

std::size_t append_opt(MutableBytesView out, std::size_t size, const Query& query,
                       const OptFacts& facts) {
  if (!query.edns) return size;
  Writer writer(out.subspan(size));
  write_opt_head(writer, static_cast<unsigned>(facts.rcode) >> 4, query.dnssec_ok());

  // The text is for people: where it does not fit, the code alone goes, or nothing.
  constexpr std::size_t kOptionHead = 4;
  const BytesView data = facts.error ? facts.error->data() : BytesView();
  const std::size_t subnet_size = opt_size(query) - kOptSize;
  const std::size_t taken = 2 + subnet_size + kOptionHead;
  std::size_t data_size = data.size();
  if (taken + data_size > writer.room()) data_size = std::min<std::size_t>(data_size, 2);
  if (taken + data_size > writer.room()) data_size = 0;
  writer.u16(0);  // see below
  if (query.subnet) {
    ClientSubnet subnet = *query.subnet;
    subnet.scope = facts.subnet_scope;
    write_client_subnet(writer, subnet);
  }
  if (data_size > 0) {
    writer.u16(kOptionExtendedError);
    writer.u16(static_cast<uint16_t>(data_size));
    writer.bytes(data.first(data_size));
  }
  if (facts.is_padded) write_padding(writer, size);
  writer.u16_at(kOptSize - 2, static_cast<uint16_t>(writer.size() - kOptSize));

  Reader counts(out);
  counts.skip(10);
  const auto additional = static_cast<uint16_t>(counts.u16() + 1);
  Writer(out.subspan(10, 2)).u16(additional);
  return size + writer.size();
}

QueryBytes build_upstream_query(const Question& question, const UpstreamFlags& flags,
                                QueryEdns edns, const Network* subnet) {
  const bool with_opt = edns == QueryEdns::WithEdns;
  const std::size_t name_size = question.name.view().wire().size();
  const std::size_t options_size = subnet ? ClientSubnet{*subnet}.size() : 0;
  QueryBytes query;
  Writer writer(
      query.resize(kHeaderSize + name_size + 4 + (with_opt ? kOptSize + options_size : 0)));
  writer.u16(0);
  writer.u16(static_cast<uint16_t>(flag::kAd | (flags.recursion_desired ? flag::kRd : 0U) |
                                   (flags.checking_disabled ? flag::kCd : 0U)));
  writer.u16(1);
  writer.u32(0);
  writer.u16(with_opt ? 1 : 0);
  write_question(writer, question);
  if (with_opt) {
    write_opt_head(writer, 0, flags.dnssec_ok);
    writer.u16(static_cast<uint16_t>(options_size));
    if (subnet) write_client_subnet(writer, {*subnet});
  }
  return query;
}

Bytes build_failure(const Question& question, Rcode rcode) {
  Bytes message(kHeaderSize + kMaxName + 4);
  Writer writer(message);
  writer.u16(0);
  writer.u16(static_cast<uint16_t>(flag::kQr | (static_cast<uint16_t>(rcode) & flag::kRcode)));
  writer.u16(1);
  writer.u16(0);
  writer.u32(0);
  write_question(writer, question);
  message.resize(writer.size());
  return message;
}

void copy_without_opt(const Message& message, Bytes& copy) {
  const std::size_t end = message.opt() ? message.opt()->start : message.size();
  std::size_t additional = 0;
  message.for_each_record([&](const Record& record) {
    if (record.section == Section::Additional && record.end <= end) ++additional;
  });

  const BytesView kept = message.bytes().first(end);
  copy.assign(kept.begin(), kept.end());
  Writer writer(MutableBytesView(copy).subspan(10, 2));
  writer.u16(static_cast<uint16_t>(additional));
  fold_question(copy, message.question().name);
}

}  // namespace dnslet::dns
