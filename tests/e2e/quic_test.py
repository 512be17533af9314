# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Servers over QUIC (RFC 9250): asked as any other server, and only where their certificate holds."""

import contextlib
import os
import re
import socket
import struct
from pathlib import Path
from time import sleep, time

import dns.message
import pytest
from basics import PATIENCE, free_port, wait_until
from clients import UdpClient, ask_at_once, question
from fake_upstream import Later, Raw, silent, with_address
from harness import data, run, to
from metrics import get, parse
from quic_server import STUB, Ended, QuicUpstream, Reset
from tls_server import FAKETIME, HAS_QUIC, HAS_TLS, Authority

NOERROR, SERVFAIL = 0, 2


@pytest.mark.skipif(HAS_QUIC, reason="this build has QUIC")
def test_a_build_without_quic_says_so():
    ended = run("--print-config", "--nameservers", "quic://192.0.2.1")
    assert ended.returncode == 2
    assert "'quic://192.0.2.1' asks for DNS over QUIC, which this build does not have" in ended.stderr
    assert ("; write tls://, https://" in ended.stderr) == HAS_TLS  # never down to plain text where it need not be


@pytest.mark.skipif(not HAS_QUIC, reason="this build has no QUIC")
@pytest.mark.parametrize("url", ["quic://192.0.2.1#", "quic://192.0.2.1:0", "quic://192.0.2.1/a", "quic:192.0.2.1",
                                 "socks5://192.0.2.9/quic://192.0.2.1"])
def test_what_is_no_server_is_refused(url):
    ended = run("--print-config", "--nameservers", url)
    assert ended.returncode == 2 and "192.0.2.1" in ended.stderr


@pytest.fixture
def quic(certificate):
    """quic(handler, certificate, …) → a running QuicUpstream"""
    if not HAS_QUIC:
        pytest.skip("this build has no QUIC")
    assert STUB, "make builds bench/quic_stub beside the program"
    with contextlib.ExitStack() as stack:
        yield lambda handler=with_address(), shown=certificate, **how: stack.enter_context(
            QuicUpstream(handler, shown, **how))


@pytest.mark.parametrize("key", ["rsa", "p256", "p384", "ed25519"])
@pytest.mark.parametrize("name", ["dns.test", None], ids=["name", "address"])
def test_what_holds_is_asked(dnslet, quic, authority, key, name):
    server = quic(shown=authority.issue("other.test", "dns.test", "127.0.0.1", key=key))
    client = dnslet(*to(server.url(name), ca=authority.root))
    for i in range(20):
        assert data(client.query(f"n{i}.test")) == ["192.0.2.1"]
    assert server.handshakes == [False] and server.names == [name]


def test_questions_have_no_id_no_keepalive_and_are_padded(dnslet, quic, authority):
    server = quic()
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    for name in ("a.test", "b" * 60 + ".test", ".".join(["c" * 50] * 4) + ".test"):
        client.query(name)
    for asked in server.questions:
        assert asked.id == 0 and len(asked.wire) % 128 == 0
        assert {int(option.otype) for option in asked.message.options} == {12}


