// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Builds messages: answers of our own (refusals, addresses, PTR, TXT, NODATA), the query that goes
// upstream, and the OPT record at the end of every answer.
//
// Everything is written into the caller's buffer, whose size is the limit; nothing is allocated but
// where a function returns Bytes.

#include <array>
#include <cstdint>
#include <string_view>

#include "dns/message.h"
#include "dns/wire.h"

namespace dnslet::dns {

// An Extended DNS Error (RFC 8914 section 2): info code and text as on the wire. Owns its bytes. A
// text of more than kMaxText bytes is left out; the code alone still says what happened.
class ExtendedError {
 public:
  static constexpr std::size_t kMaxText = 200;

  ExtendedError() {}  // none; NOLINT(modernize-use-equals-default): its room is left alone
  // `data` as from extended_error(message): empty, or at least the two bytes of the code.
  explicit ExtendedError(BytesView data);
  // RFC 8914 section 4.4: Stale Answer.
  static ExtendedError stale_answer();
  // RFC 8914 sections 4.23 and 4.24: no server has said anything; none could be reached.
  static ExtendedError no_reachable_authority();
  static ExtendedError network_error();
  // RFC 8914 section 4.16: Blocked, by a rule of who runs this server.
  static ExtendedError blocked(std::string_view reason);

  bool empty() const { return data_.size() == 0; }
  BytesView data() const { return data_.view(); }

 private:
  ShortBytes data_;
};

// Writes a message of our own record by record: nobody's answer as yet, without OPT, for
// address_to(). A record that does not fit is left out as are all behind it, and TC is set.
class ReplyWriter {
 public:
  // Header and question. `out` has room for both.
  ReplyWriter(MutableBytesView out, const QuestionView& question, Rcode rcode);

  // Records whose owner is the name asked.
  void add_address(const IpAddress& address, uint32_t ttl);
  void add_ptr(NameView target, uint32_t ttl);
  void add_text(std::string_view text, uint32_t ttl);  // REQUIRES: at most 255 bytes
  // REQUIRES: the RDATA is sound, and its names are not compressed.
  void add_record(Type type, BytesView rdata, uint32_t ttl);
  // Whether a record did not fit: no other will.
  bool is_full() const { return truncated_; }

  // The message, at the front of `out`.
  [[nodiscard]] MutableBytesView finish();

 private:
  Writer writer_;
  Class qclass_;
  uint16_t answers_ = 0;
  bool truncated_ = false;
};

// The client's question as it was spelled.
void write_question(Writer& writer, const Query& query);

// The whole answer to a packet that can't be used: its header, its question as far as it was
// understood, the code, the OPT that it calls for. `out` is at least 512 bytes. Returns its size.
std::size_t write_refusal(MutableBytesView out, const Query& query, Rcode rcode);

// Of padded answers (RFC 8467 section 4.1).
inline constexpr std::size_t kPaddedBlock = 468;

// What our OPT says. Borrows the error.
struct OptFacts {
  Rcode rcode = Rcode::NoError;          // its upper bits
  const ExtendedError* error = nullptr;  // as far as there is room
  uint8_t subnet_scope = 0;              // where the client has said its network
  bool is_padded = false;                // to whole blocks, as far as there is room
};

// Appends our OPT to the message in the first `size` bytes of `out` if `query` had one. Returns the
// new size; room must have been left for opt_size().
std::size_t append_opt(MutableBytesView out, std::size_t size, const Query& query,
                       const OptFacts& facts);

inline constexpr std::size_t kOptSize = 11;
static_assert(QueryBytes::kMax == kHeaderSize + kMaxName + 4 + kOptSize + ClientSubnet::kMaxSize);
// Of our OPT in the answer to this query, without an error; 0: it gets none.
inline std::size_t opt_size(const Query& query) {
  if (!query.edns) return 0;
  return kOptSize + (query.subnet ? query.subnet->size() : 0);
}

// The facts of a question that make its upstream query and its cache key different.
struct UpstreamFlags {
  bool recursion_desired = true;
  bool checking_disabled = false;
  bool dnssec_ok = false;

  bool operator==(const UpstreamFlags&) const = default;
};

// A query of our own: id 0 (whoever sends it draws one), AD set (RFC 6840 section 5.7), our bare
// OPT last, and in it the network of a client where there is one. `WithoutEdns`: for a server that
// does not know OPT.
enum class QueryEdns { WithEdns, WithoutEdns };
QueryBytes build_upstream_query(const Question& question, const UpstreamFlags& flags,
                                QueryEdns edns = QueryEdns::WithEdns,
                                const Network* subnet = nullptr);

// Header and question with `rcode`, QR set: what upstream would have said, had it spoken.
Bytes build_failure(const Question& question, Rcode rcode);

// Copies the message without its OPT and without additional records that follow the OPT (they may
// be left out: RFC 1035 section 4.1.3 promises nothing of them), its question folded.
void copy_without_opt(const Message& message, Bytes& copy);

}  // namespace dnslet::dns
