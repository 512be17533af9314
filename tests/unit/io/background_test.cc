// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/background.h"

#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <thread>

#include "catch.h"

namespace dnslet::io {
namespace {

// Work that lasts until it is told to stop.
void last(const StopFlag& stop) {
  while (!is_set(stop)) std::this_thread::yield();
}

}  // namespace

TEST_CASE("work is done beside the loop, what follows in its thread") {
  Loop loop;
  Background background(loop);
  const auto here = std::this_thread::get_id();
  std::thread::id there;
  std::thread::id after;
  background.run([&](const StopFlag&) { there = std::this_thread::get_id(); },
                 [&] {
                   after = std::this_thread::get_id();
                   loop.stop();
                 });
  CHECK(background.is_busy());
  loop.run();
  CHECK(there != here);
  CHECK(after == here);
  CHECK_FALSE(background.is_busy());
}

TEST_CASE("work gives way to the loop") {
  Loop loop;
  Background background(loop);
  const int here = getpriority(PRIO_PROCESS, 0);
  int there = 0;
  background.run([&](const StopFlag&) { there = getpriority(PRIO_PROCESS, 0); },
                 [&loop] { loop.stop(); });
  loop.run();
  constexpr int kLast = 19;  // of the kernel
  CHECK(there == std::min(here + 10, kLast));
  CHECK(getpriority(PRIO_PROCESS, 0) == here);
}

TEST_CASE("a piece of work begins when the one before has been told of") {
  Loop loop;
  Background background(loop);
  std::string steps;  // no lock: the sanitizers for threads look on
  for (const char name : {'a', 'b', 'c'})
    background.run([&steps, name](const StopFlag&) { steps += name; },
                   [&steps, name] { steps += static_cast<char>(name - 'a' + 'A'); });
  background.run([](const StopFlag&) {}, [&loop] { loop.stop(); });
  loop.run();
  CHECK(steps == "aAbBcC");
}

TEST_CASE("a piece of work may be added from behind another") {
  Loop loop;
  Background background(loop);
  int done = 0;
  background.run([](const StopFlag&) {},
                 [&] { background.run([&](const StopFlag&) { ++done; }, [&] { loop.stop(); }); });
  loop.run();
  CHECK(done == 1);
}

TEST_CASE("the end tells the work to stop and forgets the rest") {
  Loop loop;
  Background background(loop);
  bool was_told = false;
  int begun = 0;
  background.run(last, [&] { was_told = true; });
  background.run([&](const StopFlag&) { ++begun; }, nullptr);
  while (!background.end(Milliseconds(1000))) continue;
  background.run([&](const StopFlag&) { ++begun; }, nullptr);  // too late
  CHECK_FALSE(background.is_busy());
  CHECK_FALSE(was_told);
  CHECK(begun == 0);
}

TEST_CASE("the end does not wait for work that hears nothing") {
  Loop loop;
  StopFlag may_end = false;
  Background background(loop);
  background.run([&](const StopFlag&) { last(may_end); }, nullptr);
  CHECK_FALSE(background.end(Milliseconds(1)));
  may_end = true;
  while (!background.end(Milliseconds(1000))) continue;
}

TEST_CASE("what work holds is given back on its thread") {
  Loop loop;
  Background background(loop);
  const auto here = std::this_thread::get_id();
  std::thread::id there;
  std::shared_ptr<int> held(new int(1), [&](const int* number) {
    there = std::this_thread::get_id();
    delete number;
  });
  background.run([held = std::move(held)](const StopFlag&) {}, [&] { loop.stop(); });
  loop.run();
  CHECK(there != std::thread::id());
  CHECK(there != here);
}

}  // namespace dnslet::io
