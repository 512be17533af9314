# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""What others notice of clients that attack: the time that a question takes, in rounds of 0.2 s. Of
the rounds under attack the best one counts: a machine that is busy with something else spoils some
of them, a server that suffers spoils all."""

import statistics
import threading
import time

from harness import UdpClient, question, wait_until
from metrics import Scrape


def one_round(server):
    """How long each of 100 questions takes, in seconds, in order of length. One every 2 ms: a round
    is long enough to see all that happens, and does not fit between two turns of an attacker."""
    wire, times = question("quiet.bench.test").to_wire(), []
    pace, due = threading.Event(), time.perf_counter()
    with UdpClient(server.address) as client:
        for _ in range(100):
            begin = time.perf_counter()
            client.send(wire)
            reply = client.receive_wire()
            times.append(time.perf_counter() - begin)
            assert reply[7] == 1, "the address"
            due += 0.002
            pace.wait(max(0.0, due - time.perf_counter()))
    return sorted(times)


def p99(server):
    return one_round(server)[98]


def median(server):
    return one_round(server)[50]


def in_quiet(measure, server):
    return statistics.median(measure(server) for _ in range(3))


def under_attack(measure, server, is_over, victim=None):
    """Of the best round from when the attack is felt to its end. It may be another's."""
    victim = victim or server
    wait_until(lambda: Scrape(victim).total("dnslet_questions_total") > 2000 or (
        Scrape(victim).total("dnslet_tcp_clients") > 100), "the attack")
    rounds = []
    while True:
        one = measure(server)
        if is_over() and rounds:
            return min(rounds)
        rounds.append(one)
