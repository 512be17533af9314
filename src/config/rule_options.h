// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The options that say what happens to which question, --server and --rule: from their text to a
// checked value, or to the end of a sentence as in option_values.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "config/option_values.h"
#include "config/options.h"
#include "config/rule_match.h"

namespace dnslet::config {

inline constexpr std::size_t kMaxRules = 65'000;  // in all
Error too_many_rules();

// "NAME=SERVER[,SERVER]..."; of a name that is there already the servers are added.
Status store_server_set(std::string_view text, const NumberRange&, Options& options);
// Stub zones, which may name sets.
Status store_stub_zones(std::string_view text, const NumberRange&, Options& options);
Status complete_stub_zones(Options& options);
// Networks of at least 4 addresses, at most one of each family. Bits behind the prefix do not
// count.
Status store_fake_networks(std::string_view text, const NumberRange&, Options& options);
// Rules and "@PATH", one a line or with lone semicolons between them.
Status store_rules(std::string_view text, const NumberRange&, Options& options);
// Reads the rules that are no file's, once all other options are known.
Status complete_rules(Options& options);

// What rules may name.
RuleNames rule_names(const Options& options);
// The sets that neither a stub zone nor a rule names; none where a file may do so.
std::vector<std::string> unused_sets(const Options& options);
// The servers of all sets and rules, but for those of files.
std::vector<ServerAddress> servers_of_rules(const Options& options);

}  // namespace dnslet::config
