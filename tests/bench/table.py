# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""The rows of the result, what each demands of dnslet, and how they are printed."""

import statistics
from dataclasses import dataclass

COLUMNS = ["echo", "dnslet", "dnsmasq", "unbound", "smartdns", "dnsdist"]
RATIOS = ["echo", "dnsmasq", "unbound", "smartdns", "dnsdist"]


@dataclass
class Below:
    """At most `limit` times what `other` needs, in the median of the rounds"""

    other: str
    limit: float

    def text(self):
        return f"≤ {self.limit:.2f} × {self.other}"

    def is_reached(self, row):
        ratio = row.ratio(self.other)
        return None if ratio is None else ratio <= self.limit


@dataclass
class AtMost:
    limit: float

    def text(self):
        return f"≤ {self.limit:g}" if self.limit else "0"

    def is_reached(self, row):
        value = row.value("dnslet")
        return None if value is None else value <= self.limit


@dataclass
class MoreThan:
    limit: float

    def text(self):
        return f"> {self.limit:g}"

    def is_reached(self, row):
        value = row.value("dnslet")
        return None if value is None else value > self.limit


class Row:
    """One property of all servers; `values` holds each server's number of each round."""

    def __init__(self, key, title, targets=(), digits=0, summary=statistics.median):
        self.key = key
        self.title = title
        self.targets = list(targets)
        self.digits = digits
        self.summary = summary
        self.values = {}
        self.note = "not measured"  # said of a target where there is nothing to judge

    def add(self, server, value):
        self.values.setdefault(server, []).append(value)

    def value(self, server):
        return self.summary(self.values[server]) if self.values.get(server) else None

    def ratio(self, other):
        """dnslet to the other one, round by round, as a median: both had the same weather"""
        pairs = list(zip(self.values.get("dnslet", ()), self.values.get(other, ())))
        if not pairs or not all(divisor for _, divisor in pairs):
            return None
        return statistics.median(value / divisor for value, divisor in pairs)

    def cells(self):
        numbers = [self._number(self.value(column), self.digits) for column in COLUMNS]
        ratios = [self._number(self.ratio(other), 2) for other in RATIOS]
        return [self.title, *numbers, *ratios, self.verdict()]

    @staticmethod
    def _number(value, digits):
        return "" if value is None else f"{value:,.{digits}f}"

    def verdict(self):
        words = {True: "reached", False: "**missed**", None: self.note}
        return ", ".join(f"{each.text()}: {words[each.is_reached(self)]}" for each in self.targets)

    def as_json(self):
        return {"title": self.title, "rounds": self.values,
                "summary": {server: self.value(server) for server in self.values},
                "dnslet_to": {other: self.ratio(other)
                              for other in self.values if other != "dnslet"},
                "targets": [{"demand": each.text(), "reached": each.is_reached(self)}
                            for each in self.targets]}


