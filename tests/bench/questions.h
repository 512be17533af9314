// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// What a run of load asks, and for how long. The numbers are explained at the top of load.cc.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "datagrams.h"

namespace bench {

using Clock = std::chrono::steady_clock;

struct Settings {
  std::map<std::string, uint32_t, std::less<>> numbers = {
      {"port", 0},    {"window", 256}, {"sockets", 1}, {"rate", 5000}, {"questions", 0},
      {"seconds", 1}, {"first", 0},    {"names", 0},   {"hosts", 0},   {"mark", 0},
  };

  uint32_t operator[](std::string_view name) const { return numbers.find(name)->second; }
};

constexpr uint32_t kMaxWindow = 1024;

[[noreturn]] inline void refuse(const char* word) {
  std::fprintf(stderr, "cannot use '%s'; see the top of this program's source\n", word);
  std::exit(2);
}

// From NAME=NUMBER words; anything else ends the program.
inline Settings read_settings(std::span<char* const> words) {
  Settings settings;
  for (const char* const text : words) {
    const std::string_view word = text;
    const std::size_t equals = word.find('=');
    const auto found = settings.numbers.find(word.substr(0, equals));
    if (equals == word.npos || found == settings.numbers.end()) refuse(text);
    found->second = number_from_text(word.substr(equals + 1));
  }
  if (settings["window"] == 0 || settings["window"] > kMaxWindow) refuse("window");
  if (settings["sockets"] == 0) refuse("sockets");
  return settings;
}

// Any two numbers below 2^31 get different names: the factor is odd.
constexpr uint32_t kScatter = 2654435761;
constexpr uint32_t kScatterRange = 1U << 31;

// The questions, one after the other, and when they end.
class Questions {
 public:
  static constexpr std::size_t kSize = 36;
  static constexpr std::size_t kLetter = 13;  // where in the packet the name's first letter is
  static constexpr std::size_t kType = 33;    // and the lower byte of the type

  explicit Questions(const Settings& settings)
      : first_(settings["first"]),
        names_(settings["names"]),
        questions_(settings["questions"]),
        end_(Clock::now() + std::chrono::seconds(settings["seconds"])) {
    static constexpr char kPacket[] =
        "\0\0\1\0\0\1\0\0\0\0\0\0"
        "\7n000000\5bench\4test\0\0\1\0\1";
    static_assert(sizeof kPacket == kSize + 1);
    std::copy_n(kPacket, kSize, packet_.begin());
    if (settings["hosts"] != 0) packet_[kLetter] = 'h';
  }

  // How many of `wanted` may still be asked.
  uint32_t left(uint32_t wanted) const {
    if (questions_ == 0) return Clock::now() < end_ ? wanted : 0;
    return std::min(wanted, questions_ - asked_);
  }

  void write_next(uint32_t id, uint8_t* to) {
    write(first_ + (names_ == 0 ? asked_ : random_below(names_)), id, to);
  }

  // The question for the name with this number, which counts as asked.
  void write(uint32_t number, uint32_t id, uint8_t* to) {
    // Like real names: 6 letters or digits that do not count up (some servers' hashes suffer then).
    uint32_t rest = number * kScatter % kScatterRange;
    ++asked_;
    for (std::size_t i = 19; i > 13; --i, rest /= 36)
      packet_[i] = static_cast<uint8_t>("0123456789abcdefghijklmnopqrstuvwxyz"[rest % 36]);
    packet_[0] = static_cast<uint8_t>(id >> 8);
    packet_[1] = static_cast<uint8_t>(id);
    std::ranges::copy(packet_, to);
  }

  // xorshift32 (Marsaglia); the same numbers in every run.
  uint32_t random_below(uint32_t limit) {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 17;
    random_ ^= random_ << 5;
    return static_cast<uint32_t>((uint64_t{random_} * limit) >> 32);
  }

 private:
  std::array<uint8_t, kSize> packet_;
  uint32_t first_;
  uint32_t names_;
  uint32_t questions_;
  uint32_t asked_ = 0;
  uint32_t random_ = 2463534242;
  Clock::time_point end_;
};

}  // namespace bench
