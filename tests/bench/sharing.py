#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""What a shared cache saves: a simulation of many instances that ask alike, and its table in Markdown.

Each instance gets questions at random times, for names whose popularity falls off as Zipf's law has it.
A name lives for one of a few times, as seen in the wild; an own cache keeps an answer for --rcache-ttl at
most, and the shared one for as long as the own cache of the instance that asked. Nothing is measured here:
what a question costs is in bench.py."""

import argparse
import bisect
import heapq
import itertools
import random

TIMES = ((30, 0.25), (60, 0.25), (300, 0.35), (3600, 0.15))  # seconds to live, and their share


class World:
    def __init__(self, options):
        self.random = random.Random(options.seed)
        self.instances = options.instances
        self.rate = options.rate
        self.seconds = options.seconds
        self.limit = options.ttl
        weights = itertools.accumulate(1 / rank ** options.exponent for rank in range(1, options.names + 1))
        self.weights = list(weights)
        times, shares = zip(*TIMES)
        self.lives = self.random.choices(times, shares, k=options.names)

    def questions(self):
        """(time, instance, name) in the order of time"""
        upcoming = [(self.random.expovariate(self.rate), i) for i in range(self.instances)]
        heapq.heapify(upcoming)
        while upcoming[0][0] < self.seconds:
            now, instance = upcoming[0]
            name = bisect.bisect(self.weights, self.random.random() * self.weights[-1])
            yield now, instance, name
            heapq.heapreplace(upcoming, (now + self.random.expovariate(self.rate), instance))

    def run(self):
        """(questions, of these asked upstream with own caches, with a shared cache beside them)"""
        own = [{} for _ in range(self.instances)]  # name → end
        beside = [{} for _ in range(self.instances)]
        shared = {}
        count = asked_own = asked_shared = 0
        for now, instance, name in self.questions():
            count += 1
            end = now + min(self.lives[name], self.limit)
            if own[instance].get(name, 0) <= now:
                own[instance][name] = end
                asked_own += 1
            if beside[instance].get(name, 0) > now:
                continue
            if shared.get(name, 0) <= now:
                shared[name] = end
                asked_shared += 1
            beside[instance][name] = shared[name]
        return count, asked_own, asked_shared


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--instances", type=int, default=200)
    parser.add_argument("--names", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=2, help="questions a second and instance")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--ttl", type=int, default=60, help="--rcache-ttl")
    parser.add_argument("--exponent", type=float, default=1, help="of Zipf's law")
    parser.add_argument("--seed", type=int, default=1)
    count, own, shared = World(parser.parse_args()).run()
    print("| 200 instances, 2 questions a second each | asked upstream in 10 minutes | of all |"
          if parser.parse_args() == parser.parse_args([]) else "| | asked upstream | of all |")
    print("|---|---:|---:|")
    for what, asked in (("no cache", count), ("a cache each (`--rcache`)", own),
                        ("and one that they share (`--shared-cache`)", shared)):
        print(f"| {what} | {asked:,} | {asked / count:.1%} |")


if __name__ == "__main__":
    main()
