// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The requests of one connection on which each has a stream of its own: those that wait for one,
// those that are open, and what has come of the others until that is told. Clients that ask so
// over QUIC share a base class.

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/quic.h"
#include "io/request_client.h"

namespace dnslet::io {

class StreamRequests {
 public:
  enum class End { Response, Refused, Failure };
  struct Request {
    uint64_t number = 0;  // of the user's
    dns::Bytes sent{};
    HttpResponse response{};  // but for its body
    dns::Bytes received{};
    End end = End::Response;
    std::string reason{};
  };

  // It waits, as those before it.
  void post(uint64_t number, dns::BytesView body);
  bool is_waiting() const { return !waiting_.empty(); }
  // The one that has waited longest has this stream. REQUIRES: is_waiting().
  Request& begin(uint64_t stream);
  std::size_t open() const { return open_.size(); }
  // Null: nothing more is told of it.
  Request* find(uint64_t stream);
  // By stream.
  const std::map<uint64_t, Request>& all_open() const { return open_; }

  // REQUIRES: it is open.
  void finish(uint64_t stream, End end, std::string reason = {});
  void refuse_waiting();
  // Tells what has finished. The user may post.
  void tell(RequestClient::User& user);

 private:
  std::deque<Request> waiting_;
  std::map<uint64_t, Request> open_;
  std::vector<Request> finished_;
};

// Nobody is told anything but in on_open(), on_turn() and on_end(): what comes gathers until then.
class StreamRequester : public RequestClient, protected QuicConnection::User {
 public:
  void post(uint64_t request, dns::BytesView body) override { requests_.post(request, body); }
  bool has_unwritten() const override;
  std::optional<std::size_t> most_at_once() const override;
  bool is_path_dead(std::chrono::milliseconds ago) const override;
  bool takes_more() const override { return violation_.empty(); }
  std::optional<std::chrono::milliseconds> idle_limit() const override;

 protected:
  using End = StreamRequests::End;

  StreamRequester(const OpenQuic& open, RequestClient::User& user)
      : user_(user), quic_(open(*this)) {}

  void on_open() override;
  void on_turn() override;
  void on_end(int status, const std::string& reason) override;
  // The server has broken the protocol, `how` in words: the connection is over.
  void violate(const std::string& how, uint64_t code);

  StreamRequests& requests() { return requests_; }
  QuicConnection& quic() { return *quic_; }

 private:
  RequestClient::User& user_;
  StreamRequests requests_;
  std::string violation_;  // the first one; empty: none
  bool is_open_ = false;
  std::unique_ptr<QuicConnection> quic_;
};

}  // namespace dnslet::io