REFUSED = {
    "wrong name": (dict(names=["other.test", "192.0.2.9"]), "dns.test",
                   "its certificate is for other.test, 192.0.2.9, not for dns.test"),
    "address not in it": (dict(names=["dns.test"]), None, "its certificate is for dns.test, not for 127.0.0.1"),
    "expired": (dict(names=["dns.test"], day=-200), "dns.test", r"its certificate ended on \d{4}-\d\d-\d\d \d\d:\d\d UTC; "
                r"the clock here says"),
    "self-signed": (dict(names=["dns.test"], alone=True), "dns.test", "self.signed certificate"),
    "no name": (dict(names=[]), "dns.test", "its certificate is for no name, not for dns.test"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_does_not_hold_gets_no_question(dnslet, quic, authority, kind):
    how, name, reason = REFUSED[kind]
    if "day" in how and not FAKETIME:
        pytest.skip("no libfaketime")
    how = dict(how)
    bad, good = quic(shown=authority.issue(*how.pop("names"), **how)), quic(with_address("192.0.2.2"))
    client = dnslet(*to(bad.url(name), ca=authority.root))
    assert client.query("a.test").rcode() == SERVFAIL
    line = client.wait_log("no TLS with the server")
    assert f"server={bad.url(name)}" in line
    assert client.log(f"no TLS with the server.*{reason}"), line
    client.stop()
    client = dnslet(*to(bad.url(name), good.url("dns.test"), ca=authority.root))
    assert data(client.query("a.test")) == ["192.0.2.2"]
    assert not bad.questions and not bad.frames


def test_an_unknown_root_does_not_hold(dnslet, quic, authority, tmp_path):
    server = quic(shown=Authority(tmp_path, "stranger").issue("dns.test"))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    assert client.query("a.test").rcode() == SERVFAIL
    client.wait_log("unable to get local issuer certificate")
    assert not server.questions


def test_a_key_that_is_pinned_is_enough_and_another_is_not(dnslet, quic, authority):
    shown = authority.issue("other.test", alone=True)
    server = quic(shown=shown)
    client = dnslet(*to(server.url("dns.test")), "--tls-pin", f"dns.test={shown.pin}", env={"SSL_CERT_FILE": "/nowhere"})
    assert data(client.query("a.test")) == ["192.0.2.1"]
    good, other = quic(), authority.issue("dns.test")
    client = dnslet(*to(good.url("dns.test"), ca=authority.root), "--tls-pin", f"dns.test={other.pin}")
    assert client.query("a.test").rcode() == SERVFAIL
    client.wait_log(r"its key is none of --tls-pin \(DNSMASQ_TLS_PIN\): [A-Za-z0-9+/]{43}=")
    assert not good.questions


def test_another_protocol_is_none(dnslet, quic, authority):
    server = quic()
    server.stop()
    server.protocol = "h3"
    server.start()
    client = dnslet(*to(server.url("dns.test"), ca=authority.root), "--upstream-timeout", 1500)
    assert client.query("a.test").rcode() == SERVFAIL
    # OpenSSL 3.5 as a server says so only where the client's hello takes two packets, as it does unless ML-KEM is left out.
    client.wait_log(r"no TLS with the server.*(it does not speak doq \(ALPN\)|the handshake has come to no end)")
    assert not server.frames


def test_sessions_are_resumed(dnslet, quic, authority):
    server = quic()
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    for i in range(6):
        assert client.query(f"n{i}.test").rcode() == NOERROR
        sleep(0.1)
        server.say(b"c", i + 1, 0, b"0")
        sleep(0.1)
    assert server.handshakes == [False] + [True] * 5


def test_a_server_that_ends_after_each_answer_loses_no_question(dnslet, quic, authority):
    server = quic(lambda asked: [with_address()(asked), Ended(0)])
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    for i in range(30):
        assert client.query(f"n{i}.test").rcode() == NOERROR


@pytest.mark.parametrize("code", [0, 1, 4])
def test_what_an_end_has_lost_is_asked_again(dnslet, quic, authority, code):
    asked = []

    def once(one):
        asked.append(one)
        return None if len(asked) < 80 else Ended(code) if len(asked) == 80 else with_address()(one)
    server = quic(once)
    client = dnslet(*to(server.url("dns.test"), ca=authority.root), "--upstream-retry", 2000)
    assert all(answer.rcode() == NOERROR for answer in ask_at_once(client.address, 80))


@pytest.mark.parametrize("code, word", [(1, "internal error"), (4, "excessive load"), (99, "error 99")])
def test_a_stream_that_is_reset_is_that_questions_failure(dnslet, quic, authority, code, word):
    first = quic(lambda asked: Reset(code) if asked.name.startswith("bad") else Later(0.3, with_address()(asked)))
    second = quic(with_address("192.0.2.2"))
    client = dnslet(*to(first.url("dns.test"), second.url("dns.test"), ca=authority.root))
    with UdpClient(client.address) as asker:
        asker.send(question("good.test"))
        wait_until(lambda: first.asked("good.test"), "its question")
        assert data(client.query("bad.test")) == ["192.0.2.2"]
        assert data(asker.receive(PATIENCE)) == ["192.0.2.1"]
    assert client.log(f"no answer over QUIC.*server={first.url('dns.test')}.*it has reset a stream: {word}")
    assert first.handshakes == [False]


def test_silence_is_covered_by_the_next_server(dnslet, quic, authority):
    first, second = quic(silent), quic(with_address("192.0.2.2"))
    client = dnslet(*to(first.url("dns.test"), second.url("dns.test"), ca=authority.root), "--upstream-retry", 300)
    assert data(client.query("a.test")) == ["192.0.2.2"]
    assert data(client.query("b.test", seconds=0.25)) == ["192.0.2.2"]


def test_a_slow_answer_does_not_end_the_connection(dnslet, quic, authority):
    server = quic(lambda asked: Later(1.2, with_address()(asked)))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    assert client.query("a.test").rcode() == NOERROR
    assert client.query("b.test").rcode() == NOERROR
    assert len(server.handshakes) <= 3


def test_a_name_is_resolved_and_verified(dnslet, quic, upstream, authority):
    server = quic()
    bootstrap = upstream(lambda asked: with_address("127.0.0.1")(asked))
    client = dnslet(*to(f"quic://dns.test:{server.port}", ca=authority.root), "--bootstrap", bootstrap.address)
    assert data(client.query("a.test")) == ["192.0.2.1"]
    assert server.names == ["dns.test"]


@pytest.mark.parametrize("first", ["another", "nobody", "mute"])
def test_a_name_whose_first_address_is_no_use_is_asked_at_the_next(dnslet, quic, upstream, authority, first):
    port = free_port()
    bad = quic(shown=authority.issue("other.test"), host="127.0.0.2", port=port)
    good = quic(host="127.0.0.3", port=port)
    if first == "nobody":
        bad.stop()
    if first == "mute":
        bad.pause()
    bootstrap = upstream(lambda asked: asked.answer("dns.test. 60 IN A 127.0.0.2", "dns.test. 60 IN A 127.0.0.3")
                         if asked.type == "A" else asked.nodata())
    client = dnslet(*to(f"quic://dns.test:{port}", ca=authority.root), "--bootstrap", bootstrap.address)
    assert [client.query(f"n{i}.test").rcode() for i in range(3)] == [NOERROR] * 3
    assert good.questions and not bad.questions


def test_a_port_that_nobody_has_is_a_failure_at_once(dnslet, quic, authority):
    good = quic()
    client = dnslet(*to(f"quic://127.0.0.1:{free_port()}#dns.test", good.url("dns.test"), ca=authority.root),
                    "--upstream-retry", 3000)
    assert data(client.query("a.test", seconds=2)) == ["192.0.2.1"]


def test_a_bad_certificate_costs_few_handshakes(dnslet, quic, authority):
    server = quic(shown=authority.issue("other.test"))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root), "--metrics", "127.0.0.1:0")
    until = time() + 1
    while time() < until:
        assert client.query("a.test").rcode() == SERVFAIL
    failed = [value for (name, *labels), value in parse(get(client)[1]).items()
              if name == "dnslet_upstream_tls_handshakes_total" and dict(labels)["result"] == "failed"]
    assert 1 <= sum(failed) <= 8


