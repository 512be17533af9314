// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/text_file.h"

#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <vector>

#include "io/files.h"

namespace dnslet::io {
namespace {

// Takes pieces of a text, gives out its lines.
class Lines {
 public:
  explicit Lines(const std::function<void(std::string_view)>& visit) : visit_(visit) {}

  void take(std::string_view piece) {
    while (true) {  // ends: takes a line each turn
      const std::size_t end = piece.find('\n');
      if (end == std::string_view::npos) break;
      give(piece.substr(0, end));
      piece.remove_prefix(end + 1);
    }
    keep(piece);
  }
  void end() {
    if (!start_.empty()) give({});
  }

 private:
  void give(std::string_view line) {
    if (!start_.empty()) {
      keep(line);
      line = start_;
    }
    visit_(line.substr(0, TextFile::kMaxLine + 1));
    start_.clear();
  }
  void keep(std::string_view part) {
    start_.append(part.substr(0, TextFile::kMaxLine + 1 - start_.size()));
  }

  const std::function<void(std::string_view)>& visit_;
  std::string start_;  // of a line that goes on in the next piece
};

}  // namespace

Result<TextFile> TextFile::open(const std::string& path) {
  auto file = open_to_read(path);
  if (!file) return file.error();
  return TextFile(path, std::move(*file));
}

Status TextFile::for_each_line(const std::function<void(std::string_view line)>& visit,
                               const StopFlag& stop) const {
  Lines lines(visit);
  std::vector<char> chunk(kMaxLine);
  std::size_t offset = 0;
  while (true) {  // ends: at the end of the file or above the limit
    if (is_set(stop)) return cannot_read(path_, "stopped");
    const ssize_t count =
        pread(file_.get(), chunk.data(), chunk.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(path_, uv_strerror(-errno));
    if (count == 0) break;
    offset += static_cast<std::size_t>(count);
    if (offset > kMaxFile)
      return cannot_read(path_, "larger than " + std::to_string(kMaxFile >> 20) + " MiB");
    lines.take({chunk.data(), static_cast<std::size_t>(count)});
  }
  lines.end();
  return Done();
}

}  // namespace dnslet::io
