// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/rdata_from_text.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/text.h"
#include "dns/rdata.h"
#include "dns/record_text.h"
#include "dns/svcb_from_text.h"
#include "dns/text_fields.h"

namespace dnslet::dns {
namespace {

// What fits into a message beside header, question, the record's own fields and an OPT.
constexpr std::size_t kMaxRdata = kMaxMessage - kHeaderSize - (kMaxName + 4) - 12 - 11;
constexpr std::size_t kMaxString = 255;  // behind a length byte

// What stands for a field where a type's form is told.
constexpr std::pair<Field, const char*> kForms[] = {
    {Field::U8, "NUMBER"},
    {Field::U16, "NUMBER"},
    {Field::U32, "NUMBER"},
    {Field::Time, "YYYYMMDDHHMMSS"},
    {Field::TypeNumber, "TYPE"},
    {Field::Ipv4, "IPV4"},
    {Field::Ipv6, "IPV6"},
    {Field::Name, "NAME"},
    {Field::LaterName, "NAME"},
    {Field::PlainName, "NAME"},
    {Field::String, "\"TEXT\""},
    {Field::Text, "\"TEXT\""},
    {Field::Strings, "\"TEXT\"..."},
    {Field::Word, "WORD"},
    {Field::Salt, "HEX|-"},
    {Field::Hash, "BASE32"},
    {Field::Hex, "HEX"},
    {Field::Base64, "BASE64"},
    {Field::Eui, "HH-HH-..."},
    {Field::TypeSet, "TYPE..."},
    {Field::SvcParams, "[KEY=VALUE]..."},
};

const char* form_of(Field field) {
  const auto* const form = std::ranges::find(kForms, field, &std::pair<Field, const char*>::first);
  return form == std::end(kForms) ? "\\# LENGTH HEX" : form->second;
}

// "MX is written as NUMBER NAME".
std::string form_of(Type type) {
  std::string text = to_text(type) + " is written as";
  for (const char letter : fields_of(type))
    text += std::string(" ") + form_of(static_cast<Field>(letter));
  return text;
}

// Reads field by field, each from the next word. Fails once and for good.
class FieldReader {
 public:
  explicit FieldReader(std::string_view text) : rest_(text) {}

  // False: error() says why.
  bool read(std::string_view fields) {
    for (const char letter : fields)
      if (!read(static_cast<Field>(letter))) return false;
    const std::string_view more = next_word(rest_);
    if (!more.empty()) return fail(in_quotes(more) + " is one word too many");
    return bytes_.size() <= kMaxRdata || fail("more bytes than a message holds");
  }
  Bytes take() { return std::move(bytes_); }
  const std::string& error() const { return error_; }

 private:
  bool read(Field field) {
    switch (field) {
      case Field::Strings:
        return read_strings();
      case Field::TypeSet:
        return read_type_set();
      case Field::SvcParams:
        return read_params();
      case Field::Hex:
        return read_digits(bytes_of_hex, "hex digits, two for each byte");
      case Field::Base64:
        return read_digits(bytes_of_base64, "base64 with its padding");
      default:
        break;
    }
    const std::string_view word = next_word(rest_);
    if (word.empty()) return fail("there is no " + std::string(form_of(field)));
    return fixed_size(field) > 0 ? read_fixed(field, word) : read_word(field, word);
  }

  bool read_fixed(Field field, std::string_view word) {
    switch (field) {
      case Field::U8:
        return add_number(number_of(word, UINT8_MAX), 1, word, "a number up to 255");
      case Field::U16:
        return add_number(number_of(word, UINT16_MAX), 2, word, "a number up to 65535");
      case Field::U32:
        return add_number(number_of(word), 4, word, "a number up to 4294967295");
      case Field::Time:
        return add_number(seconds_of_time(word), 4, word, "a time such as 20300131235959");
      case Field::TypeNumber:
        return add_number(number_of_type(word), 2, word, "a type such as MX or TYPE65280");
      case Field::Ipv4:
        return add_address(Family::V4, word);
      default:
        return add_address(Family::V6, word);
    }
  }

  bool read_word(Field field, std::string_view word) {
    switch (field) {
      case Field::Name:
      case Field::LaterName:
      case Field::PlainName:
        return add_name(word);
      case Field::String:
      case Field::Word:
        return add_counted(bytes_of_word(word), word, "text of at most 255 bytes");
      case Field::Text:
        return add(bytes_of_word(word), word, "text in double quotes");
      case Field::Salt:
        return add_counted(word == "-" ? std::optional(Bytes()) : bytes_of_hex(word), word,
                           "hex digits or -");
      case Field::Hash:
        return add_counted(bytes_of_base32hex(word), word, "base32hex");
      case Field::Eui:
        return add(bytes_of_hex_pairs(word), word, "an identifier such as 00-00-5e-00-53-2a");
      default:
        return fail("there is no text form; write \\# LENGTH HEX");
    }
  }

  bool read_strings() {
    std::string_view word = next_word(rest_);
    if (word.empty()) return fail("there is no \"TEXT\"");
    for (; !word.empty(); word = next_word(rest_))  // ends: takes a word each turn
      if (!add_counted(bytes_of_word(word), word, "text of at most 255 bytes")) return false;
    return true;
  }

  std::vector<std::string_view> take_words() {
    std::vector<std::string_view> words;
    for (std::string_view word = next_word(rest_); !word.empty(); word = next_word(rest_))
      words.push_back(word);
    return words;
  }

