// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The names to try for one question, in the order of glibc's resolver, and which of several results
// is the answer (contract section 5). Plain data in, plain data out.

#include <cstddef>
#include <optional>
#include <vector>

#include "dns/answer.h"
#include "dns/message.h"
#include "dns/name.h"

namespace dnslet::policy {

struct SearchRules {
  std::vector<dns::Name> domains;  // empty: no search
  unsigned ndots = 1;              // dots a name needs to be tried as it stands before the list
  unsigned fwd_ndots = 0;          // dots a name needs to be forwarded as it stands at all

  // Puts a domain at the end of the list. One that is there is tried once; the root is none.
  void add_domain(const dns::Name& domain);

  bool operator==(const SearchRules&) const = default;
};

// The names to try, in order; the name as it stands may be among them or not. `is_in_stub_zone`: it
// is forwarded whatever fwd_ndots says. Empty: nothing may be asked, the answer is NXDOMAIN.
// Names below arpa, the root, and the types NS, SOA, DS, DNSKEY and ANY are never searched. A name
// that would be longer than 255 bytes is left out.
enum class InStubZone { No, Yes };
// Whether the first of them is the name as it stands; allocates nothing.
bool stands_first(const dns::Question& question, const SearchRules& rules, InStubZone in_stub_zone);
std::vector<dns::Name> names_to_try(const dns::Question& question, const SearchRules& rules,
                                    InStubZone in_stub_zone);

// What came of one name.
enum class StepOutcome {
  Data,    // NOERROR with records
  NoData,  // NOERROR without
  NxDomain,
  Failure,   // SERVFAIL and every other code
  NoServer,  // no server of the set could be reached, now or for a name before
};
// An alias counts as data: the client follows it.
StepOutcome outcome_of(dns::AnswerKind kind);

// Which result to keep. REQUIRES: at least one step was reported before result() is asked.
class SearchVerdict {
 public:
  // Reports the outcome of the next name. `is_as_it_stands`: it was the name asked itself.
  enum class Name { AsItStands, Qualified };
  void report(StepOutcome outcome, Name name);

  // The name just reported exists for the other address family: the search ends there, with NODATA.
  void end_with_no_data();

  // No server could be reached for the name just reported, and nothing is left to ask others for.
  void end_without_server() { is_over_ = true; }

  // Whether the search ends with the step just reported: data, end_with_no_data() or
  // end_without_server().
  bool is_over() const { return is_over_; }
  // The outcome of the whole search so far.
  StepOutcome result() const;

 private:
  bool is_over_ = false;
  bool some_nodata_ = false;
  bool some_failure_ = false;
  std::optional<StepOutcome> as_it_stands_;
  StepOutcome last_ = StepOutcome::NxDomain;
};

}  // namespace dnslet::policy
