// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Scenarios for policy/lookup, told as scripts with a made-up clock:
//
//   Script dns;
//   dns.ask("db.test A do tcp");
//   dns.expect_asked("db.test A do");
//   dns.upstream("NOERROR ad | 60 A 10.0.0.1");
//   dns.expect_reply("upstream NOERROR ad do | 60 A 10.0.0.1");
//   dns.pass(2s);
//
// A question is name, type and words: CH class=N cd ad do nord edns edns=SIZE tcp from=ADDRESS.
// Messages are written as in dns/packet_text.h; a reply begins with its source.

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catch.h"
#include "dns/packet_text.h"
#include "policy/fake_addresses.h"
#include "policy/family.h"
#include "policy/lookup.h"
#include "policy/reverse_names.h"
#include "policy/rule_set.h"
#include "policy/storing.h"
#include "read_answer.h"

namespace dnslet::test {

class Script {
 public:
  // `capacity`: of the cache, in answers.
  // `stale`: how long an answer is kept when it has ended.
  explicit Script(std::size_t capacity = 100, std::chrono::seconds stale = std::chrono::seconds(0))
      : cache_(capacity, 1, 1, stale), scratch_(dns::kMaxMessage) {
    settings.version = "dnslet 1.0";
  }

  policy::Settings settings;
  policy::HostsTable addresses{1};
  policy::HostsTable hosts{1};
  policy::Records records{1};
  policy::Zones zones{1};
  std::optional<policy::FakeAddresses> fake_addresses;
  std::optional<policy::ReverseNames> reverse_names;
  policy::OnTried on_tried = [](const policy::Tried&) {};
  uint64_t generation = 0;

  // Sets of servers in the order in which the rules name them: 1, 2, ...
  void use_rules(std::vector<policy::Rule> rules) { rules_.emplace(std::move(rules), 1, 1); }
  // Of what was asked last.
  policy::ServerSetNumber asked_servers() const { return last_ask_.servers; }
  const policy::Ask& last_ask() const { return last_ask_; }
  void expect_drop() {
    const auto* const drop = std::get_if<policy::Drop>(&step_);
    REQUIRE(drop != nullptr);
    CHECK(drop->is_wanted);
  }
  void search_in(std::initializer_list<const char*> domains) {
    settings.search.domains.clear();
    for (const char* domain : domains) settings.search.add_domain(*dns::Name::from_text(domain));
  }
  void block(const std::string& domain) { (void)blocked_.insert(wire_name(domain)); }
  void pass(std::chrono::milliseconds time) { now_ += time; }
  void reload() {
    cache_.clear();
    failures_.clear();
  }

  // A client asks.
  void ask(const std::string& question, int line = __builtin_LINE()) {
    INFO("line " << line << ": ask " << question);
    asked_ = question;
    const Words words = words_of(question);
    policy::Client client;
    if (has_word(words, "tcp")) client.protocol = Protocol::Tcp;
    for (const std::string& word : words)
      if (word.starts_with("from=")) client.address = *IpAddress::from_text(word.substr(5));
    const uint32_t payload = value_of(words, "edns", has_word(words, "edns") ? 1232 : 0);
    has_opt_ = payload > 0 || has_word(words, "do");
    start(query_of(words, payload), client);
    limit_ = std::clamp(has_opt_ && payload == 0 ? 1232U : payload, 512U, 1232U);
    if (has_word(words, "tcp")) limit_ = dns::kMaxMessage;
  }
  // A packet that no words describe.
  void ask_packet(const Packet& packet, const policy::Client& client = {}) {
    has_opt_ = false;
    limit_ = dns::kMinUdpPayload;
    start(packet, client);
  }
  // The same, for one with an OPT record.
  void ask_packet_with_opt(const Packet& packet) {
    ask_packet(packet);
    has_opt_ = true;
  }

  // What goes upstream. Words: cd do nord.
  void expect_asked(const std::string& question, int line = __builtin_LINE()) {
    INFO("line " << line << ": expect_asked " << question);
    REQUIRE(std::holds_alternative<policy::Ask>(step_));
    const policy::UpstreamQuestion& upstream = asked_upstream();
    const dns::QueryBytes query = dns::build_upstream_query(upstream.question, upstream.flags);
    const ReadMessage sent = read_message({query.view().begin(), query.view().end()});
    CHECK(sent.id == 0);
    CHECK((sent.flags & ~0x0110) == 0x0020);
    CHECK(sent.opts == 1);
    std::string text = sent.question;
    if ((sent.flags & 0x0010) != 0) text += " cd";
    if (sent.text.ends_with(" do")) text += " do";
    if ((sent.flags & 0x0100) == 0) text += " nord";
    CHECK(text == question);
  }

