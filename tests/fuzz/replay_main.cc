// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Feeds stored inputs to a fuzz target without a fuzzer, so that the corpus is a regression test
// with any compiler: replay FILE-OR-FOLDER... Each input lies in a heap block of exactly its size,
// where AddressSanitizer sees a read of one byte too many.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> inputs_of(const fs::path& place) {
  if (!fs::is_directory(place)) return {place};

  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(place)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool replay(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(stream)),
                          std::istreambuf_iterator<char>());
  if (!stream.is_open() || stream.bad()) {
    std::fprintf(stderr, "cannot read '%s'\n", file.c_str());
    return false;
  }

  const auto block = std::make_unique<std::uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), block.get());
  (void)LLVMFuzzerTestOneInput(block.get(), bytes.size());  // its value is for the fuzzer only
  return true;
}

int replay_all(int argc, char** argv) {
  std::size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const fs::path& file : inputs_of(argv[i])) {
      if (!replay(file)) return 1;
      ++count;
    }
  }
  std::printf("%s: %zu inputs replayed\n", fs::path(argv[0]).filename().c_str(), count);
  return count == 0 ? 1 : 0;  // an empty corpus is a mistake of the caller
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return replay_all(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
}
