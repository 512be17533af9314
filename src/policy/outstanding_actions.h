// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What policy/outstanding says: what is to be done, in this order, and what has happened. All of it
// borrows; it is valid until the next action is taken.

#include <cstdint>
#include <variant>
#include <vector>

#include "dns/reply.h"
#include "policy/lookup.h"
#include "policy/servers.h"

namespace dnslet::policy {

// The query is to leave. `token` comes back with what comes of it, or is forgotten.
struct Send {
  uint64_t token = 0;
  ServerNumber server = kNoServer;
  Way way = Way::Datagram;
  dns::QueryEdns edns = dns::QueryEdns::WithEdns;
  enum class Purpose {
    First,
    Again,      // not the first one for the same sake
    Continued,  // over a stream, as the answer was cut
  };
  Purpose purpose = Purpose::First;
  const UpstreamQuestion* question = nullptr;
};
// --shared-cache is to be asked; on_shared() tells what it says.
struct AskShared {
  uint64_t number = 0;  // of the question
  const UpstreamQuestion* question = nullptr;
};
// Nobody waits for it any more.
struct Forget {
  uint64_t token = 0;
  ServerNumber server = kNoServer;
  Way way = Way::Datagram;
  bool was_silent = false;  // for longer than a server may be
};
// A question is over.
struct Finish {
  const UpstreamQuestion* question = nullptr;
  const Answer* answer = nullptr;
  Source source = Source::Upstream;  // Shared; or Error, where no server has said anything
  ServerNumber via = kNoServer;      // that gave the answer
  const std::vector<uint64_t>* lookups = nullptr;
  Existence sibling = Existence::Unknown;  // what the other address family's answer has shown
};
// No server has said anything for as long as one may be silent: those who wait so far. What the
// cache knows of the other address family may be told by sibling_shows().
struct Silence {
  uint64_t number = 0;  // of the question
  const UpstreamQuestion* question = nullptr;
  const std::vector<uint64_t>* lookups = nullptr;
};
// Each server of the set has failed or been silent for so long: those who wait so far. They may go
// on elsewhere; an answer that comes all the same is told.
struct Unreached {
  const UpstreamQuestion* question = nullptr;
  const std::vector<uint64_t>* lookups = nullptr;
};
// What clients have asked by now is to be read, and then decide() called, in this turn: an answer
// may mean something else if the other address family is asked for, too.
struct ReadWaiting {};
// A query for a name that nobody else can know is to leave. If it comes in at a listener of this
// program the server leads back: on_loop().
struct Probe {
  uint64_t token = 0;
  ServerNumber server = kNoServer;
  Way way = Way::Datagram;
};
// No set and no question has the server any more; its number is another one's from now on.
struct DropServer {
  ServerNumber server = kNoServer;
};

// What has happened, for log, counters and whoever watches.
struct Note {
  enum class What {
    Failed,       // put behind the others, because it was silent
    Unreachable,  // the same, because it can't be reached
    Broken,       // the same, because it has failed where it was reached
    Recovered,    // back in its place
    LeadsBack,    // left out for a minute
    CutIsAllOf,   // a cut answer goes out, as its server is silent over a stream
    NoResources,  // this host lacks descriptors or memory
  };
  What what;
  ServerNumber server = kNoServer;
};

// What passes between dnslet and a server, where somebody watches.
struct Exchange {
  enum class What {
    Asked,
    AskedWithoutEdns,
    Answered,
    Unusable,
    Unreachable,
    Failed,
    NoResources,
    Silent,
    AskedShared,  // without a server, as are the next three
    FoundShared,
    NotShared,
    SilentShared
  };
  What what;
  const UpstreamQuestion* question;
  ServerNumber server;
  // Of Answered:
  dns::Rcode rcode = dns::Rcode::NoError;
  uint8_t subnet_scope = 0;  // see dns::Answer
};

using Action = std::variant<Send, AskShared, Forget, Finish, Silence, Unreached, ReadWaiting, Probe,
                            DropServer, Note, Exchange>;

}  // namespace dnslet::policy
