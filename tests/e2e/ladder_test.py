# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 3: which rung answers, and that it answers before the later ones."""

import re

import pytest
from harness import data, records, run, ttls, with_address

NOERROR, NXDOMAIN, REFUSED = 0, 3, 5
HOSTS = "192.0.2.10 nas.test host.blocked.test\n2001:db8::10 nas.test\n"


@pytest.fixture
def source(upstream):
    return upstream(with_address("192.0.2.1"))


@pytest.mark.parametrize("rdtype", ["AXFR", "IXFR"])
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_zone_transfers_are_refused(dnslet, source, rdtype, tcp):
    server = dnslet(to=[source], hosts=HOSTS)
    for name in ("example.test", "nas.test"):
        assert server.query(name, rdtype, tcp=tcp).rcode() == REFUSED
    assert not source.questions


@pytest.mark.parametrize("rdclass", ["HS", "ANY", "NONE", "CLASS4711"])
def test_other_classes_are_refused(dnslet, source, rdclass):
    server = dnslet(to=[source], hosts=HOSTS)
    for name in ("example.test", "nas.test", "version.bind"):
        answer = server.query(name, "TXT", rdclass)
        assert (answer.rcode(), answer.answer) == (REFUSED, [])
    assert not source.questions


@pytest.mark.parametrize("name", ["version.bind", "version.server", "VeRsIoN.BiNd"])
def test_chaos_names_give_the_version(dnslet, source, name):
    answer = dnslet(to=[source]).query(name, "TXT", "CH")
    number = re.search(r"\S*\d\S*|\S+$", run("--version").stdout.strip()).group(0)
    assert answer.rcode() == NOERROR and len(data(answer)) == 1
    assert number in data(answer)[0]
    assert not source.questions


@pytest.mark.parametrize("name", ["hostname.bind", "id.server"])
def test_chaos_names_give_no_host_name_away(dnslet, source, name):
    assert data(dnslet(to=[source]).query(name, "TXT", "CH")) == ['"localhost"']


@pytest.mark.parametrize("name,rdtype", [("version.bind", "A"), ("authors.bind", "TXT"),
                                         ("nas.test", "A"), ("www.test", "TXT")])
def test_other_chaos_questions_are_refused(dnslet, source, name, rdtype):
    answer = dnslet(to=[source], hosts=HOSTS).query(name, rdtype, "CH")
    assert (answer.rcode(), answer.answer) == (REFUSED, [])
    assert not source.questions


def test_a_client_outside_allow_is_refused_everything(dnslet, source):
    server = dnslet("--allow", "127.0.0.2/32,10.0.0.0/8", to=[source], hosts=HOSTS)
    for name, rdtype, rdclass in [("nas.test", "A", "IN"), ("www.example", "A", "IN"),
                                  ("version.bind", "TXT", "CH"), ("localhost", "A", "IN")]:
        for tcp in (False, True):
            answer = server.query(name, rdtype, rdclass, tcp=tcp)
            assert (answer.rcode(), answer.answer) == (REFUSED, [])
    assert not source.questions


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_a_client_inside_allow_is_served(dnslet, source, tcp):
    server = dnslet("--allow", "10.0.0.0/8,127.0.0.2/31", to=[source], hosts=HOSTS)
    for client in ("127.0.0.2", "127.0.0.3"):
        assert data(server.query("nas.test", tcp=tcp, bind=client)) == ["192.0.2.10"]
        assert data(server.query("www.example", tcp=tcp, bind=client)) == ["192.0.2.1"]
    assert server.query("nas.test", tcp=tcp, bind="127.0.0.4").rcode() == REFUSED


def test_allow_knows_ipv6(dnslet):
    closed = dnslet("--no-rec", "--allow", "127.0.0.0/8,fd00::/8", hosts=HOSTS, listen="[::1]:0")
    assert closed.query("nas.test").rcode() == REFUSED
    open_ = dnslet("--no-rec", "--allow", "::1", hosts=HOSTS, listen="[::1]:0")
    assert data(open_.query("nas.test")) == ["192.0.2.10"]


def test_an_answer_from_the_cache_is_not_for_clients_outside_allow(dnslet, source):
    server = dnslet("--allow", "127.0.0.2", "--rcache", 10, to=[source])
    assert data(server.query("www.example", bind="127.0.0.2")) == ["192.0.2.1"]
    assert server.query("www.example").rcode() == REFUSED


@pytest.mark.parametrize("name", ["localhost", "foo.localhost", "a.b.localhost", "LocalHost"])
def test_localhost_and_below_are_the_loopback_addresses(dnslet, source, name):
    server = dnslet(to=[source])
    for rdtype, address in (("A", "127.0.0.1"), ("AAAA", "::1")):
        answer = server.query(name, rdtype)
        assert (answer.rcode(), data(answer), ttls(answer)) == (NOERROR, [address], [10])
    for rdtype in ("MX", "TXT", "HTTPS"):
        assert not server.query(name, rdtype).answer
    assert not source.questions


@pytest.mark.parametrize("name", ["1.0.0.127.in-addr.arpa", "1." + "0." * 31 + "ip6.arpa"])
def test_the_loopback_addresses_have_a_ptr(dnslet, source, name):
    answer = dnslet(to=[source]).query(name, "PTR")
    assert (data(answer), ttls(answer)) == (["localhost."], [10])
    assert not source.questions


@pytest.mark.parametrize("name", ["invalid", "a.b.invalid", "onion", "abcdef.onion", "X.Onion"])
@pytest.mark.parametrize("rdtype", ["A", "AAAA", "TXT"])
def test_special_names_do_not_exist(dnslet, source, name, rdtype):
    assert dnslet(to=[source]).query(name, rdtype).rcode() == NXDOMAIN
    assert not source.questions


