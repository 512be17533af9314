// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Names that are answered here whoever asks: special-use names (RFC 6761, RFC 7686) and the
// server's identity in class CHAOS (RFC 4892).

#include <optional>
#include <string_view>

#include "base/address.h"
#include "dns/message.h"

namespace dnslet::policy {

enum class Special {
  None,
  Localhost,     // localhost and below (RFC 6761 section 6.3)
  LoopbackName,  // the reverse names of 127.0.0.1 and ::1
  NoSuchDomain,  // invalid, onion and below (RFC 6761 section 6.4, RFC 7686 section 2)
};

Special special_kind(dns::NameView name);

// The text for a CHAOS TXT question: `version` for version.bind and version.server, "localhost" for
// hostname.bind and id.server. nullopt: another name or type.
std::optional<std::string_view> chaos_text(const dns::QuestionView& question,
                                           std::string_view version);

}  // namespace dnslet::policy
