# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""IPv6 addresses that mean something on one link only."""

import contextlib
import socket
import subprocess

import dns.message
import pytest
from harness import PATIENCE, Dnslet, question
from namespaces import PATH, Namespace, skip, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


def ip(world, *words):
    done = subprocess.run([*world.wrapper, "ip", *map(str, words)], capture_output=True, text=True,
                          env={"PATH": PATH}, check=False)
    if done.returncode != 0:
        skip(f"ip {words}: {done.stderr.strip()}")
    return done.stdout


@pytest.fixture
def link(tmp_path):
    """Two hosts on one wire: (server, client). The server is fe80::53 and fd00::1 there."""
    with contextlib.ExitStack() as stack:
        worlds = []
        for name in ("server", "client"):
            (tmp_path / name).mkdir()
            worlds.append(stack.enter_context(Namespace(tmp_path / name)))
        server, client = worlds
        ip(server, "link", "add", "wire0", "type", "veth", "peer", "name", "wire1", "netns",
           client.holder.pid)
        for world, device, addresses in ((server, "wire0", ["fe80::53/64", "fd00::1/64"]),
                                         (client, "wire1", ["fe80::2/64", "fd00::2/64"])):
            ip(world, "link", "set", device, "up")
            for address in addresses:
                ip(world, "addr", "add", address, "dev", device, "nodad")
        yield server, client


def asked(client, source, target, port):
    """The address that the answer came from"""
    with client.inside(), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        scope = socket.if_nametoindex("wire1")
        sock.bind((source, 0, 0, scope if source.startswith("fe80") else 0))
        message = question("www.test")
        sock.sendto(message.to_wire(), (target, port, 0, scope))
        wire, sender = sock.recvfrom(4096)
        assert dns.message.from_wire(wire).id == message.id
        return sender[0].split("%")[0]


@pytest.mark.parametrize("source", ["fd00::2", "fe80::2"])
@pytest.mark.parametrize("target", ["fe80::53", "fd00::1"])
@pytest.mark.parametrize("listen", ["[::]:5300", "[{target}%wire0]:5300"])
def test_the_answer_leaves_from_the_address_that_was_asked(link, tmp_path, source, target, listen):
    server, client = link
    if "%" in listen and target.startswith("fd"):
        listen = "[fd00::1]:5300"
    with Dnslet("--no-rec", "--address", "www.test=192.0.2.1", listen=listen.format(target=target),
                directory=tmp_path, wrapper=server.wrapper):
        assert asked(client, source, target, 5300) == target
