# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""System calls that a sandbox refuses: a start that can't be is one sentence and exit status 1."""

import errno
import os

import pytest
from harness import data, run, with_address
from sandbox import CALLS, refusing

AF_INET6 = 10

pytestmark = pytest.mark.skipif(CALLS is None, reason="numbers of system calls are not known here")


# Without epoll_create1 some libraries take epoll_create.
@pytest.mark.parametrize("call, code", [
    ("getrandom", errno.ENOSYS), ("getrandom", errno.EPERM), ("epoll_create1", errno.EPERM),
    ("eventfd2", errno.ENOSYS), ("eventfd2", errno.EPERM)])
@pytest.mark.parametrize("flags", [["--listen", "127.0.0.1:0", "--threads", "2"],
                                   ["--explain", "www.test"]], ids=["serve", "explain"])
def test_a_start_without_what_nothing_works_without_is_one_sentence(call, code, flags):
    ended = run("--no-rec", *flags, wrapper=refusing(call, code))
    lines = ended.stderr.splitlines()
    assert ended.returncode == 1, ended.stderr
    assert len(lines) == 1 and lines[0].startswith("dnslet: cannot "), ended.stderr
    assert call.rstrip("12").removesuffix("_create") in lines[0] and "seccomp" in lines[0]
    assert os.strerror(code).lower() in lines[0].lower()


@pytest.mark.parametrize("code", [errno.EAFNOSUPPORT, errno.EPERM])
def test_a_listener_of_a_family_that_is_refused_is_one_sentence(code):
    ended = run("--no-rec", "--listen", "[::1]:0", wrapper=refusing("socket", code, AF_INET6))
    assert ended.returncode == 1
    assert ended.stderr.startswith("dnslet: cannot bind [::1]:0/udp: ")
    assert len(ended.stderr.splitlines()) == 1


def test_without_ipv6_sockets_ipv4_is_served(dnslet, upstream):
    source = upstream(with_address())
    server = dnslet("--nameservers", f"[2001:db8::1]:53,{source.address}",
                    wrapper=refusing("socket", errno.EAFNOSUPPORT, AF_INET6))
    assert data(server.query("www.test")) == ["192.0.2.1"]
