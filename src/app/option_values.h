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
#include <string>
#include <string_view>
#include <vector>

#include "app/options.h"
#include "base/address.h"
#include "base/result.h"

namespace dnslet::app {

// Printable ASCII as it is, every other byte as \xNN, so that a value cannot forge a line or drive
// a terminal.
std::string escaped(std::string_view text);
// The same between single quotes, cut after a line's worth, for error sentences.
std::string in_quotes(std::string_view text);

// ASCII only.
std::string lower_case(std::string_view text);
// "'TEXT' is not WHAT".
Error not_a(std::string_view text, std::string_view what);

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
// The elements between runs of blanks (line ends too); none at all is fine. They borrow from
// `text`.
std::vector<std::string_view> split_blanks(std::string_view text);

// Lists of addresses with an optional port, 53 where it is missing. A listener may say port 0 and
// may not be given twice; a nameserver needs a port.
Result<std::vector<Endpoint>> parse_listeners(std::string_view text);
Result<std::vector<Endpoint>> parse_nameservers(std::string_view text);
// `private` stands for all of private_networks().
Result<std::vector<Network>> parse_networks(std::string_view text);

// A list of domains; a leading dot is accepted and removed, the rest stays as it was written.
// `example` ends the error sentence.
Result<std::vector<std::string>> parse_domains(std::string_view text, std::string_view example);
// "a.test,b.test/10.0.0.1,10.0.0.2:5353", and any number of these between blanks, semicolons or
// commas: behind a comma, what is no address starts the next zone. Domains as above, and ".".
Result<std::vector<StubZone>> parse_stub_zones(std::string_view text);
// Fails if two zones, or one of them twice, have the same domain.
Status check_stub_zones(const std::vector<StubZone>& zones);
// "name=ip[,ip]"; the name may begin with "*.".
Result<StaticRecord> parse_static_record(std::string_view text);
Result<policy::Filter> parse_filter(std::string_view text);
Result<policy::ClientOptions> parse_client_options(std::string_view text);
// "name [type]", A where there is no type; of an address the reverse name and PTR.
Result<dns::Question> parse_question(std::string_view text);
Result<std::string> parse_path(std::string_view text);
// A user's name, or "uid[:gid]"; a bare uid has the group of its passwd entry, else the same
// number.
Result<io::UserIds> parse_user(std::string_view text);

}  // namespace dnslet::app
