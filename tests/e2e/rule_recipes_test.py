# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""The recipes of the man page, section RULES: each does what it says."""

from pathlib import Path

import dns.exception
import dns.message
import dns.query
import pytest
from fake_upstream import from_records

NOERROR, NXDOMAIN, REFUSED = 0, 3, 5
MAN = (Path(__file__).parents[2] / "man" / "dnslet.8").read_text()
NAMES = ["www.test", "www.corp.example", "ads.example", "old.example", "safe.example", "far.example"]


def recipe(*rules, **changes):
    """The flags of these rules, each of which stands in the man page. What can't be had in a test, such as a
    client's address, is changed."""
    flags = []
    for rule in rules:
        assert f"--rule '{rule}'" in MAN, rule
        for old, new in changes.items():
            rule = rule.replace(old, new)
        flags += ["--rule", rule]
    return flags


def at(address, *more):
    return from_records(*(f"{name}. 5 IN A {address}" for name in NAMES), *more)


@pytest.fixture
def outside(upstream):
    return upstream(at("192.0.2.1", "old.example. 5 IN AAAA 2001:db8::1",
                       "www.test. 5 IN HTTPS 1 . alpn=h2", "1.0.0.10.in-addr.arpa. 5 IN PTR outside.test."))


@pytest.fixture
def inside(upstream):
    return upstream(at("10.0.0.1", "1.0.0.10.in-addr.arpa. 5 IN PTR inside.test."))


def records(answer):
    return [rdata.to_text() for rrset in answer.answer for rdata in rrset]


def ask_from(server, client, name="www.test"):
    query = dns.message.make_query(name, "A")
    return dns.query.udp(query, "127.0.0.1", timeout=1, port=server.port, source=client)


def test_two_servers(dnslet, outside, inside):
    server = dnslet(*recipe("zone:corp.example ptr:10.0.0.0/8 -> ask corp"), "--server", f"corp={inside.address}",
                    to=[outside])
    assert records(server.query("www.corp.example")) == ["10.0.0.1"]
    assert records(server.query("1.0.0.10.in-addr.arpa", "PTR")) == ["inside.test."]
    assert records(server.query("www.test")) == ["192.0.2.1"]


def test_no_advertisements(dnslet, outside, tmp_path):
    (tmp_path / "ads").write_text("||ads.example^\n")
    server = dnslet(*recipe("list:ads -> block"), "--list", f"ads={tmp_path}/ads", to=[outside])
    assert [server.query(name).rcode() for name in ("x.ads.example", "www.test")] == [NXDOMAIN, NOERROR]


def test_other_servers_for_some_clients(dnslet, outside, inside):
    server = dnslet(*recipe("from:10.0.1.0/24 -> ask kids", **{"10.0.1.0/24": "127.0.1.0/24"}), "--server",
                    f"kids={inside.address}", "--rcache", 10, to=[outside])
    for _ in range(2):
        assert records(ask_from(server, "127.0.1.7")) == ["10.0.0.1"]
        assert records(ask_from(server, "127.0.0.1")) == ["192.0.2.1"]


def test_near_servers_for_what_is_near(dnslet, upstream, outside, inside, tmp_path):
    (tmp_path / "networks").write_text("10.0.0.0/8\n")
    rules = recipe("answer:list:near -> ask near wait:500", "* -> ask far")
    flags = [*rules, "--list", f"near={tmp_path}/networks", "--server", f"far={outside.address}"]
    server = dnslet(*flags, "--server", f"near={inside.address}")
    assert records(server.query("www.test")) == ["10.0.0.1"]
    foreign = upstream(at("203.0.113.1"))
    server = dnslet(*flags, "--server", f"near={foreign.address}")
    assert records(server.query("www.test")) == ["192.0.2.1"] and foreign.questions
    silent = upstream(lambda question: None)
    server = dnslet(*flags, "--server", f"near={silent.address}")
    assert records(server.query("www.test")) == ["192.0.2.1"]


