# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Fixtures: they start what a test asks for and end it again, dnslet before its upstreams."""

import contextlib
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

pytest.register_assert_rewrite("harness", "clients", "basics", "fake_upstream", "nsd_server",
                               "faults", "soak")

from getaddrinfo_client import build_client, glibc_compiler  # noqa: E402
from harness import Dnslet, FakeUpstream  # noqa: E402
from namespaces import Namespace, enter_own_network, why_not  # noqa: E402
from programs import build, c_compiler  # noqa: E402
from tls_server import HAS_QUIC, HAS_TLS, Authority, trusting  # noqa: E402


def pytest_configure(config):
    """Beside others each worker has ports of its own, as far as this user can have that."""
    if hasattr(config, "workerinput") and not why_not():
        enter_own_network()


@pytest.fixture
def upstream():
    """upstream(handler, host=…, port=…) → a running FakeUpstream"""
    with contextlib.ExitStack() as stack:
        yield lambda handler, **how: stack.enter_context(FakeUpstream(handler, **how))


@pytest.fixture
def upstream53(upstream):
    """upstream53("127.53.1.1", handler): skips where port 53 can't be had."""
    def start(host, handler):
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.bind((host, 53))
        except OSError as error:
            pytest.skip(f"port 53 of {host}: {error}")
        return upstream(handler, host=host, port=53)
    return start


@pytest.fixture
def dnslet(upstream, tmp_path):
    """dnslet(*flags, to=[upstream, …], hosts="text", …) → a running Dnslet.

    `hosts` becomes the file tmp_path/"hosts"; other arguments are Dnslet's own."""
    with contextlib.ExitStack() as stack:
        def start(*flags, to=(), hosts=None, **how):
            words = list(flags)
            if to:
                words += ["--nameservers", ",".join(server.address for server in to)]
            if hosts is not None:
                (tmp_path / "hosts").write_text(hosts)
                words += ["--hostsfile", tmp_path / "hosts"]
            return stack.enter_context(Dnslet(*words, directory=tmp_path, **how))
        yield start


@pytest.fixture(scope="session")
def clients(tmp_path_factory):
    """{C library: getaddrinfo client}, to be run in a Namespace"""
    directory = tmp_path_factory.mktemp("clients")
    reason = why_not()
    glibc, musl = glibc_compiler(), shutil.which("musl-gcc")
    if not reason and not glibc:
        reason = "no C compiler for glibc"
    if not reason and not musl:
        reason = "musl-gcc is not installed (package musl-tools)"
    if reason:
        pytest.skip(reason)
    return {"glibc": build_client(directory, "glibc-client", glibc),
            "musl": build_client(directory, "musl-client", musl, "-static")}


@pytest.fixture
def open_folder():
    """A folder that everybody may read"""
    with tempfile.TemporaryDirectory(prefix="dnslet-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def kill_at(tmp_path_factory):
    """A program that kills another one at a system call"""
    if not c_compiler():
        pytest.skip("no C compiler")
    return build(tmp_path_factory.mktemp("kill-at"), "kill_at.c", c_compiler())


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Who signs for the servers of a module; without TLS its tests are skipped"""
    if not HAS_TLS:
        pytest.skip("this variant has no TLS")
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("dns.test", "127.0.0.1")


@pytest.fixture
def encrypted(dnslet, certificate):
    """dnslet with a plain listener, one over TLS, one over HTTPS"""
    def start(*flags, **how):
        server = dnslet(*certificate.flags, *flags,
                        listen="127.0.0.1:0,tls://127.0.0.1:0,https://127.0.0.1:0", **how)
        server.tls, server.https = server.addresses[1:3]
        return server
    return start


@pytest.fixture
def quic(dnslet, certificate):
    """dnslet with a plain listener and one over QUIC"""
    if not HAS_QUIC:
        pytest.skip("this build has no QUIC")

    def start(*flags, **how):
        server = dnslet(*certificate.flags, *flags, listen="127.0.0.1:0,quic://127.0.0.1:0", **how)
        server.quic = server.addresses[1]
        return server
    return start


@pytest.fixture
def trust(certificate):
    """A client's context for TLS"""
    return trusting(certificate)


@pytest.fixture
def world(tmp_path):
    """A network of the test's own"""
    with Namespace(tmp_path) as namespace:
        yield namespace
