// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Scenarios for policy/outstanding, told as scripts with a made-up clock:
//
//   OutstandingScript dns;
//   dns.set_servers(0, "a b");
//   dns.ask(1, "www.test A");
//   dns.expect({"ask a www.test A"});
//   dns.pass(800ms);
//   dns.expect({"failed a: silent", "ask b www.test A", "silence 1"});
//   dns.answer("b", "NOERROR | 60 A 10.0.0.1");
//   dns.expect({"forget a", "finish 1: NOERROR | 60 A 10.0.0.1 from b"});
//
// Servers are letters; "a/tcp" is one that is reached over streams, and the query to `a` that has
// gone on over one. A question is name, type and words (do nord cd retry=MS). Messages are written
// as in dns/packet_text.h; the word `nora` leaves RA out. Queries are answered oldest first.

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "dns/packet_text.h"
#include "policy/outstanding.h"

namespace dnslet::test {

using namespace std::chrono_literals;

class OutstandingScript {
 public:
  using Lines = std::vector<std::string>;

  static constexpr policy::WallTime kWall{1'800'000'000'000};

  static policy::OutstandingSettings defaults() {
    return {.timeout = 4500ms, .retry = 800ms, .max_open = 10, .sibling_wait = 50ms, .seed = 1};
  }
  explicit OutstandingScript(const policy::OutstandingSettings& settings = defaults())
      : outstanding_(settings) {}
  ~OutstandingScript() { CHECK(lines_ == Lines{}); }

  // What clients have sent by the time that ReadWaiting is carried out.
  std::vector<std::pair<uint64_t, std::string>> waiting;
  // Who has been told last that no server of a set can be reached.
  std::vector<uint64_t> unreached;
  // What the cache knows of the other address family.
  policy::Existence cached = policy::Existence::Unknown;

  void set_servers(policy::ServerSetNumber set, const std::string& names) {
    std::vector<policy::ServerAddress> addresses;
    for (const std::string& name : words_of(names)) {
      const bool is_stream = name.ends_with("/tcp");
      const auto address = IpAddress::v4(10, 0, 0, static_cast<uint8_t>(name[0]));
      addresses.push_back({ServerAddress::at({address, 53, {}}),
                           is_stream ? policy::Way::Stream : policy::Way::Datagram});
    }
    outstanding_.set_servers(set, addresses);
    name_servers(set);
    take();
  }

  void ask(uint64_t lookup, const std::string& question, policy::ServerSetNumber set = 0) {
    const Words words = words_of(question);
    policy::Ask ask;
    ask.question.question.name = *dns::Name::from_text(words[0]);
    ask.question.question.type = static_cast<dns::Type>(type_of(words[1]));
    ask.question.flags = {.recursion_desired = !has_word(words, "nord"),
                          .checking_disabled = has_word(words, "cd"),
                          .dnssec_ok = has_word(words, "do")};
    ask.asking.skips_shared = has_word(words, "refresh");
    if (const uint32_t retry = value_of(words, "retry", 0))
      ask.asking.retry = std::chrono::milliseconds(retry);
    ask.question.route = policy::Route{.servers = value_of(words, "route", 0)};
    if (has_word(words, "prefers-ipv4")) {
      ask.question.route.yielding = policy::Yielding::Aaaa;
      ask.asking.asks_sibling = ask.question.question.type == dns::Type::AAAA;
    }
    ask.servers = set;
    if (!outstanding_.ask(lookup, ask, now_)) lines_.push_back("no room");
    take();
  }

  void pass(std::chrono::milliseconds time) {
    const auto end = now_ + time;
    for (auto at = outstanding_.wake_at(); at && *at <= end; at = outstanding_.wake_at()) {
      now_ = std::max(now_, *at);
      outstanding_.on_time(now_);
      take();
    }
    now_ = end;
  }

