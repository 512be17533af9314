# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 5: the answer under the name asked, where candidates come from, what is kept."""

import struct
import time

import dns.name
import pytest
from fake_upstream import soa
from harness import (PATIENCE, SCALE, data, from_records, only_rcode, parse, question, records,
                     ttls, wait_until, with_address)

NXDOMAIN = 3
ADDRESS = "192.0.2.1"
LIST = ("--enable-search", "--search-domains", "one.test,two.test")
CACHE = ("--rcache", 100)


def names(source):
    return [asked.name.rstrip(".") for asked in source.questions]


# The answer.

def test_a_hit_is_a_cname_with_the_smallest_ttl_then_the_records(dnslet, upstream):
    source = upstream(from_records("www.one.test. 300 IN A 192.0.2.1",
                                   "www.one.test. 40 IN A 192.0.2.2",
                                   "www.one.test. 200 IN A 192.0.2.3"))
    assert records(dnslet(*LIST, to=[source]).query("www").answer) == [
        ("www.", 40, "CNAME", "www.one.test."), ("www.one.test.", 300, "A", "192.0.2.1"),
        ("www.one.test.", 40, "A", "192.0.2.2"), ("www.one.test.", 200, "A", "192.0.2.3")]


def test_an_alias_that_leads_to_no_record_is_kept_with_its_soa(dnslet, upstream):
    """AAAA of a service that is an alias of an IPv4-only name: half of all questions of a client."""
    source = upstream(lambda q: q.answer("www.one.test. 50 IN CNAME a.other.test.",
                                         authority=[soa("other.test", 60, 60)]))
    server = dnslet(*LIST, *CACHE, to=[source])
    first, second = server.query("www", "AAAA"), server.query("www", "AAAA")
    assert data(first) == data(second) == ["www.one.test.", "a.other.test."]
    assert [record.rdtype for record in first.authority] == [6]
    assert names(source) == ["www.one.test"]


def test_a_found_name_that_is_an_alias_itself_keeps_its_chain(dnslet, upstream):
    source = upstream(from_records("www.two.test. 50 IN CNAME a.other.test.",
                                   "a.other.test. 30 IN CNAME b.two.test.",
                                   "b.two.test. 90 IN A 192.0.2.1"))
    assert records(dnslet(*LIST, to=[source]).query("www").answer) == [
        ("www.", 30, "CNAME", "www.two.test."), ("www.two.test.", 50, "CNAME", "a.other.test."),
        ("a.other.test.", 30, "CNAME", "b.two.test."), ("b.two.test.", 90, "A", "192.0.2.1")]


def test_the_name_as_it_stands_needs_no_cname(dnslet, upstream):
    source = upstream(from_records(f"www. 300 IN A {ADDRESS}"))
    assert records(dnslet(*LIST, to=[source]).query("www").answer) == [
        ("www.", 300, "A", ADDRESS)]


@pytest.mark.parametrize("found", ["www.one.test.", "www.", "none."])
def test_the_question_keeps_its_spelling(dnslet, upstream, found):
    server = dnslet(*LIST, *CACHE, to=[upstream(from_records(f"{found} 300 IN A {ADDRESS}"))])
    for name in ("wWw", "WwW", "www"):  # the later ones from the cache
        answer = server.exchange(question(name).to_wire())
        assert parse(answer).question[0].name.labels[0] == name.encode()


RDATA = {
    "MX": ["10 mail.one.test.", "20 mail2.www.one.test.", "30 www.one.test."],
    "SRV": ["10 60 5060 www.one.test.", "20 10 5061 sip.other.test."],
    "PTR": ["a.b.one.test.", "c.b.one.test."],
    "NAPTR": ['100 10 "u" "E2U+sip" "!^.*$!sip:info@one.test!" .',
              '100 20 "s" "SIP+D2U" "" _sip._udp.one.test.'],
    "RP": ["admin.one.test. text.www.one.test."],
    "AFSDB": ["1 db.one.test."],
    "KX": ["1 kx.one.test."],
    "PX": ["1 a.one.test. b.one.test."],
    "DNAME": ["www.one.test."],
    "TXT": ['"plain" "two \\192\\012 strings" "\\255"', '""'],
    "HTTPS": ["1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.10", "2 svc.one.test. port=1"],
    "CAA": ['0 issue "ca.example"'],
    "LOC": ["52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m"],
    "TYPE65280": ["\\# 12 0a000001c00cffee00112233", "\\# 2 c00c"],
}


