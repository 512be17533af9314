// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/server_stream.h"

#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "catch.h"
#include "io/socket.h"

using namespace dnslet;

namespace {

// A stream and the server's end of its connection.
struct Connection {
  Connection() {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    ours = io::Descriptor(ends[0]);
    theirs = io::Descriptor(ends[1]);
  }
  void write(const std::string& bytes) const {
    REQUIRE(send(theirs.get(), bytes.data(), bytes.size(), 0) ==
            static_cast<ssize_t>(bytes.size()));
  }
  std::string read() const {
    std::string bytes(1 << 20, '\0');
    const ssize_t size = recv(theirs.get(), bytes.data(), bytes.size(), 0);
    bytes.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return bytes;
  }
  io::Descriptor ours;
  io::Descriptor theirs;
};

dns::Bytes bytes(const std::string& text) { return {text.begin(), text.end()}; }
std::string text(dns::BytesView view) { return {view.begin(), view.end()}; }

}  // namespace

TEST_CASE("messages leave behind their lengths") {
  const Connection connection;
  io::ServerStream stream(connection.ours.get());
  stream.add(bytes("ab"));
  stream.add(bytes(""));
  stream.add(bytes(std::string(300, 'x')));
  CHECK(stream.is_blocked());
  CHECK(stream.flush());
  CHECK_FALSE(stream.is_blocked());
  CHECK(connection.read() == std::string("\0\2ab\0\0\1\x2c", 8) + std::string(300, 'x'));
}

TEST_CASE("messages arrive in whatever pieces") {
  const Connection connection;
  io::ServerStream stream(connection.ours.get());
  const std::string sent("\0\2ab\0\0\0\3cde\0", 12);
  std::string received;
  for (const char byte : sent) {
    connection.write({byte});
    REQUIRE(stream.read());
    while (const auto message = stream.next()) received += "<" + text(*message) + ">";
  }
  CHECK(received == "<ab><><cde>");
  CHECK_FALSE(stream.read());
  CHECK(errno == EAGAIN);
}

TEST_CASE("what the kernel does not take waits, and nothing is lost") {
  const Connection connection;
  io::ServerStream stream(connection.ours.get());
  const dns::Bytes message(60000, 'm');
  std::size_t added = 0;
  while (!stream.is_blocked() && added < 1000) {
    stream.add(message);
    ++added;
    REQUIRE(stream.flush());
  }
  REQUIRE(stream.is_blocked());
  std::size_t read = 0;
  for (std::string some = connection.read(); !some.empty(); some = connection.read()) {
    read += some.size();
    REQUIRE(stream.flush());
  }
  CHECK_FALSE(stream.is_blocked());
  CHECK(read == added * 60002);
}

TEST_CASE("c-ares reads what it is shown, then the end") {
  const Connection connection;
  io::ServerStream stream(connection.ours.get());
  dns::Bytes buffer(3);
  CHECK(stream.give(buffer) == -1);
  CHECK(errno == EAGAIN);
  stream.show(bytes("abc"));
  CHECK(stream.give(buffer) == 3);
  CHECK(text(buffer) == std::string("\0\3a", 3));
  CHECK(stream.has_shown());
  CHECK(stream.give(buffer) == 2);
  CHECK_FALSE(stream.has_shown());

  REQUIRE(shutdown(connection.theirs.get(), SHUT_WR) == 0);
  REQUIRE(stream.read());
  stream.show(bytes("z"));
  CHECK(stream.give(buffer) == 3);
  CHECK(stream.give(buffer) == 0);
}

TEST_CASE("a broken connection is told") {
  Connection connection;
  io::ServerStream stream(connection.ours.get());
  connection.theirs = io::Descriptor();
  stream.add(bytes("ab"));
  CHECK_FALSE(stream.flush());
  CHECK(errno == EPIPE);
}
