// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The order in which the servers of a set are asked. Decides; sends nothing, owns no timer.
//
// `ServerSet` remembers over all questions which servers failed. `Attempt` is one question's way
// through the set. Servers are numbers: their place in the list, 0 is the most preferred.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "dns/message.h"
#include "policy/cache.h"

namespace dnslet::policy {

// How a server took one question.
enum class ServerResult {
  Answered,      // with a code that ends the question
  Refused,       // SERVFAIL, REFUSED, NOTIMP, FORMERR: alive, but of no use for this question
  NoEdns,        // FORMERR without OPT: does not know EDNS (RFC 6891 section 7)
  NetworkError,  // unreachable, connection refused
};

// The codes that make the next server worth asking (contract section 6).
bool is_refusal(dns::Rcode rcode);

class ServerSet {
 public:
  static constexpr Milliseconds kFirstPause{1000};
  static constexpr Milliseconds kLongestPause{30000};

  // REQUIRES: count > 0.
  explicit ServerSet(std::size_t count) : health_(count) {}

  std::size_t size() const { return health_.size(); }

  // Who is asked, in order. `at_once`: the first of `order`, and behind it servers whose pause is
  // over: they get this question too, so that nobody waits while they are tried.
  struct Plan {
    std::vector<std::size_t> order;
    std::size_t at_once = 1;
  };
  // A server that is tried has its pause doubled in advance: it counts as failed until it answers,
  // and the next plan leaves it alone. Valid until the next one.
  const Plan& make_plan(Milliseconds now);

  // It answered, in time or late: back in its place.
  void on_answer(std::size_t server) { health_[server] = Health(); }
  // Network error or silence: behind the others. Returns whether this is news.
  bool on_failure(std::size_t server, Milliseconds now);

 private:
  struct Health {
    Milliseconds pause{0};  // 0: healthy
    Milliseconds try_at{0};
  };
  std::vector<Health> health_;
  Plan plan_;  // the last one, kept for its memory
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

  // `retry`: how long a server may be silent. Follow with next() until it says Wait.
  Attempt(const ServerSet::Plan& plan, Milliseconds retry);

  Next next(Milliseconds now);
  // After Ask: whom, and whether the query goes without OPT this time.
  std::size_t server() const { return asked_server_; }
  bool without_edns() const { return without_edns_; }

  Next on_result(std::size_t server, ServerResult result, Milliseconds now);

  // The server has been heard and goes on with the question: it is not silent.
  void on_sign_of_life(std::size_t server);

  // When to call on_silence().
  Milliseconds silent_at() const { return last_asked_ + retry_; }
  // The servers that have been silent for `retry` by now.
  std::vector<std::size_t> silent(Milliseconds now) const;
  // Nobody answered for `retry`: the next server is asked too, or, when all have been, the one that
  // was asked longest ago is asked again.
  Next on_silence(Milliseconds now);

 private:
  enum class State { Unasked, Pending, Refused, Broken };
  struct Candidate {
    std::size_t server = 0;
    State state = State::Unasked;
    Milliseconds asked{0};
    bool without_edns = false;
    bool is_heard = false;
  };
  Candidate* find(State state);
  Candidate* find_pending(std::size_t server);
  Next ask(Candidate& candidate, Milliseconds now);

  std::vector<Candidate> candidates_;  // in the order of the plan
  std::size_t at_once_;                // how many are still to be asked without waiting
  Milliseconds retry_;
  Milliseconds last_asked_{0};
  std::size_t asked_server_ = 0;
  bool without_edns_ = false;
};

}  // namespace dnslet::policy
