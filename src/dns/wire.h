// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Bounds-checked big-endian reading and writing of packet bytes (RFC 1035 section 2.3.2).
//
// Both cursors fail once and for good: after the first access past the end every read yields zero
// and every write does nothing, so a caller does its whole job and asks ok() once. All length
// arithmetic on packets lives in this folder. A cursor borrows the bytes and must not outlive them.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

namespace dnslet::dns {

using Bytes = std::vector<uint8_t>;           // owns
using BytesView = std::span<const uint8_t>;   // borrows
using MutableBytesView = std::span<uint8_t>;  // borrows, to write into

inline constexpr std::size_t kHeaderSize = 12;     // RFC 1035 section 4.1.1
inline constexpr std::size_t kMaxMessage = 65535;  // RFC 1035 section 4.2.2: the TCP length prefix

// Copies Block bytes at a time; the last ones may be copied twice.
template <std::size_t Block>
void copy_blocks(const uint8_t* from, uint8_t* to, std::size_t size) {
  for (std::size_t i = 0; i + Block < size; i += Block) std::memcpy(to + i, from + i, Block);
  std::memcpy(to + size - Block, from + size - Block, Block);
}

// Copies all of `from` to the front of `to`. REQUIRES: it fits; the two do not overlap.
//
// Most of what is copied is a name or a small answer, for which g++, where it knows that a size is
// small, and musl's memcpy() use `rep movsq`: that takes a hundred cycles to begin with.
inline void copy_bytes(BytesView from, MutableBytesView to) {
  constexpr std::size_t kSmall = 256;
  const std::size_t size = from.size();
  uint8_t* const target = to.first(size).data();
  if (size > kSmall)
    std::memcpy(target, from.data(), size);
  else if (size >= 16)
    copy_blocks<16>(from.data(), target, size);
  else if (size >= 4)
    copy_blocks<4>(from.data(), target, size);
  else
    for (std::size_t i = 0; i < size; ++i) target[i] = from[i];
}

inline bool same_bytes(BytesView left, BytesView right) {
  if (left.size() != right.size()) return false;
  return left.empty() || std::memcmp(left.data(), right.data(), left.size()) == 0;
}

// At most Max bytes, owned, without an allocation. A copy moves those that count only.
template <std::size_t Max>
class InlineBytes {
 public:
  static constexpr std::size_t kMax = Max;

  InlineBytes() {}  // NOLINT(modernize-use-equals-default): leaves bytes_ alone
  // REQUIRES: at most kMax bytes.
  explicit InlineBytes(BytesView bytes) : InlineBytes() { append(bytes); }
  InlineBytes(const InlineBytes& other) : InlineBytes(other.view()) {}
  InlineBytes& operator=(const InlineBytes& other) {
    if (this == &other) return *this;
    size_ = 0;
    append(other.view());
    return *this;
  }
  ~InlineBytes() = default;

  std::size_t size() const { return size_; }
  BytesView view() const { return {bytes_.data(), size_}; }
  MutableBytesView view() { return {bytes_.data(), size_}; }
  // All of them, to be written next. REQUIRES: at most kMax.
  MutableBytesView resize(std::size_t size) {
    size_ = static_cast<Size>(size);
    return view();
  }
  // REQUIRES: at most kMax bytes in all.
  void append(BytesView more) {
    copy_bytes(more, MutableBytesView(bytes_).subspan(size_));
    size_ = static_cast<Size>(size_ + more.size());
  }

 private:
  using Size = std::conditional_t<Max <= UINT8_MAX, uint8_t, uint16_t>;
  static_assert(Max <= UINT16_MAX);

  Size size_ = 0;
  std::array<uint8_t, kMax> bytes_;  // the first size_ count; the rest is never read
};

using ShortBytes = InlineBytes<255>;

// Bytes that are kept for long, many at a time: owned, as many as there are.
class KeptBytes {
 public:
  explicit KeptBytes(BytesView bytes)
      : size_(bytes.size()), bytes_(std::make_unique_for_overwrite<uint8_t[]>(bytes.size())) {
    copy_bytes(bytes, view());
  }