@pytest.mark.parametrize("rdtype", RDATA)
def test_records_of_every_type_come_out_as_upstream_sent_them(dnslet, upstream, rdtype):
    source = upstream(from_records(*(f"www.one.test. {60 + i} IN {rdtype} {rdata}"
                                     for i, rdata in enumerate(RDATA[rdtype]))))
    answer = dnslet(*LIST, to=[source]).query("www", rdtype)
    sent = parse(source.handler(source.questions[0]).to_wire())
    assert answer.answer[0].to_text() == "www. 60 IN CNAME www.one.test."
    assert records(answer.answer)[1:] == records(sent.answer)


TYPES = {"MX": 15, "SRV": 33, "PTR": 12, "NAPTR": 35, "RP": 17, "AFSDB": 18, "RT": 21, "KX": 36,
         "PX": 26, "CNAME": 5, "TYPE65280": 65280, "TXT": 16}
HEADS = {"MX": b"\0\12", "SRV": b"\0\1\0\2\0\3", "AFSDB": b"\0\1", "RT": b"\0\1", "KX": b"\0\1",
         "PX": b"\0\1", "NAPTR": b"\0\1\0\2\1s\7SIP+D2U\0"}
TWO_NAMES = ("RP", "PX")
NO_NAMES = {"TYPE65280": b"\1h\xc0\x0c", "TXT": b"\2\xc0\x0c\1\xc0"}


def with_pointers(asked):
    """An answer whose RDATA ends in "\1h" and pointers to the question's name: also for the types
    that RFC 3597 allows to be read so, and raw bytes that only look like it."""
    names = b"\1h\xc0\x0c" * (2 if asked.type in TWO_NAMES else 1)
    rdata = NO_NAMES.get(asked.type, HEADS.get(asked.type, b"") + names)
    record = struct.pack("!HHHIH", 0xC00C, TYPES[asked.type], 1, 77, len(rdata)) + rdata
    end = asked.wire.index(b"\0", 12) + 5
    header = asked.wire[:2] + struct.pack("!HHHHH", 0x8180, 1, 2, 0, 0)
    return header + asked.wire[12:end] + record * 2


@pytest.mark.parametrize("rdtype", TYPES)
def test_compression_pointers_in_rdata_are_followed_and_nothing_else(dnslet, upstream, rdtype):
    source = upstream(with_pointers)
    wire = dnslet(*LIST, to=[source]).exchange(question("www", rdtype).to_wire())
    answer, sent = parse(wire), parse(with_pointers(source.questions[0]))
    assert records(answer.answer)[0] == ("www.", 77, "CNAME", "www.one.test.")
    assert records(answer.answer)[1:] == records(sent.answer)
    assert len(answer.answer) == 3
    if rdtype not in NO_NAMES:
        assert "h.www.one.test." in data(answer)[1]
    if rdtype not in ("MX", "PTR", "CNAME", *NO_NAMES):
        assert b"\1h\3www\3one\4test\0" in wire, "compressed where RFC 3597 forbids it"


def test_an_answer_beyond_the_reach_of_pointers_comes_out_whole(dnslet, upstream):
    lines = [f'www.one.test. 60 IN TXT "{i:03d} {"x" * 240}"' for i in range(200)]
    source = upstream(lambda asked: asked.answer(*lines))
    answer = dnslet(*LIST, to=[source]).query("www", "TXT", tcp=True)
    sent = parse(source.handler(source.questions[-1]).to_wire(max_size=65535))
    assert records(answer.answer)[1:] == records(sent.answer)


def test_many_mail_servers_come_out_whole(dnslet, upstream):
    lines = [f"www.one.test. 60 IN MX {i} m{i}.n{i % 9}.one.test." for i in range(1200)]
    source = upstream(lambda asked: asked.answer(*lines))
    patient = ("--upstream-timeout", 30000)  # the upstream needs seconds for it on a slow machine
    answer = dnslet(*LIST, *patient, to=[source]).query("www", "MX", tcp=True)
    assert data(answer)[1:] == [line.split(None, 4)[4] for line in lines]