def test_names_near_and_far(dnslet, upstream, tmp_path):
    for name, lines in (("cn", "near.test\n"), ("no", "far.test\n"), ("networks", "10.0.0.0/8\n")):
        (tmp_path / name).write_text(lines)
    names = ("near.test", "far.test", "www.test", "cdn.test")
    local = upstream(from_records("near.test. 5 IN A 203.0.113.1", "far.test. 5 IN A 10.0.0.66",
                                  "www.test. 5 IN A 203.0.113.66", "cdn.test. 5 IN A 10.0.0.1"))
    remote = upstream(from_records(*(f"{name}. 5 IN {data}" for name in names
                                     for data in ("A 192.0.2.1", "AAAA 2001:db8::1"))))
    rules = recipe("list:cn -> ask local", "list:no -> ask remote prefer:ipv4",
                   "answer:list:ip -> ask local ahead wait:500", "* -> ask remote prefer:ipv4")
    server = dnslet(*rules, "--list", f"cn={tmp_path}/cn", "--list", f"no={tmp_path}/no", "--list",
                    f"ip={tmp_path}/networks", "--server", f"local={local.address}", "--server",
                    f"remote={remote.address}")
    assert [records(server.query(name)) for name in names] == [
        ["203.0.113.1"], ["192.0.2.1"], ["192.0.2.1"], ["10.0.0.1"]]
    assert server.query("www.test", "AAAA").answer == []


def test_ipv4_only(dnslet, outside):
    server = dnslet(*recipe("zone:old.example -> pass only:ipv4"), to=[outside])
    assert records(server.query("old.example")) == ["192.0.2.1"]
    answer = server.query("old.example", "AAAA")
    assert answer.rcode() == NOERROR and not answer.answer


def test_a_floor_for_ttls(dnslet, outside):
    server = dnslet(*recipe("* -> with ttl:60-86400"), "--rcache", 10, to=[outside])
    for _ in range(2):
        assert server.query("www.test").answer[0].ttl in (59, 60)
    assert len(outside.questions) == 1


def test_no_https_records(dnslet, outside):
    server = dnslet(*recipe("type:HTTPS,SVCB -> empty"), to=[outside])
    answer = server.query("www.test", "HTTPS")
    assert answer.rcode() == NOERROR and not answer.answer and not outside.questions


def test_one_name_in_place_of_another(dnslet, outside):
    server = dnslet(*recipe("name:search.example -> alias safe.example"), to=[outside])
    assert records(server.query("search.example")) == ["safe.example.", "192.0.2.1"]


def test_a_client_that_gets_no_answer(dnslet, outside):
    server = dnslet(*recipe("from:192.0.2.66 -> drop", **{"192.0.2.66": "127.0.0.66"}), to=[outside])
    with pytest.raises(dns.exception.Timeout):
        ask_from(server, "127.0.0.66")
    assert records(ask_from(server, "127.0.0.1")) == ["192.0.2.1"]


def test_a_limit_for_strangers(dnslet, outside):
    server = dnslet(*recipe("!from:private -> with limit:20", private="127.0.0.1"), "--rcache", 10, to=[outside])
    codes = [ask_from(server, "127.0.5.1").rcode() for _ in range(40)]
    assert codes[:20] == [NOERROR] * 20 and REFUSED in codes
    assert [ask_from(server, "127.0.0.1").rcode() for _ in range(40)] == [NOERROR] * 40


def test_private_names_stay_inside(dnslet, outside):
    server = dnslet(*recipe("zone:lan,home.arpa,internal ptr:private -> block"), to=[outside])
    for name, rdtype in (("nas.lan", "A"), ("home.arpa", "A"), ("1.0.0.10.in-addr.arpa", "PTR")):
        assert server.query(name, rdtype).rcode() == NXDOMAIN
    assert not outside.questions
    assert records(server.query("www.test")) == ["192.0.2.1"]


def test_fake_addresses_for_a_proxy(dnslet, outside):
    networks = "198.18.0.0/15,fd00:0:0:fa4e::/64"
    assert f"--fake-ip {networks}\n" in MAN
    server = dnslet(*recipe("zone:far.example -> fake"), "--fake-ip", networks, to=[outside])
    assert records(server.query("far.example")) == ["198.18.0.1"]
    assert records(server.query("far.example", "AAAA")) == ["fd00:0:0:fa4e::1"]
    assert records(server.query("1.0.18.198.in-addr.arpa", "PTR")) == ["far.example."]
    assert server.query("2.0.18.198.in-addr.arpa", "PTR").rcode() == NXDOMAIN
    assert not outside.questions
    assert records(server.query("www.test")) == ["192.0.2.1"]
