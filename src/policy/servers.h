// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The table of servers: each is known once, by a number, whatever sets name it, and with it what is
// remembered of it (policy/server_health). Sets are lists of those numbers; equal lists are kept
// once. Decides in which order the servers of a set are asked; sends nothing, owns no timer.
//
// A server stays as long as some set names it or some question that was asked of such a set is
// open. Then its number is free for another one, and whoever keeps something under it is told by
// take_dropped().

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/server_address.h"
#include "dns/message.h"
#include "policy/server_health.h"
#include "policy/zones.h"

namespace dnslet::policy {

using ServerNumber = uint32_t;
inline constexpr ServerNumber kNoServer = UINT32_MAX;
inline constexpr ServerNumber kSharedCache = UINT32_MAX - 1;  // in place of one that answered

// How a question travels: as a datagram that may be lost or cut, or in a stream.
enum class Way : uint8_t { Datagram, Stream };

struct ServerAddress {
  dnslet::ServerAddress server;
  Way way = Way::Datagram;  // of a question's first try

  auto operator<=>(const ServerAddress&) const = default;  // NOLINT(modernize-use-nullptr)
};

// The codes that make the next server worth asking (contract section 6).
bool is_refusal(dns::Rcode rcode);

class Servers {
 public:
  using ListNumber = uint32_t;

  // From now on these are the servers of the set, the most preferred first; one that is named twice
  // counts once. REQUIRES: not empty.
  void assign(ServerSetNumber set, const std::vector<ServerAddress>& servers);
  // A number that no server has any more; nullopt: none is left to be told.
  std::optional<ServerNumber> take_dropped();

  // REQUIRES, here and below: the set has been assigned, the server is there.
  ListNumber list_of(ServerSetNumber set) const { return lists_of_sets_[set]; }
  const std::vector<ServerNumber>& servers_of(ListNumber list) const {
    return lists_[list].servers;
  }
  // A question is asked of these servers, until it is over.
  void hold(ListNumber list) { ++lists_[list].users; }
  void release(ListNumber list);

  const ServerAddress& address(ServerNumber server) const { return table_[server].address; }
  std::size_t numbers() const { return table_.size(); }  // that have ever been in use at once
  bool is_there(ServerNumber server) const {
    return server < table_.size() && table_[server].lists > 0;
  }

  Health& health(ServerNumber server) { return table_[server].health; }
  EdnsKnowledge& edns(ServerNumber server) { return table_[server].edns; }
  LoopSuspicion& loop(ServerNumber server) { return table_[server].loop; }

  // Who is asked, in order. `at_once`: the first of `order`, and behind it servers whose pause is
  // over: they get this question too, so that nobody waits while they are tried. A server that
  // leads back or is left alone is left out; where nobody remains, the one that has been left alone
  // longest is asked after Health::kLongestAlone. `race`: how many of those that are in their place
  // are asked at once, where there are so many.
  struct Plan {
    std::vector<ServerNumber> order;
    std::size_t at_once = 1;
  };
  // Valid until the next one.
  const Plan& make_plan(ListNumber list, Milliseconds now, uint32_t race = 1);
  // Whether all servers of the set have failed or lead back: there is nobody to expect an answer
  // of.
  bool is_unreachable(ServerSetNumber set, Milliseconds now) const;

 private:
  struct Server {
    ServerAddress address;
    Health health;
    EdnsKnowledge edns;
    LoopSuspicion loop;
    uint32_t lists = 0;  // that name it; 0: the number is free
  };
  struct List {
    std::vector<ServerNumber> servers;
    uint64_t users = 0;  // sets and questions
  };

  static constexpr ListNumber kNoList = UINT32_MAX;

  ServerNumber number_of(const ServerAddress& address);
  ListNumber list_for(const std::vector<ServerNumber>& servers);
  void drop(ServerNumber server);
  bool is_left_out(ServerNumber server, Milliseconds now) const;
  void order(ListNumber list, Milliseconds now);
  void disturb(ListNumber list, Milliseconds now);

  std::vector<Server> table_;
  std::map<ServerAddress, ServerNumber> by_address_;
  std::vector<List> lists_;
  std::map<std::vector<ServerNumber>, ListNumber> by_servers_;
  std::vector<ListNumber> lists_of_sets_;
  std::vector<ServerNumber> free_servers_;
  std::vector<ListNumber> free_lists_;
  std::vector<ServerNumber> dropped_;
  Plan plan_;                          // the last one, kept for its memory
  std::vector<ServerNumber> waiting_;  // likewise: those at its end
};

}  // namespace dnslet::policy
