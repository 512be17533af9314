# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 6: upstreams that truncate, forge, break, die and come back."""

import itertools

import dns.flags
import dns.message
import dns.rrset
import pytest
from harness import (CLOSE, PATIENCE, SCALE, Later, UdpClient, data, only_rcode, question, records,
                     silent, timed, udp_burst, wait_until, with_address)

NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5


def cut(asked, over_tcp):
    """big.test is cut over UDP, and `over_tcp` comes of asking again; all else is answered."""
    if not asked.name.startswith("big"):
        return with_address("192.0.2.1")(asked)
    if asked.transport == "tcp":
        return over_tcp
    return asked.answer("big.test. 60 IN A 192.0.2.7", "big.test. 60 IN A 192.0.2.8", tc=True)


@pytest.mark.parametrize("over_tcp", [CLOSE, None], ids=["closed", "silent"])
def test_a_cut_answer_is_better_than_none_where_tcp_fails(dnslet, upstream, over_tcp):
    source = upstream(lambda asked: cut(asked, over_tcp))
    server = dnslet("--rcache", 10, "--upstream-timeout", 1200, to=[source])
    for _ in range(2):
        answer = server.query("big.test")
        assert data(answer) == ["192.0.2.7", "192.0.2.8"] and answer.flags & dns.flags.TC
    assert len([q for q in source.asked("big.test") if q.transport == "udp"]) >= 2, "not kept"
    server.stop()
    assert not server.log("upstream server failed")


def test_a_cut_answer_without_records_is_no_answer(dnslet, upstream):
    source = upstream(lambda q: q.answer(tc=True) if q.transport == "udp" else CLOSE)
    assert dnslet(to=[source]).query("big.test").rcode() == SERVFAIL


@pytest.mark.parametrize("over_tcp", [CLOSE, None], ids=["closed", "silent"])
def test_a_whole_answer_of_the_next_server_wins_over_a_cut_one(dnslet, upstream, over_tcp):
    first = upstream(lambda asked: cut(asked, over_tcp))
    second = upstream(with_address("192.0.2.2"))
    server = dnslet("--upstream-retry", 300, to=[first, second])
    answer = server.query("big.test")
    assert data(answer) == ["192.0.2.2"] and not answer.flags & dns.flags.TC
    assert data(server.query("small.test")) == ["192.0.2.1"], "it keeps its place"


@pytest.mark.parametrize("flags", [["--force-tcp"], []], ids=["force-tcp", "TC"])
@pytest.mark.parametrize("limit,questions", [(1, 20), (3, 40), (128, 200)])
def test_a_server_may_end_connections_after_some_answers(dnslet, upstream, flags, limit,
                                                         questions):
    """CoreDNS and others answer 128 questions on a connection (RFC 7766 section 6.2.4)."""
    count = itertools.count(1)

    def handler(asked):
        if asked.transport == "udp":
            return asked.answer(tc=True)
        ends = next(count) % limit == 0
        return [with_address()(asked), *([CLOSE] if ends else [])]
    server = dnslet(*flags, "--upstream-timeout", 10000, to=[upstream(handler)])
    with UdpClient(server.address) as client:
        for i in range(questions):
            client.send(question(f"n{i}.test"))
        answers = [client.receive() for _ in range(questions)]
    assert all(data(answer) == ["192.0.2.1"] for answer in answers)
    server.stop()
    assert not server.log("upstream server failed")


def test_connections_that_end_do_not_touch_questions_over_udp(dnslet, upstream):
    def handler(asked):
        if asked.name.startswith("slow"):
            return Later(0.5, with_address()(asked))
        return asked.answer(tc=True) if asked.transport == "udp" else CLOSE
    source = upstream(handler)
    server = dnslet(to=[source])
    with UdpClient(server.address) as client:
        client.send(question("slow.test"))
        source.wait_asked(1)
        for i in range(4):
            assert server.query(f"n{i}.test").rcode() == SERVFAIL
        assert data(client.receive()) == ["192.0.2.1"]
    assert len(source.asked("slow.test")) == 1


