// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#include "io/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

namespace dnslet::io {
namespace {

// What <linux/capability.h> says: the kernel's own headers are not everywhere.
constexpr uint32_t kCapabilityVersion = 0x20080522;
constexpr int kMaxCapabilities = 64;
constexpr int kSetPcap = 8;  // CAP_SETPCAP: may empty the bounding set
constexpr int kNetAdmin = 12;

struct CapabilityHeader {
  uint32_t version = kCapabilityVersion;
  int pid = 0;  // this thread
};
struct CapabilityWord {  // 32 capabilities
  uint32_t effective = 0;
  uint32_t permitted = 0;
  uint32_t inheritable = 0;

  bool operator==(const CapabilityWord&) const = default;
};
using Capabilities = std::array<CapabilityWord, kMaxCapabilities / 32>;

bool get_capabilities(Capabilities& capabilities) {
  CapabilityHeader header;
  return syscall(SYS_capget, &header, capabilities.data()) == 0;
}

bool set_capabilities(const Capabilities& capabilities) {
  CapabilityHeader header;
  return syscall(SYS_capset, &header, capabilities.data()) == 0;
}

// All that a process has then.
Capabilities capabilities_of(Kept kept) {
  Capabilities capabilities{};
  const uint32_t bit = kept == Kept::NetAdmin ? 1U << kNetAdmin : 0;
  capabilities.front() = {.effective = bit, .permitted = bit};
  return capabilities;
}

bool has_capability(int number) {
  Capabilities mine;
  const auto index = static_cast<std::size_t>(number);
  return get_capabilities(mine) && (mine[index / 32].effective >> (index % 32) & 1) != 0;
}

// Without CAP_SETPCAP, which a container may lack, the set stays: with no capability and no new
// privileges there is nothing that it could bound.
bool empty_bounding_set(Kept kept) {
  if (!has_capability(kSetPcap)) return true;
  for (int number = 0; number < kMaxCapabilities; ++number) {
    const int state = prctl(PR_CAPBSET_READ, number, 0, 0, 0);
    if (state < 0) break;  // the kernel knows no more
    if (number == kNetAdmin && kept == Kept::NetAdmin) continue;
    if (state == 1 && prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) return false;
  }
  return true;
}

bool is(const UserIds& wanted) {
  uid_t real_user = 0, effective_user = 0, saved_user = 0;
  gid_t real_group = 0, effective_group = 0, saved_group = 0;
  return getresuid(&real_user, &effective_user, &saved_user) == 0 &&
         getresgid(&real_group, &effective_group, &saved_group) == 0 && real_user == wanted.user &&
         effective_user == wanted.user && saved_user == wanted.user && real_group == wanted.group &&
         effective_group == wanted.group && saved_group == wanted.group;
}

// Who is this user already may keep the groups that it has no right to leave.
bool leave_groups(const UserIds& wanted) {
  return setgroups(0, nullptr) == 0 || getgroups(0, nullptr) == 0 || (errno == EPERM && is(wanted));
}

bool drop_capabilities(Kept kept) {
  // Fails before Linux 4.3, which knows no ambient capabilities.
  (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return set_capabilities(capabilities_of(kept)) && prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == 0 &&
         prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

bool has_nothing_left(const UserIds& wanted, Kept kept) {
  Capabilities left;
  if (!is(wanted) || !get_capabilities(left) || left != capabilities_of(kept)) return false;
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return false;
  const auto any_user = static_cast<uid_t>(-1);
  return wanted.user == 0 || setresuid(any_user, 0, any_user) != 0;
}

}  // namespace

std::optional<UserIds> find_user(const std::string& name) {
  const passwd* const entry = getpwnam(name.c_str());
  if (!entry) return std::nullopt;
  return UserIds{entry->pw_uid, entry->pw_gid};
}

std::optional<gid_t> find_group_of(uid_t user) {
  const passwd* const entry = getpwuid(user);
  if (!entry) return std::nullopt;
  return entry->pw_gid;
}

Status become_user(const UserIds& wanted, Kept kept) {
  const auto failed = [&](const std::string& reason) {
    return Error{"cannot become the user " + std::to_string(wanted.user) + ':' +
                 std::to_string(wanted.group) + ": " + reason};
  };
  // The bounding set first, and the user last: each step needs what the next ones give away.
  // Capabilities would go with the user root.
  const bool is_done = empty_bounding_set(kept) && leave_groups(wanted) &&
                       setresgid(wanted.group, wanted.group, wanted.group) == 0 &&
                       (kept == Kept::Nothing || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0) &&
                       setresuid(wanted.user, wanted.user, wanted.user) == 0 &&
                       drop_capabilities(kept);
  if (!is_done) return failed(uv_strerror(-errno));
  if (!has_nothing_left(wanted, kept)) return failed("some privilege of the old one is left");
  return Done();
}

}  // namespace dnslet::io
