# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 3: what every answer repeats, sets and clears."""

import dns.edns
import dns.flags
import dns.message
import pytest
from harness import data, question, records, with_address

QR, AA, RD, RA, AD, CD = 0x8000, 0x0400, 0x0100, 0x0080, 0x0020, 0x0010

# One question for every source of an answer: name, type, class
SOURCES = {
    "address": ("static.test", "A", "IN"),
    "hosts": ("nas.test", "A", "IN"),
    "hosts nodata": ("nas.test", "AAAA", "IN"),
    "ptr": ("10.2.0.192.in-addr.arpa", "PTR", "IN"),
    "block": ("www.ads.test", "A", "IN"),
    "special": ("localhost", "A", "IN"),
    "invalid": ("foo.invalid", "A", "IN"),
    "chaos": ("version.bind", "TXT", "CH"),
    "filter": ("www.example", "AAAA", "IN"),
    "upstream": ("www.example", "A", "IN"),
    "nxdomain": ("no.example", "MX", "IN"),
    "servfail": ("fail.example", "TXT", "IN"),
    "transfer": ("www.example", "AXFR", "IN"),
    "class": ("www.example", "A", "HS"),
}


def everything(asked):
    if asked.name.startswith("no."):
        return asked.nxdomain()
    if asked.name.startswith("fail."):
        return asked.answer(rcode="SERVFAIL")
    return with_address()(asked)


@pytest.fixture
def server(dnslet, upstream):
    return dnslet("--address", "static.test=192.0.2.9", "--block", "ads.test", "--filter", "aaaa",
                  "--rcache", 100, to=[upstream(everything)], hosts="192.0.2.10 nas.test\n")


def mixed(wire):
    """The question's name in 0x20 spelling"""
    name = bytearray(wire[12:])
    for i in range(0, len(name) - 5, 2):
        if chr(name[i]).isalpha():
            name[i] ^= 0x20
    return wire[:12] + bytes(name)


@pytest.mark.parametrize("name,rdtype,rdclass", SOURCES.values(), ids=SOURCES)
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_id_rd_and_spelling_come_back_as_they_were(server, name, rdtype, rdclass, tcp):
    for rd in (True, False, True):  # the last time from the cache, where there is one
        asked = mixed(question(name, rdtype, rdclass, rd=rd).to_wire())
        reply = server.exchange(asked, tcp)
        flags = int.from_bytes(reply[2:4], "big")
        assert reply[:2] == asked[:2], "ID"
        assert bool(flags & RD) == rd
        assert flags & QR and flags & RA
        assert reply[4:6] == b"\x00\x01" and reply[12:len(asked)] == asked[12:], "question"


@pytest.mark.parametrize("name,rdtype,rdclass", SOURCES.values(), ids=SOURCES)
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_an_opt_comes_back_exactly_if_the_question_had_one(server, name, rdtype, rdclass, tcp):
    for edns in (False, True, False, True):
        reply = server.query(name, rdtype, rdclass, tcp=tcp, edns=edns)
        assert reply.edns == (0 if edns else -1)


def test_the_cache_keeps_no_spelling(dnslet, upstream):
    source = upstream(with_address())
    server = dnslet("--rcache", 100, to=[source])
    for spelling in ("www.example.test", "WWW.example.TEST", "wWw.ExAmPlE.tEsT"):
        asked = question(spelling).to_wire()
        reply = server.exchange(asked)
        assert reply[12:len(asked)] == asked[12:]
    assert len(source.questions) == 1


def test_aa_is_clear_in_what_was_forwarded(dnslet, upstream):
    server = dnslet("--rcache", 100,
                    to=[upstream(lambda q: q.answer(f"{q.name} 60 IN A 192.0.2.1", aa=True))])
    for _ in range(2):
        assert not server.query("www.test").flags & dns.flags.AA


AD_CASES = [(dict(ad=True), True), (dict(do=True), True), (dict(ad=True, do=True), True),
            (dict(), False), (dict(edns=True), False)]


