#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Prints the table of README's front page: how much more others take than dnslet.

    front_page.py

A cell is the peer's number divided by dnslet's own of the same run: that of RESULTS.md for what
`make bench` measures, that of PEERS.md for what needs Go. tests/docs_test.py compares."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
COLUMNS = [("dnsmasq", "RESULTS.md"), ("unbound", "RESULTS.md"), ("go-dnsmasq", "PEERS.md"), ("mosdns", "PEERS.md"),
           ("CoreDNS", "PEERS.md"), ("sing-box", "PEERS.md")]
# What the row is called in README, in RESULTS.md and in PEERS.md.
ROWS = [
    ("CPU time of a cached answer", *["cached, UDP: CPU µs an answer"] * 2),
    ("CPU time of an answer from upstream", *["misses: CPU µs an answer"] * 2),
    ("CPU time of a cached answer over TCP", *["cached, TCP: CPU µs an answer"] * 2),
    ("time to an answer, 5,000 a second", *["5,000 a second: median µs"] * 2),
    ("memory for each cached answer", *["RSS bytes for each of 100,000 answers"] * 2),
    ("memory when idle", "RSS idle, KiB", "RSS idle, kB"),
    ("start to first answer", *["start to first answer, ms"] * 2),
]


def read_table(name):
    """row -> column -> number, of the first table with a column dnslet"""
    found, head = {}, None
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if head is None and "dnslet" in cells:
            head = cells
        elif head and not line.startswith("|"):
            break
        elif head:
            found[cells[0]] = dict(zip(head, cells))
    return found


def ratio(row, column):
    value, own = (float(row[name].replace(",", "")) for name in (column, "dnslet"))
    quotient = value / own
    return f"{quotient:.2f}" if quotient < 0.995 else f"{quotient:.1f}" if quotient < 9.95 else f"{quotient:.0f}"


def front_page():
    tables = {name: read_table(name) for name in ("RESULTS.md", "PEERS.md")}
    yield "| dnslet is 1 | " + " | ".join(peer for peer, _ in COLUMNS) + " |"
    yield "|---|" + "---:|" * len(COLUMNS)
    for title, *names in ROWS:
        row = dict(zip(tables, names))
        yield f"| {title} | " + " | ".join(ratio(tables[file][row[file]], peer) for peer, file in COLUMNS) + " |"


if __name__ == "__main__":
    print("\n".join(front_page()))
