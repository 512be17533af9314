// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/block_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "dns/hash.h"
#include "io/files.h"

namespace dnslet::io {
namespace {

// The file: a mark, blocks behind their heads, the head of a block without bytes. Numbers are in
// the processor's order: elsewhere the checksums do not hold.
constexpr std::array<char, 16> kMark = {"dnslet blocks 1"};

struct Head {
  uint64_t sum = 0;  // of this block and all before
  uint64_t size = 0;
};

uint64_t sum_of(uint64_t before, dns::BytesView block) {
  return dns::hash(block, before ^ block.size());
}

bool has_path(int file, const std::string& path) {
  struct stat opened {};
  struct stat found {};
  return fstat(file, &opened) == 0 && stat(path.c_str(), &found) == 0 &&
         opened.st_dev == found.st_dev && opened.st_ino == found.st_ino;
}

// Whether there may be a file of this kind: one that is cut before its mark ends is, too.
bool may_be_replaced(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file) return errno == ENOENT;
  struct stat status {};
  if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  std::array<char, kMark.size()> start{};
  const ssize_t count = ::read(file.get(), start.data(), start.size());
  return count >= 0 && std::equal(start.begin(), start.begin() + count, kMark.begin());
}

}  // namespace

Status BlockWriter::cannot_write(const std::string& reason) const {
  return Error{"cannot write '" + path_ + "': " + reason};
}

Status BlockWriter::cannot_write(int error) {
  drop();
  return cannot_write(uv_strerror(-error));
}

void BlockWriter::drop() {
  if (std::exchange(is_ours_, false)) (void)unlink(path_beside().c_str());
  file_ = Descriptor();
}

Status BlockWriter::open() {
  if (!may_be_replaced(path_))
    return cannot_write("it is no file of dnslet's; remove it, or name another path");
  path_ = behind_links(path_);
  Status status = take_place();
  sum_ = 0;
  return status ? write(kMark.data(), kMark.size()) : status;
}

Status BlockWriter::take_place() {
  constexpr mode_t kMine = 0600;
  const std::string path = path_beside();
  file_ = Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kMine));
  struct stat status {};
  if (!file_ || fstat(file_.get(), &status) != 0) return cannot_write(errno);
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid())
    return cannot_write("'" + path + "' beside it belongs to somebody else");
  // Two that write at once would leave a mixture. File systems that know no locks have no two.
  const bool is_locked = flock(file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (is_locked || !has_path(file_.get(), path))  // or it has been renamed meanwhile
    return cannot_write("another dnslet is writing it");
  is_ours_ = true;
  if (fchmod(file_.get(), kMine) != 0 || ftruncate(file_.get(), 0) != 0) return cannot_write(errno);
  return Done();
}

Status BlockWriter::add(dns::BytesView block) {
  sum_ = sum_of(sum_, block);
  const Head head{sum_, block.size()};
  Status written = write(&head, sizeof head);
  return written ? write(block.data(), block.size()) : written;
}

Status BlockWriter::finish() {
  const Head end{sum_of(sum_, {}), 0};
  if (Status written = write(&end, sizeof end); !written) return written;
  if (fsync(file_.get()) != 0) return cannot_write(errno);
  if (std::rename(path_beside().c_str(), path_.c_str()) != 0) return cannot_write(errno);
  is_ours_ = false;
  file_ = Descriptor();
  // Some file systems can't do this with a folder: then the rename waits for its turn.
  const Descriptor folder(::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder) (void)fsync(folder.get());
  return Done();
}

Status BlockWriter::write(const void* bytes, std::size_t size) {
  const auto* from = static_cast<const uint8_t*>(bytes);
  while (size > 0) {  // ends: every write takes bytes or fails
    const ssize_t count = ::write(file_.get(), from, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_write(errno);
    from += count;
    size -= static_cast<std::size_t>(count);
  }
  return Done();
}

Result<bool> BlockReader::open(const StopFlag& stop) {
  file_ = Descriptor(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file_ && errno == ENOENT) return false;
  struct stat status {};
  if (!file_ || fstat(file_.get(), &status) != 0) return cannot_read(path_, uv_strerror(-errno));
  if (!S_ISREG(status.st_mode)) return cannot_read(path_, "not a regular file");
  if (status.st_uid != 0 && status.st_uid != geteuid())
    return cannot_read(path_, "it belongs to another user");
  if (!rewind()) return cannot_read(path_, "it is no file of dnslet's");
  while (const auto block = read_block()) {  // ends: with the file
    if (is_set(stop)) return cannot_read(path_, "stopped");
    if (block->empty() && is_at_end() && rewind()) return true;
    if (block->empty()) break;
  }
  return cannot_read(path_, "it is broken");
}

Result<dns::BytesView> BlockReader::next() {
  if (const auto block = read_block()) return *block;
  return cannot_read(path_, "it is broken");
}

// nullopt: what comes is none.
std::optional<dns::BytesView> BlockReader::read_block() {
  Head head;
  if (!read(&head, sizeof head) || head.size > kMaxBlock) return std::nullopt;
  block_.resize(head.size);
  if (!read(block_.data(), block_.size())) return std::nullopt;
  sum_ = sum_of(sum_, block_);
  if (sum_ != head.sum) return std::nullopt;
  return dns::BytesView(block_);
}

// Behind the mark. False: it is not there.
bool BlockReader::rewind() {
  std::array<char, kMark.size()> mark;
  sum_ = 0;
  return lseek(file_.get(), 0, SEEK_SET) == 0 && read(mark.data(), mark.size()) && mark == kMark;
}

bool BlockReader::is_at_end() {
  char byte = 0;
  return ::read(file_.get(), &byte, 1) == 0;
}

bool BlockReader::read(void* bytes, std::size_t size) {
  auto* to = static_cast<uint8_t*>(bytes);
  while (size > 0) {  // ends: every read brings bytes or is the last
    const ssize_t count = ::read(file_.get(), to, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    to += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

}  // namespace dnslet::io
