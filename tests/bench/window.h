// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// The questions that are open on one socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "datagrams.h"
#include "questions.h"

namespace bench {

// By ID: place in the table and generation. An answer that comes twice, or too late, finds nothing
// until its place has been used for as many questions more as there are generations.
class Window {
 public:
  struct Question {
    Clock::time_point asked;
    char kind = 0;  // whatever the asker wants to know again
  };

  explicit Window(uint32_t size) : slots_(size) {
    for (uint32_t i = size; i > 0; --i) free_.push_back(i - 1);
  }

  uint32_t room() const { return static_cast<uint32_t>(free_.size()); }
  bool is_idle() const { return free_.size() == slots_.size(); }

  // REQUIRES: room() > 0. Returns the ID to ask with.
  uint32_t open(const Question& question) {
    const uint32_t place = free_.back();
    free_.pop_back();
    Slot& slot = slots_[place];
    slot = {question, (slot.generation + 1) % kGenerations, true};
    return slot.generation * kMaxWindow + place;
  }

  // The question that this packet answers; nothing for one that is not open.
  std::optional<Question> close(Packet packet) {
    if (packet.size() < kHeaderSize) return {};
    const uint32_t id = packet[0] * 256U + packet[1];
    const uint32_t place = id % kMaxWindow;
    if (place >= slots_.size()) return {};
    Slot& slot = slots_[place];
    if (!slot.is_open || slot.generation != id / kMaxWindow) return {};
    slot.is_open = false;
    free_.push_back(place);
    return slot.question;
  }

  // Gives up on what was asked before `limit`; each one is handed to `on_lost`.
  template <typename OnLost>
  void drop_before(Clock::time_point limit, const OnLost& on_lost) {
    for (uint32_t place = 0; place < slots_.size(); ++place) {
      if (!slots_[place].is_open || slots_[place].question.asked > limit) continue;
      slots_[place].is_open = false;
      free_.push_back(place);
      on_lost(slots_[place].question);
    }
  }

 private:
  // What the place leaves of the 16 bits of an ID tells generations apart.
  static constexpr uint32_t kGenerations = 65536 / kMaxWindow;

  struct Slot {
    Question question;
    uint32_t generation = 0;
    bool is_open = false;
  };
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
};

}  // namespace bench
