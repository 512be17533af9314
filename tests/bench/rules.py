# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Measures what lists and rules cost, beside dnsmasq where it has the like.

    rules.py [--build FOLDER] [--quick]

Prints one table: what was measured, the median of the rounds, what it must be. Exit status 1 where
that is not reached. Ratios are those of one round, whose servers run one after the other.
"""

import contextlib
import os
import signal
import statistics
import sys
import threading
import time
from pathlib import Path

import bench
from bench import ANSWERS, HOT_NAMES, WINDOW
from servers import Dnslet, Dnsmasq, bench_name

NAMES = 1_000_000
KINDS = {
    "name": "name:x{i}.example", "zone": "zone:x{i}.example", "!zone": "!zone:bench.test type:TXT,TYPE{t}",
    "word": "word:track{i}", "regex": "regex:^ad{i}[0-9]+\\.", "list": "list:l{i}",
    "ptr": "ptr:10.{i}.0.0/16", "type": "type:TYPE{t}", "from": "from:10.{i}.0.0/16",
    "via": "via:tls type:TYPE{t}", "at": "at:127.0.0.1:{port} type:TYPE{t}",
}


class RulesBench(bench.Bench):
    def __init__(self, build, scratch, quick):
        super().__init__(build, scratch, quick)
        self.values = {}
        self.limits = {}
        self.names = Path(scratch) / "names"
        with self.names.open("w") as file:
            for i in range(NAMES):
                file.write(f"{bench_name(i, 'b')[:-11]}.ads{i % 97}.example\n")
        self.local = Path(scratch) / "dnsmasq.conf"
        with self.names.open() as names, self.local.open("w") as file:
            for name in names:
                file.write(f"local=/{name.strip()}/\n")

    def note(self, row, value, limit=None):
        self.values.setdefault(row, []).append(value)
        self.limits[row] = limit

    @contextlib.contextmanager
    def running(self, *settings):
        """dnslets with these flags behind one upstream, their caches filled"""
        with self.stub() as upstream, contextlib.ExitStack() as stack:
            servers = [stack.enter_context(self.start(Dnslet, upstream, cache=ANSWERS, extra=words))
                       for words in settings]
            for server in servers:
                self.load("window", server.port, questions=HOT_NAMES, window=64)
            yield servers

    def cost(self, server, **numbers):
        """CPU for each answer, whatever it says"""
        before = server.nanoseconds()
        result = self.load("window", server.port, names=HOT_NAMES, window=WINDOW, **numbers)
        return (server.nanoseconds() - before) / (result["answers"] + result["wrong"])

    def costs(self, servers, turn):
        """Of each, one right behind the other and for a fraction of a second, so that what else the
        machine does meets all of them. Another one comes first each time."""
        costs = {}
        for place in range(len(servers)):
            server = servers[(place + turn) % len(servers)]
            costs[server.port] = self.cost(server, questions=60_000)
        return [costs[server.port] for server in servers]

    def loading(self):
        for _ in self.rounds(5, 2):
            with self.stub() as upstream:
                used = {}
                for kind, words in ((Dnslet, ["--blocklist", self.names]), (Dnsmasq, [f"--conf-file={self.local}"])):
                    if not kind.found():
                        continue
                    for more in ((), words):
                        with self.start(kind, upstream, extra=more) as server:
                            used[kind, bool(more)] = server.nanoseconds() / 1e9
                            if kind is Dnslet and more:
                                time.sleep(0.3)
                                loaded, most = server.resident(), peak_bytes(server.pid)
                            elif kind is Dnslet:
                                idle = server.resident()
                spent = used[Dnslet, True] - used[Dnslet, False]
                self.note("1,000,000 names: bytes each, loaded", (loaded - idle) / NAMES, 9)
                self.note("1,000,000 names: bytes each, at most", (most - idle) / NAMES, 14)
                self.note("1,000,000 names: seconds of CPU", spent)
                if (Dnsmasq, True) in used:
                    self.note("1,000,000 names: CPU × dnsmasq",
                              spent / (used[Dnsmasq, True] - used[Dnsmasq, False]), 0.08)

    def answers(self):
        hot = Path(self.scratch) / "hot"
        hot.write_text("".join(f"{bench_name(i)}\n" for i in range(HOT_NAMES)))
        with self.running((), ("--blocklist", self.names), ("--blocklist", hot)) as servers:
            for turn in self.rounds(61, 9):
                none, listed, blocked = self.costs(servers, turn)
                self.note("cached, on no list × without lists", listed / none, 1.1)
                self.note("blocked × cached", blocked / none, 1.2)

    def kinds(self):
        lists = []
        for i in range(100):
            path = Path(self.scratch) / f"list{i}"
            path.write_text(f"ads{i}.example\n")
            lists += ["--list", f"l{i}={path}"]
        settings = [()]
        for kind, match in KINDS.items():
            words = list(lists) if kind == "list" else []
            for i in range(100):
                words += ["--rule", match.format(i=i, t=1000 + i, port="{port}") + " -> block"]
            settings.append(words)
        with self.stub() as upstream, contextlib.ExitStack() as stack:
            servers = []
            for words in settings:
                server = self.start(Dnslet, upstream, cache=ANSWERS)
                server.words += [str(word).replace("{port}", str(server.port)) for word in words]
                servers.append(stack.enter_context(server))
                self.load("window", server.port, questions=HOT_NAMES, window=64)
            for _ in self.rounds(7, 3):
                none, *others = map(self.cost, servers)
                for kind, cost in zip(KINDS, others):
                    self.note(f"cached, 100 rules with {kind} × without", cost / none, 1.5)

    def reloading(self):
        place, words = self.machine.on_server_side_as_usual(), ["--blocklist", self.names]
        with self.stub() as upstream, Dnslet(place, upstream.port, cache=ANSWERS, extra=words) as server:
            self.load("window", server.port, questions=HOT_NAMES, window=64)
            for _ in self.rounds(9, 2):
                quiet = self.load("paced", server.port, names=HOT_NAMES, rate=5000, seconds=3)
                before = server.resident()
                timer = threading.Timer(1, os.kill, (server.pid, signal.SIGHUP))
                timer.start()
                loud = self.load("paced", server.port, names=HOT_NAMES, rate=5000, seconds=3)
                timer.join()
                self.note("reload of 1,000,000 names: lost", loud["lost"], 0)
                self.note("reload: p99 × quiet", loud["p99_us"] / quiet["p99_us"], 2)
                self.note("reload: memory × before", server.resident() / before, 1.1)

    def run(self, only):
        for step in (self.loading, self.answers, self.kinds, self.reloading):
            if not only or step.__name__ in only:
                step()

    def table(self):
        """(the rows as text, whether all is reached)"""
        lines, good = ["| | median | must |", "|---|---|---|"], True
        for row, values in self.values.items():
            median, limit = statistics.median(values), self.limits[row]
            is_reached = limit is None or median <= limit
            good = good and is_reached
            must = "" if limit is None else f"≤ {limit:g}{'' if is_reached else ' **missed**'}"
            lines.append(f"| {row} | {median:.3g} | {must} |")
        return "\n".join(lines), good


def peak_bytes(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel does not tell the peak")


def main():
    options = bench.make_parser(__doc__, "loading, answers, kinds, reloading").parse_args()
    text, good = bench.measure(RulesBench, options).table()
    print(text)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
