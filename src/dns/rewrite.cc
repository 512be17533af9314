// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/rewrite.h"

namespace dnslet::dns {
namespace {

constexpr std::size_t kPointerLimit = 0x4000;
// Fields that are written anew, because they may hold pointers.
constexpr char kMovedNames[] = {static_cast<char>(Field::Name), static_cast<char>(Field::LaterName),
                                '\0'};

}  // namespace

void RecordWriter::write_head(uint16_t flags, const Question& asked) {
  flags_ = flags;
  writer_.u16(0);
  writer_.u16(flags);
  writer_.u16(1);
  writer_.u16(0);
  writer_.u32(0);
  write_name(asked.name);
  writer_.u16(static_cast<uint16_t>(asked.type));
  writer_.u16(static_cast<uint16_t>(asked.qclass));
}

void RecordWriter::write_alias(const Question& asked, NameView target, uint32_t ttl) {
  Record alias;
  alias.type = Type::CNAME;
  alias.rclass = asked.qclass;
  alias.ttl = ttl;
  write_record(asked.name, alias, [&] {
    write_name(target);
    return true;
  });
}

void RecordWriter::write(const Record& record, uint32_t ttl, std::optional<BytesView> rdata) {
  Record copy = record;
  copy.ttl = ttl;
  write_record(from_.owner(record), copy, [&] {
    if (!rdata) return copy_rdata(record);
    writer_.bytes(*rdata);
    return true;
  });
}

std::size_t RecordWriter::finish() {
  if (is_full_) writer_.u16_at(2, flags_ | flag::kTc);
  for (std::size_t i = 0; i < 3; ++i) writer_.u16_at(6 + 2 * i, counts_[i]);
  return writer_.size();
}

template <typename Write>
void RecordWriter::write_record(NameView owner, const Record& fixed, Write write_rdata) {
  if (is_full_) return;
  const std::size_t start = writer_.size();
  write_name(owner);
  writer_.u16(static_cast<uint16_t>(fixed.type));
  writer_.u16(static_cast<uint16_t>(fixed.rclass));
  writer_.u32(fixed.ttl);
  const std::size_t length_at = writer_.size();
  writer_.u16(0);
  const bool is_sound = write_rdata();
  writer_.u16_at(length_at, static_cast<uint16_t>(writer_.size() - length_at - 2));
  if (is_sound && writer_.ok()) {
    ++counts_[static_cast<std::size_t>(fixed.section)];
    return;
  }
  is_full_ = !writer_.ok();
  writer_.rewind(start);
  forget_behind(start);
}

// With a pointer to a suffix that stands in the message already (RFC 1035 section 4.1.4).
void RecordWriter::write_name(NameView name) {
  for (NameView rest = name; !rest.is_root(); rest = rest.parent()) {
    const std::string key(rest.wire().begin(), rest.wire().end());
    const auto known = offsets_.find(key);
    if (known != offsets_.end()) {
      writer_.u16(static_cast<uint16_t>(0xc000 | known->second));
      return;
    }
    if (writer_.size() < kPointerLimit)
      noted_.push_back(&*offsets_.emplace(key, static_cast<uint16_t>(writer_.size())).first);
    writer_.u8(static_cast<uint8_t>(rest.first_label().size()));
    writer_.bytes(rest.first_label());
  }
  writer_.u8(0);
}

// Takes back what has been noted behind `size`, together with Writer::rewind.
void RecordWriter::forget_behind(std::size_t size) {
  while (!noted_.empty() && noted_.back()->second >= size) {
    offsets_.erase(offsets_.find(noted_.back()->first));
    noted_.pop_back();
  }
}

// What stands in front of the last name field by field, the rest as it is. False: it is cut short,
// or a name in it is broken.
bool RecordWriter::copy_rdata(const Record& record) {
  Reader reader(from_.bytes().first(record.end));
  reader.skip(record.rdata());
  const std::string_view fields = fields_of(record.type);
  const std::size_t behind_names = fields.find_last_of(kMovedNames) + 1;  // 0: there are none
  for (const char letter : fields.substr(0, behind_names))
    if (!copy_field(static_cast<Field>(letter), reader)) return false;
  writer_.bytes(reader.rest());
  return true;
}

bool RecordWriter::copy_field(Field field, Reader& reader) {
  if (field == Field::Name || field == Field::LaterName) {
    const auto name = Name::from_message(from_.bytes(), reader);
    if (!name) return false;
    if (field == Field::Name)
      write_name(*name);
    else
      writer_.bytes(name->view().wire());
    return true;
  }
  const BytesView rest = reader.rest();
  const bool has_length = field == Field::String && !rest.empty();
  writer_.bytes(reader.bytes(has_length ? std::size_t{1} + rest[0] : fixed_size(field)));
  return reader.ok();
}

}  // namespace dnslet::dns
