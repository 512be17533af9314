// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of a Worker that counts what it does and tells it in the log.

#include <algorithm>
#include <array>

#include "io/quic.h"
#include "serve/worker.h"

namespace dnslet::serve {
namespace {

constexpr io::Milliseconds kLogRetry{100};

std::array<uint64_t, kHandshakes> handshakes_of(const io::TlsCounts& counts) {
  return {counts.full, counts.resumed, counts.failed};
}

}  // namespace

void Worker::count_question(const policy::Lookup& lookup) {
  const dns::Query& query = lookup.query();
  const std::size_t type = query.has_question ? place_of(query.question.type) : kTypeLabels - 1;
  ++counted_.questions[static_cast<std::size_t>(lookup.client().protocol)][type];
}

void Worker::on_limit() {
  ++counted_.over_limit;
  shared_.log.write_limited(io::Level::Warning, "max-inflight",
                            "too many questions under way, answered SERVFAIL; see --max-inflight",
                            loop_.now());
}

// Zone transfers, and names that are not forwarded, are refused to those that are allowed, too.
void Worker::on_refused(const IpAddress& client) {
  if (settings_.allows(client)) return;
  shared_.log.write_limited(io::Level::Warning, "refused client",
                            io::LogLine("client refused, it is outside --allow (DNSMASQ_ALLOW)")
                                .with("client", client.to_text()),
                            loop_.now());
}

void Worker::on_guarded(const policy::Guarded& guarded) {
  shared_.log.write_limited(
      io::Level::Warning, "rebind guard",
      io::LogLine("a name of the default servers has an address of an inner network, answered "
                  "NODATA; see --rebind-ok (DNSMASQ_REBIND_OK)")
          .with("name", guarded.name.to_text())
          .with("address", guarded.address.to_text()),
      loop_.now());
}

// A certificate is looked at once an hour at most: see io/tls.
void Worker::on_tls_open(const std::string& server, const io::TlsOpened& opened) {
  if (on_tls_) on_tls_(server, opened);
  if (opened.is_resumed || opened.end == std::chrono::sys_seconds()) return;
  const auto left = io::days_left(opened.end);
  if (!left) return;
  shared_.log.write_limited(io::Level::Warning, "tls end " + server,
                            io::LogLine("the certificate of the server ends soon")
                                .with("server", server)
                                .with("days", std::to_string(left->count())),
                            loop_.now());
}

void Worker::on_stream_failure(StreamFailure failure, const std::string& server,
                               const std::string& reason) {
  static constexpr std::array kWords = {"no TLS with the server", "no answer over HTTPS",
                                        "no connection through the proxy", "no answer over QUIC"};
  const auto place = static_cast<std::size_t>(failure);
  asker_.count(failure, server);
  shared_.log.write_limited(
      io::Level::Warning, std::string(kStreamFailureLabels[place]) + ' ' + server,
      io::LogLine(kWords[place]).with("server", server).with("reason", reason), loop_.now());
}

void Worker::note(const policy::Lookup& lookup, const Outgoing& outgoing, uint64_t started_ns) {
  const policy::Reply& reply = outgoing.reply;
  ++counted_.answers[static_cast<std::size_t>(reply.source)][place_of(reply.rcode)];
  if (reply.source == policy::Source::Refused) on_refused(lookup.client().address);
  if (!shared_.options.verbose) return;
  const std::chrono::nanoseconds taken(uv_hrtime() - started_ns);
  shared_.log.write(io::Level::Info, query_line(lookup, outgoing, taken));
}

// What the reader does not take now is offered again soon, also when nothing else happens.
void Worker::flush_log() {
  if (shared_.log.flush() && !log_timer_.is_active()) log_timer_.start_once(kLogRetry);
}

Counters Worker::counters() const {
  Counters counters = counted_;
  counters.servers = asker_.counters();
  ways_.for_each_tls([&counters](const std::string& server, const io::TlsCounts& counts) {
    ServerCounters& counted = counters.servers[server];
    ServerCounters more;
    more.handshakes = handshakes_of(counts);
    more.certificate_end = counts.end;
    counted += more;
  });
  ways_.for_each_stream(
      [&counters](const std::string& server, const io::TcpStream::Traffic& traffic) {
        counters.servers[server].stream_bytes = {traffic.sent, traffic.received};
      });
  if (shared_answers()) counters.shared = shared_answers()->counters();
  counters.waiting = waiting_.size();
  counters.upstream_open = asker_.open();
  counters.heard = asker_.heard();
  counters.tcp_clients = tcp_clients_.size();
  counters.tcp_closed_by_limit = tcp_clients_.closed_by_limit();
  for (const auto* server : {tls_server_.get(), https_server_.get()})
    if (server) detail::add(counters.handshakes, handshakes_of(server->counts()));
  for (const StreamListener& listener : stream_listeners_) {
    if (!io::has_quic() || !listener.quic) continue;
    detail::add(counters.handshakes, handshakes_of(listener.quic->counts()));
    counters.unsent += listener.quic->send_errors();
  }
  for (const auto& listener : udp_listeners_) counters.unsent += listener->send_errors();
  return counters;
}

}  // namespace dnslet::serve
