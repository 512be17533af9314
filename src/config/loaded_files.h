// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What was taken from files, for people to look at: which file of which option holds how much, and
// when it was read.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "io/loop.h"

namespace dnslet::config {

struct LoadedFile {
  std::string option;       // without dashes; of --list with the list's name
  std::string path;         // empty: the command line or a variable
  std::size_t entries = 0;  // lines of use, or what they hold
};

struct LoadedFiles {
  io::Milliseconds at = io::wall_clock();
  std::vector<LoadedFile> files;

  void add(std::string option, const std::string& path, std::size_t entries);
};

// Null: nothing has been read.
using Loaded = std::shared_ptr<const LoadedFiles>;
Loaded keep(LoadedFiles&& files);

}  // namespace dnslet::config
