# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""--client-subnet and `subnet:` of rules: what servers are told of clients' networks, and for whom an
answer counts (RFC 7871)."""

import ipaddress
import shutil
import subprocess
from time import sleep

import dns.edns
import dns.flags
import pytest
from basics import PATIENCE
from fake_upstream import with_address
from harness import data, question, run

NOERROR, FORMERR, SERVFAIL = 0, 1, 2


def told(asked):
    """The network in a message, as "192.0.2.0/24 scope 16"; None: none"""
    for option in asked.options:
        if option.otype == dns.edns.OptionType.ECS:
            return f"{option.address}/{option.srclen} scope {option.scopelen}"
    return None


def by_network(scope):
    """An address that is the network's own, which counts for `scope` bits."""
    def handler(asked):
        reply = with_address()(asked)
        for option in asked.message.options:
            if option.otype == dns.edns.OptionType.ECS and asked.type == "A":
                last = sum(ipaddress.ip_address(option.address).packed) % 256
                reply = with_address(f"198.51.100.{last}")(asked)
                said = dns.edns.ECSOption(option.address, option.srclen, scope(asked))
                reply.use_edns(0, options=[said])
        return reply
    return handler


@pytest.fixture
def source(upstream):
    return upstream(by_network(lambda asked: 24))


def ask(server, name, network=None, rdtype="A", **how):
    message = question(name, rdtype)
    if network is not None:
        address, length = network.split("/")
        message.use_edns(0, options=[dns.edns.ECSOption(address, int(length))])
    return server.ask(message, **how)


@pytest.mark.parametrize("scope", [24, 20, 32, 0])
def test_explain_tells_the_network_and_the_scope(upstream, scope):
    source = upstream(by_network(lambda asked: scope))
    for way in (["--client-subnet", "192.0.2.77"], ["--rule", "* -> pass subnet:192.0.2.0/24"]):
        told = run("--nameservers", source.address, *way, "--explain", "a.test").stdout
        assert f"asks {source.address}, and tells it 192.0.2.0/24\n" in told
        assert f"{source.address} says NOERROR, scope /{scope}\n" in told
    told = run("--nameservers", source.address, "--explain", "a.test").stdout
    assert f"asks {source.address}\n" in told and "scope" not in told


def asked_for(source):
    return [told(asked.message) for asked in source.questions]


@pytest.mark.parametrize("given, sent", [
    ("192.0.2.0/24", "192.0.2.0/24"), ("192.0.2.77", "192.0.2.0/24"), ("192.0.2.77/32", "192.0.2.77/32"),
    ("2001:db8:1:2ff::1", "2001:db8:1:200::/56"), ("2001:db8::/32", "2001:db8::/32"),
])
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_servers_are_told_the_same_network_of_all(dnslet, source, given, sent, tcp):
    flags = ["--force-tcp"] if tcp else []
    for way in (["--client-subnet", given], ["--rule", f"* -> with subnet:{given}"]):
        server = dnslet(*flags, *way, "--rcache", 100, to=[source])
        for network in (None, "203.0.113.0/24", None):
            answer = ask(server, "a.test", network)
            assert answer.rcode() == NOERROR and told(answer) is None
    assert asked_for(source) == [f"{sent} scope 0"] * 2
    assert {asked.transport for asked in source.questions} == {"tcp" if tcp else "udp"}


@pytest.mark.parametrize("flags", [(), ("--client-subnet", "none"), ("--client-subnet=192.0.2.0/24",
                                         "--rule", "* -> pass subnet:none")])
def test_nobody_is_told_what_a_client_says(dnslet, source, flags):
    server = dnslet(*flags, to=[source])
    for network in ("203.0.113.0/24", "203.0.113.77/32", "0.0.0.0/0"):
        assert told(ask(server, "a.test", network)) is None
    assert asked_for(source) == [None] * 3


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_each_network_has_its_own_answer_and_is_told_how_far_it_goes(dnslet, source, tcp):
    server = dnslet("--client-subnet", "client/24/56", "--rcache", 100, to=[source])
    for _ in range(2):
        for network, answer in (("203.0.113.7/32", 203 + 113), ("192.0.2.0/24", 192 + 2)):
            found = ask(server, "a.test", network, tcp=tcp)
            assert data(found) == [f"198.51.100.{answer % 256}"]
            assert told(found) == f"{network} scope 24"
    assert asked_for(source) == ["203.0.113.0/24 scope 0", "192.0.2.0/24 scope 0"]


