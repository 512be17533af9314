// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
//
// Any bytes as a file of root certificates: certificates, or a sentence about it.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <string>

#include "io/tls.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dnslet;
  if (!io::has_tls()) return 0;
  const int fd = memfd_create("roots", MFD_CLOEXEC);
  if (fd < 0 || write(fd, data, size) != static_cast<ssize_t>(size)) return 0;
  const auto roots = io::load_tls_roots("/proc/self/fd/" + std::to_string(fd));
  close(fd);
  if (roots) {
    assert(*roots);
    return 0;
  }
  const std::string& sentence = roots.error().text;
  assert(!sentence.empty());
  assert(std::ranges::all_of(sentence, [](char c) { return c >= ' ' && c != 127; }));
  return 0;
}
