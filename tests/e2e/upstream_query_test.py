# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 6: what a question looks like when it leaves, and how hard it is to guess."""

import os
from collections import Counter
from pathlib import Path

import dns.edns
import dns.flags
import dns.rrset
import pytest
from harness import (Later, TcpClient, UdpClient, data, question, silent, udp_burst, wait_until,
                     with_address)

OPT_1232 = b"\x00\x00\x29\x04\xd0\x00\x00"  # root, OPT, 1232, no extended code, version 0
AA, TC, RD, RA, AD, CD = (dns.flags.AA, dns.flags.TC, dns.flags.RD, dns.flags.RA, dns.flags.AD,
                          dns.flags.CD)

PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def forwarded(dnslet, upstream, *flags, tcp=False, **how):
    """The one question that upstream gets for one of a client"""
    source = upstream(with_address())
    dnslet(*flags, to=[source]).query("WwW.example.TEST", tcp=tcp, **how)
    (asked,) = source.questions
    return asked


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("how,flags,do", [
    (dict(), RD | AD, False), (dict(rd=False), AD, False), (dict(cd=True), RD | AD | CD, False),
    (dict(ad=True), RD | AD, False), (dict(edns=True), RD | AD, False),
    (dict(do=True), RD | AD, True), (dict(do=True, cd=True, rd=False), AD | CD, True)])
def test_rd_cd_and_do_are_the_clients_and_ad_is_set(dnslet, upstream, tcp, how, flags, do):
    asked = forwarded(dnslet, upstream, tcp=tcp, **how)
    assert asked.message.flags == flags
    assert asked.message.edns == 0
    assert asked.message.ednsflags == (dns.flags.DO if do else 0)


def test_name_type_and_class_are_the_clients(dnslet, upstream):
    asked = forwarded(dnslet, upstream)
    (section,) = asked.message.question
    assert (section.name.to_text().lower(), asked.type, section.rdclass) == (
        "www.example.test.", "A", 1)
    assert not asked.message.answer and not asked.message.authority


@pytest.mark.parametrize("payload", [None, 0, 512, 4096, 65535])
def test_the_opt_is_dnslets_own_with_1232(dnslet, upstream, payload):
    how = {} if payload is None else dict(edns=True, payload=payload)
    asked = forwarded(dnslet, upstream, **how)
    assert asked.message.payload == 1232
    place = asked.wire.rindex(OPT_1232)
    length = int.from_bytes(asked.wire[place + 9:place + 11], "big")
    assert place + 11 + length == len(asked.wire), "it is the last record"
    assert asked.wire[6:12] == b"\0\0\0\0\0\1"


def test_no_option_of_the_client_goes_through(dnslet, upstream):
    secret = [dns.edns.ECSOption("203.0.113.0", 24), dns.edns.GenericOption(10, b"cookie!!"),
              dns.edns.GenericOption(65001, b"private"), dns.edns.GenericOption(12, b"\0" * 64)]
    asked = forwarded(dnslet, upstream, options=secret)
    assert not {8, 12, 65001} & {option.otype for option in asked.message.options}
    for bytes_ in (b"cookie!!", b"private", b"\xcb\x00\x71"):
        assert bytes_ not in asked.wire


def test_records_that_a_client_adds_to_its_question_stay_behind(dnslet, upstream):
    """An additional record next to the OPT, as TSIG signers send"""
    source = upstream(with_address())
    server = dnslet(to=[source])
    message = question("www.test", edns=True)
    message.additional = [dns.rrset.from_text("x.test.", 60, "IN", "TXT", "smuggled")]
    server.exchange(message.to_wire())
    assert all(b"smuggled" not in asked.wire for asked in source.questions)


def test_upstream_is_asked_over_udp_whatever_the_client_used(dnslet, upstream):
    assert forwarded(dnslet, upstream, tcp=True).transport == "udp"


@pytest.mark.parametrize("how", [dict(flags=["--force-tcp"]), dict(env={"DNSMASQ_FORCE_TCP": "1"})])
def test_force_tcp_asks_over_tcp_only(dnslet, upstream, how):
    source = upstream(with_address())
    server = dnslet(*how.get("flags", []), to=[source], env=how.get("env"))
    for i in range(30):
        assert data(server.query(f"n{i}.test", tcp=i % 2 == 0)) == ["192.0.2.1"]
    assert [asked.transport for asked in source.questions] == ["tcp"] * 30


def numbered(count):
    """Questions with the ids 0, 1, 2, …: whoever copies them is found out."""
    messages = []
    for i in range(count):
        message = question(f"n{i}.test")
        message.id = i
        messages.append(message)
    return messages


@pytest.mark.parametrize("window", [1, 50], ids=["one after the other", "in bursts of 50"])
def test_1000_questions_leave_from_900_ports_with_random_ids(dnslet, upstream, window):
    source = upstream(with_address())
    server = dnslet(to=[source])
    answers = udp_burst(server.address, numbered(1000), window)
    assert len(answers) == len(source.questions) == 1000
    assert len({asked.port for asked in source.questions}) > 900
    assert_random([asked.id for asked in source.questions])
    clients = [int(asked.name[1:].partition(".")[0]) for asked in source.questions]
    same = sum(asked.id == client for asked, client in zip(source.questions, clients))
    assert same < 10, "the client's id went through"


def assert_random(ids):
    """1000 random numbers of 16 bits: each limit is more than eight standard deviations away."""
    assert len(set(ids)) > 960
    for bit in range(16):
        assert 370 < sum(number >> bit & 1 for number in ids) < 630, f"bit {bit}"
    steps = [(after - before) % 65536 for before, after in zip(ids, ids[1:])]
    assert max(steps.count(step) for step in set(steps)) < 10, "they follow each other"


