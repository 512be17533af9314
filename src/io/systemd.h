// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// What systemd wants to hear from a service of Type=notify, sd_notify(3), without libsystemd.

#include <string_view>

namespace dnslet::io {

// Sends a state such as "READY=1" to the socket in NOTIFY_SOCKET. Does nothing where that is unset;
// a socket that does not take it is systemd's trouble, not ours.
void notify_systemd(std::string_view state);

}  // namespace dnslet::io
