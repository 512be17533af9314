// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/host_resolver.h"

#include "base/address.h"
#include "io/socket.h"
#include "policy/resolv_conf.h"

namespace dnslet::app {
namespace {

constexpr uint16_t kDnsPort = 53;

// Whether nobody serves the address of an entry any more: its port can be had here.
bool is_abandoned(const std::string& entry) {
  const auto endpoint = Endpoint::from_text(entry, kDnsPort);
  return endpoint && io::is_free(*endpoint);
}

std::string joined(const std::vector<std::string>& servers) {
  std::string text;
  for (const std::string& server : servers) (text += text.empty() ? "" : ",") += server;
  return text;
}

}  // namespace

void HostResolver::start() { (void)bring(Entry::In, Others::Replace); }
void HostResolver::keep() { (void)bring(Entry::In, Others::Leave); }

void HostResolver::stop() {
  constexpr int kTries = 3;  // the writer that disturbs has to come to its end too
  for (int left = kTries; left > 0 && bring(Entry::Out, Others::Leave) == Outcome::Disturbed;
       --left)
    continue;
}

HostResolver::Outcome HostResolver::bring(Entry entry, Others others) {
  watch_.mark();
  is_due_ = false;
  const auto outcome = try_to_bring(entry, others);
  if (!outcome) {
    watch_.mark();  // an attempt changes the file's times
    warn(outcome.error().text + (entry == Entry::In ? "; service goes on without an entry there"
                                                    : "; it is not restored"));
    return Outcome::Unchanged;
  }
  is_due_ = *outcome == Outcome::Foreign || *outcome == Outcome::Disturbed;
  if (*outcome == Outcome::Foreign) {
    warn(io::LogLine("left alone, another dnslet has its entry there").with("path", file_.path()));
  } else {
    warned_of_.clear();
  }
  if (*outcome == Outcome::Written) {
    io::LogLine line(entry == Entry::In ? "host's resolver" : "restored");
    line.with("path", file_.path());
    if (entry == Entry::In) line.with("nameserver", joined(told_.servers));
    log_.write(io::Level::Info, line);
  }
  return *outcome;
}

Result<HostResolver::Outcome> HostResolver::try_to_bring(Entry entry, Others others) {
  // The file that has the path now may be another one than before.
  if (Status status = file_.open(); !status) return status.error();
  const auto lock = file_.lock();
  if (!lock) return lock.error();
  const auto text = file_.read(policy::kMaxResolvConf);
  if (!text) return text.error();

  const auto there = policy::entry_in(*text);
  const bool is_foreign = !there.empty() && there.front() != told_.servers.front();
  if (is_foreign && others == Others::Leave && !is_abandoned(there.front()))
    return Outcome::Foreign;
  const std::string original = policy::original_of(*text);
  if (original.size() > kMaxEdited)
    return Error{"cannot edit '" + file_.path() + "': larger than " +
                 std::to_string(kMaxEdited >> 10) + " KiB"};
  const std::string wanted =
      entry == Entry::In ? policy::with_entry(original, told_.servers, told_.options) : original;
  if (wanted == *text) return Outcome::Unchanged;
  return edit(*text, wanted);
}

// The lock keeps other dnslets out; whether others have written is looked at before each step, so
// that what they wrote is not overwritten.
Result<HostResolver::Outcome> HostResolver::edit(const std::string& from, const std::string& to) {
  const policy::InPlaceEdit plan = policy::plan_edit(from, to);
  if (const Status status = file_.write(from.size(), plan.tail); !status) {
    if (Status last = overwrite(from, to, status.error()); !last) return last.error();
    return Outcome::Written;
  }
  std::string text = from + plan.tail;
  if (!holds(text)) return Outcome::Disturbed;
  if (Status status = file_.write(0, plan.head); !status) return status.error();
  text.replace(0, plan.head.size(), plan.head);
  if (!holds(text)) return Outcome::Disturbed;
  if (Status status = file_.cut(plan.size); !status) return status.error();
  if (holds(to)) return Outcome::Written;
  return take_zeros_off();
}

// Somebody wrote less than was to be left, just before the cut, which then made the file longer.
Result<HostResolver::Outcome> HostResolver::take_zeros_off() {
  const auto text = file_.read(policy::kMaxResolvConf);
  if (!text) return text.error();
  if (text->ends_with('\0'))
    if (Status status = file_.cut(text->find_last_not_of('\0') + 1); !status) return status.error();
  return Outcome::Disturbed;
}

// The disk is full: what gets shorter can be written all the same, and a host without resolver is
// worse than an edit that a power cut might spoil. Fails with `trouble` where it gets longer.
Status HostResolver::overwrite(const std::string& from, const std::string& to,
                               const Error& trouble) {
  if (Status status = file_.cut(from.size()); !status) return status;
  const auto text = policy::overwrite_with(from, to);
  if (!text) return trouble;
  if (Status status = file_.write(0, *text); !status) return status;
  return file_.cut(to.size());
}

bool HostResolver::holds(const std::string& text) const {
  const auto now = file_.read(policy::kMaxResolvConf);
  return now && *now == text;
}

// Once for each trouble: a watch that looks twice a second would repeat it.
void HostResolver::warn(const io::LogLine& line) {
  std::string text = line.to_text();
  if (text == warned_of_) return;
  warned_of_ = std::move(text);
  log_.write(io::Level::Warning, line);
}

}  // namespace dnslet::app
