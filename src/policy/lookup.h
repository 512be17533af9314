// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The life of one question, top to bottom: a client's packet in → Drop, Reply or Ask; what upstream
// said in → the same.
//
// No I/O, no clock, no chance of its own: whoever drives it hands in the time and the buffer for
// the answer. `start` is the ladder of answers in the order of the contract; what it can settle at
// once allocates nothing. A Lookup that said Ask is kept by the driver until it says Reply.

#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "base/address.h"
#include "dns/message.h"
#include "dns/reply.h"
#include "policy/cache.h"
#include "policy/tables.h"

namespace dnslet::policy {

struct Drop {};
// The answer is in the first `size` bytes of the buffer.
struct Reply {
  std::size_t size = 0;
  Source source = Source::Error;
  dns::Rcode rcode = dns::Rcode::NoError;
  // The answer came from the cache and ends soon: make_refresh() with this scope, once it is sent.
  std::optional<Scope> refresh = std::nullopt;
};
// What is asked upstream; equal ones are asked once.
struct UpstreamQuestion {
  dns::Question question;
  dns::UpstreamFlags flags;

  bool operator==(const UpstreamQuestion&) const = default;
};
// Upstream has to be asked.
struct Ask {
  UpstreamQuestion question;
  ServerSetNumber servers = kDefaultServers;
};
using Step = std::variant<Drop, Reply, Ask>;

// What came back: the answer that upstream gave, or dns::Answer::failure(). `source`:
// Upstream, or Error where no server has said anything. Borrows the answer.
struct Landed {
  const Answer& answer;
  Source source = Source::Upstream;
  Existence sibling = Existence::Unknown;  // what is known from the other address family
};

struct Storing;

class Lookup {
 public:
  explicit Lookup(const Client& client);

  ~Lookup();
  Lookup(Lookup&& other) noexcept;
  Lookup& operator=(Lookup&& other) noexcept;
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  // `packet` is only read during the call. `out` is the client's reply slot: at least 512 bytes,
  // and at most what the transport carries.
  Step start(const Tables& tables, dns::BytesView packet, Milliseconds now,
             dns::MutableBytesView out);

  // A lookup for nobody, that asks upstream for the same once more. Its answer is kept like others.
  Lookup make_refresh() const;
  // The first step of make_refresh(). `out`: as for start(); what is written there is for nobody.
  Step start_refresh(const Tables& tables, Scope scope, Milliseconds now,
                     dns::MutableBytesView out);

  // After Ask: what came back for that question.
  Step on_answer(const Tables& tables, const Landed& landed, Milliseconds now,
                 dns::MutableBytesView out);

  // After Ask: upstream is silent for longer than it may be. The answer that has ended, if one is
  // kept; nullopt: wait on. Upstream's answer to what was asked is welcome all the same.
  std::optional<Reply> on_silence(const Tables& tables, Milliseconds now,
                                  dns::MutableBytesView out) const;
  // After Ask: each server of the set has failed or been silent for longer than it may be. A search
  // goes on where other servers may be asked; nullopt: wait on. The question that is left behind is
  // not waited for any more (see waits_for).
  std::optional<Step> on_unreachable(const Tables& tables, Milliseconds now,
                                     dns::MutableBytesView out);
  // Whether on_answer() wants what comes of this question.
  bool waits_for(const UpstreamQuestion& question) const;
  // After Ask: an answer that has ended, else SERVFAIL, because the question's time is over.
  // Remembered for a second.
  Step on_deadline(const Tables& tables, Milliseconds now, dns::MutableBytesView out);
  // After Ask: the same, because there is no room for the question.
  Step give_up(const Tables& tables, Milliseconds now, dns::MutableBytesView out);

  const dns::Query& query() const { return query_; }
  const Client& client() const { return client_; }

 private:
  using MaybeReply = std::optional<Reply>;
  struct Search;

