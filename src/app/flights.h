// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The upstream questions under way. Joins equal ones, asks servers as policy/servers says, and
// lands each with an answer or a failure. Lookups are known by their number only.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "app/counters.h"
#include "base/slots.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/upstream.h"
#include "policy/family.h"
#include "policy/lookup.h"
#include "policy/servers.h"

namespace dnslet::app {

struct FlightSettings {
  io::Milliseconds timeout{4500};  // after this a flight has failed
  io::Milliseconds retry{800};     // silence after which the next server is asked too
  std::size_t max_open = 4096;
  // How long an answer that depends on the other address family's is held back for that; 0: not.
  io::Milliseconds sibling_wait{0};
  policy::Searching searching = policy::Searching::No;
  uint64_t seed = 0;  // see dns/hash.h
};

class Flights {
 public:
  static constexpr std::size_t kRecent = 256;  // answers whose sibling may still come
  static constexpr io::Milliseconds kRecentTime{1000};
  // Memory of landed flights that is kept: of so many, and no list of more lookups.
  static constexpr std::size_t kSpare = 256;
  static constexpr std::size_t kSpareLookups = 16;

  // What came of a question, for all lookups that waited for it.
  struct Landing {
    const policy::UpstreamQuestion& question;
    const policy::Answer& answer;
    policy::Source source;   // Upstream, or Error where no server has said anything
    const std::string& via;  // the server that gave the answer; empty: none
    const std::vector<uint64_t>& lookups;
    policy::Existence sibling;  // what the other address family's answer has shown meanwhile
  };
  struct Callbacks {
    std::function<void(const Landing&)> on_landing;
    // No server has said anything for `retry`: the lookups that wait so far. Boards nothing.
    std::function<void(const std::vector<uint64_t>& lookups)> on_silence;
    // Each server of the set has failed or been silent for `retry`: the same. May board.
    std::function<void(const std::vector<uint64_t>& lookups)> on_unreachable;
  };

  // What passes between dnslet and a server, as it happens. Borrows.
  struct Exchange {
    enum class What {
      Asked,
      AskedWithoutEdns,
      Answered,
      Unusable,
      Unreachable,
      NoResources,
      Silent
    };
    What what;
    const policy::UpstreamQuestion& question;
    const std::string& server;
    dns::Rcode rcode = dns::Rcode::NoError;  // of Answered
  };
  using OnExchange = std::function<void(const Exchange&)>;

  Flights(io::Loop& loop, io::Log& log, const FlightSettings& settings, Callbacks callbacks);
  ~Flights();
  Flights(const Flights&) = delete;
  Flights& operator=(const Flights&) = delete;

  // From now on the servers of this set are these; questions under way end with the ones before.
  // REQUIRES: not empty; sets are numbered without a gap.
  void set_servers(policy::ServerSetNumber set, const std::vector<Endpoint>& servers,
                   io::UpstreamTransport transport);

  // Has `lookup` wait for the question's answer; on_landing tells it, never from inside. False: too
  // many questions are open. REQUIRES: the set has servers.
  [[nodiscard]] bool board(uint64_t lookup, const policy::Ask& ask_for);

  // Tells `on_exchange` all that happens from now on; it must not call back.
  void watch(OnExchange on_exchange) { on_exchange_ = std::move(on_exchange); }

  // Whether an equal question is under way for longer than `retry`.
  bool is_silent(const policy::UpstreamQuestion& question);

  std::size_t open() const { return flights_.size(); }
  // Of the servers that are in use, by name; a server keeps its counts as long as some set has it.
  const std::map<std::string, ServerCounters>& counters() const { return counters_; }
  // When a server last answered, whatever it said.
  std::optional<io::Milliseconds> heard() const { return heard_; }

