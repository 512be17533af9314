// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "policy/search.h"

#include <algorithm>
#include <map>
#include <string>

#include "catch.h"

namespace dnslet::policy {
namespace {

using dns::Type;
using Texts = std::vector<std::string>;
using AnswersOf = std::map<std::string, StepOutcome>;

constexpr StepOutcome kOutcomes[] = {StepOutcome::Data, StepOutcome::NoData, StepOutcome::NxDomain,
                                     StepOutcome::Failure, StepOutcome::NoServer};

const char* text(StepOutcome outcome) {
  constexpr const char* kTexts[] = {"data", "nodata", "nxdomain", "failure", "no server"};
  return kTexts[static_cast<std::size_t>(outcome)];
}

struct Settings {
  std::size_t ndots = 1;
  std::size_t fwd_ndots = 0;
  InStubZone in_stub_zone = InStubZone::No;
  Texts domains = {};
};

// What a whole search did.
struct Story {
  Texts asked;
  StepOutcome result = StepOutcome::NxDomain;

  bool operator==(const Story&) const = default;
};

// The model: text only, nothing of the program. The order is that of glibc's res_search with the
// options RES_DEFNAMES and RES_DNSRCH:
//   resolv.conf(5): "ndots:n sets a threshold for the number of dots which must appear in a name
//   before an initial absolute query will be made"; "search: resolver queries … will be attempted
//   using each component of the search path in turn until a match is found".
//   res_search(3): the list, then the name as it stands if it was not tried first; data ends it,
//   NO_DATA, HOST_NOT_FOUND and a SERVFAIL go on.
// Where glibc ends with TRY_AGAIN, at servers that can't be reached, others may still be asked;
// with nothing left to ask behind them it is a failure. Contract 5 adds fwd-ndots, leaves out a
// domain that the name ends in, and 5.4 chooses the result.
class Model {
 public:
  Model(const Settings& settings, const AnswersOf& answers)
      : settings_(settings), answers_(answers) {}

  Story resolve(const std::string& name) {
    const auto dots = static_cast<std::size_t>(std::ranges::count(name, '.'));
    const bool may_leave_as_it_stands =
        settings_.in_stub_zone == InStubZone::Yes || !(dots < settings_.fwd_ndots);
    const bool tries_absolute_first = may_leave_as_it_stands && !(dots < settings_.ndots);

    if (tries_absolute_first && ask(name)) return story_;
    const StepOutcome* saved_errno = tries_absolute_first ? &answers_.at(name) : nullptr;
    for (const std::string& domain : settings_.domains) {
      if (("." + name).ends_with("." + domain)) continue;
      if (ask(name + "." + domain)) return story_;
    }
    if (may_leave_as_it_stands && !tries_absolute_first) {
      if (ask(name)) return story_;
      saved_errno = &answers_.at(name);
    }

    if (got_[StepOutcome::NoData] > 0)
      story_.result = StepOutcome::NoData;
    else if (story_.result == StepOutcome::NoServer)
      story_.result = StepOutcome::NoServer;
    else if (saved_errno != nullptr)
      story_.result = *saved_errno;
    else if (got_[StepOutcome::Failure] + got_[StepOutcome::NoServer] > 0)
      story_.result = StepOutcome::Failure;
    else
      story_.result = StepOutcome::NxDomain;
    return story_;
  }

 private:
  bool ask(const std::string& name) {
    story_.asked.push_back(name);
    story_.result = answers_.at(name);
    ++got_[story_.result];
    return story_.result == StepOutcome::Data;
  }

