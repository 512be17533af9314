# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract sections 1 and 6: names of stub zones go to the zones' own servers and nowhere else."""

import re
import statistics
from pathlib import Path

import pytest
from harness import (SCALE, SLOW, data, only_rcode, question, run, silent, timed, udp_burst,
                     wait_until, with_address)

SERVFAIL, REFUSED = 2, 5
DEFAULT, ONE, TWO = "192.0.2.1", "192.0.2.11", "192.0.2.22"


@pytest.fixture
def servers(upstream):
    """The default server and those of two zones"""
    return tuple(upstream(with_address(address)) for address in (DEFAULT, ONE, TWO))


def zone(domains, *sources):
    return f"{domains}/{','.join(source.address for source in sources)}"


def stubs(*zones):
    return [word for text in zones for word in ("--stubzones", text)]


def address_of(server, name):
    return data(server.query(name))[0]


@pytest.mark.parametrize("name, address", [
    ("example.test", ONE), ("www.example.test", ONE), ("a.b.c.example.test", ONE),
    ("WWW.eXample.TEST", ONE),
    ("sub.example.test", TWO), ("www.SUB.example.test", TWO), ("a.sub.example.test", TWO),
    ("notsub.example.test", ONE), ("sub.a.example.test", ONE),
    ("notexample.test", DEFAULT), ("example.test.test", DEFAULT), ("test", DEFAULT),
    ("example", DEFAULT), ("other.test", DEFAULT), (r"a\.example.test", DEFAULT),
])
@pytest.mark.parametrize("order", [1, -1], ids=["short first", "long first"])
def test_the_longest_zone_on_label_boundaries_has_the_name(dnslet, servers, name, address, order):
    default, one, two = servers
    zones = [zone("Example.Test", one), zone("sub.example.test", two)]
    server = dnslet(*stubs(*zones[::order]), to=[default])
    assert address_of(server, name) == address
    assert sum(len(source.questions) for source in servers) == 1


def test_every_type_goes_to_the_zone(dnslet, servers):
    default, one, _ = servers
    server = dnslet(*stubs(zone("lan", one)), to=[default])
    for rdtype in ("A", "AAAA", "MX", "NS", "SOA", "ANY", "TYPE65280"):
        server.query("nas.lan", rdtype)
    assert (len(one.questions), len(default.questions)) == (7, 0)


def test_reverse_zones_work_too(dnslet, servers):
    default, one, _ = servers
    server = dnslet(*stubs(zone("10.in-addr.arpa", one)), to=[default])
    server.query("1.0.0.10.in-addr.arpa", "PTR")
    server.query("1.0.0.110.in-addr.arpa", "PTR")
    assert [asked.name for asked in one.questions] == ["1.0.0.10.in-addr.arpa."]
    assert [asked.name for asked in default.questions] == ["1.0.0.110.in-addr.arpa."]


@pytest.mark.parametrize("domains", ["lan,home.test", ".lan,.home.test", "lan.,home.test.",
                                     ".LAN.,.Home.Test."])
def test_a_zone_may_have_several_domains_dots_around_them(dnslet, servers, domains):
    default, one, _ = servers
    server = dnslet(*stubs(zone(domains, one)), to=[default])
    assert [address_of(server, name) for name in ("nas.lan", "a.home.test", "www.test")] == [
        ONE, ONE, DEFAULT]


def test_a_zone_for_the_root_takes_all_that_no_other_has(dnslet, servers):
    default, one, two = servers
    server = dnslet(*stubs(zone(".", one), zone("lan", two)), to=[default])
    assert [address_of(server, name) for name in ("www.test", "nas.lan", "com")] == [ONE, TWO, ONE]
    assert not default.questions


def test_a_zone_for_the_root_is_nameserver_enough(dnslet, servers):
    _, one, two = servers
    server = dnslet(*stubs(zone(".", one), zone("lan", two)))
    assert [address_of(server, name) for name in ("www.test", "nas.lan")] == [ONE, TWO]


def test_another_zone_alone_is_not(tmp_path):
    (tmp_path / "resolv.conf").write_text("")
    ended = run("--resolv-conf", tmp_path / "resolv.conf", "--listen", "127.0.0.1:0",
                "--stubzones", "lan/127.0.0.1:5353")
    assert ended.returncode == 2
    assert "nameserver" in ended.stderr and ended.stderr.count("\n") == 1


# DNSMASQ_STUB.

@pytest.mark.parametrize("glue", [" ", ";", ",", "; ", "  ", ";;", ", "])
def test_the_variable_holds_several_zones(dnslet, servers, glue):
    default, one, two = servers
    text = glue.join([zone("lan,.home.test.", one, default), zone("example.test", two)])
    server = dnslet(to=[default], env={"DNSMASQ_STUB": text})
    found = [address_of(server, name)
             for name in ("nas.lan", "a.home.test", "example.test", "www.test")]
    assert found == [ONE, ONE, TWO, DEFAULT]


