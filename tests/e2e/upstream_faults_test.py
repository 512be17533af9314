# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Servers as people have them: silent to EDNS, lame, cut on the way, dead, leading back."""

import contextlib
import itertools
import socket
import threading

import dns.flags
import pytest
from harness import (PATIENCE, SCALE, Later, UdpClient, data, question, silent, timed, udp_burst, wait_until,
                     with_address)

NOERROR, SERVFAIL = 0, 2
SOON = 0.01  # seconds after which both questions of a client have come


def silent_to_opt(asked):
    return None if asked.message.edns >= 0 else with_address()(asked)


def test_a_server_silent_to_edns_is_asked_without_it(dnslet, upstream):
    source = upstream(silent_to_opt)
    server = dnslet("--upstream-retry", 300, to=[source])
    answer, seconds = timed(lambda: server.query("one.test"))
    assert data(answer) == ["192.0.2.1"] and 0.25 < seconds < 0.6 * SCALE
    answer, seconds = timed(lambda: server.query("two.test", do=True))
    assert data(answer) == ["192.0.2.1"] and seconds < 0.2 * SCALE
    assert len(source.asked("two.test")) == 1


def test_a_server_silent_to_edns_is_first_again_in_spite_of_another(dnslet, upstream):
    first, second = upstream(silent_to_opt), upstream(with_address("192.0.2.2"))
    server = dnslet("--upstream-retry", 200, to=[first, second])
    assert data(server.query("one.test")) == ["192.0.2.2"]
    count = iter(range(1000))
    wait_until(lambda: data(server.query(f"n{next(count)}.test")) == ["192.0.2.1"],
               "the first server", 5 * SCALE)
    server.stop()
    assert server.log("upstream server answers again")


@pytest.mark.parametrize("rcode", ["FORMERR", "BADVERS"])
def test_a_code_about_edns_with_opt_in_it_is_not_handed_on(dnslet, upstream, rcode):
    source = upstream(lambda q: with_address()(q) if q.message.edns < 0 else q.answer(rcode=rcode))
    answer, seconds = timed(lambda: dnslet(to=[source]).query("www.test", do=True))
    assert data(answer) == ["192.0.2.1"] and seconds < 0.5 * SCALE


@contextlib.contextmanager
def filtered(source):
    """Leaves every SYN over TCP unanswered: nobody accepts, and the queue is full"""
    is_deaf = threading.Event()
    source.loop.call_soon_threadsafe(lambda: (source.loop.remove_reader(source.tcp), is_deaf.set()))
    assert is_deaf.wait(PATIENCE)
    source.tcp.listen(0)
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(source.tcp.getsockname())
        yield


@pytest.mark.parametrize("how", [lambda _: contextlib.nullcontext(), filtered], ids=["silent", "filtered"])
def test_a_cut_answer_goes_out_when_tcp_is_silent(dnslet, upstream, how):
    source = upstream(lambda asked: None if asked.transport == "tcp" else asked.answer(
        f"{asked.name} 60 IN A 192.0.2.7", tc=True))
    server = dnslet("--upstream-retry", 300, to=[source])
    with how(source):
        for name in ("big.test", "other.test"):
            answer, seconds = timed(lambda n=name: server.query(n))
            assert data(answer) == ["192.0.2.7"] and answer.flags & dns.flags.TC
            assert 0.25 < seconds < 0.8 * SCALE
        server.stop()
    assert server.log("silent over TCP") and not server.log("upstream server failed")


def lame(asked, **how):
    reply = asked.answer(**how)
    reply.flags &= ~(dns.flags.RA | dns.flags.AA)
    return reply


@pytest.mark.parametrize("how", [{}, {"authority": ["test. 60 IN NS ns.test."]}],
                         ids=["empty", "referral"])
def test_a_lame_answer_makes_the_next_server_count(dnslet, upstream, how):
    first = upstream(lambda q: lame(q, **how))
    server = dnslet(to=[first, upstream(with_address("192.0.2.2"))])
    assert data(server.query("www.test")) == ["192.0.2.2"]
    assert dnslet(to=[first]).query("www.test").rcode() == SERVFAIL