def test_a_server_that_ends_connections_unanswered_is_given_up(dnslet, upstream):
    source = upstream(lambda asked: CLOSE)
    server = dnslet("--force-tcp", to=[source])
    answer, seconds = timed(lambda: server.query("www.test"))
    assert answer.rcode() == SERVFAIL and seconds < 1.0 * SCALE
    assert len(source.questions) <= 2


def test_a_truncated_upstream_answer_is_asked_again_over_tcp(dnslet, upstream):
    def cut_over_udp(asked):
        cut = asked.transport == "udp"
        addresses = ["192.0.2.1"] if cut else ["192.0.2.1", "192.0.2.2"]
        return asked.answer(*[f"{asked.name} 60 IN A {a}" for a in addresses], tc=cut)
    source = upstream(cut_over_udp)
    answer = dnslet(to=[source]).query("www.test")
    assert data(answer) == ["192.0.2.1", "192.0.2.2"]
    assert [asked.transport for asked in source.questions] == ["udp", "tcp"]


@pytest.mark.parametrize("rcode", ["FORMERR", "NOTIMP"])
def test_an_upstream_that_knows_no_edns_is_asked_again_without(dnslet, upstream, rcode):
    def old(asked):
        if asked.message.edns >= 0:
            return asked.answer(rcode=rcode, edns=False)
        return with_address()(asked)
    source = upstream(old)
    server = dnslet(to=[source])
    for how in (dict(), dict(edns=True), dict(do=True)):
        answer = server.query(f"www{len(how)}.test", **how)
        assert data(answer) == ["192.0.2.1"]
        assert answer.edns == (0 if how else -1)


def bare_header(asked, rcode):
    """What very old servers send: no question, no record"""
    return asked.wire[:2] + bytes([0x81, rcode]) + b"\0" * 8


def test_a_format_error_without_a_question_starts_the_edns_fallback_too(dnslet, upstream):
    def ancient(asked):
        return bare_header(asked, 1) if asked.message.edns >= 0 else with_address()(asked)
    answer, seconds = timed(lambda: dnslet(to=[upstream(ancient)]).query("www.test"))
    assert data(answer) == ["192.0.2.1"]
    assert seconds < 0.5 * SCALE


@pytest.mark.parametrize("rcode", [2, 4, 5])
def test_a_refusal_without_a_question_makes_the_next_server_count_at_once(dnslet, upstream, rcode):
    first, second = upstream(lambda q: bare_header(q, rcode)), upstream(with_address("192.0.2.2"))
    server = dnslet(to=[first, second])
    answer, seconds = timed(lambda: server.query("www.test"))
    assert data(answer) == ["192.0.2.2"]
    assert seconds < 0.5 * SCALE


def forged(asked, address="203.0.113.66", **how):
    """Right in all but what `how` says: id, name or type"""
    reply = asked.answer(f"{how.get('name', asked.name)} 300 IN {how.get('type', 'A')} " + (
        address if how.get("type", "A") == "A" else "2001:db8::66"))
    reply.id = how.get("id", asked.id)
    if "name" in how or "type" in how:
        reply.question = [dns.rrset.from_text(how.get("name", asked.name), 0, "IN",
                                              how.get("type", "A"))]
    return reply


@pytest.mark.parametrize("how", [
    lambda q: dict(id=q.id ^ 1), lambda q: dict(id=(q.id + 256) % 65536),
    lambda q: dict(name="evil.test."), lambda q: dict(name="x" + q.name),
    lambda q: dict(type="AAAA")], ids=["id", "id high byte", "name", "longer name", "type"])
def test_a_forged_answer_is_ignored(dnslet, upstream, how):
    source = upstream(lambda q: [forged(q, **how(q)), Later(0.15, with_address()(q))])
    server = dnslet("--rcache", 10, to=[source])
    for _ in range(2):
        assert data(server.query("www.test")) == ["192.0.2.1"]


def test_an_answer_from_another_address_is_ignored(dnslet, upstream):
    other = upstream(silent)

    def from_elsewhere(asked):
        other.loop.call_soon_threadsafe(other.udp.sendto, forged(asked).to_wire(), asked.source)
        return Later(0.15, with_address()(asked))
    assert data(dnslet(to=[upstream(from_elsewhere)]).query("www.test")) == ["192.0.2.1"]


