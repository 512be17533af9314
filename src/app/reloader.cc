// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/reloader.h"

#include <utility>

namespace dnslet::app {
namespace {

constexpr io::Milliseconds kResolvConfPoll{500};  // a change counts once it is one old

}  // namespace

Reloader::Reloader(io::Loop& loop, const Files& files, Callbacks callbacks)
    : files_(files),
      callbacks_(std::move(callbacks)),
      hosts_work_(loop),
      conf_work_(loop),
      hosts_timer_(loop, [this] { look_at_hosts(); }),
      resolv_conf_timer_(loop, [this] { look_at_resolv_conf(); }) {}

void Reloader::start(io::Milliseconds hosts_poll, std::function<void()> on_started) {
  if (hosts_poll.count() > 0) hosts_timer_.start_every(hosts_poll);
  if (files_.sources.uses_resolv_conf() || files_.host_resolver)
    resolv_conf_timer_.start_every(kResolvConfPoll);
  if (!files_.host_resolver) return on_started();
  conf_work_.run([this](const StopFlag& stop) { files_.host_resolver->start(stop); },
                 std::move(on_started));
}

void Reloader::reload() {
  is_to_reload_ = parts_left_ > 0;
  if (is_to_reload_) return;
  callbacks_.on_reload();
  parts_left_ = 2;
  reloaded_conf_ = std::make_shared<ConfOutcome::element_type>();
  hosts_work_.run(
      [this](const StopFlag& stop) {
        files_.hosts.reload(stop);
        files_.lists.reload(stop);
        files_.records.reload(stop);
        files_.rules.reload(stop);
        files_.roots.reload(files_.rules.rules().get());
        if (io::has_tls()) files_.identities.reload();
      },
      [this] {
        reloaded_hosts_ = files_.hosts.table();
        on_part();
      });
  conf_work_.run(
      [this, outcome = reloaded_conf_](const StopFlag& stop) {
        if (files_.sources.uses_resolv_conf()) *outcome = files_.sources.read();
        if (files_.host_resolver) files_.host_resolver->keep(stop);
      },
      [this] { on_part(); });
}

// All at once: what the new servers say is not to be kept for the old names, nor the reverse.
void Reloader::on_part() {
  if (--parts_left_ > 0) return;
  use(reloaded_conf_);
  if (files_.roots.roots()) callbacks_.use_roots(files_.roots.roots());
  if (files_.identities.identity()) callbacks_.use_identity(files_.identities.identity());
  if (!files_.rules.empty()) callbacks_.use_rules(files_.rules.rules());
  if (!files_.lists.empty()) callbacks_.use_lists(files_.lists.lists());
  if (files_.records.has_files()) callbacks_.use_records(files_.records.table());
  callbacks_.use_hosts(std::exchange(reloaded_hosts_, nullptr));
  callbacks_.on_reloaded();
  if (is_to_reload_) reload();
}

void Reloader::look_at_hosts() {
  if (hosts_work_.is_busy() || parts_left_ > 0) return;
  hosts_work_.run(
      [this](const StopFlag& stop) {
        if (files_.hosts.has_changed()) files_.hosts.reload(stop);
        if (files_.lists.has_changed()) files_.lists.reload(stop);
        if (files_.records.has_changed()) files_.records.reload(stop);
        const bool has_new_rules = files_.rules.has_changed();
        if (has_new_rules) files_.rules.reload(stop);
        if (has_new_rules && !files_.roots.roots()) files_.roots.reload(files_.rules.rules().get());
      },
      [this, hosts = files_.hosts.table().get(), lists = files_.lists.lists().get(),
       records = files_.records.table().get(), rules = files_.rules.rules().get()] {
        if (files_.records.table().get() != records) callbacks_.use_records(files_.records.table());
        const bool has_new_rules = files_.rules.rules().get() != rules;
        if (has_new_rules && files_.roots.roots()) callbacks_.use_roots(files_.roots.roots());
        if (has_new_rules) callbacks_.use_rules(files_.rules.rules());
        if (files_.lists.lists().get() != lists) callbacks_.use_lists(files_.lists.lists());
        if (files_.hosts.table().get() != hosts) callbacks_.use_hosts(files_.hosts.table());
      });
}

void Reloader::look_at_resolv_conf() {
  if (conf_work_.is_busy() || parts_left_ > 0) return;
  const auto outcome = std::make_shared<ConfOutcome::element_type>();
  conf_work_.run(
      [this, outcome](const StopFlag& stop) {
        if (files_.sources.has_changed()) *outcome = files_.sources.read();
        if (files_.host_resolver && files_.host_resolver->is_due())
          files_.host_resolver->keep(stop);
      },
      [this, outcome] { use(outcome); });
}

void Reloader::use(const ConfOutcome& outcome) {
  if (*outcome) callbacks_.use_servers(**outcome);
}

void Reloader::retire(std::shared_ptr<const void> table) {
  if (!table) return;  // no reason to start a thread
  hosts_work_.run([table = std::move(table)](const StopFlag&) {}, nullptr);
}

bool Reloader::stop() {
  constexpr io::Milliseconds kMoment{50};
  constexpr io::Milliseconds kEdit{5000};  // one under way must not be left half done
  (void)hosts_work_.end(io::Milliseconds(0));
  const bool has_ended = conf_work_.end(files_.host_resolver ? kEdit : kMoment);
  if (has_ended && files_.host_resolver) files_.host_resolver->stop();
  return hosts_work_.end(kMoment) && has_ended;
}

}  // namespace dnslet::app