  // What the other address family's question, under way at the same time, has shown from now on.
  void sibling_shows(policy::Existence existence) { sibling_ = existence; }

  // Upstream answers what was asked; all servers agree.
  void upstream(const std::string& message, int line = __builtin_LINE()) {
    INFO("line " << line << ": upstream " << message);
    upstream_packet(message_of(upstream_text(), message));
  }
  void upstream_packet(const Packet& packet) {
    const policy::UpstreamQuestion question = asked_upstream();
    const auto read = policy::read_answer(packet, question);
    REQUIRE(read);
    const BytesView kept = read->answer.message();
    CHECK(read_message({kept.begin(), kept.end()}).opts == 0);
    land(read->answer, policy::Source::Upstream);
  }
  // No server says anything until the time is up.
  void no_server_answers() {
    const dns::Question question = asked_upstream().question;
    land(policy::Answer::failure(question, dns::Rcode::ServFail), policy::Source::Error);
  }
  // Whether a packet from upstream would be taken for the answer.
  bool takes(const Packet& packet) const {
    return policy::read_answer(packet, asked_upstream()).has_value();
  }
  void give_up() { step_ = lookup_->give_up({tables(), now_, out_}); }
  // Upstream stays silent for as long as it may. Says whether the client has an answer now; if not
  // it waits on.
  bool upstream_is_silent() {
    const auto reply = lookup_->on_silence({tables(), now_, out_});
    if (reply) step_ = *reply;
    return reply.has_value();
  }
  // Each server of what was asked has been silent for as long as it may be. Says whether the lookup
  // goes on to others.
  bool servers_are_unreachable() {
    auto step = lookup_->on_unreachable({tables(), now_, out_});
    if (step) take(std::move(*step));
    return step.has_value();
  }
  // What was asked upstream gets this answer when the client has gone.
  void late(const std::string& message) {
    const policy::UpstreamQuestion question = asked_upstream();
    const auto read = policy::read_answer(message_of(upstream_text(), message), question);
    REQUIRE(read);
    (void)policy::store_answer(
        tables(), policy::storing_of(question, policy::Existence::Unknown, now_), read->answer);
  }
  void deadline() { take(lookup_->on_deadline({tables(), now_, out_})); }

  void expect_reply(const std::string& expected, int line = __builtin_LINE()) {
    INFO("line " << line << ": expect_reply " << expected);
    const auto* const reply = std::get_if<policy::Reply>(&step_);
    REQUIRE(reply != nullptr);
    CHECK(reply->size <= limit_);
    CHECK((reply->source != policy::Source::Error || reply->rcode != dns::Rcode::NoError));
    const Bytes packet(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(reply->size));
    const BytesView behind = BytesView(out_).subspan(std::min(limit_, out_.size()));
    CHECK(std::ranges::count(behind, kUntouched) == std::ssize(behind));
    const ReadMessage message = read_message(packet);
    CHECK(policy::to_text(reply->source) + (" " + message.text) == expected);
    CHECK(message.text.starts_with(code_text(static_cast<uint16_t>(reply->rcode))));

    CHECK(message.id == u16_at(query_, 0));
    CHECK((message.flags & 0x8080) == 0x8080);
    CHECK((message.flags & 0x7910) == (u16_at(query_, 2) & 0x7910));
    CHECK(message.opts == (has_opt_ ? 1 : 0));
    const Bytes& question = message.question_bytes;
    CHECK((question.empty() || std::equal(question.begin(), question.end(), query_.begin() + 12)));
  }
  // The reply as expect_reply() wants it, unchecked.
  std::string reply_text() const {
    const auto* const reply = std::get_if<policy::Reply>(&step_);
    REQUIRE(reply != nullptr);
    const Bytes packet(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(reply->size));
    return policy::to_text(reply->source) + (" " + read_message(packet).text);
  }
  // The sets that the addresses of the reply go into, between blanks.
  std::string sets() const {
    const auto* const reply = std::get_if<policy::Reply>(&step_);
    REQUIRE(reply != nullptr);
    std::string text;
    if (reply->sets)
      for (const auto& set : *reply->sets) (text += text.empty() ? "" : " ") += set->name;
    return text;
  }
  // The answer is to be refreshed once it is sent: from now on the script is about the refresh.
  void expect_refresh(int line = __builtin_LINE()) {
    INFO("line " << line << ": expect_refresh");
    const auto* const reply = std::get_if<policy::Reply>(&step_);
    REQUIRE(reply != nullptr);
    REQUIRE(reply->refresh);
    const policy::Scope scope = *reply->refresh;
    *lookup_ = lookup_->make_refresh();
    out_.assign(dns::kMaxMessage, kUntouched);
    take(lookup_->start_refresh({tables(), now_, out_}, scope));
  }
  // Nothing more comes of the refresh.
  void end_refresh() { lookup_->end_refresh({tables(), now_, out_}); }
  void expect_no_refresh(int line = __builtin_LINE()) {
    INFO("line " << line << ": expect_no_refresh");
    const auto* const reply = std::get_if<policy::Reply>(&step_);
    REQUIRE(reply != nullptr);
    CHECK_FALSE(reply->refresh);
  }
  void expect_no_reply() { CHECK(std::holds_alternative<policy::Drop>(step_)); }

