# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 3, step 1: what is no usable question (RFC 1035, RFC 6891), byte by byte."""

import random
import struct

import dns.exception
import dns.message
import dns.rcode
import pytest
from harness import TcpClient, UdpClient, data, only_rcode, parse, question

NOERROR, FORMERR, NOTIMP = 0, 1, 4
NAME = b"\x03nas\x04test\x00"
A_IN = b"\x00\x01\x00\x01"
OPT = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
ID = 0x4711


def packet(body=NAME + A_IN, flags=0x0100, counts=(1, 0, 0, 0), ident=ID):
    return struct.pack("!HHHHHH", ident, flags, *counts) + body


def header(wire):
    """(id, flags, rcode, counts)"""
    ident, flags, *counts = struct.unpack("!HHHHHH", wire[:12])
    return ident, flags, flags & 15, counts


@pytest.fixture
def server(dnslet, upstream):
    """One that would answer and forward anything it takes for a question"""
    source = upstream(only_rcode("NOERROR"))
    server = dnslet(to=[source], hosts="192.0.2.10 nas.test\n")
    yield server
    assert data(server.query("nas.test")) == ["192.0.2.10"]
    assert not source.questions, "forwarded a broken question"


SILENT = {
    "nothing": b"",
    "one byte": b"\x47",
    "one byte less than a header": packet()[:11],
    "QR set": packet(flags=0x8100),
    "QR set, nothing else right": packet(flags=0xffff, counts=(9, 9, 9, 9)),
    "QR set, header only": packet(b"", flags=0x8180, counts=(0, 0, 0, 0)),
}


@pytest.mark.parametrize("wire", SILENT.values(), ids=SILENT)
def test_what_is_no_question_gets_no_answer(server, wire):
    with UdpClient(server.address) as client:
        client.send(wire)
        client.send(packet(ident=0x0815))
        assert header(client.receive_wire())[0] == 0x0815, "answered something else first"


@pytest.mark.parametrize("opcode", [1, 2, 3, 4, 5, 6, 15])
def test_another_opcode_is_not_implemented(server, opcode):
    ident, flags, rcode, _ = header(server.exchange(packet(flags=0x0100 | opcode << 11)))
    assert (ident, rcode) == (ID, NOTIMP)
    assert flags & 0x8000 and flags & 0x0100


@pytest.mark.parametrize("wire", [packet(flags=0x2100, body=NAME + A_IN + OPT, counts=(1, 0, 0, 1)),
                                  packet(body=OPT, counts=(0, 0, 0, 1))],
                         ids=["another opcode", "no question"])
def test_an_error_carries_an_opt_where_the_packet_had_one(server, wire):
    assert header(server.exchange(wire))[3][3] == 1


def labels(*sizes):
    return b"".join(bytes([size]) + b"x" * size for size in sizes)


BROKEN = {
    "no question": packet(b"", counts=(0, 0, 0, 0)),
    "no question, but bytes of one": packet(counts=(0, 0, 0, 0)),
    "two questions": packet((NAME + A_IN) * 2, counts=(2, 0, 0, 0)),
    "two questions claimed": packet(counts=(2, 0, 0, 0)),
    "65535 questions": packet(counts=(65535, 0, 0, 0)),
    "header only": packet(b""),
    "ends in the name": packet(NAME[:5]),
    "ends in a label": packet(b"\x09nas"),
    "ends before the root": packet(NAME[:-1]),
    "ends before the type": packet(NAME),
    "ends in the type": packet(NAME + A_IN[:1]),
    "ends in the class": packet(NAME + A_IN[:3]),
    "pointer to itself": packet(b"\xc0\x0c" + A_IN),
    "pointer forward": packet(b"\xc0\x12" + A_IN + NAME),
    "pointer to the header": packet(b"\x03nas\xc0\x00" + A_IN),
    "pointer back into the name": packet(b"\x03nas\x04test\xc0\x0c" + A_IN),
    "two pointers in a circle": packet(b"\xc0\x0e\xc0\x0c" + A_IN),
    "half a pointer": packet(b"\x03nas\xc0"),
    "pointer out of the packet": packet(b"\xc3\xff" + A_IN),
    "label of 64": packet(labels(64) + b"\x00" + A_IN),
    "label type 01": packet(b"\x41" + b"x" * 65 + b"\x00" + A_IN),
    "label type 10": packet(b"\x83nas\x00" + A_IN),
    "name of 256": packet(labels(63, 63, 63, 62) + b"\x00" + A_IN),
    "name of 400": packet(labels(*[63] * 6) + b"\x00" + A_IN),
    "name of 5000": packet(labels(*[1] * 2500) + b"\x00" + A_IN),
    "OPT claimed, none there": packet(counts=(1, 0, 0, 1)),
    "half an OPT": packet(NAME + A_IN + OPT[:6], counts=(1, 0, 0, 1)),
    "OPT longer than the packet": packet(NAME + A_IN + OPT[:-2] + b"\x00\x08\x00\x0a",
                                         counts=(1, 0, 0, 1)),
    "OPT of 65535 bytes": packet(NAME + A_IN + OPT[:-2] + b"\xff\xff", counts=(1, 0, 0, 1)),
    "two OPTs": packet(NAME + A_IN + OPT * 2, counts=(1, 0, 0, 2)),
    "an OPT with an owner": packet(NAME + A_IN + NAME + OPT[1:], counts=(1, 0, 0, 1)),
    "an answer claimed, none there": packet(counts=(1, 1, 0, 0)),
    "an answer with a broken owner": packet(NAME + A_IN + b"\xc0\xff" + A_IN + b"\0" * 6,
                                            counts=(1, 1, 0, 0)),
}


