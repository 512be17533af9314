// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "serve/counters.h"

#include <chrono>
#include <set>

#include "catch.h"

using namespace dnslet;
using namespace dnslet::serve;
using std::chrono::microseconds, std::chrono::seconds;

TEST_CASE("types that are counted by name have a place each, all others share the last") {
  CHECK(type_label(place_of(dns::Type::A)) == "A");
  CHECK(type_label(place_of(dns::Type::AAAA)) == "AAAA");
  CHECK(type_label(place_of(dns::Type::ANY)) == "ANY");
  for (const int other : {0, 3, 41, 256, 257, 65535}) {
    CAPTURE(other);
    CHECK(type_label(place_of(static_cast<dns::Type>(other))) == "other");
  }
  std::set<std::string> labels;
  for (std::size_t i = 0; i < kTypeLabels; ++i) labels.insert(type_label(i));
  CHECK(labels.size() == kTypeLabels);
}

TEST_CASE("codes that are counted by name have a place each, all others share the last") {
  CHECK(rcode_label(place_of(dns::Rcode::NoError)) == "NOERROR");
  CHECK(rcode_label(place_of(dns::Rcode::BadVers)) == "BADVERS");
  for (const int other : {6, 15, 17, 255, 256, 4095})
    CHECK(rcode_label(place_of(static_cast<dns::Rcode>(other))) == "other");
  std::set<std::string> labels;
  for (std::size_t i = 0; i < kRcodeLabels; ++i) labels.insert(rcode_label(i));
  CHECK(labels.size() == kRcodeLabels);
}

TEST_CASE("a duration is counted in the first step that holds it") {
  Histogram histogram;
  histogram.add(microseconds(0));
  histogram.add(microseconds(500));
  histogram.add(microseconds(501));
  histogram.add(seconds(5));
  histogram.add(seconds(6));
  CHECK(histogram.steps.front() == 2);
  CHECK(histogram.steps[1] == 1);
  CHECK(histogram.steps[Histogram::kBounds.size() - 1] == 1);
  CHECK(histogram.steps.back() == 1);
  CHECK(histogram.count() == 5);
  CHECK(histogram.sum == seconds(11) + microseconds(1001));
}

TEST_CASE("the counters of two workers are added up") {
  Counters one;
  one.questions[0][place_of(dns::Type::A)] = 2;
  one.answers[0][0] = 1;
  one.ignored = 1;
  one.waiting = 3;
  one.servers["192.0.2.1:53"].questions = 4;
  one.servers["192.0.2.1:53"].latency.add(microseconds(1));
  Counters other = one;
  other.questions[1][place_of(dns::Type::A)] = 1;
  other.servers["192.0.2.2:53"].penalties = 1;

  one += other;
  CHECK(one.questions[0][0] == 4);
  CHECK(one.questions[1][0] == 1);
  CHECK(one.answers[0][0] == 2);
  CHECK(one.ignored == 2);
  CHECK(one.waiting == 6);
  CHECK(one.servers.size() == 2);
  CHECK(one.servers["192.0.2.1:53"].questions == 8);
  CHECK(one.servers["192.0.2.1:53"].latency.count() == 2);
  CHECK(one.servers["192.0.2.2:53"].penalties == 1);
}

TEST_CASE("the latest answer of any worker counts") {
  using std::chrono::milliseconds;
  Counters never;
  Counters early;
  early.heard = milliseconds(0);
  Counters late;
  late.heard = milliseconds(7);
  CHECK_FALSE((Counters() += never).heard);
  CHECK((Counters() += early).heard == milliseconds(0));
  CHECK((early += late).heard == milliseconds(7));
  CHECK((late += never).heard == milliseconds(7));
}
