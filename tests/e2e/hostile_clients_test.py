# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Clients that attack: what they cost, and what others notice of it.

The measure of the others is the time that one question after the other takes, in rounds: of each
round the 99th percentile (the median where clients and server fight for the processors), of the
rounds in quiet the middle one, of those under attack the best one. A machine that is busy with
something else spoils some rounds, a server that suffers spoils all."""

import contextlib
import json
import re
import select
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness import (PATIENCE, SCALE, SLOW, TcpClient, UdpClient, data, load_programs, question,
                     wait_until)

REFUSED = 5
HOSTS = ("--no-rec", "--address", "*.bench.test=192.0.2.1")


@pytest.fixture
def programs():
    folder = load_programs()
    if not folder:
        pytest.skip("the load generators are not built: make e2e builds them")
    return folder


def counters(server):
    before = len(server.log("counters "))
    server.send_signal(signal.SIGUSR1)
    wait_until(lambda: len(server.log("counters ")) > before, "the counters")
    return {key: int(value) for key, value in
            re.findall(r"(\w+)=(\d+)", server.log("counters ")[-1])}


def times_of(server, questions):
    """How long each of so many questions takes, in seconds, in order of length"""
    wire, times = question("quiet.bench.test").to_wire(), []
    with UdpClient(server.address) as client:
        for _ in range(questions):
            begin = time.perf_counter()
            client.send(wire)
            reply = client.receive_wire()
            times.append(time.perf_counter() - begin)
            assert reply[7] == 1, "the address"
    return sorted(times)


def p99(server):
    return times_of(server, 200)[197]


def median(server):
    return times_of(server, 20)[10]


def in_quiet(measure, server):
    return statistics.median(measure(server) for _ in range(5))


def under_attack(measure, server, is_over):
    """Of the best round until then"""
    rounds = [measure(server)]
    while not is_over():
        rounds.append(measure(server))
    return min(rounds)


def check_unharmed(quiet, attacked, floor):
    print(f"{quiet * 1e6:.0f} us in quiet, {attacked * 1e6:.0f} us under attack")
    assert attacked < max(3 * quiet, floor * SCALE)


# TCP.

def test_10000_connections_neither_exceed_the_limit_nor_harm_udp(dnslet):
    server = dnslet(*HOSTS)
    quiet = in_quiet(p99, server)
    script = Path(__file__).with_name("many_connections.py")
    with subprocess.Popen([sys.executable, script, str(server.port), "10000"], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as attacker:
        attacked = under_attack(p99, server,
                                lambda: select.select([attacker.stdout], [], [], 0)[0])
        result = json.loads(attacker.stdout.readline())
        found = counters(server)
        descriptors = server.descriptors()
        attacker.communicate()
    check_unharmed(quiet, attacked, 0.002)
    assert found["tcp_clients"] == 256
    assert found["tcp_closed_by_limit"] == 10000 + 1 - 256
    assert descriptors < 256 + 20
    assert result["busy_answers"] == 200, "who asks stays"
    assert result["open"] == [False] * (10000 - 255 - result["forgotten"]) + [True] * 255, (
        "the longest idle ones went")


def test_senders_that_drip_are_idle_and_make_room(dnslet):
    """A byte now and then is no question: it does not keep a connection."""
    server = dnslet(*HOSTS, "--max-tcp-clients", 20, "--tcp-idle-timeout", 800)
    with contextlib.ExitStack() as stack:
        senders = [stack.enter_context(TcpClient(server.address)) for _ in range(20)]

        def drip():
            for sender in senders:
                with contextlib.suppress(ConnectionError):
                    sender.socket.sendall(b"\xff")  # of a question of 65,535 bytes
            assert data(server.query("new.bench.test", tcp=True)) == ["192.0.2.1"]
            return all(sender.is_closed() for sender in senders)
        assert not drip()
        wait_until(drip, "all are closed", 0.8 + PATIENCE)


def test_readers_that_never_read_cost_a_bounded_memory_and_go(dnslet):
    """64 of them, with answers of 32 kB"""
    many = "".join(f"10.9.{i // 250}.{i % 250 + 1} many.test\n" for i in range(2000))
    server = dnslet("--no-rec", "--tcp-idle-timeout", 1500, hosts=many + "192.0.2.10 nas.test\n")
    assert len(data(server.query("many.test", tcp=True))) == 2000
    before = server.resident()
    with contextlib.ExitStack() as stack:
        wire = TcpClient.frame(question("many.test")) * 200
        for _ in range(64):
            reader = stack.enter_context(TcpClient(server.address, receive_buffer=4096))
            reader.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                reader.socket.send(wire)
        for _ in range(100):
            assert data(server.query("nas.test")) == ["192.0.2.10"]
        assert SLOW or server.resident() - before < 64 * (512 << 10)
        wait_until(lambda: counters(server)["tcp_clients"] == 0, "all are gone", 1.5 + PATIENCE)


# UDP.

def loading(programs, server, kind, **numbers):
    words = [f"{name}={number}" for name, number in numbers.items()]
    return subprocess.Popen([programs / "load", kind, f"port={server.port}", *words], text=True,
                            stdout=subprocess.PIPE)


@pytest.fixture
def black_hole():
    """The address of a server that takes everything and says nothing"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{hole.getsockname()[1]}"


