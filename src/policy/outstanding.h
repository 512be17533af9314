// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The upstream questions under way: who is asked, when, and which answer counts. The twin of
// policy/lookup. Lookups are known by their number only, servers by theirs in policy/servers.
//
// Decides; no I/O, no clock, no log of its own. It is told who joins, what came of each query, and
// the time; it says what is to be done as actions, which are taken one by one after each call. What
// has been answered holds nothing any more.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/slots.h"
#include "policy/dues.h"
#include "policy/family.h"
#include "policy/lookup.h"
#include "policy/open_questions.h"
#include "policy/outstanding_actions.h"
#include "policy/recent_families.h"
#include "policy/servers.h"
#include "policy/set_queues.h"
#include "policy/stored_answer.h"

namespace dnslet::policy {

struct OutstandingSettings {
  Milliseconds timeout{4500};  // after this a question has failed
  Milliseconds retry{800};     // silence after which the next server is asked too
  std::size_t max_open = 4096;
  // How long an answer that depends on the other address family's is held back for that; 0: not,
  // and families have nothing to do with each other.
  Milliseconds sibling_wait{0};
  // How long servers are not asked because the shared cache is.
  Milliseconds shared_wait{5};
  CacheTtls shared_limits{};  // what is older counts as nothing
  Searching searching = Searching::No;
  uint64_t seed = 0;  // see dns/hash.h
};

// What came of a query. Borrows the packet for the length of the call; empty but for an answer.
enum class QueryOutcome {
  Answer,       // a whole message with the question's ID and question, TC clear
  Truncated,    // likewise, TC set; over a stream, too
  Unreachable,  // refused, reset, no route
  Failed,       // it was reached, and has failed
  Declined,     // the server is there, and has no answer to this question
  NoResources,  // not sent: says nothing about the server
};
struct QueryReport {
  uint64_t token = 0;
  QueryOutcome outcome = QueryOutcome::Unreachable;
  dns::BytesView packet{};
  std::chrono::seconds pause{0};  // of Failed: the server asks to be left alone for so long
};

// Of what use the shared cache was for a question.
enum class SharedUse : uint8_t {
  Hit,      // it had the answer
  Miss,     // it had none
  Late,     // servers had answered before
  Failed,   // it could not be asked
  Skipped,  // as it is left out
};

class Outstanding {
 public:
  explicit Outstanding(const OutstandingSettings& settings);
  ~Outstanding();
  Outstanding(const Outstanding&) = delete;
  Outstanding& operator=(const Outstanding&) = delete;

  // From now on the servers of this set are these; questions under way end with the ones before.
  // REQUIRES: not empty; sets are numbered without a gap.
  void set_servers(ServerSetNumber set, const std::vector<ServerAddress>& servers);
  const Servers& servers() const { return servers_; }

  // Has `lookup` wait for the question's answer. False: there is no room for the question.
  // REQUIRES: the set has servers.
  [[nodiscard]] bool ask(uint64_t lookup, const Ask& ask_for, Milliseconds now);
  // What came of a query. One that is not known any more tells nothing.
  void on_report(const QueryReport& report, Milliseconds now);
  // Whether there is a shared cache that can be asked, from now on. Those that it is being asked
  // for are told by on_shared() all the same.
  void use_shared(bool is_up) { shared_is_up_ = is_up; }
  // After AskShared: what is there. Empty: nothing, or it has failed.
  SharedUse on_shared(uint64_t question, dns::BytesView value, WallTime wall, Milliseconds now);
  // To be called at wake_at(), or later.
  void on_time(Milliseconds now);
  // After ReadWaiting: those that clients have asked are there.
  void decide(Milliseconds now);
  // After Silence: what is known of the question for the other address family.
  void sibling_shows(uint64_t question, Existence existence, Milliseconds now);
  // After Probe: its query has come in here.
  void on_loop(ServerNumber server, Milliseconds now);

  // The next thing to be done; nullopt: nothing is left. All of it is to be taken before the next
  // call, but that a Finish may lead to ask(), and a Finish after ask() may wait.
  std::optional<Action> take();
  // When to call on_time(); nullopt: nothing is open.
  std::optional<Milliseconds> wake_at();
  // Whether that may be earlier than it was said to be last. (Later is no matter: who comes too
  // early asks again.)
  bool wakes_earlier() const { return wakes_ < told_; }

  // Whether an equal question is under way for longer than `retry`.
  bool is_silent(const UpstreamQuestion& question, Milliseconds now);
  std::size_t open() const { return questions_.size(); }
  // Queries whose outcome is still of interest: of open questions, and a few that tell whether a
  // server is back.
  std::size_t queries() const { return queries_.size(); }

  enum class Watched { No, Yes };
  // Whether each Exchange is told.
  void watch(Watched watched) { watched_ = watched; }

