// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Reading whole files, noticing that they changed, and changing one in place.
//
// Changes are found by stat(2), not by inotify: that works for bind mounts, renames, symbolic links
// and network file systems alike, and a file that does not exist yet can be waited for.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "io/loop.h"

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

// Notices that a file has changed once the change is over: a program that writes in several steps
// should neither be read nor edited half-way. To be asked at intervals.
class FileWatch {
 public:
  explicit FileWatch(std::string path) : path_(std::move(path)) {}

  // Call before reading: what is there now is known.
  void mark();
  // Whether the file differs from what is known and was the same when this was asked last.
  bool has_changed();

 private:
  std::string path_;
  FileStamp known_;
  FileStamp seen_;
};

// A file that keeps its inode, owner and mode whatever is written to it. Never creates one.
class FileInPlace {
 public:
  explicit FileInPlace(std::string path) : path_(std::move(path)) {}

  // Opens the file that has the path now, or keeps the one that is open if it still has it. Fails
  // with "cannot write 'PATH': reason"; then a file opened before stays open.
  Status open();
  // Keeps others that lock it (flock(2)) away until the lock is destroyed. Waits for a moment, then
  // fails. REQUIRES: open() has succeeded, here and below.
  class Lock {
   public:
    explicit Lock(int fd) : fd_(fd) {}
    ~Lock();
    Lock(Lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Lock& operator=(Lock&&) = delete;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    int fd_;
  };
  Result<Lock> lock() const;
  // The file's bytes, at most `limit`.
  Result<std::string> read(std::size_t limit) const;
  // Writes at `offset` and waits until the disk has it.
  Status write(std::size_t offset, std::string_view bytes) const;
  Status cut(std::size_t size) const;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  Descriptor file_;
};

bool is_directory(const std::string& path);

// The paths of the regular files in a directory, by name, but for those that editors leave behind
// (`.name`, `#name#`, `name~`). Fails with "cannot read 'PATH': reason".
Result<std::vector<std::string>> list_directory(const std::string& path);

}  // namespace dnslet::io
