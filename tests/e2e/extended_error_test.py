# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""A SERVFAIL of dnslet's own says why (RFC 8914): no server has answered, or none could be reached."""

import dns.edns
import pytest
from harness import only_rcode, silent, with_address
from basics import free_port

SERVFAIL = 2
NO_REACHABLE_AUTHORITY, NETWORK_ERROR = 22, 23
TIMES = ["--upstream-timeout", 500, "--upstream-retry", 100]


def codes(answer):
    return [option.code for option in answer.options if isinstance(option, dns.edns.EDEOption)]


def nobody():
    return f"127.0.0.1:{free_port()}"


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("flags", [[], ["--enable-search", "--search-domains", "a.test", "--ndots", 9],
                                   ["--force-tcp"]], ids=["plain", "search", "force-tcp"])
def test_silence_is_no_reachable_authority(dnslet, upstream, tcp, flags):
    server = dnslet(*TIMES, *flags, to=[upstream(silent), upstream(silent)])
    for _ in range(2):  # the second from those remembered
        answer = server.query("www.test", tcp=tcp, edns=True)
        assert answer.rcode() == SERVFAIL and codes(answer) == [NO_REACHABLE_AUTHORITY]
    plain = server.query("www.test", tcp=tcp)
    assert plain.rcode() == SERVFAIL and plain.edns < 0


@pytest.mark.parametrize("flags", [[], ["--force-tcp"]], ids=["udp", "tcp"])
def test_servers_that_refuse_connections_are_a_network_error(dnslet, flags):
    server = dnslet(*TIMES, *flags, "--nameservers", f"{nobody()},{nobody()}")
    answer = server.query("www.test", edns=True)
    assert answer.rcode() == SERVFAIL and codes(answer) == [NETWORK_ERROR]


def test_one_silent_server_among_those_is_no_reachable_authority(dnslet, upstream):
    source = upstream(silent)
    server = dnslet(*TIMES, "--nameservers", f"{nobody()},{source.address}")
    assert codes(server.query("www.test", edns=True)) == [NO_REACHABLE_AUTHORITY]


def test_the_refusal_of_a_server_is_passed_on_without(dnslet, upstream):
    server = dnslet(*TIMES, to=[upstream(only_rcode("SERVFAIL"))])
    answer = server.query("www.test", edns=True)
    assert answer.rcode() == SERVFAIL and codes(answer) == []


def test_the_reason_of_a_server_is_passed_on_as_it_is(dnslet, upstream):
    source = upstream(lambda q: q.answer(rcode="SERVFAIL", ede=(9, "bogus")))
    assert codes(dnslet(*TIMES, to=[source]).query("www.test", edns=True)) == [9]


def test_an_answer_has_none(dnslet, upstream):
    server = dnslet(*TIMES, "--nameservers", f"{nobody()},{upstream(with_address()).address}")
    answer = server.query("www.test", edns=True)
    assert answer.rcode() == 0 and codes(answer) == []
