// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/message.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "dns/rdata.h"

namespace dnslet::dns {
namespace {

constexpr std::pair<uint16_t, const char*> kTypeNames[] = {
    {1, "A"},           {2, "NS"},          {3, "MD"},      {4, "MF"},      {5, "CNAME"},
    {6, "SOA"},         {7, "MB"},          {8, "MG"},      {9, "MR"},      {12, "PTR"},
    {13, "HINFO"},      {14, "MINFO"},      {15, "MX"},     {16, "TXT"},    {17, "RP"},
    {18, "AFSDB"},      {19, "X25"},        {20, "ISDN"},   {21, "RT"},     {24, "SIG"},
    {25, "KEY"},        {26, "PX"},         {27, "GPOS"},   {28, "AAAA"},   {29, "LOC"},
    {30, "NXT"},        {33, "SRV"},        {35, "NAPTR"},  {36, "KX"},     {37, "CERT"},
    {39, "DNAME"},      {42, "APL"},        {43, "DS"},     {44, "SSHFP"},  {45, "IPSECKEY"},
    {46, "RRSIG"},      {47, "NSEC"},       {48, "DNSKEY"}, {49, "DHCID"},  {50, "NSEC3"},
    {51, "NSEC3PARAM"}, {52, "TLSA"},       {53, "SMIMEA"}, {55, "HIP"},    {59, "CDS"},
    {60, "CDNSKEY"},    {61, "OPENPGPKEY"}, {62, "CSYNC"},  {63, "ZONEMD"}, {64, "SVCB"},
    {65, "HTTPS"},      {99, "SPF"},        {108, "EUI48"}, {109, "EUI64"}, {249, "TKEY"},
    {250, "TSIG"},      {251, "IXFR"},      {252, "AXFR"},  {255, "ANY"},   {256, "URI"},
    {257, "CAA"},       {32769, "DLV"}};
constexpr const char* kTypePrefix = "TYPE";  // RFC 3597 section 5

constexpr uint8_t kEdnsVersion = 0;

Edns edns_of(const Record& opt) {
  Edns edns;
  edns.udp_payload = static_cast<uint16_t>(opt.rclass);
  edns.extended_rcode = static_cast<uint8_t>(opt.ttl >> 24);
  edns.version = static_cast<uint8_t>(opt.ttl >> 16);
  edns.dnssec_ok = (opt.ttl & kDnssecOkBit) != 0;
  return edns;
}

// Moves behind a name that may be compressed without following it. False: cut short or a label type
// that does not exist.
bool skip_name(Reader& reader) {
  while (true) {  // ends: every turn reads at least one byte
    const uint8_t length = reader.u8();
    if (!reader.ok()) return false;
    if (length == 0) return true;
    if (length >= 0xc0) {
      reader.skip(1);
      return reader.ok();
    }
    if (length > kMaxLabel) return false;
    reader.skip(length);
  }
}

constexpr std::size_t kFixedSize = 10;

// Reads the part of a record behind its owner name.
Record read_fixed(Reader& reader, std::size_t start) {
  Record record;
  record.start = start;
  record.fixed = reader.offset();
  const BytesView bytes = reader.bytes(kFixedSize);
  if (bytes.empty()) return record;
  const auto fixed = bytes.first<kFixedSize>();  // whose places need no check while running
  const auto u16 = [fixed](std::size_t at) {
    return static_cast<uint16_t>(fixed[at] << 8 | fixed[at + 1]);
  };
  record.type = static_cast<Type>(u16(0));
  record.rclass = static_cast<Class>(u16(2));
  record.ttl = uint32_t{u16(4)} << 16 | u16(6);
  reader.skip(u16(8));
  record.end = reader.offset();
  return record;
}

// Whether the options of an OPT record fill its RDATA exactly (RFC 6891 section 6.1.2). What
// another version has there nobody knows.
bool options_are_whole(BytesView rdata, const Edns& edns) {
  if (edns.version != kEdnsVersion) return true;
  Reader reader(rdata);
  while (reader.ok() && reader.remaining() > 0) {
    reader.skip(2);
    reader.skip(reader.u16());
  }
  return reader.ok();
}

// REQUIRES: the options are whole.
std::optional<BytesView> find_option(BytesView rdata, uint16_t code) {
  Reader reader(rdata);
  while (reader.remaining() > 0 && reader.ok()) {
    const uint16_t found = reader.u16();
    const BytesView data = reader.bytes(reader.u16());
    if (found == code) return data;
  }
  return std::nullopt;
}

void read_subnet(BytesView rdata, Query& query) {
  const auto data = find_option(rdata, kOptionClientSubnet);
  if (!data) return;
  query.subnet = read_client_subnet(*data);
  query.has_broken_subnet = !query.subnet || query.subnet->scope != 0;
  if (query.has_broken_subnet) query.subnet.reset();
}

// The header's, in its order.
struct Counts {
  uint16_t question, answer, authority, additional;
};

// The records of a query in any section: owners must be sound, at most one OPT, and that with the
// root as owner (RFC 6891 section 6.1.1) in the additional section.
bool read_query_records(BytesView packet, Reader& reader, const Counts& counts, Query& query) {
  const std::size_t before_additional = std::size_t{counts.answer} + counts.authority;
  const std::size_t total = before_additional + counts.additional;
  JumpBudget jumps;
  for (std::size_t i = 0; i < total; ++i) {  // ends: a record takes 11 bytes, a short read fails
    const std::size_t start = reader.offset();
    const bool owner_is_root = reader.remaining() > 0 && packet[start] == 0;
    if (owner_is_root) reader.skip(1);  // an OPT's: there is nothing to follow
    if (!owner_is_root && !Name::from_message(packet, reader, jumps)) return false;
    const Record record = read_fixed(reader, start);
    if (!reader.ok()) return false;
    if (record.type != Type::OPT) continue;
    const BytesView rdata = packet.subspan(record.rdata(), record.end - record.rdata());
    const Edns edns = edns_of(record);
    if (query.edns || !owner_is_root || i < before_additional) return false;
    query.edns = edns;
    if (!options_are_whole(rdata, edns)) return false;
    if (edns.version != kEdnsVersion) continue;
    read_subnet(rdata, query);
    query.wants_padding = find_option(rdata, kOptionPadding).has_value();
  }
  return true;
}

bool read_question(BytesView packet, Reader& reader, Query& query) {
  const std::size_t start = reader.offset();
  if (!query.question.name.read_wire(reader)) return false;
  const std::size_t name_size = reader.offset() - start;
  query.question.type = static_cast<Type>(reader.u16());
  query.question.qclass = static_cast<Class>(reader.u16());
  if (!reader.ok()) return false;
  query.spelling.assign(packet.subspan(start, name_size), query.question.name);
  query.has_question = true;
  return true;
}

// Of more questions than one nothing is answered.
bool skip_questions(Reader& reader, std::size_t count) {
  for (; count > 0; --count) {  // ends: a short read fails
    if (!skip_name(reader)) return false;
    reader.skip(4);
  }
  return reader.ok();
}

// Most owners are a pointer to the question's name (RFC 1035 section 4.1.4), which has been
// checked.
bool skip_question_pointer(Reader& reader) {
  const BytesView rest = reader.rest();
  const bool is_pointer = rest.size() >= 2 && rest[0] == 0xc0 && rest[1] == kHeaderSize;
  if (is_pointer) reader.skip(2);
  return is_pointer;
}

}  // namespace

void Spelling::assign(BytesView wire, NameView name) {
  const BytesView folded = name.wire();
  has_capitals_ = !same_bytes(wire, folded);
  if (!has_capitals_) return;
  for (std::size_t i = 0; i < folded.size(); ++i) capitals_[i] = wire[i] != folded[i];
}

void Spelling::apply_to(MutableBytesView wire) const {
  if (!has_capitals_) return;
  for (std::size_t i = 0; i < wire.size(); ++i)
    if (capitals_[i]) wire[i] = static_cast<uint8_t>(wire[i] - ('a' - 'A'));
}

std::string to_text(Rcode rcode) {
  switch (rcode) {
    case Rcode::NoError:
      return "NOERROR";
    case Rcode::FormErr:
      return "FORMERR";
    case Rcode::ServFail:
      return "SERVFAIL";
    case Rcode::NxDomain:
      return "NXDOMAIN";
    case Rcode::NotImp:
      return "NOTIMP";
    case Rcode::Refused:
      return "REFUSED";
    case Rcode::BadVers:
      return "BADVERS";
  }
  return "RCODE" + std::to_string(static_cast<unsigned>(rcode));
}

std::string to_text(Type type) {
  for (const auto& [number, name] : kTypeNames)
    if (number == static_cast<uint16_t>(type)) return name;
  return kTypePrefix + std::to_string(static_cast<unsigned>(type));
}

std::optional<Type> type_from_text(std::string_view text) {
  std::string word(text);
  std::ranges::transform(word, word.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  for (const auto& [number, name] : kTypeNames)
    if (word == name) return static_cast<Type>(number);

  const std::string_view prefix = kTypePrefix;
  if (!word.starts_with(prefix)) return std::nullopt;
  const char* const end = word.data() + word.size();
  uint16_t number = 0;
  const auto [stop, error] = std::from_chars(word.data() + prefix.size(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return static_cast<Type>(number);
}

ReceivedQuery parse_query(BytesView packet) {
  ReceivedQuery received;
  received.verdict = parse_query_into(packet, received.query);
  return received;
}

Verdict parse_query_into(BytesView packet, Query& query) {
  Reader reader(packet);
  query.id = reader.u16();
  query.flags = reader.u16();
  const Counts counts = {reader.u16(), reader.u16(), reader.u16(), reader.u16()};
  if (!reader.ok() || query.has(flag::kQr)) return Verdict::Drop;

  // The OPT is looked for in what gets an error too: the error then carries one.
  const bool has_question = counts.question == 1 && read_question(packet, reader, query);
  const bool is_readable =
      (has_question || (counts.question != 1 && skip_questions(reader, counts.question))) &&
      read_query_records(packet, reader, counts, query);
  if ((query.flags & flag::kOpcode) != 0) return Verdict::NotImp;
  if (!has_question || !is_readable) return Verdict::FormErr;

  // RFC 6891 section 6.1.3: an unknown version is told apart from a broken packet.
  return query.edns && query.edns->version != kEdnsVersion ? Verdict::BadVers : Verdict::Usable;
}

std::optional<Message> Message::parse(BytesView packet) {
  if (packet.size() < kHeaderSize || packet.size() > kMaxMessage) return std::nullopt;
  Message message(packet);
  if (message.word(4) != 1) return std::nullopt;

  Reader reader(packet);
  reader.skip(kHeaderSize);
  if (!message.question_.name.read_wire(reader)) return std::nullopt;
  message.question_.type = static_cast<Type>(reader.u16());
  message.question_.qclass = static_cast<Class>(reader.u16());
  message.question_end_ = reader.offset();
  if (!reader.ok() || !message.check_records(reader)) return std::nullopt;

  message.bytes_ = packet.first(reader.offset());
  return message;
}

Message Message::reopen(BytesView front) {
  Message message(front);
  Reader reader(front);
  reader.skip(kHeaderSize);
  (void)message.question_.name.read_wire(reader);  // parse() has checked it
  message.question_.type = static_cast<Type>(reader.u16());
  message.question_.qclass = static_cast<Class>(reader.u16());
  message.question_end_ = reader.offset();
  return message;
}

bool Message::check_records(Reader& reader) {
  JumpBudget jumps;
  for (const Section section : {Section::Answer, Section::Authority, Section::Additional}) {
    for (std::size_t left = count(section); left > 0; --left) {  // ends: a short read fails
      const std::size_t start = reader.offset();
      if (!skip_question_pointer(reader) && !Name::from_message(bytes_, reader, jumps))
        return false;
      Record record = read_fixed(reader, start);
      record.section = section;
      if (!reader.ok() || !is_sound_rdata(bytes_, record, jumps)) return false;
      if (record.type == Type::OPT && !check_opt(record)) return false;
    }
  }
  return true;
}

bool Message::check_opt(const Record& record) {
  if (opt_ || record.section != Section::Additional || bytes_[record.start] != 0) return false;
  opt_ = record;
  edns_ = edns_of(record);
  return options_are_whole(rdata(record), *edns_);
}

Rcode Message::rcode() const {
  const unsigned upper = edns_ ? edns_->extended_rcode : 0U;
  return static_cast<Rcode>(upper << 4 | (flags() & flag::kRcode));
}

Record Message::read_record(Reader& reader, Section section) {
  const std::size_t start = reader.offset();
  const BytesView rest = reader.rest();
  if (!rest.empty() && rest[0] >= 0xc0)  // most are a pointer and nothing else
    reader.skip(2);
  else
    (void)skip_name(reader);  // parse() has checked it
  Record record = read_fixed(reader, start);
  record.section = section;
  return record;
}

Name Message::name_at(std::size_t offset) const {
  JumpBudget jumps;
  return name_at(offset, jumps).value_or(Name());
}

std::optional<Name> Message::name_at(std::size_t offset, JumpBudget& jumps) const {
  Reader reader(bytes_);
  reader.skip(offset);
  return Name::from_message(bytes_, reader, jumps);
}

// parse() has checked that the options are whole.
std::optional<BytesView> find_option(const Message& message, uint16_t code) {
  if (!message.opt() || message.edns()->version != kEdnsVersion) return std::nullopt;
  return find_option(message.rdata(*message.opt()), code);
}

BytesView extended_error(const Message& message) {
  const BytesView data = find_option(message, kOptionExtendedError).value_or(BytesView());
  return data.size() >= 2 ? data : BytesView();
}

}  // namespace dnslet::dns