def test_the_variable_takes_ipv6_servers_between_commas(dnslet, upstream, servers):
    default, _, two = servers
    try:
        one = upstream(with_address(ONE), host="::1")
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    text = f"a.test,b.test/{one.address},{two.address},c.test/{two.address},[::1]:1"
    server = dnslet(to=[default], env={"DNSMASQ_STUB": text})
    assert [address_of(server, name) for name in ("a.test", "b.test", "c.test", "d.test")] == [
        ONE, ONE, TWO, DEFAULT]


def test_the_flag_wins_over_the_variable(dnslet, servers):
    default, one, two = servers
    server = dnslet(*stubs(zone("lan", one)), to=[default],
                    env={"DNSMASQ_STUB": zone("lan,home.test", two)})
    assert [address_of(server, name) for name in ("nas.lan", "a.home.test")] == [ONE, DEFAULT]


@pytest.mark.parametrize("value", ["lan", "lan/", "/127.0.0.1", "a..b/127.0.0.1",
                                   "lan/127.0.0.1:0", "lan/127.0.0.1:99999", "lan/127.0.0.1/x",
                                   "x" * 64 + "/127.0.0.1"])
@pytest.mark.parametrize("how", ["flag", "variable"])
def test_a_bad_zone_is_named_and_nothing_starts(tmp_path, value, how):
    flags, env = ("--stubzones", value), None
    if how == "variable":
        flags, env = (), {"DNSMASQ_STUB": value}
    ended = run("--nameservers", "127.0.0.1:53", "--listen", "127.0.0.1:0", *flags, env=env)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert ("--stubzones" if how == "flag" else "DNSMASQ_STUB") in ended.stderr


# Several servers, failures.

def test_the_first_server_of_a_zone_is_preferred(dnslet, servers):
    default, one, two = servers
    server = dnslet(*stubs(zone("lan", one, two)), to=[default])
    assert {address_of(server, f"n{i}.lan") for i in range(20)} == {ONE}
    assert not two.questions and not default.questions


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "NOTIMP"])
def test_after_a_refusal_the_next_server_of_the_zone_is_asked(dnslet, servers, rcode):
    default, one, two = servers
    one.handler = only_rcode(rcode)
    server = dnslet(*stubs(zone("lan", one, two)), to=[default])
    answer, seconds = timed(lambda: server.query("nas.lan"))
    assert data(answer) == [TWO] and seconds < 0.3 * SCALE
    assert not default.questions


def test_after_silence_the_next_server_of_the_zone_is_asked(dnslet, servers):
    default, one, two = servers
    one.handler = silent
    server = dnslet(*stubs(zone("lan", one, two)), "--upstream-retry", 200, to=[default])
    answer, seconds = timed(lambda: server.query("nas.lan"))
    assert data(answer) == [TWO]
    assert 0.18 <= seconds <= 0.2 + 0.1 * SCALE
    assert not default.questions


def test_a_zone_whose_servers_are_gone_gives_servfail_and_asks_nobody_else(dnslet, servers):
    default, one, two = servers
    server = dnslet(*stubs(zone("lan", one, two)), to=[default])
    one.stop()
    two.stop()
    answer, seconds = timed(lambda: server.query("nas.lan"))
    assert answer.rcode() == SERVFAIL and seconds < 0.3 * SCALE
    assert address_of(server, "www.test") == DEFAULT
    assert not default.asked("nas.lan")


def test_a_zone_whose_servers_are_silent_gives_servfail_and_asks_nobody_else(dnslet, servers):
    default, one, two = servers
    one.handler = two.handler = silent
    server = dnslet(*stubs(zone("lan", one, two)), "--upstream-timeout", 400, "--upstream-retry",
                    100, to=[default])
    answer, seconds = timed(lambda: server.query("nas.lan"))
    assert answer.rcode() == SERVFAIL
    assert 0.38 <= seconds <= 0.4 + 0.1 * SCALE
    assert one.questions and two.questions and not default.questions


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "NXDOMAIN"])
def test_what_all_servers_of_a_zone_say_is_the_answer(dnslet, servers, rcode):
    default, one, two = servers
    one.handler = two.handler = only_rcode(rcode)
    server = dnslet(*stubs(zone("lan", one, two)), to=[default])
    assert server.query("nas.lan").rcode().name == rcode
    assert not default.questions


def test_a_parent_zone_does_not_stand_in_for_a_failed_one(dnslet, servers):
    default, one, two = servers
    server = dnslet(*stubs(zone("lan", one), zone("sub.lan", two), zone(".", one)), to=[default])
    two.stop()
    assert server.query("nas.sub.lan").rcode() == SERVFAIL
    assert not one.questions and not default.questions


