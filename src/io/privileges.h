// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Who this process is: users and groups, and the way from root to an ordinary user, for good.
//
// Linux only, without libcap. Looking a user up reads the system's user database and nothing else.

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"

namespace dnslet::io {

struct UserIds {
  uid_t user = 0;
  gid_t group = 0;

  bool operator==(const UserIds&) const = default;
};

// By name; nullopt: there is no such user.
std::optional<UserIds> find_user(const std::string& name);
// The group of a user's entry; nullopt: the user has no entry.
std::optional<gid_t> find_group_of(uid_t user);

// The capability that is kept.
enum class Kept {
  Nothing,
  NetAdmin,  // CAP_NET_ADMIN, without which nobody may write to the packet filter
};

// Becomes this user for good: no other groups, no capability in any set but the one `kept`, no way
// back by a set-uid program, and a look at whether all this is so. Fails with a sentence; the
// process may then be anything between the two and must end. A process that is this user already
// needs no privilege. REQUIRES: no other thread, because capabilities belong to threads.
Status become_user(const UserIds& wanted, Kept kept);

}  // namespace dnslet::io