  const Settings& settings_;
  const AnswersOf& answers_;
  std::map<StepOutcome, int> got_;
  Story story_;
};

// The program.

dns::Name parsed(const std::string& name) {
  const auto result = dns::Name::from_text(name);
  REQUIRE(result);
  return *result;
}

SearchRules rules(const Settings& settings) {
  SearchRules result;
  result.ndots = static_cast<unsigned>(settings.ndots);
  result.fwd_ndots = static_cast<unsigned>(settings.fwd_ndots);
  for (const std::string& domain : settings.domains) result.add_domain(parsed(domain));
  return result;
}

std::vector<dns::Name> candidates(const std::string& name, const Settings& settings,
                                  Type type = Type::A) {
  return names_to_try({.name = parsed(name), .type = type}, rules(settings), settings.in_stub_zone);
}

Texts names(const std::string& name, const Settings& settings, Type type = Type::A) {
  Texts result;
  for (const dns::Name& candidate : candidates(name, settings, type))
    result.push_back(candidate.view().to_text());
  return result;
}

Story play(const std::string& name, const std::vector<dns::Name>& candidates,
           const AnswersOf& answers) {
  Story story;
  SearchVerdict verdict;
  for (const dns::Name& candidate : candidates) {
    const std::string asked = candidate.view().to_text();
    story.asked.push_back(asked);
    verdict.report(answers.at(asked), asked == name ? SearchVerdict::Name::AsItStands
                                                    : SearchVerdict::Name::Qualified);
    if (verdict.is_over()) break;
  }
  if (!story.asked.empty()) story.result = verdict.result();
  return story;
}

std::string describe(const std::string& name, const Settings& settings, const AnswersOf& answers) {
  std::string result = name + " ndots " + std::to_string(settings.ndots) + " fwd_ndots " +
                       std::to_string(settings.fwd_ndots) +
                       (settings.in_stub_zone == InStubZone::Yes ? " in a stub zone" : "");
  for (const auto& [asked, outcome] : answers) result += "\n  " + asked + ": " + text(outcome);
  return result;
}

std::string describe(const Story& story) {
  std::string result;
  for (const std::string& asked : story.asked) result += asked + ", ";
  return result + text(story.result);
}

std::string name_with(std::size_t dots) {
  std::string result = "host";
  for (std::size_t i = 0; i < dots; ++i) result += ".l" + std::to_string(i);
  return result;
}

// Plays every sequence of outcomes of the list and the name itself. Returns how many there were.
std::size_t compare_every_sequence(const std::string& name, const Settings& settings) {
  const std::vector<dns::Name> tried = candidates(name, settings);
  std::size_t sequences = std::size(kOutcomes);
  for (std::size_t i = 0; i < settings.domains.size(); ++i) sequences *= std::size(kOutcomes);
  for (std::size_t sequence = 0; sequence < sequences; ++sequence) {
    AnswersOf answers;
    std::size_t digits = sequence;
    const auto next = [&] {
      const StepOutcome outcome = kOutcomes[digits % std::size(kOutcomes)];
      digits /= std::size(kOutcomes);
      return outcome;
    };
    answers[name] = next();
    for (const std::string& domain : settings.domains) answers[name + "." + domain] = next();

    const Story expected = Model(settings, answers).resolve(name);
    const Story seen = play(name, tried, answers);
    if (seen == expected) continue;
    FAIL(describe(name, settings, answers)
         << "\nmodel:   " << describe(expected) << "\nprogram: " << describe(seen));
  }
  return sequences;
}

TEST_CASE("names asked and result are those of glibc's rules and contract 5.4") {
  const Texts all_domains{"one.test", "two.test", "l0"};  // host.l0 ends in the last one
  std::size_t compared = 0;
  for (std::size_t dots = 0; dots <= 5; ++dots)
    for (std::size_t ndots = 0; ndots <= 5; ++ndots)
      for (std::size_t fwd_ndots = 0; fwd_ndots <= 3; ++fwd_ndots)
        for (const InStubZone in_stub_zone : {InStubZone::No, InStubZone::Yes})
          for (std::size_t length = 0; length <= all_domains.size(); ++length) {
            Settings settings{ndots, fwd_ndots, in_stub_zone, all_domains};
            settings.domains.resize(length);
            compared += compare_every_sequence(name_with(dots), settings);
          }
  CHECK(compared == 6 * 6 * 4 * 2 * (5 + 25 + 125 + 625));
}

// Which names.

const Texts kList{"one.test", "two.test"};

TEST_CASE("a name with fewer dots than ndots is tried as it stands behind the list") {
  CHECK(names("www", {.domains = kList}) == Texts{"www.one.test", "www.two.test", "www"});
  CHECK(names("www.a", {.ndots = 2, .domains = kList}) ==
        Texts{"www.a.one.test", "www.a.two.test", "www.a"});
}

TEST_CASE("a name with ndots dots is tried as it stands before the list") {
  CHECK(names("www.a", {.domains = kList}) == Texts{"www.a", "www.a.one.test", "www.a.two.test"});
  CHECK(names("www", {.ndots = 0, .domains = kList}) ==
        Texts{"www", "www.one.test", "www.two.test"});
}

TEST_CASE("the list keeps its order, however long") {
  Settings settings;
  Texts expected;
  for (int i = 0; i < 200; ++i) {
    settings.domains.push_back("d" + std::to_string(199 - i) + ".test");
    expected.push_back("www." + settings.domains.back());
  }
  expected.emplace_back("www");
  CHECK(names("www", settings) == expected);
}

TEST_CASE("a domain that the name ends in is left out") {
  CHECK(names("www.one.test", {.ndots = 5, .domains = kList}) ==
        Texts{"www.one.test.two.test", "www.one.test"});
  CHECK(names("one.test", {.ndots = 5, .domains = kList}) ==
        Texts{"one.test.two.test", "one.test"});
}

TEST_CASE("a name ends in a domain on a label boundary only") {
  CHECK(names("wwwone.test", {.ndots = 5, .domains = {"one.test"}}) ==
        Texts{"wwwone.test.one.test", "wwwone.test"});
  CHECK(names("test", {.domains = {"one.test"}}) == Texts{"test.one.test", "test"});
}

TEST_CASE("letter case of name and domain does not count") {
  CHECK(names("WWW.One.TEST", {.ndots = 5, .domains = {"oNE.test"}}) == Texts{"www.one.test"});
  CHECK(names("WwW", {.domains = {"ONE.test"}}) == Texts{"www.one.test", "www"});
}

TEST_CASE("names below arpa are never searched") {
  for (const char* name : {"1.2.0.192.in-addr.arpa", "8.b.d.ip6.arpa", "arpa", "IN-ADDR.ARPA"})
    CHECK(candidates(name, {.ndots = 9, .domains = kList}) == std::vector{parsed(name)});
  CHECK(names("notarpa", {.domains = {"one.test"}}) == Texts{"notarpa.one.test", "notarpa"});
  CHECK(names("arpa.a", {.ndots = 2, .domains = {"one.test"}}) ==
        Texts{"arpa.a.one.test", "arpa.a"});
}

TEST_CASE("types that belong to zones, and ANY, are never searched") {
  for (const Type type : {Type::NS, Type::SOA, Type::DS, Type::DNSKEY, Type::ANY})
    CHECK(names("www", {.domains = kList}, type) == Texts{"www"});
  for (const Type type : {Type::A, Type::AAAA, Type::CNAME, Type::PTR, Type::TXT, Type{15},
                          Type{33}, Type{65}, Type{65280}})
    CHECK(names("www", {.domains = {"one.test"}}, type) == Texts{"www.one.test", "www"});
}

TEST_CASE("what is never searched is still subject to fwd_ndots") {
  CHECK(names("www", {.fwd_ndots = 1, .domains = kList}, Type::NS).empty());
  CHECK(names("arpa", {.fwd_ndots = 1, .domains = kList}).empty());
  CHECK(names("1.in-addr.arpa", {.fwd_ndots = 1, .domains = kList}) == Texts{"1.in-addr.arpa"});
}

TEST_CASE("the root is never searched") {
  CHECK(names(".", {.domains = kList}) == Texts{"."});
  CHECK(names(".", {.ndots = 0, .domains = kList}, Type::TXT) == Texts{"."});
}

TEST_CASE("without a list the name is tried as it stands") {
  CHECK(names("www", {}) == Texts{"www"});
  CHECK(names("www", {.ndots = 5}) == Texts{"www"});
}

TEST_CASE("a name with fewer dots than fwd_ndots is tried in the list only") {
  CHECK(names("www", {.fwd_ndots = 1, .domains = kList}) == Texts{"www.one.test", "www.two.test"});
  CHECK(names("www", {.ndots = 0, .fwd_ndots = 1, .domains = {"one.test"}}) ==
        Texts{"www.one.test"});
  CHECK(names("www.a", {.fwd_ndots = 1, .domains = {"one.test"}}) ==
        Texts{"www.a", "www.a.one.test"});
}

TEST_CASE("without a list nothing is left of a name with fewer dots than fwd_ndots") {
  CHECK(names("www", {.fwd_ndots = 1}).empty());
  CHECK(names("www.a.b", {.fwd_ndots = 3}).empty());
}

TEST_CASE("a name in a stub zone is forwarded whatever fwd_ndots says") {
  CHECK(names("www", {.fwd_ndots = 3, .in_stub_zone = InStubZone::Yes}) == Texts{"www"});
  CHECK(names("www", {.fwd_ndots = 3, .in_stub_zone = InStubZone::Yes, .domains = kList}) ==
        Texts{"www.one.test", "www.two.test", "www"});
}

// A name of 61 + 61 + 61 + 61 + 1 bytes, and a first label that brings it to `size` bytes of wire.
std::string long_name(std::size_t size) {
  const std::string label(60, 'x');
  return std::string(size - 3 * 61 - 2, 'y') + "." + label + "." + label + "." + label;
}

TEST_CASE("a domain that makes the name longer than 255 bytes is left out") {
  const Texts list{"one.test", "t", "two.test"};  // 10, 3 and 10 bytes of wire
  const auto count = [&](std::size_t size) {
    REQUIRE(parsed(long_name(size)).view().wire().size() == size);
    return names(long_name(size), {.ndots = 9, .domains = list}).size();
  };
  CHECK(count(246) == 4);
  CHECK(names(long_name(247), {.ndots = 9, .domains = list}) ==
        Texts{long_name(247) + ".t", long_name(247)});
  CHECK(names(long_name(247), {.ndots = 9, .fwd_ndots = 9, .domains = {"one.test"}}).empty());
}

TEST_CASE("a domain that stands in the list twice is tried once, and the root is none") {
  CHECK(names("www", {.ndots = 1, .domains = {"a.test", "b.test", "A.test", ".", "b.test"}}) ==
        Texts{"www.a.test", "www.b.test", "www"});
}

// The outcome of one answer. Header: id, flags, one question, answers, authority, additional.

StepOutcome outcome(uint8_t rcode, uint8_t answers) {
  const dns::Bytes wire{0, 1, 0x81, static_cast<uint8_t>(0x80 | rcode), 0, 1, 0, answers, 0,
                        0, 0, 0};
  return outcome_of(dns::kind_by_header(wire));
}

TEST_CASE("an answer with records is data, one without is NODATA") {
  CHECK(outcome(0, 1) == StepOutcome::Data);
  CHECK(outcome(0, 0) == StepOutcome::NoData);
}

TEST_CASE("NXDOMAIN counts also behind a CNAME, every other code is a failure") {
  CHECK(outcome(3, 0) == StepOutcome::NxDomain);
  CHECK(outcome(3, 1) == StepOutcome::NxDomain);
  for (const dns::Bytes codes{1, 2, 4, 5, 6, 9, 15}; const uint8_t rcode : codes)
    CHECK(outcome(rcode, 0) == StepOutcome::Failure);
  CHECK(outcome(2, 1) == StepOutcome::Failure);
}

}  // namespace
}  // namespace dnslet::policy
