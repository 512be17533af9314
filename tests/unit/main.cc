// SPDX-License-Identifier: MIT
// Copyright the dnslet authors

// The main of the unit tests, the same for Catch2 version 2 and 3.

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>

int main(int argc, char* argv[]) { return Catch::Session().run(argc, argv); }
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
