// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// A listening socket in the file system (unix(7)), for its owner alone (mode 0600).
//
// A socket there that nobody listens at any more is replaced. Whatever else is there stays.

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "io/loop.h"
#include "io/privileges.h"

namespace dnslet::io {

class LocalSocket {
 public:
  static constexpr std::size_t kMaxPath = 107;  // bytes, as many as the system takes

  // Listens. Fails with a sentence that names the path. REQUIRES: the path is no longer than that.
  static Result<LocalSocket> listen(const std::string& path);
  LocalSocket(LocalSocket&& other) noexcept = default;
  LocalSocket& operator=(LocalSocket&& other) = delete;
  LocalSocket(const LocalSocket&) = delete;
  LocalSocket& operator=(const LocalSocket&) = delete;
  // Takes it away, if it is still the one that listen() has made, and may be.
  ~LocalSocket();

  // Makes another user its owner. Where that is not permitted (a sandbox, few capabilities) it
  // stays as it is, and root alone may ask.
  Status give_to(const UserIds& user) const;
  int fd() const { return socket_.get(); }

 private:
  LocalSocket(Descriptor socket, const std::string& path);

  Descriptor socket_;
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Connects to such a socket, without waiting. Fails with the end of a sentence.
Result<Descriptor> connect_local(const std::string& path);

}  // namespace dnslet::io
