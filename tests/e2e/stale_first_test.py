# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 8: with --rcache-stale-first answers that have ended go out at once."""

import signal
import time

import dns.edns
import pytest
from harness import (SCALE, Later, UdpClient, data, only_rcode, question, silent, timed, ttls,
                     wait_until, with_address)

NOERROR, NXDOMAIN = 0, 3
DELAY = 0.3  # seconds that upstream takes from the second question on
OLD, NEW = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def start(dnslet, upstream):
    """start(*flags, handler=) → (dnslet, its upstream, whose answers live for a second)"""
    def starter(*flags, handler=with_address(OLD, ttl=1), **how):
        source = upstream(handler)
        server = dnslet("--rcache", 1000, "--rcache-stale", 3600, "--rcache-stale-first", *flags, to=[source],
                        **how)
        return server, source
    return starter


def nxdomain(asked):
    return asked.nxdomain()


def pass_time(seconds):
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= end, f"{seconds} s")


def slow(handler):
    return lambda asked: Later(DELAY, handler(asked))


def ended(server, source, *names, handler=slow(with_address(NEW, ttl=60))):
    """The answers for these names have ended; upstream has other ones from now on"""
    for name in names:
        server.query(name)
    source.handler = handler
    pass_time(1.05)


def errors(message):
    return [option.code for option in message.options if isinstance(option, dns.edns.EDEOption)]


@pytest.mark.parametrize("flags", [[], ["--no-prefetch"], ["--round-robin"]])
def test_the_old_answer_goes_out_at_once_and_the_new_one_next(start, flags):
    server, source = start("--verbose", *flags)
    ended(server, source, "www.test")
    for tcp in False, True:
        answer, seconds = timed(lambda: server.query("www.test", edns=True, tcp=tcp))
        assert data(answer) == [OLD] and ttls(answer) == [5] and errors(answer) == [3]
        assert seconds < DELAY
    wait_until(lambda: data(server.query("www.test")) == [NEW], "the new answer")
    assert len(source.questions) == 2
    server.wait_log(" query .* name=www.test .* answer=192.0.2.1 source=stale ")
    assert len(server.log("source=upstream")) == 1
    server.send_signal(signal.SIGUSR1)
    server.wait_log("metric=dnslet_cache_refreshes_total value=1$")


@pytest.mark.parametrize("threads", [1, 4])
def test_upstream_is_asked_once_however_many_ask(start, threads):
    server, source = start("--threads", threads)
    ended(server, source, "www.test")
    clients = [UdpClient(server.address) for _ in range(16)]
    for client in clients:
        for _ in range(10):
            client.send(question("www.test"))
    answers = [client.receive() for client in clients for _ in range(10)]
    for client in clients:
        client.socket.close()
    assert {(*data(answer), *ttls(answer)) for answer in answers} <= {(OLD, 5), (NEW, 60)}
    assert data(answers[0]) == [OLD]
    wait_until(lambda: data(server.query("www.test")) == [NEW], "the new answer")
    assert len(source.questions) == 2