def make_rows():
    rows = [
        Row("cached_cpu", "cached, UDP: CPU µs an answer",
            [Below("echo", 1.15), Below("dnsmasq", 0.55)], 2),
        Row("cached_rate", "cached, UDP: answers a second"),
        Row("hosts_cpu", "100,000 hosts: CPU µs an answer", [Below("echo", 1.2)], 2),
        Row("hosts_rate", "100,000 hosts: answers a second"),
        Row("miss_cpu", "misses: CPU µs an answer", [Below("dnsmasq", 0.5), Below("dnsdist", 1)], 2),
        Row("miss_rate", "misses: answers a second"),
        Row("miss_lost", "misses: lost of 100,000", [AtMost(0)], summary=max),
        Row("miss_tls_cpu", "misses over TLS: CPU µs an answer", [Below("unbound", 0.4), Below("smartdns", 0.4), Below("dnsdist", 0.4)], 2),
        Row("miss_tls_rate", "misses over TLS: answers a second"),
        Row("miss_tls_lost", "misses over TLS: lost of 100,000", [AtMost(0)], summary=max),
        Row("miss_tls_to_udp", "misses over TLS ÷ over UDP: CPU an answer", [], 2),
        Row("miss_https_cpu", "misses over HTTPS: CPU µs an answer", [Below("smartdns", 0.45), Below("dnsdist", 0.45)], 2),
        Row("miss_https_rate", "misses over HTTPS: answers a second"),
        Row("miss_https_lost", "misses over HTTPS: lost of 100,000", [AtMost(0)], summary=max),
        Row("miss_https_to_udp", "misses over HTTPS ÷ over UDP: CPU an answer", [], 2),
        Row("miss_tcp", "misses asked over TCP ÷ over UDP: CPU an answer", [AtMost(0.5)], 2),
        Row("miss_tcp_lost", "misses asked over TCP: lost of 100,000", [AtMost(0)], summary=max),
        Row("shared_cold", "misses with an empty shared cache ÷ without: CPU an answer", [AtMost(1.35)], 2),
        Row("shared_hit", "found in the shared cache ÷ a miss: CPU an answer", [AtMost(0.5)], 2),
        Row("shared_lost", "these: lost of 100,000", [AtMost(0)], summary=max),
        Row("tcp_cpu", "cached, TCP: CPU µs an answer", [Below("unbound", 0.35)], 2),
        Row("tcp_rate", "cached, TCP: answers a second"),
        Row("tcp_closed", "cached, TCP: connections closed", [AtMost(0)], summary=max),
        Row("burst_cold", "1,024 at once, cold: lost", [AtMost(0)], summary=max),
        Row("burst_warm", "1,024 at once, warm: lost", [AtMost(0)], summary=max),
        Row("latency_median", "5,000 a second: median µs", [Below("dnsmasq", 1)], 1),
        Row("latency_p99", "5,000 a second: 99th percentile µs", (), 1),
        Row("bytes_per_answer", "RSS bytes for each of 100,000 answers", [Below("dnsmasq", 0.85)]),
        Row("bytes_per_longer", "the same with names of 25 characters", [Below("dnsmasq", 0.85)]),
        Row("kept", "answers kept of these 100,000"),
        Row("rss_idle", "RSS idle, KiB", [Below("dnsmasq", 1)]),
        Row("rss_full", "RSS with 100,000 answers, KiB"),
        Row("start", "start to first answer, ms", [Below("dnsmasq", 1)], 2),
        Row("start_hosts", "the same with 10,000 hosts, ms", [Below("dnsmasq", 1)], 2),
        Row("zones_cached", "1,000 stub zones ÷ none: CPU a cached answer", [AtMost(1.02)], 2),
        Row("zones_miss", "1,000 stub zones ÷ none: CPU a miss", [AtMost(1.02)], 2),
        Row("zones_descriptors", "1,000 stub zones: more descriptors", [AtMost(0)]),
        Row("zones_bytes", "10,000 stub zones: bytes each beyond the name, and but for the command line", [AtMost(100)]),
        Row("zones_start", "10,000 stub zones: start to first answer, ms", [AtMost(50)], 1),
        Row("program_size", "program without symbols, KiB"),
        Row("workers_rate", "two workers ÷ one: answers a second", [MoreThan(1)], 2),
        Row("workers_cpu", "two workers ÷ one: CPU an answer", [AtMost(1.1)], 2),
    ]
    return {row.key: row for row in rows}


def render(rows):
    """The table as Markdown, its columns aligned"""
    heads = ["", *COLUMNS, *(f"÷ {other}" for other in RATIOS), "demanded of dnslet"]
    lines = [heads, *(row.cells() for row in rows.values())]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    aligned = [[cell.rjust(width) if 0 < i < len(heads) - 1 else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(line, widths))] for line in lines]
    rule = ["-" * (width - 1) + (":" if 0 < i < len(heads) - 1 else "-")
            for i, width in enumerate(widths)]
    aligned.insert(1, rule)
    return "\n".join("| " + " | ".join(line) + " |" for line in aligned)
