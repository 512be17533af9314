// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/named_servers.h"

#include <algorithm>
#include <utility>

namespace dnslet::upstream {

// Hands everything on to the transport behind it, and looks at what comes of it.
class NamedServers::Named final : public Transport {
 public:
  Named(NamedServers& servers, const ServerAddress& server, const MakeWay& make, OnReport on_report)
      : servers_(servers),
        name_(server.name_to_resolve()),
        port_(server.dialled_port()),
        on_report_(std::move(on_report)),
        way_(make([this](const Report& report) { this->on_report(report); })) {
    Host& host = servers_.hosts_[name_];
    host.transports.insert(this);
    use_addresses(host.addresses);
  }
  ~Named() override { servers_.hosts_[name_].transports.erase(this); }
  Named(const Named&) = delete;
  Named& operator=(const Named&) = delete;

  void use_addresses(const std::vector<IpAddress>& addresses) {
    std::vector<io::SocketAddress> known;
    known.reserve(addresses.size());
    for (const IpAddress& address : addresses)
      known.emplace_back(Endpoint{address, port_, std::string()});
    silent_ = 0;
    if (!known.empty()) way_.use_addresses(std::move(known));
  }

  void send(uint64_t token, const dns::QueryBytes& query) override {
    way_.transport->send(token, query);
  }
  void flush() override { way_.transport->flush(); }
  void forget(uint64_t token) override;
  std::size_t open() const override { return way_.transport->open(); }

 private:
  static constexpr std::size_t kSilent = 2;  // questions in a row that make an address a silent one

  void on_report(const Report& report);

  NamedServers& servers_;
  std::string name_;
  uint16_t port_;
  OnReport on_report_;
  Way way_;
  std::size_t silent_ = 0;  // questions in a row
};

void NamedServers::Named::forget(uint64_t token) {
  way_.transport->forget(token);
  if (!way_.use_next_address || ++silent_ < kSilent) return;
  silent_ = 0;
  way_.use_next_address();
}

// Unreachable is what all addresses are.
void NamedServers::Named::on_report(const Report& report) {
  if (report.outcome != Outcome::NoResources) silent_ = 0;
  if (report.outcome == Outcome::Unreachable) servers_.on_refused(name_);
  on_report_(report);
}

std::unique_ptr<Transport> NamedServers::open(const ServerAddress& server, const MakeWay& make,
                                              Transport::OnReport on_report) {
  return std::make_unique<Named>(*this, server, make, std::move(on_report));
}

void NamedServers::use_addresses(const std::string& host, const std::vector<IpAddress>& addresses) {
  Host& known = hosts_[host];
  known.addresses = addresses;
  for (Named* const transport : known.transports) transport->use_addresses(addresses);
}

void NamedServers::on_refused(const std::string& name) {
  Host& host = hosts_[name];
  if (loop_.now() < host.next_refusal) return;
  host.next_refusal = loop_.now() + kBetween;
  on_refused_(name);
}

}  // namespace dnslet::upstream
