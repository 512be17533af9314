// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// Options → server → exit status: 0 asked to stop, 1 could not run, 2 bad usage.

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/control.h"
#include "app/healthcheck.h"
#include "app/server.h"
#include "config/help.h"
#include "config/name_sources.h"
#include "config/options.h"
#include "io/files.h"
#include "io/log.h"
#include "io/privileges.h"
#include "io/trial.h"
#include "serve/listeners.h"

namespace {

using dnslet::config::Action;
using dnslet::config::HelpRows;
using dnslet::config::Options;
using dnslet::config::ParsedOptions;
using dnslet::io::Level;
using dnslet::io::Log;

constexpr int kStopped = 0;
constexpr int kCannotRun = 1;
constexpr int kBadUsage = 2;

// What goes wrong is told on standard error: in a sentence, or in a line of the log where that is
// read by a program.
class Complaints {
 public:
  explicit Complaints(Log::Format format) : format_(format) {}

  void warn(const std::string& sentence) const { tell(Level::Warning, sentence); }
  // Returns the status.
  [[nodiscard]] int fail(int status, const std::string& sentence) const {
    tell(Level::Error, sentence);
    return status;
  }

 private:
  void tell(Level level, const std::string& sentence) const {
    if (format_ == Log::Format::Text) {
      const char* const kind = level == Level::Warning ? "warning: " : "";
      (void)std::fprintf(stderr, "dnslet: %s%s\n", kind, sentence.c_str());
      return;
    }
    Log log(Log::Target::StandardError, format_);
    log.write(level, sentence);
    (void)log.flush();  // what does not fit now never will
  }

  Log::Format format_;
};

// Every upstream question has a socket of its own: take as many descriptors as we may. Returns how
// many there are now; fewer only lower the number of questions at once.
rlim_t raise_descriptor_limit() {
  rlimit limit{};
  constexpr rlim_t kEnough = 65536;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kEnough) return kEnough;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max < kEnough ? limit.rlim_max : kEnough;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

// Files of lists stay open. What they include is not known yet.
std::size_t list_files_given(const Options& options) {
  std::size_t files = 0;
  const auto count = [&files](const std::string& path) {
    const auto inside = dnslet::io::files_of(path, {});
    files += inside ? inside->size() : 1;
  };
  std::ranges::for_each(options.blocklists, count);
  std::ranges::for_each(options.allowlists, count);
  for (const auto& list : options.lists)
    for (const auto& source : list.sources) count(source.path);
  return files;
}

// What a server has open before it can ask its first question.
std::size_t descriptors_needed(const Options& options) {
  constexpr std::size_t kOfAll = 12;
  constexpr std::size_t kOfEach = 8;
  constexpr std::size_t kOfSources = 2;  // a packet socket and netlink, or the bus
  const bool has_source = has_server(options, [](const dnslet::ServerAddress& server) {
    return server.is_source() && !server.is_system();
  });
  return kOfAll + (has_source ? kOfSources : 0) +
         options.threads * (kOfEach + 2 * options.listen.size() + options.encrypted.size()) +
         (options.control.empty() ? 0 : 1 + dnslet::io::LineServer::kMaxClients) +
         list_files_given(options);
}

// Of the rest a half is left to questions and files, however many TCP clients there may be.
std::size_t tcp_clients_that_fit(const Options& options, rlim_t descriptors) {
  const rlim_t half = (descriptors - descriptors_needed(options)) / 2;
  return static_cast<std::size_t>(std::clamp<rlim_t>(half, options.threads, SIZE_MAX));
}

// A closed standard descriptor would be given to the next socket, and the log written into it.
void fill_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(fd, F_GETFD) < 0) (void)open("/dev/null", O_RDWR);  // takes the lowest free one
}

// Tables that are replaced now and then, as the cache's at each reload, come from the system and go
// back to it. glibc would move its limit up with the first one that is freed, and take the next
// ones from among small blocks, where they leave holes (mallopt(3)).
void keep_tables_apart() {
#if defined(__GLIBC__)
  constexpr int kFromSystem = 128 * 1024;
  (void)mallopt(M_MMAP_THRESHOLD, kFromSystem);
#endif
}

// What ten thousand options leave behind: glibc keeps small blocks for itself (malloc_trim(3)).
void give_back_memory() {
#if defined(__GLIBC__)
  (void)malloc_trim(0);
#endif
}

dnslet::io::LogLine few_clients(std::size_t clients, rlim_t descriptors) {
  return dnslet::io::LogLine(
             "fewer TCP clients at once than --max-tcp-clients says; raise the limit of open files "
             "(ulimit -n)")
      .with("clients", clients)
      .with("files", descriptors);
}

