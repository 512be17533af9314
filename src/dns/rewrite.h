// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Building a message anew out of the records of another one, when bytes have moved.
//
// Names are expanded and compressed again, inside RDATA for the types of RFC 1035 only; those of
// the later types that may arrive compressed (RFC 3597 section 4) are written out. All other RDATA
// is copied byte for byte. Names come out in lower case.

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/wire.h"

namespace dnslet::dns {

class RecordWriter {
 public:
  // `from` and `out` must outlive the writer.
  RecordWriter(const Message& from, MutableBytesView out) : from_(from), writer_(out) {}

  // First: header and question. The id is 0, the counts are set by finish().
  void write_head(uint16_t flags, const Question& asked);
  // The CNAME from one name to another, and a record of `from`, with other RDATA where it is given.
  // What does not fit is not written, nor is anything after it; a record whose RDATA has a broken
  // name is left out: it was of no use before.
  void write_alias(const Question& asked, NameView target, uint32_t ttl);
  void write(const Record& record, uint32_t ttl, std::optional<BytesView> rdata = std::nullopt);
  // Last. Sets TC if something did not fit. Returns the message's size.
  [[nodiscard]] std::size_t finish();

 private:
  using Offsets = std::unordered_map<std::string, uint16_t>;

  template <typename Write>
  void write_record(NameView owner, const Record& fixed, Write write_rdata);
  void write_name(NameView name);
  void forget_behind(std::size_t size);
  [[nodiscard]] bool copy_rdata(const Record& record);
  [[nodiscard]] bool copy_field(Field field, Reader& reader);

  const Message& from_;
  Writer writer_;
  Offsets offsets_;                                // suffixes of names by their wire form
  std::vector<const Offsets::value_type*> noted_;  // these, in order of their offsets
  uint16_t flags_ = 0;
  uint16_t counts_[3] = {};
  bool is_full_ = false;
};

}  // namespace dnslet::dns
