// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/control.h"

#include <chrono>
#include <memory>
#include <utility>

#include "io/log_line.h"
#include "policy/cache_dump.h"

namespace dnslet::app {
namespace {

constexpr std::string_view kOk = "ok\n";

// All of it at once.
io::LineServer::Answer say(std::string text) {
  return [text = std::move(text)](std::string& out) {
    out += text;
    return false;
  };
}

}  // namespace

Status Control::bind() {
  const std::string& path = subject_.options.control;
  if (path.empty()) return Done();
  auto socket = io::LocalSocket::listen(path);
  if (!socket) return Error{"--control (DNSMASQ_CONTROL): " + socket.error().text};
  socket_.emplace(std::move(*socket));
  return subject_.options.user ? socket_->give_to(*subject_.options.user) : Done();
}

void Control::start() {
  if (!socket_) return;
  server_.emplace(subject_.loop, *socket_, [this](std::string_view line) { return answer(line); });
  server_->start();
}

void Control::stop() {
  server_.reset();
  socket_.reset();
}

Control::Answer Control::answer(std::string_view line) {
  const auto request = config::parse_control_request(line);
  if (!request) return say("error: " + request.error().text + '\n');
  if (request->command == config::Command::Lists) return say(list().append(kOk));
  if (request->command == config::Command::Flush) return flush(request->names);
  const auto dump = std::make_shared<policy::CacheDump>(subject_.cache, request->names);
  return [this, dump](std::string& out) {
    const bool has_more = dump->next(subject_.loop.now(), out);
    if (!has_more) out += kOk;
    return has_more;
  };
}

// Of some names it is done in pieces, too: any entry may be theirs.
Control::Answer Control::flush(const policy::NameChoice& names) {
  struct Flush {
    policy::NameChoice names;
    policy::Cache::Place place = {};
    std::size_t removed = 0;
  };
  if (const char* const reason = subject_.why_not())
    return say(std::string("error: ").append(reason) + '\n');
  const auto flush = std::make_shared<Flush>(Flush{names});
  return [this, flush](std::string& out) {
    constexpr int kLooks = 64;  // some 100 us of the loop
    policy::Cache& cache = subject_.cache;
    if (!flush->names.name) {
      flush->removed = cache.entries();
      cache.clear();
    }
    for (int i = 0; flush->names.name && i < kLooks && !cache.is_at_end(flush->place); ++i)
      flush->removed += cache.remove(flush->place, flush->names);
    if (flush->names.name && !cache.is_at_end(flush->place)) return true;
    subject_.on_flushed(flush->names, flush->removed);
    out += "answers flushed: " + std::to_string(flush->removed) + '\n';
    if (subject_.options.shared_cache) out += "the shared cache keeps what it has\n";
    out += kOk;
    return false;
  };
}

std::string Control::list() const {
  std::string text;
  for (const config::Loaded& loaded : subject_.loaded) {
    if (!loaded) continue;
    const auto read = std::chrono::duration_cast<std::chrono::seconds>(loaded->at).count();
    for (const config::LoadedFile& file : loaded->files) {
      io::LogLine line(file.option);
      if (!file.path.empty()) line.with("file", file.path);
      line.with("entries", file.entries).with("loaded", io::utc_text(read, io::kIsoTime));
      text += line.to_text() + '\n';
    }
  }
  return text;
}

}  // namespace dnslet::app
