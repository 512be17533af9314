// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Asks a server on 127.0.0.1 and prints what came back as one line of JSON: load KIND
// NAME=NUMBER...
//
//   window  UDP; keeps `window` questions open on each of `sockets`. A window as large as the
//   number
//           of questions is a burst.
//   paced   UDP; `rate` questions a second whatever comes back, and how long each answer took.
//   tcp     `sockets` connections with `window` pipelined questions each. A connection that the
//           server closes is counted and made again.
//
// Ends after `questions`, or after `seconds` where there are no `questions`. The names asked are
// n??????.bench.test: `names` of them from number `first` on, at random, or each once in order
// where `names` is 0. With `hosts=1` the letter is h. An answer that is not there within 3 s is
// lost.

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "datagrams.h"
#include "questions.h"
#include "window.h"

namespace {

using bench::Batch;
using bench::Clock;
using bench::Questions;
using bench::Settings;
using bench::Window;

constexpr auto kPatience = std::chrono::seconds(3);

struct Counts {
  uint64_t answers = 0;
  uint64_t lost = 0;
  uint64_t wrong = 0;   // an error, or no record
  uint64_t closed = 0;  // TCP connections that the server ended
  double seconds = 0;
  std::vector<double> microseconds;  // of each answer over UDP
};

class UdpLoad {
 public:
  explicit UdpLoad(const Settings& settings)
      : questions_(settings), batch_size_(std::clamp(settings["window"] / 4, 1U, kLargestBatch)) {
    for (uint32_t i = 0; i < settings["sockets"]; ++i) {
      watched_.push_back({bench::connected_socket(settings["port"], SOCK_DGRAM), POLLIN, 0});
      windows_.emplace_back(settings["window"]);
    }
  }

  Counts run_window() {
    const Clock::time_point begin = Clock::now();
    while (questions_.left(1) > 0 || !is_idle()) {
      for (std::size_t i = 0; i < windows_.size(); ++i) fill(i);
      (void)poll(watched_.data(), watched_.size(), 50);
      for (std::size_t i = 0; i < windows_.size(); ++i)
        if (watched_[i].revents != 0) note(receive(i));
      drop_lost();
    }
    counts_.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    return counts_;
  }

  // Sleeps only where the next question is milliseconds away, and for less: the only wake-up to
  // wait for is the server's. (The kernel takes the processor from what never sleeps at real-time
  // priority, for 50 ms of each second.)
  Counts run_paced(uint32_t rate) {
    const auto interval = std::chrono::nanoseconds(std::chrono::seconds(1)) / rate;
    const Clock::time_point begin = Clock::now();
    Clock::time_point due = begin;
    while (questions_.left(1) > 0 || !is_idle()) {
      if (Clock::now() >= due && questions_.left(1) > 0 && windows_[0].room() > 0) {
        send(0, 1);
        due += interval;
      }
      const auto left = std::chrono::floor<std::chrono::milliseconds>(due - Clock::now());
      if (left.count() > 1) (void)poll(watched_.data(), 1, static_cast<int>(left.count()) - 1);
      note(receive(0));
      drop_lost();
    }
    counts_.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    return counts_;
  }

 private:
  static constexpr uint32_t kLargestBatch = Batch::kSize;

  // Whole batches only: every server gets its questions in the same portions.
  void fill(std::size_t place) {
    while (windows_[place].room() >= batch_size_) {
      const uint32_t count = questions_.left(batch_size_);
      if (count == 0) return;
      send(place, count);
    }
  }

  void send(std::size_t place, uint32_t count) {
    const Clock::time_point now = Clock::now();
    for (std::size_t i = 0; i < count; ++i) {
      questions_.write_next(windows_[place].open({now}), batch_.packet(i));
      batch_.set_size(i, Questions::kSize);
    }
    batch_.send(watched_[place].fd, count);
  }

  // Takes one batch of what has come. Returns how long each answer took.
  const std::vector<Clock::duration>& receive(std::size_t place) {
    delays_.clear();
    const std::size_t count = batch_.receive(watched_[place].fd, MSG_DONTWAIT);
    if (count == 0) return delays_;
    const Clock::time_point now = Clock::now();
    for (std::size_t i = 0; i < count; ++i) {
      const bench::Packet packet(batch_.packet(i), batch_.received_size(i));
      const auto question = windows_[place].close(packet);
      if (!question) continue;
      ++(bench::is_good_answer(packet) ? counts_.answers : counts_.wrong);
      delays_.push_back(now - question->asked);
    }
    return delays_;
  }

  void note(const std::vector<Clock::duration>& delays) {
    for (const auto delay : delays)
      counts_.microseconds.push_back(std::chrono::duration<double, std::micro>(delay).count());
  }

  void drop_lost() {
    const Clock::time_point now = Clock::now();
    if (now - looked_for_lost_ < std::chrono::milliseconds(100)) return;
    looked_for_lost_ = now;
    for (Window& window : windows_)
      window.drop_before(now - kPatience, [this](const Window::Question&) { ++counts_.lost; });
  }

  bool is_idle() const { return std::ranges::all_of(windows_, &Window::is_idle); }

