# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Clients that attack over QUIC: what they cost, and what others notice of it."""

import contextlib
import random
import socket
import time

import pytest
from harness import PATIENCE, SLOW, data, question, wait_until
from metrics import Scrape, wait_total
from quic_clients import EXCESSIVE_LOAD, NO_ERROR, QuicClient, beginnings, holding, in_doq

HOSTS = "192.0.2.10 nas.test\n"
MANY = "".join(f"10.9.{i // 250}.{i % 250 + 1} many.test\n" for i in range(4000))  # an answer of 64 kB
MANY_HANDSHAKES = 32
RETRY = 3


@pytest.fixture
def serve(quic):
    def start(*flags, hosts=HOSTS):
        return quic("--no-rec", "--metrics=127.0.0.1:0", *flags, hosts=hosts)
    return start


def is_served(server):
    """Whether somebody else is, over UDP and QUIC"""
    with QuicClient(server.quic) as client:
        return data(client.look_up("nas.test")) == data(server.query("nas.test")) == ["192.0.2.10"]


@contextlib.contextmanager
def sender(server, source="127.0.0.1"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind((source, 0))
        found.connect(server.quic)
        found.settimeout(PATIENCE)
        yield found


def received(found, seconds=0.0):
    """Datagrams that are there, or come within this time"""
    found.settimeout(seconds or 0.001)
    datagrams = []
    with contextlib.suppress(socket.timeout, BlockingIOError):
        while True:
            datagrams.append(found.recv(2048))
    return datagrams


def kind(datagram):
    """The type of a long header of version 1"""
    assert datagram[0] & 0x80 and datagram[1:5] == b"\0\0\0\1"
    return datagram[0] >> 4 & 3


def test_garbage_is_dropped(serve):
    server, chance = serve(), random.Random(9250)
    first = beginnings(1)[0]
    with sender(server) as found:
        for number in range(3000):
            size = chance.choice((0, 1, 5, 20, 300, 1200, 1500))
            garbage = bytearray(chance.randbytes(size))
            if number % 3 == 0:
                garbage = bytearray(first)
                for _ in range(number % 5 + 1):
                    garbage[chance.randrange(len(garbage))] ^= 1 << chance.randrange(8)
            found.send(garbage)
            if number % 100 == 0:
                assert data(server.query("nas.test")) == ["192.0.2.10"]
    assert is_served(server)
    assert Scrape(server).total("dnslet_tcp_clients") <= MANY_HANDSHAKES + 1


def test_other_versions_are_told_which_one_there_is(serve):
    server = serve()
    with sender(server) as found:
        packet = b"\xc0\x1a\x2a\x3a\x4a\x08destinat\x05sourc" + bytes(1300)
        found.send(packet[:1199])
        assert received(found, 0.2) == [], "one that is too short"
        found.send(packet[:1200])
        reply = received(found, 0.5)[0]
        assert reply[0] & 0x80 and reply[1:5] == bytes(4)
        assert reply[5:20] == b"\x05sourc\x08destinat"
        assert reply[20:24] == b"\0\0\0\1"


def test_who_does_not_answer_is_sent_three_times_what_came_at_most(serve):
    server = serve()
    first = beginnings(1)[0]
    with sender(server) as found:
        found.send(first)
        assert 0 < sum(map(len, received(found, 1.5))) <= 3 * len(first)


def test_forged_beginnings_cost_nothing_and_stop_nobody(serve):
    """From so many addresses that none is counted twice: the first ones are believed, then they have to show that
    they are there."""
    server = serve("--tcp-idle-timeout=3000")
    is_served(server)
    before, retried = server.resident(), 0
    for number, first in enumerate(beginnings(600)):
        with sender(server, f"127.{number % 250 + 1}.{number // 250}.7") as found:
            found.send(first)
            if number >= MANY_HANDSHAKES:
                found.settimeout(PATIENCE)
                retried += kind(found.recv(2048)) == RETRY
        if number % 200 == 199:
            assert is_served(server), "by Retry"
    assert retried > 500
    clients = Scrape(server).total("dnslet_tcp_clients")
    assert clients <= MANY_HANDSHAKES + 4
    assert SLOW or server.resident() - before < 8 << 20
    wait_total(server, 0, "dnslet_tcp_clients")
    assert is_served(server)


def test_sessions_go_on_by_retry_too(serve):
    """What such a client is given for later (NEW_TOKEN) is of no use elsewhere, and does no harm."""
    server = serve("--tcp-idle-timeout=20000")
    stalled = []
    with contextlib.ExitStack() as stack:
        for number, first in enumerate(beginnings(MANY_HANDSHAKES)):
            stalled.append(stack.enter_context(sender(server, f"127.9.9.{number + 1}")))
            stalled[-1].send(first)
        wait_total(server, MANY_HANDSHAKES, "dnslet_tcp_clients")
        with QuicClient(server.quic) as client:
            for _ in range(5):
                assert data(client.look_up("nas.test")) == ["192.0.2.10"]
                assert client.end(0.1) == "open"
                assert client.reconnect() == "open resumed doq"


def test_connections_that_do_nothing_are_limited_and_closed(serve):
    server = serve("--tcp-idle-timeout=4000", "--max-tcp-clients=64")
    before = server.resident()
    with holding(server.quic, 200) as held:
        assert held == 200
        assert Scrape(server).total("dnslet_tcp_clients") == 64
        assert SLOW or (server.resident() - before) / 64 < 200_000
        assert is_served(server)
        wait_total(server, 0, "dnslet_tcp_clients")


def test_half_questions_are_limited_and_closed(serve):
    server = serve("--tcp-idle-timeout=4000", "--max-tcp-clients=64")
    before = server.resident()
    with holding(server.quic, 100, b"\xff\xff" + bytes(60000)):
        assert SLOW or (server.resident() - before) / 64 < 500_000
        assert is_served(server)
        wait_total(server, 0, "dnslet_tcp_clients")


def test_what_is_in_no_question_is_limited(serve):
    server = serve()
    with QuicClient(server.quic) as client:
        for _ in range(3):
            client.open(b"\xff\xff" + bytes(60000), fin=False)
        assert client.end() == f"application {EXCESSIVE_LOAD}"
    assert is_served(server)


def test_streams_that_do_not_end_are_limited(serve):
    server = serve("--tcp-idle-timeout=1500")
    is_served(server)
    before = server.resident()
    with QuicClient(server.quic) as client:
        for number in range(1000):
            client.do("open", number)
            client.do("write", number, "00")
        assert SLOW or server.resident() - before < 16 << 20
        assert client.end() == f"application {NO_ERROR}", "it is idle"
    assert is_served(server)


def test_questions_that_are_taken_back_are_answered_to_nobody(serve):
    server = serve()
    is_served(server)
    before = server.resident()
    with QuicClient(server.quic) as client:
        for _ in range(1500):
            stream = client.open(in_doq(question("nas.test")), fin=False)
            client.do("reset", stream, 3)
            client.do("free", stream)
        assert data(client.look_up("nas.test")) == ["192.0.2.10"]
    assert SLOW or server.resident() - before < 8 << 20
    assert is_served(server)


def test_who_never_reads_is_limited_and_closed(serve):
    server = serve("--tcp-idle-timeout=2000", hosts=HOSTS + MANY)
    is_served(server)
    before = server.resident()
    with QuicClient(server.quic) as client:
        for _ in range(60):
            client.ask(question("many.test"))
        client.do("sleep", 0.5)
        assert SLOW or server.resident() - before < 16 << 20
        client.do("sleep", 3)
        wait_total(server, 0, "dnslet_tcp_clients")
    assert is_served(server)


def test_questions_that_become_whole_at_once_are_limited_likewise(serve):
    server = serve("--tcp-idle-timeout=2000", hosts=HOSTS + MANY)
    is_served(server)
    before = server.resident()
    content = in_doq(question("many.test"))
    with QuicClient(server.quic) as client:
        streams = [client.open(content[:5], fin=False) for _ in range(200)]
        for stream in streams:
            client.do("write", stream, content[5:].hex())
        for stream in streams:
            client.do("fin", stream)
        client.do("sleep", 0.5)
        assert SLOW or server.resident() - before < 8 << 20
        client.do("sleep", 3)
        wait_total(server, 0, "dnslet_tcp_clients")
    assert is_served(server)


def test_who_closes_at_once_leaves_nothing(serve):
    server = serve("--tcp-idle-timeout=1500")
    is_served(server)
    before = server.resident()
    with QuicClient(server.quic) as client:
        for _ in range(150):
            client.reconnect()
    wait_total(server, 0, "dnslet_tcp_clients")
    assert SLOW or server.resident() - before < 24 << 20


def test_a_datagram_of_somebody_else_with_a_known_id_is_dropped(serve):
    """Whoever has seen a connection's ID can't bring it down."""
    server = serve()
    with sender(server) as found, sender(server, "127.0.0.3") as other, QuicClient(server.quic) as client:
        first = beginnings(1)[0]
        found.send(first)
        reply = found.recv(2048)
        known = reply[7 + reply[5]:][:8]
        for _ in range(100):
            other.send(bytes([0x40]) + known + random.randbytes(40))
            other.send(first)
        assert received(other, 0.2) == []
        assert data(client.look_up("nas.test")) == ["192.0.2.10"]


def test_others_are_served_while_many_connect(serve):
    server = serve("--tcp-idle-timeout=3000")
    end = time.monotonic() + 3
    with holding(server.quic, 300):
        while time.monotonic() < end:
            assert data(server.query("nas.test")) == ["192.0.2.10"]
    wait_until(lambda: is_served(server), "a client over QUIC")


def test_forged_beginnings_take_no_place_of_a_client_where_there_are_few(serve):
    server = serve("--max-tcp-clients=16")
    with QuicClient(server.quic) as client:
        assert data(client.look_up("nas.test")) == ["192.0.2.10"]
        for number, first in enumerate(beginnings(60)):
            with sender(server, f"127.{number + 1}.0.7") as found:
                found.send(first)
        assert data(server.query("nas.test")) == ["192.0.2.10"]
        assert client.end(0.1) == "open"
        assert data(client.look_up("nas.test")) == ["192.0.2.10"]
    assert is_served(server)
