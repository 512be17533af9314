// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Carries out what policy/outstanding says: sends queries through the transports of servers, keeps
// its time, writes its log lines, counts. Holds no decision about DNS.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/log.h"
#include "io/loop.h"
#include "policy/outstanding.h"
#include "serve/server_counters.h"
#include "upstream/transport.h"

namespace dnslet::serve {

class Asker {
 public:
  // What came of a question, for all lookups that waited for it. Borrows.
  struct Finished {
    const policy::UpstreamQuestion& question;
    const policy::Answer& answer;
    policy::Source source;   // Upstream, or Error where no server has said anything
    const std::string& via;  // the server that gave the answer; empty: none
    const std::vector<uint64_t>& lookups;
    policy::Existence sibling;  // what the other address family's answer has shown meanwhile
  };
  // What passes between dnslet and a server, as it happens. Borrows.
  struct Exchange {
    policy::Exchange::What what;
    const policy::UpstreamQuestion& question;
    const std::string& server;
    dns::Rcode rcode;      // of Answered, as is the next
    uint8_t subnet_scope;  // see dns::Answer
  };
  using OnExchange = std::function<void(const Exchange&)>;

  struct Callbacks {
    // Never from inside ask(), which it may call.
    std::function<void(const Finished&)> on_finished;
    // No server has said anything for `retry`: those that wait so far. Asks nothing. Returns what
    // is known of the question for the other address family.
    std::function<policy::Existence(const policy::Silence&)> on_silence;
    // Each server of the set has failed or been silent for so long: the same. May ask.
    std::function<void(const policy::UpstreamQuestion& question,
                       const std::vector<uint64_t>& lookups)>
        on_unreached;
    // Has the questions that wait in sockets read, and asked.
    std::function<void()> read_waiting;
    // The shared cache is to be asked: on_shared() tells what it says.
    std::function<void(uint64_t number, const policy::UpstreamQuestion& question)> ask_shared;
    // Opens the way to a server.
    std::function<std::unique_ptr<upstream::Transport>(
        const policy::ServerAddress& server, policy::Way way, upstream::Transport::OnReport)>
        open_transport;
  };

  struct Settings {
    policy::OutstandingSettings outstanding;
    uint64_t probe_secret = 0;  // see serve/loop_probe
  };

  Asker(io::Loop& loop, io::Log& log, const Settings& settings, Callbacks callbacks);
  ~Asker();
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  // As in policy/outstanding.
  void set_servers(policy::ServerSetNumber set, const std::vector<policy::ServerAddress>& servers);
  [[nodiscard]] bool ask(uint64_t lookup, const policy::Ask& ask_for);
  bool is_silent(const policy::UpstreamQuestion& question) {
    return outstanding_.is_silent(question, loop_.now());
  }
  std::size_t open() const { return outstanding_.open(); }
  // Of the shared cache; as in policy/outstanding.
  void use_shared(bool is_up) { outstanding_.use_shared(is_up); }
  policy::SharedUse on_shared(uint64_t number, dns::BytesView value);
  // A query with a name of serve/loop_probe has come in at a listener of this program.
  void on_probe(uint64_t number);

  // Tells `on_exchange` all that happens from now on; it must not call back. Empty: nobody watches.
  void watch(OnExchange on_exchange);

  // Of the servers that are in use, by name; a server keeps its counts as long as some set has it.
  const std::map<std::string, ServerCounters>& counters() const { return counters_; }
  // Counts it, if the server is in use.
  void count(StreamFailure failure, const std::string& server);
  // When a server last answered, whatever it said.
  std::optional<io::Milliseconds> heard() const { return heard_; }

 private:
  struct Server {
    policy::ServerAddress address;
    std::string name;
    ServerCounters* counted = nullptr;  // in counters_; null: the number is free
    std::unique_ptr<upstream::Transport> datagrams;
    std::unique_ptr<upstream::Transport> stream;
    uint64_t probe = 0;  // the number in the name of the query that is to find out
  };

  enum class Until { End, Finish };
  void act(Until until);
  void carry_out(const policy::Send& send);
  void carry_out(const policy::AskShared& ask);
  void carry_out(const policy::Forget& forget);
  void carry_out(const policy::Finish& finish);
  void carry_out(const policy::Silence& silence);
  void carry_out(const policy::Unreached& unreached);
  void carry_out(const policy::ReadWaiting& read);
  void carry_out(const policy::Probe& probe);
  void carry_out(const policy::DropServer& drop);
  void carry_out(const policy::Note& note);
  void carry_out(const policy::Exchange& exchange);

  upstream::Transport& transport(policy::ServerNumber server, policy::Way way);
  void on_report(policy::ServerNumber server, const upstream::Report& report);
  void on_turn();
  void arm();

  io::Loop& loop_;
  io::Log& log_;
  uint64_t probe_secret_;
  Callbacks callbacks_;
  OnExchange on_exchange_;
  policy::Outstanding outstanding_;
  std::map<std::string, ServerCounters> counters_;
  std::vector<Server> servers_;                                // by number
  std::vector<std::unique_ptr<upstream::Transport>> retired_;  // go when nobody is inside them
  std::optional<policy::Action> waiting_;  // a Finish that ask() has left for the next turn
  std::optional<io::Milliseconds> heard_;
  bool is_acting_ = false;
  bool has_to_read_ = false;
  bool is_armed_ = false;
  io::Timer timer_;
  io::Timer turn_timer_;  // for what has to come later in this turn
};

}  // namespace dnslet::serve
