// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/files.h"
#include "base/sort.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <thread>

namespace dnslet::io {
namespace {

Error cannot_write(const std::string& path, const std::string& reason) {
  return Error{"cannot write '" + path + "': " + reason};
}

// The bytes of an open file, from its start on.
Result<std::string> read_all(const Descriptor& file, const std::string& path, std::size_t limit,
                             const StopFlag& stop = kNeverStopped) {
  std::string text;
  std::array<char, 65536> chunk;
  while (true) {  // ends: at the end of the file or above the limit
    if (is_set(stop)) return cannot_read(path, "stopped");
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

FileStamp stamp_from(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim),
          nanoseconds(status.st_ctim)};
}

bool is_left_behind(std::string_view name) {
  return name.starts_with('.') || name.starts_with('#') || name.ends_with('~');
}

}  // namespace

Error cannot_read(const std::string& path, const std::string& reason) {
  return Error{"cannot read '" + path + "': " + reason};
}

Result<Descriptor> open_to_read(const std::string& path) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0) return cannot_read(path, uv_strerror(-errno));
  if (S_ISDIR(status.st_mode)) return cannot_read(path, uv_strerror(UV_EISDIR));
  if (!S_ISREG(status.st_mode)) return cannot_read(path, "not a regular file");
  return file;
}

Result<std::string> read_file(const std::string& path, std::size_t limit, const StopFlag& stop) {
  const auto file = open_to_read(path);
  if (!file) return file.error();
  return read_all(*file, path, limit, stop);
}

Status may_read(const std::string& path) {
  const int how = is_directory(path) ? R_OK | X_OK : R_OK;
  if (access(path.c_str(), how) == 0) return Done();
  return cannot_read(path, uv_strerror(-errno));
}

std::vector<std::string> unreadable(const std::vector<std::string>& paths) {
  std::vector<std::string> sentences;
  for (const std::string& path : paths) {
    const Status status = may_read(path);
    if (!status && std::ranges::find(sentences, status.error().text) == sentences.end())
      sentences.push_back(status.error().text);
  }
  return sentences;
}

std::string path_behind_links(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::weakly_canonical(path, ignored).string();
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string behind_links(std::string path) {
  constexpr int kMostLinks = 40;  // as path_resolution(7) has it
  std::array<char, PATH_MAX> target{};
  for (int i = 0; i < kMostLinks; ++i) {
    const ssize_t size = readlink(path.c_str(), target.data(), target.size());
    if (size < 0) break;
    const std::string_view aim(target.data(), static_cast<std::size_t>(size));
    path = aim.starts_with('/') ? std::string() : folder_of(path).append("/");
    path += aim;
  }
  return path;
}

FileStamp stamp_of(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? stamp_from(status) : FileStamp();
}

FileStamp stamp_of(const Descriptor& file) {
  struct stat status {};
  return fstat(file.get(), &status) == 0 ? stamp_from(status) : FileStamp();
}

std::vector<FileStamp> stamps_of(const std::vector<std::string>& paths) {
  std::vector<FileStamp> stamps;
  stamps.reserve(paths.size());
  for (const std::string& path : paths) stamps.push_back(stamp_of(path));
  return stamps;
}

Status FileInPlace::open() {
  struct stat status {};
  Descriptor file(::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!file || fstat(file.get(), &status) != 0) return cannot_write(path_, uv_strerror(-errno));
  if (!S_ISREG(status.st_mode)) return cannot_write(path_, "not a regular file");
  file_ = std::move(file);
  return Done();
}

bool FileInPlace::has_path() const {
  struct stat opened {};
  struct stat found {};
  if (!file_ || fstat(file_.get(), &opened) != 0) return false;
  if (stat(path_.c_str(), &found) != 0) return errno == EACCES;
  return opened.st_dev == found.st_dev && opened.st_ino == found.st_ino;
}

FileStamp FileInPlace::stamp() const { return has_path() ? stamp_of(file_) : stamp_of(path_); }

FileInPlace::Lock::~Lock() {
  if (fd_ >= 0) (void)flock(fd_, LOCK_UN);  // closing would do it as well
}

Result<FileInPlace::Lock> FileInPlace::lock(Milliseconds patience, const StopFlag& stop) const {
  constexpr Milliseconds kPause{2};
  for (Milliseconds waited{0}; flock(file_.get(), LOCK_EX | LOCK_NB) != 0; waited += kPause) {
    // File systems that know no locks have no two programs that need one.
    if (errno == ENOLCK || errno == EOPNOTSUPP || errno == EINVAL) break;
    if (waited >= patience || is_set(stop)) return cannot_write(path_, "locked by another program");
    std::this_thread::sleep_for(kPause);
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

std::size_t most_open_files() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : SIZE_MAX;
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
  sort_now_and_then(files);
  return files;
}

std::vector<std::string> files_below(const std::string& path,
                                     const std::vector<std::string>& files) {
  const std::string folder = path.ends_with('/') ? path : path + '/';
  std::vector<std::string> below;
  for (const std::string& file : files) {
    const bool is_meant = file == path || file.starts_with(folder);
    if (is_meant && std::ranges::find(below, file) == below.end()) below.push_back(file);
  }
  return below;
}

Result<std::vector<std::string>> files_of(const std::string& path,
                                          const std::vector<std::string>& before) {
  const bool was_directory = !before.empty() && before.front() != path;
  const bool was_file = !before.empty() && !was_directory;
  if (is_directory(path))
    return was_file ? cannot_read(path, "a directory now") : list_directory(path);
  if (!was_directory) return std::vector<std::string>{path};
  const bool is_there = access(path.c_str(), F_OK) == 0;
  return cannot_read(path, is_there ? "not a directory any more" : uv_strerror(-errno));
}

}  // namespace dnslet::io
