// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// What io/quic and io/quic_server are in a build without OpenSSL 3.5: what needs it has been
// refused.

#include "io/quic.h"
#include "io/quic_server.h"

namespace dnslet::io {

bool has_quic() { return false; }

// NOLINTNEXTLINE(performance-unnecessary-value-param): as io/quic_server.h has it
std::unique_ptr<QuicServer> QuicServer::start(Loop&, Descriptor, Settings) { return nullptr; }
std::unique_ptr<QuicClient> QuicClient::make(const TlsPeer&, const TlsEvents&) { return nullptr; }

}  // namespace dnslet::io
