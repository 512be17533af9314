// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// Which sockets are served: bound here, or passed by systemd. Does not listen yet.

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "config/options.h"
#include "io/socket.h"

namespace dnslet::serve {

// With --systemd: the sockets that systemd has passed; options.listen becomes what they hear.
// Without it: none. Fails with a sentence that names the remedy. Call first of all.
Result<std::vector<io::BoundSocket>> take_passed_sockets(config::Options& options);

// A socket bound for what the option `flag` says. Fails with a sentence that names the remedies.
Result<io::Descriptor> bind_for(const Endpoint& endpoint, io::SocketKind kind,
                                std::string_view flag);

// One list for each worker; all serve the same addresses.
using DividedSockets = std::vector<std::vector<io::BoundSocket>>;

// A UDP and a TCP socket on each endpoint, both on the same port, for each worker. Fails with a
// sentence that names the remedies.
Result<DividedSockets> bind_sockets(std::span<const Endpoint> endpoints, std::size_t workers);
// Adds a socket on each endpoint that is encrypted, which it borrows. Fails likewise.
Status bind_encrypted(std::span<const EncryptedListener> listeners, DividedSockets& divided);

// The passed sockets for each worker. Fails when there are too few descriptors.
Result<DividedSockets> divide_passed(std::vector<io::BoundSocket> passed, std::size_t workers);

// The endpoints of a protocol.
using EndpointsOf = std::function<std::vector<Endpoint>(Protocol protocol)>;
// The endpoints in the words of the ready line: "udp+tcp A B udp C tcp D tls E https F quic G",
// those with both UDP and TCP first.
std::string list_endpoints(const EndpointsOf& endpoints_of);

}  // namespace dnslet::serve