  void answer(const std::string& server, const std::string& message, int line = __builtin_LINE()) {
    INFO("line " << line << ": answer " << server << ' ' << message);
    const bool is_cut = has_word(words_of(message), "tc");
    answer_packet(server, message_for(server, message).bytes(),
                  is_cut ? policy::QueryOutcome::Truncated : policy::QueryOutcome::Answer);
  }
  void answer_packet(const std::string& server, const Bytes& packet,
                     policy::QueryOutcome outcome = policy::QueryOutcome::Answer) {
    report(server, outcome, packet);
  }
  // The answer as a packet, for those that are to be spoilt.
  Bytes packet_for(const std::string& server, const std::string& message) {
    return message_for(server, message).bytes();
  }
  // The same for the newest query.
  void answer_last(const std::string& server, const std::string& message) {
    const auto found =
        std::ranges::find(queries_.rbegin(), queries_.rend(), server, &Query::server);
    REQUIRE(found != queries_.rend());
    const Query query = *found;
    queries_.erase(std::next(found).base());
    queries_.insert(queries_.begin(), query);
    answer(server, message);
  }
  void unreachable(const std::string& server) {
    report(server, policy::QueryOutcome::Unreachable, {});
  }
  void declines(const std::string& server) { report(server, policy::QueryOutcome::Declined, {}); }
  void asks_to_be_left_alone(const std::string& server, std::chrono::seconds pause) {
    report(server, policy::QueryOutcome::Failed, {}, pause);
  }
  void no_resources(const std::string& server) {
    report(server, policy::QueryOutcome::NoResources, {});
  }
  void use_shared(bool is_up = true) { outstanding_.use_shared(is_up); }
  // What the shared cache has for the question that it was asked for first, stored so long ago, and
  // living for a minute.
  void shared_has(const std::string& text, std::chrono::milliseconds ago = 0ms) {
    REQUIRE_FALSE(shared_.empty());
    const Bytes message = message_of(shared_.front().second, text).bytes();
    Bytes value;
    policy::append_stored({message, {}, static_cast<uint64_t>(ago.count()), 60}, kWall, value);
    shared_says(value);
  }
  void shared_says(const Bytes& value) {
    REQUIRE_FALSE(shared_.empty());
    const uint64_t number = shared_.front().first;
    shared_.erase(shared_.begin());
    (void)outstanding_.on_shared(number, value, kWall, now_);
    take();
  }
  // The query for a name that nobody else can know comes in here.
  void probe_comes_back(const std::string& server) {
    outstanding_.on_loop(number_of_server(server), now_);
    take();
  }
  void watch() { outstanding_.watch(policy::Outstanding::Watched::Yes); }

  // All that has been said since the last time, in this order.
  void expect(const Lines& lines, int line = __builtin_LINE()) {
    INFO("line " << line);
    CHECK(lines_ == lines);
    lines_.clear();
  }
  void expect_nothing(int line = __builtin_LINE()) { expect({}, line); }
  // The same, for those that count.
  Lines said() { return std::exchange(lines_, {}); }
  // Where it is told elsewhere.
  void skip() { lines_.clear(); }
  // Nothing is open, and nothing is held for what was.
  void expect_idle(int line = __builtin_LINE()) {
    INFO("line " << line);
    CHECK(outstanding_.open() == 0);
    CHECK(outstanding_.queries() == 0);
    CHECK(queries_.empty());
    CHECK_FALSE(outstanding_.wake_at());
  }
  policy::Outstanding& outstanding() { return outstanding_; }
  policy::Milliseconds now() const { return now_; }
  bool is_silent(const std::string& question) {
    const Words words = words_of(question);
    policy::UpstreamQuestion asked;
    asked.question.name = *dns::Name::from_text(words[0]);
    asked.question.type = static_cast<dns::Type>(type_of(words[1]));
    return outstanding_.is_silent(asked, now_);
  }

 private:
  struct Query {
    uint64_t token;
    std::string server;  // with "/tcp" where it travels so
    std::string question;
  };

  static std::string text_of(const policy::UpstreamQuestion& question) {
    return question.question.name.view().to_text() + ' ' +
           type_text(static_cast<uint16_t>(question.question.type));
  }

  void name_servers(policy::ServerSetNumber set) {
    const policy::Servers& servers = outstanding_.servers();
    for (const policy::ServerNumber server : servers.servers_of(servers.list_of(set))) {
      const policy::ServerAddress& address = servers.address(server);
      named_[server] = std::string(1, static_cast<char>(address.server.endpoint->address.bytes[3]));
    }
  }
  std::string name(policy::ServerNumber server, policy::Way way) {
    return named_.at(server) + (way == policy::Way::Stream ? "/tcp" : "");
  }
  policy::ServerNumber number_of_server(const std::string& server) {
    for (const auto& [number, name] : named_)
      if (name == server) return number;
    return policy::kNoServer;
  }

  Packet message_for(const std::string& server, const std::string& text) {
    const auto query = std::ranges::find(queries_, server, &Query::server);
    REQUIRE(query != queries_.end());
    Packet packet = message_of(query->question, text);
    if (has_word(words_of(text), "nora"))
      packet.flags(static_cast<uint16_t>(u16_at(packet.bytes(), 2) & ~0x0080));
    return packet;
  }
  void report(const std::string& server, policy::QueryOutcome outcome, const Bytes& packet,
              std::chrono::seconds pause = {}) {
    const auto query = std::ranges::find(queries_, server, &Query::server);
    REQUIRE(query != queries_.end());
    const uint64_t token = query->token;
    queries_.erase(query);
    outstanding_.on_report({token, outcome, packet, pause}, now_);
    take();
  }

