// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The words of --explain. Pure functions; what they return is safe to print.

#include <cstddef>
#include <span>
#include <string>

#include "base/address_set.h"
#include "config/list_files.h"
#include "config/options.h"
#include "dns/answer.h"
#include "policy/tables.h"
#include "serve/asker.h"

namespace dnslet::report {

inline constexpr const char* kIndent = "\n            ";  // of a row's further lines
inline constexpr std::size_t kMaxListed = 8;  // entries, or names to try, where there are more

// What a special name is.
std::string special_text(dns::NameView name);
std::string exchange_text(const serve::Asker::Exchange& exchange);
std::string outcome_text(const policy::Tried& tried);
std::string rule_text(const policy::RuleEvent& event);
// Which of the answer's addresses a server would put into which sets, a line each; "none" where it
// has no address.
std::string sets_text(const AddressSets& sets, dns::BytesView answer);
// What a server with these options does with the answer when it has ended; empty: nothing.
std::string stale_text(const config::Options& options, const dns::Answer& answer);
// A line of a list, and where it stands.
std::string place_text(const config::ListFiles::Place& place);
// The names, or the first of them, and how many more there are.
std::string first_of(std::span<const dns::Name> names);

}  // namespace dnslet::report
