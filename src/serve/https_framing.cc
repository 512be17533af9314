// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "serve/https_framing.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "dns/answer.h"
#include "dns/message.h"
#include "io/http_requests.h"

namespace dnslet::serve {
namespace {

constexpr const char* kMediaType = "application/dns-message";

// RFC 4648 section 5, as RFC 8484 section 4.1 wants it: without padding. nullopt: it is none, or
// longer than a message.
std::optional<dns::Bytes> from_base64url(std::string_view text) {
  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  if (text.size() % 4 == 1 || text.size() / 4 * 3 > dns::kMaxMessage) return std::nullopt;
  dns::Bytes bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::size_t place = kLetters.find(c);
    if (place == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(place);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<uint8_t>(bits >> count));
  }
  return bytes;
}

// The value of `dns` in a query. nullopt: it is not there once.
std::optional<std::string_view> find_dns(std::string_view query) {
  constexpr std::string_view kName = "dns=";
  std::optional<std::string_view> found;
  while (!query.empty()) {  // ends: every turn takes a part
    const std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(part.size() + 1, query.size()));
    if (!part.starts_with(kName)) continue;
    if (found) return std::nullopt;
    found = part.substr(kName.size());
  }
  return found;
}

// Parameters behind the type don't matter: it has none.
bool is_media_type(std::string_view type) {
  const std::string_view name = type.substr(0, type.find(';'));
  return lower_case(name.substr(0, name.find_last_not_of(" \t") + 1)) == kMediaType;
}

const char* reason_of(unsigned status) {
  switch (status) {
    case 404:
      return "not found\n";
    case 405:
      return "method not allowed\n";
    case 415:
      return "send application/dns-message\n";
    default:
      return "not a DNS message; see RFC 8484\n";
  }
}

io::HttpReply refusal(unsigned status) {
  return {.status = status, .body = reason_of(status), .allowed = "GET, POST"};
}

class HttpsFraming final : public io::Framing, private io::HttpRequests::User {
 public:
  explicit HttpsFraming(const std::string& path) : path_(path) {}

  void on_open(std::string_view protocol) override {
    requests_ = protocol == "h2" ? io::make_http2_requests(*this) : io::make_http1_requests(*this);
  }
  std::optional<std::size_t> take(dns::BytesView bytes, Framing::User& user) override {
    user_ = &user;
    return requests_->take(bytes);
  }
  void add_answer(uint64_t request, dns::BytesView answer, dns::Bytes&) override {
    requests_->respond(request,
                       {.type = kMediaType,
                        .body = {reinterpret_cast<const char*>(answer.data()), answer.size()},
                        .cache_control = cache_control_of(answer)});
  }
  void refuse(uint64_t request) override { requests_->respond(request, refusal(400)); }
  bool drop(uint64_t request) override { return requests_->drop(request); }
  void collect(dns::Bytes& out) override {
    if (requests_) requests_->collect(out);
  }
  void say_goodbye(dns::Bytes& out) override {
    if (requests_) requests_->say_goodbye(out);
  }
  std::size_t most_unanswered() const override {
    return requests_ ? requests_->most_unanswered() : 1;
  }

 private:
  bool is_full() const override { return user_->is_full(); }
  void on_last() override {
    if (user_) user_->on_last();
  }
  void on_request(uint64_t number, const io::HttpRequest& request, dns::BytesView body) override {
    const DohRequest read = read_doh_request(request, path_, body);
    if (read.status == 200)
      user_->on_question(number, read.message);
    else
      requests_->respond(number, refusal(read.status));
  }

  const std::string& path_;
  Framing::User* user_ = nullptr;  // since it has taken bytes
  std::unique_ptr<io::HttpRequests> requests_;
};

}  // namespace

DohRequest read_doh_request(const io::HttpRequest& request, const std::string& path,
                            dns::BytesView body) {
  if (request.path != path) return {404, {}};
  if (request.method == "POST") {
    if (!is_media_type(request.type)) return {415, {}};
    if (body.size() < dns::kHeaderSize) return {400, {}};
    return {200, {body.begin(), body.end()}};
  }
  if (request.method != "GET") return {405, {}};
  const auto text = find_dns(request.query);
  auto message = text ? from_base64url(*text) : std::nullopt;
  if (!message || message->size() < dns::kHeaderSize) return {400, {}};
  return {200, std::move(*message)};
}

std::string cache_control_of(dns::BytesView answer) {
  const auto message = dns::Message::parse(answer);
  const auto lifetime = message ? dns::lifetime_of(*message) : std::chrono::seconds(0);
  return "max-age=" + std::to_string(lifetime.count());
}

std::unique_ptr<io::Framing> make_https_framing(const std::string& path) {
  return std::make_unique<HttpsFraming>(path);
}

}  // namespace dnslet::serve