 private:
  static constexpr uint8_t kUntouched = 0xee;

  policy::Tables tables() {
    turns_.addresses.resize(addresses.owners());
    turns_.hosts.resize(hosts.owners());
    turns_.records.resize(records.owners());
    policy::Tables tables{settings,  addresses, hosts,    blocked_,       zones,    cache_,
                          failures_, turns_,    scratch_, scratch_error_, &on_tried};
    tables.generation = generation;
    tables.rules = rules_ ? &*rules_ : nullptr;
    tables.records = records.empty() ? nullptr : &records;
    tables.fake_addresses = fake_addresses ? &*fake_addresses : nullptr;
    tables.reverse_names = reverse_names ? &*reverse_names : nullptr;
    return tables;
  }

  // What the last Ask was for.
  const policy::UpstreamQuestion& asked_upstream() const { return last_ask_.question; }
  // The client's words for it, with the name that a search has made of the client's.
  std::string upstream_text() const {
    const dns::Name& name = asked_upstream().question.name;
    if (name == *dns::Name::from_text(words_of(asked_)[0])) return asked_;
    return name.view().to_text() + asked_.substr(asked_.find(' '));
  }
  void take(policy::Step step) {
    step_ = std::move(step);
    if (const auto* const ask = std::get_if<policy::Ask>(&step_)) last_ask_ = *ask;
  }

  Packet query_of(const Words& words, uint32_t payload) {
    const auto qclass = has_word(words, "CH") ? 3U : value_of(words, "class", 1);
    const auto flag = [&](const char* word, unsigned bit) {
      return has_word(words, word) ? bit : 0U;
    };
    Packet packet(words[0], type_of(words[1]), static_cast<uint16_t>(qclass));
    packet.id(++last_id_)
        .flags(static_cast<uint16_t>(0x0100 ^ flag("nord", 0x0100) ^ flag("cd", 0x0010) ^
                                     flag("ad", 0x0020)));
    if (has_opt_)
      packet.additional(opt(static_cast<uint16_t>(payload == 0 ? 1232 : payload), flag("do", kDo)));
    return packet;
  }

  void start(const Packet& packet, const policy::Client& client) {
    query_ = packet.bytes();
    lookup_ = std::make_unique<policy::Lookup>(client);
    const bool is_tcp = client.protocol == Protocol::Tcp;
    out_.assign(is_tcp ? dns::kMaxMessage : dns::kMaxUdpPayload, kUntouched);
    take(lookup_->start({tables(), now_, out_}, query_));
  }

  void land(const policy::Answer& answer, policy::Source source) {
    const auto amended = policy::store_answer(
        tables(), policy::storing_of(asked_upstream(), sibling_, now_), answer);
    const policy::Answer& settled = amended ? *amended : answer;
    take(lookup_->on_answer({tables(), now_, out_}, {settled, source, sibling_}));
  }

  policy::KeyTable blocked_{1};
  policy::Cache cache_;
  policy::Cache failures_{1024, 1};
  policy::Turns turns_;
  Bytes scratch_;
  dns::ExtendedError scratch_error_;
  std::chrono::milliseconds now_{1'000'000};

  std::string asked_;
  Bytes query_;
  policy::Existence sibling_ = policy::Existence::Unknown;
  uint16_t last_id_ = 0x1200;
  bool has_opt_ = false;
  std::size_t limit_ = dns::kMinUdpPayload;
  std::unique_ptr<policy::Lookup> lookup_;
  policy::Step step_;
  policy::Ask last_ask_;
  std::optional<policy::RuleSet> rules_;
  Bytes out_;
};

// " | 60 A 10.0.0.0 | 60 A 10.0.0.1 …": `count` answer records of 16 bytes each.
inline std::string addresses_text(int count, const std::string& ttl = "60") {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += " | " + ttl + " A 10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256);
  return text;
}

}  // namespace dnslet::test