def test_100000_new_names_a_second_keep_to_the_limit_and_memory_stays(dnslet, programs, black_hole):
    """As fast as they are answered: where the machine gives it, that is more than 100,000."""
    server = dnslet("--address", "quiet.bench.test=192.0.2.1", "--rcache", 10000, "--nameservers",
                    black_hole, "--max-inflight", 1000, "--upstream-timeout", 1000)
    count = 50_000 if SLOW else 200_000
    resident, most_open = [], 0
    with loading(programs, server, "window", names=0, questions=count, window=1024,
                 sockets=4) as attacker:
        while attacker.poll() is None:
            most_open = max(most_open, counters(server)["upstream_open"])
            resident.append(server.resident())
            median(server)
        result = json.loads(attacker.stdout.read())
    print(f"{count / result['seconds']:.0f} names a second, {most_open} open, "
          f"{min(resident) >> 10} to {max(resident) >> 10} KiB")
    assert result["lost"] == 0 and result["answers"] == 0
    assert result["wrong"] == count, "all were told SERVFAIL"
    assert 0 < most_open <= 1000
    settled = resident[len(resident) // 3]
    assert SLOW or max(resident) < settled + (2 << 20)
    wait_until(lambda: counters(server)["upstream_open"] == 0, "nothing open")
    assert len(server.log("too many questions under way")) < 5, "the log is limited"


FLOODS = {
    "of cached names": ("window", dict(names=100, window=256, sockets=4)),
    "of new names": ("window", dict(names=0, first=1000, window=256, sockets=4)),
    "over tcp": ("tcp", dict(names=100, window=64, sockets=16)),
}


@pytest.mark.parametrize("kind, how", FLOODS.values(), ids=FLOODS)
def test_a_client_that_floods_does_not_make_another_one_wait(dnslet, programs, black_hole, kind,
                                                             how):
    """It has a thousand questions open at any time: as many may be before another's, no more. That
    takes some milliseconds where three programs share two processors."""
    known = "*.bench.test" if how["names"] else "quiet.bench.test"
    server = dnslet("--address", f"{known}=192.0.2.1", "--nameservers", black_hole,
                    "--max-inflight", 100, "--upstream-timeout", 500)
    quiet = in_quiet(median, server)
    with loading(programs, server, kind, seconds=1, **how) as attacker:
        attacked = under_attack(median, server, lambda: attacker.poll() is not None)
        result = json.loads(attacker.stdout.read())
    print(result["answers"] + result["wrong"], "answers to the one that floods")
    assert result["answers"] + result["wrong"] > 1000
    check_unharmed(quiet, attacked, 0.01)


def test_a_refusal_is_no_larger_than_its_question(dnslet):
    """Nothing to gain for who asks in the name of a victim."""
    server = dnslet("--no-rec", "--allow", "192.0.2.0/24")
    for how in (dict(), dict(edns=True), dict(do=True, payload=4096)):
        for name, rdtype in (("www.test", "A"), ("localhost", "ANY"), (".", "TXT")):
            wire = question(name, rdtype, **how).to_wire()
            reply = server.exchange(wire)
            assert reply[3] & 15 == REFUSED and len(reply) <= len(wire)
