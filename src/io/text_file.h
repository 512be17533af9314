// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A file that is read line by line, however large it is, in little memory. It stays open: what it
// said can be read again when its path leads to nothing any more.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/stop_flag.h"
#include "io/files.h"
#include "io/loop.h"

namespace dnslet::io {

class TextFile {
 public:
  static constexpr std::size_t kMaxLine = 65536;         // bytes
  static constexpr std::size_t kMaxFile = 1024U << 20U;  // bytes; what is longer fails

  // Fails like read_file().
  static Result<TextFile> open(const std::string& path);

  // Whether nobody has written to it since it was opened, wherever its path leads to by now.
  bool is_as_it_was() const { return stamp_.is_same_text(stamp_of(file_)); }
  // Calls `visit` for each line from the first one on, without its line end. Of a line longer than
  // kMaxLine it gets kMaxLine + 1 bytes. The view is valid during the call. Fails like read_file().
  Status for_each_line(const std::function<void(std::string_view line)>& visit,
                       const StopFlag& stop = kNeverStopped) const;

 private:
  TextFile(std::string path, Descriptor file)
      : path_(std::move(path)), file_(std::move(file)), stamp_(stamp_of(file_)) {}

  std::string path_;
  Descriptor file_;
  FileStamp stamp_;
};

}  // namespace dnslet::io
