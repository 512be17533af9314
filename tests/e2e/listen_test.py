# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 2: addresses, source addresses, readiness."""

import re
import socket
from ipaddress import IPv6Address
from pathlib import Path

import pytest
from harness import UdpClient, data, free_port, question, run, split_address

HOSTS = "192.0.2.10 nas.test\n"


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_every_address_of_the_list_answers(dnslet, tcp):
    server = dnslet("--no-rec", hosts=HOSTS, listen="127.0.0.1:0,127.0.0.2:0,[::1]:0")
    assert [host for host, _ in server.addresses] == ["127.0.0.1", "127.0.0.2", "::1"]
    for address in server.addresses:
        assert data(server.query("nas.test", tcp=tcp, address=address)) == ["192.0.2.10"]


def test_the_variable_lists_addresses_too(dnslet):
    port = free_port()
    listen = f"127.0.0.1:{port},127.0.0.2:{port}"
    server = dnslet("--no-rec", hosts=HOSTS, listen=None, env={"DNSMASQ_LISTEN": listen})
    for host in ("127.0.0.1", "127.0.0.2"):
        assert data(server.query("nas.test", address=(host, port))) == ["192.0.2.10"]


def test_one_address_is_not_heard_on_another(dnslet):
    server = dnslet("--no-rec", hosts=HOSTS)
    with UdpClient(("127.0.0.2", server.port)) as client, pytest.raises(OSError):
        client.socket.connect(client.address)
        for _ in range(2):
            client.socket.send(question("nas.test").to_wire())
        client.receive_wire(1)


def test_the_ready_line_lists_what_is_bound(dnslet):
    server = dnslet("--no-rec", listen="127.0.0.1:0,[::1]:0")
    words = re.search(r"ready: udp\+tcp (.*)$", server.ready_line()).group(1).split()
    assert [split_address(word)[0] for word in words[:2]] == ["127.0.0.1", "::1"]
    assert 0 not in [port for _, port in server.addresses]


@pytest.mark.parametrize("asked", ["127.0.0.1", "127.0.0.2", "127.9.8.7"])
def test_a_wildcard_answer_leaves_from_the_address_that_was_asked(dnslet, asked):
    server = dnslet("--no-rec", hosts=HOSTS, listen="0.0.0.0:0")
    with UdpClient((asked, server.port), bind="127.0.0.1") as client:
        client.send(question("nas.test"))
        assert data(client.receive()) == ["192.0.2.10"]
        assert client.source == (asked, server.port)
    assert data(server.query("nas.test", tcp=True, address=(asked, server.port))) == ["192.0.2.10"]


def test_a_forwarded_wildcard_answer_leaves_from_the_address_that_was_asked(dnslet, upstream):
    """Written long after the batch that the question came in with"""
    server = dnslet(to=[upstream(lambda q: q.answer(f"{q.name} 60 IN A 192.0.2.1"))],
                    listen="0.0.0.0:0")
    with UdpClient(("127.0.0.2", server.port), bind="127.0.0.1") as client:
        client.send(question("www.test"))
        assert data(client.receive()) == ["192.0.2.1"]
        assert client.source == ("127.0.0.2", server.port)


def second_ipv6_address():
    """An address of this host other than ::1, usable from it without leaving the host"""
    for line in Path("/proc/net/if_inet6").read_text().splitlines():
        digits, _, _, scope, flags, _ = line.split()
        if scope == "00" and not int(flags, 16) & 0x40:  # global, and not tentative
            return ":".join(digits[i:i + 4] for i in range(0, 32, 4))
    return None


def test_an_ipv6_wildcard_answer_leaves_from_the_address_that_was_asked(dnslet):
    server = dnslet("--no-rec", hosts=HOSTS, listen="[::]:0")
    for tcp in (False, True):
        answer = server.query("nas.test", tcp=tcp, address=("::1", server.port), bind="::1")
        assert data(answer) == ["192.0.2.10"]
    asked = second_ipv6_address()
    if asked is None:
        pytest.skip("this host has no IPv6 address but ::1")
    # From ::1 the kernel by itself would answer with ::1, whatever address was asked.
    with UdpClient((asked, server.port), bind="::1") as client:
        client.send(question("nas.test"))
        client.receive()
        assert IPv6Address(client.source[0]) == IPv6Address(asked)


@pytest.mark.parametrize("address,remedy", [
    ("[::1%nosuch]:0", "name an interface that this host has"),
    ("[::1%1x]:0", "name an interface that this host has"),
    ("[fe80::1]:0", "needs its interface, as in [fe80::1%eth0]:53"),
    ("[::ffff:127.0.0.1]:0", "an IPv4 address is written as such")])
def test_an_ipv6_address_that_cannot_be_bound_is_told_with_a_remedy(address, remedy):
    done = run("--no-rec", "--listen", address)
    assert done.returncode == 1
    assert f"cannot bind {address}" in done.stderr.replace("7f00:1", "127.0.0.1")
    assert remedy in done.stderr and "--listen" in done.stderr


@pytest.mark.parametrize("interface", ["lo", socket.if_nametoindex("lo")])
def test_an_interface_takes_its_name_or_its_number(dnslet, interface):
    server = dnslet("--no-rec", hosts=HOSTS, listen=f"[::1%{interface}]:0")
    assert data(server.query("nas.test")) == ["192.0.2.10"]


def test_both_wildcards_on_one_port_live_side_by_side(dnslet):
    port = free_port("::")
    server = dnslet("--no-rec", hosts=HOSTS, listen=f"0.0.0.0:{port},[::]:{port}")
    for host in ("127.0.0.1", "::1"):
        for tcp in (False, True):
            answer = server.query("nas.test", tcp=tcp, address=(host, port))
            assert data(answer) == ["192.0.2.10"]
