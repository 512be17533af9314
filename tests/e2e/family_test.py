# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Servers that say NXDOMAIN for the address family that a name lacks, and what musl makes of it."""

import contextlib
import os
import signal
import threading
import time

import pytest
from getaddrinfo_client import addresses
from harness import (PATIENCE, SCALE, Dnslet, FakeUpstream, Later, UdpClient, data, from_records,
                     question, timed, wait_until)

NOERROR, NXDOMAIN = 0, 3
UPSTREAM, DNSLET = "127.0.0.2", "127.0.0.3"  # port 53, in the test's own network
WAIT = 0.05  # seconds that one family's answer is held back for the other's
SOON = 0.01  # seconds after which both questions of a client have come


def one_family(family, first=0.0, second=0.0):
    """Names have addresses of this family; the other one is NXDOMAIN. Each after some seconds."""
    def handler(asked):
        if asked.type == family:
            address = "192.0.2.1" if family == "A" else "2001:db8::1"
            return Later(first, asked.answer(f"{asked.name} 60 IN {family} {address}"))
        return Later(second, asked.nxdomain())
    return handler


def ask_pair(server, name, types=("A", "AAAA"), **how):
    """{type: answer} of a client that asks for both at once from one socket"""
    with UdpClient(server.address) as client:
        messages = {rdtype: question(name, rdtype, **how) for rdtype in types}
        for message in messages.values():
            client.send(message)
        answers = [client.receive() for _ in messages]
    return {rdtype: next(answer for answer in answers if answer.id == message.id)
            for rdtype, message in messages.items()}


@pytest.mark.parametrize("family, other", [("A", "AAAA"), ("AAAA", "A")])
@pytest.mark.parametrize("cache", [0, 100])
@pytest.mark.parametrize("first, second", [(SOON, SOON), (3 * SOON, SOON), (SOON, 3 * SOON)],
                         ids=["together", "NXDOMAIN first", "NXDOMAIN last"])
def test_nxdomain_for_one_family_of_a_name_is_nodata(dnslet, upstream, family, other, cache, first,
                                                     second):
    source = upstream(one_family(family, first, second))
    server = dnslet("--rcache", cache, to=[source])
    answers = ask_pair(server, "www.test")
    assert len(data(answers[family])) == 1
    assert answers[other].rcode() == NOERROR and not answers[other].answer
    assert [record.rdtype for record in answers[other].authority] == [6]


def test_the_answer_is_kept_as_nodata(dnslet, upstream):
    source = upstream(one_family("A"))
    server = dnslet("--rcache", 100, to=[source])
    ask_pair(server, "www.test")
    assert server.query("www.test", "AAAA").rcode() == NOERROR
    assert len(source.questions) == 2


def test_a_family_that_has_run_ahead_counts_for_a_second(dnslet, upstream):
    """Without the cache too: the client's second question may come when the first is over."""
    server = dnslet(to=[upstream(one_family("A"))])
    assert data(server.query("www.test", "A")) == ["192.0.2.1"]
    assert server.query("www.test", "AAAA").rcode() == NOERROR
    wait_until(lambda: server.query("www.test", "AAAA").rcode() == NXDOMAIN, "it is forgotten")


def test_without_the_fix_it_stays_nxdomain(dnslet, upstream):
    for flags, env in ((["--no-family-fix"], {}), ([], {"DNSMASQ_NO_FAMILY_FIX": "true"})):
        server = dnslet("--rcache", 100, *flags, to=[upstream(one_family("A"))], env=env)
        assert ask_pair(server, "www.test")["AAAA"].rcode() == NXDOMAIN
        assert server.query("www.test", "AAAA").rcode() == NXDOMAIN


def test_a_name_that_does_not_exist_is_nxdomain_for_both_without_delay(dnslet, upstream):
    server = dnslet(to=[upstream(lambda asked: asked.nxdomain())])
    answers, seconds = timed(lambda: [ask_pair(server, f"n{i}.test") for i in range(20)])
    assert {answer.rcode() for pair in answers for answer in pair.values()} == {NXDOMAIN}
    assert seconds < 20 * WAIT * SCALE / 2


def test_the_other_family_is_waited_for_no_longer_than_50_ms(dnslet, upstream):
    source = upstream(one_family("A", first=0.5))
    server = dnslet("--rcache", 100, to=[source])
    with UdpClient(server.address) as client:
        client.send(question("www.test", "A"))
        client.send(question("www.test", "AAAA"))
        early, seconds = timed(client.receive)
        assert early.rcode() == NXDOMAIN
        assert WAIT - 0.01 <= seconds < 0.3 * SCALE
        assert data(client.receive()) == ["192.0.2.1"]
    assert server.query("www.test", "AAAA").rcode() == NOERROR  # now it is known


