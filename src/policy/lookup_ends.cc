// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The part of a Lookup that deals with the end of answers: one that is in use is asked for again
// before it ends; and one that has ended is better than none, when upstream fails (RFC 8767).
// Upstream was asked before, and its answer takes the place of the old one whenever it comes.

#include <utility>

#include "dns/patch.h"
#include "policy/lookup_steps.h"
#include "policy/storing.h"

namespace dnslet::policy {

Lookup Lookup::make_refresh() const {
  Lookup refresh({client_.address, Transport::Tcp});
  refresh.query_ = query_;
  refresh.is_refresh_ = true;
  return refresh;
}

Step Lookup::start_refresh(const Tables& tables, Scope scope, Milliseconds now,
                           dns::MutableBytesView out) {
  if (scope == Scope::AsItStands) return ask_for(tables, query_.question);
  std::vector<dns::Name> names = names_now(tables);
  if (names.empty()) return Drop();  // kept by a worker that has not heard of the new rules yet
  return start_search(tables, std::move(names), now, out);
}

Lookup::MaybeReply Lookup::answer_stale(const Tables& tables, const Kept& kept, Ended which,
                                        dns::MutableBytesView out) const {
  if (!tables.cache.keeps_stale()) return std::nullopt;
  const dns::MutableBytesView slot = without_opt_room(within_limit(out));
  const auto hit = tables.cache.find_stale(key_of(query_.question, kept.scope), kept.now,
                                           {slot, tables.scratch}, which);
  if (!hit) return std::nullopt;
  if (tables.settings.rotation == Rotation::On) rotate(hit->message, hit->turn, slot.size());
  return finish(tables, hit->message, {hit->error, Source::Stale}, out);
}

// A search keeps its answer under a scope of its own, but for a first name that had data.
std::optional<Reply> Lookup::on_silence(const Tables& tables, Milliseconds now,
                                        dns::MutableBytesView out) const {
  if (!search_) return answer_stale(tables, {Scope::AsItStands, now}, Ended::Any, out);
  if (is_asked(search_->names.front())) {
    const auto reply = answer_stale(tables, {Scope::AsItStands, now}, Ended::Any, out);
    if (reply && dns::has_records(dns::kind_by_header(out.first(reply->size)))) return reply;
  }
  return answer_stale(tables, {Scope::Searched, now}, Ended::Any, out);
}

Step Lookup::on_deadline(const Tables& tables, Milliseconds now, dns::MutableBytesView out) {
  return fail(tables, dns::ExtendedError::no_reachable_authority(), now, out);
}

// The old answer or SERVFAIL, which is remembered.
Step Lookup::fail(const Tables& tables, const dns::ExtendedError& error, Milliseconds now,
                  dns::MutableBytesView out) {
  const Scope scope = search_ ? Scope::Searched : Scope::AsItStands;
  const Answer failure = Answer::failure(query_.question, dns::Rcode::ServFail, error);
  (void)store_answer(tables, storing_under(scope, now), failure);
  if (const auto reply = on_silence(tables, now, out)) return *reply;
  const dns::MutableBytesView message = out.first(failure.message().size());
  dns::copy_bytes(failure.message(), message);
  return finish(tables, message, {error, Source::Error}, out);
}

Step Lookup::give_up(const Tables& tables, Milliseconds now, dns::MutableBytesView out) {
  if (const auto reply = on_silence(tables, now, out)) return *reply;
  return answer_code(dns::Rcode::ServFail, Source::Error, out);
}

}  // namespace dnslet::policy