 private:
  struct Group {
    policy::ServerSet set;
    std::vector<std::unique_ptr<io::Upstream>> servers;
    std::vector<ServerCounters*> counted;  // for each of them, in counters_
    std::size_t flights = 0;
  };
  // An answer that is kept back, and the server that gave it.
  struct Held {
    policy::Answer answer;
    std::string via;
  };
  struct Flight {
    policy::UpstreamQuestion question;
    uint64_t hash;  // of it
    io::Milliseconds deadline;
    Group* group;  // lives as long as it has flights
    policy::Attempt attempt;
    std::vector<uint64_t> lookups;
    // The refusal of the most preferred server that gave one.
    std::size_t refused_by = SIZE_MAX;
    std::unique_ptr<policy::Answer> refusal{};
    // What a server has said over UDP, cut, while it is asked over TCP: better than nothing.
    std::unique_ptr<Held> cut{};
    bool was_heard = false;       // some server could be reached
    std::size_t unreachable = 0;  // servers
    bool was_asked = false;
    bool is_silent = false;  // the lookups have been told
    policy::Existence sibling = policy::Existence::Unknown;
    std::unique_ptr<Held> held{};  // waits for the sibling; the servers' part is over
  };
  // What has been shown of a question that may come, because its sibling has just landed: a client
  // sends both at once, but without the cache the first may be over when the second one arrives.
  struct Recent {
    uint64_t hash = 0;  // of the question
    policy::Existence shown = policy::Existence::Unknown;
    io::Milliseconds until{0};
    policy::UpstreamQuestion question;
  };
  struct Due {
    io::Milliseconds at;
    uint64_t flight;
  };
  // A question and its hash, which is computed once. Borrows the question.
  struct Key {
    const policy::UpstreamQuestion* question;
    uint64_t hash;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const { return key.hash; }
  };
  struct Equal {
    bool operator()(const Key& one, const Key& other) const {
      return one.hash == other.hash && *one.question == *other.question;
    }
  };
  using ByQuestion = std::unordered_map<Key, uint64_t, Hash, Equal>;

  uint64_t hash_of(const policy::UpstreamQuestion& question) const;
  uint64_t find_flight(const Key& key) const;
  void leave(const Key& key);
  void enter(const Key& key, uint64_t id);
  void tell(Exchange::What what, const Flight& flight, std::size_t server,
            dns::Rcode rcode = dns::Rcode::NoError) const;
  void count(ServerCounters& counted, const io::UpstreamReply& reply);
  void drop_unused_counters();
  void on_reply(Group& group, std::size_t server, uint64_t token, const io::UpstreamReply& reply);
  void on_packet(uint64_t id, std::size_t server, dns::BytesView packet);
  void keep_cut(Flight& flight, std::size_t server, dns::BytesView packet);
  void act(uint64_t id, policy::Attempt::Next next);
  void ask(uint64_t id, Flight& flight);
  void land(uint64_t id, const policy::Answer& answer, policy::Source source,
            const std::string& via);
  void land_failed(uint64_t id);
  void land_held(uint64_t id);
  bool hold(uint64_t id, const policy::Answer& answer, const std::string& via);
  uint64_t find_sibling(const Flight& flight) const;
  void note_recent(const Key& sibling, policy::Existence shown);
  policy::Existence recently_shown(const Key& key) const;
  uint64_t tell_sibling(const Flight& flight, const policy::Answer& answer);
  void drop_landed(std::deque<Due>& dues);
  void note_failure(Group& group, std::size_t server, const char* reason);
  void warn_of_resources();
  void on_time();
  void on_silence(uint64_t id);
  bool is_late(const Flight& flight) const;
  void arm();

  io::Loop& loop_;
  io::Log& log_;
  FlightSettings settings_;
  Callbacks callbacks_;
  OnExchange on_exchange_;  // none: nobody watches
  std::map<std::string, ServerCounters> counters_;
  std::optional<io::Milliseconds> heard_;
  std::vector<std::unique_ptr<Group>> groups_;  // by number of the set
  std::vector<std::unique_ptr<Group>> retired_;
  Slots<Flight> flights_;  // the oldest has the first deadline: all get the same time
  ByQuestion by_question_;
  std::deque<Due> silences_;    // in order of time; the first one's flight has not landed
  std::deque<Due> held_;        // likewise
  std::vector<Recent> recent_;  // by hash; a newer one takes the place
  // What landed flights have left, for the next ones: most cost no allocation.
  std::vector<ByQuestion::node_type> spare_nodes_;
  std::vector<std::vector<uint64_t>> spare_lists_;
  // The last one, kept for its memory. A landing refers to it, so the next packet may be read when
  // that has been told: no upstream replies from inside ask().
  policy::UpstreamAnswer read_;
  io::Milliseconds armed_for_{0};
  io::Timer timer_;
};

}  // namespace dnslet::app
