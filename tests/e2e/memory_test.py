# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""What questions that come to nothing cost: nothing that stays. Servers that refuse, reset, are
silent or can't be reached get 5,000 questions a second. LONG=1: for a minute each."""

import contextlib
import os
import socket
import struct
import threading
import time

import pytest

from harness import SLOW, free_port, question, wait_until

SECONDS = 60 if os.environ.get("LONG") else 6
RATE = 5000
ALLOWED = 4 << 20


@pytest.fixture(autouse=True)
def needs_own_memory():
    if SLOW:
        pytest.skip("sanitizers have a memory of their own")


def flood(address):
    """Asks for a new name each time, whatever comes back; what came back by code"""
    packet = bytearray(question("n000000.test").to_wire())
    codes = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(address)
        client.setblocking(False)
        begin = time.monotonic()
        for i in range(RATE * SECONDS):
            packet[0:2] = struct.pack(">H", i & 0xffff)
            packet[14:20] = b"%06d" % i
            with contextlib.suppress(BlockingIOError):
                client.send(packet)
            if i % 50 == 0:
                time.sleep(max(0.0, begin + i / RATE - time.monotonic()))
                count_codes(client, codes)
    return codes


def count_codes(client, codes):
    with contextlib.suppress(BlockingIOError):
        while True:
            code = client.recv(4096)[3] & 15
            codes[code] = codes.get(code, 0) + 1


def check_growth(server, place=contextlib.nullcontext):
    """Resident memory stays within 4 MB of idle, all the while"""
    idle = server.resident()
    peak, stop = [idle], threading.Event()

    def watch():
        while not stop.wait(0.05):
            peak.append(server.resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with place():
            codes = flood(server.address)
    finally:
        stop.set()
        watcher.join()
    assert codes.keys() == {2}, codes
    grown = max(peak) - idle
    assert grown <= ALLOWED, f"{grown / 1024:.0f} kB more than idle"


@contextlib.contextmanager
def silent_port():
    """A port over which nothing ever comes back"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        yield server.getsockname()[1]


@contextlib.contextmanager
def resetting_port():
    """A TCP port that resets every connection, with what was asked on it"""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        server.settimeout(0.1)
        stop = threading.Event()

        def serve():
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    connection, _ = server.accept()
                    with connection:
                        connection.settimeout(1)
                        connection.recv(1)
                        linger = struct.pack("ii", 1, 0)
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        stop.set()
        thread.join()


def test_a_server_that_refuses_every_question(dnslet):
    server = dnslet("--nameservers", f"127.0.0.1:{free_port()}")
    check_growth(server)


def test_a_server_that_refuses_every_connection(dnslet):
    server = dnslet("--nameservers", f"127.0.0.1:{free_port()}", "--force-tcp")
    check_growth(server)


def test_a_server_that_is_silent(dnslet):
    with silent_port() as port:
        # What is open costs some 4 kB, so it is --max-inflight that bounds it.
        server = dnslet("--nameservers", f"127.0.0.1:{port}", "--max-inflight", 800)
        check_growth(server)
        wait_until(lambda: server.descriptors() < 600, "descriptors of questions that are over",
                   seconds=15)


def test_a_server_that_is_silent_has_little_more_than_a_port_for_each_question(dnslet):
    with silent_port() as port:
        server = dnslet("--nameservers", f"127.0.0.1:{port}")
        flood(server.address)
        assert 4096 <= server.descriptors() <= 4096 + 256 + 256 + 20  # asked again, kept for others
        wait_until(lambda: server.descriptors() < 600, "descriptors of questions that are over", seconds=15)


def test_a_server_that_resets_every_connection(dnslet):
    with resetting_port() as port:
        server = dnslet("--nameservers", f"127.0.0.1:{port}", "--force-tcp")
        check_growth(server)


def test_a_server_to_which_no_way_leads(dnslet, world):
    """The namespace has a loopback and nothing else."""
    server = dnslet("--nameservers", "192.0.2.1", wrapper=world.wrapper)
    check_growth(server, place=world.inside)