  void take() {
    while (const auto action = outstanding_.take())
      std::visit([this](const auto& said) { note(said); }, *action);
    if (!std::exchange(has_to_read_, false)) return;
    for (const auto& [lookup, question] : std::exchange(waiting, {})) ask(lookup, question);
    outstanding_.decide(now_);
    take();
  }

  void note(const policy::Send& send) {
    const std::string server = name(send.server, send.way);
    const std::string question = text_of(*send.question);
    queries_.push_back({send.token, server, question});
    lines_.push_back("ask " + server + ' ' + question +
                     (send.edns == dns::QueryEdns::WithoutEdns ? " without EDNS" : ""));
  }
  void note(const policy::AskShared& ask) {
    shared_.emplace_back(ask.number, text_of(*ask.question));
    lines_.push_back("look for " + text_of(*ask.question));
  }
  void note(const policy::Forget& forget) {
    const auto query = std::ranges::find(queries_, forget.token, &Query::token);
    REQUIRE(query != queries_.end());
    CHECK(query->server == name(forget.server, forget.way));
    lines_.push_back("forget " + query->server);
    queries_.erase(query);
  }
  void note(const policy::Finish& finish) {
    std::string line = "finish";
    for (const uint64_t lookup : *finish.lookups) line += ' ' + std::to_string(lookup);
    const dns::BytesView message = finish.answer->message();
    line += ": " + read_message({message.begin(), message.end()}).text;
    if (finish.via != policy::kNoServer) line += " from " + named_.at(finish.via);
    if (finish.source == policy::Source::Shared) line += " from the shared cache";
    if (finish.source == policy::Source::Error) line += ", nobody was heard";
    if (finish.sibling == policy::Existence::Exists) line += ", the other family exists";
    if (finish.sibling >= policy::Existence::HasRecords) line += ", the other family has records";
    lines_.push_back(line);
  }
  void note(const policy::Silence& silence) {
    std::string line = "silence";
    for (const uint64_t lookup : *silence.lookups) line += ' ' + std::to_string(lookup);
    lines_.push_back(line);
    outstanding_.sibling_shows(silence.number, cached, now_);
  }
  void note(const policy::Unreached& said) { unreached = *said.lookups; }
  void note(const policy::ReadWaiting&) { has_to_read_ = true; }
  void note(const policy::Probe& probe) {
    const std::string server = name(probe.server, probe.way);
    queries_.push_back({probe.token, server, "probe.test A"});
    lines_.push_back("probe " + server);
  }
  void note(const policy::DropServer& drop) {
    const std::string server = named_.at(drop.server);
    std::erase_if(queries_, [&](const Query& query) { return query.server.starts_with(server); });
    named_.erase(drop.server);
    lines_.push_back("gone " + server);
  }
  void note(const policy::Note& note) {
    using What = policy::Note::What;
    const std::string server = named_.at(note.server);
    const std::map<What, std::string> texts = {{What::Failed, "failed " + server + ": silent"},
                                               {What::Unreachable, "failed " + server},
                                               {What::Broken, "failed " + server + ": broken"},
                                               {What::Recovered, "recovered " + server},
                                               {What::LeadsBack, server + " leads back"},
                                               {What::CutIsAllOf, "cut is all of " + server},
                                               {What::NoResources, "no resources"}};
    lines_.push_back(texts.at(note.what));
  }
  void note(const policy::Exchange& exchange) {
    constexpr const char* kWhat[] = {
        "asked",     "asked without EDNS", "answered", "unusable",   "unreachable",
        "failed",    "no resources",       "silent",   "looked for", "found",
        "not found", "silent there"};
    const std::string what = std::string("see ") + kWhat[static_cast<std::size_t>(exchange.what)];
    lines_.push_back(exchange.server == policy::kNoServer
                         ? what
                         : what + ' ' + named_.at(exchange.server) + ' ' + to_text(exchange.rcode));
  }

  policy::Outstanding outstanding_;
  std::chrono::milliseconds now_{1'000'000};
  std::map<policy::ServerNumber, std::string> named_;
  std::vector<Query> queries_;
  std::vector<std::pair<uint64_t, std::string>> shared_;  // number and question
  bool has_to_read_ = false;
  Lines lines_;
};

}  // namespace dnslet::test
