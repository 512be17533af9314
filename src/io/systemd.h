// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// How systemd and a service talk, without libsystemd: sockets passed to it, sd_listen_fds(3), and
// what it tells of itself, sd_notify(3).

#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/socket.h"

namespace dnslet::io {

// Takes over the sockets that LISTEN_FDS and its sisters promise, in their order, and unsets these
// variables. Each is checked to be a bound UDP socket or a listening TCP one, and made as those of
// bind_socket() are. Fails, when one is not or there is none, with the thing, the reason and what
// to do. REQUIRES: the process has opened nothing since its start but descriptors 0 to 2.
Result<std::vector<BoundSocket>> take_passed_sockets();

// Sends a state such as "READY=1" to the socket in NOTIFY_SOCKET. Does nothing where that is unset;
// a socket that does not take it is systemd's trouble, not ours.
void notify_systemd(std::string_view state);
// Says that a reload begins, which the next "READY=1" ends.
void notify_reloading();

}  // namespace dnslet::io
