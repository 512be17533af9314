// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// An answer: a message without OPT, and what is asked of it again and again, found out once when it
// is read.
//
// "Is there data in it" has two meanings. For a search and for what a name's other family shows,
// any record of the answer section counts: kind_by_header(). For the time that an answer lives, an
// alias that leads to no record of the type asked is none: has_data().

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "dns/message.h"
#include "dns/reply.h"
#include "dns/wire.h"

namespace dnslet::dns {

enum class AnswerKind {
  Data,      // NOERROR with records of the type asked
  Alias,     // NOERROR with other records only
  NoData,    // NOERROR without records
  NxDomain,  // whatever records are there
  Failure,   // SERVFAIL and every other code
};

// The code in a message's header, which goes without the upper bits of an OPT.
// REQUIRES, here and below: `message` has a header.
Rcode rcode_of(BytesView message);
// What the header alone tells: Data stands for Alias too.
AnswerKind kind_by_header(BytesView message);
// NOERROR with records.
inline bool has_records(AnswerKind kind) {
  return kind == AnswerKind::Data || kind == AnswerKind::Alias;
}

// Whether the answer section has a record of the type asked; for ANY, any record. The code does not
// count.
bool has_data(const Message& message);

// How long a message may be kept as far as its records say: positive, the smallest TTL; NXDOMAIN,
// NODATA and an alias without data, also the smaller of the SOA's TTL and MINIMUM (RFC 2308 section
// 5), 0 without SOA. 0: not at all, as every failure.
std::chrono::seconds lifetime_of(const Message& message);

class Answer {
 public:
  Answer() = default;  // of no use before read()
  // Takes a message without OPT. One that does not parse is neither whole nor kept.
  // REQUIRES: it has a header.
  explicit Answer(Bytes message, const ExtendedError& error = {});
  // Header and question with this code: what a server would have said, had it spoken.
  static Answer failure(const Question& question, Rcode rcode, const ExtendedError& error = {});

  // Takes over what a packet says, its OPT left out and its question folded, in place of what was
  // here. Memory is used again.
  void read(const Message& packet);

  BytesView message() const { return message_; }
  const ExtendedError& error() const { return error_; }
  Rcode rcode() const { return rcode_of(message_); }
  AnswerKind kind() const { return kind_; }
  bool has_records() const { return dns::has_records(kind_); }
  // It parses, and nothing was cut off.
  bool is_whole() const { return is_whole_; }
  // That of its message, or what it was limited to; 0 where it is not whole.
  std::chrono::seconds lifetime() const { return lifetime_; }
  // Where its TTL fields lie.
  std::span<const uint16_t> ttls() const { return ttls_; }
  // How many bits of the network that was sent with the question it depends on (RFC 7871 section
  // 7.3.1); 0: on none. Of whom has it set, as for what is made of an answer.
  uint8_t subnet_scope() const { return subnet_scope_; }
  void set_subnet_scope(uint8_t bits) { subnet_scope_ = bits; }
  void set_error(const ExtendedError& error) { error_ = error; }
  // It lives no longer, whatever is made of it.
  void limit_lifetime(std::chrono::seconds most);

  // Makes it so many seconds older: TTLs and lifetime, none of them below zero. REQUIRES: it is
  // whole.
  void count_down(uint32_t seconds);
  // Turns NXDOMAIN into what it is for a name that exists: NODATA. The authority section stays.
  void make_no_data();
  // Makes all TTLs at least and at most these, and that of a negative answer's SOA MINIMUM too.
  // What is not whole stays as it is.
  void limit_ttls(uint32_t least, uint32_t most);

 private:
  void learn();
  void learn(const Message* message);

  Bytes message_;
  ExtendedError error_;
  std::vector<uint16_t> ttls_;
  std::chrono::seconds lifetime_{0};
  std::chrono::seconds most_ = std::chrono::seconds::max();
  AnswerKind kind_ = AnswerKind::Failure;
  bool is_whole_ = false;
  uint8_t subnet_scope_ = 0;
};

}  // namespace dnslet::dns