def test_a_shorter_scope_is_for_all_in_it_and_a_longer_one_for_what_was_sent(dnslet, upstream):
    lengths = {"wide.test.": 16, "narrow.test.": 32, "all.test.": 0}
    source = upstream(by_network(lambda asked: lengths[asked.name]))
    server = dnslet("--client-subnet", "client/24/56", "--rcache", 100, to=[source])
    for name, scope, asked in (("wide.test", 16, 2), ("narrow.test", 24, 3), ("all.test", 0, 1)):
        for network in ("203.0.1.0/24", "203.0.2.0/24", "203.1.1.0/24"):
            assert told(ask(server, name, network)) == f"{network} scope {scope}"
        assert len(source.asked(name)) == asked, name


def test_a_client_that_says_nothing_is_known_by_its_address_but_not_inside(dnslet, source):
    server = dnslet("--client-subnet", "client/24/56", to=[source])
    assert told(ask(server, "a.test")) is None
    for network in ("10.1.2.0/24", "127.0.0.0/8", "192.168.7.1/32", "100.64.0.0/16"):
        assert told(ask(server, "a.test", network)) == f"{network} scope 0"
    assert told(ask(server, "a.test", "fd00::/48")) == "fd00::/48 scope 0"
    assert asked_for(source) == [None] * 6


def test_who_wants_nothing_told_is_heard_by_servers_too(dnslet, source):
    server = dnslet("--client-subnet", "client/24/56", "--rcache", 100, to=[source])
    for network in ("203.0.113.0/24", "0.0.0.0/0", "0.0.0.0/0", "203.0.113.0/24"):
        assert told(ask(server, "a.test", network)) == f"{network} scope {24 if '113' in network else 0}"
    assert asked_for(source) == ["203.0.113.0/24 scope 0", "0.0.0.0/0 scope 0"]


def test_own_answers_count_for_all(dnslet, source):
    server = dnslet("--client-subnet", "client", "--address", "own.test=10.0.0.1", to=[source])
    for name in ("own.test", "a.invalid", "localhost"):
        assert told(ask(server, name, "203.0.113.0/24")) == "203.0.113.0/24 scope 0"
    assert not source.questions


@pytest.mark.parametrize("wire", [
    "", "00", "0001", "000118", "00011800", "00011800cb0071ff", "00011900cb007100ff", "00012100cb0071ff00",
    "00018000cb0071", "0003180000cb00", "00011818cb0071", "00000800cb", "0002810000000000000000000000000000000000",
    "00011700cb0071",
])
def test_what_is_no_network_is_a_format_error_where_it_counts(dnslet, source, wire):
    option = dns.edns.GenericOption(dns.edns.OptionType.ECS, bytes.fromhex(wire))
    for flags, rcode in ((("--client-subnet", "client/24/56"), FORMERR), ((), NOERROR),
                         (("--rule", "zone:b.test -> with subnet:client"), FORMERR)):
        server = dnslet(*flags, to=[source])
        message = question("a.test")
        message.use_edns(0, options=[option])
        for tcp in (False, True):
            answer = server.ask(message, tcp=tcp)
            assert answer.rcode() == rcode and told(answer) is None
        assert server.query("a.test").rcode() == NOERROR


def test_rules_choose_for_whom_networks_are_told(dnslet, source):
    server = dnslet("--client-subnet", "192.0.2.0/24", "--rcache", 100,
                    "--rule", "zone:own.test -> pass subnet:client/16/48",
                    "--rule", "zone:none.test -> with subnet:none", to=[source])
    for name, sent in (("a.own.test", "203.0.0.0/16 scope 0"), ("a.none.test", None),
                       ("a.test", "192.0.2.0/24 scope 0")):
        for _ in range(2):
            assert ask(server, name, "203.0.113.0/24").rcode() == NOERROR
        assert [told(one.message) for one in source.asked(name)] == [sent]


def test_sixteen_networks_of_a_name_are_kept(dnslet, source):
    server = dnslet("--client-subnet", "client/24/56", "--rcache", 1000, to=[source])
    networks = [f"203.0.{i}.0/24" for i in range(20)]
    for network in networks + networks[-16:]:
        ask(server, "a.test", network)
    assert len(source.questions) == 20
    ask(server, "a.test", networks[0])
    assert len(source.questions) == 21


