// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/stathat.h"

#include <algorithm>
#include <utility>

#include "app/version.h"
#include "dns/record_text.h"
#include "io/http_request.h"

namespace dnslet::app {

StatHat::StatHat(Worker& worker, io::Log& log, Account account, Count count)
    : worker_(worker),
      log_(log),
      account_(std::move(account)),
      count_(std::move(count)),
      timer_(worker.loop(), [this] { on_time(); }) {}

void StatHat::start() {
  timer_.start_every(kInterval);
  on_time();
}

void StatHat::on_time() {
  if (is_busy_) fail("no answer");
  if (left_out_ > 0) {
    --left_out_;
    return;
  }
  is_busy_ = true;
  count_([this, round = ++round_](std::vector<Named> values) {
    if (round != round_) return;
    values_ = std::move(values);
    if (const auto address = IpAddress::from_text(account_.url.host)) {
      post(*address);
    } else {
      find_host(dns::Type::A);
    }
  });
}

void StatHat::find_host(dns::Type type) {
  dns::Question question;
  const auto name = dns::Name::from_text(account_.url.host);
  if (!name) return fail("no such host");
  question.name = *name;
  question.type = type;
  worker_.look_up(question,
                  [this, type, round = round_](const policy::Reply&, dns::BytesView message) {
                    if (round == round_ && is_busy_) on_host(type, message);
                  });
}

void StatHat::on_host(dns::Type type, dns::BytesView message) {
  if (const auto address = find_address(message, type)) return post(*address);
  if (type == dns::Type::A) return find_host(dns::Type::AAAA);
  fail("no address for '" + account_.url.host + "'");
}

void StatHat::post(const IpAddress& host) {
  const HttpUrl& url = account_.url;
  const std::string body = stathat_json(values_, before_, account_.key);
  const std::string port = url.port == 80 ? "" : ':' + std::to_string(url.port);
  const std::string request =
      "POST " + url.path + " HTTP/1.1\r\nHost: " + url.host + port + "\r\nUser-Agent: dnslet/" +
      version() +
      "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\nConnection: close\r\n\r\n" + body;
  response_.clear();
  connection_ = std::make_unique<io::TcpConnection>(
      worker_.loop(), Endpoint{host, url.port, ""},
      io::TcpConnection::Events{[this, request] { connection_->send(request); },
                                [this](std::string_view bytes) { on_data(bytes); },
                                [this](const std::string& reason) { fail(reason); }});
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
  is_busy_ = false;
  failures_ = 0;
  before_.clear();
  for (const Named& named : values_)
    if (named.type == MetricType::Counter) before_[named.name] = named.value;
}

void StatHat::fail(const std::string& reason) {
  connection_.reset();
  is_busy_ = false;
  left_out_ = std::min((1U << std::min(failures_++, 5U)) - 1, kMostLeftOut);
  log_.write_limited(io::Level::Warning, "stathat",
                     io::LogLine("counters can't be pushed to StatHat")
                         .with("host", account_.url.host)
                         .with("reason", reason),
                     worker_.loop().now());
}

std::optional<IpAddress> find_address(dns::BytesView message, dns::Type type) {
  const auto parsed = dns::Message::parse(message);
  if (!parsed) return std::nullopt;
  std::optional<IpAddress> found;
  parsed->for_each_record([&](const dns::Record& record) {
    const bool is_meant = record.section == dns::Section::Answer && record.type == type;
    if (is_meant && !found) found = address_in(*parsed, record);
  });
  return found;
}

}  // namespace dnslet::app
