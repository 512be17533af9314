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
#include "base/address_set.h"
#include "dns/message.h"
#include "dns/reply.h"
#include "policy/cache.h"
#include "policy/decide.h"
#include "policy/rungs.h"
#include "policy/tables.h"

namespace dnslet::policy {

struct Drop {
  bool is_wanted = false;  // by a rule; else there is nothing to answer to
};
// The answer is in the first `size` bytes of the buffer.
struct Reply {
  std::size_t size = 0;
  Source source = Source::Error;
  dns::Rcode rcode = dns::Rcode::NoError;
  // The answer came from the cache, and ends soon or has ended: make_refresh() with this scope,
  // once it is sent.
  std::optional<Scope> refresh = std::nullopt;
  // Sets that the answer's addresses are to be in before it goes out; null: none. Borrows from the
  // Lookup.
  const AddressSets* sets = nullptr;
};
// What is asked upstream; equal ones are asked once.
struct UpstreamQuestion {
  dns::Question question;
  dns::UpstreamFlags flags;
  Route route = kByName;

  bool operator==(const UpstreamQuestion&) const = default;
};
// Upstream has to be asked.
struct Ask {
  UpstreamQuestion question;
  ServerSetNumber servers = kDefaultServers;
  Asking asking{};
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

  // `packet` is only read during the call. `turn.out`, here and below, is the client's reply slot:
  // at least 512 bytes, and at most what the transport carries.
  Step start(const Turn& turn, dns::BytesView packet);

  // A lookup for nobody, that asks upstream for the same once more. Its answer is kept like others.
  Lookup make_refresh() const;
  // The first step of make_refresh(). What is written to `turn.out` is for nobody.
  Step start_refresh(const Turn& turn, Scope scope);
  // Whatever has come of start_refresh(): nothing more will. Another one may be made where that was
  // no answer.
  void end_refresh(const Turn& turn) const;

  // After Ask: what came back for that question.
  Step on_answer(const Turn& turn, Landed landed);

  // After Ask: upstream is silent for longer than it may be. The answer that has ended, if one is
  // kept; nullopt: wait on, as a refresh does. Upstream's answer to what was asked is welcome all
  // the same.
  std::optional<Reply> on_silence(const Turn& turn) const;
  // After Ask: each server of the set has failed or been silent for longer than it may be. A search
  // goes on where other servers may be asked; nullopt: wait on. The question that is left behind is
  // not waited for any more (see waits_for).
  std::optional<Step> on_unreachable(const Turn& turn);
  // Whether on_answer() wants what comes of this question.
  bool waits_for(const UpstreamQuestion& question) const;

  // After Ask: what the next rule would ask, where the one that judges wants it asked at the same
  // time (`ahead`); nullopt: nothing, or it has been taken. What comes of it goes to keep_ahead().
  std::optional<Ask> take_ahead();
  // Keeps what came of another question than the one waited for, if it is that of take_ahead().
  void keep_ahead(const UpstreamQuestion& question, const Landed& landed);
  // After Ask: an answer that has ended, else SERVFAIL, because the question's time is over.
  // Remembered for a second.
  Step on_deadline(const Turn& turn);
  // After Ask: the same, because there is no room for the question.
  Step give_up(const Turn& turn);

  const dns::Query& query() const { return query_; }
  const Client& client() const { return client_; }

 private:
  struct Search;
  // The names that a name is an alias of, one by way of the other.
  struct Alias {
    dns::Name target;
    uint32_t ttl;
  };
  using Aliases = std::vector<Alias>;
  // Where the answer's addresses go: owned, as the rules may be replaced meanwhile. Never empty.
  struct ChosenSets {
    AddressSets sets;
    std::size_t of_aliases = 0;  // those in front, of rules that made the name an alias
  };

  // `question`: the client's; its route becomes the one decided.
  Step look_up(const Turn& turn, ClientQuestion& question, const Decision& decision,
               const RuleWalk* walk);
  std::optional<Step> look_up_searched(const Turn& turn, const ClientQuestion& question,
                                       bool is_judged);
  // `room`: room_in(turn).
  Step forward(const Turn& turn, const Turn& room);
  Step refuse_short(const Turn& turn, const Turn& room);
  Ask ask_for(const Turn& turn) const;
  Ask ask_by(const Turn& turn, const Route& route, const Asking& asking) const;
  bool has_to_yield(const Turn& turn, const Answer& answer, Existence sibling) const;
  // The client's question as it is kept under a scope, and what is looked up at the moment, for its
  // sake or for that of a search, as the rungs see them.
  ClientQuestion asked(const Tables& tables, Scope scope) const;
  ClientQuestion current() const;
  const dns::Name& current_name() const;
  ServerSetNumber current_servers(const Tables& tables) const;