WITH_OPT = {
    "an option longer than the OPT": packet(NAME + A_IN + OPT[:-2] + b"\x00\x05\x00\x0a\x00\x09x", counts=(1, 0, 0, 1)),
    "two questions": packet((NAME + A_IN) * 2 + OPT, counts=(2, 0, 0, 1)),
    "no question": packet(OPT, counts=(0, 0, 0, 1)),
    "two OPTs": BROKEN["two OPTs"],
}


@pytest.mark.parametrize("wire", WITH_OPT.values(), ids=WITH_OPT)
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_the_error_has_an_opt_where_the_question_has_one(server, wire, tcp):
    """RFC 6891 section 6.1.1"""
    ident, _, rcode, counts = header(server.exchange(wire, tcp))
    assert (ident, rcode, counts[3]) == (ID, FORMERR, 1)


@pytest.mark.parametrize("wire", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_a_broken_question_is_a_format_error(server, wire, tcp):
    reply = server.exchange(wire, tcp)
    ident, flags, rcode, counts = header(reply)
    assert (ident, rcode) == (ID, FORMERR)
    assert flags & 0x8000, "QR"
    assert flags & 0x0100, "RD is repeated"
    assert counts[1:3] == [0, 0]
    assert len(reply) <= max(len(wire), 12) + 11, "nothing but question and OPT come back"


BEHIND = {
    "one byte behind the question": packet(NAME + A_IN + b"\x00"),
    "bytes behind the question": packet(NAME + A_IN + b"garbage!"),
    "bytes behind the OPT": packet(NAME + A_IN + OPT + b"\xff\xff", counts=(1, 0, 0, 1)),
}


@pytest.mark.parametrize("wire", BEHIND.values(), ids=BEHIND)
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_bytes_behind_the_last_record_are_ignored(server, wire, tcp):
    reply = server.exchange(wire, tcp)
    assert header(reply)[::2] == (ID, NOERROR) and header(reply)[3][1] == 1
    for tail in (b"garbage!", b"\xff\xff"):
        assert tail not in reply


def test_a_version_of_edns_to_come_is_told_badvers_whatever_it_holds(server):
    for rdata in (b"\x00", b"\x00\x0a\xff\xff", b"\xff" * 100):
        opt = b"\0\0\x29\x04\xd0\x00\x01\0\0" + len(rdata).to_bytes(2, "big") + rdata
        for tcp in (False, True):
            reply = dns.message.from_wire(
                server.exchange(packet(NAME + A_IN + opt, counts=(1, 0, 0, 1)), tcp))
            assert reply.rcode() == dns.rcode.BADVERS and reply.edns == 0


def test_a_format_error_repeats_a_clear_rd_bit(server):
    assert not header(server.exchange(packet(NAME, flags=0)))[1] & 0x0100


@pytest.mark.parametrize("name,length", [((63, 63, 63, 61), 255), ((1,) * 127, 255), ((63,), 65)])
def test_the_longest_allowed_names_are_questions(dnslet, upstream, name, length):
    source = upstream(lambda q: q.answer(f"{q.name} 60 IN A 192.0.2.1"))
    server = dnslet(to=[source])
    encoded = labels(*name) + b"\x00"
    assert len(encoded) == length
    assert header(server.exchange(packet(encoded + A_IN)))[2:] == (NOERROR, [1, 1, 0, 0])
    assert source.questions[0].message.question[0].name.to_wire() == encoded


def test_the_root_is_a_name(dnslet, upstream):
    source = upstream(lambda q: q.nxdomain())
    dnslet(to=[source]).query(".", "NS")
    assert source.questions[0].name == "."


@pytest.mark.parametrize("flags", [[], ["--force-tcp"]], ids=["udp", "tcp"])
def test_bytes_that_are_no_letters_pass_through(dnslet, upstream, flags):
    source = upstream(lambda q: q.answer(rcode="NXDOMAIN"))
    server = dnslet("--nameservers", source.address, *flags)
    encoded = b"\x08a.b\x00\xff \n\\\x04test\x00"
    reply = server.exchange(packet(encoded + A_IN))
    assert reply[12:12 + len(encoded)] == encoded
    assert header(reply)[2] == 3
    assert source.questions[0].wire[12:12 + len(encoded)] == encoded
