// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// A server over QUIC that does what a test tells it (tests/e2e/quic_server.py): quic_stub
// CERTIFICATE KEY ADDRESS PORT ALPN. It prints what happens and reads what is to be done, both as
// frames: one letter, the connection (4 bytes), the stream (8), a length (4), and so many bytes.
//
//   it prints   o NAME     a connection is open; NAME as of SNI, behind + where a session is
//   resumed
//               d BYTES    have come on a stream;  f: and it has ended
//               r CODE     the client has given up a stream;  c CODE: it has closed the connection
//   it reads    d BYTES    are to be sent on a stream;  f: and it is to end
//               r CODE     the stream is to be reset;  c CODE: the connection is to be closed
//               u BYTES    a stream in one direction is to be opened and these be sent;  b: in both

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/quic.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "datagrams.h"

namespace {

constexpr std::size_t kHead = 17;

struct Frame {
  char kind = 0;
  uint32_t connection = 0;
  uint64_t stream = 0;
  std::string bytes{};
};

// `is_ended`: by us. (OpenSSL 3.5 can't be asked once that has been acknowledged.)
struct Stream {
  SSL* ssl = nullptr;
  bool is_ended = false;
};

struct Connection {
  SSL* ssl = nullptr;
  bool is_open = false;
  std::map<uint64_t, Stream> streams{};
};

std::string protocol;  // as in ALPN
std::map<uint32_t, Connection> connections;

void print(const Frame& frame) {
  std::string out(1, frame.kind);
  const auto number = [&out](uint64_t value, int bytes) {
    while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes));
  };
  number(frame.connection, 4);
  number(frame.stream, 8);
  number(frame.bytes.size(), 4);
  out += frame.bytes;
  for (std::size_t done = 0; done < out.size();) {
    const ssize_t size = write(STDOUT_FILENO, out.data() + done, out.size() - done);
    if (size <= 0) std::exit(0);
    done += static_cast<std::size_t>(size);
  }
}

uint64_t number_at(const std::string& bytes, std::size_t at, std::size_t size) {
  uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

void send(Stream& stream, const Frame& frame) {
  std::size_t written = 0;
  const bool is_last = frame.kind == 'f';
  stream.is_ended = is_last;
  if (frame.bytes.empty() && is_last)
    (void)SSL_stream_conclude(stream.ssl, 0);
  else
    (void)SSL_write_ex2(stream.ssl, frame.bytes.data(), frame.bytes.size(),
                        is_last ? SSL_WRITE_FLAG_CONCLUDE : 0, &written);
}

void obey(const Frame& frame) {
  const auto known = connections.find(frame.connection);
  if (known == connections.end()) return;
  Connection& connection = known->second;
  const auto code = [&] { return std::stoull(frame.bytes); };
  if (frame.kind == 'c') {
    (void)SSL_handle_events(connection.ssl);  // what has been said goes out first
    const SSL_SHUTDOWN_EX_ARGS arguments = {code(), nullptr};
    constexpr uint64_t kAtOnce =
        SSL_SHUTDOWN_FLAG_RAPID | SSL_SHUTDOWN_FLAG_NO_STREAM_FLUSH | SSL_SHUTDOWN_FLAG_NO_BLOCK;
    (void)SSL_shutdown_ex(connection.ssl, kAtOnce, &arguments, sizeof arguments);
    return;
  }
  if (frame.kind == 'u' || frame.kind == 'b') {
    SSL* const opened = SSL_new_stream(connection.ssl, frame.kind == 'u' ? SSL_STREAM_FLAG_UNI : 0);
    if (!opened) return;
    return send(connection.streams[SSL_get_stream_id(opened)] = {opened}, frame);
  }
  const auto stream = connection.streams.find(frame.stream);
  if (stream == connection.streams.end()) return;
  if (frame.kind != 'r') return send(stream->second, frame);
  const SSL_STREAM_RESET_ARGS arguments = {code()};
  stream->second.is_ended = true;
  (void)SSL_stream_reset(stream->second.ssl, &arguments, sizeof arguments);
}

// Whole frames are taken off the beginning.
void obey_all(std::string& incoming) {
  while (incoming.size() >= kHead) {
    const std::size_t size = number_at(incoming, 13, 4);
    if (incoming.size() < kHead + size) return;
    obey({incoming[0], static_cast<uint32_t>(number_at(incoming, 1, 4)), number_at(incoming, 5, 8),
          incoming.substr(kHead, size)});
    incoming.erase(0, kHead + size);
  }
}

void read_stream(uint32_t number, uint64_t id, SSL* stream) {
  std::string bytes(65536, 0);
  while (true) {
    ERR_clear_error();
    std::size_t size = 0;
    const bool is_read = SSL_read_ex(stream, bytes.data(), bytes.size(), &size) == 1;
    const int state = SSL_get_stream_read_state(stream);
    if (is_read) print({'d', number, id, bytes.substr(0, size)});
    if (state == SSL_STREAM_STATE_FINISHED) return print({'f', number, id});
    if (is_read) continue;
    uint64_t code = 0;
    if (state == SSL_STREAM_STATE_RESET_REMOTE &&
        SSL_get_stream_read_error_code(stream, &code) == 1)
      print({'r', number, id, std::to_string(code)});
    return;
  }
}

void read_streams(uint32_t number, Connection& connection) {
  while (SSL* const stream = SSL_accept_stream(connection.ssl, SSL_ACCEPT_STREAM_NO_BLOCK))
    connection.streams[SSL_get_stream_id(stream)] = {stream};
  for (const auto& [id, stream] : connection.streams) {
    const int state = SSL_get_stream_read_state(stream.ssl);
    if (state == SSL_STREAM_STATE_OK || state == SSL_STREAM_STATE_RESET_REMOTE)
      read_stream(number, id, stream.ssl);
  }
  // What both sides have ended makes room for others.
  std::erase_if(connection.streams, [](const auto& stream) {
    const bool is_over = stream.second.is_ended &&
                         SSL_get_stream_read_state(stream.second.ssl) != SSL_STREAM_STATE_OK;
    if (is_over) SSL_free(stream.second.ssl);
    return is_over;
  });
}

// Whether it has ended.
bool serve(uint32_t number, Connection& connection) {
  SSL_CONN_CLOSE_INFO info{};
  if (!connection.is_open && SSL_is_init_finished(connection.ssl) == 1) {
    connection.is_open = true;
    const char* const name = SSL_get_servername(connection.ssl, TLSEXT_NAMETYPE_host_name);
    const bool is_resumed = SSL_session_reused(connection.ssl) == 1;
    print({'o', number, 0, (is_resumed ? "+" : "") + std::string(name ? name : "")});
  }
  if (connection.is_open) read_streams(number, connection);
  if (SSL_get_conn_close_info(connection.ssl, &info, sizeof info) != 1) return false;
  // One of ours is said again for as long as somebody asks.
  if ((info.flags & SSL_CONN_CLOSE_FLAG_LOCAL) != 0) return false;
  print({'c', number, 0, std::to_string(info.error_code)});
  for (const auto& [id, stream] : connection.streams) SSL_free(stream.ssl);
  SSL_free(connection.ssl);
  return true;
}

// NOLINTNEXTLINE(readability-function-size): as the library calls it
int choose(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
           unsigned offered_size, void*) {
  unsigned char* found = nullptr;
  const int status =
      SSL_select_next_proto(&found, size, reinterpret_cast<const unsigned char*>(protocol.data()),
                            static_cast<unsigned>(protocol.size()), offered, offered_size);
  *chosen = found;
  return status == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int open_socket(const char* address, const char* port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoul(port)));
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
      bind(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    bench::fail("cannot bind");
  return fd;
}

SSL* listen(char** words, int fd) {
  SSL_CTX* const context = SSL_CTX_new(OSSL_QUIC_server_method());
  if (SSL_CTX_use_certificate_chain_file(context, words[1]) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, words[2], SSL_FILETYPE_PEM) != 1)
    bench::fail("cannot read certificate and key");
  SSL_CTX_set_alpn_select_cb(context, choose, nullptr);
  SSL* const listener = SSL_new_listener(context, SSL_LISTENER_FLAG_NO_VALIDATE);
  if (!listener || SSL_set_fd(listener, fd) != 1 || SSL_set_blocking_mode(listener, 0) != 1 ||
      SSL_listen(listener) != 1)
    bench::fail("cannot listen");
  return listener;
}

