# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Answers in use are asked for again before they end.

LONG=1 takes the times of a real name: a TTL of 5 s, asked for once a second for 60 s."""

import os
import signal
import time

from harness import SCALE, Later, data, timed, ttls, wait_until, with_address

LONG = os.environ.get("LONG", "") not in ("", "0")


def ask_in_step(server, name, step, count):
    """Seconds that each of `count` questions took, one every `step` seconds"""
    begin, took = time.monotonic(), []
    for i in range(count):
        wait_until(lambda due=begin + i * step: time.monotonic() >= due, "the next turn", 2 * step)
        took.append(timed(lambda: server.query(name))[1])
    return took


def test_who_asks_regularly_waits_once(dnslet, upstream):
    """Upstream takes longer than anybody would overlook."""
    ttl, step, count = (5, 1.0, 61) if LONG else (2, 0.4, 21)
    delay = 0.15
    source = upstream(lambda q: Later(delay, with_address(ttl=ttl)(q)))
    server = dnslet("--rcache", 100, to=[source])
    took = ask_in_step(server, "www.test", step, count)
    print(f"{count} answers, slowest {max(took):.4f} s, then {max(took[1:]) * 1000:.1f} ms; "
          f"{len(source.questions)} questions upstream")
    assert took[0] >= delay
    assert max(took[1:]) < delay
    if SCALE == 1:
        assert len(source.questions) <= 14


def test_without_prefetch_somebody_waits_each_time_it_ends(dnslet, upstream):
    source = upstream(lambda q: Later(0.15, with_address(ttl=2)(q)))
    for flags, env in (["--no-prefetch"], {}), ([], {"DNSMASQ_NO_PREFETCH": "1"}):
        server = dnslet("--rcache", 100, *flags, to=[source], env=env)
        took = ask_in_step(server, "www.test", 0.4, 12)
        assert sum(seconds >= 0.15 for seconds in took) >= 2


def test_upstream_is_asked_once_however_many_ask(dnslet, upstream):
    source = upstream(with_address(ttl=2))
    server = dnslet("--rcache", 100, to=[source])
    server.query("www.test")
    source.handler = lambda q: Later(0.2, with_address("192.0.2.2", ttl=60)(q))

    def is_new():
        return data(server.query("www.test")) == ["192.0.2.2"]
    wait_until(is_new, "the new answer")
    assert len(source.questions) == 2
    assert ttls(server.query("www.test"))[0] > 50


def test_a_refresh_that_fails_leaves_the_answer_until_its_end(dnslet, upstream):
    source = upstream(with_address(ttl=2))
    server = dnslet("--rcache", 100, to=[source])
    server.query("www.test")
    source.stop()
    begin = time.monotonic()
    wait_until(lambda: server.query("www.test").rcode() != 0, "the end")
    assert time.monotonic() - begin > 1.8


def test_a_refresh_is_counted_and_not_logged_as_a_question(dnslet, upstream):
    source = upstream(with_address(ttl=2))
    server = dnslet("--rcache", 100, "--verbose", to=[source])
    answers = 0
    while len(source.questions) < 2:
        server.query("www.test")
        answers += 1
    server.send_signal(signal.SIGUSR1)
    server.wait_log("metric=dnslet_cache_refreshes_total value=1$")
    assert len(server.log(" query ")) == answers
    assert len(server.log(" query .* source=upstream")) == 1
