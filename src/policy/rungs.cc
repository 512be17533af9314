// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/rungs.h"

#include <utility>

#include "dns/patch.h"
#include "policy/own_names.h"
#include "policy/preference.h"

namespace dnslet::policy {
namespace {

using dns::Rcode;

// The hit is gone soon, and most have no error.
const dns::ExtendedError* keep_error(const Tables& tables, const CacheHit& hit) {
  if (hit.error.empty()) return nullptr;
  tables.scratch_error = hit.error;
  return &tables.scratch_error;
}

MaybeFound found_failure(const Tables& tables, const CacheHit& hit) {
  MaybeFound found(std::in_place, hit.message, Source::Cache);
  found->error = keep_error(tables, hit);
  found->left = hit.left;
  return found;
}

// An entry counts the turns of its addresses.
MaybeFound found_entry(const Tables& tables, const CacheHit& hit, Scope scope, Source source) {
  MaybeFound found(std::in_place, hit.message, source);
  found->error = keep_error(tables, hit);
  found->turn = hit.turn;
  found->scope = scope;
  found->subnet_scope = hit.subnet_scope;
  found->is_ending = hit.is_ending;
  found->wants_refresh = hit.wants_refresh;
  return found;
}

inline std::optional<CacheHit> find_fresh(const Turn& turn, const ClientQuestion& asked,
                                          Scope scope) {
  return turn.tables.cache.find(key_of(asked, scope), turn.now, turn.out, turn.tables.scratch);
}

inline MaybeFound found_fresh(const Tables& tables, const CacheHit& hit, Scope scope) {
  MaybeFound found = found_entry(tables, hit, scope, Source::Cache);
  found->left = hit.left;
  return found;
}

// For where an answer that has ended goes out before upstream is asked. Nothing would come of the
// refresh without RD, nor where nobody may be asked.
MaybeFound answer_ended(const Turn& turn, const ClientQuestion& asked, Scope scope) {
  if (!turn.tables.settings.forwards || !asked.flags.recursion_desired) return std::nullopt;
  return answer_stale(turn, asked, scope, Ended::WithRecords);
}

// Where nothing is kept that holds: an answer that has ended, where upstream has failed within the
// last second, or else the failure.
MaybeFound answer_failed(const Turn& turn, const ClientQuestion& asked, Scope scope) {
  const Tables& tables = turn.tables;
  const auto failure =
      tables.failures.find(key_of(asked, scope), turn.now, turn.out, tables.scratch);
  if (tables.cache.keeps_stale()) {
    auto found = answer_stale(turn, asked, scope, failure ? Ended::Any : Ended::JustTried);
    if (found) return found;
  }
  if (!failure) return std::nullopt;
  return found_failure(tables, *failure);
}

// What there is in place of a kept answer that holds.
MaybeFound answer_past(const Turn& turn, const ClientQuestion& asked, Scope scope) {
  if (turn.tables.settings.stale_first)
    if (const auto found = answer_ended(turn, asked, scope)) return found;
  return answer_failed(turn, asked, scope);
}

}  // namespace

MaybeFound answer_fresh(const Turn& turn, const ClientQuestion& asked, Scope scope) {
  if (asked.route.keeping == Keeping::NotKept) return std::nullopt;
  const auto hit = find_fresh(turn, asked, scope);
  if (!hit) return std::nullopt;
  return found_fresh(turn.tables, *hit, scope);
}

MaybeFound answer_kept(const Turn& turn, const ClientQuestion& asked, Scope scope) {
  if (asked.route.keeping == Keeping::NotKept) return std::nullopt;
  if (const auto hit = find_fresh(turn, asked, scope)) return found_fresh(turn.tables, *hit, scope);
  return answer_past(turn, asked, scope);
}

MaybeFound answer_cached(const Turn& turn, const ClientQuestion& asked, Scope scope) {
  if (!yields(asked.route.yielding, asked.question.type)) return answer_kept(turn, asked, scope);
  const Preference preferred = preference(turn.tables, asked, turn.now);
  if (preferred == Preference::Yields)
    return empty_answer(turn, asked, Rcode::NoError, Source::Rule);
  MaybeFound found = answer_kept(turn, asked, scope);
  if (preferred == Preference::Unknown && found &&
      dns::has_records(dns::kind_by_header(found->message)))
    found.reset();
  return found;
}

MaybeFound answer_stale(const Turn& turn, const ClientQuestion& asked, Scope scope, Ended which) {
  const Tables& tables = turn.tables;
  if (!tables.cache.keeps_stale() || asked.route.keeping == Keeping::NotKept) return std::nullopt;
  const auto hit =
      tables.cache.find_stale(key_of(asked, scope), turn.now, {turn.out, tables.scratch}, which);
  if (!hit) return std::nullopt;
  return found_entry(tables, *hit, scope, Source::Stale);
}

MaybeFound refuse_forwarding(const Turn& turn, const ClientQuestion& asked) {
  const Tables& tables = turn.tables;
  if (tables.settings.forwards) return std::nullopt;
  // A question for addresses has passed all names that have some.
  const dns::NameView name = asked.question.name;
  const bool is_for_address = is_address_type(asked.question.type);
  const auto* const table =
      is_for_address ? reverse_table_of(tables, name) : own_table(tables, name);
  if (table == nullptr && has_records_of_ours(tables, name))
    return empty_answer(turn, asked, Rcode::NoError, Source::Record);
  if (table == nullptr) return empty_answer(turn, asked, Rcode::Refused, Source::Refused);
  return empty_answer(turn, asked, Rcode::NoError,
                      table == &tables.addresses ? Source::Address : Source::Hosts);
}

MaybeFound empty_answer(const Turn& turn, const ClientQuestion& asked, Rcode rcode, Source source) {
  const bool is_known = rcode == Rcode::NoError || rcode == Rcode::NxDomain;
  dns::ReplyWriter reply(turn.out, asked.question, rcode);
  return MaybeFound(std::in_place, reply.finish(), source,
                    is_known ? dns::Authority::Own : dns::Authority::None);
}

MaybeFound answer_gone(const Turn& turn, const ClientQuestion& asked, Source source) {
  const bool is_there = has_entry(turn.tables, asked.question.name);
  return empty_answer(turn, asked, is_there ? Rcode::NoError : Rcode::NxDomain, source);
}

Found copy_of(const Turn& turn, const Answer& answer, Source source) {
  const dns::BytesView whole = answer.message();
  const std::size_t room = turn.out.size();
  const dns::MutableBytesView message =
      whole.size() <= room ? turn.out.first(whole.size())
                           : turn.tables.scratch.first(dns::front_size(whole.size(), room));
  dns::copy_bytes(whole.first(message.size()), message);
  Found found(message, source);
  found.subnet_scope = answer.subnet_scope();
  if (!answer.error().empty()) found.error = &answer.error();
  return found;
}

}  // namespace dnslet::policy
