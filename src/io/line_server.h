// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A server for operators on this host: a line comes in over a socket of io/local_socket, a text
// goes out, and the connection ends. What is answered is decided elsewhere.
//
// Serves root and the user that the process runs as. The text is made piece by piece, as it is
// read: who does not read holds a connection and nothing else. Connections, the bytes of a line and
// the time without progress have limits; when one connection too many comes the one that has been
// idle for longest is closed.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/local_socket.h"
#include "io/loop.h"

namespace dnslet::io {

class LineServer {
 public:
  static constexpr std::size_t kMaxClients = 8;
  static constexpr std::size_t kMaxLine = 2048;  // bytes
  static constexpr Milliseconds kIdle{30000};

  // Puts the next piece of an answer behind `out`. False: it was the last one.
  using Answer = std::function<bool(std::string& out)>;
  // `line` without its end, or the front of one that is too long. May hold any bytes.
  using OnLine = std::function<Answer(std::string_view line)>;

  // The socket must outlive it.
  LineServer(Loop& loop, const LocalSocket& socket, OnLine on_line);
  ~LineServer();
  LineServer(const LineServer&) = delete;
  LineServer& operator=(const LineServer&) = delete;

  // Before, who connects waits.
  void start() { watch_.start(UV_READABLE); }

 private:
  class Client;

  void accept_all();
  void add(Descriptor socket);
  void remove(const Client* client);

  Loop& loop_;
  const LocalSocket& socket_;
  OnLine on_line_;
  std::vector<std::unique_ptr<Client>> clients_;
  Watch watch_;
  Timer pause_;
};

}  // namespace dnslet::io
