// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// A client over HTTPS that sends anything, in pieces of any size: bytes, HTTP/1.1, frames of
// HTTP/2. What is a question is no longer than a message, nothing that was not asked is answered,
// and what waits here for an answer is bounded.

#include <algorithm>
#include <cassert>
#include <deque>

#include "input.h"
#include "io/http2.h"
#include "serve/https_framing.h"

namespace {

using namespace dnslet;
using dns::Bytes, dns::BytesView;

const std::string kPath = "/dns-query";  // NOLINT(bugprone-throwing-static-initialization)

class Client final : private io::Framing::User {
 public:
  explicit Client(bool is_http2) : framing_(serve::make_https_framing(kPath)) {
    framing_->on_open(is_http2 ? "h2" : "http/1.1");
  }

  // False: it has ended.
  bool send(const Bytes& bytes) {
    partial_.insert(partial_.end(), bytes.begin(), bytes.end());
    const auto taken = framing_->take(partial_, *this);
    if (!taken || is_last_) return false;
    assert(*taken <= partial_.size());
    partial_.erase(partial_.begin(), partial_.begin() + static_cast<long>(*taken));
    framing_->collect(out_);
    out_.clear();
    return true;
  }

  // Answers, drops or refuses the question that has waited for longest.
  void settle(std::uint8_t how) {
    if (waiting_.empty()) return;
    const uint64_t request = waiting_.front();
    waiting_.pop_front();
    if (how % 4 == 0)
      is_last_ = framing_->drop(request) || is_last_;
    else if (how % 4 == 1)
      framing_->refuse(request);
    else
      framing_->add_answer(request, Bytes(12 + how), out_);
    framing_->collect(out_);
    out_.clear();
  }

  void end() { framing_->say_goodbye(out_); }

 private:
  bool is_full() const override { return waiting_.size() >= framing_->most_unanswered(); }
  void on_question(uint64_t request, BytesView packet) override {
    assert(!is_full());
    assert(packet.size() >= dns::kHeaderSize && packet.size() <= dns::kMaxMessage);
    waiting_.push_back(request);
    assert(waiting_.size() <= framing_->most_unanswered());
    if (packet[0] & 1) settle(packet[1]);
  }
  void on_last() override { is_last_ = true; }

  std::unique_ptr<io::Framing> framing_;
  Bytes partial_;
  Bytes out_;
  std::deque<uint64_t> waiting_;
  bool is_last_ = false;
};

// A frame of HTTP/2: of a request, with a head that is sound, or anything.
Bytes frame_from(fuzz::Input& input) {
  constexpr std::uint8_t kHeaders = 1;
  const std::uint8_t kind = input.byte();
  const std::uint8_t stream = static_cast<std::uint8_t>(2 * (kind >> 4) + 1);
  // POST, https, /dns-query without indexing, application/dns-message (RFC 7541 appendix A)
  static const std::string kHead =
      std::string("\x83\x87\x04\x0a/dns-query\x0f\x10\x17") + "application/dns-message";
  Bytes payload;
  std::uint8_t type = 0;
  std::uint8_t flags = kind & 1;
  if (kind % 4 == 0) {
    type = kHeaders;
    flags = 4;
    payload.assign(kHead.begin(), kHead.end());
  } else if (kind % 4 == 3) {
    type = input.byte();
    flags = input.byte();
  }
  if (kind % 4 != 0) payload = input.block(input.byte());
  Bytes frame = {0, 0, static_cast<std::uint8_t>(payload.size()), type, flags, 0, 0, 0, stream};
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t steer = input.byte();
  const bool is_http2 = (steer & 1) != 0;
  if (is_http2 && io::http2_version().empty()) return 0;
  Client client(is_http2);
  if (is_http2 && (steer & 2) != 0) {
    const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    Bytes bytes(preface.begin(), preface.end());
    bytes.insert(bytes.end(), {0, 0, 0, 4, 0, 0, 0, 0, 0});
    (void)client.send(bytes);
  }
  bool goes_on = true;
  while (goes_on && !input.empty()) {
    const std::uint8_t what = input.byte();
    if (what < 32)
      client.settle(what);
    else
      goes_on = client.send(is_http2 && what < 192 ? frame_from(input) : input.block(what));
  }
  client.end();
  return 0;
}