def test_over_udp_whole_records_are_cut_behind_the_cname(dnslet, upstream):
    lines = [f"www.one.test. 60 IN A 192.0.2.{i}" for i in range(60)]
    source = upstream(lambda asked: asked.answer(*lines))
    wire = dnslet(*LIST, "--no-flatten", to=[source]).exchange(question("www").to_wire())
    answer = parse(wire)
    assert len(wire) <= 512 and answer.flags & 0x0200
    assert 20 < len(answer.answer) < 60
    assert data(answer) == ["www.one.test."] + [f"192.0.2.{i}"
                                                for i in range(len(answer.answer) - 1)]


def test_a_miss_says_how_long_it_holds(dnslet, upstream):
    source = upstream(lambda asked: asked.nxdomain(minimum=9 if "two" in asked.name else 300))
    answer = dnslet(*LIST, to=[source]).query("www")
    assert answer.rcode() == NXDOMAIN and len(answer.authority) == 1
    assert answer.authority[0].ttl <= 9, "the shortest of all steps"


def test_edns_do_and_cd_go_along_with_every_name(dnslet, upstream):
    source = upstream(lambda asked: asked.nxdomain())
    answer = dnslet(*LIST, to=[source]).query("www", do=True, cd=True)
    assert answer.edns == 0
    assert [(asked.message.ednsflags & 0x8000, asked.message.flags & 0x0010)
            for asked in source.questions] == [(0x8000, 0x0010)] * 3


# Where candidates are answered from.

def test_a_candidate_may_be_in_a_hosts_file(dnslet, upstream):
    source = upstream(with_address("192.0.2.66"))
    server = dnslet(*LIST, to=[source], hosts="192.0.2.5 www.one.test\n")
    assert records(server.query("www").answer) == [("www.", 10, "CNAME", "www.one.test."),
                                                   ("www.one.test.", 10, "A", "192.0.2.5")]
    assert not source.questions


def test_a_family_that_a_hosts_name_lacks_ends_the_search(dnslet, upstream):
    """Both families come from one name, unless that is switched off."""
    source = upstream(from_records("www.two.test. 60 IN AAAA 2001:db8::1"))
    hosts = "192.0.2.5 www.one.test\n"
    assert data(dnslet(*LIST, to=[source], hosts=hosts).query("www", "AAAA")) == []
    server = dnslet(*LIST, "--no-family-fix", to=[source], hosts=hosts)
    assert data(server.query("www", "AAAA")) == ["www.two.test.", "2001:db8::1"]
    assert names(source) == ["www.two.test"]


def test_a_candidate_may_be_a_static_address(dnslet, upstream):
    source = upstream(lambda asked: asked.nxdomain())
    server = dnslet(*LIST, "--address", "*.two.test=192.0.2.6", to=[source])
    assert data(server.query("www")) == ["www.two.test.", "192.0.2.6"]
    assert names(source) == ["www.one.test"]


def test_the_name_asked_comes_first_from_the_hosts_file(dnslet, upstream):
    source = upstream(with_address())
    server = dnslet(*LIST, to=[source], hosts="192.0.2.7 www\n192.0.2.5 www.one.test\n")
    assert data(server.query("www")) == ["192.0.2.7"]
    assert not source.questions


def test_a_blocked_candidate_is_a_miss(dnslet, upstream):
    source = upstream(with_address())
    server = dnslet(*LIST, "--block", "one.test", to=[source])
    assert data(server.query("www")) == ["www.two.test.", ADDRESS]
    assert names(source) == ["www.two.test"]


def test_a_special_candidate_is_never_forwarded(dnslet, upstream):
    source = upstream(from_records(f"www. 60 IN A {ADDRESS}"))
    server = dnslet("--enable-search", "--search-domains", "invalid,onion", to=[source])
    assert data(server.query("www")) == [ADDRESS]
    assert names(source) == ["www"]