@pytest.mark.parametrize("window", [1, 50], ids=["one after the other", "in bursts of 50"])
def test_source_ports_are_spread_evenly_and_do_not_follow_each_other(dnslet, upstream, window):
    source = upstream(with_address())
    udp_burst(dnslet(to=[source]).address, numbered(2000), window)
    lowest, highest = map(int, PORT_RANGE.read_text().split())
    ports = [asked.port - lowest for asked in source.questions]
    width = highest - lowest + 1
    assert all(0 <= port < width for port in ports)
    sixteenths = Counter(port * 16 // width for port in ports)
    # 125 in each are expected; the limits are eight standard deviations away
    assert all(38 < sixteenths[i] < 212 for i in range(16)), sixteenths
    steps = Counter((after - before) % width for before, after in zip(ports, ports[1:]))
    assert max(steps.values()) < 10, "they follow each other"
    together = {(asked.port, asked.id) for asked in source.questions}
    assert len(together) > 1997, "ports and IDs come in pairs"


def open_ports(server):
    """The local ports of the process's UDP sockets, but for the one on which it listens"""
    inodes = {os.readlink(link) for link in Path(f"/proc/{server.pid}/fd").iterdir()}
    lines = Path(f"/proc/{server.pid}/net/udp").read_text().splitlines()[1:]
    rows = [line.split() for line in lines]
    ports = {int(row[1].rpartition(":")[2], 16) for row in rows if f"socket:[{row[9]}]" in inodes}
    return ports - {server.port}


def test_a_port_is_open_only_while_its_question_is(dnslet, upstream):
    source = upstream(silent)
    server = dnslet("--upstream-timeout", 1000, to=[source])
    with UdpClient(server.address) as client:
        client.send(question("www.test"))
        wait_until(lambda: len(open_ports(server)) == 1, "an open port")
        source.handler = with_address()
        udp_burst(server.address, numbered(100), 20)
        assert len(open_ports(server)) <= 2, "one for www.test, or two when it is asked again"
        wait_until(lambda: not open_ports(server), "no open port")


def test_sockets_are_given_back_when_nobody_asks_any_more(dnslet, upstream):
    source = upstream(lambda q: Later(0.3, with_address()(q)))
    server = dnslet("--upstream-timeout", 1000, to=[source])
    server.query("www.test")
    before = server.descriptors()
    assert len(udp_burst(server.address, numbered(400), 400)) == 400
    assert server.descriptors() > before + 100
    wait_until(lambda: server.descriptors() < before, "the sockets to be closed")


def test_sockets_are_given_back_after_a_silence_too(dnslet, upstream):
    server = dnslet("--upstream-timeout", 300, to=[upstream(silent)])
    before = server.descriptors()
    server.query("www.test")
    wait_until(lambda: server.descriptors() <= before, "the sockets to be closed")


def test_a_second_answer_to_an_earlier_port_changes_nothing(dnslet, upstream):
    def twice(asked):
        wrong = asked.answer(f"{asked.name} 300 IN A 203.0.113.66")
        return [with_address()(asked), wrong, Later(0.01, wrong)]
    server = dnslet(to=[upstream(twice)])
    answers = udp_burst(server.address, numbered(1000), 50)
    assert [data(answer) for answer in answers.values()] == [["192.0.2.1"]] * 1000


@pytest.mark.parametrize("flags", [[], ["--force-tcp"]], ids=["udp", "tcp"])
def test_of_two_answers_that_come_together_the_first_counts(dnslet, upstream, flags):
    def twice(asked):
        return [with_address()(asked), asked.answer(f"{asked.name} 300 IN A 203.0.113.66")]
    server = dnslet(*flags, to=[upstream(twice)])
    answers = udp_burst(server.address, numbered(1000), 50)
    assert [data(answer) for answer in answers.values()] == [["192.0.2.1"]] * 1000


def test_ports_and_ids_of_two_runs_differ(dnslet, upstream):
    """The dice are not seeded with something that comes again."""
    def run_once():
        source = upstream(with_address())
        udp_burst(dnslet(to=[source]).address, numbered(50), 1)
        return [asked.id for asked in source.questions]
    first, second = run_once(), run_once()
    assert len(set(first) & set(second)) < 5


def test_100_identical_questions_at_once_reach_upstream_once(dnslet, upstream):
    source = upstream(lambda q: Later(0.5, with_address()(q)))
    server = dnslet(to=[source])
    spellings = ["www.test", "WWW.test", "wWw.TeSt", "www.TEST"]
    messages = [question(spellings[i % 4], edns=i % 3 == 0) for i in range(100)]
    for i, message in enumerate(messages):
        message.id = i * 7
    with UdpClient(server.address) as udp, TcpClient(server.address) as tcp:
        for message in messages[:80]:
            udp.send(message)
        tcp.send(*messages[80:])
        answers = [udp.receive() for _ in messages[:80]] + [tcp.receive() for _ in messages[80:]]
    assert len(source.questions) == 1
    by_id = {answer.id: answer for answer in answers}
    assert sorted(by_id) == [i * 7 for i in range(100)]
    for message in messages:
        answer = by_id[message.id]
        assert data(answer) == ["192.0.2.1"] and answer.edns == message.edns
        assert answer.question[0].to_text() == message.question[0].to_text(), "spelling"


def test_questions_that_differ_are_not_joined(dnslet, upstream):
    source = upstream(lambda q: Later(0.2, with_address()(q)))
    server = dnslet(to=[source])
    different = [question("a.test"), question("b.test"), question("a.test", "AAAA"),
                 question("a.test", do=True), question("a.test", cd=True)]
    udp_burst(server.address, different)
    assert len(source.questions) == 5