def test_families_of_a_name_agree_within_a_network(dnslet, upstream):
    source = upstream(lambda asked: by_network(lambda _: 24)(asked) if asked.type == "A" else asked.nxdomain())
    server = dnslet("--client-subnet", "client/24/56", "--rcache", 100, to=[source])
    assert data(ask(server, "a.test", "203.0.113.0/24"))
    assert ask(server, "a.test", "203.0.113.0/24", "AAAA").rcode() == NOERROR


def test_a_search_keeps_nothing_for_all(dnslet, source):
    server = dnslet("--client-subnet", "client/24/56", "--rcache", 100, "--enable-search",
                    "--search-domains", "test", to=[source])
    for network, answer in (("203.0.113.0/24", 203 + 113), ("192.0.2.0/24", 192 + 2)) * 2:
        found = ask(server, "a", network)
        assert data(found)[-1] == f"198.51.100.{answer % 256}"
        assert told(found) == f"{network} scope 24"
    assert len(source.questions) == 2


def test_an_answer_for_another_network_is_no_answer(dnslet, upstream):
    def liar(asked):
        reply = with_address("192.0.2.66")(asked)
        reply.use_edns(0, options=[dns.edns.ECSOption("198.51.100.0", 24, 24)])
        return reply
    liar, honest = upstream(liar), upstream(by_network(lambda _: 24))
    server = dnslet("--client-subnet", "203.0.113.0/24", to=[liar, honest])
    assert data(server.query("a.test")) == [f"198.51.100.{(203 + 113) % 256}"]
    # Who was told of none may say what it likes: nobody listens.
    server = dnslet(to=[liar, honest])
    assert data(server.query("a.test")) == ["192.0.2.66"]


def test_a_server_without_edns_is_asked_without_a_network_and_for_each(dnslet, upstream):
    def old(asked):
        return asked.answer(rcode="FORMERR", edns=False) if asked.message.edns >= 0 else with_address()(asked)
    source = upstream(old)
    server = dnslet("--client-subnet", "client/24/56", "--rcache", 100, to=[source])
    for network in ("203.0.113.0/24", "192.0.2.0/24") * 2:
        found = ask(server, "a.test", network)
        assert data(found) == ["192.0.2.1"] and told(found) == f"{network} scope 24"
    assert asked_for(source).count(None) == 2


def test_a_query_that_was_lost_does_not_make_one_answer_that_of_all(dnslet, upstream):
    def lossy(asked):
        lost = told(asked.message) == "198.18.5.0/24 scope 0"
        return None if lost else by_network(lambda _: 24)(asked)
    source = upstream(lossy)
    server = dnslet("--client-subnet", "client/24/56", "--rcache", 100, "--upstream-retry", 200, to=[source])
    known = {network: data(ask(server, "a.test", network)) for network in ("203.0.113.0/24", "192.0.2.0/24")}
    assert told(ask(server, "a.test", "198.18.5.0/24")) == "198.18.5.0/24 scope 24"
    for network, answer in known.items():
        assert data(ask(server, "a.test", network)) == answer
    assert len(source.asked("a.test")) == 4


def test_a_short_network_tells_nothing_of_longer_ones(dnslet, upstream):
    def failing(asked):
        short = told(asked.message) == "128.0.0.0/1 scope 0"
        return asked.answer(rcode="SERVFAIL") if short and asked.name == "b.test." else by_network(lambda _: 24)(asked)
    server = dnslet("--client-subnet", "client/24/56", "--rcache", 100, to=[upstream(failing)])
    before = data(ask(server, "a.test", "203.0.113.0/24"))
    assert told(ask(server, "a.test", "128.0.0.0/1")) == "128.0.0.0/1 scope 1"
    assert data(ask(server, "a.test", "203.0.113.0/24")) == before
    assert ask(server, "b.test", "128.0.0.0/1").rcode() == SERVFAIL
    assert ask(server, "b.test", "203.0.113.0/24").rcode() == NOERROR


def test_the_scope_of_a_network_that_is_not_the_clients_is_not_told(dnslet, source):
    for fixed in ("2001:db8::/56", "192.0.2.0/24"):
        server = dnslet("--client-subnet", fixed, "--rule", "zone:own.test -> with subnet:client", to=[source])
        assert told(ask(server, "a.test", "203.0.113.0/24")) == "203.0.113.0/24 scope 0"
        assert told(ask(server, "a.own.test", "203.0.113.0/24")) == "203.0.113.0/24 scope 24"


