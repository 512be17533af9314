// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/server.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <csignal>
#include <span>
#include <utility>

#include "app/own_tables.h"
#include "config/start_line.h"
#include "io/systemd.h"
#include "report/explain.h"
#include "serve/listeners.h"

namespace dnslet::app {
namespace {

constexpr int kEnding[] = {SIGTERM, SIGINT, SIGQUIT};
constexpr int kOther[] = {SIGHUP, SIGUSR1};

// Threads that are made later do as this one.
void mask(std::span<const int> numbers, int how) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : numbers) sigaddset(&signals, number);
  pthread_sigmask(how, &signals, nullptr);
}

uint64_t random_seed() {
  uint64_t seed = 0;
  const int status = getentropy(&seed, sizeof seed);
  assert(status == 0);  // io::try_system() has drawn some
  (void)status;
  return seed;
}

std::vector<std::unique_ptr<serve::Worker>> make_workers(const serve::Worker::Shared& shared,
                                                         const serve::Worker::Hosts& hosts) {
  const policy::Settings settings = settings_from(shared.options, shared.seed);
  std::vector<std::unique_ptr<serve::Worker>> workers;
  for (std::size_t i = 0; i < shared.workers; ++i)
    workers.push_back(std::make_unique<serve::Worker>(shared, settings, hosts));
  return workers;
}

}  // namespace

void hold_signals() {
  for (const int number : kEnding) std::signal(number, [](int) { _exit(0); });
  mask(kEnding, SIG_UNBLOCK);
  mask(kOther, SIG_BLOCK);
}

Server::Server(config::Options options)
    : options_(std::move(options)),
      log_(log_target(options_), options_.json_log ? io::Log::Format::Json : io::Log::Format::Text,
           options_.log_level),
      seed_(random_seed()),
      addresses_(static_records(options_, seed_)),
      blocked_(blocked_domains(options_, seed_)),
      zones_(stub_zones(options_, seed_)),
      hosts_(options_.hosts_files, seed_, log_),
      lists_({options_.blocklists, options_.allowlists, options_.lists}, seed_, log_),
      records_(options_, seed_, log_),
      rules_(options_, seed_, log_),
      roots_(options_, log_),
      identities_(options_, log_),
      sources_(options_),
      left_out_(options_.resolv_conf, log_),
      cache_(options_.cache_capacity, seed_, options_.threads, options_.cache_stale),
      fake_addresses_(fake_addresses(options_, seed_)),
      reverse_names_(reverse_names(options_, seed_)),
      shared_{options_,
              log_,
              seed_,
              random_seed(),
              addresses_,
              blocked_,
              zones_,
              cache_,
              options_.threads,
              [this](const std::string& host) {
                workers_.front()->post([this, host] { names_.ask_again(host); });
              },
              fake_addresses_.get(),
              reverse_names_.get(),
              &recent_puts_},
      workers_(make_workers(shared_, hosts_.table())),
      names_(loop(), log_),
      followed_(names_,
                [this](const std::string& host, const auto& addresses) {
                  each([host, addresses](serve::Worker& worker) {
                    worker.use_addresses(host, addresses);
                  });
                }),
      server_sources_({loop(), log_, options_},
                      [this](const std::string& source, const serve::Worker::Known& known) {
                        use_known(source, known);
                      }),
      reports_({options_, log_, cache_, workers_, names_}),
      hosts_in_force_(hosts_.table()),
      reloader_(
          loop(), {hosts_, lists_, records_, rules_, roots_, identities_, sources_, host_resolver_},
          {[this](const serve::Worker::Hosts& hosts) { use_hosts(hosts); },
           [this](const serve::Worker::Lists& lists) { use_lists(lists); },
           [this](const serve::Worker::Records& records) { use_records(records); },
           [this](const serve::Worker::Rules& rules) { use_rules(rules); },
           [this](const config::RootFiles::Roots& roots) { use_roots(roots); },
           [this](const config::IdentityFiles::Identity& identity) { use_identity(identity); },
           [this](const Result<config::Forwarding>& forwarding) { use_servers(forwarding); },
           [] { io::notify_reloading(); },
           [this] {
             log_.write(io::Level::Info, "reloaded, cache emptied");
             io::notify_systemd("READY=1");
           }}),
      cache_keeper_(loop(), log_, path_of_cache(options_),
                    {cache_,
                     {options_.cache_ttl, options_.cache_negative_ttl},
                     [this] { return basis_of(options_.deciding, forwarding_, rules_in_force_); },
                     [this](const policy::StoredEntry& entry) {
                       return workers_.front()->may_restore(entry);
                     },
                     fake_addresses_.get()}),
      control_(control_subject()) {}

Server::~Server() { log_.flush(); }

