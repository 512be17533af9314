# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""A second opinion on the wire: dnslet and dnspython read 10,000 packets, half of them questions,
half of them answers, most of them damaged. They agree on what parses and on what every answer
holds, or they differ for one of the reasons that stand here."""

import select
import struct
from collections import Counter

import dns.exception
import dns.message
import dns.name
import pytest
from harness import PATIENCE, SCALE, UdpClient, parse
from wire_forms import (answer, dice_for, first_name_is_plain, may_point_into_header, mutate, query,
                        structure, structure_or_none)

FORMERR, SERVFAIL, NOTIMP = 1, 2, 4
COUNT = 5000
LAST = 0xffff  # the ID of the question that ends a batch
LIMIT = 1232
TEST = dns.name.from_text("test")


def with_id(wire, number):
    return struct.pack("!H", number) + wire[2:]


def header(wire):
    """(id, flags, opcode, rcode, counts)"""
    ident, flags, *counts = struct.unpack("!HHHHHH", wire[:12])
    return ident, flags, flags >> 11 & 15, flags & 15, counts


def dnspython_parses(wire):
    try:
        dns.message.from_wire(wire, ignore_trailing=True)
    except dns.exception.DNSException:
        return False
    return True


# Questions.

def packets_of_questions():
    dice = dice_for("questions")
    sound = [query(dice) for _ in range(COUNT // 5)]
    packets = sound + [mutate(dice, dice.choice(sound), sound) for _ in range(COUNT * 4 // 5)]
    return [with_id(wire, number) for number, wire in enumerate(packets)]


def replies_to(server, packets):
    """{id: reply} of what dnslet answers; it answers in the order in which it was asked."""
    replies = {}
    last = dns.message.make_query("last.test", "A", id=LAST).to_wire()
    with UdpClient(server.address) as client:
        for begin in range(0, len(packets), 40):
            for wire in packets[begin:begin + 40]:
                client.send(wire)
            client.send(last)
            while header(reply := client.receive_wire())[0] != LAST:
                ident = header(reply)[0]
                assert ident not in replies, "answered twice"
                replies[ident] = reply
    return replies


WHY_ONLY_DNSPYTHON_READS_A_QUESTION = {
    "an owner that points into the header, and would change with the ID": lambda wire: (
        (found := structure_or_none(wire)) is not None and found.owner_points_into_header),
    "QDCOUNT is not 1 (contract section 3, RFC 9619)": lambda wire: header(wire)[4][0] != 1,
    "the question's name is a compression pointer, into the header": lambda wire: (
        not first_name_is_plain(wire)),
}
WHY_ONLY_DNSLET_READS_A_QUESTION = {
    "RDATA or the content of an EDNS option, which dnslet does not look into": lambda wire: (
        structure_or_none(wire) is not None),
}


def reason_of(reasons, wire):
    holding = [reason for reason, holds in reasons.items() if holds(wire)]
    assert holding, f"no reason for the difference is known: {wire.hex()}"
    return holding[0]


def judge_question(wire, reply):
    """What came of it, in words; fails where that is not right"""
    if len(wire) < 12:
        assert reply is None and not dnspython_parses(wire)
        return "too short for a header: no answer"
    _, flags, opcode, _, _ = header(wire)
    if flags & 0x8000:
        assert reply is None, wire.hex()
        return "a response: no answer"
    assert reply is not None, f"no answer to {wire.hex()}"
    rcode = header(reply)[3]
    if opcode:
        assert rcode == NOTIMP, wire.hex()
        return "another opcode: NOTIMP"
    reads_it, dnspython_reads_it = rcode != FORMERR, dnspython_parses(wire)
    if reads_it == dnspython_reads_it:
        return "agreed: parses" if reads_it else "agreed: does not parse"
    if reads_it:
        return reason_of(WHY_ONLY_DNSLET_READS_A_QUESTION, wire)
    return reason_of(WHY_ONLY_DNSPYTHON_READS_A_QUESTION, wire)


def judge_reply(wire, reply):
    """Every reply is sound, small, and says what it should."""
    assert len(reply) <= LIMIT
    _, flags, opcode, rcode, counts = header(reply)
    assert flags & 0x8000 and opcode == header(wire)[2]
    if rcode in (FORMERR, NOTIMP):
        assert counts[1:3] == [0, 0] and counts[0] <= 1 and counts[3] <= 1
        structure(reply)
        return
    message = parse(reply)
    ((name, rdtype, rdclass), *more) = structure(wire).questions
    assert not more
    assert [(q.name, int(q.rdtype), int(q.rdclass)) for q in message.question] == [
        (name, rdtype, rdclass)]
    assert reply[12:12 + len(name.to_wire())] == wire[12:12 + len(name.to_wire())], "spelling"
    expected = {1: ["192.0.2.10"], 28: ["2001:db8::10"]}.get(rdtype)
    if expected and rdclass == 1 and name.is_subdomain(TEST) and name != TEST and not (
            message.rcode() == 16):  # BADVERS
        assert [(r.name, r[0].to_text()) for r in message.answer] == [(name, expected[0])]


def report(outcomes):
    for outcome, count in outcomes.most_common():
        print(f"{count:6} {outcome}")


def test_dnslet_and_dnspython_agree_on_questions(dnslet):
    server = dnslet("--no-rec", "--address", "*.test=192.0.2.10,2001:db8::10")
    packets = packets_of_questions()
    replies = replies_to(server, packets)
    outcomes = Counter(judge_question(wire, replies.get(number))
                       for number, wire in enumerate(packets))
    for ident, reply in replies.items():
        judge_reply(packets[ident], reply)
    report(outcomes)
    assert sum(outcomes.values()) == COUNT
    assert outcomes["agreed: parses"] > COUNT / 4
    assert outcomes["agreed: does not parse"] > COUNT / 8


# Answers.

def is_sound(number):
    return number % 3 == 0


def packets_of_answers():
    """[(query, what upstream answers)]"""
    dice = dice_for("answers")
    queries, sound = [], []
    for number in range(COUNT):
        asked = dns.message.make_query(f"n{number}.test.", dice.choice([1, 1, 28, 16, 15]))
        asked.use_edns(0, 0, LIMIT)
        asked.id = number
        queries.append(asked)
        wire = answer(dice, asked)
        assert len(wire) <= LIMIT - 11
        sound.append(wire)
    damaged = [wire if is_sound(number) else mutate(dice, wire, sound)
               for number, wire in enumerate(sound)]
    return list(zip(queries, damaged))


def ask_all(server, queries, seconds):
    """{id: reply}, with at most 1500 questions open"""
    replies, waiting, rest = {}, set(), list(reversed(queries))
    with UdpClient(server.address) as client:
        while rest or waiting:
            while rest and len(waiting) < 1500:
                message = rest.pop()
                client.send(message)
                waiting.add(message.id)
            assert select.select([client.socket], [], [], seconds)[0], f"no answer: {waiting}"
            reply = client.receive_wire()
            waiting.remove(header(reply)[0])
            replies[header(reply)[0]] = reply
    return replies


def answers(asked, wire):
    """Whether that is what dnspython takes for the response to the message"""
    if len(wire) < 12 or not header(wire)[1] & 0x8000 or header(wire)[2]:
        return None
    found = structure_or_none(wire)
    question = asked.question[0]
    if not found or found.questions != [(question.name, int(question.rdtype), 1)]:
        return None
    return found if first_name_is_plain(wire) else None


def code_without_question(wire):
    """Of a refusal that is a header and nothing else, as very old servers send it"""
    is_bare = len(wire) == 12 and header(wire)[1] & 0x8000 and header(wire)[4] == [0] * 4
    return header(wire)[3] if is_bare else None


def is_lame(found, wire):
    """An empty NOERROR of a server that neither recurses nor has the zone"""
    _, flags, _, rcode, counts = header(wire)
    soa = any(rdtype == 6 for _, _, rdtype, *_ in found.records)
    return not flags & 0x0480 and rcode == 0 and counts[1] == 0 and not soa


def judge_answer(asked, wire, reply):
    """What came of it, in words; fails where that is not right"""
    got, message = structure(reply), parse_leniently(reply)
    assert len(reply) <= LIMIT and got.trailing == 0 and got.opt_at is not None
    flags, rcode = header(reply)[1], header(reply)[3]
    assert flags & 0x8080 == 0x8080 and not flags & 0x0420, "QR, RA; no AA, no AD"
    found = answers(asked, wire)
    assert found or not is_sound(asked.id)
    if not found:
        assert rcode == (code_without_question(wire) or SERVFAIL), wire.hex()
        assert not got.records, wire.hex()
        return "agreed: no response to this question"
    if found.owner_points_into_header:
        assert rcode == SERVFAIL and not got.records, wire.hex()
        return "a name that points into the header would change with the ID: SERVFAIL"
    if found.has_broken_rdata:
        assert rcode == SERVFAIL and not got.records, wire.hex()
        return "RDATA that is not what its type makes it: unusable, SERVFAIL"
    if found.extended_rcode:
        assert rcode == SERVFAIL and not got.records
        return "an extended code belongs to the hop that said it (RFC 6891 section 9): SERVFAIL"
    if is_lame(found, wire):
        assert rcode == SERVFAIL and not got.records, wire.hex()
        return "neither recursion nor authority, nor anything to say: a refusal, SERVFAIL"
    assert rcode == header(wire)[3], wire.hex()
    expected = found.records if found.opt_at is None else found.records[:found.opt_at]
    assert got.records == expected, wire.hex()
    theirs = parse_leniently(wire)
    if message and theirs and expected == found.records and not may_point_into_header(wire):
        assert texts(message) == texts(theirs), wire.hex()
    if expected != found.records:
        return "agreed, but for records behind the OPT, which go with it"
    if found.trailing:
        return "agreed, but for bytes behind the last record, which dnslet leaves out"
    return "agreed: content" if message else "agreed, but for RDATA that dnslet does not look into"


def texts(message):
    """The records with every name expanded; spelled as the client's question in dnslet's answer"""
    return [[str(rrset).lower() for rrset in section]
            for section in (message.answer, message.authority, message.additional)]


def parse_leniently(wire):
    """None where dnspython does not like some RDATA"""
    try:
        return dns.message.from_wire(wire, one_rr_per_rrset=True, ignore_trailing=True)
    except dns.exception.DNSException:
        return None


def test_dnslet_and_dnspython_agree_on_answers(dnslet, upstream):
    pairs = packets_of_answers()
    wires = {asked.question[0].name.to_text(): wire for asked, wire in pairs}
    source = upstream(lambda q: with_id(wires[q.name], q.id))
    time = 1500 * SCALE  # of those that dnslet takes for no answer
    server = dnslet("--upstream-timeout", time, "--upstream-retry", time, to=[source])
    replies = ask_all(server, [asked for asked, _ in pairs], PATIENCE + time / 1000)
    outcomes = Counter(judge_answer(asked, wire, replies[asked.id]) for asked, wire in pairs)
    report(outcomes)
    assert sum(outcomes.values()) == COUNT
    assert outcomes["agreed: content"] > COUNT / 4
    assert outcomes["agreed: no response to this question"] > COUNT / 8
