// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/rewrite.h"

#include <algorithm>

namespace dnslet::dns {
namespace {

constexpr std::size_t kPointerLimit = 0x4000;

// Where names lie in the RDATA of a type: `head` bytes, `strings` character strings, then `names`
// names; what follows is copied.
struct RdataLayout {
  uint16_t type;
  uint8_t head;
  uint8_t strings;
  uint8_t names;
  bool may_compress;  // RFC 3597 section 4: the types of RFC 1035
};

constexpr RdataLayout kLayouts[] = {
    {2, 0, 0, 1, true},     // NS
    {3, 0, 0, 1, true},     // MD
    {4, 0, 0, 1, true},     // MF
    {5, 0, 0, 1, true},     // CNAME
    {6, 0, 0, 2, true},     // SOA
    {7, 0, 0, 1, true},     // MB
    {8, 0, 0, 1, true},     // MG
    {9, 0, 0, 1, true},     // MR
    {12, 0, 0, 1, true},    // PTR
    {14, 0, 0, 2, true},    // MINFO
    {15, 2, 0, 1, true},    // MX
    {17, 0, 0, 2, false},   // RP
    {18, 2, 0, 1, false},   // AFSDB
    {21, 2, 0, 1, false},   // RT
    {24, 18, 0, 1, false},  // SIG
    {26, 2, 0, 2, false},   // PX
    {30, 0, 0, 1, false},   // NXT
    {33, 6, 0, 1, false},   // SRV
    {35, 4, 3, 1, false},   // NAPTR
    {36, 2, 0, 1, false},   // KX
    {39, 0, 0, 1, false},   // DNAME
};

const RdataLayout* layout_of(Type type) {
  const auto* const found =
      std::ranges::find(kLayouts, static_cast<uint16_t>(type), &RdataLayout::type);
  return found == std::end(kLayouts) ? nullptr : found;
}

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

// False: a name in it is broken.
bool RecordWriter::copy_rdata(const Record& record) {
  const RdataLayout* const layout = layout_of(record.type);
  if (!layout) {
    writer_.bytes(from_.rdata(record));
    return true;
  }
  Reader reader(from_.bytes().first(record.end));
  reader.skip(record.rdata());
  writer_.bytes(reader.bytes(layout->head));
  for (std::size_t i = 0; i < layout->strings; ++i) {
    const uint8_t size = reader.u8();
    writer_.u8(size);
    writer_.bytes(reader.bytes(size));
  }
  for (std::size_t i = 0; i < layout->names; ++i) {
    const auto name = Name::from_message(from_.bytes(), reader);
    if (!name) return false;
    if (layout->may_compress)
      write_name(*name);
    else
      writer_.bytes(name->view().wire());
  }
  writer_.bytes(reader.bytes(reader.remaining()));
  return true;
}

}  // namespace dnslet::dns
