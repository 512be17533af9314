// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Reading whole files, noticing that they changed, and changing one in place. All of it may take
// long, where a disk is slow or others hold a lock: call it from io/background once the loop runs.
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
#include "base/stop_flag.h"
#include "io/loop.h"

namespace dnslet::io {

// The file's bytes. Fails with "cannot read 'PATH': reason"; also for more than `limit` bytes, and
// for what is not a regular file (a pipe or a device could block or never end), and when stopped.
Result<std::string> read_file(const std::string& path, std::size_t limit,
                              const StopFlag& stop = kNeverStopped);
// The file, opened for reading. Fails like read_file().
Result<Descriptor> open_to_read(const std::string& path);
// "cannot read 'PATH': reason".
Error cannot_read(const std::string& path, const std::string& reason);
// Whether this process may read it now; fails like read_file().
Status may_read(const std::string& path);
// What it may not read of these now: may_read()'s sentences, each once.
std::vector<std::string> unreadable(const std::vector<std::string>& paths);
// The path that links lead to; empty where that can't be told.
std::string path_behind_links(const std::string& path);

// The folder that the path is in.
std::string folder_of(const std::string& path);
// Where the file is that links lead to, or would be: also where there is none.
std::string behind_links(std::string path);

// What stat tells about a path; equal stamps mean that nothing happened. A path that can't be
// looked at has the empty stamp.
struct FileStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = -1;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;

  bool operator==(const FileStamp&) const = default;
  // Whether it is the same file, wherever it has been moved to, and nobody has written to it.
  bool is_same_text(const FileStamp& other) const {
    return device == other.device && inode == other.inode && size == other.size &&
           modified_ns == other.modified_ns;
  }
};
FileStamp stamp_of(const std::string& path);
FileStamp stamp_of(const Descriptor& file);
std::vector<FileStamp> stamps_of(const std::vector<std::string>& paths);

// Notices that something has changed once the change is over: a program that writes in several
// steps should neither be read nor edited half-way. To be asked at intervals. `Stamp`: of one file,
// or of many as a vector.
template <typename Stamp>
class ChangeWatch {
 public:
  // Call with the stamp from before reading: what was there then is known.
  void mark(const Stamp& now) { known_ = seen_ = now; }
  // Whether it differs from what is known and was the same when this was asked last.
  bool has_changed(const Stamp& now) {
    const bool is_settled = now == std::exchange(seen_, now);
    return is_settled && now != known_;
  }

 private:
  Stamp known_;
  Stamp seen_;
};
using FileWatch = ChangeWatch<FileStamp>;

// A file that keeps its inode, owner and mode whatever is written to it. Never creates one. Once it
// is open it stays the same file, wherever that is moved to.
class FileInPlace {
 public:
  explicit FileInPlace(std::string path) : path_(std::move(path)) {}

  // Opens the file that has the path now. Fails with "cannot write 'PATH': reason".
  Status open();
  bool is_open() const { return static_cast<bool>(file_); }
  // Whether the path leads to the file that is open. Also where it can't be followed to its end for
  // lack of rights, since this process could open no other file there either.
  bool has_path() const;
  // Of the open file as long as it has the path, else of what has it.
  FileStamp stamp() const;

  // Keeps others that lock it (flock(2)) away until the lock is destroyed.
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
  // Fails where another program holds it for as long as `patience`, or when stopped meanwhile.
  // REQUIRES: it is open, here and below.
  Result<Lock> lock(Milliseconds patience, const StopFlag& stop) const;
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

// How many this process may have open, as far as that can be told (getrlimit(2)).
std::size_t most_open_files();

bool is_directory(const std::string& path);

// The paths of the regular files in a directory, by name, but for those that editors leave behind
// (`.name`, `#name#`, `name~`). Fails with "cannot read 'PATH': reason".
Result<std::vector<std::string>> list_directory(const std::string& path);

// Of `files`, that were read before, those that a path stood for: itself, or what lay below it.
// Each once, in order.
std::vector<std::string> files_below(const std::string& path,
                                     const std::vector<std::string>& files);
// What a path stands for now: itself, or what list_directory() says. `before`: what it stood for
// when it was last read. Fails like list_directory(), and where it was a file and is a directory,
// or the other way round.
Result<std::vector<std::string>> files_of(const std::string& path,
                                          const std::vector<std::string>& before);

}  // namespace dnslet::io