def test_handshakes_and_bytes_are_counted(dnslet, quic, authority):
    server = quic()
    client = dnslet(*to(server.url("dns.test"), ca=authority.root), "--metrics", "127.0.0.1:0")
    for i in range(4):
        client.query(f"n{i}.test")
        sleep(0.1)
        server.say(b"c", i + 1, 0, b"0")
        sleep(0.1)
    metrics = parse(get(client)[1])
    of_it = [(name, dict(labels), value) for (name, *labels), value in metrics.items()
             if dict(labels).get("server") == server.url("dns.test")]
    counted = {labels["result"]: value for name, labels, value in of_it if name == "dnslet_upstream_tls_handshakes_total"}
    assert counted == {"full": 1, "resumed": 3, "failed": 0}
    carried = [value for name, _, value in of_it if "bytes" in name]
    assert carried and all(value > 2000 for value in carried), of_it


def test_one_connection_carries_what_comes_at_once(dnslet, quic, authority):
    server = quic(lambda asked: Later(0.05, with_address()(asked)))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    assert all(answer.rcode() == NOERROR for answer in ask_at_once(client.address, 90))
    assert len(server.handshakes) == 1


def test_streams_that_are_used_up_make_questions_wait_and_lose_none(dnslet, quic, authority):
    server = quic(lambda asked: Later(0.4, with_address()(asked)))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root), "--upstream-retry", 2000)
    assert all(answer.rcode() == NOERROR for answer in ask_at_once(client.address, 450))
    assert 2 <= len(server.handshakes) <= 3
    assert len({asked.name for asked in server.questions}) == len(server.questions) == 450


