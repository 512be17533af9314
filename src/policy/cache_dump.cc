// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/cache_dump.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "dns/rdata_text.h"
#include "dns/record_text.h"
#include "policy/cache_entry.h"

namespace dnslet::policy {
namespace {

void put(std::string& out, std::initializer_list<std::string_view> pieces) {
  for (const std::string_view piece : pieces) out += piece;
}

void add(std::string& out, std::string_view key, std::string_view value) {
  put(out, {" ", key, "=", value});
}

void add_route(std::string& out, const Route& route) {
  if (route.servers != kDefaultServers) add(out, "servers", std::to_string(route.servers));
  if (route.has_ttl())
    add(out, "ttl", std::to_string(route.least_ttl) + '-' + std::to_string(route.most_ttl));
  if (route.filter != Filter::None) add(out, "without", route.filter == Filter::A ? "A" : "AAAA");
  if (route.yielding != Yielding::None)
    add(out, "yields", route.yielding == Yielding::A ? "A" : "AAAA");
  if (route.reach == Reach::Subnet || route.reach == Reach::JustThis)
    add(out, "subnet", route.subnet.to_text());
}

std::string class_text(dns::Class number) {
  return number == dns::Class::IN ? "IN" : "CLASS" + std::to_string(static_cast<unsigned>(number));
}

}  // namespace

// Ends: every turn writes something, or looks at some buckets more. Looks at so many of these only,
// as most may be empty.
bool CacheDump::next(Milliseconds now, std::string& out) {
  constexpr int kMostLooks = 64;
  const std::size_t end = out.size() + kPiece;
  if (!std::exchange(has_begun_, true)) out += "$ORIGIN .\n";
  for (int looks = 0; looks < kMostLooks && out.size() < end;) {
    if (copies_.empty()) {
      if (cache_.is_at_end(place_)) return false;
      take(now);
      ++looks;
    } else if (write(copies_.back(), end, out)) {
      copies_.pop_back();
      is_begun_ = false;
      written_ = 0;
    }
  }
  return !copies_.empty() || !cache_.is_at_end(place_);
}

void CacheDump::take(Milliseconds now) {
  cache_.visit(place_, names_, now, [this](const CacheTable::Entry& entry) {
    const auto kept = uint64_t{entry.lifetime} + static_cast<uint64_t>(cache_.stale().count());
    if (entry.age_ms >= kept * 1000) return;  // it is there for nobody
    copies_.push_back({entry.flags,
                       entry.route,
                       {entry.message.begin(), entry.message.end()},
                       entry.age_ms,
                       entry.lifetime});
  });
}

// Goes on where it was; false: not to its end.
bool CacheDump::write(const Copy& copy, std::size_t end, std::string& out) {
  const auto message = dns::Message::reopen(copy.message);
  const auto age = static_cast<uint32_t>(copy.age_ms / 1000);
  if (!std::exchange(is_begun_, true)) {
    out += ';';
    add(out, "name", message.question().name.view().to_text());
    add(out, "type", to_text(message.question().type));
    add(out, "rcode", to_text(message.rcode()));
    add(out, "left", std::to_string(int64_t{copy.lifetime} - int64_t{age}));
    if ((copy.flags & kDnssecOk) != 0) out += " do";
    if ((copy.flags & kCheckingDisabled) != 0) out += " cd";
    if ((copy.flags & kSearched) != 0) out += " searched";
    add_route(out, copy.route);
    out += '\n';
  }
  std::size_t number = 0;
  message.walk_records([&](const dns::Record& record) {
    if (number++ < written_) return true;
    ++written_;
    put(out,
        {record.section == dns::Section::Answer ? "" : "; ", message.owner(record).view().to_text(),
         " ", std::to_string(record.ttl - std::min(record.ttl, age)), " ",
         class_text(record.rclass), " ", to_text(record.type), " ", rdata_text(message, record),
         "\n"});
    return out.size() < end;
  });
  return out.size() < end || written_ == message.count(dns::Section::Answer) +
                                             message.count(dns::Section::Authority) +
                                             message.count(dns::Section::Additional);
}

}  // namespace dnslet::policy
