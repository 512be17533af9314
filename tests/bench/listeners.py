# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Measures what clients over TLS and HTTPS cost, beside dnsdist.

    listeners.py [--build FOLDER] [--quick]

The clients are dnsperf and, over HTTPS, h2load, with 8 connections and 64 questions under way in each
(dnsperf 2.10 loses all but one of the answers that arrive together over HTTPS), and openssl s_time, which
does nothing but shake hands. Prints one table: what was measured, the median of the rounds,
what it must be. Exit status 1 where that is not reached.
"""

import contextlib
import re
import socket
import ssl
import statistics
import struct
import subprocess
import sys
from pathlib import Path

import bench
from servers import Dnsdist, Dnslet, bench_name, free_port, question

NAMES = 20_000
CONNECTIONS = 8
OUTSTANDING = 64
HANDSHAKE_SECONDS = 2

DNSDIST_LISTENERS = """
addTLSLocal("127.0.0.1:{tls}", "{chain}", "{key}", {{provider="openssl", maxInFlight=1000,
            maxConcurrentTCPConnections=1000}})
addDOHLocal("127.0.0.1:{https}", "{chain}", "{key}", "/dns-query")
"""


class DnsletListeners(Dnslet):
    def command(self, upstream, cache, hosts):
        self.tls, self.https = free_port(), free_port()
        words = super().command(upstream, cache, hosts)
        place = words.index("--listen") + 1
        words[place] += f",tls://127.0.0.1:{self.tls},https://127.0.0.1:{self.https}"
        return [*words, "--tls-cert", Certificate.chain, "--tls-key", Certificate.key, "--tcp-idle-timeout", "60000"]


class DnsdistListeners(Dnsdist):
    def command(self, upstream, cache, hosts):
        words = super().command(upstream, cache, hosts)
        self.tls, self.https = free_port(), free_port()
        with self.configuration.open("a") as file:
            file.write(DNSDIST_LISTENERS.format(tls=self.tls, https=self.https, chain=Certificate.chain,
                                                key=Certificate.key))
        return words


class Front(Dnslet):
    """Asks another dnslet, and keeps nothing: a client that has many questions in one write"""

    def __init__(self, place, upstream, way=None):
        self.way_there = way
        super().__init__(place, upstream, cache=0, extra=["--tls-ca", Certificate.chain])

    def nameserver(self, upstream):
        return self.way_there


class Pipeline:
    """Connections with OUTSTANDING questions in each write, whose answers are all read before the next one"""

    def __init__(self, port, context):
        self.batch = b"".join(struct.pack("!HH", len(question(name)), number) + question(name)[2:]
                              for number, name in enumerate(bench_name(i) for i in range(OUTSTANDING)))
        self.connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
        if context:
            self.connections = [context.wrap_socket(one, server_hostname="dns.test") for one in self.connections]

    def __enter__(self):
        self.ask(1)
        return self

    def __exit__(self, *_):
        for connection in self.connections:
            connection.close()

    def ask(self, rounds):
        """Returns how many answers there were."""
        for _ in range(rounds):
            for connection in self.connections:
                connection.sendall(self.batch)
            for connection in self.connections:
                self.read(connection)
        return rounds * CONNECTIONS * OUTSTANDING

    @staticmethod
    def read(connection):
        received, at = b"", 0
        for _ in range(OUTSTANDING):
            while len(received) < at + 2 or len(received) < at + 2 + (received[at] << 8 | received[at + 1]):
                received += connection.recv(65536)
            at += 2 + (received[at] << 8 | received[at + 1])


class Certificate:
    """One of the bench's own"""

    chain = key = None

    @classmethod
    def trust(cls):
        return ssl.create_default_context(cafile=cls.chain)

    @classmethod
    def make(cls, folder):
        cls.chain, cls.key = Path(folder) / "chain.pem", Path(folder) / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", cls.key, "-out", cls.chain, "-days", "30", "-subj", "/CN=dns.test", "-addext",
                        "subjectAltName=DNS:dns.test"], check=True, capture_output=True)


