// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "serve/shared_answers.h"

#include <algorithm>
#include <utility>

#include "io/unix_stream.h"
#include "policy/shared_key.h"
#include "policy/stored_answer.h"

namespace dnslet::serve {

using Result = upstream::RedisClient::Result;

SharedAnswers::SharedAnswers(const Place& place, const RedisServer& server, Callbacks callbacks)
    : loop_(place.loop),
      log_(place.log),
      ways_(place.ways),
      server_(server),
      callbacks_(std::move(callbacks)),
      client_(place.loop, server,
              {[this](const upstream::RedisClient::Outcome& outcome) { on_outcome(outcome); },
               [this](bool is_kept) { ++(is_kept ? counted_.stored : counted_.unstored); },
               [this](bool is_up) { on_change(is_up); },
               [this](const std::string& reason) {
                 warn("shared cache is left out for a while", reason);
                 settle();
               },
               [this](const std::string& reason) {
                 warn("shared cache takes no answers for a while", reason);
               },
               [this] {
                 if (!addresses_.empty()) callbacks_.on_refused(server_.place.host);
               }}),
      settling_(place.loop, [this] { settle(); }) {
  if (server_.socket.empty()) below_ = ways_.streams_to(server_.place, server_.to_text());
  if (!server_.socket.empty())
    client_.use_way([this](io::Stream::User& user) {
      return std::make_unique<io::UnixStream>(loop_, server_.socket, user);
    });
  else if (server_.place.endpoint)
    client_.use_way(below_({io::SocketAddress(*server_.place.endpoint)}));
}

void SharedAnswers::use_addresses(const std::string& host,
                                  const std::vector<IpAddress>& addresses) {
  if (!server_.socket.empty() || server_.place.host != host || addresses.empty()) return;
  std::vector<io::SocketAddress> places;
  places.reserve(addresses.size());
  for (const IpAddress& address : addresses)
    places.emplace_back(Endpoint{address, server_.place.port, {}});
  client_.use_way(below_(places));
  const auto is_former = [this](const IpAddress& address) {
    return std::ranges::count(addresses_, address) > 0;
  };
  // Who has moved altogether may have left something behind that still answers.
  if (!addresses_.empty() && std::ranges::none_of(addresses, is_former)) client_.reconnect();
  addresses_ = addresses;
}

void SharedAnswers::ask(uint64_t number, const policy::UpstreamQuestion& question, uint64_t mark) {
  if (!client_.is_up()) return;
  key_.clear();
  policy::append_shared_key(question, mark, key_);
  client_.get(number, key_);
}

void SharedAnswers::keep(const policy::UpstreamQuestion& question, uint64_t mark,
                         const dns::Answer& answer, std::chrono::seconds lifetime) {
  if (!client_.is_up()) return;
  key_.clear();
  value_.clear();
  policy::append_shared_key(question, mark, key_);
  policy::append_stored(
      {answer.message(), answer.error().data(), 0, static_cast<uint32_t>(lifetime.count())},
      io::wall_clock(), value_);
  if (!client_.set(key_, value_, lifetime)) ++counted_.unstored;
}

void SharedAnswers::when_settled(std::function<void()> then) {
  constexpr io::Milliseconds kPatience{1500};
  on_settled_ = std::move(then);
  settling_.start_once(kPatience);
}

void SharedAnswers::settle() {
  settling_.stop();
  if (on_settled_) std::exchange(on_settled_, nullptr)();
}

void SharedAnswers::on_outcome(const upstream::RedisClient::Outcome& outcome) {
  const policy::SharedUse use = callbacks_.on_value(outcome.token, outcome.value);
  const bool has_failed = outcome.result == Result::Failed;
  ++counted_.results[static_cast<std::size_t>(has_failed ? policy::SharedUse::Failed : use)];
  if (!has_failed) counted_.latency.add(outcome.taken);
}

void SharedAnswers::on_change(bool is_up) {
  callbacks_.on_change(is_up);
  if (is_up)
    log_.write_limited(io::Level::Info, "shared cache up",
                       io::LogLine("shared cache is in use").with("server", server_.to_text()),
                       loop_.now());
  settle();
}

void SharedAnswers::warn(const char* what, const std::string& reason) {
  log_.write_limited(io::Level::Warning, what,
                     io::LogLine(what).with("server", server_.to_text()).with("reason", reason),
                     loop_.now());
}

}  // namespace dnslet::serve
