// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "io/loop.h"

namespace dnslet::io {
namespace {

Error cannot_read(const std::string& path, const std::string& reason) {
  return Error{"cannot read '" + path + "': " + reason};
}

int64_t nanoseconds(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
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

  std::string text;
  std::array<char, 65536> chunk;
  while (true) {  // ends: at the end of the file or above the limit
    const ssize_t count = read(file.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(path, uv_strerror(-errno));
    if (count == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(count));
    if (text.size() > limit)
      return cannot_read(path, "larger than " + std::to_string(limit >> 20) + " MiB");
  }
}

FileStamp stamp_of(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim),
          nanoseconds(status.st_ctim)};
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
