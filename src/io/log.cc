// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <utility>

namespace dnslet::io {
namespace {

constexpr Milliseconds kRepeatInterval{10000};
constexpr std::size_t kMaxLine = 2048;
constexpr int kSyslogFacilityDaemon = 3 << 3;  // RFC 5424 section 6.2.1

const char* to_text(Level level) {
  switch (level) {
    case Level::Error:
      return "error";
    case Level::Warning:
      return "warning";
    case Level::Info:
      return "info";
    case Level::Debug:
      break;
  }
  return "debug";
}

int severity(Level level) {
  switch (level) {
    case Level::Error:
      return 3;
    case Level::Warning:
      return 4;
    case Level::Info:
      return 6;
    case Level::Debug:
      break;
  }
  return 7;
}

// Whether a write of up to PIPE_BUF bytes goes through at once (pipe(7)); true for plain files.
bool takes_a_line(int fd) {
  pollfd entry = {fd, POLLOUT, 0};
  return poll(&entry, 1, 0) == 1 && (entry.revents & (POLLOUT | POLLERR | POLLHUP)) != 0;
}

// A terminal promises a byte only and then waits for its reader. Opened anew it need not, and those
// who share the descriptor see nothing of that.
Descriptor open_terminal(int fd) {
  if (isatty(fd) == 0) return Descriptor();
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  return Descriptor(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

}  // namespace

Log::Log(Target target, Format format, Level most)
    : target_(target),
      format_(format),
      most_(target == Target::StandardError ? std::min(most, Level::Warning) : most),
      output_(target == Target::StandardError ? STDERR_FILENO : STDOUT_FILENO),
      terminal_(open_terminal(output_)) {
  if (terminal_) output_ = terminal_.get();
  if (target_ == Target::Syslog)
    syslog_ = Descriptor(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void Log::write(Level level, const LogLine& line) {
  const std::lock_guard lock(mutex_);
  put(level, line);
}

uint64_t Log::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_total_;
}

void Log::put(Level level, const LogLine& line) {
  if (level > most_) return;
  const bool is_json = format_ == Format::Json;
  const std::string time = utc_text(std::time(nullptr), kIsoTime);
  std::string text = is_json ? line.to_json(time, to_text(level))
                             : std::string(to_text(level)) + ' ' + line.to_text();
  if (!is_json && text.size() > kMaxLine) text.resize(kMaxLine);
  if (target_ == Target::Syslog) {
    send_to_syslog(level, text);
  } else {
    append((is_json ? text : time + ' ' + text) + '\n');
  }
}

void Log::write_limited(Level level, std::string_view topic, LogLine line, Milliseconds now) {
  const std::lock_guard lock(mutex_);
  // Names of servers are among them, which come from files that others write.
  if (topics_.size() >= kTopics)
    std::erase_if(topics_, [&](const auto& entry) {
      return now >= entry.second.next && entry.first != topic;
    });
  Topic& state = topics_[std::string(topic)];
  if (now < state.next) {
    ++state.left_out;
    return;
  }
  if (state.left_out > 0) line.with("left_out", state.left_out);
  state = {now + kRepeatInterval, 0};
  put(level, line);
}

void Log::append(const std::string& line) {
  if (waiting_.size() + line.size() > kMaxWaiting) {
    ++dropped_;
    ++dropped_total_;
    return;
  }
  waiting_ += line;
  has_waiting_ = true;
}

bool Log::flush() {
  if (!has_waiting_) return false;
  const std::lock_guard lock(mutex_);
  flush_output();
  if (dropped_ > 0 && waiting_.size() <= kMaxWaiting / 2) {
    const uint64_t told = std::exchange(dropped_, 0);
    put(Level::Warning,
        LogLine("log lines dropped because the reader is too slow").with("count", told));
  }
  has_waiting_ = !waiting_.empty();
  return has_waiting_;
}

// Whole lines, at most PIPE_BUF bytes a write: that much poll() has promised, but for a terminal.
void Log::flush_output() {
  std::size_t done = 0;
  while (done < waiting_.size()) {  // ends: every turn writes something or stops
    std::size_t size = std::min<std::size_t>(waiting_.size() - done, PIPE_BUF);
    size = waiting_.rfind('\n', done + size - 1) + 1 - done;
    if (!takes_a_line(output_)) break;
    const ssize_t written = ::write(output_, waiting_.data() + done, size);
    if (written < 0 && (errno == EAGAIN || errno == EINTR)) break;
    // A reader that is gone (EPIPE) or a full disk takes nothing more: drop, and go on serving.
    done += written < 0 ? size : static_cast<std::size_t>(written);
  }
  waiting_.erase(0, done);
}

// Straight to the socket that syslog(3) uses: syslog(3) itself blocks when the daemon is slow.
void Log::send_to_syslog(Level level, std::string_view line) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "/dev/log");
  const std::string packet = '<' + std::to_string(kSyslogFacilityDaemon | severity(level)) + '>' +
                             utc_text(std::time(nullptr), "%b %e %H:%M:%S") + " dnslet[" +
                             std::to_string(getpid()) + "]: " + std::string(line);
  const ssize_t sent = sendto(syslog_.get(), packet.data(), packet.size(), MSG_NOSIGNAL,
                              reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (sent >= 0) return;
  const bool has_no_reader = errno == ENOENT || errno == ECONNREFUSED;
  ++dropped_total_;
  if (has_no_reader && !std::exchange(has_told_, true))
    (void)std::fputs(
        "dnslet: nobody reads /dev/log, so log lines are lost; start a syslog daemon, "
        "or leave out --syslog (DNSMASQ_SYSLOG)\n",
        stderr);
}

}  // namespace dnslet::io
