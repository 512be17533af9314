// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of Outstanding that asks the shared cache before any server. It is one more that may
// answer, with a time of its own and without a say in anything else: where it has nothing, or is
// silent, or fails, the question goes on as if it were not there.

#include "policy/outstanding.h"
#include "policy/storing.h"

namespace dnslet::policy {

// False: it is not for that.
bool Outstanding::ask_shared(OpenQuestion& open, const Asking& asking) {
  if (!shared_is_up_ || asking.skips_shared || !is_shareable(open.question)) return false;
  open.is_sharing = true;
  actions_.emplace_back(AskShared{open.number, &open.question});
  tell(Exchange::What::AskedShared, open, kNoServer);
  sharing_.add({due_after(settings_.shared_wait), open.number},
               [this](uint64_t number) { return questions_.find(number) != nullptr; });
  return true;
}

SharedUse Outstanding::on_shared(uint64_t question, dns::BytesView value, WallTime wall,
                                 Milliseconds now) {
  now_ = now;
  OpenQuestion* const open = questions_.find(question);
  if (!open || open->state != OpenQuestion::State::Asking) return SharedUse::Late;
  // Where a rule says how long, the TTLs will tell it.
  const CacheTtls limits =
      open->question.route.has_ttl() ? CacheTtls{kNoLimit, kNoLimit} : settings_.shared_limits;
  const bool is_there =
      !value.empty() && read_stored(value, {open->question.question, wall, limits}, read_.answer);
  tell(is_there ? Exchange::What::FoundShared : Exchange::What::NotShared, *open, kNoServer);
  if (!is_there) {
    if (open->is_sharing) begin(*open);
    return SharedUse::Miss;
  }
  open->is_sharing = false;
  if (!hold(*open, read_.answer, kSharedCache) &&
      !hold_for_preferred(*open, read_.answer, kSharedCache))
    finish(*open, read_.answer, kSharedCache);
  drop_servers();
  return SharedUse::Hit;
}

}  // namespace dnslet::policy