@pytest.mark.parametrize("flags, name, rdtype", [
    (["--rule", "* -> with prefer:ipv4"], "a.test", "AAAA"),
    (["--enable-search", "--search-domains", "test", "--ndots", "5"], "all.example", "A"),
    (["--rule", "answer:198.51.100.1/32 -> ask {}"], "all.example", "A"),
])
def test_what_several_answers_have_made_is_told_for_the_network_alone(dnslet, upstream, flags, name, rdtype):
    def handler(asked):
        if asked.name == "all.example.":
            return by_network(lambda _: 0)(asked)
        return asked.nxdomain() if asked.name.endswith("example.test.") else by_network(lambda _: 24)(asked)
    source = upstream(handler)
    flags = [flag.format(source.address) for flag in flags]
    server = dnslet("--client-subnet", "client/24/56", "--rcache", 100, *flags, to=[source])
    for _ in range(2):
        assert told(ask(server, name, "203.0.113.0/24", rdtype)) == "203.0.113.0/24 scope 24"


def test_an_answer_that_is_not_kept_costs_no_other_its_place(dnslet, upstream):
    def handler(asked):
        fleeting = told(asked.message).startswith("198.18.")
        return _with_ttl(by_network(lambda _: 0 if fleeting else 24)(asked), 0 if fleeting else 300)
    source = upstream(handler)
    server = dnslet("--client-subnet", "client/24/56", "--rcache", 100, to=[source])
    networks = [f"203.0.{i}.0/24" for i in range(16)]
    for network in networks + ["198.18.5.0/24"] + networks:
        ask(server, "a.test", network)
    assert len(source.questions) == 17


def test_an_old_answer_of_a_search_is_given_while_servers_are_silent(dnslet, upstream):
    quiet = []
    source = upstream(lambda asked: None if quiet else _with_ttl(by_network(lambda _: 24)(asked), 1))
    server = dnslet("--client-subnet", "client/24/56", "--rcache", 100, "--rcache-stale", 100, "--enable-search",
                    "--search-domains", "test", "--upstream-retry", 200, "--no-prefetch", to=[source])
    before = data(ask(server, "www.example", "203.0.113.0/24"))
    sleep(1.1)
    quiet.append(True)
    assert data(ask(server, "www.example", "203.0.113.0/24", seconds=1.5)) == before


def test_an_answer_in_use_is_refreshed_for_its_network(dnslet, upstream):
    source = upstream(lambda asked: _with_ttl(by_network(lambda _: 24)(asked), 2))
    server = dnslet("--client-subnet", "client/24/56", "--rcache", 100, to=[source])
    for _ in range(3):
        ask(server, "a.test", "203.0.113.0/24")
    source.wait_asked(1)
    sleep(1.2)
    ask(server, "a.test", "203.0.113.0/24")
    source.wait_asked(2)
    assert set(asked_for(source)) == {"203.0.113.0/24 scope 0"}


def _with_ttl(reply, ttl):
    for rrset in reply.answer:
        rrset.ttl = ttl
    return reply


@pytest.mark.parametrize("program, flags", [("dig", ["+subnet=203.0.113.7/32"]), ("kdig", ["+subnet=203.0.113.7/32"]),
                                            ("dig", ["+subnet=0"]), ("kdig", ["+subnet=2001:db8::/32"])])
def test_real_clients_read_the_network(dnslet, source, program, flags):
    if not shutil.which(program):
        pytest.skip(f"no {program}")
    server = dnslet("--client-subnet", "client/24/56", to=[source])
    shown = subprocess.run([program, f"@{server.address[0]}", "-p", str(server.port), "a.test", "A", *flags], capture_output=True,
                           text=True, timeout=PATIENCE, check=True).stdout
    network = flags[0].partition("=")[2]
    expected = {"203.0.113.7/32": "203.0.113.7/32/24", "0": "0/0/0", "2001:db8::/32": "2001:db8::/32/24"}[network]
    assert "NOERROR" in shown
    assert expected in shown.replace("0.0.0.0/0/0", "0/0/0"), shown


@pytest.mark.parametrize("text", ["client/24", "client/33/56", "client/24/129", "client24/56", "10.0.0.0/33",
                                  "clients", "192.0.2.0/", "a.test", "client/24/56/1", "none,none"])
def test_what_is_no_network_is_refused_with_what_would_be(text):
    ended = run("--print-config", f"--client-subnet={text}")
    assert ended.returncode == 2
    assert "192.0.2.0/24, client/24/56 (of each client its own) or none" in ended.stderr
    ended = run("--print-config", "--rule", f"* -> pass subnet:{text}")
    assert ended.returncode == 2 and "'subnet:" in ended.stderr
