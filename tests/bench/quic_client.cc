// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// A client over QUIC that tests lead, as its input says, line by line; each line is answered by
// one: quic_client ADDRESS PORT [PROTOCOL] connects first, and says "open full doq" or "closed
// ...".
//
//   open N, uni N          a stream, which is called N from then on
//   write N HEX, fin N     what is sent there
//   reset N CODE, free N   no more is sent; nothing is read either
//   read N SECONDS         "data HEX", "reset CODE", "closed WHOSE CODE" or "nothing"
//   wait SECONDS           for the end: "closed WHOSE CODE" or "open"
//   sleep SECONDS          hears nothing, and acknowledges nothing
//   move                   to another port
//   early                  how many bytes the session lets one send in 0-RTT
//   reconnect              once more, with what the last connection has left
//
//   quic_client ADDRESS PORT hold COUNT [HEX]   so many connections, each with this in a stream
//   quic_client ADDRESS PORT begin COUNT        what so many clients begin with, a line each

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

std::string from_hex(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return bytes;
}

std::string to_hex(const std::string& bytes) {
  std::string text;
  std::array<char, 3> digits{};
  for (const char byte : bytes) {
    (void)std::snprintf(digits.data(), digits.size(), "%02x", static_cast<unsigned char>(byte));
    text += digits.data();
  }
  return text;
}

struct Place {
  sockaddr_in address{};
  std::unique_ptr<BIO_ADDR, void (*)(BIO_ADDR*)> peer{BIO_ADDR_new(), BIO_ADDR_free};

  Place(const char* host, const char* port) {
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::atoi(port)));
    inet_pton(AF_INET, host, &address.sin_addr);
    BIO_ADDR_rawmake(peer.get(), AF_INET, &address.sin_addr, 4, address.sin_port);
  }
};

SSL_SESSION* kept = nullptr;  // the newest one

SSL_CTX* make_context() {
  SSL_CTX* const context = SSL_CTX_new(OSSL_QUIC_client_method());
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, [](SSL*, SSL_SESSION* session) {
    kept = session;
    return 1;
  });
  return context;
}

SSL* make_ssl(SSL_CTX* context, const Place& place, const std::string& protocol) {
  SSL* const ssl = SSL_new(context);
  const std::string offered = static_cast<char>(protocol.size()) + protocol;
  if (!protocol.empty())
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(offered.data()),
                        static_cast<unsigned>(offered.size()));
  SSL_set1_initial_peer_addr(ssl, place.peer.get());
  SSL_set_blocking_mode(ssl, 0);
  SSL_set_default_stream_mode(ssl, SSL_DEFAULT_STREAM_MODE_NONE);
  return ssl;
}

