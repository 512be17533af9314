// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of a Server that hands on what was read: to all workers, each in its own thread.

#include <atomic>
#include <utility>

#include "app/server.h"
#include "io/resolved.h"

namespace dnslet::app {

// A worker that is the last to leave a table would free it, and answer nobody meanwhile: that is
// for the reloader, once all have left.
void Server::replace(std::shared_ptr<const void> former, const Use& use) {
  former_tables_.push_back(std::move(former));
  const auto left = std::make_shared<std::atomic<std::size_t>>(workers_.size());
  each([this, use, left](serve::Worker& worker) {
    use(worker);
    if (left->fetch_sub(1) > 1) return;
    workers_.front()->post([this] {
      reloader_.retire(std::move(former_tables_.front()));
      former_tables_.pop_front();
    });
  });
}

void Server::use_hosts(const serve::Worker::Hosts& hosts) {
  loaded_[0] = hosts_.loaded();
  auto former = std::exchange(hosts_in_force_, hosts);
  if (former->empty()) former = nullptr;
  replace(std::move(former), [hosts](serve::Worker& worker) { worker.use_hosts(hosts); });
}

void Server::use_lists(const serve::Worker::Lists& lists) {
  loaded_[1] = lists_.loaded();
  replace(std::exchange(lists_in_force_, lists),
          [lists](serve::Worker& worker) { worker.use_lists(lists); });
}

void Server::use_records(const serve::Worker::Records& records) {
  loaded_[2] = records_.loaded();
  replace(std::exchange(records_in_force_, records),
          [records](serve::Worker& worker) { worker.use_records(records); });
}

void Server::use_rules(const serve::Worker::Rules& rules) {
  loaded_[3] = rules_.loaded();
  replace(std::exchange(rules_in_force_, rules),
          [rules](serve::Worker& worker) { worker.use_rules(rules); });
  const auto* const for_all = rules ? rules->servers_for_all() : nullptr;
  sources_.set_rule_for_all(for_all && config::names_server(*for_all));
  if (forwarding_) (void)follow_names();  // else nobody is asked, or not yet
}

void Server::use_roots(const config::RootFiles::Roots& roots) {
  each([roots](serve::Worker& worker) { worker.use_roots(roots); });
}

void Server::use_identity(const config::IdentityFiles::Identity& identity) {
  if (!io::has_tls()) return;  // told so that the linker leaves it out of min
  each([identity](serve::Worker& worker) { worker.use_identity(identity); });
}

// The first over TLS has the roots read, as a reload would read them.
void Server::use_known(const std::string& source, const serve::Worker::Known& known) {
  each([source, known](serve::Worker& worker) { worker.use_known(source, known); });
  if (!io::has_resolved() || has_known_tls_ || !upstream::has_tls(*known)) return;
  has_known_tls_ = true;
  roots_.set_needed();
  if (is_running_) reloader_.reload();
}

void Server::use_servers(const Result<config::Forwarding>& forwarding) {
  if (options_.no_recursion) return use_bootstrap(forwarding);
  if (forwarding) left_out_.warn(*forwarding);
  if (!forwarding) {
    log_.write(io::Level::Warning, forwarding.error().text + "; what it said stays");
  } else if (!forwarding->has_server() && !sources_.has_stand_in()) {
    left_out_.warn_of_none();
  } else {
    (void)forward_to(*forwarding);  // a failure is in the log
  }
}

// What an operator sees of all this, and may change.
Control::Subject Server::control_subject() {
  const auto on_flushed = [this](const policy::NameChoice& names, std::size_t answers) {
    each([](serve::Worker& worker) { worker.forget_failures(); });
    cache_keeper_.write_again();
    log_.write(io::Level::Info, io::LogLine("as --control was asked: " +
                                            config::to_text({config::Command::Flush, names}))
                                    .with("answers", answers));
  };
  const auto why_not = [this] {
    return cache_keeper_.is_reading() ? "--cache-file is still being read; ask again soon"
                                      : nullptr;
  };
  return {options_, loop(), cache_, loaded_, why_not, on_flushed};
}

}  // namespace dnslet::app