def test_a_candidate_may_be_in_the_cache(dnslet, upstream):
    source = upstream(from_records(f"www.two.test. 60 IN A {ADDRESS}"))
    server = dnslet(*LIST, *CACHE, "--ndots", 2, to=[source])
    server.query("www.two.test")  # www.two.test.one.test is asked first
    del source.questions[:]
    assert data(server.query("www")) == ["www.two.test.", ADDRESS]
    assert names(source) == ["www.one.test"]


def test_a_candidate_is_asked_of_its_own_stub_zone(dnslet, upstream):
    source, stub = upstream(lambda asked: asked.nxdomain()), upstream(with_address("192.0.2.8"))
    server = dnslet(*LIST, "--stubzones", f"two.test/{stub.address}", to=[source])
    assert data(server.query("www")) == ["www.two.test.", "192.0.2.8"]
    assert (names(source), names(stub)) == (["www.one.test"], ["www.two.test"])


# What is kept.

def test_a_hit_is_kept_under_the_name_asked(dnslet, upstream):
    source = upstream(from_records(f"www.two.test. 40 IN A {ADDRESS}"))
    server = dnslet(*LIST, *CACHE, to=[source])
    first = server.query("www")
    del source.questions[:]
    second = server.query("WWW", tcp=True)
    assert data(second) == data(first) == ["www.two.test.", ADDRESS]
    assert max(ttls(second)) <= 40
    assert data(server.query("www.two.test", "A")) == [ADDRESS], "and under the name found"
    assert not source.questions


@pytest.mark.parametrize("rcode", ["NXDOMAIN", "NOERROR"])
def test_a_miss_is_kept_under_the_name_asked(dnslet, upstream, rcode):
    source = upstream(lambda asked: asked.nxdomain() if rcode == "NXDOMAIN" else asked.nodata())
    server = dnslet(*LIST, *CACHE, to=[source])
    assert server.query("www").rcode().name == rcode
    del source.questions[:]
    assert server.query("www").rcode().name == rcode
    assert not source.questions


def test_a_miss_is_kept_as_long_as_the_shortest_of_its_steps(dnslet, upstream):
    source = upstream(lambda asked: asked.nxdomain(minimum=1 if "one" in asked.name else 300))
    server = dnslet(*LIST, *CACHE, to=[source])
    server.query("www")
    asked = source.questions[0].time

    def again():
        server.query("www")
        return source.asked("www.one.test")[1:]
    wait_until(again, "the first domain asked again", 2 + 2 * SCALE)
    assert again()[0].time - asked > 0.9
    assert len(source.asked("www.two.test")) == len(source.asked("www")) == 1


def test_a_miss_with_a_failure_in_it_is_forgotten_with_the_failure(dnslet, upstream):
    def refuse_first(asked):
        return (only_rcode("SERVFAIL") if "one" in asked.name else
                lambda asked: asked.nxdomain())(asked)
    source = upstream(refuse_first)
    server = dnslet(*LIST, *CACHE, to=[source])
    assert server.query("www").rcode() == NXDOMAIN
    source.handler = with_address()
    begin = time.monotonic()
    wait_until(lambda: data(server.query("www")) == ["www.one.test.", ADDRESS], "the hit",
               PATIENCE)
    assert time.monotonic() - begin < 2.5 * SCALE


def test_what_is_kept_for_a_search_is_not_told_to_a_candidate(dnslet, upstream):
    """www.one.test asked of a list is www.one.test.two.test; as a candidate it is itself."""
    source = upstream(from_records("www.one.test.two.test. 60 IN A 192.0.2.22",
                                   "www.one.test. 60 IN A 192.0.2.11"))
    server = dnslet(*LIST, *CACHE, "--ndots", 5, to=[source])
    for _ in range(2):
        assert data(server.query("www.one.test")) == ["www.one.test.two.test.", "192.0.2.22"]
        assert data(server.query("www")) == ["www.one.test.", "192.0.2.11"]
    assert len(source.questions) == 2


def test_names_in_records_are_names_still(dnslet, upstream):
    """Escaped bytes in labels survive the new encoding."""
    source = upstream(from_records(r"www.one.test. 60 IN PTR My\032Printer\.x.one.test."))
    answer = dnslet(*LIST, to=[source]).query("www", "PTR")
    assert answer.answer[1][0].target == dns.name.from_text(r"My\032Printer\.x.one.test.")
