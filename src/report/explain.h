// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// --explain: one question's way to its answer in plain words, told as it happens.
//
// Decides nothing: a worker looks the name up as it would for a client, tells what happens, and its
// answer names the rung of the ladder that it came from. What is said of a rung beyond that (which
// line, which zone) is read from the same tables.

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "config/hosts_files.h"
#include "config/list_files.h"
#include "config/name_sources.h"
#include "config/record_files.h"
#include "dns/message.h"
#include "policy/lookup.h"
#include "serve/worker.h"

namespace dnslet::report {

class Explanation {
 public:
  // What is explained. Borrowed.
  struct Subject {
    const serve::Worker::Shared& shared;
    const config::HostsFiles& hosts;
    const config::ListFiles& lists;
    const config::RecordFiles& records;
    const config::Forwarding& forwarding;
    serve::Worker& worker;
  };

  // `out` gets the text line by line. It must outlive this, as must all of the subject.
  Explanation(const Subject& subject, std::FILE* out) : subject_(subject), out_(out) {}

  // Asks, for real, and tells everything. Returns whether the answer has records of the type asked.
  // Ends within --upstream-timeout. REQUIRES: the worker has been configured and is not running.
  bool tell(const dns::Question& question);

 private:
  using Source = policy::Source;

  void tell_rungs(std::optional<Source> end);
  void tell_way();
  void on_exchange(const serve::Asker::Exchange& exchange);
  void on_tls(const std::string& server, const io::TlsOpened& opened);
  void on_tried(const policy::Tried& tried);
  void on_rule(const policy::RuleEvent& event);
  void on_guarded(const policy::Guarded& guarded);
  void on_answer(const policy::Reply& reply, dns::BytesView bytes);
  void tell_end(double at_ms);
  void tell_reason(const dns::Message& message);
  void tell_lifetime(const dns::Answer& answer);
  void tell_family(const std::string& what);

  bool is_given(Source rung) const;
  std::string passed(Source rung) const;
  std::string found(Source rung, dns::NameView name) const;
  std::string listed(dns::NameView name) const;
  std::string lines_of(const policy::RuleEvent& event) const;
  std::string unblocked() const;
  std::string records_of(dns::NameView name) const;
  std::string entries(Source rung, dns::NameView name) const;
  std::string servers_of(const policy::UpstreamQuestion& question) const;
  std::string way_of(const policy::UpstreamQuestion& question) const;

  void row(const std::string& label, const std::string& text);
  void row_at(double at_ms, const std::string& text);
  double elapsed_ms() const;
  const config::Options& options() const { return subject_.shared.options; }

  Subject subject_;
  std::FILE* out_;
  dns::Question question_;
  uint64_t started_ns_ = 0;
  io::Milliseconds started_{0};  // by the loop's clock
  bool has_told_rungs_ = false;
  bool has_told_end_ = false;
  bool is_guarded_ = false;         // by --rebind-guard: the answer does not show how long it lives
  std::optional<dns::Name> asked_;  // the name that servers are being asked for
  bool has_records_ = false;
  std::string listed_;              // of the name asked
  std::vector<std::string> rules_;  // what they had to do with it, until it is told
};

}  // namespace dnslet::report
