// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A file of blocks with checksums, which is replaced as a whole: whoever reads it finds what was
// written last or what was there before, wherever the writer was stopped. Mode 0600. All of it may
// take long: call it from io/background.
//
// The checksums find accidents, and a file that something else has written; who may write the file
// may write anything.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/stop_flag.h"
#include "dns/wire.h"
#include "io/loop.h"

namespace dnslet::io {

inline constexpr std::size_t kMaxBlock = std::size_t{1} << 21;

class BlockWriter {
 public:
  explicit BlockWriter(std::string path) : path_(std::move(path)) {}
  ~BlockWriter() { drop(); }
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;

  // Begins a new file beside the one that is there, or that links lead to. Fails with "cannot write
  // 'PATH': reason", here and below; also where another program is writing it, and where something
  // else is there than a file of this kind.
  Status open();
  // REQUIRES: it is open; the block is not empty, and no larger than kMaxBlock.
  Status add(dns::BytesView block);
  // What is not finished goes, as it does where something fails.
  void drop();
  // Has the disk keep it, and puts it in the other one's place. REQUIRES: it is open.
  Status finish();

 private:
  Status write(const void* bytes, std::size_t size);
  Status cannot_write(const std::string& reason) const;
  Status cannot_write(int error);
  Status take_place();
  std::string path_beside() const { return path_ + ".new"; }

  std::string path_;
  Descriptor file_;
  bool is_ours_ = false;  // the file beside: locked, and this one's to remove
  uint64_t sum_ = 0;      // of all blocks so far
};

class BlockReader {
 public:
  explicit BlockReader(std::string path) : path_(std::move(path)) {}

  // Opens the file, and reads it to its end to see whether it is whole. False: there is no file.
  // Fails with a sentence; also for a file that belongs neither to this user nor to root, and when
  // stopped.
  Result<bool> open(const StopFlag& stop = kNeverStopped);
  // Reads the next block, or the first one; its bytes are valid until the next call. Empty: there
  // was none left. Fails where the file has been changed since open(). REQUIRES: open() has
  // succeeded.
  Result<dns::BytesView> next();

 private:
  bool read(void* bytes, std::size_t size);
  bool is_at_end();
  std::optional<dns::BytesView> read_block();
  bool rewind();

  std::string path_;
  Descriptor file_;
  uint64_t sum_ = 0;  // of all blocks so far
  dns::Bytes block_;
};

}  // namespace dnslet::io