@pytest.mark.parametrize("name", ["notlocalhost", "localhost.test", "xinvalid", "onion.test"])
def test_names_that_only_look_special_are_forwarded(dnslet, source, name):
    assert data(dnslet(to=[source]).query(name)) == ["192.0.2.1"]


def test_static_records_come_before_special_names(dnslet, source):
    server = dnslet(to=[source], hosts="192.0.2.10 printer.localhost\n")
    assert data(server.query("printer.localhost")) == ["192.0.2.10"]


@pytest.mark.parametrize("name", ["blocked.test", "a.b.blocked.test", "ADS.Example"])
def test_blocked_domains_and_all_below_do_not_exist(dnslet, source, name):
    server = dnslet("--block", "blocked.test,ads.example", to=[source], hosts=HOSTS)
    for rdtype in ("A", "AAAA", "MX", "ANY"):
        answer = server.query(name, rdtype)
        assert (answer.rcode(), answer.answer) == (NXDOMAIN, [])
    assert not source.questions


@pytest.mark.parametrize("name", ["notblocked.test", "test", "blocked.test.example"])
def test_block_ends_on_label_boundaries(dnslet, source, name):
    assert data(dnslet("--block", "blocked.test", to=[source]).query(name)) == ["192.0.2.1"]


def test_a_hosts_entry_wins_over_block(dnslet, source):
    server = dnslet("--block", "blocked.test", to=[source], hosts=HOSTS)
    assert data(server.query("host.blocked.test")) == ["192.0.2.10"]
    assert server.query("other.blocked.test").rcode() == NXDOMAIN


def test_an_address_wins_over_hosts_and_block(dnslet, source):
    server = dnslet("--address", "nas.test=192.0.2.99", "--block", "nas.test", to=[source],
                    hosts=HOSTS)
    assert data(server.query("nas.test")) == ["192.0.2.99"]
    assert data(server.query("nas.test", "AAAA")) == []


@pytest.mark.parametrize("family,other,value", [("A", "AAAA", "a"), ("AAAA", "A", "aaaa")])
def test_filter_gives_nodata_for_that_family_only(dnslet, upstream, family, other, value):
    source = upstream(lambda q: q.answer(
        f"{q.name} 60 IN {q.type} {'192.0.2.1' if q.type == 'A' else '2001:db8::1'}"))
    server = dnslet("--filter", value, to=[source])
    answer = server.query("www.test", family)
    assert (answer.rcode(), answer.answer) == (NOERROR, [])
    assert not source.questions
    assert len(data(server.query("www.test", other))) == 1


def test_filter_leaves_static_records_alone(dnslet, source):
    server = dnslet("--filter", "aaaa", "--address", "v6.test=2001:db8::5", to=[source],
                    hosts=HOSTS)
    assert data(server.query("nas.test", "AAAA")) == ["2001:db8::10"]
    assert data(server.query("v6.test", "AAAA")) == ["2001:db8::5"]
    assert data(server.query("localhost", "AAAA")) == ["::1"]


def test_no_rec_forwards_nothing_and_refuses(dnslet, source):
    server = dnslet("--no-rec", to=[source], hosts=HOSTS)
    for name, rdtype in [("www.example", "A"), ("www.example", "MX"), ("4.3.2.1.in-addr.arpa", "PTR")]:
        assert server.query(name, rdtype).rcode() == REFUSED
    assert data(server.query("nas.test")) == ["192.0.2.10"]
    assert server.query("nas.test", "MX").rcode() == NOERROR
    assert data(server.query("localhost")) == ["127.0.0.1"]
    assert not source.questions


def test_no_rec_needs_no_nameserver(dnslet):
    assert dnslet("--no-rec").query("www.example").rcode() == REFUSED


def test_no_rec_works_as_a_variable(dnslet, source):
    assert dnslet(to=[source], env={"DNSMASQ_NOREC": "Yes"}).query("a.test").rcode() == REFUSED


@pytest.mark.parametrize("name", ["nas.test", "www.example", "localhost", "ads.example"])
def test_udp_and_tcp_give_the_same_answer(dnslet, source, name):
    server = dnslet("--block", "ads.example", to=[source], hosts=HOSTS)
    udp, tcp = server.query(name), server.query(name, tcp=True)
    assert udp.rcode() == tcp.rcode() and udp.flags == tcp.flags
    assert records(udp.answer) == records(tcp.answer)


@pytest.mark.parametrize("family, gone, stays", [("aaaa", "ipv6hint", "ipv4hint"),
                                                 ("a", "ipv4hint", "ipv6hint")])
def test_a_filtered_family_does_not_come_by_the_hints_of_https(dnslet, upstream, family, gone,
                                                               stays):
    source = upstream(lambda q: q.answer(
        f'{q.name} 300 IN HTTPS 1 . mandatory="alpn,ipv6hint" alpn="h2" ipv4hint="192.0.2.1" '
        'ipv6hint="2001:db8::1"', f"{q.name} 300 IN HTTPS 2 a.test."))
    server = dnslet("--rcache", 10, "--filter", family, to=[source])
    for _ in range(2):
        first, second = data(server.query("www.test", "HTTPS"))
        assert gone not in first and stays in first and 'alpn="h2"' in first
        assert second == "2 a.test."
    assert len(source.questions) == 1
    whole = dnslet(to=[source]).query("www.test", "HTTPS")
    assert "ipv4hint" in data(whole)[0] and "ipv6hint" in data(whole)[0]
