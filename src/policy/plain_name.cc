// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/plain_name.h"

#include <array>

#include "dns/hash.h"
#include "dns/name.h"
#include "policy/list_letters.h"

namespace dnslet::policy {
namespace {

std::string_view without_marks(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const bool is_of_adblock = line.starts_with("||") && line.ends_with('^') && line.size() > 3;
  return is_of_adblock ? line.substr(2, line.size() - 3) : line;
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool PlainName::read(std::string_view line, uint64_t seed) {
  const std::string_view text = without_marks(line);
  // Where the last letter is a digit the top domain may be a number.
  if (text.empty() || text.size() + 2 > dns::kMaxName || is_digit(text.back())) return false;
  std::array<uint8_t, dns::kMaxName> folded;
  hash = seed;
  labels = 0;
  std::size_t end = text.size();  // of the label
  const auto end_label = [&](std::size_t start) {
    const std::size_t length = end - start;
    hash = dns::hash(dns::BytesView(folded).subspan(start, length), hash);
    ++labels;
    return length > 0 && length <= dns::kMaxLabel;
  };
  for (std::size_t at = text.size(); at-- > 0;) {
    const uint8_t letter = kFolded[static_cast<uint8_t>(text[at])];
    if (letter == 0) return false;
    folded[at] = letter;
    if (letter != '.') continue;
    if (!end_label(at + 1)) return false;
    end = at;
  }
  return end_label(0);
}

}  // namespace dnslet::policy
