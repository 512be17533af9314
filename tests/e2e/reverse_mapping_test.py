# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""--reverse-mapping: addresses that nobody names have the name by which they were given out."""

import dns.message
import dns.query
import dns.reversename
import pytest
from fake_upstream import from_records
from harness import data

NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
REVERSE = "1.2.0.192.in-addr.arpa"
ZONE = ("www.test. 60 IN CNAME cdn.example.", "cdn.example. 60 IN A 192.0.2.1", "cdn.example. 60 IN AAAA fd00::1",
        "named.test. 60 IN A 192.0.2.9", "9.2.0.192.in-addr.arpa. 60 IN PTR its.own.name.",
        "empty.test. 60 IN A 192.0.2.8", "8.2.0.192.in-addr.arpa. 60 IN TXT other")
FLAGS = ("--reverse-mapping", "--rcache", 100)


@pytest.fixture
def source(upstream):
    return upstream(from_records(*ZONE))


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_the_name_asked_for_is_the_address_s_name(dnslet, source, tcp):
    server = dnslet(*FLAGS, to=[source])
    assert server.query(REVERSE, "PTR", tcp=tcp).rcode() == NXDOMAIN
    server.query("www.test", tcp=tcp)
    answer = server.query(REVERSE, "PTR", tcp=tcp)
    assert data(answer) == ["www.test."] and answer.answer[0].ttl == 10
    server.query("cdn.example", tcp=tcp)
    assert data(server.query(REVERSE, "PTR", tcp=tcp)) == ["cdn.example."]
    server.query("www.test", tcp=tcp)  # from the cache
    assert data(server.query(REVERSE, "PTR", tcp=tcp)) == ["www.test."]
    server.query("www.test", "AAAA", tcp=tcp)
    address = dns.reversename.from_address("fd00::1").to_text(omit_final_dot=True)
    assert data(server.query(address, "PTR", tcp=tcp)) == ["www.test."]


def test_who_has_a_name_or_no_data_keeps_it(dnslet, source):
    server = dnslet(*FLAGS, to=[source], hosts="192.0.2.1 host.test\n")
    for name in ("www.test", "named.test", "empty.test"):
        server.query(name)
    assert data(server.query(REVERSE, "PTR")) == ["host.test."]
    assert data(server.query("9.2.0.192.in-addr.arpa", "PTR")) == ["its.own.name."]
    answer = server.query("8.2.0.192.in-addr.arpa", "PTR")
    assert answer.rcode() == NOERROR and not answer.answer


def test_a_failure_is_no_answer_either(dnslet, upstream):
    def fails_for_addresses(question):
        if question.name.endswith(".arpa."):
            return question.answer(rcode="SERVFAIL")
        return from_records(*ZONE)(question)
    server = dnslet(*FLAGS, to=[upstream(fails_for_addresses)])
    assert server.query(REVERSE, "PTR").rcode() == SERVFAIL
    server.query("www.test")
    for _ in range(2):
        assert data(server.query(REVERSE, "PTR")) == ["www.test."]


def test_all_workers_know_the_name(dnslet, source):
    server = dnslet(*FLAGS, "--threads", 4, to=[source])
    server.query("www.test")
    for i in range(20):
        assert data(server.query(REVERSE, "PTR", tcp=i % 2 == 0)) == ["www.test."]


def test_clients_that_rules_tell_apart_do_not_hear_of_each_other(dnslet, source, upstream):
    other = upstream(from_records(*ZONE))
    server = dnslet(*FLAGS, "--rule", f"from:127.0.1.0/24 -> ask {other.address}", to=[source])

    def ask(client, name, rdtype):
        return dns.query.udp(dns.message.make_query(name, rdtype), "127.0.0.1", timeout=2,
                             port=server.port, source=client)
    ask("127.0.1.1", "www.test", "A")
    assert ask("127.0.0.1", REVERSE, "PTR").rcode() == NXDOMAIN
    assert data(ask("127.0.1.2", REVERSE, "PTR")) == ["www.test."]


def test_the_log_names_it(dnslet, source):
    server = dnslet(*FLAGS, "--verbose", to=[source])
    server.query("www.test")
    server.query(REVERSE, "PTR")
    server.wait_log("type=PTR rcode=NOERROR answer=www.test source=reverse")


def test_without_it_nothing_is_made_up(dnslet, source):
    server = dnslet("--rcache", 100, to=[source])
    server.query("www.test")
    assert server.query(REVERSE, "PTR").rcode() == NXDOMAIN