def test_a_failed_zone_leaves_the_other_servers_in_their_places(dnslet, servers):
    default, one, two = servers
    server = dnslet(*stubs(zone("lan", one), zone("home.test", two)), to=[default])
    one.stop()
    assert server.query("nas.lan").rcode() == SERVFAIL
    assert [address_of(server, name) for name in ("a.home.test", "www.test")] == [TWO, DEFAULT]
    one.start()
    count = iter(range(100000))
    wait_until(lambda: data(server.query(f"n{next(count)}.lan")) == [ONE], "the zone again",
               3 * SCALE)


def test_default_servers_that_are_gone_do_not_hurt_a_zone(dnslet, servers):
    default, one, _ = servers
    server = dnslet(*stubs(zone("lan", one)), to=[default])
    default.stop()
    assert server.query("www.test").rcode() == SERVFAIL
    assert address_of(server, "nas.lan") == ONE


def test_one_server_may_serve_two_zones_and_all_else(dnslet, servers):
    default, _, _ = servers
    server = dnslet(*stubs(zone("lan", default), zone("home.test", default)), to=[default])
    for name in ("nas.lan", "a.home.test", "www.test"):
        assert address_of(server, name) == DEFAULT
    assert len(default.questions) == 3


def test_hosts_and_block_come_before_a_zone(dnslet, servers):
    default, one, _ = servers
    server = dnslet(*stubs(zone("lan", one)), "--block", "ads.lan", to=[default],
                    hosts="192.0.2.77 nas.lan\n")
    assert data(server.query("nas.lan")) == ["192.0.2.77"]
    assert server.query("x.ads.lan").rcode().name == "NXDOMAIN"
    assert not one.questions


def test_answers_of_a_zone_are_cached_and_no_rec_forwards_none(dnslet, servers):
    default, one, _ = servers
    server = dnslet(*stubs(zone("lan", one)), "--rcache", 10, to=[default])
    for _ in range(3):
        assert address_of(server, "nas.lan") == ONE
    assert len(one.questions) == 1
    closed = dnslet(*stubs(zone("lan", one)), "--no-rec", to=[default])
    assert closed.query("b.lan").rcode() == REFUSED
    assert len(one.questions) == 1


@pytest.mark.skipif(SLOW, reason="sanitizers have a memory of their own")
@pytest.mark.parametrize("count, by", [(1000, "flag"), (1000, "variable"), (10_000, "flag")])
def test_many_zones_of_one_server_cost_their_names_and_little_more(dnslet, upstream, count, by):
    """But for what the kernel keeps of the command line and the variables, which lies on the stack. One start
    differs from the next by a dozen pages, as addresses are random: the median of five counts"""
    source = upstream(with_address(ONE))
    zones = [f"n{number:05}.zone.test" for number in range(count)]
    texts = [zone(name, source) for name in zones] if by == "flag" else []
    env = {"DNSMASQ_STUB": zone(",".join(zones), source)} if by == "variable" else {}

    def resident(server):
        smaps = Path(f"/proc/{server.pid}/smaps").read_text()
        parts = re.findall(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)\n(?:[A-Z].*\n)*?Rss: +(\d+) kB", smaps, re.M)
        return 1024 * sum(int(size) for name, size in parts if name != "[stack]")

    def started(*arguments, env=None):
        server = dnslet("--nameservers", source.address, *arguments, env=env)
        assert address_of(server, f"www.{zones[-1]}") == ONE
        return resident(server), server.descriptors()

    none = [started() for _ in range(5)]
    many = [started(*stubs(*texts), env=env) for _ in range(5)]
    names = sum(len(name) + 1 for name in zones)
    grown = statistics.median(size for size, _ in many) - statistics.median(size for size, _ in none)
    assert (grown - names) / count <= 100
    assert {fds for _, fds in many} == {fds for _, fds in none}


@pytest.mark.skipif(SLOW, reason="times mean nothing here")
def test_a_thousand_zones_of_one_server_cost_a_question_nothing(dnslet, upstream):
    source = upstream(with_address(ONE))
    zones = stubs(*[zone(f"n{number}.zone.test", source) for number in range(1000)])
    servers = [dnslet(to=[source]), dnslet(*zones, to=[source])]
    messages = [question(f"n{i}.test") for i in range(3000)]
    for i, message in enumerate(messages):
        message.id = i

    def cost(server):
        begin = server.cpu_seconds()
        for _ in range(2):
            assert len(udp_burst(server.address, messages, window=100)) == len(messages)
        return server.cpu_seconds() - begin
    rounds = [[cost(server) for server in servers] for _ in range(5)]
    none, many = map(min, zip(*rounds))
    assert many < 1.4 * none + 0.02, rounds
