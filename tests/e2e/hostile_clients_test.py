# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Clients that attack: what they cost, and what others notice of it."""

import contextlib
import json
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from harness import PATIENCE, SCALE, SLOW, TcpClient, data, load_programs, question, wait_until
from latency import in_quiet, median, p99, under_attack
from metrics import Scrape, wait_total

REFUSED = 5
METRICS = ("--metrics", "127.0.0.1:0")
HOSTS = (*METRICS, "--no-rec", "--address", "*.bench.test=192.0.2.1")


@pytest.fixture
def programs():
    folder = load_programs()
    if not folder:
        pytest.skip("the load generators are not built: make e2e builds them")
    return folder


# TCP.

@contextlib.contextmanager
def connecting(server, count):
    """(a function that tells whether all are open, one that reads what the attacker tells then)"""
    script = Path(__file__).with_name("many_connections.py")
    with subprocess.Popen([sys.executable, script, str(server.port), str(count)], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as attacker:
        yield (lambda: bool(select.select([attacker.stdout], [], [], 0)[0]),
               lambda: json.loads(attacker.stdout.readline()))
        attacker.communicate()


def test_10000_connections_neither_exceed_the_limit_nor_harm_udp(dnslet):
    """The quiet value is that of a server beside the one under attack, on the same machine."""
    server, other = dnslet(*HOSTS), dnslet(*HOSTS)
    quiet = in_quiet(p99, server)
    with connecting(other, 3000) as (is_over, _):
        beside = under_attack(p99, server, is_over, other)
    with connecting(server, 10000) as (is_over, read_result):
        attacked = under_attack(p99, server, is_over)
        result, found, descriptors = read_result(), Scrape(server), server.descriptors()
    print(f"99th percentile: {quiet * 1e6:.0f} us in quiet, {beside * 1e6:.0f} us beside it, "
          f"{attacked * 1e6:.0f} us under attack")
    # Below 20 ms it is the scheduler that is measured: three programs share two processors.
    assert attacked < max(3 * quiet, 3 * beside, 0.02 * SCALE)
    assert found.total("dnslet_tcp_clients") == 256
    assert found.total("dnslet_tcp_clients_closed_by_limit_total") == 10000 + 1 - 256
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
    server = dnslet(*METRICS, "--no-rec", "--tcp-idle-timeout", 1500,
                    hosts=many + "192.0.2.10 nas.test\n")
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
        wait_total(server, 0, "dnslet_tcp_clients")


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
    """As fast as they are answered: where the machine gives it, that is more than 100,000. Once
    channels have been retired for the first time, in the second of three attacks, memory stays."""
    server = dnslet(*METRICS, "--address", "quiet.bench.test=192.0.2.1", "--rcache", 10000,
                    "--nameservers", black_hole, "--max-inflight", 1000, "--upstream-timeout", 1000)
    count, pace = 25_000 if SLOW else 100_000, threading.Event()

    def attack(first):
        """(the most questions that were open upstream, the most memory in use)"""
        resident, most_open = [], 0
        with loading(programs, server, "window", names=0, first=first, questions=count,
                     window=1024, sockets=4) as attacker:
            while attacker.poll() is None:
                most_open = max(most_open, Scrape(server).total("dnslet_upstream_inflight"))
                resident.append(server.resident())
                pace.wait(0.02)
            result = json.loads(attacker.stdout.read())
        print(f"{count / result['seconds']:.0f} names a second, {most_open:.0f} open, "
              f"{max(resident) >> 10} KiB")
        assert result["lost"] == 0 and result["answers"] == 0
        assert result["wrong"] == count, "all were told SERVFAIL"
        return most_open, max(resident)
    attacks = [attack(first) for first in (0, count, 2 * count)]
    assert 0 < max(most_open for most_open, _ in attacks) <= 1000
    assert SLOW or attacks[2][1] < attacks[1][1] + (1 << 20)
    wait_total(server, 0, "dnslet_upstream_inflight")
    assert len(server.log("too many questions under way")) < 5, "the log is limited"


FLOODS = {
    "of cached names": ("window", dict(names=100, window=256, sockets=4)),
    "of new names": ("window", dict(names=0, first=1000, window=256, sockets=4)),
    "over tcp": ("tcp", dict(names=100, window=64, sockets=16)),
}


@pytest.mark.parametrize("kind, how", FLOODS.values(), ids=FLOODS)
def test_a_client_that_floods_does_not_make_another_one_wait(dnslet, programs, black_hole, kind,
                                                             how):
    """It has a thousand questions open at any time. As many may be before another's, no more: so a
    question takes what the flood's answers take, and the machine some time for itself."""
    known = "*.bench.test" if how["names"] else "quiet.bench.test"
    server = dnslet(*METRICS, "--address", f"{known}=192.0.2.1", "--nameservers", black_hole,
                    "--max-inflight", 100, "--upstream-timeout", 500)
    quiet = in_quiet(median, server)
    with loading(programs, server, kind, seconds=1, **how) as attacker:
        attacked = under_attack(median, server, lambda: attacker.poll() is not None)
        result = json.loads(attacker.stdout.read())
    answered = result["answers"] + result["wrong"]
    thousand = 1024 * result["seconds"] / answered
    print(f"median: {quiet * 1e6:.0f} us in quiet, {attacked * 1e6:.0f} us under attack, "
          f"{answered} answers to the one that floods, a thousand in {thousand * 1e6:.0f} us")
    assert attacked < max(3 * quiet, 2 * thousand + 0.005 * SCALE)


def test_a_refusal_is_no_larger_than_its_question(dnslet):
    """Nothing to gain for who asks in the name of a victim."""
    server = dnslet("--no-rec", "--allow", "192.0.2.0/24")
    for how in (dict(), dict(edns=True), dict(do=True, payload=4096)):
        for name, rdtype in (("www.test", "A"), ("localhost", "ANY"), (".", "TXT")):
            wire = question(name, rdtype, **how).to_wire()
            reply = server.exchange(wire)
            assert reply[3] & 15 == REFUSED and len(reply) <= len(wire)
