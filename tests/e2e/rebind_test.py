# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""--rebind-guard: names of the default servers have no addresses of inner networks."""

import dns.edns
import pytest
from harness import data, from_records, run, with_address

NOERROR = 0
BLOCKED = 15
ZONE = ("evil.test. 60 IN A 10.0.0.1", "evil.test. 60 IN AAAA 2001:db8::1",
        "two.test. 60 IN A 192.0.2.1", "two.test. 60 IN A 127.0.0.1",
        "six.test. 60 IN AAAA ::ffff:192.168.0.1", "nat.test. 60 IN AAAA 64:ff9b::a00:1",
        "alias.test. 60 IN CNAME evil.test.",
        "hint.test. 60 IN HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1,172.16.0.1",
        "hint6.test. 60 IN SVCB 1 . ipv6hint=fd00::1",
        "good.test. 60 IN A 192.0.2.1", "good.test. 60 IN HTTPS 1 . ipv4hint=192.0.2.1",
        "db.corp.test. 60 IN A 10.0.0.2", "db.lan.test. 60 IN A 10.0.0.3")


def codes(answer):
    return [option.code for option in answer.options if isinstance(option, dns.edns.EDEOption)]


@pytest.fixture
def guarded(dnslet, upstream):
    """guarded(*flags) → dnslet with the guard on, in front of ZONE"""
    source = upstream(from_records(*ZONE))
    return lambda *flags: dnslet("--rebind-guard", "--rcache", 100, *flags, to=[source])


@pytest.mark.parametrize("name, rdtype", [
    ("evil.test", "A"), ("two.test", "A"), ("six.test", "AAAA"), ("nat.test", "AAAA"),
    ("alias.test", "A"), ("hint.test", "HTTPS"), ("hint6.test", "SVCB")])
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_an_inner_address_is_nodata_and_says_why(guarded, name, rdtype, tcp):
    server = guarded()
    for _ in range(2):  # the second from the cache
        answer = server.query(name, rdtype, tcp=tcp, edns=True)
        assert answer.rcode() == NOERROR and codes(answer) == [BLOCKED]
        assert not answer.answer and not answer.authority and not answer.additional
    assert server.query(name, rdtype, tcp=tcp).edns < 0


def test_the_rest_of_a_name_and_other_names_are_left(guarded):
    server = guarded()
    server.query("evil.test", "A")
    assert data(server.query("evil.test", "AAAA")) == ["2001:db8::1"]
    assert data(server.query("good.test", "A")) == ["192.0.2.1"]
    assert server.query("good.test", "HTTPS").answer


def test_without_the_guard_all_pass(dnslet, upstream):
    server = dnslet(to=[upstream(from_records(*ZONE))])
    assert data(server.query("evil.test", "A")) == ["10.0.0.1"]


def test_names_that_may_have_inner_addresses(guarded, upstream):
    stub = upstream(with_address("10.1.1.1"))
    server = guarded("--rebind-ok", "corp.test,other.test", "--enable-search", "--search-domains",
                     "lan.test", "--stubzones", f"stub.test/{stub.address}")
    assert data(server.query("db.corp.test")) == ["10.0.0.2"]
    assert data(server.query("db.lan.test")) == ["10.0.0.3"]
    assert data(server.query("db"))[-1] == "10.0.0.3"
    assert data(server.query("x.stub.test")) == ["10.1.1.1"]
    assert server.query("evil.test").answer == []


def test_names_of_ours_may_have_them(dnslet, upstream):
    server = dnslet("--rebind-guard", "--address", "a.test=10.0.0.9", to=[upstream(with_address())],
                    hosts="10.0.0.8 b.test\n")
    assert data(server.query("a.test")) == ["10.0.0.9"]
    assert data(server.query("b.test")) == ["10.0.0.8"]


def test_the_log_tells_it_once(guarded):
    server = guarded()
    for name in ("evil.test", "two.test", "alias.test"):
        server.query(name)
    line = server.wait_log("address of an inner network")
    assert "name=evil.test" in line and "address=10.0.0.1" in line
    assert len(server.log("address of an inner network")) == 1


def test_explain_tells_it(upstream, tmp_path):
    source = upstream(from_records(*ZONE))
    (tmp_path / "resolv.conf").write_text("")
    ended = run("--explain", "evil.test", "--rebind-guard", "--nameservers", source.address,
                "--resolv-conf", tmp_path / "resolv.conf", "--rcache", 100)
    assert "not at all" not in ended.stdout  # it is kept
    assert "guard       evil.test has 10.0.0.1, an address of an inner network" in ended.stdout
    assert "NOERROR without records (NODATA)" in ended.stdout
    assert "reason      extended error 15" in ended.stdout
    assert ended.returncode == 1 and ended.stderr == ""


def test_rebind_ok_alone_has_no_effect(upstream):
    ended = run("--explain", "good.test", "--rebind-ok", "corp.test", "--nameservers",
                upstream(from_records(*ZONE)).address)
    assert ("--rebind-ok has no effect without --rebind-guard (DNSMASQ_REBIND_GUARD)"
            in ended.stderr)
