// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "upstream/dhcp_exchange.h"

#include <string>

#include "catch.h"

using namespace dnslet;
using namespace dnslet::upstream;
using namespace std::chrono_literals;
using Milliseconds = DhcpExchange::Milliseconds;
using Verdict = DhcpExchange::Verdict;

namespace {

const HardwareAddress kHardware = {2, 0, 0, 0, 0, 7};
const IpAddress kServer = IpAddress::v4(10, 0, 0, 1);
const DhcpLink kBare = {2, kHardware, std::nullopt};
const DhcpLink kWithAddress = {2, kHardware, IpAddress::v4(10, 0, 0, 9)};
// The middle of the jitter, in the upper half, and the number of the exchange.
constexpr uint64_t kDice = uint64_t{1000} << 32 | 42;

DhcpReply reply(std::chrono::seconds renewal = 0s) {
  return {42, kHardware, {kServer}, {}, renewal};
}

// An exchange whose first request has gone out at 0.
DhcpExchange asked(const DhcpLink& link = kWithAddress) {
  DhcpExchange exchange;
  exchange.on_link(link, 0ms);
  REQUIRE(exchange.on_time(0ms, kDice));
  return exchange;
}

}  // namespace

TEST_CASE("without a link that can be used nothing is asked") {
  DhcpExchange exchange;
  exchange.on_link(std::nullopt, 0ms);
  CHECK_FALSE(exchange.due());
  CHECK_FALSE(exchange.on_time(1h, kDice));
  exchange.on_link(kBare, 1h);
  CHECK(exchange.due() == Milliseconds(1h));
  const auto request = exchange.on_time(1h, kDice);
  REQUIRE(request);
  CHECK(request->id == 42);
  CHECK(request->hardware == kHardware);
  CHECK_FALSE(request->address);
}

TEST_CASE("a request is repeated in growing pauses, with the number of its exchange") {
  DhcpExchange exchange = asked(kBare);
  Milliseconds now = 0ms;
  for (const auto pause : {4s, 8s, 16s, 32s, 64s, 64s, 64s}) {
    CHECK(exchange.due() == now + pause);
    CHECK_FALSE(exchange.on_time(now + pause - 1ms, kDice));
    now += pause;
    const auto request = exchange.on_time(now, uint64_t{1000} << 32 | 77);
    REQUIRE(request);
    CHECK(request->id == 42);
    CHECK(request->seconds == std::chrono::duration_cast<std::chrono::seconds>(now).count());
  }
  CHECK(exchange.on_reply(reply(), now) == Verdict::Counts);
}

TEST_CASE("pauses differ by a second at most") {
  for (const uint64_t draw : {0ULL, 1ULL, 2000ULL, 2001ULL, 0xffffffffULL}) {
    DhcpExchange exchange;
    exchange.on_link(kBare, 0ms);
    REQUIRE(exchange.on_time(0ms, draw << 32));
    CHECK(*exchange.due() >= 3s);
    CHECK(*exchange.due() <= 5s);
  }
}

TEST_CASE("who has an address informs; where that is unanswered it discovers in turn") {
  DhcpExchange exchange = asked();
  std::string kinds;
  for (int i = 0; i < 6; ++i) {
    const auto request = exchange.on_time(*exchange.due(), kDice);
    kinds += request->address ? 'i' : 'd';
  }
  CHECK(kinds == "ididid");
}

TEST_CASE("only what has the exchange's number and our hardware address counts, once") {
  DhcpExchange exchange = asked();
  DhcpReply other = reply();
  other.id = 43;
  CHECK(exchange.on_reply(other, 1s) == Verdict::Strange);
  other = reply();
  other.hardware[5] = 8;
  CHECK(exchange.on_reply(other, 1s) == Verdict::Strange);
  CHECK(exchange.on_reply(reply(), 1s) == Verdict::Counts);
  CHECK(exchange.on_reply(reply(), 1s) == Verdict::Strange);
  CHECK(DhcpExchange().on_reply({0, {}, {kServer}, {}, 0s}, 1s) == Verdict::Strange);
}

TEST_CASE("an answer without servers ends nothing") {
  DhcpExchange exchange = asked();
  DhcpReply empty = reply();
  empty.servers.clear();
  CHECK(exchange.on_reply(empty, 1s) == Verdict::NoServers);
  CHECK(exchange.due() == Milliseconds(4s));
  CHECK(exchange.on_reply(reply(), 1s) == Verdict::Counts);
}

TEST_CASE("it asks again when the lease would be renewed, within a minute and a day") {
  struct Row {
    std::chrono::seconds renewal;
    Milliseconds pause;
  };
  for (const auto& [renewal, pause] :
       {Row{600s, 600s}, {1s, 60s}, {59s, 60s}, {0xffffffffs, 24h}, {0s, 1h}}) {
    DhcpExchange exchange = asked();
    REQUIRE(exchange.on_reply(reply(renewal), 2s) == Verdict::Counts);
    CHECK(exchange.due() == 2s + pause);
    const auto request = exchange.on_time(2s + pause, kDice + 1);
    REQUIRE(request);
    CHECK(request->id == 43);  // another exchange
    CHECK(request->seconds == 0);
  }
}

TEST_CASE("a link that changes is asked anew, once a second at most") {
  DhcpExchange exchange = asked();
  REQUIRE(exchange.on_reply(reply(600s), 10ms) == Verdict::Counts);
  exchange.on_link(kWithAddress, 20ms);  // as it was
  CHECK(exchange.due() == 600s + 10ms);
  exchange.on_link(std::nullopt, 30ms);
  CHECK_FALSE(exchange.due());
  exchange.on_link(kBare, 40ms);
  CHECK(exchange.due() == Milliseconds(1s));
  CHECK_FALSE(exchange.on_time(999ms, kDice));
  const auto request = exchange.on_time(1s, kDice + 1);
  REQUIRE(request);
  CHECK_FALSE(request->address);
  CHECK(exchange.on_reply(reply(), 2s) == Verdict::Strange);  // to the one before
}

TEST_CASE("an answer of an exchange whose link is gone counts for nothing") {
  DhcpExchange exchange = asked();
  exchange.on_link(std::nullopt, 1s);
  CHECK(exchange.on_reply(reply(), 2s) == Verdict::Strange);
}

TEST_CASE("an address that is renewed has it ask, once a minute at most") {
  DhcpExchange exchange;
  exchange.on_renewal(0ms);
  CHECK_FALSE(exchange.due());
  exchange.on_link(kWithAddress, 0ms);
  exchange.on_renewal(0ms);
  CHECK(exchange.due() == Milliseconds(0));
  REQUIRE(exchange.on_time(0ms, kDice));
  exchange.on_renewal(1s);  // it is asking
  CHECK(exchange.due() == Milliseconds(4s));
  REQUIRE(exchange.on_reply(reply(), 2s) == Verdict::Counts);
  exchange.on_renewal(3s);
  CHECK(exchange.due() == Milliseconds(60s));
  REQUIRE(exchange.on_time(60s, kDice));
  REQUIRE(exchange.on_reply(reply(), 60s) == Verdict::Counts);
  exchange.on_renewal(30min);
  CHECK(exchange.due() == Milliseconds(30min));
}
