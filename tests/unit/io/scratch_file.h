// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "catch.h"

namespace dnslet::test {

// A file in memory alone, whose path leads nowhere once this is gone.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& text) : fd_(memfd_create("list", MFD_CLOEXEC)) {
    REQUIRE(fd_ >= 0);
    REQUIRE(write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  ~ScratchFile() { close(fd_); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

}  // namespace dnslet::test
