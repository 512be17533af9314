# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Measures how late answers are where the nameserver is far away, over TLS: beside others, at a
round trip of 20 ms, without loss and with 1 % of the packets to it lost, as `tc qdisc add dev …
root netem loss 1%` on the side of those who ask does it.

    far.py [--build FOLDER] [--quick] [--only STEP]

The nameserver stands in a network namespace of its own, and a relay between two TUN devices holds
each packet back: the same where the kernel has no netem. Needs root. Exit status 1 where a peer is
better.
"""

import contextlib
import ctypes
import fcntl
import heapq
import os
import random
import re
import select
import statistics
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import bench
import machine
from servers import Bound, Dnsdist, Dnslet, Server, Smartdns, Unbound

HERE, THERE = "10.99.0.1", "10.99.0.2"
ONE_WAY = 0.01  # seconds
CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def open_device(name, address, place=()):
    """A TUN device of this thread's network"""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    for words in (["addr", "add", f"{address}/30", "dev", name], ["link", "set", name, "up", "mtu", "1500"]):
        subprocess.run([*place, "ip", *words], check=True)
    return device


class Relay:
    """Two networks, as far from each other as light in glass is from a neighbouring country. The
    packets that are lost are the same ones in each run."""

    def __init__(self):
        self.other = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec cat"],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.other.stdout.readline()
        network = f"/proc/{self.other.pid}/ns/net"
        self.place = ["nsenter", f"--net={network}"]
        self.loss, self.dice, self.lost = 0.0, random.Random(1), 0
        here = open_device("here0", HERE)
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.enter(os.open(network, os.O_RDONLY))
        there = open_device("there0", THERE)
        self.enter(home)
        self.here, self.ends = here, {here: there, there: here}
        threading.Thread(target=self.run, daemon=True).start()

    @staticmethod
    def enter(network):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(network, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(network)

    def begin(self, loss):
        self.loss, self.dice, self.lost = loss, random.Random(1), 0

    def run(self):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(20))
        waiting, number = [], 0
        while True:
            pause = None if not waiting else max(0.0, waiting[0][0] - time.monotonic())
            for device in select.select(list(self.ends), [], [], pause)[0]:
                with contextlib.suppress(BlockingIOError):
                    while packet := os.read(device, 2048):
                        if device == self.here and self.dice.random() < self.loss:
                            self.lost += 1
                            continue
                        number += 1
                        heapq.heappush(waiting, (time.monotonic() + ONE_WAY, number, self.ends[device], packet))
            while waiting and waiting[0][0] <= time.monotonic():
                _, _, device, packet = heapq.heappop(waiting)
                with contextlib.suppress(OSError):
                    os.write(device, packet)

    def stop(self):
        self.other.stdin.close()
        self.other.wait()


class FarBench(bench.Bench):
    def __init__(self, build, scratch, quick):
        super().__init__(build, scratch, quick)
        self.kinds = [kind for kind in (Dnslet, Unbound, Smartdns, Dnsdist) if kind.found()]
        self.values = {}
        self.relay = Relay()
        Server.far = THERE
        self.first = 0  # number of the next name: each is asked once

    def ask(self, server, kind, questions, **numbers):
        self.first += questions
        return self.load(kind, server.port, first=self.first - questions, questions=questions, names=0, **numbers)

    def note(self, row, server, value):
        self.values.setdefault(row, {}).setdefault(server.name, []).append(value)

    @contextlib.contextmanager
    def far_servers(self):
        """All that ask the stub there"""
        certificate, private = self.certificate()
        # Not beside the load.
        place = [*self.relay.place, *self.machine.on_server_side()]
        with Bound([*place, self.program("tls_stub"), certificate, private]) as upstream, contextlib.ExitStack() as stack:
            self.relay.begin(0)
            yield [stack.enter_context(self.start(kind, upstream, cache=1000, roots=certificate))
                   for kind in self.kinds]

    def crowd(self):
        """64 questions outstanding"""
        with self.far_servers() as running:
            for loss in (0, 0.01):
                for _ in self.rounds(5, 1):
                    for server in running:
                        self.relay.begin(loss)
                        result = self.ask(server, "window", 1000 if self.quick else 5000, window=64, sockets=1)
                        row = f"64 outstanding, {loss:.0%} lost: "
                        self.note(row + "median ms", server, result["median_us"] / 1000)
                        self.note(row + "p99 ms", server, result["p99_us"] / 1000)
                        self.note(row + "unanswered", server, result["lost"] + result["wrong"])

    def trickle(self):
        """125 questions a second"""
        for kind in self.kinds:
            self.kinds, kinds = [kind], self.kinds
            with self.far_servers() as (server,):
                for _ in self.rounds(3, 1):
                    before = self.accepted()
                    self.relay.begin(0.01)
                    result = self.ask(server, "paced", 625 if self.quick else 2500, rate=125)
                    row = "125 a second, 1% lost: "
                    for value in ("median", "p95", "p99"):
                        self.note(f"{row}{value} ms", server, result[f"{value}_us"] / 1000)
                    self.note(row + "unanswered", server, result["lost"] + result["wrong"])
                    self.note(row + "connections made", server, self.accepted() - before)
            self.kinds = kinds

    def accepted(self):
        """Connections that the stub's network has ever taken"""
        counted = machine.output([*self.relay.place, "cat", "/proc/net/snmp"])
        names, numbers = (line.split() for line in re.findall(r"^Tcp:.*$", counted, re.MULTILINE))
        return int(numbers[names.index("PassiveOpens")])

    def run(self, only):
        for step in (self.crowd, self.trickle):
            if not only or step.__name__ in only:
                step()
        self.relay.stop()

    def table(self):
        """(the rows as text, whether all is reached)"""
        names = [kind.name for kind in (Dnslet, Unbound, Smartdns, Dnsdist)]
        lines, good = ["| | " + " | ".join(names) + " | must |", "|---" * (len(names) + 2) + "|"], True
        limits = {"125 a second, 1% lost: p95 ms": 42, "125 a second, 1% lost: p99 ms": 51}
        for row, values in self.values.items():
            median = {name: statistics.median(of) for name, of in values.items()}
            limit = limits.get(row)
            if row.startswith("64") and "median" in row and len(median) > 1:
                limit = min(value for name, value in median.items() if name != "dnslet")
            is_reached = limit is None or median["dnslet"] <= limit
            good = good and is_reached
            must = "" if limit is None else f"≤ {limit:.1f}{'' if is_reached else ' **missed**'}"
            cells = [f"{median[name]:.1f}" if name in median else "" for name in names]
            lines.append(f"| {row} | " + " | ".join([*cells, must]) + " |")
        return "\n".join(lines), good


def main():
    options = bench.make_parser(__doc__, "crowd, trickle").parse_args()
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists():
        sys.exit("far.py: needs root and /dev/net/tun")
    text, good = bench.measure(FarBench, options).table()
    print(text)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