void accept_all(SSL* listener) {
  static uint32_t last = 0;
  while (SSL* const accepted = SSL_accept_connection(listener, SSL_ACCEPT_CONNECTION_NO_BLOCK)) {
    SSL_set_blocking_mode(accepted, 0);
    SSL_set_event_handling_mode(accepted, SSL_VALUE_EVENT_HANDLING_MODE_EXPLICIT);
    SSL_set_default_stream_mode(accepted, SSL_DEFAULT_STREAM_MODE_NONE);
    SSL_set_incoming_stream_policy(accepted, SSL_INCOMING_STREAM_POLICY_ACCEPT, 0);
    connections[++last].ssl = accepted;
  }
}

void take_all(SSL* listener) {
  (void)SSL_handle_events(listener);
  accept_all(listener);
  for (auto one = connections.begin(); one != connections.end();)
    one = serve(one->first, one->second) ? connections.erase(one) : std::next(one);
}

}  // namespace

int main(int count, char** words) {
  if (count != 6) return 2;
  protocol = static_cast<char>(std::strlen(words[5])) + std::string(words[5]);
  const int fd = open_socket(words[3], words[4]);
  SSL* const listener = listen(words, fd);
  (void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
  print({'L', 0, 0});
  std::string incoming;
  std::string piece(65536, 0);
  while (true) {
    timeval after{};
    int is_never = 1;
    const bool has_time = SSL_get_event_timeout(listener, &after, &is_never) == 1 && !is_never;
    const int wait =
        has_time ? static_cast<int>(after.tv_sec * 1000 + (after.tv_usec + 999) / 1000) : -1;
    std::array<pollfd, 2> ready = {pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{fd, POLLIN, 0}};
    (void)poll(ready.data(), ready.size(), has_time ? std::max(wait, 1) : wait);
    const ssize_t size = read(STDIN_FILENO, piece.data(), piece.size());
    if (size == 0) return 0;
    if (size > 0) incoming.append(piece, 0, static_cast<std::size_t>(size));
    take_all(listener);
    obey_all(incoming);
    take_all(listener);  // what has been said goes out, and something may have come
  }
}
