# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""A real systemd-resolved in a host of its own: `resolved` follows it, and it asks dnslet over TLS."""

import contextlib
import subprocess

import pytest
import real_resolved
import resolve1
from clients import UdpClient
from fake_upstream import FakeUpstream
from harness import Dnslet, data, question, wait_until, with_address
from namespaces import PATH, why_not
from real_resolved import Host, RealResolved
from resolved_test import HAS_RESOLVED

REASON = why_not() or resolve1.why_not() or real_resolved.why_not()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))
needs_resolved = pytest.mark.skipif(not HAS_RESOLVED, reason="this program has no libsystemd")

ETH7, ETH8 = "192.0.2.7", "192.0.2.8"
NETWORK = """set -e
ip link add eth7 type veth peer name eth8
for link in 7 8; do
  ip addr add 10.$link.0.2/24 dev eth$link
  ip link set eth$link up
  ip addr add 10.$link.0.1/32 dev lo
done
"""


@pytest.fixture
def bus():
    with resolve1.Bus() as found:
        yield found


@pytest.fixture
def host(world, open_folder):
    """With two links; who is asked by way of the first says ETH7, by way of the other ETH8"""
    subprocess.run([*world.wrapper, "sh", "-c", NETWORK], check=True, env={"PATH": PATH})
    with contextlib.ExitStack() as stack:
        found = stack.enter_context(Host(world, open_folder))
        stack.enter_context(world.inside())
        for server, address in (("10.7.0.1", ETH7), ("10.8.0.1", ETH8)):
            stack.enter_context(FakeUpstream(with_address(address), host=server, port=53))
        yield found


@contextlib.contextmanager
def started(host, bus, *flags):
    with Dnslet("--nameservers", "resolved", *flags, wrapper=host.wrapper, env=bus.environment) as server:
        server.found = lambda name: data(server.query(name))
        yield server


@needs_resolved
def test_what_resolvectl_says_is_followed(host, bus):
    with RealResolved(host, bus) as resolved:
        resolved.ctl("dns", "eth7", "10.7.0.1")
        with started(host, bus, "--rcache", "100") as server:
            assert server.found("www.test") == [ETH7]
            resolved.ctl("dns", "eth8", "10.8.0.1")
            resolved.ctl("domain", "eth8", "corp.test", "~lab.test")
            server.wait_log(r"resolved: eth8: 10\.8\.0\.1:53 for corp\.test, lab\.test")
            assert server.found("www.corp.test") == [ETH8]
            assert server.found("www.lab.test") == [ETH8]
            resolved.ctl("domain", "eth8", "~.")  # no signal tells of it
            wait_until(lambda: server.found("www.test") == [ETH8], "all names by eth8")
            resolved.ctl("revert", "eth8")
            wait_until(lambda: server.found("www.lab.test") == [ETH7], "the end of eth8")


@needs_resolved
def test_questions_wait_for_the_first_server(host, bus):
    with RealResolved(host, bus) as resolved, started(host, bus) as server:
        with UdpClient(server.address) as client:
            client.send(question("www.test"))
            resolved.ctl("dns", "eth7", "10.7.0.1")
            assert data(client.receive()) == [ETH7]


@needs_resolved
def test_the_default_route_and_a_link_that_goes_down_are_followed(host, bus):
    with RealResolved(host, bus) as resolved:
        resolved.ctl("dns", "eth7", "10.7.0.1")
        resolved.ctl("dns", "eth8", "10.8.0.1")
        resolved.ctl("default-route", "eth8", "no")
        with started(host, bus) as server:
            assert server.found("www.test") == [ETH7]
            resolved.ctl("default-route", "eth8", "yes")
            resolved.ctl("default-route", "eth7", "no")
            wait_until(lambda: server.found("www.test") == [ETH8], "the default route")
            resolved.ctl("default-route", "eth7", "yes")
            server.wait_log("resolved: eth7: .* default")
            subprocess.run([*host.wrapper, "ip", "link", "set", "eth8", "down"], check=True, env={"PATH": PATH})
            wait_until(lambda: server.log("resolved: eth8: none"), "a link that is down", 20)


@needs_resolved
def test_it_is_restarted(host, bus):
    with contextlib.ExitStack() as stack:
        with RealResolved(host, bus, "DNS=10.7.0.1"):
            server = stack.enter_context(started(host, bus))
            assert server.found("www.test") == [ETH7]
        server.wait_log("does not run; the servers that it has named stay")
        assert server.found("www.test") == [ETH7]
        with RealResolved(host, bus, "DNS=10.8.0.1"):
            server.wait_log("systemd-resolved is back")
            wait_until(lambda: server.found("www.test") == [ETH8], "what it says now")


def test_it_asks_over_tls(host, bus, authority, certificate):
    root = host.folder / "root.pem"  # that an ordinary user may read
    root.write_bytes(authority.root.read_bytes())
    with Dnslet(*certificate.flags, "--no-rec", "--address", "nas.test=192.0.2.10", "--verbose",
                listen="tls://127.0.0.1:8853", wrapper=host.wrapper) as server:
        settings = ["Domains=~.", "DNSOverTLS=yes"]
        env = {"SSL_CERT_FILE": str(root)}
        with RealResolved(host, bus, "DNS=127.0.0.1:8853#dns.test", *settings, env=env) as resolved:
            assert "192.0.2.10" in resolved.ctl("query", "nas.test")
            server.wait_log("proto=tls name=nas.test")
        with RealResolved(host, bus, "DNS=127.0.0.1:8853#other.test", *settings, env=env) as resolved:
            with pytest.raises(AssertionError, match="query"):
                resolved.ctl("query", "nas.test")