def test_a_server_that_starts_again_is_asked_on_a_fresh_connection(dnslet, quic, authority):
    server = quic()
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    assert client.query("a.test").rcode() == NOERROR
    server.stop()
    server.start()
    begun = time()
    assert client.query("b.test").rcode() == NOERROR
    assert time() - begun < 1.5


def test_a_server_that_goes_away_for_a_second_answers_all_then(dnslet, quic, authority):
    server = quic(silent)
    client = dnslet(*to(server.url("dns.test"), ca=authority.root), "--upstream-retry", 3000)
    with UdpClient(client.address) as asker:
        for i in range(20):
            asker.send(question(f"n{i}.test"))
        wait_until(lambda: len(server.questions) == 20, "20 questions")
        server.stop()
        sleep(1)
        server.handler = with_address()
        server.start()
        answers = [asker.receive(PATIENCE) for _ in range(20)]
    assert all(answer.rcode() == NOERROR for answer in answers)


def test_a_path_that_is_dead_gets_a_fresh_connection_without_a_mark_on_the_server(dnslet, quic, authority):
    server = quic()
    client = dnslet(*to(server.url("dns.test"), ca=authority.root), "--upstream-retry", 3000, "--metrics", "127.0.0.1:0")
    assert client.query("a.test").rcode() == NOERROR
    server.pause()
    with UdpClient(client.address) as asker:
        asker.send(question("b.test"))
        sleep(0.9)
        server.go_on()
        assert asker.receive(PATIENCE).rcode() == NOERROR
    wait_until(lambda: len(server.handshakes) >= 2, "a second connection")


def forbid(source, target):
    """What a firewall says of a datagram from this port to that one: ICMP, communication prohibited"""
    def checksum(data):
        total = sum(struct.unpack(f"!{len(data) // 2}H", data))
        return ~(total % 0xffff) & 0xffff

    home = socket.inet_aton("127.0.0.1")
    datagram = struct.pack("!BBHHHBBH4s4s4H", 0x45, 0, 128, 1, 0, 64, socket.IPPROTO_UDP, 0, home, home,
                           source, target, 108, 0)
    message = bytearray(struct.pack("!BBHI", 3, 13, 0, 0) + datagram)
    message[2:4] = struct.pack("!H", checksum(message))
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.sendto(message, ("127.0.0.1", 0))


def ports_to(port):
    """Those of UDP sockets that are connected to this one"""
    lines = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
    return [int(line[1].split(":")[1], 16) for line in lines if int(line[2].split(":")[1], 16) == port]


@pytest.mark.skipif(os.geteuid() != 0, reason="a raw socket needs root")
def test_what_a_router_says_does_not_make_a_connection_deaf(dnslet, quic, authority):
    answer = with_address()
    server = quic(lambda asked: Later(0.3, answer(asked)) if asked.name == "b.test." else answer(asked))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root), "--upstream-retry", 3000)
    assert data(client.query("a.test")) == ["192.0.2.1"]
    source, = ports_to(server.port)
    forbid(source, server.port)
    sleep(0.1)
    assert data(client.query("b.test")) == ["192.0.2.1"]
    assert len(server.asked("b.test")) == 1 and server.handshakes == [False]


@pytest.mark.parametrize("fault", ["wrong id", "wrong name", "wrong type", "twice", "half", "long", "short", "empty",
                                   "nothing", "oversize", "garbage"])
