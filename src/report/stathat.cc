// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "report/stathat.h"

#include <algorithm>
#include <utility>

#include "base/version.h"
#include "dns/record_text.h"
#include "io/http_request.h"

namespace dnslet::report {
namespace {

ServerAddress server_of(const config::HttpUrl& url) {
  if (const auto address = IpAddress::from_text(url.host))
    return ServerAddress::at({*address, url.port, ""});
  ServerAddress server;
  server.host = url.host;
  server.port = url.port;
  return server;
}

}  // namespace

StatHat::StatHat(const Environment& environment, Account account, Count count)
    : loop_(environment.loop),
      log_(environment.log),
      account_(std::move(account)),
      host_(environment.names, server_of(account_.url),
            [this] {
              if (state_ == State::Nameless) post();
            }),
      count_(std::move(count)),
      timer_(loop_, [this] { on_time(); }) {}

void StatHat::start() {
  timer_.start_every(kInterval);
  on_time();
}

void StatHat::on_time() {
  if (state_ == State::Nameless) fail("no address is known");
  if (state_ != State::Idle) fail("no answer");
  if (left_out_ > 0) {
    --left_out_;
    return;
  }
  state_ = State::Counting;
  count_([this, round = ++round_](std::vector<Named> values) {
    if (round != round_ || state_ != State::Counting) return;
    values_ = std::move(values);
    post();
  });
}

void StatHat::post() {
  const auto endpoint = host_.endpoint();
  state_ = endpoint ? State::Connecting : State::Nameless;
  if (!endpoint) return;
  response_.clear();
  connection_ = std::make_unique<io::TcpConnection>(
      loop_, *endpoint,
      io::TcpConnection::Events{[this] {
                                  state_ = State::Open;
                                  host_.on_success();
                                  connection_->send(request());
                                },
                                [this](std::string_view bytes) { on_data(bytes); },
                                [this](const std::string& reason) { on_gone(reason); }});
}

std::string StatHat::request() const {
  const config::HttpUrl& url = account_.url;
  const std::string body = stathat_json(values_, before_, account_.key);
  const std::string port = url.port == 80 ? "" : ':' + std::to_string(url.port);
  return "POST " + url.path + " HTTP/1.1\r\nHost: " + url.host + port + "\r\nUser-Agent: dnslet/" +
         version() +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

void StatHat::on_gone(const std::string& reason) {
  if (state_ == State::Connecting && host_.use_next()) return post();
  fail(reason);
}

void StatHat::on_data(std::string_view bytes) {
  response_ += bytes;
  if (response_.find('\n') == std::string::npos && response_.size() <= kMaxResponse) return;
  const auto status = io::parse_http_status(response_);
  if (status && *status / 100 == 2) return succeed();
  fail(status ? "status " + std::to_string(*status) : "not a response of HTTP");
}

void StatHat::succeed() {
  connection_.reset();
  state_ = State::Idle;
  failures_ = 0;
  before_.clear();
  for (const Named& named : values_)
    if (named.type == MetricType::Counter) before_[named.name] = named.value;
}

void StatHat::fail(const std::string& reason) {
  connection_.reset();
  state_ = State::Idle;
  left_out_ = std::min((1U << std::min(failures_++, 5U)) - 1, kMostLeftOut);
  log_.write_limited(io::Level::Warning, "stathat",
                     io::LogLine("counters can't be pushed to StatHat")
                         .with("host", account_.url.host)
                         .with("reason", reason),
                     loop_.now());
}

}  // namespace dnslet::report
