// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/stream_requests.h"

#include <uv.h>

#include <utility>

namespace dnslet::io {

void StreamRequests::post(uint64_t number, dns::BytesView body) {
  waiting_.push_back({.number = number, .sent = dns::Bytes(body.begin(), body.end())});
}

StreamRequests::Request& StreamRequests::begin(uint64_t stream) {
  Request& begun = open_[stream] = std::move(waiting_.front());
  waiting_.pop_front();
  return begun;
}

StreamRequests::Request* StreamRequests::find(uint64_t stream) {
  const auto found = open_.find(stream);
  return found == open_.end() ? nullptr : &found->second;
}

void StreamRequests::finish(uint64_t stream, End end, std::string reason) {
  const auto found = open_.find(stream);
  found->second.end = end;
  found->second.reason = std::move(reason);
  finished_.push_back(std::move(found->second));
  open_.erase(found);
}

void StreamRequests::refuse_waiting() {
  for (Request& request : std::exchange(waiting_, {})) {
    request.end = End::Refused;
    finished_.push_back(std::move(request));
  }
}

void StreamRequests::tell(RequestClient::User& user) {
  for (Request& request : std::exchange(finished_, {})) {
    switch (request.end) {
      case End::Response:
        request.response.body = request.received;
        user.on_response(request.number, request.response);
        break;
      case End::Refused:
        user.on_refused(request.number);
        break;
      case End::Failure:
        user.on_failure(request.number, request.reason);
        break;
    }
  }
}

bool StreamRequester::has_unwritten() const {
  return quic_->has_unsent() || (requests_.is_waiting() && quic_->streams_left() > 0);
}

std::optional<std::size_t> StreamRequester::most_at_once() const {
  if (!is_open_) return std::nullopt;
  return requests_.open() + quic_->streams_left();
}

bool StreamRequester::is_path_dead(std::chrono::milliseconds ago) const {
  return quic_->is_path_dead(ago);
}

std::optional<std::chrono::milliseconds> StreamRequester::idle_limit() const {
  return quic_->idle_limit();
}

void StreamRequester::on_open() {
  is_open_ = true;
  user_.on_open();
}

void StreamRequester::violate(const std::string& how, uint64_t code) {
  if (!violation_.empty()) return;
  violation_ = how;
  quic_->abort(code);
}

void StreamRequester::on_turn() {
  requests_.tell(user_);
  if (!violation_.empty()) return user_.on_end(UV_EPROTO, violation_);
  user_.on_turn();
}

void StreamRequester::on_end(int status, const std::string& reason) {
  requests_.tell(user_);
  user_.on_end(status, reason);
}

}  // namespace dnslet::io
