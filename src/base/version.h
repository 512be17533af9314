// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The version this program was built as, for --version and version.bind. It has a file of its own
// so that a new commit compiles this one file and nothing else.

namespace dnslet {

const char* version();

}  // namespace dnslet
