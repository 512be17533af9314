// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Any order of storing, finding, waiting and clearing: the cache stays within both of its limits,
// and what comes out is the last that was put in under this very key, older by the time between, or
// stale when it has ended.

#include <cassert>
#include <map>
#include <string>

#include "dns/patch.h"
#include "input.h"
#include "policy/cache.h"

namespace {

using namespace dnslet;
using policy::Cache, policy::Milliseconds;

// An answer with one record of `size` bytes: TXT, or NULL, which is not what was asked for.
dns::Bytes make_answer(const dns::Question& question, std::size_t size, std::uint32_t ttl) {
  dns::Bytes message = dns::build_failure(question, dns::Rcode::NoError);
  const std::size_t start = message.size();
  message.resize(start + 12 + size, 'x');
  dns::Writer record(dns::MutableBytesView(message).subspan(start));
  record.u16(0xc000 | dns::kHeaderSize);
  constexpr std::uint16_t kNull = 10;
  record.u16(size % 2 == 0 ? static_cast<std::uint16_t>(dns::Type::TXT) : kNull);
  record.u16(1);
  record.u32(ttl);
  record.u16(static_cast<std::uint16_t>(size));
  message[7] = 1;  // one answer
  return message;
}

// A cache, and what it may give back.
class Checked {
 public:
  explicit Checked(std::size_t capacity)
      : capacity_(capacity), cache_(capacity, 1, 1, std::chrono::seconds(kStale)) {}

  void step(fuzz::Input& input) {
    const unsigned what = input.byte() % 16;
    const unsigned which = input.byte();
    now_ += Milliseconds(input.byte() * 20);
    dns::Question question;
    question.name = *dns::Name::from_text(std::string(1 + which / 4 % 16, 'n') + ".test");
    question.type = dns::Type::TXT;
    const policy::CacheKey key{question.name,
                               question.type,
                               question.qclass,
                               (which & 1) != 0,
                               (which & 2) != 0,
                               policy::Scope::AsItStands,
                               policy::Route{.rules = which / 64}};
    if (what == 0) clear();
    if (what >= 1 && what < 8) store(key, which, make_answer(question, input.word() % 9000, what));
    if (what >= 8) find(key, which, input.word() % 9000);

    assert(cache_.entries() <= capacity_ && cache_.entries() <= stored_.size());
    assert(cache_.bytes() <= capacity_ * Cache::kBytesPerAnswer);
    assert(cache_.entries() == 0 || cache_.bytes() > 0);
  }

 private:
  static constexpr unsigned kStale = 2;  // seconds

  struct Stored {
    std::size_t size = 0;
    std::uint32_t ttl = 0;
    Milliseconds since{0};
  };

  void clear() {
    cache_.clear();
    stored_.clear();
  }

  void store(const policy::CacheKey& key, unsigned which, const dns::Bytes& message) {
    const std::uint32_t ttl = ttl_of(message);
    const dns::Answer answer(message);
    assert(answer.is_whole());
    cache_.store(key, answer, now_, std::chrono::seconds(ttl));
    const auto hit = cache_.find(key, now_, large_, {});
    const bool is_kept = hit && std::ranges::equal(hit->message, message);
    assert(is_kept || message.size() + 512 > capacity_ * Cache::kBytesPerAnswer);
    if (is_kept) stored_[which] = {message.size(), ttl, now_};
  }

  void find(const policy::CacheKey& key, unsigned which, std::size_t room) {
    dns::Bytes slot(room);
    const auto first = cache_.find_stale(key, now_, {slot, large_}, policy::Ended::WithRecords);
    assert(!first || ttl_of(first->message) == policy::kStaleFirstTtl);
    const auto stale = cache_.find_stale(key, now_, {slot, large_}, policy::Ended::Any);
    assert(first.has_value() == stale.has_value());
    const auto hit = cache_.find(key, now_, slot, large_);
    if (!hit && !stale) return;
    const Stored& stored = stored_.at(which);
    const std::size_t given =
        stored.size <= room ? stored.size : dns::front_size(stored.size, room);
    const auto age = std::chrono::floor<std::chrono::seconds>(now_ - stored.since).count();
    assert(hit.has_value() != stale.has_value());
    if (stale) {
      assert(stale->message.size() == given && ttl_of(stale->message) == policy::kStaleTtl);
      assert(age >= stored.ttl && age < stored.ttl + kStale);
      return;
    }
    assert(hit->message.size() == given);
    assert((hit->message.data() == slot.data()) == (stored.size <= room));
    assert(given < stored.size || dns::Message::parse(hit->message));
    assert(age < stored.ttl && ttl_of(hit->message) == stored.ttl - age);
  }

  static std::uint32_t ttl_of(dns::BytesView message) {
    constexpr std::size_t kInRecord = 6;  // of a record whose owner is a pointer
    dns::Reader reader(message);
    reader.skip(dns::Message::reopen(message).question_end() + kInRecord);
    return reader.u32();
  }

  std::size_t capacity_;
  Cache cache_;
  Milliseconds now_{1'000'000};
  dns::Bytes large_ = dns::Bytes(dns::kMaxMessage);
  std::map<unsigned, Stored> stored_;  // by number of the key; more than the cache holds
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  Checked cache(input.byte() % 8);
  while (!input.empty()) cache.step(input);
  return 0;
}