def test_an_answer_cut_without_a_word_is_asked_again_over_tcp(dnslet, upstream):
    def handler(asked):
        whole = asked.answer(*[f"www.test. 60 IN A 192.0.2.{i}" for i in range(1, 60)])
        return whole if asked.transport == "tcp" else whole.to_wire()[:512]
    answer, seconds = timed(lambda: dnslet(to=[upstream(handler)]).query("www.test", tcp=True))
    assert len(data(answer)) == 59 and seconds < 0.5 * SCALE


@pytest.mark.parametrize("threads", [1, 2])
def test_a_dead_zone_does_not_use_up_the_room_of_others(dnslet, upstream, threads):
    dead, healthy = upstream(silent), upstream(with_address())
    server = dnslet("--max-inflight", 64, "--threads", threads, "--stubzones",
                    f"dead.test/{dead.address}", to=[healthy])
    with UdpClient(server.address) as client:
        for i in range(300):
            client.send(question(f"n{i}.dead.test"))
        dead.wait_asked(20)
        assert [data(server.query(f"n{i}.test")) for i in range(10)] == [["192.0.2.1"]] * 10


def test_a_dead_server_of_many_zones_is_found_out_once(dnslet, upstream):
    dead, healthy = upstream(silent), upstream(with_address())
    zones = ",".join(f"z{i}.test" for i in range(50))
    other = ",".join(f"y{i}.test" for i in range(50))
    server = dnslet("--upstream-retry", 300,
                    "--stubzones", f"{zones}/{dead.address},{healthy.address}",
                    "--stubzones", f"{other}/{dead.address},{healthy.address}", to=[healthy])
    assert data(server.query("a.z0.test")) == ["192.0.2.1"]
    _, seconds = timed(lambda: [server.query(f"a.{z}{i}.test") for z in "zy" for i in range(1, 20)])
    assert seconds < 0.25 * SCALE


def test_what_is_known_of_a_server_outlives_a_change_of_resolv_conf(dnslet, upstream53, tmp_path):
    dead, healthy = upstream53("127.53.2.1", silent), upstream53("127.53.2.2", with_address())
    servers = "nameserver 127.53.2.1\nnameserver 127.53.2.2\n"
    (tmp_path / "resolv.conf").write_text(servers)
    server = dnslet("--upstream-retry", 300, "--stubzones",
                    f"zone.test/{dead.address},{healthy.address}")
    assert data(server.query("one.test")) == ["192.0.2.1"]
    (tmp_path / "resolv.conf").write_text(servers + "nameserver 127.53.2.3\n")
    server.wait_log("nameservers .* 127.53.2.3:53")
    _, seconds = timed(lambda: [server.query(f"n{i}{zone}") for i in range(10)
                                for zone in (".test", ".zone.test")])
    assert seconds < 0.25 * SCALE


def one_family(asked):
    """A has an address; AAAA is what each test makes of it."""
    return asked.answer(f"{asked.name} 60 IN A 192.0.2.1") if asked.type == "A" else None


@pytest.mark.parametrize("cache", [0, 100])
@pytest.mark.parametrize("failure", ["SERVFAIL", "REFUSED", None])
def test_a_failure_of_one_family_is_nodata_where_the_other_has_records(dnslet, upstream, cache,
                                                                       failure):
    def handler(asked):
        if failure and asked.type == "AAAA":
            return Later(SOON, asked.answer(rcode=failure))
        return one_family(asked)
    server = dnslet("--rcache", cache, "--upstream-retry", 300, "--verbose", to=[upstream(handler)])
    for types in (("A", "AAAA"), ("AAAA", "A")):
        name = f"n{types[0]}.test"
        with UdpClient(server.address) as client:
            ids = {}
            for rdtype in types:
                message = question(name, rdtype)
                ids[message.id] = rdtype
                client.send(message)
            answers, seconds = timed(lambda c=client: [c.receive() for _ in types])
        codes = {ids[answer.id]: answer.rcode() for answer in answers}
        assert codes == {"A": NOERROR, "AAAA": NOERROR}
        assert seconds < 1.0 * SCALE
        server.wait_log(rf"name={name.lower()} type=AAAA rcode=NOERROR answer=- source=upstream ")


def test_without_the_fix_a_failure_stays_one(dnslet, upstream):
    source = upstream(lambda q: one_family(q) or q.answer(rcode="SERVFAIL"))
    server = dnslet("--no-family-fix", to=[source])
    assert data(server.query("www.test", "A")) == ["192.0.2.1"]
    assert server.query("www.test", "AAAA").rcode() == SERVFAIL