def test_an_answer_that_fits_nothing_counts_for_none(dnslet, quic, authority, fault):
    def lie(asked):
        right = with_address("192.0.2.66")(asked)
        wire = right.to_wire()
        if fault == "wrong id":
            right.id ^= 1
            return right
        if fault == "wrong name":
            right.question = dns.message.make_query("other.test", "A").question
            return right
        if fault == "wrong type":
            right.question = dns.message.make_query(asked.name, "AAAA").question
            return right
        return {"twice": [right, right],
                "half": Raw(struct.pack("!H", len(wire)) + wire[:20]),
                "long": Raw(struct.pack("!H", len(wire) - 1) + wire),
                "short": Raw(b"\0\3abc"),
                "empty": Raw(b"\0\0"),
                "nothing": Raw(b""),
                "oversize": Raw(b"\xff\xff" + bytes(200_000)),
                "garbage": Raw(bytes(range(256)) * 40)}[fault]
    liar, honest = quic(lie), quic(with_address())
    client = dnslet(*to(liar.url("dns.test"), honest.url("dns.test"), ca=authority.root), "--upstream-retry", 300)
    for i in range(10):
        assert data(client.query(f"n{i}.test")) == ["192.0.2.1"]


def test_what_breaks_the_rules_ends_the_connection_with_a_code(dnslet, quic, authority):
    server = quic(lambda asked: [with_address()(asked)] * 2)
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    assert client.query("a.test").rcode() == SERVFAIL
    wait_until(lambda: 2 in server.closed, "DOQ_PROTOCOL_ERROR")
    client.wait_log("no answer over QUIC.*it says more than an answer on a stream")


@pytest.mark.parametrize("kind", [b"u", b"b"], ids=["one direction", "both"])
def test_streams_of_the_server_are_no_use(dnslet, quic, authority, kind):
    server = quic()
    server.on_open = lambda connection: [server.say(kind, connection, 0, b"anything" * 100) for _ in range(20)]
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    for i in range(5):
        assert client.query(f"n{i}.test").rcode() == NOERROR


def test_a_connection_is_closed_without_an_error(dnslet, quic, authority):
    server = quic()
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    assert client.query("a.test").rcode() == NOERROR
    client.stop()
    wait_until(lambda: server.closed == [0], "DOQ_NO_ERROR")


def test_large_answers_come_whole(dnslet, quic, authority):
    text = " ".join(f'"{"x" * 200}"' for _ in range(300))
    server = quic(lambda asked: asked.answer(f"{asked.name} 60 IN TXT {text}"))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    answer = client.query("a.test", "TXT", tcp=True)
    assert len(answer.to_wire()) > 60_000


def test_large_answers_leave_nothing_unheard(dnslet, quic, authority):
    text = " ".join(f'"{"x" * 200}"' for _ in range(300))
    server = quic(lambda asked: asked.answer(f"{asked.name} 60 IN TXT {text}"))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root), "--upstream-retry", 3000)
    for i in range(60):
        assert client.query(f"n{i}.test", "TXT", tcp=True).rcode() == NOERROR
    assert len(server.questions) == 60 and server.handshakes == [False]


def test_explain_tells_the_handshake(quic, authority):
    server = quic()
    ended = run("--explain", "a.test", *to(server.url("dns.test"), ca=authority.root))
    assert re.search(rf"^ +[\d.]+ ms {re.escape(server.url('dns.test'))} is connected: QUICv1, TLSv1.3, "
                     r"full handshake of [\d.]+ ms$", ended.stdout, re.M), ended.stdout


def test_print_config_tells_it_as_it_is_written(quic, authority):
    ended = run("--print-config", *to("quic://192.0.2.1:8853#dns.test", ca=authority.root))
    assert re.search(r"^nameservers = quic://192.0.2.1:8853#dns.test ", ended.stdout, re.M), ended.stdout


@pytest.mark.skipif(not HAS_TLS, reason="this variant has no TLS")
def test_threads_share_a_server(dnslet, quic, authority):
    server = quic()
    client = dnslet("--threads", 4, *to(server.url("dns.test"), ca=authority.root))
    for turn in range(5):
        with contextlib.ExitStack() as stack:
            askers = [stack.enter_context(UdpClient(client.address)) for _ in range(20)]
            for i, asker in enumerate(askers):
                asker.send(question(f"n{turn}-{i}.test"))
            assert all(asker.receive(PATIENCE).rcode() == NOERROR for asker in askers)