@pytest.mark.parametrize("how,expected", AD_CASES)
def test_ad_is_set_only_for_clients_that_sent_ad_or_do(dnslet, upstream, how, expected):
    secure = upstream(lambda q: q.answer(f"{q.name} 60 IN A 192.0.2.1", ad=True))
    server = dnslet("--rcache", 100, to=[secure])
    for other in (how, dict(ad=True), how, dict(), how):  # what others ask must not rub off
        reply = server.query("www.test", **other)
    assert bool(reply.flags & dns.flags.AD) == expected


@pytest.mark.parametrize("how", [dict(ad=True), dict(do=True), dict()])
def test_ad_is_never_set_where_upstream_did_not(dnslet, upstream, how):
    server = dnslet("--rcache", 100, to=[upstream(with_address())], hosts="192.0.2.10 nas.test\n")
    for name in ("www.test", "www.test", "nas.test"):
        assert not server.query(name, **how).flags & dns.flags.AD


UNKNOWN = "TYPE65280 \\# 6 0a00c00cffee"


def test_an_unknown_type_passes_byte_for_byte(dnslet, upstream):
    source = upstream(lambda q: q.answer(f"{q.name} 60 IN {UNKNOWN}"))
    server = dnslet("--rcache", 10, to=[source])
    for tcp in (False, True):
        reply = server.exchange(question("www.test", "TYPE65280").to_wire(), tcp)
        assert reply[-16:-12] == b"\xff\x00\x00\x01"
        assert reply[-8:] == b"\x00\x06\x0a\x00\xc0\x0c\xff\xee"
    assert len(source.questions) == 1


def test_any_passes_like_every_other_type(dnslet, upstream):
    source = upstream(lambda q: q.answer(f"{q.name} 60 IN A 192.0.2.1", f"{q.name} 60 IN {UNKNOWN}",
                                         f'{q.name} 60 IN TXT "x"'))
    reply = dnslet(to=[source]).query("www.test", "ANY")
    assert [record[2] for record in records(reply.answer)] == ["A", "TYPE65280", "TXT"]
    assert [q.type for q in source.questions] == ["ANY"]


def test_all_sections_pass_in_order(dnslet, upstream):
    lines = [f"a{i}.test. 6{i} IN A 192.0.2.{i}" for i in (3, 1, 2)]
    source = upstream(lambda q: q.answer(
        *[f"{q.name} 60 IN MX {i} a{i}.test." for i in (3, 1, 2)],
        authority=["test. 99 IN NS ns2.test.", "test. 99 IN NS ns1.test."], additional=lines))
    reply = dnslet(to=[source]).query("test", "MX", edns=True)
    assert data(reply) == ["3 a3.test.", "1 a1.test.", "2 a2.test."]
    assert [record[3] for record in records(reply.authority)] == ["ns2.test.", "ns1.test."]
    assert [record[:2] for record in records(reply.additional)] == [
        ("a3.test.", 63), ("a1.test.", 61), ("a2.test.", 62)]


def test_an_extended_error_comes_back_to_clients_with_opt_only(dnslet, upstream):
    server = dnslet(to=[upstream(lambda q: q.answer(rcode="SERVFAIL", ede=(6, "bogus")))])
    reply = server.query("bogus.test", edns=True)
    assert reply.rcode() == 2
    assert [(option.code, option.text) for option in reply.options] == [(6, "bogus")]
    assert server.query("bogus2.test").edns == -1


@pytest.mark.parametrize("rcode", ["NOERROR", "NXDOMAIN"])
def test_an_extended_error_comes_along_with_answers_too(dnslet, upstream, rcode):
    def stale(asked):
        reply = asked.nodata() if rcode == "NOERROR" else asked.nxdomain()
        reply.use_edns(0, options=[dns.edns.EDEOption(3, "old")])
        return reply
    reply = dnslet(to=[upstream(stale)]).query("www.test", edns=True)
    assert [(option.code, option.text) for option in reply.options] == [(3, "old")]


def test_other_options_of_upstream_stay_behind(dnslet, upstream):
    def chatty(asked):
        reply = asked.nodata()
        reply.use_edns(0, options=[dns.edns.GenericOption(65001, b"private")])
        return reply
    reply = dnslet(to=[upstream(chatty)]).query("www.test", edns=True)
    assert not reply.options