class ListenersBench(bench.Bench):
    def __init__(self, build, scratch, quick):
        super().__init__(build, scratch, quick)
        Certificate.make(scratch)
        self.rows = {}
        self.lost = 0
        self.names = Path(scratch) / "asked"
        self.names.write_text("".join(f"n{number}.bench.test A\n" for number in range(500)))
        self.message = Path(scratch) / "message"
        self.message.write_bytes(question("n0.bench.test"))
        self.questions = 20_000 if quick else 200_000

    def note(self, row, value):
        self.rows.setdefault(row, []).append(value)

    def perf(self, mode, port, questions):
        done = subprocess.run([*self.machine.on_load_side(), "dnsperf", "-m", mode, "-s", "127.0.0.1", "-p",
                               str(port), "-d", self.names, "-c", str(CONNECTIONS), "-T", "1", "-q",
                               str(CONNECTIONS * OUTSTANDING), "-n", str(max(1, questions // 500)), "-t", "5",
],
                              capture_output=True, text=True, check=False, timeout=120)
        count = {word: int(re.search(rf"Queries {word}:\s+(\d+)", done.stdout).group(1))
                 for word in ("completed", "lost")}
        return count["completed"], count["lost"]

    def h2load(self, port, questions):
        done = subprocess.run([*self.machine.on_load_side(), "h2load", "-c", str(CONNECTIONS), "-m", str(OUTSTANDING),
                               "-n", str(questions), "-d", self.message, "-H", "content-type: application/dns-message",
                               f"https://127.0.0.1:{port}/dns-query"],
                              capture_output=True, text=True, check=False, timeout=120)
        good = int(re.search(r"status codes: (\d+) 2xx", done.stdout).group(1))
        return good, questions - good

    def cost(self, server, mode, port):
        """CPU for each answer"""
        before = server.nanoseconds()
        answers, lost = (self.h2load(port, self.questions) if mode == "doh" else
                         self.perf(mode, port, self.questions))
        if isinstance(server, Dnslet):
            self.lost += lost
        return (server.nanoseconds() - before) / answers / 1000

    def cost_pipelined(self, server, port, context):
        """CPU for each answer to questions of which many are in one write"""
        with Pipeline(port, context) as client:
            before = server.nanoseconds()
            answers = client.ask(self.questions // (CONNECTIONS * OUTSTANDING))
            return (server.nanoseconds() - before) / answers / 1000

    def cost_behind(self, back, front):
        """CPU of the one that is asked, for each answer that the other gives"""
        before = back.nanoseconds()
        result = self.load("window", front.port, names=NAMES, window=CONNECTIONS * OUTSTANDING)
        self.lost += result["wrong"]
        return (back.nanoseconds() - before) / result["answers"] / 1000

    def handshakes(self, server, port, *how):
        """CPU for each handshake"""
        before = server.nanoseconds()
        done = subprocess.run([*self.machine.on_load_side(), "openssl", "s_time", "-connect", f"127.0.0.1:{port}",
                               "-time", str(HANDSHAKE_SECONDS), *how], capture_output=True, text=True, check=False)
        count = int(re.search(r"(\d+) connections in", done.stdout).group(1))
        return (server.nanoseconds() - before) / count / 1000

    def run(self, _only):
        with self.stub() as upstream, contextlib.ExitStack() as stack:
            kinds = [DnsletListeners, *([DnsdistListeners] if Dnsdist.found() else [])]
            servers = [stack.enter_context(self.start(kind, upstream, cache=2 * NAMES)) for kind in kinds]
            for server in servers:
                self.perf("udp", server.port, 500)
            back = servers[0]
            self.load("window", back.port, questions=NAMES, window=64)
            ways = {"tcp": f"tcp://127.0.0.1:{back.port}", "dot": f"tls://127.0.0.1:{back.tls}#dns.test",
                    "doh": f"https://127.0.0.1:{back.https}/dns-query#dns.test"}
            fronts = {way: stack.enter_context(Front(self.machine.on_load_side(), upstream.port, way=place))
                      for way, place in ways.items()}
            for _ in self.rounds(7, 4):
                for way, front in fronts.items():
                    self.note((back.name, f"{way}, asked by dnslet"), self.cost_behind(back, front))
                for server in servers:
                    modes = {"tcp": server.port, "dot": server.tls, "doh": server.https}
                    for mode, port in modes.items():
                        self.note((server.name, mode), self.cost(server, mode, port))
                    self.note((server.name, "tcp, pipelined"), self.cost_pipelined(server, server.port, None))
                    self.note((server.name, "dot, pipelined"), self.cost_pipelined(server, server.tls, Certificate.trust()))
                    self.note((server.name, "full handshake"), self.handshakes(server, server.tls, "-new"))
                    self.note((server.name, "resumed handshake"),
                              self.handshakes(server, server.tls, "-reuse", "-tls1_2"))

    def table(self):
        """(the rows as text, whether all is reached)"""
        middle = {row: statistics.median(values) for row, values in self.rows.items()}
        lines = ["| | median | must |", "|---|---|---|"]
        lines += [f"| {name}: {what}, microseconds of CPU | {value:.3g} | |" for (name, what), value in middle.items()]
        wanted = {"dot, pipelined ÷ tcp, pipelined":
                  (middle["dnslet", "dot, pipelined"] / middle["dnslet", "tcp, pipelined"], 1.3),
                  "questions lost": (self.lost, 0)}
        for what, limit in (("doh", 0.5), ("full handshake", 1), ("resumed handshake", 1)):
            if ("dnsdist", what) in middle:
                wanted[f"{what} ÷ dnsdist's"] = (middle["dnslet", what] / middle["dnsdist", what], limit)
        lines += [f"| {what} | {value:.3g} | ≤ {limit:g}{'' if value <= limit else ' **missed**'} |"
                  for what, (value, limit) in wanted.items()]
        return "\n".join(lines), all(value <= limit for value, limit in wanted.values())


def main():
    text, good = bench.measure(ListenersBench, bench.make_parser(__doc__, "").parse_args()).table()
    print(text)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
