// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/tables.h"

namespace dnslet::policy {

bool Settings::is_listed(const IpAddress& client) const { return any_contains(allow, client); }

const char* to_text(Source source) {
  switch (source) {
    case Source::Hosts:
      return "hosts";
    case Source::Address:
      return "address";
    case Source::Record:
      return "record";
    case Source::Block:
      return "block";
    case Source::Special:
      return "special";
    case Source::Filter:
      return "filter";
    case Source::Chaos:
      return "chaos";
    case Source::Rule:
      return "rule";
    case Source::Fake:
      return "fake";
    case Source::Cache:
      return "cache";
    case Source::Stale:
      return "stale";
    case Source::Shared:
      return "shared";
    case Source::Upstream:
      return "upstream";
    case Source::Reverse:
      return "reverse";
    case Source::Refused:
      return "refused";
    case Source::Error:
      return "error";
  }
  return "error";
}

}  // namespace dnslet::policy
