# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""An upstream that lies, in ways that upstream_trouble_test.py does not know: what it adds is never
believed about another name, and nobody is stuck over what it leaves unfinished."""

import struct

import dns.rdatatype
import pytest
from harness import (PATIENCE, RESET, SCALE, SLOW, Later, Raw, UdpClient, data, only_rcode, parse,
                     question, records, timed, wait_until, with_address)

NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
TC = 0x0200
EVIL = "203.0.113.66"
SEARCH = ["--enable-search", "--search-domains", "test", "--ndots", 2]


# What is added.

def with_additions(asked):
    """The answer, and records about a name that nobody has asked for, in every section"""
    if asked.name == "victim.test.":
        return asked.answer("victim.test. 300 IN A 192.0.2.2")
    return asked.answer("www.test. 300 IN A 192.0.2.1", f"victim.test. 300 IN A {EVIL}",
                        authority=["test. 300 IN NS victim.test.", "victim.test. 300 IN NS evil."],
                        additional=[f"victim.test. 300 IN A {EVIL}"])


def test_records_out_of_bailiwick_come_back_and_are_believed_about_no_other_name(dnslet, upstream):
    source = upstream(with_additions)
    server = dnslet("--rcache", 100, to=[source])
    for _ in range(2):  # from upstream, from the cache
        answer = server.query("www.test")
        assert data(answer) == ["192.0.2.1", EVIL]
        assert [record[3] for record in records(answer.authority)] == ["victim.test.", "evil."]
        assert [record[3] for record in records(answer.additional)] == [EVIL]
    assert data(server.query("victim.test")) == ["192.0.2.2"]
    assert len(source.asked("victim.test")) == 1, "asked for itself"


def test_a_cname_says_nothing_about_its_target(dnslet, upstream):
    def handler(asked):
        if asked.name == "www.test.":
            return asked.answer("www.test. 300 IN CNAME victim.test.",
                                f"victim.test. 300 IN A {EVIL}")
        return asked.answer(f"{asked.name} 300 IN A 192.0.2.2")
    server = dnslet("--rcache", 100, to=[upstream(handler)])
    assert data(server.query("www.test")) == ["victim.test.", EVIL]
    assert data(server.query("victim.test")) == ["192.0.2.2"]


# Loops.

LOOPS = {
    "to itself": ["{0} 300 IN CNAME {0}"],
    "of two": ["{0} 300 IN CNAME b.test.", "b.test. 300 IN CNAME {0}"],
    "behind a way there": ["{0} 300 IN CNAME b.test.", "b.test. 300 IN CNAME c.test.",
                           "c.test. 300 IN CNAME b.test."],
}


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
@pytest.mark.parametrize("flags", [[], SEARCH], ids=["as it stands", "searched"])
def test_a_loop_of_cnames_is_passed_on_and_ends_there(dnslet, upstream, loop, flags):
    """It is not kept: it ends without the record that was asked for, and has no SOA."""
    source = upstream(lambda q: q.answer(*[line.format(q.name) for line in loop]))
    server = dnslet("--rcache", 10, "--round-robin", *flags, to=[source])
    for asked in (1, 2):
        answer = server.query("a")
        assert answer.rcode() == NOERROR
        assert data(answer)[-len(loop):] == [line.format("a.test." if flags else "a.").split()[-1]
                                             for line in loop]
        assert len(source.questions) == asked


def rdata_loop(asked, rdtype, prefix):
    """An answer whose RDATA ends in a name that points at itself"""
    wire = bytearray(asked.answer().to_wire())
    end = 12 + len(asked.message.question[0].name.to_wire()) + 4
    place = end + 12 + len(prefix)
    rdata = prefix + struct.pack("!H", 0xc000 | place)
    record = b"\xc0\x0c" + struct.pack("!HHIH", rdtype, 1, 300, len(rdata)) + rdata
    wire[end:end] = record
    wire[6:8] = b"\0\1"
    return bytes(wire)


@pytest.mark.parametrize("rdtype, prefix", [("CNAME", b""), ("NS", b""), ("MX", b"\0\1"),
                                            ("SRV", b"\0\1\0\1\0\1")])
def test_a_compression_loop_inside_of_rdata_harms_nobody(dnslet, upstream, rdtype, prefix):
    number = {"CNAME": 5, "NS": 2, "MX": 15, "SRV": 33}[rdtype]
    source = upstream(lambda q: rdata_loop(q, number, prefix))
    server = dnslet("--rcache", 10, *SEARCH, "--verbose", "--upstream-timeout", 500,
                    to=[source])
    for name in ("www", "www.a.test"):  # qualified: built anew; as it stands: passed on
        for _ in range(2):
            with UdpClient(server.address) as client:
                asked = question(name, rdtype)
                client.send(asked)
                reply = client.receive_wire()
            assert reply[:2] == asked.to_wire()[:2] and reply[2] & 0x80
    source.handler = with_address()
    assert data(server.query("sound.test")) == ["192.0.2.1"]


# Sizes and counts.

def of_size(size):
    """An answer that is that long, of TXT records; over UDP it is cut"""
    def handler(asked):
        if asked.transport == "udp":
            return asked.answer(tc=True)
        wire = bytearray(asked.answer(edns=False).to_wire())
        count = 0
        while len(wire) < size:
            rest = size - len(wire) - 12
            length = rest if rest <= 60000 else 30000
            text = b"".join(bytes([len(piece)]) + piece for piece in pieces(length))
            wire += b"\xc0\x0c\0\x10\0\1\0\0\1\0" + struct.pack("!H", length) + text
            count += 1
        wire[6:8] = struct.pack("!H", count)
        return bytes(wire)
    return handler


def pieces(length):
    """Strings that with their lengths make up that many bytes"""
    while length > 0:
        size = min(length - 1, 255) if length != 257 else 254
        yield b"x" * size
        length -= size + 1


def test_an_answer_of_64_kib_comes_back_whole(dnslet, upstream):
    server = dnslet("--rcache", 100, to=[upstream(of_size(65535))])
    for _ in range(2):
        wire = server.exchange(question("big.test", "TXT").to_wire(), tcp=True)
        assert len(wire) == 65535
        assert len(parse(wire).answer) == 2
        cut = server.query("big.test", "TXT")
        assert cut.flags & TC and not cut.answer
        with_opt = server.query("big.test", "TXT", tcp=True, edns=True)
        assert with_opt.flags & TC and len(with_opt.answer) == 1, "the OPT needs 11 bytes"


@pytest.mark.parametrize("place", [6, 8, 10], ids=["answer", "authority", "additional"])
@pytest.mark.parametrize("change", [+1, -1])
def test_counts_that_do_not_match_never_reach_the_client(dnslet, upstream, place, change):
    """One too many makes the packet unreadable; one too few leaves a record out."""
    def handler(asked):
        wire = bytearray(asked.answer(f"{asked.name} 60 IN A 192.0.2.1",
                                      authority=[f"{asked.name} 60 IN NS ns.test."],
                                      additional=["ns.test. 60 IN A 192.0.2.2"],
                                      edns=False).to_wire())
        wire[place + 1] += change
        return bytes(wire)
    server = dnslet("--upstream-timeout", 500, "--upstream-retry", 500, to=[upstream(handler)])
    answer = server.query("www.test")
    sections = [len(answer.answer), len(answer.authority), len(answer.additional)]
    if change > 0:
        assert (answer.rcode(), sections) == (SERVFAIL, [0, 0, 0])
    else:
        assert answer.rcode() == NOERROR and sum(sections) == 2


# Unfinished business over TCP.

def unfinished(asked, kind):
    """What comes over TCP"""
    wire = with_address()(asked).to_wire()
    stream = struct.pack("!H", len(wire)) + wire
    half = len(stream) // 2
    return {
        "half a message": [Raw(stream[:half])],
        "half a length": [Raw(stream[:1])],
        "half a message, then a reset": [Raw(stream[:half]), Later(0.05, RESET)],
        "a reset": [RESET],
        "a byte now and then": [Later(0.1 * i, Raw(stream[i:i + 1])) for i in range(len(stream))],
        "empty messages": [Raw(b"\0\0" * 1000)],
        "messages of a byte": [Raw(b"\0\1x" * 1000)],
        "garbage of 64 kB": [Raw(b"\xff\xff" + b"\xa5" * 65535)],
        "another ID": [bytes([wire[0] ^ 1]) + wire[1:]],
    }[kind]


KINDS = ["half a message", "half a length", "half a message, then a reset", "a reset",
         "a byte now and then", "empty messages", "messages of a byte", "garbage of 64 kB",
         "another ID"]


@pytest.mark.parametrize("kind", KINDS)
def test_who_is_left_waiting_over_tcp_is_told_in_time_and_nobody_else_waits(dnslet, upstream, kind):
    def handler(asked):
        if not asked.name.startswith("big"):
            return with_address()(asked)
        return asked.answer(tc=True) if asked.transport == "udp" else unfinished(asked, kind)
    source = upstream(handler)
    server = dnslet("--upstream-timeout", 600, "--upstream-retry", 200, to=[source])
    server.query("www.test")
    with UdpClient(server.address) as client:
        for i in range(20):
            client.send(question(f"big{i}.test"))
        source.wait_asked(1, "big0.test")
        for i in range(20):
            answer, seconds = timed(lambda number=i: server.query(f"n{number}.test"))
            assert data(answer) == ["192.0.2.1"] and seconds < 0.5 * SCALE
        answers, seconds = timed(lambda: [client.receive() for _ in range(20)])
    assert {answer.rcode() for answer in answers} == {SERVFAIL}
    assert seconds < 0.6 + 0.3 * SCALE
    source.handler = lambda q: q.answer(tc=True) if q.transport == "udp" else with_address()(q)
    counter = iter(range(10000))
    wait_until(lambda: data(server.query(f"again{next(counter)}.test")) == ["192.0.2.1"],
               "TCP serves again", PATIENCE)


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_server_stands_in_for_one_that_leaves_its_answer_unfinished(dnslet, upstream,
                                                                             kind):
    first = upstream(lambda q: unfinished(q, kind) if q.transport == "tcp" else q.answer(tc=True))
    server = dnslet("--upstream-retry", 200, to=[first, upstream(with_address("192.0.2.2"))])
    answer, seconds = timed(lambda: server.query("www.test"))
    assert data(answer) == ["192.0.2.2"]
    assert seconds < 0.2 + 0.4 * SCALE


# RDATA that its type does not allow.

BAD_RDATA = {
    "a name that is cut short": ("CNAME", b"\x01a"),
    "no name at all": ("NS", b""),
    "a byte behind the name": ("PTR", b"\xc0\x0c\0"),
    "a pointer out of the message": ("MX", b"\0\x0a\xff\xff"),
    "a label type that does not exist": ("SRV", b"\0\1\0\1\0\1\x41" + b"a" * 70),
    "a number too few": ("SOA", b"\0\0" + bytes(16)),
    "a number too many": ("SOA", b"\0\0" + bytes(24)),
    "a name into the header": ("DNAME", b"\xc0\x04"),
    "an address of 5 bytes": ("A", bytes(5)),
    "an address of 4 bytes": ("AAAA", bytes(4)),
}


@pytest.mark.parametrize("rdtype, rdata", BAD_RDATA.values(), ids=BAD_RDATA)
@pytest.mark.parametrize("flags", [[], ["--force-tcp"]], ids=["udp", "tcp"])
def test_the_next_server_is_asked_where_rdata_is_not_what_its_type_allows(
        dnslet, upstream, rdtype, rdata, flags):
    number = int(dns.rdatatype.from_text(rdtype))

    def broken(asked):
        wire = bytearray(asked.answer().to_wire())
        wire[12 + len(asked.message.question[0].name.to_wire()) + 4:] = (
            b"\xc0\x0c" + struct.pack("!HHIH", number, 1, 300, len(rdata)) + rdata)
        wire[6:12] = b"\0\1\0\0\0\0"
        return bytes(wire)
    bad, good = upstream(broken), upstream(lambda q: q.nxdomain())
    server = dnslet("--upstream-retry", 5000, *flags, to=[bad, good])
    answer, seconds = timed(lambda: server.query("www.test", rdtype))
    assert answer.rcode() == NXDOMAIN and len(bad.questions) == len(good.questions) == 1
    assert seconds < 2, "it was waited for"
    alone = dnslet("--upstream-timeout", 300, *flags, to=[bad])
    assert alone.query("www.test", rdtype).rcode() == SERVFAIL


# In great number.

def every_lie(number):
    """One after the other, over UDP and TCP"""
    def handler(asked):
        sound = with_address()(asked).to_wire()
        lies = [b"", sound[:-7], sound[:7] + b"\xff" + sound[8:], asked.answer(tc=True),
                rdata_loop(asked, 5, b""), asked.wire, sound + b"junk" * 100, only_rcode(
                    "FORMERR")(asked)]
        if asked.transport == "tcp":
            return unfinished(asked, KINDS[next(number) % len(KINDS)])
        return lies[next(number) % len(lies)]
    return handler


def test_thousands_of_lies_leave_nothing_behind(dnslet, upstream):
    source = upstream(every_lie(iter(range(10**9))))
    server = dnslet("--rcache", 50, "--upstream-timeout", 300, "--upstream-retry", 100, to=[source])

    def ask_many(first):
        """600 questions, 200 at a time; some answers hold RDATA that can't be read"""
        with UdpClient(server.address) as client:
            for begin in range(first, first + 600, 200):
                for i in range(begin, begin + 200):
                    client.send(question(f"n{i}.test"))
                for _ in range(200):
                    client.receive_wire()
    ask_many(0)
    wait_until(lambda: server.descriptors() <= 16, "the sockets to be closed")
    before, resident = server.descriptors(), server.resident()
    ask_many(600)
    ask_many(1200)
    wait_until(lambda: server.descriptors() <= before + 1, "all but a kept TCP connection")
    assert SLOW or server.resident() - resident < 4 << 20