def test_nobody_waits_where_the_other_family_is_not_asked_for(dnslet, upstream):
    server = dnslet(to=[upstream(one_family("A"))])
    answers, seconds = timed(lambda: [server.query(f"n{i}.test", "AAAA") for i in range(20)])
    assert {answer.rcode() for answer in answers} == {NXDOMAIN}
    assert seconds < 20 * WAIT * SCALE / 2


@pytest.mark.parametrize("denial", ["NXDOMAIN", "SERVFAIL"])
def test_what_waits_is_read_before_an_answer_that_denies_a_name_goes_out(dnslet, upstream, denial):
    """On a busy machine the answer to A may be there before the question for AAAA is read."""
    held = threading.Event()

    def handler(asked):
        if asked.type == "AAAA":
            return asked.answer(f"{asked.name} 60 IN AAAA 2001:db8::1")
        held.wait(PATIENCE)
        return asked.nxdomain() if denial == "NXDOMAIN" else asked.answer(rcode=denial)
    source = upstream(handler)
    server = dnslet(to=[source])
    for i in range(5):
        held.clear()
        with UdpClient(server.address) as client:
            client.send(question(f"n{i}.test", "A"))
            source.wait_asked(2 * i + 1)
            os.kill(server.pid, signal.SIGSTOP)
            held.set()
            time.sleep(0.05)  # the answer is in the kernel's hands
            client.send(question(f"n{i}.test", "AAAA"))
            os.kill(server.pid, signal.SIGCONT)
            assert {client.receive().rcode() for _ in range(2)} == {NOERROR}


def test_a_failure_of_the_other_family_ends_the_wait(dnslet, upstream):
    def handler(asked):
        return asked.nxdomain() if asked.type == "AAAA" else Later(
            0.02, asked.answer(rcode="SERVFAIL"))
    answers = ask_pair(dnslet(to=[upstream(handler)]), "www.test")
    assert answers["AAAA"].rcode() == NXDOMAIN


def test_questions_for_dnssec_data_are_left_alone(dnslet, upstream):
    server = dnslet("--rcache", 100, to=[upstream(one_family("A"))])
    assert ask_pair(server, "www.test", do=True)["AAAA"].rcode() == NXDOMAIN


SPLIT = from_records("www.one.test. 60 IN A 192.0.2.1", "www.two.test. 60 IN AAAA 2001:db8::2",
                     "www.two.test. 60 IN A 192.0.2.2")
SEARCH = ("--enable-search", "--search-domains", "one.test,two.test")


@pytest.mark.parametrize("cache", [0, 100])
@pytest.mark.parametrize("delays", [(0, 0), (0.02, 0), (0, 0.02)],
                         ids=["together", "A last", "A first"])
def test_a_search_takes_both_families_from_one_name(dnslet, upstream, cache, delays):
    source = upstream(lambda q: Later(delays[q.type == "AAAA"], SPLIT(q)))
    answers = ask_pair(dnslet("--rcache", cache, *SEARCH, to=[source]), "www")
    assert data(answers["A"]) == ["www.one.test.", "192.0.2.1"]
    assert answers["AAAA"].rcode() == NOERROR and not answers["AAAA"].answer
    assert not source.asked("www.two.test")


def test_a_search_for_one_family_alone_goes_on(dnslet, upstream):
    server = dnslet(*SEARCH, to=[upstream(SPLIT)])
    assert data(server.query("www", "AAAA")) == ["www.two.test.", "2001:db8::2"]


@pytest.mark.parametrize("flags, expected", [((), ["192.0.2.1"]), (("--no-family-fix",), [])],
                         ids=["with the fix", "without"])
def test_a_musl_client_gets_the_address_with_the_fix_only(clients, world, tmp_path, flags,
                                                          expected):
    with contextlib.ExitStack() as stack:
        with world.inside():
            stack.enter_context(FakeUpstream(one_family("A"), host=UPSTREAM, port=53))
        stack.enter_context(Dnslet("--nameservers", f"{UPSTREAM}:53", *flags,
                                   listen=f"{DNSLET}:53", directory=tmp_path,
                                   wrapper=world.wrapper))
        seen = addresses(world.run(f"nameserver {DNSLET}\n", clients["musl"], "any", "www.test"))
    assert seen == {("www.test", "any"): expected}
