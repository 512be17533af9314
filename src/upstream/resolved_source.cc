// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/resolved_source.h"

#include <algorithm>
#include <utility>

#include "upstream/resolved_routes.h"

namespace dnslet::upstream {
namespace {

Error cannot_follow(const Error& reason) {
  return Error{"can't be followed: " + reason.text +
               "; start systemd-resolved, or name servers in its place"};
}

}  // namespace

ResolvedSource::ResolvedSource(io::Loop& loop, io::Log& log)
    : log_(log), resolved_(loop, log, [this](const io::ResolvedLinks& links) {
        use(links);
        if (on_known_) on_known_(routes_of(links));
      }) {}

Status ResolvedSource::open() {
  if (Status status = open_beside(); !status) return status;
  const auto links = resolved_.wait();
  if (!links) return cannot_follow(links.error());
  use(*links);
  return Done();
}

Status ResolvedSource::open_beside() {
  const Status status = resolved_.start();
  return status ? status : cannot_follow(status.error());
}

std::optional<KnownServers> ResolvedSource::known() const {
  return links_ ? std::optional(routes_of(*links_)) : std::nullopt;
}

// Tells of the links that are new or have changed, and of those that are gone.
void ResolvedSource::use(const io::ResolvedLinks& links) {
  const io::ResolvedLinks former = std::exchange(links_, links).value_or(io::ResolvedLinks());
  for (const io::ResolvedLink& link : links)
    if (std::ranges::find(former, link) == former.end())
      log_.write(io::Level::Info, "resolved: " + to_text(link));
  for (const io::ResolvedLink& link : former)
    if (std::ranges::find(links, link.index, &io::ResolvedLink::index) == links.end())
      log_.write(io::Level::Info, "resolved: " + link.name + ": none");
}

}  // namespace dnslet::upstream
