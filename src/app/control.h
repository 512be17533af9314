// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// --control: what operators ask the running dnslet over a socket on this host, and how it is done.
// See config/control_text for what they may ask. An answer's last line is "ok" or "error: REASON":
// who does not find it knows that something is missing.
//
// Runs in the first worker's thread and loop.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/control_text.h"
#include "config/loaded_files.h"
#include "config/options.h"
#include "io/line_server.h"
#include "io/local_socket.h"
#include "policy/cache.h"

namespace dnslet::app {

class Control {
 public:
  // What is told about. It outlives this.
  struct Subject {
    const config::Options& options;
    io::Loop& loop;
    policy::Cache& cache;
    std::span<const config::Loaded> loaded;
    // Why nothing can be flushed now; nullptr: it can.
    std::function<const char*()> why_not;
    // So many answers are gone from the cache. What else is there of these names is to go, too.
    std::function<void(const policy::NameChoice& names, std::size_t answers)> on_flushed;
  };

  explicit Control(Subject subject) : subject_(std::move(subject)) {}

  // Makes the socket that --control asks for, if it does, for the user that dnslet will be. Fails
  // with a sentence that names the remedy.
  Status bind();
  // Begins to answer: those who have asked before have waited.
  void start();
  // Takes the socket away.
  void stop();

 private:
  using Answer = io::LineServer::Answer;

  Answer answer(std::string_view line);
  Answer flush(const policy::NameChoice& names);
  std::string list() const;

  Subject subject_;
  std::optional<io::LocalSocket> socket_;
  std::optional<io::LineServer> server_;
};

// Asks the dnslet that runs with the same --control, and prints what it says. Fails with a sentence
// for standard error: nobody is there, he says no, or is silent for two seconds.
Status ask_running(const std::string& path, const std::string& request);

}  // namespace dnslet::app