  BytesView view() const { return {bytes_.get(), size_}; }
  MutableBytesView view() { return {bytes_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<uint8_t[]> bytes_;
};

// A query of our own: header, a name of at most 255 bytes, type and class, an OPT with the
// network of a client (dns/reply).
using QueryBytes = InlineBytes<kHeaderSize + 255 + 4 + 11 + 24>;

class Reader {
 public:
  explicit Reader(BytesView bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t offset() const { return offset_; }
  std::size_t remaining() const { return bytes_.size() - offset_; }

  uint8_t u8();
  uint16_t u16();
  uint32_t u32();
  // What has not been read.
  BytesView rest() const { return bytes_.subspan(offset_); }
  // The next `count` bytes, or an empty view when there are fewer.
  BytesView bytes(std::size_t count);
  void skip(std::size_t count) { (void)claim(count); /* failure sticks in ok_ */ }

 private:
  // The first of the bytes passed over; null: there are fewer. A failure uses up the rest, so that
  // nothing can be read behind it.
  const uint8_t* claim(std::size_t count) {
    const std::size_t start = offset_;
    const bool is_there = count <= remaining();
    offset_ = is_there ? start + count : bytes_.size();
    if (is_there) return bytes_.data() + start;
    ok_ = false;
    return nullptr;
  }

  BytesView bytes_;
  std::size_t offset_ = 0;  // never above bytes_.size()
  bool ok_ = true;
};

inline uint8_t Reader::u8() {
  const uint8_t* const from = claim(1);
  return from != nullptr ? *from : uint8_t{0};
}

inline uint16_t Reader::u16() {
  const uint8_t* const from = claim(2);
  return from != nullptr ? static_cast<uint16_t>(from[0] << 8 | from[1]) : uint16_t{0};
}

inline uint32_t Reader::u32() {
  const uint32_t high = u16();
  return high << 16 | u16();
}

inline BytesView Reader::bytes(std::size_t count) {
  const uint8_t* const from = claim(count);
  return from != nullptr ? BytesView(from, count) : BytesView();
}

class Writer {
 public:
  explicit Writer(MutableBytesView bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t size() const { return size_; }
  std::size_t room() const { return bytes_.size() - size_; }
  // What has been written so far; shares the buffer.
  MutableBytesView written() const { return bytes_.first(size_); }

  void u8(uint8_t value);
  void u16(uint16_t value);
  void u32(uint32_t value);
  void bytes(BytesView source);

  // Overwrites two bytes written earlier. Out of range: fails like any write.
  void u16_at(std::size_t offset, uint16_t value);
  // Takes back everything behind `size`, also a failure. REQUIRES: size <= this->size().
  void rewind(std::size_t size);

 private:
  // The first of the bytes to be written; null: there is no room for all of them.
  uint8_t* claim(std::size_t count) {
    ok_ = ok_ && count <= room();
    if (!ok_) return nullptr;
    size_ += count;
    return bytes_.data() + (size_ - count);
  }

  MutableBytesView bytes_;
  std::size_t size_ = 0;  // never above bytes_.size()
  bool ok_ = true;
};

inline void Writer::u8(uint8_t value) {
  if (uint8_t* const to = claim(1)) *to = value;
}

inline void Writer::u16(uint16_t value) {
  uint8_t* const to = claim(2);
  if (to == nullptr) return;
  to[0] = static_cast<uint8_t>(value >> 8);
  to[1] = static_cast<uint8_t>(value);
}

inline void Writer::u32(uint32_t value) {
  uint8_t* const to = claim(4);
  if (to == nullptr) return;
  to[0] = static_cast<uint8_t>(value >> 24);
  to[1] = static_cast<uint8_t>(value >> 16);
  to[2] = static_cast<uint8_t>(value >> 8);
  to[3] = static_cast<uint8_t>(value);
}

inline void Writer::bytes(BytesView source) {
  uint8_t* const to = claim(source.size());
  if (to != nullptr && !source.empty()) std::memcpy(to, source.data(), source.size());
}

inline void Writer::u16_at(std::size_t offset, uint16_t value) {
  ok_ = ok_ && size_ >= 2 && offset <= size_ - 2;
  if (!ok_) return;
  bytes_[offset] = static_cast<uint8_t>(value >> 8);
  bytes_[offset + 1] = static_cast<uint8_t>(value & 0xff);
}

inline void Writer::rewind(std::size_t size) {
  size_ = size;
  ok_ = true;
}

}  // namespace dnslet::dns
