// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "dns/rdata.h"

#include <algorithm>
#include <iterator>

namespace dnslet::dns {
namespace {

struct Row {
  uint16_t type;
  std::string_view fields;
};

// Sorted by number.
constexpr Row kRows[] = {
    {1, "a"},           // A
    {2, "N"},           // NS
    {3, "N"},           // MD
    {4, "N"},           // MF
    {5, "N"},           // CNAME
    {6, "NN44444"},     // SOA
    {7, "N"},           // MB
    {8, "N"},           // MG
    {9, "N"},           // MR
    {12, "N"},          // PTR
    {13, "ss"},         // HINFO
    {14, "NN"},         // MINFO
    {15, "2N"},         // MX
    {16, "S"},          // TXT
    {17, "nn"},         // RP
    {18, "2n"},         // AFSDB
    {19, "s"},          // X25
    {20, "S"},          // ISDN
    {21, "2n"},         // RT
    {24, "t114TT2n6"},  // SIG
    {25, "2116"},       // KEY
    {26, "2nn"},        // PX
    {27, "sss"},        // GPOS
    {28, "A"},          // AAAA
    {30, "n?"},         // NXT
    {33, "222n"},       // SRV
    {35, "22sssn"},     // NAPTR
    {36, "2n"},         // KX
    {37, "2216"},       // CERT
    {39, "n"},          // DNAME
    {43, "211X"},       // DS
    {44, "11X"},        // SSHFP
    {46, "t114TT2w6"},  // RRSIG
    {47, "wB"},         // NSEC
    {48, "2116"},       // DNSKEY
    {49, "6"},          // DHCID
    {50, "112xrB"},     // NSEC3
    {51, "112x"},       // NSEC3PARAM
    {52, "111X"},       // TLSA
    {53, "111X"},       // SMIMEA
    {59, "211X"},       // CDS
    {60, "2116"},       // CDNSKEY
    {61, "6"},          // OPENPGPKEY
    {62, "42B"},        // CSYNC
    {63, "411X"},       // ZONEMD
    {64, "2wP"},        // SVCB
    {65, "2wP"},        // HTTPS
    {99, "S"},          // SPF
    {108, "E"},         // EUI48
    {109, "E"},         // EUI64
    {256, "22q"},       // URI
    {257, "1kq"},       // CAA
    {32769, "211X"},    // DLV
};
static_assert(std::ranges::is_sorted(kRows, {}, &Row::type));

bool is_checked(const Record& record) {
  switch (record.type) {
    case Type::A:
    case Type::AAAA:
      return record.rclass == Class::IN;  // those of CH are something else (RFC 1035 section 3.4)
    case Type::NS:
    case Type::CNAME:
    case Type::SOA:
    case Type::PTR:
    case Type::MX:
    case Type::SRV:
    case Type::DNAME:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string_view fields_of(Type type) {
  const auto number = static_cast<uint16_t>(type);
  const auto* const row = std::ranges::lower_bound(kRows, number, {}, &Row::type);
  return row != std::end(kRows) && row->type == number ? row->fields : std::string_view();
}

std::size_t fixed_size(Field field) {
  switch (field) {
    case Field::U8:
      return 1;
    case Field::U16:
    case Field::TypeNumber:
      return 2;
    case Field::U32:
    case Field::Time:
    case Field::Ipv4:
      return 4;
    case Field::Ipv6:
      return 16;
    default:
      return 0;
  }
}

bool is_sound_rdata(BytesView message, const Record& record, JumpBudget& jumps) {
  if (!is_checked(record)) return true;
  const std::size_t size = record.end - record.rdata();
  if (is_address_type(record.type)) return size == (record.type == Type::A ? 4U : 16U);

  Reader reader(message.first(record.end));
  reader.skip(record.rdata());
  for (const char letter : fields_of(record.type)) {
    const std::size_t fixed = fixed_size(static_cast<Field>(letter));
    reader.skip(fixed);
    if (fixed == 0 && !Name::from_message(message.first(record.end), reader, jumps)) return false;
  }
  return reader.ok() && reader.remaining() == 0;
}

}  // namespace dnslet::dns