// Before anything that may be warned of.
void Server::log_start() {
  if (options_.action != config::Action::Serve) return;
  const auto forwarding =
      options_.no_recursion ? Result<config::Forwarding>(config::Forwarding()) : sources_.read();
  log_.write(io::Level::Info,
             config::start_line(options_, forwarding ? forwarding->search : policy::SearchRules()));
  (void)log_.flush();  // hosts files may take long
}

Status Server::configure() {
  log_start();
  if (const Status status = hosts_.load(); !status)
    return Error{"--hostsfile (DNSMASQ_HOSTSFILE): " + status.error().text};
  use_hosts(hosts_.table());
  if (Status status = lists_.load(); !status) return status;
  use_lists(lists_.lists());
  if (Status status = records_.load(); !status) return status;
  use_records(records_.table());
  if (Status status = rules_.load(); !status) return status;
  use_rules(rules_.rules());
  if (io::has_tls() && options_.action == config::Action::Serve) {
    if (Status status = identities_.load(); !status) return status;
    if (identities_.identity()) use_identity(identities_.identity());
  }
  if (!cache_.reserve())  // behind use_hosts(), which empties it
    return Error{"no memory for a cache of " + std::to_string(options_.cache_capacity) +
                 " answers; set a lower --rcache (DNSMASQ_RCACHE)"};
  if (options_.no_recursion) {
    use_bootstrap(sources_.read());
    return Done();
  }

  if (Status status = sources_.check_given(); !status) return status;
  const auto forwarding = sources_.read();
  if (forwarding) {
    left_out_.warn(*forwarding);
    left_out_.warn_of_unread(*forwarding);
  }
  if (!(forwarding && forwarding->has_server()) && !sources_.has_stand_in())
    return Error{"no nameserver to forward to: " + left_out_.no_server(forwarding) +
                 "; set --nameservers (DNSMASQ_SERVERS), or --no-rec to answer from hosts files "
                 "alone"};
  if (Status status = forward_to(forwarding ? *forwarding : config::Forwarding()); !status)
    return status;
  if (Status status = roots_.load(rules_.rules().get()); !status) return status;
  use_roots(roots_.roots());
  return Done();
}

Status Server::bind(std::vector<io::BoundSocket> passed) {
  auto divided = options_.systemd ? serve::divide_passed(std::move(passed), workers_.size())
                                  : serve::bind_sockets(options_.listen, workers_.size());
  if (!divided) return divided.error();
  if (Status status = serve::bind_encrypted(options_.encrypted, *divided); !status) return status;
  for (std::size_t i = 0; i < workers_.size(); ++i)
    for (io::BoundSocket& bound : (*divided)[i])
      if (Status status = workers_[i]->listen(std::move(bound)); !status) return status;
  if (Status status = reports_.bind(); !status) return status;
  if (Status status = control_.bind(); !status) return status;
  return prepare_host_resolver();
}

Status Server::run() {
  // A limit on files must not end the service.
  std::signal(SIGXFSZ, SIG_IGN);
  for (const int number : kEnding)
    signals_.emplace_back(loop(), number, [this] { workers_.front()->stop(); });
  signals_.emplace_back(loop(), SIGHUP, [this] {
    reports_.on_reload();
    reloader_.reload();
  });
  signals_.emplace_back(loop(), SIGUSR1, [this] { reports_.log_counters(); });
  mask(kOther, SIG_UNBLOCK);
  watch_probes();
  is_running_ = true;
  server_sources_.start();
  cache_keeper_.start();  // before anybody is answered: names have fake addresses already
  if (Status status = start_threads(); !status) return status;

  warn_of_strangers();
  if (options_.user) warn_of_user();
  reports_.start();
  control_.start();
  reloader_.start(options_.hosts_poll, [this] { log_ready(); });
  workers_.front()->run();
  io::notify_systemd("STOPPING=1");
  control_.stop();
  hangs_ = !reloader_.stop();
  stop_threads();
  for (const auto& worker : workers_) hangs_ = !worker->end() || hangs_;
  hangs_ = !cache_keeper_.stop() || hangs_;
  log_.write(io::Level::Info, "stopped");
  log_.flush();
  return Done();
}

bool Server::explain() {
  server_sources_.start();
  const config::Forwarding none;
  report::Explanation explanation(
      {shared_, hosts_, lists_, records_, forwarding_ ? *forwarding_ : none, *workers_.front()},
      stdout);
  return explanation.tell(options_.explained);
}

// Whichever worker a query of ours comes in at, the one that has sent it is told.
void Server::watch_probes() {
  for (const auto& worker : workers_)
    worker->watch_probes([this](uint64_t number) {
      for (const auto& asker : workers_)
        asker->post([&told = *asker, number] { told.on_probe(number); });
    });
}

Status Server::start_threads() {
  for (std::size_t i = 1; i < workers_.size(); ++i) {
    auto thread = io::Thread::start([worker = workers_[i].get()] { worker->run(); });
    if (!thread) {
      stop_threads();
      return thread.error();
    }
    threads_.push_back(std::move(*thread));
  }
  return Done();
}

