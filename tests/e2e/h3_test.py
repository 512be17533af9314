# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Servers over HTTP/3: as those over HTTPS (https_test.py), on the connections of quic_test.py."""

import contextlib
import re
from time import sleep, time

import pytest
from basics import PATIENCE, wait_until
from clients import UdpClient, ask_at_once, question
from fake_upstream import Later, silent, with_address
from h3_server import DATA, HEADERS, REQUEST_REJECTED, SETTINGS, Answer, H3Upstream, fields, frame
from harness import data, run, to
from quic_server import STUB, Ended, Reset
from tls_server import HAS_HTTP3

NOERROR, SERVFAIL = 0, 2


@pytest.mark.skipif(HAS_HTTP3, reason="this build has HTTP/3")
def test_a_build_without_http3_says_so():
    ended = run("--print-config", "--nameservers", "h3://192.0.2.1/q")
    assert ended.returncode == 2
    assert "'h3://192.0.2.1/q' asks for DNS over HTTP/3, which this build does not have" in ended.stderr


@pytest.mark.skipif(not HAS_HTTP3, reason="this build has no HTTP/3")
@pytest.mark.parametrize("url", ["h3://192.0.2.1", "h3://192.0.2.1:0/q", "h3:192.0.2.1", "h3://192.0.2.1/q#",
                                 "socks5://192.0.2.9/h3://192.0.2.1/q"])
def test_what_is_no_server_is_refused(url):
    ended = run("--print-config", "--nameservers", url)
    assert ended.returncode == 2 and "192.0.2.1" in ended.stderr


@pytest.fixture
def h3(certificate):
    """h3(handler, certificate, …) → a running H3Upstream"""
    if not HAS_HTTP3:
        pytest.skip("this build has no HTTP/3")
    assert STUB, "make builds bench/quic_stub beside the program"
    with contextlib.ExitStack() as stack:
        yield lambda handler=with_address(), shown=certificate, **how: stack.enter_context(
            H3Upstream(handler, shown, **how))


def test_questions_are_posted_with_id_0_and_padded(dnslet, h3, authority):
    server = h3()
    client = dnslet(*to(server.url("dns.test", "/a/b?c"), ca=authority.root))
    for i in range(20):
        assert data(client.query(f"n{i}.test")) == ["192.0.2.1"]
    assert server.handshakes == [False] and server.names == ["dns.test"]
    for asked, texts in zip(server.questions, server.texts):
        assert asked.id == 0 and len(asked.wire) % 128 == 0
        assert {f"dns.test:{server.port}".encode(), b"/a/b?c", b"128"} <= set(texts)


def test_a_certificate_that_does_not_hold_gets_no_question(dnslet, h3, authority):
    server = h3(shown=authority.issue("other.test"))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    assert client.query("a.test").rcode() == SERVFAIL
    client.wait_log("no TLS with the server.*its certificate is for other.test, not for dns.test")
    assert not server.questions


@pytest.mark.parametrize("status, said", [(404, "404"), (302, "a redirect, which is not followed"), (500, "500"), (200, None)])
def test_another_status_goes_to_the_next_server(dnslet, h3, authority, status, said):
    first, second = h3(lambda asked: Answer(b"no message", status)), h3(with_address("192.0.2.2"))
    client = dnslet(*to(first.url("dns.test"), second.url("dns.test"), ca=authority.root))
    assert data(client.query("a.test")) == ["192.0.2.2"]
    line = client.wait_log("no answer over HTTPS")
    assert f"server={first.url('dns.test')}" in line and (said or "its answer is none to the question") in line
    client.query("b.test")
    assert len(first.questions) == (2 if status == 404 else 1)


def test_who_asks_to_be_left_alone_is(dnslet, h3, authority):
    first = h3(lambda asked: Answer(b"", 429, {"retry_after": 2}))
    second = h3(with_address("192.0.2.2"))
    client = dnslet(*to(first.url("dns.test"), second.url("dns.test"), ca=authority.root))
    for i in range(5):
        assert data(client.query(f"n{i}.test")) == ["192.0.2.2"]
    assert len(first.questions) == 1
    assert client.log("HTTP status 429.*it is left alone for 2 s")


def test_what_has_been_kept_on_its_way_is_so_much_older(dnslet, h3, authority):
    server = h3(lambda asked: Answer(with_address(ttl=300)(asked), more={"age": 100}))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    assert client.query("a.test").answer[0].ttl == 200


def test_a_status_that_is_not_the_last_does_not_count(dnslet, h3, authority):
    def early(asked):
        body = with_address()(asked).to_wire()
        return frame(HEADERS, fields(103)) + frame(HEADERS, fields(200)) + frame(DATA, body[:10]) + frame(DATA, body[10:])
    client = dnslet(*to(h3(early).url("dns.test"), ca=authority.root))
    assert data(client.query("a.test")) == ["192.0.2.1"]


def test_a_request_that_is_reset_is_that_questions_failure(dnslet, h3, authority):
    first = h3(lambda asked: Reset(0x102) if asked.name.startswith("bad") else Later(0.3, with_address()(asked)))
    second = h3(with_address("192.0.2.2"))
    client = dnslet(*to(first.url("dns.test"), second.url("dns.test"), ca=authority.root))
    with UdpClient(client.address) as asker:
        asker.send(question("good.test"))
        wait_until(lambda: first.asked("good.test"), "its question")
        assert data(client.query("bad.test")) == ["192.0.2.2"]
        assert data(asker.receive(PATIENCE)) == ["192.0.2.1"]
    assert client.log("no answer over HTTPS.*it has reset a request: error 258")
    assert first.handshakes == [False]