  // A name by the rules, and the names that it is an alias of (lookup_rules.cc).
  struct Settled;
  struct Ahead;
  Decision decide_now(const Turn& turn, RuleWalk& walk);
  Settled settle(const Turn& here, Decision decision, RuleWalk walk);
  MaybeFound find_known(const Turn& here, const RuleWalk& walk) const;
  bool is_rejected(const Turn& here, RuleWalk walk, const Found& found) const;
  MaybeFound take_judged(const Turn& here, RuleWalk& walk, const Found& found) const;
  void look_ahead(const Turn& here, const RuleWalk& walk);
  MaybeFound answer_ahead(const Turn& here) const;
  void choose_sets(const RuleWalk& walk);
  Step follow(const Turn& turn, const Decision& decision, const RuleWalk& walk);
  Step next_rule(const Turn& turn, bool has_failed);
  const Rule* judging_rule(const Tables& tables) const;
  Step take_judged(const Turn& turn, const Landed& landed);
  Step take_landed(const Turn& turn, const Landed& landed);
  Step take_empty(const Turn& turn);
  bool begin_alias(const Decision& decision);
  Answer under_aliases(const Answer& answer) const;
  Found told(const Turn& turn, const Found& found) const;
  Storing storing_under(const Turn& turn, Scope scope) const;
  bool is_asked(const dns::Name& name) const;

  // A search: names one after the other, each looked up like any question (lookup_search.cc).
  Step start_search(const Turn& turn, std::vector<dns::Name> names);
  Step next_name(const Turn& turn);
  static bool is_left_to_any(const Tables& tables, const ClientQuestion& question);
  bool goes_on_elsewhere(const Tables& tables) const;
  void pass_over(const Turn& turn);
  std::optional<Step> take_settled(const Turn& turn, const Settled& settled);
  void take_step(const Turn& turn, const Landed& landed, std::chrono::seconds left = kNoLimit);
  void take_found(const Turn& turn, const Found& found);
  bool is_found_by_address(const Tables& tables) const;
  bool other_family_has_records(const Turn& turn, const Landed& landed) const;
  bool take_stale(const Turn& turn);
  Step end_search(const Turn& turn);
  std::vector<dns::Name> names_now(const Tables& tables) const;

  // The names of addresses that were given out (lookup_reverse.cc).
  Route route_of_client(const Tables& tables) const;
  dns::Name name_given(const Tables& tables, const dns::Message& answer) const;
  void note_given(const Turn& turn, const Reply& reply) const;
  MaybeFound find_given(const Turn& turn, const Found& found) const;

  // What ends (lookup_ends.cc).
  bool claims_refresh(const Turn& turn, const Found& found) const;
  std::optional<Found> find_ended(const Turn& room) const;
  Reply fail(const Turn& turn, const dns::ExtendedError& error);

  // The only way to the client: what a rung has found becomes this client's answer.
  Reply finish_landed(const Turn& turn, const Landed& landed, Scope scope) const;
  Reply shape(const Turn& turn, const Found& found) const;
  Reply shape_as_found(const Turn& turn, const Found& found) const;
  uint8_t scope_told(const Found& found) const;
  std::size_t shorten(const Tables& tables, dns::MutableBytesView message, std::size_t limit) const;
  Reply refuse_packet(const Turn& turn, dns::Rcode rcode) const;
  // The same turn with the room that the client leaves for a message without OPT.
  Turn room_in(const Turn& turn) const {
    const dns::MutableBytesView limit = within_limit(turn.out);
    return {turn.tables, turn.now, limit.first(limit.size() - opt_size())};
  }
  // The same turn with room for any message.
  static Turn in_scratch(const Turn& turn) { return {turn.tables, turn.now, turn.tables.scratch}; }
  dns::MutableBytesView within_limit(dns::MutableBytesView out) const {
    if (client_.protocol != Protocol::Udp) return out;
    return out.first(std::min(out.size(), query_.udp_limit()));
  }
  std::size_t opt_size() const { return dns::opt_size(query_); }

  Client client_;
  dns::Query query_;
  bool is_refresh_ = false;
  Scope refreshed_ = Scope::AsItStands;  // by a refresh
  bool is_of_several_ = false;  // more than one answer of servers may have a say in the client's
  std::unique_ptr<Search> search_;  // none while the question is only asked as it stands
  // The refresh of a name that the search had an answer for that has ended.
  std::unique_ptr<Lookup> ended_step_;
  // Of what is looked up at the moment:
  Route route_ = kByName;
  Asking asking_;
  std::unique_ptr<RuleWalk> walk_;    // where a rule is to judge what the servers say
  std::unique_ptr<Ahead> ahead_;      // and what the next one asks meanwhile
  std::unique_ptr<Aliases> aliases_;  // where the name is one
  std::unique_ptr<ChosenSets> sets_;  // where its rules name some
  std::vector<RuleNumber> counted_;   // see RuleWalk
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

// Reads one, to a query with or without EDNS, into `out`, whose memory may serve many times. False:
// it is broken, not a response, or not the answer to `question`, which it is not where it speaks of
// another network than was sent (RFC 7871 section 7.3); `out` is of no use then.
[[nodiscard]] bool read_answer(dns::BytesView packet, const UpstreamQuestion& question,
                               UpstreamAnswer& out, dns::QueryEdns edns = dns::QueryEdns::WithEdns);

}  // namespace dnslet::policy
