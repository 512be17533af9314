// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Names that nobody else can know: a server that is asked for one and leads back brings it to a
// listener of this program, where it is known by its form and a keyed hash, whichever thread has
// sent it.

#include <cstdint>
#include <optional>

#include "dns/name.h"

namespace dnslet::serve {

// A random number: for a new name, or a secret.
uint64_t draw_number();
// `secret`: of this process, and nothing else (it can be guessed by who sees many such names).
dns::Name make_probe_name(uint64_t number, uint64_t secret);
// The number in such a name; nullopt: it is none. Costs a comparison for nearly every name.
std::optional<uint64_t> find_probe(dns::NameView name, uint64_t secret);

}  // namespace dnslet::serve
