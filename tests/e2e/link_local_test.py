# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""IPv6 addresses that mean something on one link only, and those that are not ready yet."""

import contextlib
import socket
import subprocess

import dns.message
import pytest
from harness import PATIENCE, Dnslet, question, run, timed
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


# Tentative addresses.

@pytest.fixture
def slow(tmp_path):
    """A namespace with fd00::53 on an interface, which the kernel makes usable after a second or two"""
    with Namespace(tmp_path) as world:
        ip(world, "link", "add", "slow0", "type", "veth", "peer", "name", "far0")
        subprocess.run([*world.wrapper, "sh", "-c", "cd /proc/sys/net/ipv6/conf/slow0 && "
                        "echo 1 >accept_dad && echo 2 >dad_transmits"], check=True)
        for device in ("far0", "slow0"):
            ip(world, "link", "set", device, "up")
        ip(world, "addr", "add", "fd00::53/64", "dev", "slow0")
        if "tentative" not in ip(world, "addr", "show", "dev", "slow0"):
            skip("the kernel takes the address as usable at once")
        yield world


FLAGS = ["--no-rec", "--address", "www.test=192.0.2.1"]


@pytest.mark.parametrize("how", [
    (["--listen", "[fd00::53]:5300"], None), (["--threads", "3"], "[fd00::53]:5300"),
    (["--metrics", "[fd00::53]:9153"], "127.0.0.1:5300"), (["-d"], "[fd00::53]:53")],
    ids=["listen", "threads", "metrics", "default resolver"])
def test_an_address_that_is_still_tentative_is_waited_for(slow, tmp_path, how):
    flags, listen = how
    with Dnslet(*FLAGS, *flags, listen=listen, directory=tmp_path, wrapper=slow.wrapper) as server:
        address = (listen or "[fd00::53]:5300").strip("[").replace("]:", " ").split()
        if len(address) == 2:
            with slow.inside():
                for tcp in (False, True):
                    reply = server.ask(question("www.test"), tcp, (address[0], int(address[1])))
                    assert reply.answer


def test_an_address_that_stays_tentative_is_told_after_five_seconds(slow, tmp_path):
    subprocess.run([*slow.wrapper, "sh", "-c",
                    "echo 60 >/proc/sys/net/ipv6/conf/slow0/dad_transmits"], check=True)
    ip(slow, "addr", "add", "fd00::54/64", "dev", "slow0")
    ended, seconds = timed(lambda: run(*FLAGS, "--listen", "[fd00::54]:5300", "--listen",
                                       "[fd00::54]:5301", wrapper=slow.wrapper,
                                       seconds=5 + 2 * PATIENCE))
    assert ended.returncode == 1 and 4.5 < seconds < 9
    assert "cannot bind [fd00::54]:530" in ended.stderr and "start dnslet later" in ended.stderr


def test_an_address_that_is_nowhere_is_told_at_once(slow):
    ended, seconds = timed(lambda: run(*FLAGS, "--listen", "[fd00::99]:5300", wrapper=slow.wrapper))
    assert ended.returncode == 1 and seconds < 3
    assert "choose an address that this host has" in ended.stderr
