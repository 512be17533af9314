// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Keeps the answers for the two address families of a name consistent.
//
// Some servers say NXDOMAIN for the family that a name lacks. musl asks for both and takes NXDOMAIN
// for one of them as the end of the name: the addresses of the other family are lost. Where it is
// known that the name exists, NXDOMAIN is therefore turned into NODATA. Answers to those who ask
// for DNSSEC data stay as they are: the proof would not fit the code.

#include <optional>

#include "policy/lookup.h"

namespace dnslet::policy {

// A for AAAA and the other way round; nullopt: the type is neither.
std::optional<dns::Type> other_family(dns::Type type);

// The same question for the other address family; nullopt: it asks for no address.
std::optional<UpstreamQuestion> with_other_family(const UpstreamQuestion& question);
// Likewise; nullopt also where its answers are not to be touched.
std::optional<UpstreamQuestion> sibling_of(const UpstreamQuestion& question);
std::optional<CacheKey> sibling_of(const CacheKey& key);

// What an answer says about its name.
Existence shown_by(const Answer& answer);
// What the cache says about the name of this key to those who ask now: where clients are told an
// answer that has ended before upstream is asked, it counts.
Existence shown_by_cache(const Tables& tables, const CacheKey& key, Milliseconds now);

// Whether the sibling's answer may change what this one means. `Searching::Yes`: a name that
// has records ends a search.
enum class Searching { No, Yes };
bool depends_on_sibling(const Answer& answer, Searching searching);

// Whether the name of this key exists for the other address family, as far as it is known: `shown`
// by its question under way, or from the cache.
bool other_family_exists(const Tables& tables, const CacheKey& key, Existence shown,
                         Milliseconds now);

// Whether that is known by an answer alone that has ended, and is being asked for again: what is
// made of it is not to be kept. Nor is what had ended under this key: with each of two families as
// the other one's witness a name would never be gone.
bool exists_by_ended_alone(const Tables& tables, const CacheKey& key, Existence shown,
                           Milliseconds now);

// After an answer of this kind has been kept under this key: amends it, or that of the other
// family.
void agree(const Tables& tables, const CacheKey& key, dns::AnswerKind kind, Milliseconds now);

}  // namespace dnslet::policy
