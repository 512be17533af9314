# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""An upstream server that speaks DNS over QUIC, and does what a test tells it: tests/bench/quic_stub
speaks QUIC, here is decided what it says."""

import itertools
import os
import signal
import struct
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from basics import PATIENCE, free_port, wait_until
from fake_upstream import CLOSE, Later, Question, Raw
from harness import command

PLACES = [folder / "bench/quic_stub" for folder in Path(command()[-1]).resolve().parents[:2]]
STUB = next((place for place in PLACES if place.exists()), None)
HEAD = struct.Struct("!cIQI")


@dataclass(frozen=True)
class Reset:
    """The stream is given up"""

    code: int


@dataclass(frozen=True)
class Ended:
    """The connection is closed with this code"""

    code: int


class QuicServer:
    """What stub and test have in common, whatever is spoken on the streams"""

    protocol = "doq"

    def __init__(self, certificate, host="127.0.0.1", port=None):
        self.certificate = certificate
        self.host, self.port = host, port or free_port(host)
        self.names, self.handshakes = [], []  # of SNI; True for each that was resumed
        self.closed = []  # codes with which connections were closed
        self.resets = []  # codes of streams that were given up
        self.errors = []
        self.streams = {}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if kind is None:
            assert not self.errors, self.errors

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def start(self):
        self.process = subprocess.Popen(
            [STUB, self.certificate.chain, self.certificate.key, self.host, str(self.port), self.protocol],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.listening = threading.Event()
        self.thread = threading.Thread(target=self._read, args=[self.process.stdout], daemon=True)
        self.thread.start()
        assert self.listening.wait(PATIENCE)

    def stop(self):
        """Without a word: nobody is told that it is gone"""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self.thread.join(PATIENCE)
        self.process.stdin.close()
        self.process.stdout.close()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)
        state = Path(f"/proc/{self.process.pid}/stat")
        wait_until(lambda: "T" in state.read_text().rpartition(")")[2].split()[0], "that it has stopped")

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def say(self, kind, connection, stream=0, payload=b""):
        try:
            os.write(self.process.stdin.fileno(), HEAD.pack(kind, connection, stream, len(payload)) + payload)
        except (OSError, ValueError):
            pass  # it has been stopped

    def _read(self, pipe):
        while len(head := pipe.read(HEAD.size)) == HEAD.size:
            kind, connection, stream, size = HEAD.unpack(head)
            payload = pipe.read(size)
            try:
                self._take(kind, connection, stream, payload)
            except Exception as error:  # told when it is stopped
                self.errors.append(error)

    def _take(self, kind, connection, stream, payload):
        if kind == b"L":
            self.listening.set()
        elif kind == b"o":
            self.handshakes.append(payload.startswith(b"+"))
            self.names.append(payload.lstrip(b"+").decode() or None)
            self.on_open(connection)
        elif kind == b"c":
            self.closed.append(int(payload))
        elif kind == b"r":
            self.resets.append(int(payload))
        else:
            self.streams[connection, stream] = self.streams.get((connection, stream), b"") + payload
            if kind == b"f":
                self.on_stream(connection, stream, self.streams.pop((connection, stream)))

    def on_open(self, connection):
        pass


class QuicUpstream(QuicServer):
    """`handler` as that of FakeUpstream, which may also return Reset(code) and Ended(code). Raw(…) is
    the whole of a stream; in a list, its last piece ends it, but for Ended(code) behind an answer."""

    def __init__(self, handler, certificate, **how):
        super().__init__(certificate, **how)
        self.handler = handler
        self.questions = []
        self.frames = []  # as they came

    def url(self, name=None):
        return f"quic://{self.address}" + (f"#{name}" if name else "")

    def asked(self, name):
        return [q for q in list(self.questions) if q.name == name.rstrip(".") + "."]

    def on_stream(self, connection, stream, frame):
        self.frames.append(frame)
        size, = struct.unpack_from("!H", frame)
        assert size == len(frame) - 2, "a stream carries one question"
        question = Question(frame[2:], "quic", (self.host, connection))
        self.questions.append(question)
        self.reply(connection, stream, self.handler(question))

    def reply(self, connection, stream, reply):
        if isinstance(reply, Later):
            threading.Timer(reply.seconds, self.reply, [connection, stream, reply.reply]).start()
        elif isinstance(reply, list) and isinstance(reply[-1], Ended):
            for piece in reply:
                self.reply(connection, stream, piece)
        elif isinstance(reply, list):
            for piece, is_last in zip(reply, itertools.chain([False] * (len(reply) - 1), [True])):
                self.say(b"f" if is_last else b"d", connection, stream, whole(piece))
        elif isinstance(reply, Reset):
            self.say(b"r", connection, stream, str(reply.code).encode())
        elif isinstance(reply, Ended) or reply is CLOSE:
            self.say(b"c", connection, 0, str(0 if reply is CLOSE else reply.code).encode())
        elif reply is not None:
            self.say(b"f", connection, stream, whole(reply))


def whole(reply):
    if isinstance(reply, Raw):
        return reply.stream
    wire = reply if isinstance(reply, bytes) else reply.to_wire(max_size=65535)
    return struct.pack("!H", len(wire)) + wire
