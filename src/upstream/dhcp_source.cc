// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/dhcp_source.h"

#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/text.h"

namespace dnslet::upstream {
namespace {

constexpr std::size_t kLongestPacket = 1500;
constexpr int kPacketsAtOnce = 16;  // others wait for the next turn
constexpr unsigned kSilentTries = 2;

std::string list(const std::vector<IpAddress>& addresses) {
  std::string text;
  for (const IpAddress& address : addresses) add_item(text, address.to_text());
  return text;
}

}  // namespace

DhcpSource::DhcpSource(std::string interface, io::Loop& loop, io::Log& log)
    : interface_(std::move(interface)),
      loop_(loop),
      log_(log),
      timer_(loop, [this] { on_time(); }) {}

Status DhcpSource::open() {
  if (Status status = socket_.open(); !status) return status;
  return interfaces_.open();
}

void DhcpSource::start(OnKnown on_known) {
  on_known_ = std::move(on_known);
  packets_ = std::make_unique<io::Watch>(loop_, socket_.fd(), [this](int) { on_packets(); });
  packets_->start(UV_READABLE);
  interfaces_.start(loop_, [this](io::InterfaceWatch::Changes changes) { look(changes); });
  look({});
}

void DhcpSource::look(io::InterfaceWatch::Changes changes) {
  const auto found = io::find_interface(interface_);
  std::optional<DhcpLink> link;
  if (!found)
    tell_state("waits for the interface: it is not there");
  else if (!found->is_running)
    tell_state("waits for the interface: it is down");
  else if (!found->hardware)
    tell_state("waits for the interface: it is no Ethernet");
  else
    link = DhcpLink{found->index, *found->hardware, found->address};
  if (link) tell_state("");
  if (changes.was_lost) exchange_.on_link(std::nullopt, loop_.now());
  if (link != exchange_.link()) {
    socket_.hear_nothing();
    interfaces_.follow(link ? link->index : 0);
    if (link) (void)socket_.bind(link->index);  // who is gone again is told
    exchange_.on_link(link, loop_.now());
  } else if (changes.is_renewed) {
    exchange_.on_renewal(loop_.now());
  }
  arm();
}

void DhcpSource::tell_state(std::string_view state) {
  if (std::exchange(state_, state) == state) return;
  if (state.empty())
    tell(io::Level::Info, "can use the interface now");
  else
    warn(std::string(state));
}

void DhcpSource::warn(const std::string& text, const std::string& detail) {
  tell(io::Level::Warning, text, detail);
}

void DhcpSource::tell(io::Level level, const std::string& text, const std::string& detail) {
  const std::string topic = "dhcp:" + interface_ + ' ' + text;
  log_.write_limited(level, topic, topic + detail, loop_.now());
}

void DhcpSource::arm() {
  const auto due = exchange_.due();
  if (!due) return timer_.stop();
  timer_.start_once(std::max(io::Milliseconds(0), *due - loop_.now()));
}

void DhcpSource::on_time() {
  uint64_t dice = 0;
  if (getentropy(&dice, sizeof dice) != 0)  // hardly: io::try_system() has drawn some
    return timer_.start_once(DhcpExchange::kBetween);
  if (const auto request = exchange_.on_time(loop_.now(), dice)) {
    socket_.hear({kDhcpClientPort, kDhcpIdPlace, request->id});
    const int status = socket_.broadcast(build_dhcp_request(*request));
    if (status != 0) warn(std::string("cannot ask: ") + uv_strerror(-status));
    if (exchange_.tries() == kSilentTries)
      warn("has no answer of a DHCP server and asks on; nameservers known before stay");
  }
  arm();
}

// An error of the socket, as when the interface goes down, is no packet.
void DhcpSource::on_packets() {
  std::array<uint8_t, kLongestPacket> room;
  for (int i = 0; i < kPacketsAtOnce; ++i) {
    const dns::BytesView packet = socket_.receive(room);
    if (packet.empty()) break;
    if (const auto reply = parse_dhcp_reply(packet)) on_reply(*reply);
  }
  packets_->start(UV_READABLE);
}

void DhcpSource::on_reply(const DhcpReply& reply) {
  const DhcpExchange::Verdict verdict = exchange_.on_reply(reply, loop_.now());
  if (verdict == DhcpExchange::Verdict::Strange) return;
  if (!reply.unusable.empty() && std::exchange(unusable_, reply.unusable) != reply.unusable)
    warn("is offered what can be no nameserver: ", list(reply.unusable));
  if (verdict == DhcpExchange::Verdict::NoServers) return warn("is offered no nameserver");
  socket_.hear_nothing();
  arm();
  KnownServers known;
  for (const IpAddress& server : reply.servers)
    known.servers.push_back(ServerAddress::at({server, kDnsPort, ""}));
  on_known_(std::move(known));
}

}  // namespace dnslet::upstream
