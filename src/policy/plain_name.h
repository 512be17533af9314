// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The fast way through a list: most lines are but a name. Of such a line the hash is made as it is
// read, and nothing else; ListLine reads all others.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dnslet::policy {

// What an entry takes.
enum class Covers : uint8_t { Name, NameAndBelow, Below };

struct PlainName {
  uint64_t hash = 0;       // as the last one of NameHashes
  std::size_t labels = 0;  // how many
  Covers covers = Covers::NameAndBelow;

  // Reads "ads.test", "||ads.test^" or "0.0.0.0 ads.test", in any case. False: ListLine has to read
  // the line, whatever it is; the values mean nothing then. True: it would take the same, without
  // fault.
  bool read(std::string_view line, uint64_t seed);

 private:
  bool read_name(std::string_view text, uint64_t seed);
};

}  // namespace dnslet::policy
