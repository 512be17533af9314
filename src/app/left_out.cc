// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/left_out.h"

#include <algorithm>

#include "config/options.h"

namespace dnslet::app {
namespace {

constexpr const char* kUnusable = "not an IP address alone, without port, brackets or comma";

}  // namespace

void LeftOut::warn(const config::Forwarding& forwarding) {
  warn_of_own(forwarding);
  warn_of_unusable(forwarding);
}

void LeftOut::warn_of_own(const config::Forwarding& forwarding) {
  if (forwarding.left_out == own_) return;
  own_ = forwarding.left_out;
  for (const Endpoint& server : own_)
    log_.write(io::Level::Warning,
               io::LogLine("nameserver left out because it is this dnslet itself")
                   .with("server", server.to_text()));
}

void LeftOut::warn_of_unusable(const config::Forwarding& forwarding) {
  if (forwarding.unusable == unusable_) return;
  unusable_ = forwarding.unusable;
  constexpr std::size_t kMaxTold = 10;
  for (std::size_t i = 0; i < std::min(unusable_.size(), kMaxTold); ++i)
    log_.write(io::Level::Warning,
               io::LogLine(std::string("nameserver left out, it is ") + kUnusable)
                   .with("path", resolv_conf_)
                   .with("nameserver", unusable_[i]));
}

// The system's own file may be missing where nothing is needed from it; one that was named may not.
void LeftOut::warn_of_unread(const config::Forwarding& forwarding) {
  const bool is_named = resolv_conf_ != config::kSystemResolvConf && resolv_conf_ != "/dev/null";
  if (!forwarding.unread.empty() && is_named)
    log_.write(io::Level::Warning, forwarding.unread + "; set --resolv-conf (DNSMASQ_RESOLV_CONF)");
}

void LeftOut::warn_of_none() {
  log_.write(io::Level::Warning,
             "no nameserver is left in '" + resolv_conf_ + "'; those before stay");
}

std::string LeftOut::no_server(const Result<config::Forwarding>& forwarding) const {
  if (!forwarding) return forwarding.error().text;
  std::string file = "'" + resolv_conf_ + "' names none";
  if (!forwarding->left_out.empty()) return file + " but this dnslet";
  if (forwarding->unusable.empty()) return file;
  constexpr std::size_t kMaxShown = 64;
  return file + " that can be used: '" +
         io::quoted(forwarding->unusable.front().substr(0, kMaxShown)) + "' is " + kUnusable;
}

}  // namespace dnslet::app