@pytest.mark.parametrize("threads", [1, 3])
def test_a_refresh_that_fails_is_tried_once_a_second(start, threads):
    server, source = start("--threads", threads)
    ended(server, source, "www.test", handler=only_rcode("SERVFAIL"))
    begin = time.monotonic()
    while time.monotonic() - begin < 2.5:
        assert ttls(server.query("www.test")) == [5]
    past = time.monotonic() - begin
    # A worker reads the clock once a turn, so that two may differ in when the second is over.
    assert 2 <= len(source.questions) - 1 <= (past // 1 + 1) * threads
    source.handler = with_address(NEW, ttl=60)
    wait_until(lambda: data(server.query("www.test")) == [NEW], "the new answer")


def test_an_upstream_that_is_silent_or_gone_costs_nobody_time(start):
    server, source = start("--upstream-retry", 200, "--upstream-timeout", 600)
    ended(server, source, "www.test", handler=silent)
    begin = time.monotonic()
    slowest = 0.0
    while time.monotonic() - begin < 1.0:
        answer, seconds = timed(lambda: server.query("www.test"))
        assert ttls(answer) == [5]
        slowest = max(slowest, seconds)
    source.stop()
    while time.monotonic() - begin < 2.0:
        assert ttls(server.query("www.test")) == [5]
    assert slowest < 0.1 * SCALE
    source.handler = with_address(NEW, ttl=60)
    source.start()
    wait_until(lambda: data(server.query("www.test")) == [NEW], "the new answer")


def test_a_negative_answer_waits_for_upstream(start):
    server, source = start("--rcache-neg-ttl", 1, handler=nxdomain)
    ended(server, source, "www.test")
    answer, seconds = timed(lambda: server.query("www.test"))
    assert data(answer) == [NEW] and seconds >= DELAY * 0.9


def test_a_name_that_is_gone_is_gone_with_the_next_question(start):
    server, source = start()
    ended(server, source, "www.test", handler=nxdomain)
    assert data(server.query("www.test")) == [OLD]
    wait_until(lambda: server.query("www.test").rcode() == NXDOMAIN, "NXDOMAIN")
    assert len(source.questions) == 2


def test_a_search_goes_out_at_once_and_is_done_again_behind(start):
    def only_second(handler):
        return lambda asked: handler(asked) if asked.name == "db.b.test." else nxdomain(asked)
    server, source = start("--enable-search", "--search-domains", "a.test,b.test",
                           handler=only_second(with_address(OLD, ttl=1)))
    ended(server, source, "db", handler=only_second(slow(with_address(NEW, ttl=60))))
    answer, seconds = timed(lambda: server.query("db", edns=True))
    assert data(answer) == ["db.b.test.", OLD] and ttls(answer) == [5, 5] and errors(answer) == [3]
    assert seconds < DELAY
    wait_until(lambda: data(server.query("db")) == ["db.b.test.", NEW], "the new answer")
    assert len(source.asked("db.b.test")) == 2


@pytest.mark.parametrize("rule", ["answer:192.0.2.0/24 -> ask S", "name:www.test -> alias other.test",
                                  "from:127.0.0.0/8 -> ask S", "* -> ask S prefer:ipv4"])
def test_names_that_rules_decide_go_out_at_once(dnslet, upstream, rule):
    source = upstream(with_address(OLD, ttl=1))
    server = dnslet("--rcache", 100, "--rcache-stale", 60, "--rcache-stale-first", "--enable-search",
                    "--search-domains", "a.test", "--rule", rule.replace("S", source.address), to=[source])
    ended(server, source, "www.test")
    answer, seconds = timed(lambda: server.query("www.test", edns=True))
    assert data(answer)[-1] == OLD and ttls(answer)[-1] == 5 and errors(answer) == [3]
    assert seconds < DELAY
    wait_until(lambda: data(server.query("www.test"))[-1] == NEW, "the new answer")
    assert len(source.questions) == 2


def test_each_network_gets_its_own_and_refreshes_that(start):
    def by_network(ttl):
        def handler(asked):
            [subnet] = [option for option in asked.message.options if isinstance(option, dns.edns.ECSOption)]
            answer = asked.answer(f"{asked.name} {ttl} IN A {subnet.address}")
            answer.use_edns(options=[dns.edns.ECSOption(subnet.address, subnet.srclen, subnet.srclen)])
            return answer
        return handler
    server, source = start("--client-subnet", "client/24/56", handler=by_network(1))
    def ask(network):
        return server.query("www.test", options=[dns.edns.ECSOption(network, 24)])
    for network in "203.0.113.0", "198.51.100.0":
        ask(network)
    source.handler = slow(by_network(60))
    pass_time(1.05)
    for network in "203.0.113.0", "198.51.100.0":
        answer, seconds = timed(lambda: ask(network))
        assert data(answer) == [network] and ttls(answer) == [5] and seconds < DELAY
    for network in "203.0.113.0", "198.51.100.0":
        wait_until(lambda: ttls(ask(network))[0] > 5, "the new answer")
        assert data(ask(network)) == [network]
    assert len(source.questions) == 4


def test_nxdomain_for_a_family_does_not_take_the_other_ones_old_answer_along(start):
    """The servers are slower with the family that is there than others are waited for."""
    def only_v6(address, ttl, delay=0.0):
        def handler(asked):
            if asked.type != "AAAA":
                return asked.nxdomain()
            return Later(delay, asked.answer(f"{asked.name} {ttl} IN AAAA {address}"))
        return handler
    server, source = start(handler=only_v6("2001:db8::1", 1))
    server.query("www.test", "AAAA")
    source.handler = only_v6("2001:db8::2", 60, DELAY)
    pass_time(1.05)
    assert data(server.query("www.test", "AAAA")) == ["2001:db8::1"]
    answer = server.query("www.test", "A")
    assert answer.rcode() == NOERROR and not answer.answer


def test_it_needs_rcache_stale(dnslet, upstream):
    source = upstream(with_address(OLD, ttl=1))
    server = dnslet("--rcache", 100, to=[source], env={"DNSMASQ_RCACHE_STALE_FIRST": "1"})
    ended(server, source, "www.test", handler=with_address(NEW, ttl=60))
    assert data(server.query("www.test")) == [NEW]


def test_by_the_variable_it_is_the_same(dnslet, upstream):
    source = upstream(with_address(OLD, ttl=1))
    env = {"DNSMASQ_RCACHE": "9", "DNSMASQ_RCACHE_STALE": "60", "DNSMASQ_RCACHE_STALE_FIRST": "yes"}
    server = dnslet(to=[source], env=env)
    ended(server, source, "www.test")
    assert ttls(server.query("www.test")) == [5]


def test_a_name_that_is_gone_is_gone_for_both_families(start):
    """Each of them is the other one's witness as long as its answer is told"""
    def there(asked):
        return asked.answer(f"{asked.name} 1 IN A {OLD}") if asked.type == "A" else asked.nodata(1, 1)
    server, source = start("--rcache-neg-ttl", "60", handler=there)

    def both():
        with UdpClient(server.address) as client:
            for rdtype in ("A", "AAAA"):
                client.send(question("www.test", rdtype))
            return [client.receive(2 * SCALE).rcode() for _ in range(2)]
    both()
    pass_time(1.05)
    source.handler = slow(nxdomain)
    assert NOERROR in both()
    wait_until(lambda: both() == [NXDOMAIN, NXDOMAIN], "NXDOMAIN for both", 5 * SCALE)
    assert both() == [NXDOMAIN, NXDOMAIN]
