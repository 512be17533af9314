// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/request_connection.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "dns/message.h"
#include "dns/patch.h"
#include "upstream/http_status.h"
#include "upstream/keepalive.h"

namespace dnslet::upstream {
namespace {

// An answer that has been kept on its way is so much older (RFC 8484 section 5.1).
void count_down(dns::MutableBytesView bytes, std::chrono::seconds age) {
  const auto message = dns::Message::parse(bytes);
  if (!message || age.count() == 0) return;
  std::vector<uint16_t> places;
  dns::find_ttls(*message, places);
  const dns::Bytes before(bytes.begin(), bytes.end());
  dns::copy_counted_down(before, bytes, places, static_cast<uint32_t>(age.count()));
}

}  // namespace

RequestConnection::RequestConnection(const Place& place, const io::OpenRequests& open,
                                     RequestServer& server)
    : Connection(place), server_(server), client_(open(*this)) {
  carry_at_most(server_.most_at_once);
}

uint64_t RequestConnection::add(uint64_t question, dns::MutableBytesView query) {
  dns::Writer(query).u16(0);  // RFC 8484 section 4.1, RFC 9250 section 4.2.1
  body_.clear();
  append_padded(body_, query);
  const uint64_t sent = note_sent(question, 0);
  client_->post(sent, body_);
  note_traffic();
  look_again();
  return sent;
}

void RequestConnection::flush() {
  if (is_open() && client_->has_unwritten()) client_->flush();
}

void RequestConnection::on_open() {
  note_open();
  if (const auto limit = client_->idle_limit()) note_keepalive(*limit);
  look_again();
  flush();
  owner().on_turn(*this);
}

// What the server has said of the connection counts for the next question.
void RequestConnection::look_again() {
  if (!client_->takes_more()) retire();
  const auto told = client_->most_at_once();
  if (!told) return;
  server_.most_at_once = std::max<std::size_t>(*told, 1);
  carry_at_most(*told);
}

void RequestConnection::on_response(uint64_t sent, const io::HttpResponse& response) {
  note_traffic();
  look_again();
  const uint64_t question = take_sent(sent);
  const HttpVerdict verdict = verdict_of(response.status);
  server_.declined = verdict == HttpVerdict::Declined ? server_.declined + 1 : 0;
  if (verdict == HttpVerdict::Answer) return on_body(question, response);
  std::string reason = status_text(response.status);
  if (verdict == HttpVerdict::Failed || server_.declined >= RequestServer::kManyDeclined) {
    const auto pause = pause_of(response.status, response.retry_after);
    if (pause.count() > 0)
      reason += "; it is left alone for " + std::to_string(pause.count()) + " s";
    return fail(question, reason, pause);
  }
  note_answer();
  server_.on_failure(reason);
  if (question != 0) owner().on_failure(question, {.outcome = Outcome::Declined});
}

void RequestConnection::on_body(uint64_t question, const io::HttpResponse& response) {
  const bool is_message = dns::Message::parse(response.body).has_value();
  if (!is_message || (question != 0 && !owner().is_answer(question, response.body)))
    return fail(question, "its answer is none to the question", std::chrono::seconds(0));
  note_answer();
  if (question == 0) return;
  count_down(response.body, response.age);
  owner().on_answer(question, response.body);
}

void RequestConnection::fail(uint64_t question, const std::string& reason,
                             std::chrono::seconds pause) {
  server_.on_failure(reason);
  if (question != 0) owner().on_failure(question, {Outcome::Failed, pause});
}

void RequestConnection::on_refused(uint64_t sent) {
  look_again();
  refused_.push_back(sent);
}

// What else has arrived tells whether the server looks at requests at all.
void RequestConnection::hand_over_refused() {
  std::vector<uint64_t> questions;
  for (const uint64_t sent : std::exchange(refused_, {}))
    if (const uint64_t question = take_sent(sent)) questions.push_back(question);
  bool has_failed = false;
  for (const uint64_t question : questions) has_failed |= !owner().on_refused(*this, question);
  if (has_failed) server_.on_failure("it looks at no request");
}

void RequestConnection::on_failure(uint64_t sent, const std::string& reason) {
  look_again();
  fail(take_sent(sent), reason, std::chrono::seconds(0));
}

void RequestConnection::on_turn() {
  look_again();
  hand_over_refused();
  owner().on_turn(*this);
}

void RequestConnection::on_end(int status, const std::string& reason) {
  hand_over_refused();
  if (!reason.empty()) server_.on_failure(reason);
  owner().on_end(*this, status);
}

}  // namespace dnslet::upstream