int serve(Options options, const Complaints& complaints) {
  dnslet::app::hold_signals();
  const rlim_t descriptors = raise_descriptor_limit();
  if (const std::size_t needed = descriptors_needed(options); needed > descriptors)
    return complaints.fail(kCannotRun, "it needs " + std::to_string(needed) +
                                           " open files and may have " +
                                           std::to_string(descriptors) +
                                           "; raise the limit (ulimit -n), or set fewer --threads "
                                           "(DNSMASQ_THREADS) and files of lists");
  keep_tables_apart();
  if (const auto status = dnslet::io::try_system(); !status)
    return complaints.fail(kCannotRun, status.error().text);
  auto passed = dnslet::serve::take_passed_sockets(options);
  if (!passed) return complaints.fail(kCannotRun, passed.error().text);
  const auto user = options.user;
  const std::size_t wanted = options.max_tcp_clients;
  options.max_tcp_clients = std::min(wanted, tcp_clients_that_fit(options, descriptors));
  const std::size_t clients = options.max_tcp_clients;
  dnslet::app::Server server(std::move(options));
  const auto fail = [&](int status, const std::string& why) {
    server.flush_log();  // the last line is why it ends
    return complaints.fail(status, why);
  };
  if (clients < wanted) server.warn(few_clients(clients, descriptors));
  if (const auto status = server.configure(); !status) return fail(kBadUsage, status.error().text);
  if (const auto status = server.bind(std::move(*passed)); !status)
    return fail(kCannotRun, status.error().text);
  if (user) {
    if (const auto status = dnslet::io::become_user(*user, server.kept()); !status)
      return fail(kCannotRun, "--user: " + status.error().text +
                                  "; start dnslet as root, or leave out --user (DNSMASQ_USER)");
  }
  if (const auto status = server.run(); !status) return fail(kCannotRun, status.error().text);
  if (server.hangs()) _exit(kStopped);
  return kStopped;
}

int explain(Options options, const Complaints& complaints) {
  options.threads = 1;
  (void)raise_descriptor_limit();  // what is too little for its files is told by what can't be read
  if (const auto status = dnslet::io::try_system(); !status)
    return complaints.fail(kCannotRun, status.error().text);
  dnslet::app::Server server(std::move(options));
  if (const auto status = server.configure(); !status)
    return complaints.fail(kBadUsage, status.error().text);
  return server.explain() ? kStopped : kCannotRun;
}

// Of a variable that is set twice the first one counts, as for getenv(3).
dnslet::config::Environment read_environment() {
  dnslet::config::Environment variables;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

void tell_warnings(const ParsedOptions& parsed, const Complaints& complaints) {
  if (parsed.options.log_level < Level::Warning) return;
  for (const std::string& warning : parsed.warnings) complaints.warn(warning);
}

int ask_running(const Options& options, const Complaints& complaints) {
  if (options.control.empty())
    return complaints.fail(kBadUsage,
                           "which dnslet? Name its socket as it does, with --control "
                           "(DNSMASQ_CONTROL)");
  const auto status = dnslet::app::ask_running(options.control, to_text(options.request));
  return status ? kStopped : complaints.fail(kCannotRun, status.error().text);
}

int print(const std::string& text) {
  (void)std::fputs(text.c_str(), stdout);
  return kStopped;
}

int run(ParsedOptions parsed, const Complaints& complaints) {
  switch (parsed.options.action) {
    case Action::Help:
      return print(dnslet::config::help_text(HelpRows::UsedMost));
    case Action::HelpAll:
      return print(dnslet::config::help_text(HelpRows::All));
    case Action::Version:
      return print(dnslet::config::version_text());
    case Action::PrintConfig: {
      auto settings = parsed.settings;
      dnslet::config::fill_from_resolv_conf(parsed.options, settings);
      return print(dnslet::config::config_text(settings));
    }
    case Action::Healthcheck: {
      const auto health = dnslet::app::check_health(parsed.options);
      (void)std::printf("%s\n", health.reason.c_str());
      return health.is_healthy ? kStopped : kCannotRun;
    }
    case Action::Control:
      return ask_running(parsed.options, complaints);
    case Action::Explain:
      tell_warnings(parsed, complaints);
      return explain(parsed.options, complaints);
    case Action::Serve:
      break;
  }
  tell_warnings(parsed, complaints);
  Options options = std::move(parsed.options);
  parsed = {};
  give_back_memory();
  return serve(std::move(options), complaints);
}

}  // namespace

int main(int argc, char** argv) {
  fill_standard_descriptors();
  // A server that resets its connection, or a reader that goes away, must not end any mode.
  std::signal(SIGPIPE, SIG_IGN);
  std::vector<std::string> arguments(argv + 1, argv + argc);
  auto environment = read_environment();
  const Complaints complaints(
      dnslet::config::wants_json(arguments, environment) ? Log::Format::Json : Log::Format::Text);
  auto parsed = dnslet::config::parse_options(arguments, environment);
  if (!parsed) return complaints.fail(kBadUsage, parsed.error().text);
  std::vector<std::string>().swap(arguments);  // there may be ten thousand
  environment.clear();
  return run(std::move(*parsed), complaints);
}
