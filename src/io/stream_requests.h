// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The requests of one connection on which each has a stream of its own: those that wait for one,
// those that are open, and what has come of the others until that is told.

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

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

}  // namespace dnslet::io
