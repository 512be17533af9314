// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "app/host_resolver.h"

#include "policy/resolv_conf.h"
#include "policy/resolv_conf_edit.h"

namespace dnslet::app {

void HostResolver::start() { bring(Entry::In, Others::Replace); }
void HostResolver::keep() { bring(Entry::In, Others::Leave); }
void HostResolver::stop() { bring(Entry::Out, Others::Leave); }

void HostResolver::bring(Entry entry, Others others) {
  watch_.mark();
  const auto warn = [this](const Error& error) {
    log_.write(io::Level::Warning, error.text + "; service goes on without an entry there");
  };
  // The file that has the path now may be another one than before.
  if (const Status status = file_.open(); !status) return warn(status.error());
  const auto text = file_.read(policy::kMaxResolvConf);
  if (!text) return warn(text.error());

  const auto there = policy::entry_in(*text);
  if (others == Others::Leave && there && *there != server_)
    return log_.write(io::Level::Warning, "left alone, another dnslet has its entry there path=" +
                                              file_.path() + " entry=" + *there);
  const std::string original = policy::original_of(*text);
  const std::string wanted = entry == Entry::In ? policy::with_entry(original, server_) : original;
  if (wanted == *text) return;
  if (const Status status = edit(*text, wanted); !status) return warn(status.error());
  log_.write(io::Level::Info,
             entry == Entry::In ? "host's resolver path=" + file_.path() + " nameserver=" + server_
                                : "restored path=" + file_.path());
}

Status HostResolver::edit(const std::string& from, const std::string& to) {
  const policy::InPlaceEdit plan = policy::plan_edit(from, to);
  if (Status status = file_.write(from.size(), plan.tail); !status) {
    (void)file_.cut(from.size());  // as it was, as far as the disk lets us
    return status;
  }
  if (Status status = file_.write(0, plan.head); !status) return status;
  return file_.cut(plan.size);
}

}  // namespace dnslet::app
