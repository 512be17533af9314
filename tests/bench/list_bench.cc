// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// What lists cost: memory for each name, loaded and at most meanwhile, CPU to load a million of
// them in each of three forms, and the time of a look-up. Numbers of this machine and moment.

#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "config/list_reader.h"
#include "policy/block_lists.h"

namespace dnslet {
namespace {

constexpr std::size_t kNames = 1'000'000;
constexpr std::size_t kPatterns = 1'000;
constexpr uint64_t kSeed = 0x0123456789abcdef;

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Bytes: "VmRSS" now, "VmHWM" at most.
std::size_t memory(const char* field) {
  std::size_t kilobytes = 0;
  std::FILE* const file = std::fopen("/proc/self/status", "r");
  char line[256];
  while (file && std::fgets(line, sizeof line, file))
    if (std::strncmp(line, field, std::strlen(field)) == 0)
      (void)std::sscanf(line + std::strlen(field), ": %zu", &kilobytes);
  if (file) (void)std::fclose(file);
  return kilobytes * 1024;
}

// From here on VmHWM counts anew.
void forget_peak() {
  std::FILE* const file = std::fopen("/proc/self/clear_refs", "w");
  if (!file) return;
  (void)std::fputs("5", file);
  (void)std::fclose(file);
}

// Names as lists have them: 20 letters and 3 labels on average.
std::string name_of(std::size_t number) {
  const std::size_t scattered = number * 2654435761 % 4294967296;
  static constexpr const char* kTops[] = {"com", "net", "org", "co.uk", "info"};
  return "track" + std::to_string(scattered) + ".ads" + std::to_string(number % 97) + "." +
         kTops[number % 5];
}

// A file in memory, of lines made of the names.
class List {
 public:
  List(const char* front, const char* end) : fd_(memfd_create("list", 0)) {
    std::FILE* const file = fdopen(dup(fd_), "w");
    for (std::size_t i = 0; i < kNames; ++i)
      (void)std::fprintf(file, "%s%s%s\n", front, name_of(i).c_str(), end);
    (void)std::fclose(file);
  }
  ~List() { close(fd_); }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

std::unique_ptr<policy::ListedNames> load(const std::string& path) {
  auto names = std::make_unique<policy::ListedNames>(kSeed);
  const auto open = [](const std::string& file,
                       const std::string&) -> Result<config::ListReader::File> {
    auto opened = io::TextFile::open(file);
    if (!opened) return opened.error();
    return std::make_shared<const io::TextFile>(std::move(*opened));
  };
  const auto add = [&names](const policy::ListEntry& entry, const config::ListReader::Place&) {
    names->add(entry);
  };
  const auto add_plain = [&names](std::string_view line) { return names->add_plain(line); };
  config::ListReader reader({open, add, add_plain}, kNeverStopped);
  if (!reader.read(path)) std::puts("the list can't be read");
  names->finish();
  return names;
}

void measure_load(const char* form, const List& list) {
  (void)load(list.path());  // the first reading pays for pages of code
  (void)malloc_trim(0);
  forget_peak();
  const std::size_t before = memory("VmRSS");
  const double start = cpu_seconds();
  const auto names = load(list.path());
  const double taken = cpu_seconds() - start;
  const auto each = [before](std::size_t bytes) {
    return static_cast<double>(bytes - before) / static_cast<double>(kNames);
  };
  std::printf("%-12s %7zu names  %5.2f bytes each, %5.2f at most while loading, %.3f s of CPU\n",
              form, names->size(), each(memory("VmRSS")), each(memory("VmHWM")), taken);
}

void measure_lookups(const char* what, const policy::ListedNames& names, const char* front,
                     std::size_t from) {
  std::vector<dns::Name> asked;
  for (std::size_t i = 0; i < 10'000; ++i)
    asked.push_back(*dns::Name::from_text(front + name_of(from + i * 97)));
  constexpr std::size_t kRounds = 100;
  std::size_t found = 0;
  const double start = cpu_seconds();
  for (std::size_t round = 0; round < kRounds; ++round)
    for (const dns::Name& name : asked) found += names.has(name) ? 1U : 0U;
  const double taken = cpu_seconds() - start;
  const auto lookups = static_cast<double>(kRounds * asked.size());
  std::printf("%-40s %6.0f ns  (%.0f %% taken)\n", what, taken * 1e9 / lookups,
              100 * static_cast<double>(found) / lookups);
}

void run() {
  {
    const List plain("", "");
    measure_load("plain", plain);
    measure_load("hosts", List("0.0.0.0 ", ""));
    measure_load("Adblock", List("||", "^"));
    const auto names = load(plain.path());
    measure_lookups("a name that is listed", *names, "", 0);
    measure_lookups("a name below one that is", *names, "www.", 0);
    measure_lookups("a name that is not", *names, "", kNames);
  }
  policy::ListedNames patterns(kSeed);
  policy::ListLine line;
  for (std::size_t i = 0; i < kPatterns; ++i) {
    const std::string word = "w" + std::to_string(i * 7919);
    line.parse(i % 2 == 0 ? "keyword:" + word : "||" + word + "*.test^");
    for (const policy::ListEntry& entry : line.entries) patterns.add(entry);
  }
  patterns.finish();
  measure_lookups("1,000 words and patterns, none fits", patterns, "www.", 0);
  policy::ListedNames expressions(kSeed);
  const double start = cpu_seconds();
  for (std::size_t i = 0; i < kPatterns; ++i) {
    line.parse("regexp:(^|\\.)w" + std::to_string(i * 7919) + "(er|ing)?[0-9]*\\.");
    for (const policy::ListEntry& entry : line.entries) expressions.add(entry);
  }
  expressions.finish();
  std::printf("1,000 expressions are compiled in %.3f s\n", cpu_seconds() - start);
  measure_lookups("1,000 expressions, none fits", expressions, "www.", 0);
  policy::ListedNames one(kSeed);
  line.parse(R"(regexp:^ad[0-9]+\.)");
  for (const policy::ListEntry& entry : line.entries) one.add(entry);
  one.finish();
  measure_lookups("an expression without a literal", one, "www.", 0);
  const policy::ListedNames empty(kSeed);
  measure_lookups("an empty list", empty, "", 0);
}

}  // namespace
}  // namespace dnslet

int main() {
#if defined(__GLIBC__)
  (void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);  // as dnslet itself
#endif
  dnslet::run();
  return 0;
}