@pytest.mark.parametrize("garbage", [b"", b"\0", b"\0" * 11, b"\xff" * 12, b"\xff" * 600],
                         ids=len)
def test_garbage_from_upstream_is_no_answer(dnslet, upstream, garbage):
    source = upstream(lambda q: [garbage, q.wire[:2] + garbage, Later(0.1, with_address()(q))])
    assert data(dnslet("--upstream-retry", 300, to=[source]).query("www.test")) == ["192.0.2.1"]


def broken(asked, kind):
    wire = bytearray(with_address()(asked).to_wire())
    end = 12 + len(asked.message.question[0].name.to_wire()) + 4
    if kind == "cut off":
        del wire[end + 8:]
    elif kind == "pointer loop":
        wire[end:end + 2] = b"\xc0" + bytes([end])
    elif kind == "rdlength":
        wire[end + 10:end + 12] = b"\xff\xff"
    elif kind == "counts":
        wire[6:8] = b"\xff\xff"
    return bytes(wire)


@pytest.mark.parametrize("kind", ["cut off", "pointer loop", "rdlength", "counts"])
def test_a_broken_answer_never_reaches_the_client(dnslet, upstream, kind):
    """Whatever is made of it: the client gets a message that parses, without records of it."""
    server = dnslet("--upstream-retry", 100, "--upstream-timeout", 400, "--rcache", 10,
                    to=[upstream(lambda q: broken(q, kind))])
    for tcp in (False, True):
        answer = server.query("www.test", tcp=tcp)
        assert answer.rcode() == SERVFAIL and not answer.answer


def test_a_broken_answer_makes_the_next_server_count(dnslet, upstream):
    server = dnslet("--upstream-retry", 200, to=[upstream(lambda q: broken(q, "rdlength")),
                                                 upstream(with_address("192.0.2.2"))])
    assert data(server.query("www.test")) == ["192.0.2.2"]


def test_a_tcp_connection_that_upstream_closes_makes_the_next_server_count(dnslet, upstream):
    first = upstream(lambda q: CLOSE)
    server = dnslet("--force-tcp", to=[first, upstream(with_address("192.0.2.2"))])
    assert data(server.query("www.test")) == ["192.0.2.2"]


def test_killing_the_upstream_loses_no_client_and_service_resumes(dnslet, upstream):
    source = upstream(silent)
    server = dnslet("--upstream-timeout", 1500, to=[source])
    with UdpClient(server.address) as client:
        for i in range(50):
            client.send(question(f"n{i}.test"))
        source.wait_asked(50)
        source.stop()
        answers, seconds = timed(lambda: [client.receive() for _ in range(50)])
    assert {answer.rcode() for answer in answers} == {SERVFAIL}
    assert seconds <= 1.5 + 0.1 * SCALE
    answer, seconds = timed(lambda: server.query("down.test"))
    assert answer.rcode() == SERVFAIL and seconds <= 1.5 + 0.1 * SCALE
    source.handler = with_address()
    source.start()
    counter = iter(range(1000))
    wait_until(lambda: data(server.query(f"up{next(counter)}.test")) == ["192.0.2.1"],
               "service after the restart", 3 * SCALE)
    assert data(server.query("after.test")) == ["192.0.2.1"]


def test_a_restart_between_two_questions_goes_unnoticed_over_tcp(dnslet, upstream):
    """The kept connection is dead; the next question opens a new one."""
    source = upstream(with_address())
    server = dnslet("--force-tcp", to=[source])
    assert data(server.query("one.test")) == ["192.0.2.1"]
    source.stop()
    source.start()
    assert data(server.query("two.test")) == ["192.0.2.1"]


