// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Whom to ask for which name, by what systemd-resolved knows of links: as systemd-resolved itself
// decides (systemd-resolved.service(8), "Protocols and routing").
//
// A name goes to the servers of the links of which a domain is its longest match, whether that is
// searched or for routing only; a name that matches none, to those of the links with a default
// route and of the whole system.

#include <string>

#include "io/resolved.h"
#include "upstream/server_source.h"

namespace dnslet::upstream {

// Each domain once, the root too where a link has it: it is a longer match than none. Servers and
// domains stand in the order of their links, those of the whole system first.
KnownServers routes_of(const io::ResolvedLinks& links);

// For the log: "eth0: 10.0.0.1:53, 10.0.0.2:53 for corp.test, default".
std::string to_text(const io::ResolvedLink& link);

}  // namespace dnslet::upstream
