// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// One c-ares channel to one server, with its UDP ports and TCP connection in the loop.
//
// c-ares deals in stand-ins (see io/stand_in) and says when a question goes out, over UDP or TCP,
// and when it is over; the bytes that travel are ours.
//
// What comes of questions is collected and told when c-ares has returned, never from inside it.
// c-ares keeps a question until it is answered or the channel is destroyed; whoever gives up on one
// earlier leaves an orphan behind (see Upstream, which retires channels that have some).

#include <ares.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/slots.h"
#include "dns/wire.h"
#include "io/loop.h"
#include "io/server_stream.h"
#include "io/socket.h"
#include "io/stand_in.h"
#include "io/udp_ports.h"

struct iovec;

namespace dnslet::io {

// How questions travel.
enum class UpstreamTransport { UdpThenTcp, TcpOnly };

enum class UpstreamResult {
  Answer,
  Truncated,    // an answer with TC over UDP; what comes of asking over TCP follows
  Unreachable,  // refused, no route
  NoResources,  // the question could not be sent: this host lacks descriptors or memory
  Silent,       // no answer within the time: said by Upstream, never by a channel
};

class AresChannel {
 public:
  // Bytes among those that have arrived.
  struct Range {
    std::size_t offset = 0;
    std::size_t size = 0;
  };
  struct Outcome {
    uint64_t token = 0;
    UpstreamResult result = UpstreamResult::Unreachable;
    Range packet;  // empty but for an Answer, also a truncated one
  };

  AresChannel(Loop& loop, const Endpoint& server, UpstreamTransport transport);
  ~AresChannel();
  AresChannel(const AresChannel&) = delete;
  AresChannel& operator=(const AresChannel&) = delete;

  // False: out of memory or descriptors, or too many questions are open.
  bool is_usable() const;
  // Sends a query of ours with a fresh random ID: over UDP with the next send_datagrams(), from a
  // port that is open from now on. An outcome may be there at once, untold. Returns the question's
  // number. REQUIRES: is_usable(); one question, its name not compressed.
  uint64_t send(uint64_t token, const dns::QueryBytes& query);
  // Sends the datagrams of all questions since the last call, one right after the other: whoever is
  // woken by them is woken once. Failures are outcomes, untold.
  void send_datagrams();
  // Nobody waits for this question any more: its port is closed.
  void forget(uint64_t number);
  bool has_outcomes() const { return !outcomes_.empty(); }
  // Exchanges what has come of questions for an empty vector.
  void take_outcomes(std::vector<Outcome>& empty) { outcomes_.swap(empty); }
  // The answer as it came; valid while its outcome is being told.
  dns::BytesView packet(const Outcome& outcome) const;
  // Called when an event has brought outcomes and c-ares has returned; not for what send() brings.
  void set_on_outcomes(std::function<void()> on_outcomes) { on_outcomes_ = std::move(on_outcomes); }

  // Questions that are over for everybody but c-ares.
  std::size_t orphans() const { return orphans_; }
  // Nobody waits for anything from here.
  bool is_idle() const { return asked_.size() == orphans_ && outcomes_.empty(); }
  // To be called now and then. False: there is nothing left that could be closed.
  bool close_unneeded_ports() { return ports_.close_unneeded(); }

 private:
  enum class Carrier { Datagram, Stream };
  // What c-ares carries for a question; it lives until c-ares' callback, which always comes, or
  // until that for the last time that it was handed over.
  struct Asked {
    AresChannel* channel;
    uint64_t token;
    dns::QueryBytes query;
    uint64_t number = 0;
    uint16_t id = 0;
    bool is_open = true;                    // somebody waits for it
    std::optional<UdpPorts::Place> port{};  // while it is open and asked over UDP
    uint64_t connection = 0;                // by which it was sent, if it was asked over TCP
    Range packet{};                         // what has come
    bool is_answered = false;               // for good: TC is asked again over TCP
  };
  struct FreeMemory {
    void operator()(void* memory) const { std::free(memory); }
  };
  // A socket of c-ares in the loop.
  struct Watched {
    std::unique_ptr<Watch> watch;
    int events;  // for which c-ares waits
  };

  void use_own_sockets();
  void hand_over(Asked& asked);
  bool is_cut_off(const Asked& asked) const;
  void send_again();
  void note_id(uint16_t id, Asked& asked);
  Asked* find_open(uint16_t id);
  void close(Asked& asked);
  void on_done(Asked& asked, int status);
  void on_socket_state(int fd, int events);
  void on_ready(int fd, int events);
  void process(int fd, int events);
  void settle(Asked& asked, UpstreamResult failure);
  std::optional<StandIn> keep_answer(dns::BytesView packet, Carrier carrier);

  int open_socket(int domain, int type);
  int connect_socket(int fd);
  ssize_t send_parts(int fd, const iovec* parts, int count);
  Asked* find_sent(uint16_t id);
  void queue_datagram(uint16_t id);
  void watch(int fd);
  ssize_t receive(int fd, dns::MutableBytesView buffer, sockaddr* from, socklen_t* from_size);
  ssize_t receive_datagram(dns::MutableBytesView buffer);
  ssize_t receive_stream(ServerStream& stream, dns::MutableBytesView buffer);
  int close_socket(int fd);

  Loop& loop_;
  SocketAddress server_;
  std::function<void()> on_outcomes_;
  UdpPorts ports_;
  Slots<Asked> asked_;
  Asked* sending_ = nullptr;                       // what c-ares is being given
  std::unique_ptr<uint16_t[], FreeMemory> by_id_;  // places in asked_; 0: none. Touched as needed
  dns::Bytes arrived_;                             // what outcomes and questions refer to
  std::vector<Outcome> outcomes_;
  std::vector<uint64_t> unsent_;   // numbers of questions whose ports are open
  std::vector<uint64_t> cut_off_;  // numbers of questions to be handed over again; not for long
  uint64_t connections_ = 0;       // TCP connections so far: the number of the last one
  uint64_t fruitful_ = 0;          // the number of the last one that has brought an answer
  std::unordered_map<int, Watched> watched_;
  std::unordered_map<int, ServerStream> streams_;
  std::size_t orphans_ = 0;
  int socket_error_ = 0;  // why the last TCP socket could not be had
  ares_channel channel_ = nullptr;
};

}  // namespace dnslet::io
