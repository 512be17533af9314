// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// HTTP/1.1 of io/http_requests: one request at a time, so that answers keep the order of requests.

#include <algorithm>
#include <utility>

#include "io/http_requests.h"

namespace dnslet::io {
namespace {

class Http1Requests final : public HttpRequests {
 public:
  explicit Http1Requests(User& user) : user_(user) {}

  std::optional<std::size_t> take(dns::BytesView bytes) override {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::size_t taken = 0;
    while (!user_.is_full() && !is_over_) {  // ends: every turn takes bytes
      const std::size_t size = take_one(text.substr(taken));
      if (size == 0) break;
      taken += size;
    }
    return is_over_ ? bytes.size() : taken;
  }

  void respond(uint64_t number, HttpReply reply) override {
    if (number != number_) return;
    number_ = 0;
    out_ += http1_head(reply, is_last_ ? Connection::Closes : Connection::Stays);
    if (!is_head_request_) out_ += reply.body;  // RFC 9110 section 9.3.2
    if (is_last_ && unwanted_ == 0) end();
  }

  // What comes behind it is left alone: a reply to that would be taken for one to this.
  bool drop(uint64_t) override {
    is_over_ = true;
    return true;
  }

  void collect(dns::Bytes& out) override {
    out.insert(out.end(), out_.begin(), out_.end());
    out_.clear();
  }

  void say_goodbye(dns::Bytes&) override {}
  std::size_t most_unanswered() const override { return 1; }

 private:
  // The size of the request at the front, which has been told; 0: it is not all there.
  std::size_t take_one(std::string_view text) {
    if (unwanted_ > 0) return discard(text);
    if (text.starts_with("\r\n")) return 2;  // RFC 9112 section 2.2
    if (text.size() < needed_) return 0;
    const auto head = size_of_head(text, seen_);
    seen_ = head ? 0 : text.size();
    if (!head && text.size() <= kMaxHead) return 0;
    const auto request =
        head && *head <= kMaxHead ? parse_http_head(text.substr(0, *head)) : std::nullopt;
    const bool is_sound = request && !request->has_codings;
    const bool is_too_long = is_sound && request->body_size > kMaxBody;
    needed_ = is_sound && !is_too_long ? *head + request->body_size : 0;
    if (text.size() < needed_) {
      if (request->waits) out_ += "HTTP/1.1 100 Continue\r\n\r\n";
      return 0;
    }
    needed_ = 0;

    number_ = ++requests_;
    is_head_request_ = request && request->method == "HEAD";
    is_last_ = !is_sound || is_too_long || request->is_last;
    if (is_too_long) unwanted_ = *head + request->body_size;
    if (!is_sound || is_too_long) {
      respond(number_, {.status = is_too_long ? 413U : 400U, .body = "bad request\n"});
      return is_too_long ? discard(text) : text.size();
    }
    const std::string_view body = text.substr(*head, request->body_size);
    user_.on_request(number_, *request,
                     {reinterpret_cast<const uint8_t*>(body.data()), body.size()});
    return *head + request->body_size;
  }

  // A connection that ends in the middle of what is sent takes the reply along; io/tcp_client ends
  // those who go on and on.
  std::size_t discard(std::string_view text) {
    const std::size_t size = std::min(unwanted_, text.size());
    unwanted_ -= size;
    if (unwanted_ == 0) end();
    return size;
  }

  void end() {
    is_over_ = true;
    user_.on_last();
  }

  User& user_;
  uint64_t requests_ = 0;
  uint64_t number_ = 0;  // of the one that is being answered; 0: none
  // Of the request at the front, which is not looked at again for each byte that comes.
  std::size_t seen_ = 0;      // without the end of its head
  std::size_t needed_ = 0;    // its size; 0: not known yet
  std::size_t unwanted_ = 0;  // what is left of one that is too long
  bool is_head_request_ = false;
  bool is_last_ = false;
  bool is_over_ = false;
  std::string out_;
};

}  // namespace

std::unique_ptr<HttpRequests> make_http1_requests(HttpRequests::User& user) {
  return std::make_unique<Http1Requests>(user);
}

}  // namespace dnslet::io
