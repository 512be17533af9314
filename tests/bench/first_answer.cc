// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// How long a server takes from its start to its first answer: first_answer PORT NAME COMMAND...
// Starts the command, asks 127.0.0.1:PORT for the A record of NAME every 0.2 ms, prints the
// milliseconds until an answer with a record came, and ends the command.

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "datagrams.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(20);

std::string make_question(std::string_view name) {
  std::string packet("\0\1\1\0\0\1\0\0\0\0\0\0", bench::kHeaderSize);
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    packet += static_cast<char>(label.size());
    packet += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return packet + std::string("\0\0\1\0\1", 5);
}

// True as soon as an answer without an error and with a record has come.
bool ask_once(int fd, const std::string& question) {
  (void)send(fd, question.data(), question.size(), 0);  // refused until the server has its port
  pollfd readable{fd, POLLIN, 0};
  const timespec pause{0, 200'000};
  if (ppoll(&readable, 1, &pause, nullptr) != 1) return false;
  std::array<uint8_t, bench::kMaxPacket> answer;
  const ssize_t size = recv(fd, answer.data(), answer.size(), MSG_DONTWAIT);
  if (size > 0) return bench::is_good_answer({answer.data(), static_cast<std::size_t>(size)});
  (void)nanosleep(&pause, nullptr);  // refused: nothing to wait for
  return false;
}

}  // namespace

int main(int count, char** words) {
  if (count < 4) return 2;
  const sockaddr_in server = bench::loopback(bench::number_from_text(words[1]));
  const std::string question = make_question(words[2]);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0)
    bench::fail("cannot connect");

  const Clock::time_point begin = Clock::now();
  const pid_t child = vfork();
  if (child == 0) {
    execvp(words[3], words + 3);
    _exit(127);
  }
  bool is_answered = false;
  while (!is_answered && Clock::now() - begin < kPatience) is_answered = ask_once(fd, question);
  const std::chrono::duration<double, std::milli> took = Clock::now() - begin;

  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  if (is_answered) std::printf("%.3f\n", took.count());
  return is_answered ? 0 : 1;
}
