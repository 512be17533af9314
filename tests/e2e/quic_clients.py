# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Clients over QUIC (RFC 9250), which tests/bench/quic_client.cc is in their hands."""

import contextlib
import subprocess
from pathlib import Path

import pytest
from clients import parse
from harness import PATIENCE, command, question
from tls_server import HAS_QUIC

NO_ERROR, PROTOCOL_ERROR, EXCESSIVE_LOAD, UNSPECIFIED = "0", "2", "4", "5"
NO_PROTOCOL = str(0x100 + 120)  # of TLS: no application protocol


def program():
    if not HAS_QUIC:
        pytest.skip("this build has no QUIC")
    found = Path(command()[-1]).parent / "bench" / "quic_client"
    if not found.exists():
        pytest.skip("build/bench/quic_client is not built")
    return str(found)


def in_doq(message, number=0):
    """As it stands in a stream: with its length, and no ID"""
    wire = message if isinstance(message, bytes) else message.to_wire()
    wire = number.to_bytes(2, "big") + wire[2:]
    return len(wire).to_bytes(2, "big") + wire


class QuicClient:
    """One connection; streams are numbers of the test's own."""

    def __init__(self, address, protocol="doq"):
        self.process = subprocess.Popen([program(), address[0], str(address[1]), protocol], text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.opened = self.process.stdout.readline().strip()
        self.streams = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def do(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        return self.process.stdout.readline().strip()

    def open(self, content=b"", fin=True):
        """A new stream with this in it"""
        self.streams += 1
        assert self.do("open", self.streams) == "done"
        if content:
            self.do("write", self.streams, content.hex())
        if fin:
            self.do("fin", self.streams)
        return self.streams

    def ask(self, message):
        """The stream of a question"""
        return self.open(in_doq(message))

    def read(self, stream, seconds=PATIENCE):
        """What comes of it, in words; ["data", …] is all of it."""
        return self.do("read", stream, seconds).split()

    def receive_wire(self, stream):
        kind, content = self.read(stream)
        assert kind == "data", content
        wire = bytes.fromhex(content)
        assert int.from_bytes(wire[:2], "big") == len(wire) - 2, "one message"
        return wire[2:]

    def receive(self, stream):
        return parse(self.receive_wire(stream))

    def look_up(self, name, **how):
        return self.receive(self.ask(question(name, **how)))

    def end(self, seconds=PATIENCE):
        """"application 2", or "open\""""
        return self.do("wait", seconds).removeprefix("closed ")

    def reconnect(self):
        self.opened = self.do("reconnect")
        return self.opened


@contextlib.contextmanager
def holding(address, count, content=b""):
    """So many connections that do nothing, or have this in a stream that does not end; gives how many there are."""
    with subprocess.Popen([program(), address[0], str(address[1]), "hold", str(count), *([content.hex()] if content else [])],
                          text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield int(process.stdout.readline().split()[1])
        process.kill()


def beginnings(count):
    """What so many clients send first: a datagram each"""
    done = subprocess.run([program(), "127.0.0.1", "1", "begin", str(count)], capture_output=True, text=True,
                          timeout=PATIENCE * 6, check=True)
    return [bytes.fromhex(line) for line in done.stdout.split()]
