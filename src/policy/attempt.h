// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One question's way through the servers of a set. Decides whom to ask next; sends nothing, owns no
// timer.

#include <cstddef>
#include <vector>

#include "policy/servers.h"

namespace dnslet::policy {

// How a server took one question.
enum class ServerResult {
  Answered,      // with what ends the question
  Refused,       // alive, but of no use for this question
  NoEdns,        // a code that may mean the OPT of the query (RFC 6891 section 7)
  NetworkError,  // unreachable, connection refused
};

class Attempt {
 public:
  // What to do next.
  enum class Next {
    Ask,   // send the question to server()
    Wait,  // for an answer or for silent_at()
    Won,   // the answer just reported ends the question
    Lost,  // no server is left
  };

  struct Candidate {
    enum class State { Unasked, Pending, Refused, Broken };

    ServerNumber server = kNoServer;
    State state = State::Unasked;
    bool without_edns = false;  // its next try goes without OPT
    bool is_heard = false;      // it has shown that it is there
    bool was_silent = false;    // for `retry`
    Milliseconds asked{0};      // when, last
  };

  // `retry`: how long a server may be silent. Follow with next() until it says something else than
  // Ask. May be called again for another question: memory is kept.
  void start(const Servers::Plan& plan, Milliseconds retry);

  Next next(Milliseconds now);
  // After Ask: whom, and whether the query goes without OPT this time.
  ServerNumber server() const { return candidates_[asked_].server; }
  bool without_edns() const { return candidates_[asked_].without_edns; }

  Next on_result(ServerNumber server, ServerResult result, Milliseconds now);

  // The server has been heard and goes on with the question: it is not silent, and has as long
  // again before the next one is asked.
  void on_sign_of_life(ServerNumber server, Milliseconds now);
  // It has been silent to a query with OPT.
  void leave_out_edns(ServerNumber server);

  // When to call on_silence().
  Milliseconds silent_at() const { return last_asked_ + retry_; }
  // Those that have been silent for `retry` by now: `visit(const Candidate&)`, where was_silent
  // tells whether that is known. `visit` must not change the attempt but by leave_out_edns().
  template <typename Visit>
  void for_each_silent(Milliseconds now, Visit visit) {
    for (Candidate& candidate : candidates_) {
      const bool is_silent = candidate.state == Candidate::State::Pending && !candidate.is_heard &&
                             now - candidate.asked >= retry_;
      if (!is_silent) continue;
      visit(candidate);
      candidate.was_silent = true;
    }
  }
  bool has_unasked() const;
  // Whether all have been asked, and those that have said nothing have had `retry` for it.
  bool were_all_silent() const;
  // Nobody answered for `retry`: the next server is asked too, or, when all have been, the one that
  // was asked longest ago is asked again.
  Next on_silence(Milliseconds now);

 private:
  using State = Candidate::State;

  std::size_t find(State state) const;
  Candidate* find_pending(ServerNumber server);
  Next ask(std::size_t candidate, Milliseconds now);

  std::vector<Candidate> candidates_;  // in the order of the plan
  std::size_t at_once_ = 0;            // how many are still to be asked without waiting
  std::size_t asked_ = 0;              // the last one asked
  Milliseconds retry_{0};
  Milliseconds last_asked_{0};
};

}  // namespace dnslet::policy
