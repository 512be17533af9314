// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The way back from dns/record_text: what people write of a record, as its RDATA on the wire.

#include <string_view>

#include "base/result.h"
#include "dns/message.h"
#include "dns/wire.h"

namespace dnslet::dns {

// RDATA of this type in the text form of its RFC, on one line, or in the generic form of RFC 3597
// section 5 (`\# LENGTH HEX`), which every type has. Names are whole ones, with or without the
// final dot; they come out in lower case and are not compressed. What rdata_text() writes reads
// back to the same bytes, but for the case of names. Fails in a sentence that names the word, what
// would be right there, and the fields of the type.
Result<Bytes> rdata_from_text(Type type, std::string_view text);

}  // namespace dnslet::dns