  Questions questions_;
  std::vector<pollfd> watched_;
  std::vector<Window> windows_;
  uint32_t batch_size_;
  Batch batch_;
  std::vector<Clock::duration> delays_;
  Clock::time_point looked_for_lost_ = Clock::now();
  Counts counts_;
};

// One connection and its questions that are open.
struct Connection {
  explicit Connection(uint32_t port) : fd(bench::connected_socket(port, SOCK_STREAM)) {}

  int fd;
  uint32_t open = 0;
  Clock::time_point last_answer = Clock::now();
  std::vector<uint8_t> incoming;  // an answer that is not whole yet
};

class TcpLoad {
 public:
  explicit TcpLoad(const Settings& settings)
      : questions_(settings), port_(settings["port"]), window_(settings["window"]) {
    for (uint32_t i = 0; i < settings["sockets"]; ++i) connections_.emplace_back(port_);
  }

  Counts run() {
    const Clock::time_point begin = Clock::now();
    while (questions_.left(1) > 0 || !is_idle()) {
      for (Connection& connection : connections_) fill(connection);
      wait();
      for (std::size_t i = 0; i < connections_.size(); ++i)
        if (watched_[i].revents != 0) receive(connections_[i]);
      for (Connection& connection : connections_) give_up_late(connection);
    }
    counts_.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    return counts_;
  }

 private:
  void wait() {
    watched_.clear();
    for (const Connection& connection : connections_)
      watched_.push_back({connection.fd, POLLIN, 0});
    (void)poll(watched_.data(), watched_.size(), 50);
  }

  // Half a window at once, in one write: that is what a pipelining client does.
  void fill(Connection& connection) {
    const uint32_t room = window_ - connection.open;
    if (room < window_ / 2) return;
    std::vector<uint8_t> outgoing;
    for (uint32_t count = questions_.left(room); count > 0; --count) {
      const std::size_t at = outgoing.size();
      outgoing.resize(at + 2 + Questions::kSize);
      outgoing[at + 1] = Questions::kSize;
      questions_.write_next(count, outgoing.data() + at + 2);
      ++connection.open;
    }
    // Smaller than the kernel's buffer; what a closed connection does not take is lost with it.
    (void)::send(connection.fd, outgoing.data(), outgoing.size(), MSG_NOSIGNAL);
  }

  void receive(Connection& connection) {
    const ssize_t size = recv(connection.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size <= 0) {
      ++counts_.closed;
      connect_again(connection);
      return;
    }
    connection.last_answer = Clock::now();
    connection.incoming.insert(connection.incoming.end(), buffer_.begin(), buffer_.begin() + size);
    std::size_t taken = 0;
    while (const std::size_t frame = frame_size(connection, taken)) {
      const uint8_t* const answer = connection.incoming.data() + taken + 2;
      ++(bench::is_good_answer({answer, frame - 2}) ? counts_.answers : counts_.wrong);
      if (connection.open > 0) --connection.open;
      taken += frame;
    }
    connection.incoming.erase(connection.incoming.begin(),
                              connection.incoming.begin() + static_cast<std::ptrdiff_t>(taken));
  }

  // The size of the whole answer at `from` with its two bytes of length; 0: not all of it is there.
  static std::size_t frame_size(const Connection& connection, std::size_t from) {
    const std::size_t left = connection.incoming.size() - from;
    if (left < 2) return 0;
    const std::size_t size = 2U + connection.incoming[from] * 256U + connection.incoming[from + 1];
    return size <= left ? size : 0;
  }

  void give_up_late(Connection& connection) {
    if (connection.open == 0) connection.last_answer = Clock::now();
    if (Clock::now() - connection.last_answer > kPatience) connect_again(connection);
  }

  void connect_again(Connection& connection) {
    close(connection.fd);
    counts_.lost += connection.open;
    connection = Connection(port_);
  }

  bool is_idle() const {
    return std::ranges::all_of(connections_, [](const Connection& each) { return each.open == 0; });
  }

  Questions questions_;
  uint32_t port_;
  uint32_t window_;
  std::vector<Connection> connections_;
  std::vector<pollfd> watched_;
  std::array<uint8_t, 65536> buffer_;
  Counts counts_;
};

double percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto place = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, values.begin() + place);
  return values[static_cast<std::size_t>(place)];
}

void print(Counts counts) {
  std::printf(
      "{\"answers\": %lu, \"lost\": %lu, \"wrong\": %lu, \"closed\": %lu, \"seconds\": %.6f, "
      "\"median_us\": %.2f, \"p95_us\": %.2f, \"p99_us\": %.2f}\n",
      counts.answers, counts.lost, counts.wrong, counts.closed, counts.seconds,
      percentile(counts.microseconds, 0.5), percentile(counts.microseconds, 0.95),
      percentile(counts.microseconds, 0.99));
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) bench::refuse("");
  const std::string_view kind = words[1];
  const Settings settings = bench::read_settings({words + 2, static_cast<std::size_t>(count - 2)});
  if (kind == "window") {
    print(UdpLoad(settings).run_window());
  } else if (kind == "paced") {
    print(UdpLoad(settings).run_paced(std::max(settings["rate"], 1U)));
  } else if (kind == "tcp") {
    print(TcpLoad(settings).run());
  } else {
    bench::refuse(words[1]);
  }
}
