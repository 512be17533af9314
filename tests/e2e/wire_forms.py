# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Packets to test a parser with, made of sound ones; and dnspython's reading of a packet's
structure, without a look into RDATA."""

import random
import struct
from dataclasses import dataclass, field

import dns.edns
import dns.exception
import dns.message
import dns.name
import dns.rdatatype
import dns.renderer
import dns.rrset
import dns.wire

OPT = int(dns.rdatatype.OPT)
TYPES = ["A", "A", "A", "AAAA", "AAAA", "MX", "TXT", "SOA", "PTR", "SRV", "HTTPS", "CNAME", "NS",
         "TYPE65280"]
RDATA = {
    "A": "198.51.100.{n}", "AAAA": "2001:db8::{n}", "MX": "{n} mail.{name}", "PTR": "p{n}.{name}",
    "CNAME": "c{n}.{name}", "NS": "ns{n}.{name}", "TXT": '"text {n}" "more"',
    "SOA": "ns.{name} host.{name} {n} 3600 600 86400 60", "SRV": "{n} 5 5060 sip.{name}",
    "HTTPS": "1 . alpn=h2 port=84{n}", "TYPE65280": r"\# 3 c00c{n:02x}",
}


def random_name(dice, parent="test."):
    labels = ["".join(dice.choices("abcXYZ019-_", k=dice.randint(1, 9)))
              for _ in range(dice.randint(1, 4))]
    return ".".join(labels) + "." + parent


def query(dice):
    """The wire of a sound query, some with EDNS, options and additional records"""
    message = dns.message.make_query(random_name(dice), dice.choice(TYPES),
                                     id=dice.randrange(65536))
    if dice.random() < 0.6:
        options = dice.choice([[], [dns.edns.GenericOption(10, b"cookie!!")],
                               [dns.edns.ECSOption("192.0.2.0", 24)],
                               [dns.edns.GenericOption(12, b"\0" * dice.randint(0, 60))]])
        message.use_edns(0, dice.choice([0, 0x8000]), dice.choice([0, 512, 1232, 4096]),
                         options=options)
    if dice.random() < 0.1:
        message.additional = [record(dice, random_name(dice))]
    return message.to_wire()


def record(dice, name):
    rdtype = dice.choice(TYPES)
    text = RDATA[rdtype].format(n=dice.randint(1, 99), name=name)
    ttl = dice.choice([0, 1, 60, 3600, 2**31 - 1])
    return dns.rrset.from_text(name, ttl, "IN", rdtype, text)


def answer(dice, asked):
    """The wire of a sound answer to a message, compressed; in some the OPT is not the last one."""
    name = str(asked.question[0].name)
    flags = 0x8180 | dice.choice([0, 0, 0x0400, 0x0020])
    renderer = dns.renderer.Renderer(asked.id, flags | dice.choice([0, 0, 0, 0, 3, 2, 5]), 4096)
    renderer.add_question(asked.question[0].name, asked.question[0].rdtype)
    for section in (dns.renderer.ANSWER, dns.renderer.AUTHORITY):
        for _ in range(dice.choice([0, 1, 1, 2, 5])):
            owner = dice.choice([name, name, random_name(dice, name)])
            renderer.add_rrset(section, record(dice, owner))
    place = dice.choice(["first", "last", "none"])
    if place == "first":
        renderer.add_edns(0, 0, 1232)
    for _ in range(dice.choice([0, 0, 1, 3])):
        renderer.add_rrset(dns.renderer.ADDITIONAL, record(dice, random_name(dice, name)))
    if place == "last":
        renderer.add_edns(0, 0, 1232)
    renderer.write_header()
    return renderer.get_wire()


def mutate(dice, wire, others):
    """One to three changes; the ID stays where it is."""
    wire = bytearray(wire)
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        if len(wire) > 3:
            dice.choice(MUTATIONS)(dice, wire, others)
    return bytes(wire)


def _flip(dice, wire, _):
    wire[dice.randrange(2, len(wire))] ^= 1 << dice.randrange(8)


def _set(dice, wire, _):
    wire[dice.randrange(2, len(wire))] = dice.choice([0, 1, 0x29, 0x3f, 0x40, 0x80, 0xc0, 0xff])


def _cut(dice, wire, _):
    del wire[dice.randrange(2, len(wire)):]


def _delete(dice, wire, _):
    begin = dice.randrange(2, len(wire))
    del wire[begin:begin + dice.choice([1, 2, 4, 11])]


def _insert(dice, wire, _):
    place = dice.randrange(2, len(wire) + 1)
    wire[place:place] = dice.randbytes(dice.choice([1, 2, 4, 11]))


def _append(dice, wire, _):
    wire += dice.choice([b"\0", b"\0\0\x29\x04\xd0\0\0\0\0\0\0", dice.randbytes(7)])


def _repeat(dice, wire, _):
    begin = dice.randrange(12, len(wire)) if len(wire) > 12 else 2
    wire += wire[begin:]


def _count(dice, wire, _):
    place = dice.choice([4, 6, 8, 10])
    wire[place:place + 2] = struct.pack("!H", dice.choice([0, 1, 1, 2, 3, 255, 65535]))


def _point(dice, wire, _):
    place = dice.randrange(12, len(wire)) if len(wire) > 13 else 2
    wire[place:place + 2] = struct.pack("!H", 0xc000 | dice.randrange(len(wire) + 3))


def _splice(dice, wire, others):
    other = dice.choice(others)
    wire[dice.randrange(2, len(wire)):] = other[dice.randrange(len(other)):]


MUTATIONS = [_flip, _flip, _set, _cut, _delete, _insert, _append, _repeat, _count, _point, _splice]


@dataclass
class Structure:
    """Names as dnspython reads them, RDATA as bytes"""

    questions: list = field(default_factory=list)  # (name, type, class)
    records: list = field(default_factory=list)  # (section, name, type, class, ttl, rdata)
    opt_at: int = None  # place in `records`, which do not hold it
    extended_rcode: int = 0
    trailing: int = 0  # bytes behind the last record
    owner_points_into_header: bool = False  # of some record
    has_broken_rdata: bool = False  # of a type in RDATA


# What the RDATA of the types is made of that dnslet looks into: numbers are bytes, N is a name.
FIELDS = {1: [4], 28: [16], 2: ["N"], 5: ["N"], 6: ["N", "N", 20], 12: ["N"], 15: [2, "N"],
          33: [6, "N"], 39: ["N"]}


def _is_whole_rdata(parser, rdtype, rdclass, size):
    """Whether it is made of these and nothing else. Leaves the parser where it is."""
    if rdtype not in FIELDS or (rdtype in (1, 28) and rdclass != 1):
        return True
    inner = dns.wire.Parser(parser.wire[:parser.current + size], parser.current)
    if parser.remaining() < size:
        return True  # told by whoever reads on
    try:
        for item in FIELDS[rdtype]:
            if item != "N":
                inner.get_bytes(item)
                continue
            place = inner.current
            inner.get_name()
            if _points_into_header(parser.wire, place):
                return False
    except dns.exception.DNSException:
        return False
    return inner.remaining() == 0


def structure(wire):
    """Raises a dns.exception.DNSException for what does not parse."""
    parser = dns.wire.Parser(wire)
    _, _, *counts = parser.get_struct("!HHHHHH")
    found = Structure()
    for _ in range(counts[0]):
        found.questions.append((parser.get_name(), *parser.get_struct("!HH")))
    for section, count in enumerate(counts[1:], start=1):
        for _ in range(count):
            _read_record(parser, section, found)
    found.trailing = parser.remaining()
    return found


def _read_record(parser, section, found):
    place, name = parser.current, parser.get_name()
    found.owner_points_into_header |= _points_into_header(parser.wire, place)
    rdtype, rdclass, ttl, size = parser.get_struct("!HHIH")
    found.has_broken_rdata |= not _is_whole_rdata(parser, rdtype, rdclass, size)
    rdata = parser.get_bytes(size)
    if rdtype != OPT:
        found.records.append((section, name, rdtype, rdclass, ttl, rdata))
        return
    if section != 3 or found.opt_at is not None or name != dns.name.root:
        raise dns.message.BadEDNS
    if ttl >> 16 & 255:  # another version of EDNS, whose RDATA nobody knows
        rdata = b""
    options = dns.wire.Parser(rdata)
    while options.remaining() > 0:
        options.get_bytes(options.get_struct("!HH")[1])
    found.opt_at = len(found.records)
    found.extended_rcode = ttl >> 24


def structure_or_none(wire):
    try:
        return structure(wire)
    except dns.exception.DNSException:
        return None


def first_name_is_plain(wire):
    """Whether the name of the question is written out, without a compression pointer"""
    place = 12
    while place < len(wire) and 0 < wire[place] < 64:
        place += 1 + wire[place]
    return place < len(wire) and wire[place] == 0


def may_point_into_header(wire):
    """Whether some two bytes, in RDATA for example, may be a pointer into the header"""
    return any(first == 0xc0 and second < 12 for first, second in zip(wire[12:], wire[13:]))


def _points_into_header(wire, place):
    """Whether a name that dnspython has read does"""
    while wire[place]:
        if wire[place] < 64:
            place += 1 + wire[place]
            continue
        place = (wire[place] & 0x3f) << 8 | wire[place + 1]
        if place < 12:
            return True
    return False


def dice_for(what):
    """The same packets in every run"""
    return random.Random(what)
