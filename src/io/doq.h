// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// DNS over QUIC to a server (RFC 9250): a stream for each question, which ends with it, and on it
// one answer, each behind two bytes of length. Knows nothing of the messages.

#include <memory>

#include "io/quic.h"
#include "io/request_client.h"

namespace dnslet::io {

// RFC 9250 section 4.3: DOQ_NO_ERROR, DOQ_PROTOCOL_ERROR.
inline constexpr QuicConnection::Terms kDoqTerms = {
    .may_open_streams = false, .closed = 0, .violated = 2};

// `open` is called at once. The user must outlive it.
std::unique_ptr<RequestClient> make_doq_client(const OpenQuic& open, RequestClient::User& user);

}  // namespace dnslet::io
