// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/requalify.h"

#include <algorithm>
#include <string>
#include <unordered_map>

namespace dnslet::dns {
namespace {

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

// Writes names with pointers to suffixes that stand in the message already (RFC 1035
// section 4.1.4).
class NameWriter {
 public:
  explicit NameWriter(Writer& writer) : writer_(writer) {}

  void write(NameView name) {
    for (NameView rest = name; !rest.is_root(); rest = rest.parent()) {
      const std::string key(rest.wire().begin(), rest.wire().end());
      const auto known = offsets_.find(key);
      if (known != offsets_.end()) {
        writer_.u16(static_cast<uint16_t>(0xc000 | known->second));
        return;
      }
      if (writer_.size() < kPointerLimit)
        offsets_.emplace(key, static_cast<uint16_t>(writer_.size()));
      writer_.u8(static_cast<uint8_t>(rest.first_label().size()));
      writer_.bytes(rest.first_label());
    }
    writer_.u8(0);
  }

  // Takes back what has been noted behind `size`, together with Writer::rewind.
  void forget_behind(std::size_t size) {
    std::erase_if(offsets_, [&](const auto& entry) { return entry.second >= size; });
  }

 private:
  static constexpr std::size_t kPointerLimit = 0x4000;
  Writer& writer_;
  std::unordered_map<std::string, uint16_t> offsets_;  // suffixes by their wire form
};

class Requalifier {
 public:
  Requalifier(const Message& found, MutableBytesView out, uint32_t max_ttl)
      : found_(found), writer_(out), names_(writer_), max_ttl_(max_ttl) {}

  std::size_t build(const Question& asked) {
    write_head(asked);
    uint16_t answers = 0;
    uint16_t authorities = 0;
    const bool is_same = found_.question().name == asked.name;
    const bool exists = found_.rcode() == Rcode::NoError;
    const bool has_answers = found_.count(Section::Answer) > 0 && (exists || is_same);
    const bool needs_proof = !has_data(asked.type) || !exists;
    if (has_answers && !is_same && write_alias(asked)) ++answers;
    found_.for_each_record([&](const Record& record) {
      const bool is_answer = has_answers && record.section == Section::Answer;
      const bool is_proof =
          needs_proof && record.section == Section::Authority && record.type == Type::SOA;
      if ((is_answer || is_proof) && write_record(record)) ++(is_answer ? answers : authorities);
    });
    writer_.u16_at(6, answers);
    writer_.u16_at(8, authorities);
    return writer_.size();
  }

 private:
  // Whether the answer is more than aliases that lead to nothing.
  bool has_data(Type type) const {
    bool found = false;
    found_.for_each_record([&](const Record& record) {
      const bool is_asked = record.type == type || type == Type::ANY;
      found = found || (record.section == Section::Answer && is_asked);
    });
    return found;
  }

  void write_head(const Question& asked) {
    writer_.u16(0);
    writer_.u16(found_.flags() & kKept);
    writer_.u16(1);
    writer_.u16(0);
    writer_.u32(0);
    names_.write(asked.name);
    writer_.u16(static_cast<uint16_t>(asked.type));
    writer_.u16(static_cast<uint16_t>(asked.qclass));
  }

  bool write_alias(const Question& asked) {
    uint32_t ttl = max_ttl_;
    found_.for_each_record([&](const Record& record) {
      if (record.section == Section::Answer) ttl = std::min(ttl, record.ttl);
    });
    names_.write(asked.name);
    writer_.u16(static_cast<uint16_t>(Type::CNAME));
    writer_.u16(static_cast<uint16_t>(asked.qclass));
    writer_.u32(ttl);
    return write_rdata([&] { names_.write(found_.question().name); });
  }

  // False, and nothing is written: it does not fit.
  bool write_record(const Record& record) {
    const std::size_t start = writer_.size();
    names_.write(found_.owner(record));
    writer_.u16(static_cast<uint16_t>(record.type));
    writer_.u16(static_cast<uint16_t>(record.rclass));
    writer_.u32(std::min(record.ttl, max_ttl_));
    const bool fits = !is_full_ && write_rdata([&] { copy_rdata(record); });
    if (fits) return true;
    writer_.rewind(start);
    names_.forget_behind(start);
    is_full_ = true;
    writer_.u16_at(2, (found_.flags() & kKept) | flag::kTc);
    return false;
  }

  template <typename Write>
  bool write_rdata(Write write) {
    const std::size_t length_at = writer_.size();
    writer_.u16(0);
    write();
    writer_.u16_at(length_at, static_cast<uint16_t>(writer_.size() - length_at - 2));
    return writer_.ok();
  }

  void copy_rdata(const Record& record) {
    const BytesView rdata = found_.rdata(record);
    const RdataLayout* const layout = layout_of(record.type);
    if (!layout) {
      writer_.bytes(rdata);
      return;
    }
    Reader reader(found_.bytes().first(record.end));
    reader.skip(record.rdata());
    writer_.bytes(reader.bytes(layout->head));
    for (std::size_t i = 0; i < layout->strings; ++i) {
      const uint8_t size = reader.u8();
      writer_.u8(size);
      writer_.bytes(reader.bytes(size));
    }
    for (std::size_t i = 0; i < layout->names; ++i) copy_name(reader, *layout);
    writer_.bytes(reader.bytes(reader.remaining()));
  }

  // A name that is broken becomes the root: the record was of no use before.
  void copy_name(Reader& reader, const RdataLayout& layout) {
    const Name name = Name::from_message(found_.bytes(), reader).value_or(Name());
    if (layout.may_compress) {
      names_.write(name);
    } else {
      writer_.bytes(name.view().wire());
    }
  }

  static constexpr uint16_t kKept = flag::kQr | flag::kTc | flag::kRcode;

  const Message& found_;
  Writer writer_;
  NameWriter names_;
  uint32_t max_ttl_;
  bool is_full_ = false;
};

}  // namespace

Bytes requalify(const Message& found, const Question& asked, uint32_t max_ttl) {
  Bytes out(kMaxMessage);
  out.resize(Requalifier(found, out, max_ttl).build(asked));
  return out;
}

}  // namespace dnslet::dns
