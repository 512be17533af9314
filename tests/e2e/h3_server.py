# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""An upstream server that speaks DNS over HTTP/3: what is on the streams is made by hand here, so that a
test can send anything; tests/bench/quic_stub speaks QUIC."""

import threading
from dataclasses import dataclass, field

from fake_upstream import Later, Question
from hpack.huffman_table import decode_huffman
from quic_server import Ended, QuicServer, Reset

DATA, HEADERS, SETTINGS, GOAWAY = 0, 1, 4, 7
REQUEST_REJECTED = 0x10b


def varint(number):
    """RFC 9000 section 16"""
    for bits, mark in ((6, 0), (14, 1), (30, 2), (62, 3)):
        if number < 1 << bits:
            return (mark << bits | number).to_bytes((bits + 2) // 8, "big")
    raise ValueError(number)


def read_varint(stream, at):
    size = 1 << (stream[at] >> 6)
    return int.from_bytes(stream[at:at + size], "big") & (1 << (8 * size - 2)) - 1, at + size


def frame(kind, payload):
    return varint(kind) + varint(len(payload)) + payload


def frames_of(stream):
    at = 0
    while at < len(stream):
        kind, at = read_varint(stream, at)
        size, at = read_varint(stream, at)
        yield kind, stream[at:at + size]
        at += size


def prefixed(number, mark, bits):
    """RFC 7541 section 5.1"""
    most = (1 << bits) - 1
    if number < most:
        return bytes([mark | number])
    number -= most
    out = bytes([mark | most])
    while number >= 128:
        out += bytes([number % 128 + 128])
        number //= 128
    return out + bytes([number])


def fields(status, **more):
    """The header of an answer, without tables (RFC 9204 section 4.5)"""
    out = b"\0\0" + prefixed(24, 0x50, 4) + prefixed(3, 0, 7) + str(status).encode()  # :status
    for name, value in more.items():
        name, value = name.replace("_", "-").encode(), str(value).encode()
        out += prefixed(len(name), 0x20, 3) + name + prefixed(len(value), 0, 7) + value
    return out


def texts_of(block):
    """The texts that stand in the header of a request as they are, decoded"""
    at, texts = 2, []

    def number(bits):
        nonlocal at
        most = (1 << bits) - 1
        value, at = block[at] & most, at + 1
        shift = 0
        while value >= most:
            value, at = value + ((block[at] & 127) << shift), at + 1
            shift += 7
            if not block[at - 1] & 128:
                break
        return value

    def text(bits):
        nonlocal at
        is_packed = block[at] >> bits & 1
        size = number(bits)
        piece, at = block[at:at + size], at + size
        texts.append(decode_huffman(piece) if is_packed else piece)
    while at < len(block):
        if block[at] & 0x80:  # all of it in the table
            number(6)
        elif block[at] & 0x40:
            number(4)
            text(7)
        else:
            text(3)
            text(7)
    return texts


@dataclass(frozen=True)
class Answer:
    """A status with a body"""

    body: object = b""
    status: int = 200
    more: dict = field(default_factory=dict)


class H3Upstream(QuicServer):
    """A handler returns a message, an Answer, bytes of a stream, Reset, Ended, Later or None."""

    protocol = "h3"

    def __init__(self, handler, certificate, **how):
        super().__init__(certificate, **how)
        self.handler = handler
        self.questions = []
        self.texts = []  # of headers
        self.settings = b"\0" + frame(SETTINGS, b"")

    def url(self, name=None, path="/dns-query"):
        return f"h3://{self.address}{path}" + (f"#{name}" if name else "")

    def asked(self, name):
        return [q for q in list(self.questions) if q.name == name.rstrip(".") + "."]

    def on_open(self, connection):
        self.control = connection
        self.say(b"u", connection, 0, self.settings)

    def go_away(self, connection, first):
        """On the control stream, which is the first one of the server's"""
        self.say(b"d", connection, 3, frame(GOAWAY, varint(first)))

    def on_stream(self, connection, stream, request):
        found = dict(frames_of(request))
        self.texts.append(texts_of(found[HEADERS]))
        question = Question(found[DATA], "h3", (self.host, connection))
        question.stream = stream
        self.questions.append(question)
        self.reply(connection, stream, self.handler(question))

    def reply(self, connection, stream, reply):
        if isinstance(reply, Later):
            threading.Timer(reply.seconds, self.reply, [connection, stream, reply.reply]).start()
        elif isinstance(reply, Reset):
            self.say(b"r", connection, stream, str(reply.code).encode())
        elif isinstance(reply, Ended):
            self.say(b"c", connection, 0, str(reply.code).encode())
        elif reply is not None:
            self.say(b"f", connection, stream, whole(reply))


def whole(reply):
    if isinstance(reply, bytes):
        return reply
    if not isinstance(reply, Answer):
        reply = Answer(reply)
    body = reply.body if isinstance(reply.body, bytes) else reply.body.to_wire(max_size=65535)
    kind = {"content_type": "application/dns-message"}
    return frame(HEADERS, fields(reply.status, **kind, **reply.more)) + (frame(DATA, body) if body else b"")
