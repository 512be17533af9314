// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The wiring: builds what the workers share from the options, starts them, brings them what the
// reloader has found on disk, and stops in order. Runs in the first worker's thread and loop.

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/cache_keeper.h"
#include "app/control.h"
#include "app/followed_names.h"
#include "app/left_out.h"
#include "app/reloader.h"
#include "app/server_sources.h"
#include "base/result.h"
#include "config/host_resolver.h"
#include "config/hosts_files.h"
#include "config/list_files.h"
#include "config/name_sources.h"
#include "config/options.h"
#include "config/record_files.h"
#include "config/root_files.h"
#include "config/rule_files.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "io/privileges.h"
#include "io/socket.h"
#include "policy/address_puts.h"
#include "policy/cache.h"
#include "policy/fake_addresses.h"
#include "policy/hosts.h"
#include "policy/key_table.h"
#include "policy/reverse_names.h"
#include "policy/zones.h"
#include "report/reports.h"
#include "serve/worker.h"
#include "upstream/server_names.h"

namespace dnslet::app {

// For the time until Server::run(), which may be long where hosts files are: the signals that end a
// server end the process at once with status 0, also as PID 1, which the kernel keeps from signals
// that it does not handle; those that are no more than requests wait. Whatever was blocked or
// ignored by who started the process. To be called by a process with one thread.
void hold_signals();

class Server {
 public:
  explicit Server(config::Options options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Reads what has to be there: hosts files, nameservers. A failure is the user's to mend (exit 2).
  Status configure();
  // Binds every socket, or with --systemd takes those `passed` in their place; opens what has to be
  // written later. A failure is the system's (exit 1).
  Status bind(std::vector<io::BoundSocket> passed);
  // Puts a warning into the log, about what was found out before there was one.
  void warn(const io::LogLine& line) { log_.write(io::Level::Warning, line); }
  // Writes what is in the log.
  void flush_log() { log_.flush(); }
  // Tells on standard output how the question of --explain is answered. Returns whether the answer
  // has such records.
  // REQUIRES: configure() succeeded, with one worker.
  bool explain();
  // What an ordinary user has to keep, for the sets that rules name.
  io::Kept kept() const {
    return rules_in_force_ && rules_in_force_->has_sets() ? io::Kept::NetAdmin : io::Kept::Nothing;
  }
  // Serves until SIGTERM, SIGINT or SIGQUIT. Fails when a thread can't be started. REQUIRES:
  // configure() and bind() succeeded.
  Status run();
  // After run(): whether the process has to end without waiting, for a file that can't be read to
  // its end now (a network file system that hangs).
  bool hangs() const { return hangs_; }

 private:
  void use_bootstrap(const Result<config::Forwarding>& forwarding);
  Status follow_names();
  Status forward_to(const config::Forwarding& forwarding);
  void warn_of_user();
  void each(const std::function<void(serve::Worker&)>& task);
  void watch_probes();
  Status start_threads();
  void stop_threads();
  io::Loop& loop() { return workers_.front()->loop(); }

  using Use = std::function<void(serve::Worker&)>;
  void replace(std::shared_ptr<const void> former, const Use& use);
  void use_hosts(const serve::Worker::Hosts& hosts);
  void use_lists(const serve::Worker::Lists& lists);
  void use_records(const serve::Worker::Records& records);
  void use_rules(const serve::Worker::Rules& rules);
  void use_roots(const config::RootFiles::Roots& roots);
  void use_identity(const config::IdentityFiles::Identity& identity);
  void use_known(const std::string& source, const serve::Worker::Known& known);
  void use_servers(const Result<config::Forwarding>& forwarding);
  Status prepare_host_resolver();
  Control::Subject control_subject();
  void warn_of_strangers();
  void log_start();
  void log_ready();

  config::Options options_;
  io::Log log_;
  uint64_t seed_;
  const policy::HostsTable addresses_;
  const policy::KeyTable blocked_;
  const policy::Zones zones_;
  config::HostsFiles hosts_;
  config::ListFiles lists_;
  config::RecordFiles records_;
  config::RuleFiles rules_;
  config::RootFiles roots_;
  config::IdentityFiles identities_;
  config::NameSources sources_;
  LeftOut left_out_;
  std::optional<config::HostResolver> host_resolver_;
  policy::Cache cache_;
  std::unique_ptr<policy::FakeAddresses> fake_addresses_;  // null: none
  std::unique_ptr<policy::ReverseNames> reverse_names_;    // null: off
  policy::RecentPuts recent_puts_{seed_};
  std::optional<config::Forwarding> forwarding_;  // in force

  serve::Worker::Shared shared_;
  std::vector<std::unique_ptr<serve::Worker>> workers_;
  std::vector<std::unique_ptr<io::Thread>> threads_;  // of all but the first; none: not running
  upstream::ServerNames names_;
  FollowedNames followed_;
  ServerSources server_sources_;
  report::Reports reports_;
  std::vector<io::Signal> signals_;
  serve::Worker::Hosts hosts_in_force_;
  serve::Worker::Lists lists_in_force_;
  serve::Worker::Records records_in_force_;
  serve::Worker::Rules rules_in_force_;
  std::deque<std::shared_ptr<const void>> former_tables_;  // that some workers may still have
  Reloader reloader_;
  CacheKeeper cache_keeper_;
  std::array<config::Loaded, 4> loaded_;  // hosts files, lists, records, rules
  Control control_;
  bool hangs_ = false;
  bool is_running_ = false;
  bool has_known_tls_ = false;  // among the servers of sources
};

}  // namespace dnslet::app
