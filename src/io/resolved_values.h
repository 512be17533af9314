// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The answers of systemd-resolved's objects → links. A value that is of another type or no address
// is passed over; what it has too many of is left out.

#include <cstddef>
#include <map>

#include "io/resolved.h"
#include "io/sd_bus.h"

namespace dnslet::io {

// As many as systemd-resolved itself takes, but of links, each of which is asked for.
inline constexpr std::size_t kMaxLinks = 256;
inline constexpr std::size_t kMaxServersOfLink = 256;
inline constexpr std::size_t kMaxDomainsOfLink = 1024;

// Fills in servers and domains of all links, from an answer to GetAll of the manager. False: it is
// none.
[[nodiscard]] bool read_manager(const SdBus& sd, sd_bus_message* answer,
                                std::map<int, ResolvedLink>& links);
// Whether the link is in use, from an answer to GetAll of its own; fills in the rest of it.
[[nodiscard]] bool read_link(const SdBus& sd, sd_bus_message* answer, ResolvedLink& link);

}  // namespace dnslet::io
