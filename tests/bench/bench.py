# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Measures dnslet beside dnsmasq, unbound, dnsdist and the limit that the kernel sets.

    bench.py [--build FOLDER] [--quick] [--only ROW-PREFIX]... [--json FILE]

Prints one table and writes JSON. Every comparison runs in rounds, one server after the other:
what else happens on the machine meets all of them alike. RESULTS.md explains the rows.
"""

import argparse
import contextlib
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import machine
from servers import (SMALL_CACHE, Bound, Dnsdist, Dnslet, Dnsmasq, Echo, Hosts, Redis, Server, Smartdns,
                     Unbound, TLS_NAME, ask_for_each, bench_name)
from table import make_rows, render

ANSWERS = 100_000
HOT_NAMES = 10_000
WINDOW = 128  # with more, dnsmasq loses questions and waits


def zone_words(count, port):
    """Flags for `count` stub zones of one server, each given by itself"""
    return [word for i in range(count)
            for word in ("--stubzones", f"{bench_name(i, 'z')}/127.0.0.1:{port + 1}")]


class Bench:
    def __init__(self, build, scratch, quick):
        self.build = Path(build)
        self.scratch = scratch
        self.quick = quick
        self.machine = machine.Machine()
        self.rows = make_rows()
        Dnslet.program = str(self.build / "dnslet")
        Server.scratch = scratch
        self.servers = [kind for kind in (Dnslet, Dnsmasq, Unbound) if kind.found()]
        self.forwarders = [*self.servers, *([Dnsdist] if Dnsdist.found() else [])]
        self.encrypting = [*self.forwarders, *([Smartdns] if Smartdns.found() else [])]

    def rounds(self, full, quick):
        return range(quick if self.quick else full)

    def program(self, name):
        return str(self.build / "bench" / name)

    def load(self, kind, port, place=None, **numbers):
        words = [f"{name}={number}" for name, number in numbers.items()]
        place = place or self.machine.on_load_side()
        words = [*place, self.program("load"), kind, f"port={port}", *words]
        return json.loads(machine.output(words))

    def stub(self):
        return Bound([*self.machine.on_load_side(), self.program("stub_upstream")])

    def echo(self):
        return Echo([*self.machine.on_server_side(), self.program("echo_server")])

    def start(self, kind, upstream, **settings):
        return kind(self.machine.on_server_side(), upstream.port, **settings)

    @contextlib.contextmanager
    def all_running(self, with_echo, **settings):
        """One of each, waiting beside each other"""
        with contextlib.ExitStack() as stack:
            upstream = stack.enter_context(self.stub())
            running = [stack.enter_context(self.echo())] if with_echo else []
            running += [stack.enter_context(self.start(kind, upstream, **settings))
                        for kind in self.servers]
            yield running

    def measure_cost(self, key, server, kind, **numbers):
        """Runs a load; adds the server's CPU for each answer, and the answers a second."""
        cost, result = self.cost_of(server, kind, **numbers)
        self.rows[f"{key}_cpu"].add(server.name, cost)
        self.rows[f"{key}_rate"].add(server.name, result["answers"] / result["seconds"])
        return result

    def cost_of(self, server, kind, **numbers):
        """(the server's CPU microseconds for each answer of a load, what the load has counted)"""
        before = server.nanoseconds()
        result = self.load(kind, server.port, **numbers)
        used = server.nanoseconds() - before
        if result["wrong"] or not result["answers"]:
            raise AssertionError(f"{server.name} answered wrongly: {result}")
        return used / 1000 / result["answers"], result

    def fill(self, server, count=HOT_NAMES, window=64):
        result = self.load("window", server.port, questions=count, window=window)
        if result["wrong"]:
            raise AssertionError(f"{server.name} answered wrongly: {result}")

    def cached(self):
        with self.all_running(with_echo=True, cache=ANSWERS) as running:
            for server in running:
                self.fill(server)
            for _ in self.rounds(11, 3):
                for server in running:
                    self.measure_cost("cached", server, "window", names=HOT_NAMES,
                                      window=WINDOW)

    def hosts(self):
        hosts = Hosts(self.scratch, 100_000)
        with self.all_running(with_echo=True, cache=SMALL_CACHE, hosts=hosts) as running:
            for _ in self.rounds(7, 3):
                for server in running:
                    self.measure_cost("hosts", server, "window", names=100_000, hosts=1,
                                      window=WINDOW)

    def miss(self):
        with self.stub() as upstream:
            for _ in self.rounds(5, 2):
                for kind in self.forwarders:
                    with self.start(kind, upstream, cache=ANSWERS) as server:
                        result = self.measure_cost("miss", server, "window", questions=ANSWERS,
                                                   window=WINDOW)
                        self.rows["miss_lost"].add(server.name, result["lost"])
                self.miss_over_tcp(upstream)

    def miss_over_tcp(self, upstream):
        with self.start(Dnslet, upstream, cache=ANSWERS, extra=["--force-tcp"]) as server:
            cost, result = self.cost_of(server, "window", questions=ANSWERS, window=WINDOW)
        self.rows["miss_tcp"].add("dnslet", cost / self.rows["miss_cpu"].values["dnslet"][-1])
        self.rows["miss_tcp_lost"].add("dnslet", result["lost"])

    def certificate(self):
        """(certificate, its key): signed by itself, so its own root"""
        certificate, key = (Path(self.scratch) / name for name in ("tls.pem", "tls.key"))
        machine.output(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-keyout", key, "-subj", f"/CN={TLS_NAME}", "-days", "30", "-out", certificate,
                        "-addext", f"subjectAltName=DNS:{TLS_NAME}"])
        return certificate, key

    def tls(self):
        self.encrypted("tls", [kind for kind in self.encrypting if kind is not Dnsmasq])

    def https(self):
        self.encrypted("https", [kind for kind in self.encrypting if kind in (Dnslet, Dnsdist, Smartdns)])

    def encrypted(self, way, kinds):
        program, key = self.program(f"{way}_stub"), f"miss_{way}"
        if not Path(program).exists():
            return
        certificate, private = self.certificate()
        with Bound([*self.machine.on_load_side(), program, certificate, private]) as upstream, self.stub() as plain:
            for _ in self.rounds(5, 2):
                for kind in kinds:
                    with self.start(kind, upstream, cache=ANSWERS, roots=certificate, way=way) as server:
                        result = self.measure_cost(key, server, "window", questions=ANSWERS, window=64)
                        self.rows[f"{key}_lost"].add(server.name, result["lost"])
                with self.start(Dnslet, plain, cache=ANSWERS) as server:
                    cost, _ = self.cost_of(server, "window", questions=ANSWERS, window=64)
                    ours = self.rows[f"{key}_cpu"].values["dnslet"][-1]
                    self.rows[f"{key}_to_udp"].add("dnslet", ours / cost)

    def shared(self):
        """What a shared cache costs where it has nothing, and what it saves where it has the answer"""
        if not shutil.which("redis-server") or "hiredis" not in machine.output([Dnslet.program, "--version"]):
            return
        with Redis(self.machine.on_load_side(), self.scratch) as redis, self.stub() as upstream:
            extra = ["--shared-cache", f"redis://127.0.0.1:{redis.port}"]
            for turn in self.rounds(5, 2):
                numbers = {"questions": ANSWERS, "first": turn * ANSWERS, "window": 64}
                costs = []
                for flags in ([], extra, extra):  # the third one finds what the second has put there
                    with self.start(Dnslet, upstream, cache=ANSWERS, extra=flags) as server:
                        cost, result = self.cost_of(server, "window", **numbers)
                    costs.append(cost)
                    self.rows["shared_lost"].add("dnslet", result["lost"])
                self.rows["shared_cold"].add("dnslet", costs[1] / costs[0])
                self.rows["shared_hit"].add("dnslet", costs[2] / costs[0])

    def tcp(self):
        with self.all_running(with_echo=False, cache=ANSWERS) as running:
            for server in running:
                self.fill(server)
            for _ in self.rounds(7, 3):
                for server in running:
                    result = self.measure_cost("tcp", server, "tcp", names=HOT_NAMES, sockets=8,
                                               window=64)
                    self.rows["tcp_closed"].add(server.name, result["closed"])

    def burst(self):
        with self.stub() as upstream:
            for _ in self.rounds(5, 3):
                for kind in self.servers:
                    with self.start(kind, upstream, cache=ANSWERS) as server:
                        for row in ("burst_cold", "burst_warm"):
                            result = self.load("window", server.port, questions=1024, window=1024)
                            self.rows[row].add(server.name, 1024 - result["answers"])

    def latency(self):
        with self.all_running(with_echo=True, cache=ANSWERS) as running:
            for server in running:
                self.fill(server)
            for _ in self.rounds(7, 3):
                for server in running:
                    result = self.load("paced", server.port, names=HOT_NAMES, rate=5000)
                    self.rows["latency_median"].add(server.name, result["median_us"])
                    self.rows["latency_p99"].add(server.name, result["p99_us"])

    def memory(self):
        """A full cache of 100,000 against an idle one of 1,000: what is set aside counts too."""
        for kind in self.servers:
            with self.stub() as upstream:
                with self.start(kind, upstream, cache=SMALL_CACHE) as server:
                    time.sleep(0.2)
                    idle = server.resident()
            with self.stub() as upstream:
                with self.start(kind, upstream, cache=ANSWERS) as server:
                    self.fill(server, ANSWERS, window=16)
                    full = server.resident()
                    self.fill(server, ANSWERS, window=16)
                asked = int(upstream.stop().split()[1])
            self.rows["kept"].add(kind.name, max(0, 2 * ANSWERS + 1 - asked))
            self.rows["rss_idle"].add(kind.name, idle / 1024)
            self.rows["rss_full"].add(kind.name, full / 1024)
            self.rows["bytes_per_answer"].add(kind.name, (full - idle) / ANSWERS)
            with self.stub() as upstream:
                with self.start(kind, upstream, cache=ANSWERS) as server:
                    ask_for_each(server.port, (bench_name(i, "longer-n") for i in range(ANSWERS)))
                    self.rows["bytes_per_longer"].add(kind.name, (server.resident() - idle) / ANSWERS)

    def start_time(self):
        hosts = Hosts(self.scratch, 10_000)
        with self.stub() as upstream:
            for _ in self.rounds(21, 7):
                for kind in self.servers:
                    self.first_answer("start", kind([], upstream.port))
                    self.first_answer("start_hosts", kind([], upstream.port, hosts=hosts))

    def first_answer(self, row, server):
        words = [*self.machine.on_any_side(), self.program("first_answer"), str(server.port),
                 server.known_name(), *server.bare_words]
        self.rows[row].add(server.name, float(machine.output(words).split()[-1]))

    def zones(self):
        """What stub zones of one server cost those who do not ask for them"""
        with self.stub() as upstream, contextlib.ExitStack() as stack:
            none, many = (stack.enter_context(self.start(Dnslet, upstream, cache=ANSWERS,
                                                         extra=zone_words(count, upstream.port)))
                          for count in (0, 1000))
            self.rows["zones_descriptors"].add("dnslet", many.descriptors() - none.descriptors())
            for server in (none, many):
                self.fill(server)
            for turn in self.rounds(9, 3):
                for row, numbers in (("zones_cached", {"names": HOT_NAMES}),
                                     ("zones_miss", {"questions": 30_000,
                                                     "first": HOT_NAMES + turn * 30_000})):
                    base, cost = (self.cost_of(server, "window", window=WINDOW, **numbers)[0]
                                  for server in (none, many))
                    self.rows[row].add("dnslet", cost / base)
        self.many_zones()

    def many_zones(self):
        count = 10_000
        with self.stub() as upstream:
            for _ in self.rounds(7, 3):
                words = zone_words(count, upstream.port)
                self.first_answer("zones_start", Dnslet([], upstream.port, extra=words))
            idle = []
            for words in ((), zone_words(count, upstream.port)):
                with self.start(Dnslet, upstream, extra=words) as server:
                    time.sleep(0.2)
                    idle.append(machine.own_bytes(server.pid))
        names = sum(len(bench_name(i, "z")) + 1 for i in range(count))
        self.rows["zones_bytes"].add("dnslet", (idle[1] - idle[0] - names) / count)

    def program_size(self):
        for kind in self.servers:
            size = machine.stripped_size(shutil.which(kind.program), self.scratch)
            self.rows["program_size"].add(kind.name, size / 1024)

    def workers(self):
        """Both processors belong to the server and to the load here."""
        place = self.machine.on_any_side()
        with self.stub() as upstream, contextlib.ExitStack() as stack:
            one, two = (stack.enter_context(Dnslet(place, upstream.port, cache=ANSWERS,
                                                   extra=["--threads", count]))
                        for count in ("1", "2"))
            for server in (one, two):
                self.fill(server)
            for _ in self.rounds(7, 3):
                (rate, cost), (more_rate, more_cost) = map(self.shared_cost, (one, two))
                self.rows["workers_rate"].add("dnslet", more_rate / rate)
                self.rows["workers_cpu"].add("dnslet", more_cost / cost)

    def shared_cost(self, server):
        """(answers a second, CPU for each)"""
        before = server.nanoseconds()
        result = self.load("window", server.port, place=self.machine.on_any_side(),
                           names=HOT_NAMES, sockets=8, window=64)
        used = server.nanoseconds() - before
        return result["answers"] / result["seconds"], used / result["answers"]

    def run(self, only):
        for step in (self.cached, self.hosts, self.miss, self.tls, self.https, self.shared, self.tcp, self.burst, self.latency,
                     self.memory, self.start_time, self.zones, self.program_size, self.workers):
            if only and step.__name__ not in only:
                continue
            begin = time.monotonic()
            print(f"bench: {step.__name__}", end="", file=sys.stderr, flush=True)
            step()
            print(f", {time.monotonic() - begin:.0f} s", file=sys.stderr)

    def as_json(self):
        return {"machine": self.machine.describe(),
                "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "versions": {kind.name: kind.version() for kind in self.encrypting},
                "rows": {key: row.as_json() for key, row in self.rows.items() if row.values}}


def make_parser(text, steps):
    parser = argparse.ArgumentParser(description=text.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build", help="folder of dnslet and bench/")
    parser.add_argument("--quick", action="store_true", help="few rounds: rough")
    parser.add_argument("--only", action="append", help=f"one step: {steps}")
    return parser


def measure(kind, options):
    """A bench of this kind that has run, in a network of its own"""
    machine.enter_namespace()
    machine.limit_descriptors()
    with tempfile.TemporaryDirectory(prefix="dnslet-bench-") as scratch:
        bench = kind(options.build, scratch, options.quick)
        for warning in bench.machine.warnings():
            print(f"bench: {warning}", file=sys.stderr)
        bench.run(options.only)
    return bench


def main():
    parser = make_parser(__doc__, "cached, hosts, miss, tcp, ...")
    parser.add_argument("--json", help="where to write it (default: bench.json in the build folder)")
    options = parser.parse_args()
    bench = measure(Bench, options)
    print(render(bench.rows))
    path = Path(options.json or bench.build / "bench.json")
    path.write_text(json.dumps(bench.as_json(), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
