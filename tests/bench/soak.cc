// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Asks a server on 127.0.0.1 for a long time, everything in turn, and looks at every answer: soak
// port=N questions=N mark=N. Keeps `window` questions open on each of `sockets`. What is asked, by
// the name's first letter, with stub_upstream behind the server:
//
//   h  in the hosts file, 1,000 names: the address
//   n  an address: half of these questions are for 4,000 names, half for one that is new each time
//   e  an n name, but AAAA: an empty answer
//   x  2,000 names that do not exist: NXDOMAIN
//   t  upstream is silent: SERVFAIL when the server has waited long enough
//
// Whenever `mark` more answers have come it prints a line with their number. The last line is JSON:
// for each letter the questions that were asked, answered as they should be, answered otherwise,
// and not answered within 20 s; and `strange`, the answers to no open question, by ID.

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "datagrams.h"
#include "questions.h"
#include "window.h"

namespace {

using bench::Batch;
using bench::Clock;
using bench::Questions;
using bench::Window;

constexpr auto kPatience = std::chrono::seconds(20);
constexpr uint32_t kFirstNew = 100'000;  // the numbers of names that are asked once

struct Counts {
  uint64_t asked = 0;
  uint64_t right = 0;
  uint64_t wrong = 0;
  uint64_t lost = 0;
};

bool is_right(char kind, bench::Packet packet) {
  const unsigned rcode = packet[3] & 0x0f;
  switch (kind) {
    case 'x':
      return rcode == 3 && packet[7] == 0;
    case 't':
      return rcode == 2 && packet[7] == 0;
    case 'e':
      return rcode == 0 && packet[7] == 0;
    default:
      return rcode == 0 && packet[7] == 1 && packet.size() >= bench::kAnswerRecord.size() &&
             std::ranges::equal(packet.last(4), std::span(bench::kAnswerRecord).last(4));
  }
}

class Soak {
 public:
  explicit Soak(const bench::Settings& settings)
      : questions_(settings), mark_(settings["mark"]), next_mark_(mark_) {
    for (uint32_t i = 0; i < settings["sockets"]; ++i) {
      watched_.push_back({bench::connected_socket(settings["port"], SOCK_DGRAM), POLLIN, 0});
      windows_.emplace_back(settings["window"]);
    }
  }

  void run() {
    while (questions_.left(1) > 0 || !std::ranges::all_of(windows_, &Window::is_idle)) {
      for (std::size_t i = 0; i < windows_.size(); ++i) send(i);
      (void)poll(watched_.data(), watched_.size(), 50);
      for (std::size_t i = 0; i < windows_.size(); ++i)
        if (watched_[i].revents != 0) receive(i);
      drop_lost();
    }
  }

  void print() const {
    for (const auto& [kind, counts] : counts_)
      std::printf("%s\"%c\": {\"asked\": %lu, \"right\": %lu, \"wrong\": %lu, \"lost\": %lu}",
                  kind == counts_.begin()->first ? "{" : ", ", kind, counts.asked, counts.right,
                  counts.wrong, counts.lost);
    std::printf(", \"strange\": %lu}\n", strange_);
  }

 private:
  void send(std::size_t place) {
    const uint32_t room = std::min<uint32_t>(windows_[place].room(), Batch::kSize);
    const uint32_t count = questions_.left(room);
    const Clock::time_point now = Clock::now();
    for (std::size_t i = 0; i < count; ++i) {
      const char kind = next_kind();
      ++counts_[kind].asked;
      write(kind, windows_[place].open({now, kind}), batch_.packet(i));
      batch_.set_size(i, Questions::kSize);
    }
    batch_.send(watched_[place].fd, count);
  }

  char next_kind() {
    const uint32_t drawn = questions_.random_below(1000);
    if (drawn < 2) return 't';
    if (drawn < 200) return 'x';
    if (drawn < 300) return 'e';
    return drawn < 500 ? 'h' : 'n';
  }

  void write(char kind, uint32_t id, uint8_t* to) {
    constexpr uint8_t kTypeAaaa = 28;
    questions_.write(next_number(kind), id, to);
    to[Questions::kLetter] = static_cast<uint8_t>(kind == 'e' ? 'n' : kind);
    if (kind == 'e') to[Questions::kType] = kTypeAaaa;
  }

  uint32_t next_number(char kind) {
    switch (kind) {
      case 'h':
        return questions_.random_below(1000);
      case 'x':
        return questions_.random_below(2000);
      case 't':
        return kFirstNew + new_++;
      default:
        return questions_.random_below(2) == 0 ? questions_.random_below(4000) : kFirstNew + new_++;
    }
  }

  void receive(std::size_t place) {
    const std::size_t count = batch_.receive(watched_[place].fd, MSG_DONTWAIT);
    for (std::size_t i = 0; i < count; ++i) {
      const bench::Packet packet(batch_.packet(i), batch_.received_size(i));
      const auto question = windows_[place].close(packet);
      if (!question) {
        ++strange_;
        continue;
      }
      Counts& counts = counts_[question->kind];
      ++(is_right(question->kind, packet) ? counts.right : counts.wrong);
      note_answer();
    }
  }

  void note_answer() {
    if (mark_ == 0 || ++answers_ < next_mark_) return;
    next_mark_ += mark_;
    std::printf("%lu\n", answers_);
    std::fflush(stdout);
  }

  void drop_lost() {
    const Clock::time_point now = Clock::now();
    if (now - looked_for_lost_ < std::chrono::milliseconds(500)) return;
    looked_for_lost_ = now;
    for (Window& window : windows_)
      window.drop_before(now - kPatience,
                         [this](const Window::Question& lost) { ++counts_[lost.kind].lost; });
  }

  Questions questions_;
  std::vector<pollfd> watched_;
  std::vector<Window> windows_;
  Batch batch_;
  std::map<char, Counts> counts_;
  uint64_t strange_ = 0;
  uint64_t answers_ = 0;
  uint64_t mark_;
  uint64_t next_mark_;
  uint32_t new_ = 0;
  Clock::time_point looked_for_lost_ = Clock::now();
};

}  // namespace

int main(int count, char** words) {
  Soak soak(bench::read_settings({words + 1, static_cast<std::size_t>(count - 1)}));
  soak.run();
  soak.print();
}