class Connection {
 public:
  Connection(SSL_CTX* context, const Place& place, const std::string& protocol)
      : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)),
        ssl_(make_ssl(context, place, protocol)) {
    BIO* const bio = BIO_new_dgram(fd_, BIO_NOCLOSE);
    SSL_set_bio(ssl_, bio, bio);
    if (kept) SSL_set_session(ssl_, kept);
  }
  ~Connection() {
    for (const auto& [name, stream] : streams_) SSL_free(stream);
    SSL_shutdown_ex(ssl_, SSL_SHUTDOWN_FLAG_RAPID | SSL_SHUTDOWN_FLAG_NO_BLOCK, nullptr, 0);
    SSL_free(ssl_);
    close(fd_);
  }

  std::string open() {
    (void)wait([this] { return SSL_connect(ssl_) == 1 || is_closed(); }, 10);
    if (is_closed() || !SSL_is_init_finished(ssl_)) return end();
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &chosen, &size);
    return std::string("open ") + (SSL_session_reused(ssl_) ? "resumed " : "full ") +
           std::string(reinterpret_cast<const char*>(chosen), size);
  }

  std::string obey(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    std::string name;
    std::string more;
    words >> verb >> name >> more;
    if (verb == "open" || verb == "uni") return make(name, verb == "uni" ? SSL_STREAM_FLAG_UNI : 0);
    if (verb == "write") return write(streams_[name], from_hex(more));
    if (verb == "fin") return SSL_stream_conclude(streams_[name], 0) == 1 ? done() : "failed";
    if (verb == "reset") return reset(streams_[name], std::stoull(more));
    if (verb == "free") return drop(name);
    if (verb == "read") return read(streams_[name], std::stod(more));
    if (verb == "wait") return wait_for_end(std::stod(name));
    if (verb == "sleep") return usleep(static_cast<useconds_t>(std::stod(name) * 1e6)), "done";
    if (verb == "move") return move();
    if (verb == "early")
      return kept ? std::to_string(SSL_SESSION_get_max_early_data(kept)) : "none";
    return "what?";
  }

 private:
  template <typename Predicate>
  bool wait(Predicate is_there, double seconds) {
    const auto until = Clock::now() + std::chrono::duration<double>(seconds);
    while (true) {
      SSL_handle_events(ssl_);
      if (is_there()) return true;
      const auto left = std::chrono::duration<double>(until - Clock::now()).count();
      if (left <= 0) return false;
      timeval own{};
      int is_infinite = 0;
      SSL_get_event_timeout(ssl_, &own, &is_infinite);
      double pause = left;
      const double theirs =
          static_cast<double>(own.tv_sec) + static_cast<double>(own.tv_usec) / 1e6;
      if (!is_infinite && theirs < pause) pause = theirs;
      pollfd watched{fd_, POLLIN, 0};
      poll(&watched, 1, static_cast<int>(pause * 1000) + 1);
    }
  }

  bool is_closed() {
    SSL_CONN_CLOSE_INFO info{};
    return SSL_get_conn_close_info(ssl_, &info, sizeof info) == 1;
  }
  std::string end() {
    SSL_CONN_CLOSE_INFO info{};
    if (SSL_get_conn_close_info(ssl_, &info, sizeof info) != 1) return "nothing";
    const bool is_transport = (info.flags & SSL_CONN_CLOSE_FLAG_TRANSPORT) != 0;
    const bool is_local = (info.flags & SSL_CONN_CLOSE_FLAG_LOCAL) != 0;
    return std::string("closed ") +
           (is_local       ? "here"
            : is_transport ? "transport"
                           : "application") +
           ' ' + std::to_string(info.error_code);
  }
  std::string done() {
    SSL_handle_events(ssl_);
    return "done";
  }

  std::string make(const std::string& name, uint64_t flags) {
    SSL* stream = nullptr;
    (void)wait(
        [&] {
          return (stream = SSL_new_stream(ssl_, flags | SSL_STREAM_FLAG_ADVANCE)) != nullptr ||
                 is_closed();
        },
        5);
    if (!stream) return is_closed() ? end() : "nothing";
    streams_[name] = stream;
    return "done";
  }
  std::string write(SSL* stream, const std::string& bytes) {
    std::size_t written = 0;
    SSL_set_mode(stream, SSL_MODE_ENABLE_PARTIAL_WRITE);
    (void)wait(
        [&] {
          std::size_t taken = 0;
          if (SSL_write_ex(stream, bytes.data() + written, bytes.size() - written, &taken) == 1)
            written += taken;
          return written == bytes.size() || is_closed();
        },
        5);
    return is_closed() ? end() : written == bytes.size() ? done() : "nothing";
  }
  std::string reset(SSL* stream, uint64_t code) {
    const SSL_STREAM_RESET_ARGS why{code};
    return SSL_stream_reset(stream, &why, sizeof why) == 1 ? done() : "failed";
  }
  std::string drop(const std::string& name) {
    SSL_free(streams_[name]);
    streams_.erase(name);
    return done();
  }
  std::string read(SSL* stream, double seconds) {
    std::string bytes;
    bool is_whole = false;
    bool is_reset = false;
    (void)wait(
        [&] {
          std::array<char, 65536> part{};
          std::size_t size = 0;
          while (SSL_read_ex(stream, part.data(), part.size(), &size) == 1)
            bytes.append(part.data(), size);
          is_whole = SSL_get_error(stream, 0) == SSL_ERROR_ZERO_RETURN;
          is_reset = SSL_get_stream_read_state(stream) == SSL_STREAM_STATE_RESET_REMOTE;
          return is_whole || is_reset || is_closed();
        },
        seconds);
    uint64_t code = 0;
    SSL_handle_events(ssl_);
    if (is_whole) return "data " + to_hex(bytes);
    if (is_closed()) return end();
    if (is_reset && SSL_get_stream_read_error_code(stream, &code) == 1)
      return "reset " + std::to_string(code);
    return "nothing";
  }
  std::string wait_for_end(double seconds) {
    return wait([this] { return is_closed(); }, seconds) ? end() : "open";
  }
  std::string move() {
    const int other = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    dup2(other, fd_);
    close(other);
    return "done";
  }

  int fd_;
  SSL* ssl_;
  std::map<std::string, SSL*> streams_;
};

int hold(SSL_CTX* context, const Place& place, int count, const std::string& bytes) {
  std::vector<std::unique_ptr<Connection>> all;
  int opened = 0;
  for (int i = 0; i < count; ++i) {
    all.push_back(std::make_unique<Connection>(context, place, "doq"));
    kept = nullptr;
    if (all.back()->open().rfind("open", 0) != 0) continue;
    ++opened;
    if (bytes.empty()) continue;
    all.back()->obey("open 1");
    all.back()->obey("write 1 " + to_hex(bytes));
  }
  std::cout << "held " << opened << std::endl;
  std::cin.get();
  _exit(0);
}

int begin(SSL_CTX* context, const Place& place, int count) {
  SSL_CTX_set1_groups_list(context, "P-256");  // so that one datagram is enough
  for (int i = 0; i < count; ++i) {
    SSL* const ssl = make_ssl(context, place, "doq");
    BIO* inner = nullptr;
    BIO* outer = nullptr;
    BIO_new_bio_dgram_pair(&inner, 0, &outer, 0);
    (void)BIO_dgram_set_caps(outer, BIO_DGRAM_CAP_HANDLES_DST_ADDR);
    SSL_set_bio(ssl, inner, inner);
    SSL_connect(ssl);
    std::array<char, 2048> datagram{};
    const int size = BIO_read(outer, datagram.data(), datagram.size());
    if (size > 0) std::cout << to_hex({datagram.data(), static_cast<std::size_t>(size)}) << '\n';
    SSL_free(ssl);
    BIO_free(outer);
  }
  std::cout.flush();
  return 0;
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) return 2;
  const Place place(words[1], words[2]);
  SSL_CTX* const context = make_context();
  const std::string what = count > 3 ? words[3] : "doq";
  if (what == "hold")
    return hold(context, place, std::atoi(words[4]), count > 5 ? from_hex(words[5]) : "");
  if (what == "begin") return begin(context, place, std::atoi(words[4]));
  auto connection = std::make_unique<Connection>(context, place, what == "none" ? "" : what);
  std::cout << connection->open() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "reconnect") {
      connection = nullptr;
      connection = std::make_unique<Connection>(context, place, what);
      std::cout << connection->open() << std::endl;
    } else {
      std::cout << connection->obey(line) << std::endl;
    }
  }
  return 0;
}
