// SPDX-License-Identifier: MIT
// Copyright the dnslet authors
#pragma once

// The names that have addresses of --fake-ip, in a file beside --cache-file: programs may still use
// such an address when dnslet has been started again. All of it may take long.

#include <string>

#include "base/result.h"
#include "policy/fake_addresses.h"

namespace dnslet::app {

// Where they are.
inline std::string path_of_fakes(const std::string& cache_file) { return cache_file + ".fake"; }

// Fails with "cannot write 'PATH': reason".
Status write_fakes(policy::FakeAddresses& fakes, const std::string& path);
// Takes them over, as far as the networks still hold them. Where there is no file nothing happens;
// fails with a sentence where it is broken, and takes nothing then. REQUIRES: none has been given.
Status read_fakes(const std::string& path, policy::FakeAddresses& fakes);

}  // namespace dnslet::app