def test_a_request_that_is_rejected_is_asked_again(dnslet, h3, authority):
    rejected = set()

    def once(asked):
        if asked.name in rejected:
            return with_address()(asked)
        rejected.add(asked.name)
        return Reset(REQUEST_REJECTED)
    client = dnslet(*to(h3(once).url("dns.test"), ca=authority.root))
    for i in range(3):
        assert data(client.query(f"n{i}.test")) == ["192.0.2.1"]


def test_a_server_that_goes_away_is_asked_on_a_fresh_connection(dnslet, h3, authority):
    server = h3()

    def leave(asked):
        if len(server.questions) == 3:
            server.go_away(asked.port, asked.stream)
            return None
        return with_address()(asked)
    server.handler = leave
    client = dnslet(*to(server.url("dns.test"), ca=authority.root), "--upstream-retry", 3000)
    begun = time()
    for i in range(6):
        assert data(client.query(f"n{i}.test")) == ["192.0.2.1"]
    assert time() - begun < 2
    assert len(server.handshakes) == 2


@pytest.mark.parametrize("code", [0x100, 0x102, 0x107])
def test_what_an_end_has_lost_is_asked_again(dnslet, h3, authority, code):
    asked = []

    def once(one):
        asked.append(one)
        return None if len(asked) < 80 else Ended(code) if len(asked) == 80 else with_address()(one)
    server = h3(once)
    client = dnslet(*to(server.url("dns.test"), ca=authority.root), "--upstream-retry", 2000)
    assert all(answer.rcode() == NOERROR for answer in ask_at_once(client.address, 80))


LIES = {
    "nothing": b"",
    "no header": frame(DATA, b"anything"),
    "half a frame": frame(HEADERS, fields(200))[:4],
    "half a body": frame(HEADERS, fields(200)) + frame(DATA, b"abcdef")[:5],
    "settings": frame(SETTINGS, b""),
    "no status": frame(HEADERS, b"\0\0"),
    "a table that is not there": frame(HEADERS, b"\x05\0\x80"),
    "oversize": frame(HEADERS, fields(200)) + frame(DATA, bytes(100_000)),
    "garbage": bytes(range(256)) * 300,
}


@pytest.mark.parametrize("lie", LIES)
def test_an_answer_that_is_none_costs_nobody_else_anything(dnslet, h3, authority, lie):
    liar, honest = h3(lambda asked: LIES[lie]), h3()
    client = dnslet(*to(liar.url("dns.test"), honest.url("dns.test"), ca=authority.root), "--upstream-retry", 300)
    for i in range(10):
        assert data(client.query(f"n{i}.test")) == ["192.0.2.1"]
    assert liar.questions and client.log("no answer over HTTPS")


@pytest.mark.parametrize("settings", [b"", b"\0" + frame(DATA, b"abc"), b"\0" + frame(SETTINGS, b"\2\0")],
                         ids=["none", "another frame", "one of HTTP/2"])
def test_a_control_stream_that_breaks_the_rules_ends_the_connection(dnslet, h3, authority, settings):
    liar, honest = h3(silent), h3()
    liar.settings = settings
    client = dnslet(*to(liar.url("dns.test"), honest.url("dns.test"), ca=authority.root), "--upstream-retry", 300)
    assert data(client.query("a.test")) == ["192.0.2.1"]


def test_a_server_that_opens_a_stream_for_requests_is_left(dnslet, h3, authority):
    liar, honest = h3(silent), h3()
    liar.on_open = lambda connection: [liar.say(b"u", connection, 0, liar.settings), liar.say(b"b", connection, 0, b"abc")]
    client = dnslet(*to(liar.url("dns.test"), honest.url("dns.test"), ca=authority.root), "--upstream-retry", 300)
    assert data(client.query("a.test")) == ["192.0.2.1"]
    wait_until(lambda: 0x103 in liar.closed, "H3_STREAM_CREATION_ERROR")


def test_streams_that_are_used_up_make_questions_wait_and_lose_none(dnslet, h3, authority):
    server = h3(lambda asked: Later(0.4, with_address()(asked)))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root), "--upstream-retry", 2000)
    assert all(answer.rcode() == NOERROR for answer in ask_at_once(client.address, 450))
    assert 2 <= len(server.handshakes) <= 3


def test_a_connection_is_closed_without_an_error(dnslet, h3, authority):
    server = h3()
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    assert client.query("a.test").rcode() == NOERROR
    client.stop()
    wait_until(lambda: server.closed == [0x100], "H3_NO_ERROR")


def test_sessions_are_resumed(dnslet, h3, authority):
    server = h3()
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    for i in range(4):
        assert client.query(f"n{i}.test").rcode() == NOERROR
        sleep(0.1)
        server.say(b"c", i + 1, 0, b"256")
        sleep(0.1)
    assert server.handshakes == [False] + [True] * 3


def test_large_answers_come_whole(dnslet, h3, authority):
    text = " ".join(f'"{"x" * 200}"' for _ in range(300))
    server = h3(lambda asked: asked.answer(f"{asked.name} 60 IN TXT {text}"))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    assert len(client.query("a.test", "TXT", tcp=True).to_wire()) > 60_000


def test_explain_tells_the_handshake(h3, authority):
    server = h3()
    ended = run("--explain", "a.test", *to(server.url("dns.test"), ca=authority.root))
    assert re.search(rf"^ +[\d.]+ ms {re.escape(server.url('dns.test'))} is connected: QUICv1, TLSv1.3, "
                     r"full handshake of [\d.]+ ms$", ended.stdout, re.M), ended.stdout
