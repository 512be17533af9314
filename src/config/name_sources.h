// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Where questions are forwarded to: the options and what they leave to resolv.conf.

#include <atomic>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "config/options.h"
#include "config/resolv_conf.h"
#include "io/files.h"
#include "policy/search.h"

namespace dnslet::config {

// What is in force after options and resolv.conf have been put together.
struct Forwarding {
  std::vector<ServerAddress> servers;  // in order of preference; may be empty
  std::vector<ServerAddress> system;   // those of resolv.conf, where they count for something
  std::vector<Endpoint> left_out;      // named in resolv.conf, but they are this dnslet itself
  std::vector<std::string> unusable;   // see ResolvConf; none where its servers don't count
  std::vector<Endpoint> bootstrap;     // resolve names of servers; empty: none is needed, or known
  bool tcp_only = false;
  policy::SearchRules search;
  bool has_ndots = false;  // resolv.conf gives search.ndots
  std::string unread;      // why resolv.conf was not read, where it was not needed for a server

  // Whether there is one to ask.
  bool has_server() const;
  // Whether questions go the same way.
  bool asks_like(const Forwarding& other) const {
    return servers == other.servers && tcp_only == other.tcp_only;
  }
};

// Whether one of them is another than `system`.
bool names_server(const std::vector<ServerAddress>& servers);

// The names with `separator` between them.
std::string joined(std::span<const dns::Name> names, std::string_view separator);

// Those that are addresses.
std::vector<Endpoint> endpoints_of(const std::vector<ServerAddress>& servers);

// The first of these that is this dnslet itself; nullopt: none is.
std::optional<Endpoint> own_server(const std::vector<ServerAddress>& servers,
                                   const Options& options);

// What reads the file is for io/background once the loop runs, one thread at a time.
class NameSources {
 public:
  // `options` must outlive this.
  explicit NameSources(const Options& options) : options_(options) {}

  // Fails where an option names this dnslet itself, which would ask itself until the time is up.
  Status check_given() const;
  // Whether a value may come from resolv.conf, now or after the file changes.
  bool uses_resolv_conf() const;
  // Reads the file, if it is used, and puts everything together. Fails when it can't be read, with
  // "cannot read 'PATH': reason"; where the servers do not come from it, only if it could be
  // before.
  Result<Forwarding> read();
  // Whether a stub zone for `.`, or a rule for all questions, stands in for default servers.
  bool has_stand_in() const;
  // Whether there is such a rule; from any thread.
  void set_rule_for_all(bool is_there) { has_rule_for_all_ = is_there; }
  // Whether the file is used and has changed since it was last read; to be asked at intervals.
  bool has_changed() {
    return uses_resolv_conf() && watch_.has_changed(io::stamp_of(options_.resolv_conf));
  }

 private:
  const Options& options_;
  std::atomic<bool> has_rule_for_all_{false};
  io::FileWatch watch_;
  bool was_read_ = false;
  ResolvConf conf_;  // as last read
};

// Fills in what resolv.conf gives, for --print-config.
void fill_from_resolv_conf(const Options& options, std::vector<Setting>& settings);

}  // namespace dnslet::config
