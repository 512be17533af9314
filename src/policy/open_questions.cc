// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/open_questions.h"

#include <utility>

#include "dns/hash.h"
#include "policy/family.h"

namespace dnslet::policy {
namespace {

constexpr std::size_t kSpareAnswer = 1024;  // bytes of a message that are kept for the next one
constexpr std::size_t kSpareKept = 16;

}  // namespace

OpenQuestion* OpenQuestions::find(uint64_t number) {
  const auto* const found = questions_.find(number);
  return found ? found->get() : nullptr;
}

OpenQuestion* OpenQuestions::find(const UpstreamQuestion& question, uint64_t hash) {
  OpenQuestion* const known = find(by_hash_.find(hash));
  return known && known->question == question ? known : nullptr;
}

OpenQuestion* OpenQuestions::find_sibling(const OpenQuestion& question) {
  const auto sibling = sibling_of(question.question);
  return sibling ? find(*sibling, sibling_hash(question.hash)) : nullptr;
}

uint64_t OpenQuestions::hash_of(const UpstreamQuestion& question) const {
  const dns::Type type = question.question.type;
  uint64_t seed = seed_ ^ static_cast<uint64_t>(dns::one_family(type));
  if (!question.route.is_by_name()) seed ^= policy::hash_of(question.route, seed_);
  const uint64_t hash = dns::hash(question.question.name.view().wire(), seed);
  return type == dns::Type::AAAA ? sibling_hash(hash) : hash;
}

OpenQuestion& OpenQuestions::add(const UpstreamQuestion& question, uint64_t hash) {
  std::unique_ptr<OpenQuestion> added;
  if (spare_questions_.empty()) {
    added = std::make_unique<OpenQuestion>();
  } else {
    added = std::move(spare_questions_.back());
    spare_questions_.pop_back();
  }
  OpenQuestion& open = *added;
  open.question = question;
  open.hash = hash;
  open.number = questions_.add(std::move(added));
  if (!by_hash_.contains(hash)) by_hash_.put(hash, open.number);
  return open;
}

std::unique_ptr<OpenQuestion> OpenQuestions::take(OpenQuestion& question) {
  if (by_hash_.find(question.hash) == question.number) by_hash_.take(question.hash);
  std::unique_ptr<OpenQuestion> taken = std::move(*questions_.find(question.number));
  questions_.remove(question.number);
  return taken;
}

void OpenQuestions::recycle(std::unique_ptr<OpenQuestion> question) {
  recycle(question->refusal);
  recycle(question->cut);
  recycle(question->held);
  if (spare_questions_.size() >= kSpare || question->lookups.capacity() > kSpareLookups) return;
  // Memory that serves again: of the attempt and of the list.
  OpenQuestion fresh;
  fresh.attempt = std::move(question->attempt);
  fresh.lookups = std::move(question->lookups);
  fresh.lookups.clear();
  *question = std::move(fresh);
  spare_questions_.push_back(std::move(question));
}

void OpenQuestions::recycle(std::unique_ptr<KeptBack>& kept) {
  if (!kept) return;
  const bool is_small = kept->answer.message().size() <= kSpareAnswer;
  if (is_small && spare_kept_.size() < kSpareKept) spare_kept_.push_back(std::move(kept));
  kept.reset();
}

std::unique_ptr<KeptBack> OpenQuestions::make_kept(Answer& answer, ServerNumber via) {
  std::unique_ptr<KeptBack> kept;
  if (spare_kept_.empty()) {
    kept = std::make_unique<KeptBack>();
  } else {
    kept = std::move(spare_kept_.back());
    spare_kept_.pop_back();
  }
  std::swap(kept->answer, answer);
  kept->via = via;
  return kept;
}

}  // namespace dnslet::policy
