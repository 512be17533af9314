// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A connection that carries each question as a request of its own, its ID 0: of HTTP/2 or HTTP/3
// (RFC 8484), or alone on a stream of QUIC (RFC 9250).

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/request_client.h"
#include "upstream/connection.h"

namespace dnslet::upstream {

// What is known of one server, for all connections to it.
struct RequestServer {
  // Who declines so many questions in a row has failed.
  static constexpr int kManyDeclined = 5;

  io::HttpTarget target{};                                    // where it speaks HTTP
  std::function<void(const std::string& reason)> on_failure;  // may not call back
  std::size_t most_at_once = 100;                             // requests: as it has said last
  int declined = 0;                                           // in a row
};

class RequestConnection final : public Connection, private io::RequestClient::User {
 public:
  // `server` must outlive it.
  RequestConnection(const Place& place, const io::OpenRequests& open, RequestServer& server);

  // The query is padded (RFC 8467).
  uint64_t add(uint64_t question, dns::MutableBytesView query) override;
  void flush() override;
  bool is_path_dead(io::Milliseconds ago) const override { return client_->is_path_dead(ago); }
  bool has_unwritten() const override { return client_->has_unwritten(); }

 private:
  void on_open() override;
  void on_response(uint64_t sent, const io::HttpResponse& response) override;
  void on_refused(uint64_t sent) override;
  void on_failure(uint64_t sent, const std::string& reason) override;
  void on_turn() override;
  void on_end(int status, const std::string& reason) override;

  void look_again();
  void hand_over_refused();
  void on_body(uint64_t question, const io::HttpResponse& response);
  void fail(uint64_t question, const std::string& reason, std::chrono::seconds pause);

  RequestServer& server_;
  dns::Bytes body_;                // kept for its memory
  std::vector<uint64_t> refused_;  // what has been sent, until all that has arrived is told
  std::unique_ptr<io::RequestClient> client_;
};

}  // namespace dnslet::upstream
