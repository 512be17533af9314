// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Checked views of DNS messages (RFC 1035 section 4, RFC 6891).
//
// `Query` is a client's question: it owns all that an answer needs, so the packet may go.
// `Message` is a whole message, validated once to its last record: later walks cannot fail. It
// borrows the packet and must not outlive it. Record counts in a header are hints; nothing is
// allocated by them.

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "dns/client_subnet.h"
#include "dns/name.h"
#include "dns/wire.h"

namespace dnslet::dns {

// Values that the program has to know; every other number passes through unchanged.
enum class Type : uint16_t {
  A = 1,
  NS = 2,
  CNAME = 5,
  SOA = 6,
  PTR = 12,
  MX = 15,
  TXT = 16,
  AAAA = 28,
  SRV = 33,
  DNAME = 39,
  OPT = 41,
  DS = 43,
  DNSKEY = 48,
  SVCB = 64,
  HTTPS = 65,
  IXFR = 251,
  AXFR = 252,
  ANY = 255,
};
enum class Class : uint16_t { IN = 1, CH = 3 };
enum class Rcode : uint16_t {
  NoError = 0,
  FormErr = 1,
  ServFail = 2,
  NxDomain = 3,
  NotImp = 4,
  Refused = 5,
  BadVers = 16,
};
enum class Opcode : uint8_t { Query = 0 };

// Whether records of this type hold an address.
constexpr bool is_address_type(Type type) { return type == Type::A || type == Type::AAAA; }
// The type of records with addresses of a family, and the family of such a type.
constexpr Type type_of(Family family) { return family == Family::V4 ? Type::A : Type::AAAA; }
constexpr Family family_of(Type type) { return type == Type::A ? Family::V4 : Family::V6; }
// A for both of them: where tables keep what belongs to one name together.
constexpr Type one_family(Type type) { return type == Type::AAAA ? Type::A : type; }

// "NOERROR", "AAAA"; numbers without a name here as "RCODE23", "TYPE65280" (RFC 3597 section 5).
std::string to_text(Rcode rcode);
std::string to_text(Type type);
// The same way back, in any case; nullopt: neither a name nor TYPEn.
std::optional<Type> type_from_text(std::string_view text);

inline constexpr std::size_t kMinUdpPayload = 512;  // RFC 1035 section 4.2.1
inline constexpr std::size_t kMaxUdpPayload =
    1232;  // what we send and accept: no fragments on any path

// Bits of the second header word (RFC 1035 section 4.1.1, RFC 4035 section 3).
namespace flag {
inline constexpr uint16_t kQr = 0x8000, kOpcode = 0x7800, kAa = 0x0400, kTc = 0x0200, kRd = 0x0100,
                          kRa = 0x0080, kAd = 0x0020, kCd = 0x0010, kRcode = 0x000f;
}

inline constexpr uint16_t kOptionKeepalive = 11;      // RFC 7828 section 3.1
inline constexpr uint16_t kOptionPadding = 12;        // RFC 7830 section 3
inline constexpr uint16_t kOptionExtendedError = 15;  // RFC 8914 section 2
inline constexpr uint16_t kDnssecOkBit = 0x8000;  // low half of OPT's TTL (RFC 6891 section 6.1.3)

// The facts of an OPT record (RFC 6891 section 6.1).
struct Edns {
  uint16_t udp_payload = 0;  // as sent; not clamped
  uint8_t extended_rcode = 0;
  uint8_t version = 0;
  bool dnssec_ok = false;
};

// The spelling of a question's name, beside the folded name itself: which letters were capitals.
class Spelling {
 public:
  // `wire`: the name as it came. REQUIRES: `name` is the same, folded.
  void assign(BytesView wire, NameView name);
  // Gives the name its capitals back. REQUIRES: `wire` is that of the folded name.
  void apply_to(MutableBytesView wire) const;

 private:
  bool has_capitals_ = false;
  std::bitset<kMaxName> capitals_;  // by byte
};

// What is asked. Borrows its name.
struct QuestionView {
  NameView name;
  Type type = Type::A;
  Class qclass = Class::IN;
};

// The same; owns its name.
struct Question {
  Name name;
  Type type = Type::A;
  Class qclass = Class::IN;

  QuestionView view() const { return {name, type, qclass}; }

  bool operator==(const Question&) const = default;
};

// Who vouches for an answer of our own: AA is set for data that we own, not for refusals.
enum class Authority { None, Own };

// A client's question and all facts about the client's packet that shape the answer.
struct Query {
  uint16_t id = 0;
  uint16_t flags = 0;  // as sent
  Question question;
  Spelling spelling;          // of question.name
  bool has_question = false;  // false: the answer carries none
  std::optional<Edns> edns;
  std::optional<ClientSubnet> subnet;  // as the client says it; none where that is broken
  bool has_broken_subnet = false;
  bool wants_padding = false;  // it is padded itself (RFC 8467 section 4)

