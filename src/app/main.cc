// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// Options → server → exit status: 0 asked to stop, 1 could not run, 2 bad usage.

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "app/healthcheck.h"
#include "app/listeners.h"
#include "app/name_sources.h"
#include "app/options.h"
#include "app/server.h"
#include "app/version.h"
#include "io/privileges.h"
#include "io/trial.h"
#include "io/upstream.h"

namespace {

using dnslet::app::Action;
using dnslet::app::Options;
using dnslet::app::ParsedOptions;

constexpr int kStopped = 0;
constexpr int kCannotRun = 1;
constexpr int kBadUsage = 2;

int fail(int status, const std::string& sentence) {
  (void)std::fprintf(stderr, "dnslet: %s\n", sentence.c_str());
  return status;
}

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

// What a server has open before it can ask its first question.
std::size_t descriptors_needed(const Options& options) {
  constexpr std::size_t kOfAll = 12;
  constexpr std::size_t kOfEach = 8;
  return kOfAll + options.threads * (kOfEach + 2 * options.listen.size());
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

int serve(Options options) {
  dnslet::app::hold_signals();
  const rlim_t descriptors = raise_descriptor_limit();
  if (const std::size_t needed = descriptors_needed(options); needed > descriptors)
    return fail(kCannotRun, "it needs " + std::to_string(needed) + " open files and may have " +
                                std::to_string(descriptors) +
                                "; raise the limit (ulimit -n), or set fewer --threads "
                                "(DNSMASQ_THREADS)");
  keep_tables_apart();
  if (const auto status = dnslet::io::try_system(); !status)
    return fail(kCannotRun, status.error().text);
  auto passed = dnslet::app::take_passed_sockets(options);
  if (!passed) return fail(kCannotRun, passed.error().text);
  if (!dnslet::io::prepare_upstream()) return fail(kCannotRun, "cannot initialise c-ares");
  const auto user = options.user;
  dnslet::app::Server server(std::move(options));
  if (const auto status = server.configure(); !status) return fail(kBadUsage, status.error().text);
  if (const auto status = server.bind(std::move(*passed)); !status)
    return fail(kCannotRun, status.error().text);
  if (user) {
    if (const auto status = dnslet::io::become_user(*user); !status)
      return fail(kCannotRun, "--user: " + status.error().text +
                                  "; start dnslet as root, or leave out --user (DNSMASQ_USER)");
  }
  if (const auto status = server.run(); !status) return fail(kCannotRun, status.error().text);
  return kStopped;
}

int explain(Options options) {
  options.threads = 1;
  if (const auto status = dnslet::io::try_system(); !status)
    return fail(kCannotRun, status.error().text);
  if (!dnslet::io::prepare_upstream()) return fail(kCannotRun, "cannot initialise c-ares");
  dnslet::app::Server server(std::move(options));
  if (const auto status = server.configure(); !status) return fail(kBadUsage, status.error().text);
  return server.explain() ? kStopped : kCannotRun;
}

void tell_warnings(const ParsedOptions& parsed) {
  for (const std::string& warning : parsed.warnings)
    (void)std::fprintf(stderr, "dnslet: warning: %s\n", warning.c_str());
}

int run(const ParsedOptions& parsed) {
  switch (parsed.options.action) {
    case Action::Help:
      (void)std::fputs(dnslet::app::help_text().c_str(), stdout);
      return kStopped;
    case Action::Version:
      (void)std::printf("dnslet %s\n", dnslet::version());
      return kStopped;
    case Action::PrintConfig: {
      auto settings = parsed.settings;
      dnslet::app::fill_from_resolv_conf(parsed.options, settings);
      (void)std::fputs(dnslet::app::config_text(settings).c_str(), stdout);
      return kStopped;
    }
    case Action::Healthcheck: {
      const auto health = dnslet::app::check_health(parsed.options);
      (void)std::printf("%s\n", health.reason.c_str());
      return health.is_healthy ? kStopped : kCannotRun;
    }
    case Action::Explain:
      tell_warnings(parsed);
      return explain(parsed.options);
    case Action::Serve:
      break;
  }
  tell_warnings(parsed);
  return serve(parsed.options);
}

}  // namespace

int main(int argc, char** argv) {
  fill_standard_descriptors();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    const char* const value = std::getenv(name.c_str());
    if (!value) return std::nullopt;
    return value;
  };
  const auto parsed = dnslet::app::parse_options(arguments, environment);
  if (!parsed) return fail(kBadUsage, parsed.error().text);
  return run(*parsed);
}