void Server::stop_threads() {
  for (std::size_t i = 0; i < threads_.size(); ++i)
    workers_[i + 1]->post([worker = workers_[i + 1].get()] { worker->stop(); });
  threads_.clear();  // waits for them
}

// Has each worker do this in its own thread; in this one while that does not run.
void Server::each(const std::function<void(serve::Worker&)>& task) {
  task(*workers_.front());
  for (std::size_t i = 1; i < workers_.size(); ++i) {
    serve::Worker& worker = *workers_[i];
    if (threads_.empty())
      task(worker);
    else
      worker.post([task, &worker] { task(worker); });
  }
}

// Who resolves the names of servers, where nothing is forwarded.
void Server::use_bootstrap(const Result<config::Forwarding>& forwarding) {
  if (!forwarding) return log_.write(io::Level::Warning, forwarding.error().text);
  left_out_.warn_of_own(*forwarding);
  left_out_.warn_of_unread(*forwarding);
  names_.use_bootstrap(forwarding->bootstrap);
}

// Has the workers told the addresses of servers that are written by name, and what sources know.
Status Server::follow_names() {
  std::vector<ServerAddress> servers;
  const auto add = [&servers](const std::vector<ServerAddress>& some) {
    servers.insert(servers.end(), some.begin(), some.end());
  };
  if (forwarding_) add(forwarding_->servers);
  if (options_.shared_cache && options_.shared_cache->socket.empty())
    servers.push_back(options_.shared_cache->place);
  for (const auto& [some, domains] : options_.stub_zones) add(some);
  for (policy::RuleNumber i = 0; rules_in_force_ && i < rules_in_force_->size(); ++i)
    add((*rules_in_force_)[i].action.servers);
  followed_.follow(servers);
  return server_sources_.follow(servers);
}

Status Server::forward_to(const config::Forwarding& forwarding) {
  names_.use_bootstrap(forwarding.bootstrap);
  const bool is_new = !forwarding_ || !forwarding.asks_like(*forwarding_);
  forwarding_ = forwarding;
  if (!server_sources_.use_system(forwarding.system)) left_out_.warn_of_none();
  Status status = follow_names();
  each([forwarding](serve::Worker& worker) { worker.forward_to(forwarding); });
  if (!is_new) return status;
  std::string line = "nameservers";
  for (const ServerAddress& server : forwarding.servers) line += ' ' + server.to_text();
  io::LogLine event(line);
  if (forwarding.tcp_only) event.with("transport", "tcp");
  log_.write(io::Level::Info, event);
  return status;
}

// Those who may read a file at the start are not always those who read it again.
void Server::warn_of_user() {
  std::vector<std::string> sentences = hosts_.unreadable();
  for (auto& more : {lists_.unreadable(), records_.unreadable(), rules_.unreadable(),
                     roots_.unreadable(), identities_.unreadable()})
    sentences.insert(sentences.end(), more.begin(), more.end());
  if (sources_.uses_resolv_conf())
    if (const Status status = io::may_read(options_.resolv_conf); !status)
      sentences.push_back(status.error().text);
  constexpr std::size_t kMaxTold = 10;
  sentences.resize(std::min(sentences.size(), kMaxTold));
  for (const std::string& sentence : sentences)
    log_.write(io::Level::Warning, sentence +
                                       " any more, as the user of --user (DNSMASQ_USER): what "
                                       "it said stays, changes will not be seen");
}

// Clients ask over UDP first: that is the address they need.
Status Server::prepare_host_resolver() {
  if (!options_.default_resolver) return Done();
  auto servers = config::entry_for(workers_.front()->endpoints(Protocol::Udp));
  if (servers.empty())
    return Error{
        "--default-resolver (DNSMASQ_DEFAULT) needs a UDP socket on port 53, the only one "
        "that resolv.conf can name; add one to the socket unit"};
  host_resolver_.emplace(options_.resolv_conf,
                         config::HostResolver::Told{std::move(servers), options_.client_options},
                         log_);
  host_resolver_->open();
  return Done();
}

// RFC 5358: a resolver that answers everyone helps in attacks on others.
void Server::warn_of_strangers() {
  if (!options_.allow.empty()) return;
  for (const Endpoint& endpoint : workers_.front()->endpoints(Protocol::Udp))
    if (!endpoint.address.is_loopback())
      log_.write(io::Level::Warning,
                 io::LogLine("answers everyone who reaches it; name those who may ask with --allow")
                     .with("address", endpoint.to_text()));
}

void Server::log_ready() {
  const serve::Worker& worker = *workers_.front();  // all serve the same
  log_.write(io::Level::Info, "ready: " + serve::list_endpoints([&](Protocol protocol) {
                                return worker.endpoints(protocol);
                              }));
  log_.flush();
  io::notify_systemd("READY=1");
}

}  // namespace dnslet::app