  bool read_type_set() {
    const auto words = take_words();
    const auto bitmap = type_set_of(words);
    if (!bitmap) return fail("these are no types: " + in_quotes(words.front()) + "...");
    return append(*bitmap);
  }

  bool read_params() {
    const auto params = svc_params_from_text(take_words());
    if (!params) return fail(params.error().text);
    return append(*params);
  }

  // The rest of the line, where blanks may stand between digits.
  template <typename Decode>
  bool read_digits(Decode decode, const char* what) {
    std::string digits;
    for (const std::string_view word : take_words()) digits += word;
    if (digits.empty()) return fail(std::string("there are no ") + what);
    return add(decode(digits), digits, what);
  }

  static std::optional<uint32_t> number_of_type(std::string_view word) {
    const auto type = type_from_text(word);
    return type ? std::optional<uint32_t>(static_cast<uint16_t>(*type)) : std::nullopt;
  }

  bool add_number(std::optional<uint32_t> number, std::size_t size, std::string_view word,
                  const char* what) {
    if (!number) return fail(not_a(word, what).text);
    for (std::size_t i = size; i-- > 0;) bytes_.push_back(static_cast<uint8_t>(*number >> 8 * i));
    return true;
  }

  bool add_address(Family family, std::string_view word) {
    const auto address = IpAddress::from_text(word);
    if (!address || address->family != family)
      return fail(not_a(word, family == Family::V4 ? "an IPv4 address" : "an IPv6 address").text);
    return append(address->data());
  }

  bool add_name(std::string_view word) {
    const auto name = Name::from_text(word);
    if (!name) return fail(not_a(word, "a domain name").text);
    return append(name->view().wire());
  }

  bool add_counted(const std::optional<Bytes>& bytes, std::string_view word, const char* what) {
    if (!bytes || bytes->size() > kMaxString) return fail(not_a(word, what).text);
    bytes_.push_back(static_cast<uint8_t>(bytes->size()));
    return append(*bytes);
  }

  bool add(const std::optional<Bytes>& bytes, std::string_view word, const char* what) {
    if (!bytes) return fail(not_a(word, what).text);
    return append(*bytes);
  }

  bool append(BytesView bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return true;
  }

  bool fail(std::string error) {
    error_ = std::move(error);
    return false;
  }

  std::string_view rest_;
  Bytes bytes_;
  std::string error_;
};

Result<Bytes> read_fields(Type type, std::string_view text) {
  FieldReader reader(text);
  if (reader.read(fields_of(type))) return reader.take();
  return Error{reader.error() + "; " + form_of(type)};
}

// A message whose one answer record has this RDATA.
Bytes message_with(Type type, BytesView rdata) {
  constexpr std::size_t kHead = kHeaderSize + 5;  // the root's question
  Bytes bytes(kHead + 11 + rdata.size());
  Writer writer(bytes);
  for (const unsigned word : {0U, unsigned{flag::kQr}, 1U, 1U, 0U, 0U})
    writer.u16(static_cast<uint16_t>(word));
  for (int i = 0; i < 2; ++i) {  // the question, and what a record begins with
    writer.u8(0);
    writer.u16(static_cast<uint16_t>(type));
    writer.u16(static_cast<uint16_t>(Class::IN));
  }
  writer.u32(0);
  writer.u16(static_cast<uint16_t>(rdata.size()));
  writer.bytes(rdata);
  return bytes;
}

// RDATA of a known type has to be what the type makes it, whatever form it is written in (RFC 3597
// section 5): it is written out in the type's own form, and read.
Result<Bytes> checked(Type type, const Bytes& rdata) {
  const std::string_view fields = fields_of(type);
  const bool has_form = !fields.empty() && static_cast<Field>(fields.back()) != Field::Opaque;
  if (!has_form) return rdata;
  const Bytes bytes = message_with(type, rdata);
  const auto message = Message::parse(bytes);
  std::string text;
  if (message)
    message->for_each_record([&](const Record& record) { text = rdata_text(*message, record); });
  if (text.empty() || text.starts_with("\\#"))
    return Error{"these bytes are no RDATA of the type; " + form_of(type)};
  return read_fields(type, text);
}

// Behind `\#`.
Result<Bytes> read_generic(Type type, std::string_view text) {
  const std::string_view word = next_word(text);
  const auto length = number_of(word, kMaxRdata);
  if (!length)
    return not_a(word, "a length that fits a message: the generic form is \\# LENGTH HEX");
  std::string digits;
  for (std::string_view more = next_word(text); !more.empty(); more = next_word(text))
    digits += more;
  const auto rdata = bytes_of_hex(digits);
  if (!rdata) return not_a(digits, "hex digits: the generic form is \\# LENGTH HEX");
  if (rdata->size() != *length)
    return Error{in_quotes(word) + " is not the length: there are " +
                 std::to_string(rdata->size()) + " bytes"};
  return checked(type, *rdata);
}

}  // namespace

Result<Bytes> rdata_from_text(Type type, std::string_view text) {
  std::string_view rest = text;
  if (next_word(rest) == "\\#") return read_generic(type, rest);
  if (fields_of(type).empty())
    return Error{to_text(type) + " has no text form here; write \\# LENGTH HEX"};
  return read_fields(type, text);
}

}  // namespace dnslet::dns
