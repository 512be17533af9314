// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "config/host_resolver.h"

#include "base/address.h"
#include "config/resolv_conf.h"
#include "config/server_url.h"
#include "io/socket.h"

namespace dnslet::config {
namespace {

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

struct Change {
  std::string from;  // what the file holds
  std::string to;
};

bool holds(const io::FileInPlace& file, const std::string& text) {
  const auto now = file.read(kMaxResolvConf);
  return now && *now == text;
}

// Somebody wrote less than was to be left, just before the cut, which then made the file longer.
Status take_zeros_off(const io::FileInPlace& file) {
  const auto text = file.read(kMaxResolvConf);
  if (!text) return text.error();
  if (!text->ends_with('\0')) return Done();
  return file.cut(text->find_last_not_of('\0') + 1);
}

// The disk is full: what gets shorter can be written all the same, and a host without resolver is
// worse than an edit that a power cut might spoil. Fails with `trouble` where it gets longer.
Status overwrite(const io::FileInPlace& file, const Change& change, const Error& trouble) {
  if (Status status = file.cut(change.from.size()); !status) return status;
  const auto text = overwrite_with(change.from, change.to);
  if (!text) return trouble;
  if (Status status = file.write(0, *text); !status) return status;
  return file.cut(change.to.size());
}

// Whether others have written is looked at before each step, so that what they wrote is not
// overwritten. False: they have.
Result<bool> write(const io::FileInPlace& file, const Change& change) {
  const InPlaceEdit plan = plan_edit(change.from, change.to);
  if (const Status status = file.write(change.from.size(), plan.tail); !status) {
    if (Status last = overwrite(file, change, status.error()); !last) return last.error();
    return true;
  }
  std::string text = change.from + plan.tail;
  if (!holds(file, text)) return false;
  if (Status status = file.write(0, plan.head); !status) return status.error();
  text.replace(0, plan.head.size(), plan.head);
  if (!holds(file, text)) return false;
  if (Status status = file.cut(plan.size); !status) return status.error();
  if (holds(file, change.to)) return true;
  if (Status status = take_zeros_off(file); !status) return status.error();
  return false;
}

// systemd-resolved replaces its file whenever a network changes.
bool is_of_resolved(const std::string& path) {
  return io::path_behind_links(path).find("/run/systemd/resolve/") != std::string::npos;
}

}  // namespace

void HostResolver::start(const StopFlag& stop) {
  if (is_of_resolved(file_.path()))
    log_.write(io::Level::Warning,
               "resolv.conf belongs to systemd-resolved, which replaces it; instead of "
               "--default-resolver (DNSMASQ_DEFAULT): echo "
               "DNSMASQ_RESOLV_CONF=/run/systemd/resolve/resolv.conf >>/etc/default/dnslet && rm " +
                   file_.path() + " && echo nameserver " + told_.servers.front() + " >" +
                   file_.path());
  (void)bring({Entry::In, Others::Replace, stop});
}

void HostResolver::keep(const StopFlag& stop) { (void)bring({Entry::In, Others::Leave, stop}); }

void HostResolver::stop() {
  constexpr int kTries = 3;  // the writer that disturbs has to come to its end too
  const Wish wish{Entry::Out, Others::Leave, kNeverStopped, Locks::PassOver};
  for (int left = kTries; left > 0 && bring(wish) == Outcome::Disturbed; --left) continue;
}

bool HostResolver::is_due() { return watch_.has_changed(file_.stamp()) || is_due_; }

HostResolver::Outcome HostResolver::bring(const Wish& wish) {
  watch_.mark(file_.stamp());
  is_due_ = false;
  const Status followed = follow_path(wish.stop);
  restore_former(wish);
  const Result<Outcome> outcome = followed ? edit(file_, wish) : followed.error();
  if (outcome) {
    tell(*outcome, wish.entry);
    return *outcome;
  }
  watch_.mark(file_.stamp());  // an attempt changes the file's times
  const bool is_gone = file_.stamp() == io::FileStamp();
  if (wish.entry == Entry::Out && is_gone) return Outcome::Unchanged;
  warn(outcome.error().text + (wish.entry == Entry::In ? "; service goes on without an entry there"
                                                       : "; it is not restored"));
  return Outcome::Unchanged;
}

void HostResolver::tell(Outcome outcome, Entry entry) {
  is_due_ = outcome != Outcome::Written && outcome != Outcome::Unchanged;
  if (outcome == Outcome::Foreign)
    warn(io::LogLine("left alone, another dnslet has its entry there").with("path", file_.path()));
  else if (outcome == Outcome::Locked)
    warn(io::LogLine("locked by another program, tried again soon").with("path", file_.path()));
  else
    warned_of_.clear();
  if (outcome != Outcome::Written) return;
  io::LogLine line(entry == Entry::In ? "host's resolver" : "restored");
  line.with("path", file_.path());
  if (entry == Entry::In) line.with("nameserver", joined(told_.servers));
  log_.write(io::Level::Info, line);
}

// Takes the file that has the path now. The one before is restored even if no other can be opened,
// and stays open then: it may get its path back.
Status HostResolver::follow_path(const StopFlag& stop) {
  if (file_.has_path()) return Done();
  io::FileInPlace next(file_.path());
  Status status = next.open();
  if (!file_.is_open()) {
    if (status) file_ = std::move(next);
    return status;
  }
  const auto outcome = edit(file_, {Entry::Out, Others::Leave, stop});
  if (outcome && *outcome == Outcome::Written)
    log_.write(
        io::Level::Info,
        io::LogLine("restored, though another file has its path now").with("path", file_.path()));
  if (!status) return status;
  const bool is_restored = outcome && *outcome != Outcome::Locked && *outcome != Outcome::Disturbed;
  if (!is_restored) former_.push_back(std::move(file_));
  if (former_.size() > kMaxFormer) former_.erase(former_.begin());
  file_ = std::move(next);
  return Done();
}

// Those that were locked or on a full disk, say, when they lost the path.
void HostResolver::restore_former(const Wish& wish) {
  const Wish out{Entry::Out, Others::Leave, wish.stop, wish.locks};
  std::erase_if(former_, [&](const io::FileInPlace& file) {
    const auto outcome = edit(file, out);
    return outcome && *outcome != Outcome::Disturbed && *outcome != Outcome::Locked;
  });
}

// The lock keeps other dnslets out.
Result<HostResolver::Outcome> HostResolver::edit(const io::FileInPlace& file,
                                                 const Wish& wish) const {
  constexpr io::Milliseconds kPatience{150};
  constexpr io::Milliseconds kPatienceAtTheEnd{50};
  const bool may_pass_over = wish.locks == Locks::PassOver;
  const auto lock = file.lock(may_pass_over ? kPatienceAtTheEnd : kPatience, wish.stop);
  if (!lock && !may_pass_over) return Outcome::Locked;
  const auto text = file.read(kMaxResolvConf);
  if (!text) return text.error();

  const auto there = entry_in(*text);
  const bool is_foreign = !there.empty() && there.front() != told_.servers.front();
  if (is_foreign && wish.others == Others::Leave && !is_abandoned(there.front()))
    return Outcome::Foreign;
  const std::string original = original_of(*text);
  if (original.size() > kMaxEdited)
    return Error{"cannot edit '" + file.path() + "': larger than " +
                 std::to_string(kMaxEdited >> 10) + " KiB"};
  const std::string wanted =
      wish.entry == Entry::In ? with_entry(original, told_.servers, told_.options) : original;
  if (wanted == *text) return Outcome::Unchanged;
  const auto is_written = write(file, {*text, wanted});
  if (!is_written) return is_written.error();
  return *is_written ? Outcome::Written : Outcome::Disturbed;
}

// Once for each trouble: a watch that looks twice a second would repeat it.
void HostResolver::warn(const io::LogLine& line) {
  std::string text = line.to_text();
  if (text == warned_of_) return;
  warned_of_ = std::move(text);
  log_.write(io::Level::Warning, line);
}

}  // namespace dnslet::config