 private:
  // A query that is under way.
  struct Query {
    uint64_t question = 0;  // 0: that is over; it tells whether the server is there
    uint64_t next = 0;      // of the same question
    ServerNumber server = kNoServer;
    Way way = Way::Datagram;
    dns::QueryEdns edns = dns::QueryEdns::WithEdns;
    Milliseconds sent{0};
  };
  // What is under way for the sake of a server alone, at most one of each.
  struct Kept {
    uint64_t late = 0;   // the question is over, the server has not answered yet
    uint64_t probe = 0;  // with a name that nobody else can know
  };

  // outstanding.cc: questions come, servers are asked, questions end. All of it happens at now_.
  bool open_question(std::optional<uint64_t> lookup, const Ask& ask_for);
  void ask_preferred(const Ask& ask_for);
  void begin(OpenQuestion& open);
  bool make_room(Servers::ListNumber list);
  void follow(OpenQuestion& open, Attempt::Next next);
  void send(OpenQuestion& open, Query query, Send::Purpose purpose);
  void lose(OpenQuestion& open);
  void finish(OpenQuestion& open, const Answer& answer, ServerNumber via);
  void finish_kept(OpenQuestion& open);
  void finish_failed(OpenQuestion& open);
  void tell(Exchange::What what, const OpenQuestion& open, ServerNumber server,
            dns::Rcode rcode = dns::Rcode::NoError);

  // outstanding_queries.cc: queries, and what comes of them.
  void forget_queries(OpenQuestion& open);
  bool keep_for_health(uint64_t token, Query& query, const OpenQuestion& open);
  bool is_asked(const OpenQuestion& open, ServerNumber server);
  void leave(OpenQuestion& open, uint64_t token);
  void end_query(uint64_t token);
  void drop_servers();
  void note_health(const Query& query, const OpenQuestion* open, const QueryReport& report);
  void on_outcome(OpenQuestion& open, const Query& query, const QueryReport& report);
  void on_answer(OpenQuestion& open, const Query& query, dns::BytesView packet);
  void on_refusal(OpenQuestion& open, const Query& query);
  void on_truncated(OpenQuestion& open, const Query& query, dns::BytesView packet);
  void go_on_over_stream(OpenQuestion& open, const Query& query, Send::Purpose purpose);
  void fail(ServerNumber server, Note::What reason);

  // outstanding_shared.cc
  bool ask_shared(OpenQuestion& open, const Asking& asking);

  // outstanding_waiting.cc: time, and the other address family.
  Milliseconds due_after(Milliseconds time);
  void on_silence(OpenQuestion& open);
  void note_silence(OpenQuestion& open);
  void probe(ServerNumber server);
  bool exists_by_sibling(const OpenQuestion& open) const;
  bool hold(OpenQuestion& open, Answer& answer, ServerNumber via);
  bool hold_for_preferred(OpenQuestion& open, Answer& answer, ServerNumber via);
  bool may_depend_on_sibling(const OpenQuestion& open);
  void wait_for_sibling(OpenQuestion& open);
  void wait_for_answer_of_sibling(OpenQuestion& open);
  bool has_sibling_asking(const OpenQuestion& open);
  OpenQuestion* tell_sibling(const OpenQuestion& open, const Answer& answer);
  bool is_late(const OpenQuestion& open) const;
  void look_again(const OpenQuestion& open);

  OutstandingSettings settings_;
  Servers servers_;
  OpenQuestions questions_;
  SetQueues queues_;
  RecentFamilies recent_;
  Slots<Query> queries_;
  std::vector<Kept> kept_;  // by server
  std::vector<uint64_t> undecided_;

  Dues silences_;                                       // questions
  std::multimap<Milliseconds, uint64_t> own_silences_;  // those with a `retry` of their own
  Dues sharing_;                                        // questions
  Dues held_;                                           // likewise
  Dues yielding_;                                       // likewise, for the preferred family
  Dues late_;                                           // queries of kept_

  std::vector<Action> actions_;
  std::size_t next_action_ = 0;
  std::vector<std::unique_ptr<OpenQuestion>> finished_;  // whose Finish is still to be taken
  std::size_t next_finished_ = 0;
  std::unique_ptr<OpenQuestion> telling_;  // whose Finish has been taken last
  UpstreamAnswer read_;  // the last one, kept for its memory; a Finish may refer to it
  Milliseconds now_{0};  // of this call
  Milliseconds wakes_{Milliseconds::max()};  // the earliest that has been added since wake_at()
  Milliseconds told_{Milliseconds::max()};   // by wake_at(), last
  bool shared_is_up_ = false;
  Watched watched_ = Watched::No;
};

}  // namespace dnslet::policy