@pytest.mark.parametrize("rcode,code", [("SERVFAIL", SERVFAIL), ("REFUSED", REFUSED)])
@pytest.mark.parametrize("cache", [0, 100])
def test_a_failure_is_remembered_for_a_second(dnslet, upstream, rcode, code, cache):
    source = upstream(only_rcode(rcode))
    server = dnslet("--rcache", cache, to=[source])
    for tcp in (False, True, False):
        assert server.query("www.test", tcp=tcp).rcode() == code
    assert len(source.questions) == 1
    source.handler = with_address()
    _, seconds = timed(lambda: wait_until(
        lambda: data(server.query("www.test")) == ["192.0.2.1"], "forgotten", 2.5 * SCALE))
    assert 0.5 < seconds < 0.2 + 1.0 * SCALE


def test_the_failure_of_silent_servers_is_remembered_too(dnslet, upstream):
    source = upstream(silent)
    server = dnslet("--upstream-timeout", 300, to=[source])
    assert server.query("www.test").rcode() == SERVFAIL
    count = len(source.questions)
    answer, seconds = timed(lambda: server.query("www.test"))
    assert answer.rcode() == SERVFAIL and seconds < 0.2
    assert len(source.questions) == count


def test_the_failure_of_one_question_is_not_that_of_another(dnslet, upstream):
    source = upstream(lambda q: q.answer(rcode="SERVFAIL") if q.type == "A" else q.nodata())
    server = dnslet(to=[source])
    assert server.query("www.test").rcode() == SERVFAIL
    assert server.query("www.test", "AAAA").rcode() == NOERROR
    assert server.query("www2.test").rcode() == SERVFAIL
    assert len(source.questions) == 3


def test_beyond_max_inflight_questions_fail_at_once(dnslet, upstream):
    source = upstream(lambda q: Later(0.7, with_address()(q)))
    server = dnslet("--max-inflight", 5, "--upstream-retry", 4000, to=[source])
    with UdpClient(server.address) as client:
        for i in range(20):
            client.send(question(f"n{i}.test"))
        early, seconds = timed(lambda: [client.receive() for _ in range(15)])
        assert {answer.rcode() for answer in early} == {SERVFAIL}
        assert seconds < 0.3 * SCALE
        assert [data(client.receive()) for _ in range(5)] == [["192.0.2.1"]] * 5
    assert len(source.questions) == 5
    assert data(server.query("later.test")) == ["192.0.2.1"]


def test_a_question_joined_to_one_in_flight_needs_no_place(dnslet, upstream):
    source = upstream(lambda q: Later(0.4, with_address()(q)))
    server = dnslet("--max-inflight", 5, to=[source])
    with UdpClient(server.address) as client:
        for _ in range(10):
            client.send(question("www.test"))
        assert [data(client.receive()) for _ in range(10)] == [["192.0.2.1"]] * 10


def test_a_crowd_of_questions_to_a_slow_upstream_is_all_answered(dnslet, upstream):
    """2,000 open at once is less than --max-inflight's default."""
    source = upstream(lambda q: Later(0.5, with_address()(q)))
    server = dnslet(to=[source])
    messages = [question(f"n{i}.test") for i in range(2000)]
    for i, message in enumerate(messages):
        message.id = i
    answers = udp_burst(server.address, messages, window=400)
    assert {answer.rcode() for answer in answers.values()} == {NOERROR}


def test_a_cname_chain_comes_back_whole_and_in_order(dnslet, upstream):
    chain = ["www.test. 60 IN CNAME a.test.", "a.test. 50 IN CNAME b.other.",
             "b.other. 40 IN A 192.0.2.1"]
    answer = dnslet(to=[upstream(lambda q: q.answer(*chain))]).query("www.test")
    assert records(answer.answer) == [("www.test.", 60, "CNAME", "a.test."),
                                      ("a.test.", 50, "CNAME", "b.other."),
                                      ("b.other.", 40, "A", "192.0.2.1")]


def test_servfail_for_one_client_is_given_within_the_time_out_even_under_load(dnslet, upstream):
    server = dnslet("--upstream-timeout", 600, "--upstream-retry", 200, to=[upstream(silent)])
    messages = [question(f"n{i}.test") for i in range(300)]
    for i, message in enumerate(messages):
        message.id = i
    _, seconds = timed(lambda: udp_burst(server.address, messages, window=300, seconds=PATIENCE))
    assert seconds < 0.6 + 0.3 * SCALE