  // The rungs, in order. Each one answers or leaves the question to the next.
  MaybeReply refuse_client(const Tables& tables, dns::MutableBytesView out) const;
  MaybeReply answer_chaos(const Tables& tables, dns::MutableBytesView out) const;
  MaybeReply answer_static(const Tables& tables, dns::MutableBytesView out) const;
  MaybeReply answer_special(const Tables& tables, dns::MutableBytesView out) const;
  MaybeReply answer_any(const Tables& tables, dns::MutableBytesView out) const;
  MaybeReply answer_filtered(const Tables& tables, dns::MutableBytesView out) const;
  MaybeReply answer_cached(const Tables& tables, Scope scope, Milliseconds now,
                           dns::MutableBytesView out) const;
  struct Kept {  // under which scope, and when
    Scope scope;
    Milliseconds now;
  };
  MaybeReply answer_stale(const Tables& tables, const Kept& kept, Ended which,
                          dns::MutableBytesView out) const;
  Step fail(const Tables& tables, const dns::ExtendedError& error, Milliseconds now,
            dns::MutableBytesView out);
  Reply finish_landed(const Tables& tables, const Landed& landed, const Kept& kept,
                      dns::MutableBytesView out) const;
  MaybeReply refuse_forwarding(const Tables& tables, dns::MutableBytesView out) const;
  Step look_up(const Tables& tables, Milliseconds now, dns::MutableBytesView out);
  Ask ask_for(const Tables& tables, const dns::Question& question) const;

  // A search: names one after the other, each looked up like any question (lookup_search.cc).
  Step start_search(const Tables& tables, std::vector<dns::Name> names, Milliseconds now,
                    dns::MutableBytesView out);
  Step next_name(const Tables& tables, Milliseconds now, dns::MutableBytesView out);
  bool is_left_to_any(const Tables& tables, const dns::Question& question) const;
  bool goes_on_elsewhere(const Tables& tables) const;
  void pass_over(const Tables& tables, Milliseconds now);
  bool look_here(const Tables& tables, const dns::Question& question, Milliseconds now);
  void take_step(const Tables& tables, const Landed& landed, Milliseconds now,
                 std::chrono::seconds left = kNoLimit);
  bool is_found_by_address(const Tables& tables) const;
  bool other_family_has_records(const Tables& tables, const Landed& landed, Milliseconds now) const;
  bool take_stale(const Tables& tables, const dns::Question& question, Milliseconds now,
                  Ended which);
  Step end_search(const Tables& tables, Milliseconds now, dns::MutableBytesView out);
  std::vector<dns::Name> names_now(const Tables& tables) const;

  MaybeReply answer_from(const Tables& tables, Source source, dns::MutableBytesView out) const;
  Reply answer_owner(const Tables& tables, Source source, uint32_t owner,
                     dns::MutableBytesView out) const;
  Reply answer_gone(const Tables& tables, Source source, dns::MutableBytesView out) const;
  Reply answer_localhost(dns::MutableBytesView out) const;
  Reply answer_code(dns::Rcode rcode, Source source, dns::MutableBytesView out) const;
  Reply answer_names(dns::Rcode rcode, Source source, dns::MutableBytesView out) const;
  struct Told {  // of an answer, besides its message
    const dns::ExtendedError& error;
    Source source;
  };
  Reply finish(const Tables& tables, dns::MutableBytesView message, const Told& told,
               dns::MutableBytesView out) const;
  std::size_t shorten(const Tables& tables, dns::MutableBytesView message, std::size_t limit) const;
  CacheKey key_of(const dns::Question& question, Scope scope) const;
  Storing storing_under(Scope scope, Milliseconds now) const;
  bool is_asked(const dns::Name& name) const;
  dns::MutableBytesView within_limit(dns::MutableBytesView out) const;
  dns::MutableBytesView without_opt_room(dns::MutableBytesView out) const;

  Client client_;
  dns::Query query_;
  bool is_refresh_ = false;
  std::unique_ptr<Search> search_;  // none while the question is only asked as it stands
};

// The key under which upstream's answer to a question is kept.
CacheKey key_of(const UpstreamQuestion& question);

// What an upstream packet says. A code above 15 belongs to the hop that said it (RFC 6891 section
// 9) and is turned into SERVFAIL.
struct UpstreamAnswer {
  Answer answer;  // ready for the cache and for on_answer()
  dns::Rcode rcode = dns::Rcode::ServFail;
  bool has_edns = false;
};

// Reads one into `out`, whose memory may serve many times. False: it is broken, not a response, or
// not the answer to `question`; `out` is of no use then.
[[nodiscard]] bool read_answer(dns::BytesView packet, const UpstreamQuestion& question,
                               UpstreamAnswer& out);

}  // namespace dnslet::policy