def test_after_a_pair_that_overlapped_one_family_alone_is_nodata_too(dnslet, upstream):
    source = upstream(lambda q: Later(0.02, one_family(q) or q.nxdomain()))
    server = dnslet(to=[source])
    for i in range(10):
        with UdpClient(server.address) as client:
            for rdtype in ("A", "AAAA"):
                client.send(question(f"n{i}.test", rdtype))
            assert {client.receive().rcode() for _ in range(2)} == {NOERROR}
        assert server.query(f"n{i}.test", "AAAA").rcode() == NOERROR


class Mirror:
    """Leads every question back to the one who asks, as address translation may: `to` is where."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.to = None
        self.names = []
        self.running = True
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while self.running:
            with contextlib.suppress(OSError):
                wire, source = self.socket.recvfrom(4096)
                self.names.append(wire)
                threading.Thread(target=self.lead, args=(wire, source), daemon=True).start()

    def lead(self, wire, source):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back, contextlib.suppress(OSError):
            back.settimeout(5)
            back.connect(self.to)
            back.send(wire)
            self.socket.sendto(back.recv(4096), source)

    def close(self):
        self.running = False
        self.socket.close()


@pytest.mark.parametrize("threads", [1, 3])
def test_a_server_that_leads_back_is_left_out(dnslet, upstream, threads):
    mirror, healthy = Mirror(), upstream(with_address())
    try:
        server = dnslet("--upstream-retry", 150, "--threads", threads, to=[mirror, healthy])
        mirror.to = server.address
        count = itertools.count()

        def is_found():
            assert data(server.query(f"n{next(count)}.test")) == ["192.0.2.1"]
            return server.log("leads back")
        wait_until(is_found, "the loop", 20 * SCALE)
        if threads > 1:
            return  # each worker finds out for itself
        asked = len(mirror.names)
        _, seconds = timed(lambda: [server.query(f"later{i}.test") for i in range(20)])
        assert seconds < 0.15 * SCALE and len(mirror.names) == asked
    finally:
        mirror.close()


def test_questions_fail_at_once_where_the_only_server_leads_back(dnslet):
    mirror = Mirror()
    try:
        server = dnslet("--upstream-retry", 150, "--upstream-timeout", 1000, to=[mirror])
        mirror.to = server.address
        for i in range(5):
            assert server.query(f"n{i}.test").rcode() == SERVFAIL
            if server.log("leads back"):
                break
        answers, seconds = timed(lambda: [server.query(f"later{i}.test") for i in range(10)])
        assert {answer.rcode() for answer in answers} == {SERVFAIL} and seconds < 0.5 * SCALE
    finally:
        mirror.close()


def test_a_healthy_server_never_sees_a_probe(dnslet, upstream):
    source = upstream(lambda q: Later(0.4, with_address()(q)))
    server = dnslet("--upstream-retry", 150, to=[source])
    for i in range(4):
        assert data(server.query(f"n{i}.test")) == ["192.0.2.1"]
    assert not [q for q in source.questions if "dnslet" in q.name]


def test_the_return_of_a_server_is_logged(dnslet, upstream):
    source = upstream(silent)
    server = dnslet("--upstream-retry", 100, "--upstream-timeout", 300, to=[source])
    assert server.query("one.test").rcode() == SERVFAIL
    source.handler = with_address()
    assert data(server.query("two.test")) == ["192.0.2.1"]
    server.stop()
    assert server.log("upstream server answers again")


@pytest.mark.skipif(SCALE > 1, reason="memory means nothing here")
@pytest.mark.parametrize("how", [[], ["--force-tcp"]], ids=["udp", "tcp"])
def test_questions_to_a_server_that_refuses_leave_nothing_behind(dnslet, upstream, how):
    source = upstream(with_address())
    server = dnslet("--upstream-timeout", 20000, *how, to=[source])
    source.stop()

    def burst(start, count):
        messages = [question(f"n{start + i}.test") for i in range(count)]
        for i, message in enumerate(messages):
            message.id = i
        answers = udp_burst(server.address, messages, window=200)
        assert {answer.rcode() for answer in answers.values()} == {SERVFAIL}
    burst(0, 500)
    before = server.resident()
    for i in range(4):
        burst(1000 + 5000 * i, 5000)
    assert server.resident() - before < 4 << 20
