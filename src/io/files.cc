// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace dnslet::io {
namespace {

Error cannot_read(const std::string& path, const std::string& reason) {
  return Error{"cannot read '" + path + "': " + reason};
}

Error cannot_write(const std::string& path, const std::string& reason) {
  return Error{"cannot write '" + path + "': " + reason};
}

// The bytes of an open file, from its start on.
Result<std::string> read_all(const Descriptor& file, const std::string& path, std::size_t limit) {
  std::string text;
  std::array<char, 65536> chunk;
  while (true) {  // ends: at the end of the file or above the limit
    const ssize_t count =
        pread(file.get(), chunk.data(), chunk.size(), static_cast<off_t>(text.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(path, uv_strerror(-errno));
    if (count == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(count));
    if (text.size() > limit)
      return cannot_read(path, "larger than " + std::to_string(limit >> 20) + " MiB");
  }
}

int64_t nanoseconds(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

// What tells one file from another; nothing for a path that can't be looked at.
std::pair<dev_t, ino_t> inode_of(const struct stat& status) {
  return {status.st_dev, status.st_ino};
}

std::pair<dev_t, ino_t> inode_of(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? inode_of(status) : std::pair<dev_t, ino_t>();
}

bool is_left_behind(std::string_view name) {
  return name.starts_with('.') || name.starts_with('#') || name.ends_with('~');
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0) return cannot_read(path, uv_strerror(-errno));
  if (S_ISDIR(status.st_mode)) return cannot_read(path, uv_strerror(UV_EISDIR));
  if (!S_ISREG(status.st_mode)) return cannot_read(path, "not a regular file");

  return read_all(file, path, limit);
}

FileStamp stamp_of(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim),
          nanoseconds(status.st_ctim)};
}

void FileWatch::mark() { known_ = seen_ = stamp_of(path_); }

bool FileWatch::has_changed() {
  const FileStamp now = stamp_of(path_);
  const bool is_settled = now == std::exchange(seen_, now);
  return is_settled && now != known_;
}

Status FileInPlace::open() {
  struct stat status {};
  if (file_ && fstat(file_.get(), &status) == 0 && inode_of(status) == inode_of(path_))
    return Done();
  Descriptor file(::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!file || fstat(file.get(), &status) != 0) return cannot_write(path_, uv_strerror(-errno));
  if (!S_ISREG(status.st_mode)) return cannot_write(path_, "not a regular file");
  file_ = std::move(file);
  return Done();
}

FileInPlace::Lock::~Lock() {
  if (fd_ >= 0) (void)flock(fd_, LOCK_UN);  // closing would do it as well
}

Result<FileInPlace::Lock> FileInPlace::lock() const {
  constexpr int kTries = 75;
  constexpr timespec kPause = {0, 2'000'000};  // 150 ms in all
  for (int left = kTries; flock(file_.get(), LOCK_EX | LOCK_NB) != 0; --left) {
    // File systems that know no locks have no two programs that need one.
    if (errno == ENOLCK || errno == EOPNOTSUPP || errno == EINVAL) break;
    if (left == 0) return cannot_write(path_, "locked by another program");
    (void)nanosleep(&kPause, nullptr);
  }
  return Lock(file_.get());
}

Result<std::string> FileInPlace::read(std::size_t limit) const {
  return read_all(file_, path_, limit);
}

Status FileInPlace::write(std::size_t offset, std::string_view bytes) const {
  while (!bytes.empty()) {  // ends: every write takes bytes or fails
    const ssize_t count =
        pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_write(path_, uv_strerror(-errno));
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::size_t>(count);
  }
  // EINVAL, ENOSYS: a file system without a disk behind it.
  if (fsync(file_.get()) != 0 && errno != EINVAL && errno != ENOSYS)
    return cannot_write(path_, uv_strerror(-errno));
  return Done();
}

Status FileInPlace::cut(std::size_t size) const {
  if (ftruncate(file_.get(), static_cast<off_t>(size)) == 0) return Done();
  return cannot_write(path_, uv_strerror(-errno));
}

bool is_directory(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  std::error_code error;
  std::vector<std::string> files;
  std::filesystem::directory_iterator entry(path, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    const bool is_file = entry->is_regular_file(ignored);
    if (is_file && !is_left_behind(entry->path().filename().string()))
      files.push_back(entry->path().string());
  }
  if (error) return cannot_read(path, error.message());
  std::ranges::sort(files);
  return files;
}

}  // namespace dnslet::io