  bool has(uint16_t bit) const { return (flags & bit) != 0; }
  bool dnssec_ok() const { return edns && edns->dnssec_ok; }
  // The largest UDP answer this client takes from us (RFC 6891 section 6.2.5): 512 to 1232.
  std::size_t udp_limit() const {
    if (!edns) return kMinUdpPayload;
    return std::clamp<std::size_t>(edns->udp_payload, kMinUdpPayload, kMaxUdpPayload);
  }
};

// What a client's packet turned out to be. `Drop`: nothing to answer to (a response, or no header).
enum class Verdict { Usable, Drop, NotImp, FormErr, BadVers };

struct ReceivedQuery {
  Verdict verdict = Verdict::Drop;
  Query query;  // with Verdict::Usable whole; otherwise as far as it was understood
};

// Judges a client's packet (contract section 3.1). Bytes behind the last record are ignored.
ReceivedQuery parse_query(BytesView packet);
// The same without a copy. REQUIRES: `query` is as made.
Verdict parse_query_into(BytesView packet, Query& query);

enum class Section : uint8_t { Answer, Authority, Additional };

// One record's place in a message. Offsets count from the first byte of the message.
struct Record {
  Section section = Section::Answer;
  Type type = Type::A;
  Class rclass = Class::IN;
  uint32_t ttl = 0;
  std::size_t start = 0;  // of the owner name
  std::size_t fixed = 0;  // of type, class, TTL, length (10 bytes)
  std::size_t end = 0;    // behind the RDATA
  std::size_t ttl_offset() const { return fixed + 4; }
  std::size_t rdata() const { return fixed + 10; }
};

class Message {
 public:
  // Accepts a message with exactly one question whose records are all whole, with RDATA that is
  // sound (dns/rdata), and whose names take no more jumps than a JumpBudget has. Bytes behind the
  // last record are not part of it (see size()). nullopt: anything else.
  static std::optional<Message> parse(BytesView packet);

  // The front of a message without OPT that parse() has accepted: whole, or cut off anywhere behind
  // the question, and edited by dns/patch since. Its walks end behind the last record that is
  // there. Looks at no record: for an answer of which a small part is wanted.
  static Message reopen(BytesView front);

  BytesView bytes() const { return bytes_; }  // without what followed the last record
  std::size_t size() const { return bytes_.size(); }
  uint16_t id() const { return word(0); }
  uint16_t flags() const { return word(2); }
  bool has(uint16_t bit) const { return (flags() & bit) != 0; }
  // With the upper bits from OPT.
  Rcode rcode() const;
  std::size_t count(Section section) const {
    return word(6 + 2 * static_cast<std::size_t>(section));
  }

  const Question& question() const { return question_; }
  std::size_t question_end() const { return question_end_; }  // where the answer section starts
  const std::optional<Edns>& edns() const { return edns_; }
  // Where the OPT record lies, if there is one.
  const std::optional<Record>& opt() const { return opt_; }

  // Walks the records in order. `visit(const Record&)` is called for each.
  template <typename Visit>
  void for_each_record(Visit visit) const {
    walk_records([&visit](const Record& record) {
      visit(record);
      return true;
    });
  }
  // The same until `visit` returns false.
  template <typename Visit>
  void walk_records(Visit visit) const {
    Reader reader(bytes_);
    reader.skip(question_end_);
    for (const Section section : {Section::Answer, Section::Authority, Section::Additional})
      for (std::size_t left = count(section); left > 0; --left) {
        const Record record = read_record(reader, section);
        if (!reader.ok() || !visit(record)) return;
      }
  }

  Name owner(const Record& record) const { return name_at(record.start); }
  // The name at an offset inside this message: an owner, or a name in RDATA. A broken one gives the
  // root.
  Name name_at(std::size_t offset) const;
  // The same out of a budget; nullopt also when it is used up.
  std::optional<Name> name_at(std::size_t offset, JumpBudget& jumps) const;
  BytesView rdata(const Record& record) const {
    return bytes_.subspan(record.rdata(), record.end - record.rdata());
  }

 private:
  explicit Message(BytesView bytes) : bytes_(bytes) {}
  uint16_t word(std::size_t offset) const {
    return static_cast<uint16_t>(bytes_[offset] << 8 | bytes_[offset + 1]);
  }
  static Record read_record(Reader& reader, Section section);
  [[nodiscard]] bool check_records(Reader& reader);
  [[nodiscard]] bool check_opt(const Record& record);

  BytesView bytes_;
  Question question_;
  std::size_t question_end_ = 0;
  std::optional<Edns> edns_;
  std::optional<Record> opt_;
};

// The data of the message's first EDNS option with this code; nullopt: none. Borrows the message.
std::optional<BytesView> find_option(const Message& message, uint16_t code);
// An Extended DNS Error (RFC 8914): info code and text, as the option's data. Empty: none.
// The view borrows the message.
BytesView extended_error(const Message& message);

}  // namespace dnslet::dns
