// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/record_text.h"

#include <algorithm>

#include "dns/rdata.h"
#include "dns/rdata_text.h"

namespace dnslet::dns {
namespace {

// Writes field by field. What is missing or left over makes the whole of no use.
class FieldWriter {
 public:
  FieldWriter(const Message& message, const Record& record)
      : message_(message.bytes()), reader_(message.bytes().first(record.end)) {
    reader_.skip(record.rdata());
  }

  // nullopt: RDATA is not made of these.
  std::optional<std::string> write(std::string_view fields) {
    for (const char letter : fields) {
      const std::size_t end = text_.size();
      if (end > 0) text_ += ' ';
      const std::size_t start = text_.size();
      if (!write(static_cast<Field>(letter)) || !reader_.ok()) return std::nullopt;
      if (text_.size() == start) text_.resize(end);  // an empty list needs no blank
    }
    if (reader_.remaining() > 0) return std::nullopt;
    return std::move(text_);
  }

 private:
  bool write(Field field) {
    switch (field) {
      case Field::U8:
        return add(std::to_string(reader_.u8()));
      case Field::U16:
        return add(std::to_string(reader_.u16()));
      case Field::U32:
        return add(std::to_string(reader_.u32()));
      case Field::Time:
        return add(time_text(reader_.u32()));
      case Field::TypeNumber:
        return add(to_text(static_cast<Type>(reader_.u16())));
      case Field::Ipv4:
        return add_address(Family::V4);
      case Field::Ipv6:
        return add_address(Family::V6);
      case Field::Name:
      case Field::LaterName:
      case Field::PlainName:
        return add_name();
      case Field::String:
        return add(quoted(counted()));
      case Field::Word:
        return add_word(escaped(counted()));
      case Field::Salt:
        return add_salt();
      case Field::Hash:
        return add_word(base32hex(counted()));
      default:
        return write_rest(field);
    }
  }

  bool write_rest(Field field) {
    if (field == Field::Strings) return add_strings();
    const BytesView rest = reader_.bytes(reader_.remaining());
    const bool may_be_empty =
        field == Field::Text || field == Field::TypeSet || field == Field::SvcParams;
    if (rest.empty() && !may_be_empty) return false;  // nobody could read that back
    switch (field) {
      case Field::Text:
        return add(quoted(rest));
      case Field::Hex:
        return add(hex(rest));
      case Field::Base64:
        return add(base64(rest));
      case Field::Eui:
        return add(hex_pairs(rest));
      case Field::TypeSet:
        return add(type_set_text(rest));
      case Field::SvcParams:
        return add(svc_params_text(rest));
      default:
        return false;
    }
  }

  bool add(const std::optional<std::string>& text) {
    if (text) text_ += *text;
    return text.has_value();
  }

  // Nobody could read an empty one back.
  bool add_word(const std::string& word) { return !word.empty() && add(word); }

  // What stands behind its length.
  BytesView counted() { return reader_.bytes(reader_.u8()); }

  bool add_address(Family family) {
    IpAddress address;
    address.family = family;
    std::ranges::copy(reader_.bytes(address.size()), address.bytes.begin());
    return add(address.to_text());
  }

  bool add_name() {
    const auto name = Name::from_message(message_, reader_);
    return name && add(name->view().to_text());
  }

  bool add_salt() {
    const BytesView salt = counted();
    return add(salt.empty() ? "-" : hex(salt));
  }

  bool add_strings() {
    if (reader_.remaining() == 0) return false;
    for (bool is_first = true; reader_.remaining() > 0; is_first = false)  // ends: reads a byte
      text_ += (is_first ? "" : " ") + quoted(counted());
    return true;
  }

  BytesView message_;
  Reader reader_;
  std::string text_;
};

// RDATA with all names that may be compressed written out; as it is where one of them is broken.
Bytes expanded(const Message& message, const Record& record) {
  const BytesView rdata = message.rdata(record);
  Reader reader(message.bytes().first(record.end));
  reader.skip(record.rdata());
  Bytes bytes;
  const auto append = [&bytes](BytesView more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
  };
  for (const char letter : fields_of(record.type)) {
    const auto field = static_cast<Field>(letter);
    const bool is_name = field == Field::Name || field == Field::LaterName;
    const std::size_t size = fixed_size(field);
    if (!is_name && size == 0) break;
    const auto name = is_name ? Name::from_message(message.bytes(), reader) : std::nullopt;
    if (is_name && !name) return {rdata.begin(), rdata.end()};
    append(name ? name->view().wire() : reader.bytes(size));
  }
  append(reader.rest());
  return reader.ok() ? bytes : Bytes(rdata.begin(), rdata.end());
}

}  // namespace

std::string rdata_text(const Message& message, const Record& record) {
  const std::string_view fields = fields_of(record.type);
  if (!fields.empty())
    if (auto text = FieldWriter(message, record).write(fields)) return *text;
  const Bytes rdata = expanded(message, record);
  return "\\# " + std::to_string(rdata.size()) + (rdata.empty() ? "" : " " + hex(rdata));
}

}  // namespace dnslet::dns
