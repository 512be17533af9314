// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/http_status.h"

#include "catch.h"

using namespace dnslet::upstream;
using std::chrono::seconds;

TEST_CASE("only 200 brings an answer, and a code of the client's declines one question") {
  CHECK(verdict_of(200) == HttpVerdict::Answer);
  for (const unsigned status : {400U, 401U, 403U, 404U, 413U, 415U, 499U})
    CHECK(verdict_of(status) == HttpVerdict::Declined);
  for (const unsigned status : {0U, 100U, 199U, 201U, 204U, 206U, 301U, 302U, 307U, 429U, 500U,
                                502U, 503U, 504U, 599U, 600U, 999U})
    CHECK(verdict_of(status) == HttpVerdict::Failed);
}

TEST_CASE("who is busy may ask to be left alone, for a minute at most") {
  for (const unsigned status : {429U, 503U}) {
    CHECK(pause_of(status, seconds(7)) == seconds(7));
    CHECK(pause_of(status, seconds(61)) == seconds(60));
    CHECK(pause_of(status, std::nullopt) == seconds(0));
    CHECK(pause_of(status, seconds(0)) == seconds(0));
  }
  CHECK(pause_of(500, seconds(7)) == seconds(0));
  CHECK(pause_of(404, seconds(7)) == seconds(0));
}

TEST_CASE("a status is told in words") {
  CHECK(status_text(500) == "HTTP status 500");
  CHECK(status_text(302) == "HTTP status 302, a redirect, which is not followed");
  CHECK(status_text(429) == "HTTP status 429, too many questions");
  CHECK(status_text(404) == "HTTP status 404; is its path right?");
}
