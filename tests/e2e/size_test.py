# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 3: how large an answer may be, and what goes first when it is too large."""

import dns.flags
import pytest
from harness import TcpClient, UdpClient, data, parse, question, records

A_RECORD = 16  # bytes of an address record whose owner is a compression pointer
OPT = 11


def is_cut(reply):
    return bool(reply.flags & dns.flags.TC)


def addresses(count):
    return [f"10.0.{i // 250}.{i % 250 + 1}" for i in range(count)]


def many_addresses(count):
    return lambda q: q.answer(*[f"{q.name} 300 IN A {address}" for address in addresses(count)])


def asked_udp(server, message):
    """(reply, its bytes)"""
    with UdpClient(server.address) as client:
        client.send(message)
        wire = client.receive_wire()
    return parse(wire), wire


SIZES = [(None, 512), (512, 512), (0, 512), (100, 512), (600, 600), (1000, 1000), (1232, 1232),
         (1233, 1232), (4096, 1232), (65535, 1232)]


@pytest.fixture(params=["hosts", "upstream", "cache"])
def big(request, dnslet, upstream):
    """A server that knows 300 addresses of big.test, each in another way"""
    if request.param == "hosts":
        return dnslet("--no-rec", hosts="".join(f"{a} big.test\n" for a in addresses(300)))
    server = dnslet("--rcache", 100 if request.param == "cache" else 0,
                    to=[upstream(many_addresses(300))])
    if request.param == "cache":
        server.query("big.test", tcp=True)
    return server


@pytest.mark.parametrize("payload,limit", SIZES)
def test_what_fits_the_client_is_sent_and_the_rest_is_cut_with_tc(big, payload, limit):
    message = question("big.test") if payload is None else question("big.test", edns=True,
                                                                    payload=payload)
    reply, wire = asked_udp(big, message)
    assert is_cut(reply)
    assert len(wire) <= limit
    assert len(wire) + A_RECORD > limit, "one more record would have fitted"
    assert data(reply) == addresses(300)[:len(data(reply))], "cut from the end"
    assert reply.edns == (-1 if payload is None else 0)


def test_over_tcp_nothing_is_cut(big):
    for edns in (False, True):
        reply = big.query("big.test", tcp=True, edns=edns, payload=512)
        assert not is_cut(reply)
        assert data(reply) == addresses(300)


def text_answer(size):
    """An answer for big.test that is `size` bytes long without OPT: one TXT record"""
    space = size - 12 - len(question("big.test", "TXT").to_wire()[12:]) - 12
    strings, left = [], space
    while left > 0:
        length = min(left - 1, 255)
        strings.append('"' + "x" * length + '"')
        left -= length + 1
    line = "{name} 300 IN TXT " + " ".join(strings)
    return lambda q: q.answer(line.format(name=q.name))


@pytest.mark.parametrize("payload,limit", [(None, 512), (700, 700 - OPT), (1232, 1232 - OPT)])
def test_an_answer_of_exactly_the_limit_is_not_cut(dnslet, upstream, payload, limit):
    server = dnslet(to=[upstream(text_answer(limit))])
    how = {} if payload is None else dict(edns=True, payload=payload)
    reply, wire = asked_udp(server, question("big.test", "TXT", **how))
    assert len(wire) == (payload or limit)
    assert not is_cut(reply) and len(data(reply)) == 1


@pytest.mark.parametrize("payload,limit", [(None, 512), (700, 700 - OPT), (1232, 1232 - OPT)])
def test_one_byte_more_than_the_limit_is_cut(dnslet, upstream, payload, limit):
    server = dnslet(to=[upstream(text_answer(limit + 1))])
    how = {} if payload is None else dict(edns=True, payload=payload)
    reply, _ = asked_udp(server, question("big.test", "TXT", **how))
    assert is_cut(reply) and data(reply) == []
    assert not is_cut(server.query("big.test", "TXT", tcp=True, **how))


def sections(answers, authorities, additionals):
    """Each record has 16 bytes, or 18 with its compressed name server"""
    def handler(q):
        return q.answer(*[f"{q.name} 300 IN A {a}" for a in addresses(answers)],
                        authority=[f"{q.name} 300 IN NS n{i}.{q.name}" for i in range(authorities)],
                        additional=[f"{q.name} 300 IN A {a}" for a in addresses(additionals)])
    return handler


def test_what_fits_keeps_all_its_sections(dnslet, upstream):
    reply = dnslet(to=[upstream(sections(5, 5, 5))]).query("big.test")
    assert [len(records(section)) for section in (reply.answer, reply.authority,
                                                  reply.additional)] == [5, 5, 5]
    assert not is_cut(reply)


def test_the_additional_section_goes_first_and_without_tc(dnslet, upstream):
    reply = dnslet(to=[upstream(sections(5, 5, 30))]).query("big.test")
    assert len(data(reply)) == 5 and len(records(reply.authority)) == 5
    assert not reply.additional
    assert not is_cut(reply)


def test_the_authority_section_goes_next_and_without_tc(dnslet, upstream):
    reply = dnslet(to=[upstream(sections(5, 30, 5))]).query("big.test")
    assert len(data(reply)) == 5
    assert not reply.authority and not reply.additional
    assert not is_cut(reply)


def test_whole_answer_records_go_last_and_set_tc(dnslet, upstream):
    reply, wire = asked_udp(dnslet(to=[upstream(sections(35, 5, 5))]), question("big.test"))
    assert not reply.authority and not reply.additional
    assert is_cut(reply)
    assert data(reply) == addresses((512 - len(question("big.test").to_wire())) // A_RECORD)
    assert len(wire) <= 512


def test_a_client_that_sees_tc_gets_the_rest_over_tcp_on_the_same_port(big):
    assert is_cut(big.query("big.test"))
    with TcpClient(big.address) as client:
        client.send(question("big.test"))
        assert data(client.receive()) == addresses(300)


def test_records_of_several_owners_are_cut_at_a_record_boundary(dnslet, upstream):
    def chain(q):
        links = [f"l{i}.big.test. 300 IN CNAME l{i + 1}.big.test." for i in range(40)]
        return q.answer(*links, "l40.big.test. 300 IN A 192.0.2.1")
    server = dnslet("--no-flatten", to=[upstream(chain)])
    reply = server.query("l0.big.test")
    assert is_cut(reply)
    kept = records(reply.answer)
    assert 15 < len(kept) < 41
    assert [record[0] for record in kept] == [f"l{i}.big.test." for i in range(len(kept))]
    assert len(data(server.query("l0.big.test", tcp=True))) == 41


def test_hosts_answers_never_exceed_a_message(dnslet):
    """5,000 addresses are 80 kB: more than even TCP can carry."""
    server = dnslet("--no-rec", hosts="".join(f"{a} big.test\n" for a in addresses(5000)))
    reply = server.query("big.test", tcp=True)
    assert is_cut(reply)
    assert data(reply) == addresses(5000)[:len(data(reply))] and len(data(reply)) > 4000
