// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/record_from_text.h"

#include <string>
#include <utility>

#include "base/text.h"
#include "dns/rdata_from_text.h"
#include "dns/text_fields.h"

namespace dnslet::dns {
namespace {

constexpr uint32_t kMaxTtl = INT32_MAX;  // RFC 2181 section 8
constexpr const char* kForm = ": write NAME [TTL] TYPE RDATA";

// A type of records, not of questions only (RFC 6895 section 3.1: 128 to 255), nor OPT.
bool is_of_records(Type type) {
  const auto number = static_cast<uint16_t>(type);
  return number != 0 && type != Type::OPT && (number < 128 || number > 255);
}

Status read_owner(std::string_view word, WrittenRecord& record) {
  if (word.starts_with('$') || word == "@")
    return not_a(word, "a name: each one is written whole, there is no $ORIGIN, $TTL or @");
  record.is_wildcard = word.starts_with("*.");
  const auto name = Name::from_text(record.is_wildcard ? word.substr(2) : word);
  if (!name || word == "*" || (record.is_wildcard && name->view().is_root()))
    return not_a(word, "a domain name, or one with *. in front");
  record.owner = *name;
  return Done();
}

// TTL and class, each at most once; `word` is what stands behind them then.
Status read_ttl_and_class(std::string_view& word, std::string_view& rest, WrittenRecord& record) {
  bool has_class = false;
  for (;; word = next_word(rest)) {  // ends: each is taken once
    const std::string lower = lower_case(word);
    if (!has_class && lower == "in") {
      has_class = true;
    } else if (!record.ttl && !word.empty() && word.front() >= '0' && word.front() <= '9') {
      record.ttl = number_of(word, kMaxTtl);
      if (!record.ttl) return not_a(word, "a TTL: seconds, up to 2147483647");
    } else if (lower == "ch" || lower == "hs" || lower == "cs") {
      return not_a(word, "a class of static records: they are of class IN");
    } else {
      return Done();
    }
  }
}

}  // namespace

Result<WrittenRecord> record_from_text(std::string_view text) {
  WrittenRecord record;
  std::string_view rest = text;
  std::string_view word = next_word(rest);
  if (word.empty()) return Error{std::string("there is no name") + kForm};
  if (const Status status = read_owner(word, record); !status) return status.error();

  word = next_word(rest);
  if (const Status status = read_ttl_and_class(word, rest, record); !status) return status.error();
  if (word.empty()) return Error{std::string("there is no type") + kForm};
  const auto type = type_from_text(word);
  if (!type || !is_of_records(*type))
    return not_a(word, std::string("a type of records, for example A, TXT or TYPE65280") + kForm);
  record.type = *type;
  auto rdata = rdata_from_text(*type, rest);
  if (!rdata) return rdata.error();
  record.rdata = std::move(*rdata);
  return record;
}

}  // namespace dnslet::dns
