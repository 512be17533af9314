// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// From the text of an option to a checked value, for every kind of value that options have.
//
// Each function takes the text as it was given and refuses whatever is not exactly right. The error
// is the end of a sentence, "'x' is not ..., for example ...": the caller puts the flag or the
// variable in front of it. Nothing here knows which option it serves.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "base/server_address.h"
#include "config/options.h"
#include "dns/name.h"

namespace dnslet::config {

// true/false, 1/0, t/f, yes/no, on/off in any case.
Result<bool> parse_boolean(std::string_view text);

// What a number may be, and what it counts ("seconds") for the error sentence.
struct NumberRange {
  uint32_t min = 0;
  uint32_t max = 0;
  std::string_view unit;
};
// Decimal digits only.
Result<uint32_t> parse_number(std::string_view text, NumberRange range);

// The comma-separated elements, blanks around them removed, at least one and none of them empty.
// They borrow from `text`.
Result<std::vector<std::string_view>> parse_list(std::string_view text);

// An address with an optional port, 53 where it is missing; 0 is one.
Result<Endpoint> parse_endpoint(std::string_view text);
// A list of them, none with port 0.
Result<std::vector<Endpoint>> parse_bootstrap(std::string_view text);
// Each as config/server_url reads it.
Result<std::vector<ServerAddress>> parse_nameservers(std::string_view text);
// Networks and single addresses; `private` stands for all of private_networks().
Result<std::vector<Network>> parse_networks(std::string_view text);

// A domain, with a dot in front or without. nullopt: the root, a wildcard, an address, a path, or
// no name at all.
std::optional<dns::Name> parse_domain(std::string_view text);

// Lists of domains; a leading dot is accepted. In a search list `.` is no domain, and no error.
Result<std::vector<dns::Name>> parse_blocked_domains(std::string_view text);
Result<std::vector<dns::Name>> parse_search_domains(std::string_view text);
// "a.test,b.test/10.0.0.1,10.0.0.2:5353", and any number of these between blanks, semicolons or
// commas: behind a comma, what has no scheme, no port and is no address starts the next zone.
// Domains as above, and ".". The name of a set stands for its servers.
// They are added to `zones`, unless it fails: then it may hold some of them.
Status add_stub_zones(std::string_view text, const ServerSets& sets, StubZones& zones);
// Fails if two zones, or one of them twice, have the same domain.
Status check_stub_zones(const StubZones& zones);
// "name=ip[,ip]"; the name may begin with "*.".
Result<StaticRecord> parse_static_record(std::string_view text);
Result<policy::Filter> parse_filter(std::string_view text);
Result<ClientOptions> parse_client_options(std::string_view text);
// "name [type]", A where there is no type; of an address the reverse name and PTR.
Result<dns::Question> parse_question(std::string_view text);
Result<std::string> parse_path(std::string_view text);
Result<std::vector<std::string>> parse_paths(std::string_view text);
// A user's name, or "uid[:gid]"; a bare uid has the group of its passwd entry, else the same
// number.
Result<io::UserIds> parse_user(std::string_view text);

}  // namespace dnslet::config
