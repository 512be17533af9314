// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Reading whole files and noticing that they changed.
//
// Changes are found by stat(2), not by inotify: that works for bind mounts, renames, symbolic links
// and network file systems alike, and a file that does not exist yet can be waited for.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace dnslet::io {

// The file's bytes. Fails with "cannot read 'PATH': reason"; also for more than `limit` bytes, and
// for what is not a regular file (a pipe or a device could block or never end).
Result<std::string> read_file(const std::string& path, std::size_t limit);

// What stat tells about a path; equal stamps mean that nothing happened. A path that can't be
// looked at has the empty stamp.
struct FileStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = -1;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;

  bool operator==(const FileStamp&) const = default;
};
FileStamp stamp_of(const std::string& path);

bool is_directory(const std::string& path);

// The paths of the regular files in a directory, by name, but for those that editors leave behind
// (`.name`, `#name#`, `name~`). Fails with "cannot read 'PATH': reason".
Result<std::vector<std::string>> list_directory(const std::string& path);

}  // namespace dnslet::io
