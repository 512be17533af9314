// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/udp.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "upstream/answers.h"
#include "upstream/failures.h"

namespace dnslet::upstream {
namespace {

// Unsent questions that are over are swept out when so many numbers have gathered.
constexpr std::size_t kManyUnsent = 64;

bool is_same(const io::SocketAddress& left, const io::SocketAddress& right) {
  return left.size == right.size && std::memcmp(&left.any, &right.any, left.size) == 0;
}

}  // namespace

Udp::Udp(io::Loop& loop, Outbox& outbox, std::vector<io::SocketAddress> addresses,
         OnReport on_report)
    : loop_(loop),
      outbox_(outbox),
      addresses_(std::move(addresses)),
      on_report_(std::move(on_report)),
      failures_timer_(loop, [this] { tell_failures(); }),
      unneeded_timer_(loop, [this] { close_unneeded(); }) {}

Udp::~Udp() { outbox_.remove(*this); }

void Udp::use_addresses(std::vector<io::SocketAddress> addresses) {
  std::size_t place = 0;
  if (!addresses_.empty() && !addresses.empty()) {
    const auto found = std::ranges::find_if(
        addresses, [&](const auto& candidate) { return is_same(candidate, address()); });
    if (found != addresses.end()) place = static_cast<std::size_t>(found - addresses.begin());
  }
  addresses_ = std::move(addresses);
  if (addresses_.empty()) return;
  turn_ += addresses_.size();  // a number that no question has, of the same address
  turn_ += addresses_.size() - turn_ % addresses_.size() + place;
  wait_for_flush();
}

void Udp::send(uint64_t token, const dns::QueryBytes& query) {
  const uint64_t question = asked_.add({.token = token, .query = dns::KeptBytes(query.view())});
  dns::Writer(asked_.find(question)->query.view()).u16(ids_.next());
  by_token_.put(token, question);
  if (unsent_.size() >= kManyUnsent && unsent_.size() > 2 * asked_.size())
    std::erase_if(unsent_, [this](uint64_t number) { return asked_.find(number) == nullptr; });
  unsent_.push_back(question);
  wait_for_flush();
}

void Udp::wait_for_flush() {
  if (is_in_outbox_ || addresses_.empty() || unsent_.empty()) return;
  is_in_outbox_ = true;
  outbox_.add(*this);
}

// First all ports, then all packets: whoever is woken by them is woken once.
void Udp::flush() {
  is_in_outbox_ = false;
  if (addresses_.empty()) return;
  open_ports();
  const uint64_t now_ns = uv_hrtime();
  for (const uint64_t question : unsent_) {
    Asked* const asked = asked_.find(question);
    if (!asked || asked->port == kNoPort) continue;  // forgotten, or has failed
    asked->sent_ns = now_ns;
    if (!ports_.send(asked->port, asked->query.view())) fail_later(question, errno);
  }
  unsent_.clear();
}

void Udp::open_ports() {
  bool is_prepared = ports_.prepare();
  if (!is_prepared && loop_.free_descriptor(errno)) is_prepared = ports_.prepare();
  for (const uint64_t question : unsent_) {
    Asked* const asked = asked_.find(question);
    if (!asked) continue;
    asked->turn = turn_;
    auto port = is_prepared ? ports_.open(address(), question) : std::nullopt;
    if (is_prepared && !port && loop_.free_descriptor(errno))
      port = ports_.open(address(), question);
    asked->port = port.value_or(kNoPort);
    if (!port) fail_later(question, errno);
  }
  if (!is_prepared || watch_) return;
  watch_ = std::make_unique<io::Watch>(loop_, ports_.fd(), [this](int) { on_ready(); });
  watch_->start(UV_READABLE);
  unneeded_timer_.start_every(kUnneeded);
}

void Udp::fail_later(uint64_t question, int error) {
  failures_.push_back({question, outcome_of(error)});
  if (!failures_timer_.is_active()) failures_timer_.start_once(io::Milliseconds(0));
}

void Udp::tell_failures() {
  std::vector<Failure> failures;
  failures.swap(failures_);
  for (const Failure& failure : failures) report(failure.question, {.outcome = failure.outcome});
  failures.clear();
  if (failures_.empty()) failures_.swap(failures);
}

void Udp::forget(uint64_t token) {
  const uint64_t question = by_token_.take(token);
  if (question == 0) return;
  const UdpPorts::Place port = asked_.find(question)->port;
  if (port != kNoPort) ports_.close(port);
  asked_.remove(question);
}

void Udp::on_ready() {
  static thread_local std::array<uint8_t, dns::kMaxMessage> packet;
  int refused = 0;
  do {  // ends, however fast others send: fd() stays ready for what is left
    const auto arrival = ports_.receive(packet);
    if (!arrival) return;
    if (arrival->size < 0) {
      report(arrival->question, {.outcome = outcome_of(errno)});
    } else if (!on_packet(*arrival, {packet.data(), static_cast<std::size_t>(arrival->size)})) {
      ports_.refuse(arrival->place);
      ++refused;
    }
  } while (refused < kMaxRefused && ports_.has_more());
}

// False: it is no answer.
bool Udp::on_packet(const UdpPorts::Arrival& arrival, dns::BytesView packet) {
  const Asked& asked = *asked_.find(arrival.question);
  if (!answers(packet, asked.query.view())) return false;
  const auto taken = std::chrono::nanoseconds(uv_hrtime() - asked.sent_ns);
  const Outcome outcome = is_truncated(packet) ? Outcome::Truncated : Outcome::Answer;
  report(arrival.question, {.outcome = outcome, .packet = packet, .taken = taken});
  return true;
}

// The address can't be reached. False: so it was with all of them.
bool Udp::use_other_address(uint64_t question) {
  Asked& asked = *asked_.find(question);
  if (asked.turn == turn_) ++turn_;
  if (++asked.refused >= addresses_.size()) return false;
  if (asked.port != kNoPort) ports_.close(std::exchange(asked.port, kNoPort));
  unsent_.push_back(question);
  wait_for_flush();
  return true;
}

// The question is over before anybody hears of it.
void Udp::report(uint64_t question, Report report) {
  const Asked* const asked = asked_.find(question);
  if (!asked) return;
  if (report.outcome == Outcome::Unreachable && use_other_address(question)) return;
  report.token = asked->token;
  forget(report.token);
  on_report_(report);
}

void Udp::close_unneeded() {
  if (ports_.close_unneeded()) return;
  unneeded_timer_.stop();
  watch_.reset();
  ports_.end();
}

}  // namespace dnslet::upstream
