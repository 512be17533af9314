// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Keeps up with what is on the disk, beside the loop: hosts files, lists, files of records and of
// rules, resolv.conf, and dnslet's own entry there. Files are read, tables built and edits made on
// two threads, one for what may be large and one for resolv.conf; the loop takes what has come of
// it.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "config/host_resolver.h"
#include "config/hosts_files.h"
#include "config/identity_files.h"
#include "config/list_files.h"
#include "config/name_sources.h"
#include "config/record_files.h"
#include "config/root_files.h"
#include "config/rule_files.h"
#include "io/background.h"
#include "io/loop.h"

namespace dnslet::app {

class Reloader {
 public:
  using Hosts = std::shared_ptr<const policy::HostsTable>;
  // What is kept up with. Theirs alone from start() to stop(), and borrowed.
  struct Files {
    config::HostsFiles& hosts;
    config::ListFiles& lists;
    config::RecordFiles& records;
    config::RuleFiles& rules;
    config::RootFiles& roots;
    config::IdentityFiles& identities;
    config::NameSources& sources;
    std::optional<config::HostResolver>& host_resolver;
  };
  // Called in the loop.
  struct Callbacks {
    std::function<void(const Hosts& hosts)> use_hosts;
    std::function<void(const config::ListFiles::Lists& lists)> use_lists;
    std::function<void(const config::RecordFiles::Table& records)> use_records;
    std::function<void(const config::RuleFiles::Rules& rules)> use_rules;
    std::function<void(const config::RootFiles::Roots& roots)> use_roots;
    std::function<void(const config::IdentityFiles::Identity& identity)> use_identity;
    std::function<void(const Result<config::Forwarding>& forwarding)> use_servers;
    std::function<void()> on_reload;  // one begins
    std::function<void()> on_reloaded;
  };

  Reloader(io::Loop& loop, const Files& files, Callbacks callbacks);

  // Begins to look for changes, in all files but resolv.conf every `hosts_poll` (0: never).
  // Calls `on_started` as soon as the host's programs can find dnslet, where they are to.
  void start(io::Milliseconds hosts_poll, std::function<void()> on_started);
  // Reads everything again. However often it is called while that is under way, it happens once
  // more.
  void reload();
  // Frees a table beside the loop: a large one takes long.
  void retire(std::shared_ptr<const void> table);
  // Ends what is under way and takes the entry out of resolv.conf. False: something hangs (a
  // network file system, say), and the process has to end without waiting for it. REQUIRES: the
  // loop does not run any more.
  [[nodiscard]] bool stop();

 private:
  using ConfOutcome = std::shared_ptr<std::optional<Result<config::Forwarding>>>;

  void on_part();
  void look_at_hosts();
  void look_at_resolv_conf();
  void use(const ConfOutcome& outcome);

  Files files_;
  Callbacks callbacks_;
  int parts_left_ = 0;  // of the reload under way
  bool is_to_reload_ = false;
  Hosts reloaded_hosts_;
  ConfOutcome reloaded_conf_;

  io::Background hosts_work_;
  io::Background conf_work_;
  io::Timer hosts_timer_;
  io::Timer resolv_conf_timer_;
};

}  // namespace dnslet::app
