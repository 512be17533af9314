# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""What the compiler and the linker have put into the binary against the misuse of a mistake in it,
read with readelf, and the warning of an open resolver."""

import platform
import re
import subprocess

import pytest

from harness import SLOW, command, data


def readelf(*options):
    return subprocess.run(["readelf", "-W", *options, command()[-1]], check=True,
                          capture_output=True, text=True).stdout


@pytest.fixture(scope="module", name="segments")
def program_headers():
    return readelf("-l")


def symbols():
    return set(re.findall(r"(\w+)(?:@\S+)?(?: \(\d+\))?$", readelf("--dyn-syms"), re.M))


def needs_shared(segments):
    if "INTERP" not in segments:
        pytest.skip("a static program has no dynamic symbols or flags")
    if SLOW:
        pytest.skip("sanitizers take the place of these checks")


def test_no_segment_is_both_writable_and_executable(segments):
    flags = re.findall(r"^\s+(?:LOAD|GNU_STACK)\s.* ([R ][W ][E ]) 0x", segments, re.M)
    assert len(flags) > 2
    assert not [each for each in flags if "W" in each and "E" in each]


def test_what_the_linker_has_resolved_is_read_only(segments):
    assert "GNU_RELRO" in segments


def test_all_is_resolved_at_the_start_and_loaded_anywhere(segments):
    needs_shared(segments)
    dynamic = readelf("-d")
    assert re.search(r"FLAGS.*BIND_NOW", dynamic) and re.search(r"FLAGS_1.*NOW.*PIE", dynamic)


def test_the_stack_is_protected_and_copies_are_checked(segments):
    needs_shared(segments)
    found = symbols()
    assert "__stack_chk_fail" in found
    assert [name for name in found if re.fullmatch(r"__\w+_chk", name)]


def test_jumps_go_to_places_that_are_made_for_them(segments):
    needs_shared(segments)
    if platform.machine() != "x86_64":
        pytest.skip("-fcf-protection is for x86-64")
    code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", command()[-1]], check=True,
                          capture_output=True, text=True).stdout
    assert code.count("\tendbr64") > 500


@pytest.mark.parametrize("flags, listen, warned", [
    ([], "127.0.0.1:0,[::1]:0", 0), ([], "0.0.0.0:0", 1), ([], "0.0.0.0:0,[::]:0", 2),
    (["--allow", "127.0.0.0/8,::1"], "0.0.0.0:0", 0)])
def test_a_resolver_that_is_open_to_everyone_says_so(dnslet, flags, listen, warned):
    server = dnslet("--no-rec", *flags, listen=listen, hosts="10.0.0.5 db.local\n")
    loopback = ("127.0.0.1", server.port)
    assert data(server.query("db.local", address=loopback)) == ["10.0.0.5"]
    assert len(server.log("answers everyone.*--allow")) == warned
