# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Trouble on the way to an upstream server, an upstream that can be killed or paused, and a steady
load meanwhile that counts what clients notice."""

import asyncio
import contextlib
import os
import random
import select
import signal
import socket
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass

from basics import PATIENCE, free_port, join_address
from clients import UdpClient, data, question

HOST = "127.0.0.1"


class Proxy:
    """`with Proxy(port) as way:` forwards datagrams from way.address to that port and back. What it
    does to each one, in either direction, may be changed at any time."""

    def __init__(self, port):
        self.target = (HOST, port)
        self.loss = 0.0  # share of datagrams
        self.delay = 0.0  # seconds, of each datagram
        self.jitter = 0.0  # at most so much more, at random: they overtake each other
        self.copies = 1
        self.dice = random.Random(1)

    def __enter__(self):
        self.listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.listening.bind((HOST, 0))
        self.listening.setblocking(False)
        self.address = join_address(*self.listening.getsockname())
        self.outgoing = {}  # by address of the client
        self.loop = asyncio.new_event_loop()
        self.loop.add_reader(self.listening, self._from_client)
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE)
        self.loop.close()
        for each in [self.listening, *self.outgoing.values()]:
            each.close()

    def _from_client(self):
        with contextlib.suppress(OSError):
            while True:
                wire, client = self.listening.recvfrom(65535)
                self._pass(self._socket_for(client).send, wire)

    def _socket_for(self, client):
        if client not in self.outgoing:
            out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            out.connect(self.target)
            out.setblocking(False)
            self.loop.add_reader(out, self._from_server, out, client)
            self.outgoing[client] = out
        return self.outgoing[client]

    def _from_server(self, out, client):
        with contextlib.suppress(OSError):
            while True:
                wire = out.recv(65535)
                self._pass(lambda packet: self.listening.sendto(packet, client), wire)

    def _pass(self, send, wire):
        if self.dice.random() < self.loss:
            return
        for _ in range(self.copies):
            wait = self.delay + self.dice.random() * self.jitter
            self.loop.call_later(wait, self._send, send, wire)

    @staticmethod
    def _send(send, wire):
        with contextlib.suppress(OSError):
            send(wire)


class StubUpstream:
    """A process that answers 192.0.2.1 to all. kill(), start(), pause(), go_on()."""

    def __init__(self, programs):
        self.program = programs / "stub_upstream"
        self.port = free_port()
        self.address = join_address(HOST, self.port)
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        self.process = subprocess.Popen([self.program, str(self.port)], stdout=subprocess.PIPE,
                                        text=True)
        assert self.process.stdout.readline() == f"port {self.port}\n"

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.communicate()
        self.process = None

    def pause(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.process.pid, signal.SIGCONT)


@dataclass
class Asked:
    at: float
    seconds: float = None  # until the answer; None: none came
    rcode: int = None
    good: bool = False


class SteadyLoad:
    """`with SteadyLoad(server) as load:` asks for another name every 5 ms. At the end of the block
    it waits for the answers that are missing."""

    INTERVAL = 0.005

    def __init__(self, server):
        self.server = server
        self.asked = []
        self.is_over = False
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.client = UdpClient(self.server.address)
        self.client.socket.connect(self.server.address)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.thread.join()
        self.client.__exit__()

    def run_for(self, seconds):
        """The condition to wait for is that so much time has passed under load."""
        threading.Event().wait(seconds)

    def _run(self):
        due = time.monotonic()
        while not self.is_over:
            self._ask()
            due = max(due + self.INTERVAL, time.monotonic())
            self._receive_until(due)
        end = time.monotonic() + PATIENCE * 2
        while time.monotonic() < end and any(each.seconds is None for each in self.asked):
            self._receive_until(time.monotonic() + 0.05)

    def _ask(self):
        message = question(f"n{len(self.asked)}.test")
        message.id = len(self.asked)
        self.asked.append(Asked(time.monotonic()))
        self.client.send(message)

    def _receive_until(self, end):
        while True:
            left = end - time.monotonic()
            if not select.select([self.client.socket], [], [], max(left, 0))[0]:
                return
            answer = self.client.receive()
            each = self.asked[answer.id]
            assert each.seconds is None, "answered twice"
            each.seconds = time.monotonic() - each.at
            each.rcode = answer.rcode()
            each.good = data(answer) == ["192.0.2.1"]

    def failed(self):
        return [each for each in self.asked if not each.good]

    def failing_time(self):
        """Seconds from the first failed question to the last one"""
        times = [each.at for each in self.failed()]
        return max(times) - min(times) if times else 0.0

    def median(self, begin=0.0, end=float("inf")):
        """Seconds that an answer took to a question asked between these times"""
        return statistics.median(each.seconds for each in self.asked if begin < each.at < end)

    def report(self):
        slowest = max((each.seconds for each in self.asked if each.seconds is not None), default=0)
        return (f"{len(self.asked)} asked, {len(self.failed())} failed within "
                f"{self.failing_time():.2f} s, the slowest answer took {slowest:.2f} s")
