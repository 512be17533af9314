# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Servers over HTTPS (RFC 8484): what is sent, and what each answer of HTTP makes of a question."""

import contextlib
import socket
import ssl
from pathlib import Path
from time import monotonic, sleep

import dns.message
import pytest
from basics import PATIENCE
from clients import UdpClient, question
from fake_upstream import CLOSE, Later, Raw, with_address
from harness import SLOW, data, run, to
from https_server import GoAway, Http, HttpsUpstream, Reset
from metrics import get, parse
from tls_server import HAS_TLS

NOERROR, SERVFAIL = 0, 2


@pytest.mark.skipif(HAS_TLS, reason="this variant has HTTPS")
def test_the_other_variant_is_named():
    ended = run("--print-config", "--nameservers", "https://192.0.2.1/dns-query")
    assert ended.returncode == 2
    assert ended.stderr.endswith("DNS over HTTPS, which the variant dnslet-min does not have; dnslet has it\n")


@pytest.fixture
def https(certificate):
    """https(handler, certificate, …) → a running HttpsUpstream"""
    with contextlib.ExitStack() as stack:
        yield lambda handler=with_address(), shown=certificate, **how: stack.enter_context(
            HttpsUpstream(handler, shown, **how))


def test_a_question_is_a_request(dnslet, https, authority):
    server = https(path="/a%2Cb/dns-query?key=1&x=(2)")
    client = dnslet(*to(server.url("dns.test").replace("#", "{?dns}#"), ca=authority.root))
    for i in range(20):
        assert data(client.query(f"n{i}.test")) == ["192.0.2.1"]
    assert server.accepted == 1 and server.names == ["dns.test"]
    for request in server.requests:
        headers = dict(request.headers)
        assert headers.pop("content-length") == str(len(request.body))
        assert headers == {":method": "POST", ":scheme": "https", ":authority": f"dns.test:{server.port}",
                           ":path": "/a%2Cb/dns-query?key=1&x=(2)", "accept": "application/dns-message",
                           "content-type": "application/dns-message"}
        assert len(request.body) % 128 == 0 and request.body[:2] == b"\0\0"
        assert [int(option.otype) for option in dns.message.from_wire(request.body).options] == [12]


@pytest.mark.parametrize("text, why", [
    ("https://192.0.2.1", "write it with its path"), ("https://user:secret@192.0.2.1/dns-query", "write it with its path"),
    ("https://192.0.2.1/dns-query{?x}", "write it with its path"), ("https://192.0.2.1:0/q", "its port is from 1 to 65535"),
    ("https://192.0.2.1/a,b=c", "a comma in a path is written %2C"),
    ("https://192.0.2.1/q#no name", "behind # stands the name"), ("https:///dns-query", "is not a server"),
    ("https://192.0.2.1/\x01", "write it with its path"), ("https://192.0.2.1/" + "a" * 1024, "write it with its path")])
def test_what_is_no_server_is_told(authority, text, why):
    ended = run("--print-config", "--nameservers", text)
    assert ended.returncode == 2 and why in ended.stderr and "secret" not in ended.stderr


@pytest.mark.parametrize("names, name", [(["other.test"], "dns.test"), (["dns.test"], None)])
def test_who_has_no_certificate_that_holds_gets_no_request(dnslet, https, authority, names, name):
    server = https(shown=authority.issue(*names))
    client = dnslet(*to(server.url(name), ca=authority.root))
    assert client.query("a.test").rcode() == SERVFAIL
    assert client.wait_log("no TLS with the server")
    assert not server.requests


@pytest.mark.parametrize("protocols", [["http/1.1"], ["dot"], []])
def test_who_does_not_speak_http_2_gets_no_request(dnslet, https, authority, protocols):
    server = https(protocols=protocols)
    client = dnslet(*to(server, ca=authority.root))
    assert client.query("a.test").rcode() == SERVFAIL
    assert client.wait_log("no TLS with the server")
    assert not server.requests and not server.questions


@pytest.mark.parametrize("status, why", [(500, ""), (302, "a redirect"), (204, ""), (429, "too many questions"), (503, "")])
def test_another_status_is_a_failure_with_its_reason(dnslet, https, authority, status, why):
    bad, good = https(lambda _: Http(status, b"", {"location": "https://elsewhere.test/"})), https(with_address("192.0.2.2"))
    client = dnslet(*to(bad, good, ca=authority.root))
    assert data(client.query("a.test")) == ["192.0.2.2"]
    line = client.wait_log("no answer over HTTPS")
    assert f"HTTP status {status}" in line and why in line and bad.url("dns.test") in line
    client.wait_log("upstream server failed, put behind the others")
    assert data(client.query("b.test")) == ["192.0.2.2"]
    assert len(bad.requests) == 1


def test_failures_are_counted_by_reason(dnslet, https, authority):
    busy, stranger = https(lambda _: Http(500)), https(shown=authority.issue("other.test"))
    client = dnslet(*to(busy, ca=authority.root), "--metrics", "127.0.0.1:0", "--stubzones",
                    f"bad.test/{stranger.url('dns.test')}")
    for name in ("a.test", "b.test", "a.bad.test"):
        assert client.query(name).rcode() == SERVFAIL
    counted = {(dict(labels)["server"], dict(labels)["reason"]): value
               for (name, *labels), value in parse(get(client)[1]).items()
               if name == "dnslet_upstream_stream_failures_total"}
    assert counted[busy.url("dns.test"), "http"] == 2 and counted[busy.url("dns.test"), "tls"] == 0
    assert counted[stranger.url("dns.test"), "tls"] >= 1 and counted[stranger.url("dns.test"), "proxy"] == 0


def test_bytes_are_counted(dnslet, https, authority):
    server = https()
    client = dnslet(*to(server, ca=authority.root), "--metrics", "127.0.0.1:0")
    for i in range(10):
        client.query(f"n{i}.test")
    counted = {dict(labels)["direction"]: value for (name, *labels), value in parse(get(client)[1]).items()
               if name == "dnslet_upstream_stream_bytes_total"}
    assert counted["sent"] > 10 * 128 and counted["received"] > 10 * 60


def test_a_question_that_is_declined_goes_on_and_the_server_keeps_its_place(dnslet, https, authority):
    def handler(asked):
        return Http(400) if asked.name.startswith("bad") else with_address()(asked)
    first, second = https(handler), https(with_address("192.0.2.2"))
    client = dnslet(*to(first, second, ca=authority.root))
    for _ in range(3):
        for i in range(4):
            assert data(client.query(f"bad{i}.test")) == ["192.0.2.2"]
        assert data(client.query("good.test")) == ["192.0.2.1"]
    assert not client.log("put behind")
    for i in range(6):
        assert data(client.query(f"bad{i}.test")) == ["192.0.2.2"]
    client.wait_log("put behind the others")
    assert data(client.query("good.test")) == ["192.0.2.2"]


def test_a_declined_question_of_the_only_server_fails(dnslet, https, authority):
    server = https(lambda _: Http(403))
    client = dnslet(*to(server, ca=authority.root))
    for i in range(8):
        assert client.query(f"n{i}.test").rcode() == SERVFAIL
    assert len(server.requests) == 8


@pytest.mark.parametrize("status, after", [(429, "2"), (503, "2"), (503, "99999999999")])
def test_retry_after_is_kept(dnslet, https, authority, status, after):
    state = {"busy": True}

    def handler(asked):
        return Http(status, b"", {"retry-after": after}) if state["busy"] else with_address()(asked)
    first, second = https(handler), https(with_address("192.0.2.2"))
    client = dnslet(*to(first, second, ca=authority.root))
    assert data(client.query("a.test")) == ["192.0.2.2"]
    state["busy"], since = False, monotonic()
    while monotonic() < since + 1.7:
        assert data(client.query("b.test")) == ["192.0.2.2"]
        sleep(0.05)
    assert len(first.requests) == 1
    client.wait_log(f"it is left alone for {min(int(after), 60)} s")
    if int(after) > 2:
        return
    sleep(0.5)
    for i in range(3):
        client.query(f"c{i}.test")
        sleep(0.1)
    assert data(client.query("d.test")) == ["192.0.2.1"]


def test_the_only_server_is_left_alone_for_five_seconds_at_most(dnslet, https, authority):
    state = {"busy": True}

    def handler(asked):
        return Http(429, b"", {"retry-after": "3600"}) if state["busy"] else with_address()(asked)
    server = https(handler)
    client = dnslet(*to(server, ca=authority.root))
    assert client.query("a.test").rcode() == SERVFAIL
    state["busy"], since = False, monotonic()
    assert client.query("b.test").rcode() == SERVFAIL
    assert len(server.requests) == 1
    while client.query("c.test").rcode() == SERVFAIL:
        assert monotonic() < since + 6
        sleep(0.1)
    assert monotonic() > since + 4.5


@pytest.mark.parametrize("body", [b"", b"\0" * 11, b"<html>not a message</html>", b"\0" * 65535],
                         ids=["empty", "short", "text", "zeros"])
def test_a_body_that_is_no_answer_is_a_failure(dnslet, https, authority, body):
    bad, good = https(lambda _: Http(200, body)), https(with_address("192.0.2.2"))
    client = dnslet(*to(bad, good, ca=authority.root))
    assert data(client.query("a.test")) == ["192.0.2.2"]
    client.wait_log("its answer is none to the question")


@pytest.mark.parametrize("told", [True, False], ids=["length told", "length not told"])
def test_a_body_that_is_too_long_ends_soon(dnslet, https, authority, told):
    bad = https(lambda _: Http(200, b"\0" * 70000, {} if told else {"content-length": None}))
    good = https(with_address("192.0.2.2"))
    client = dnslet(*to(bad, good, ca=authority.root))
    client.query("warm.test")
    sleep(1.1)
    since = monotonic()
    assert data(client.query("a.test")) == ["192.0.2.2"]
    assert monotonic() - since < 0.3
    client.wait_log("more than 65,535 bytes")


def test_what_the_body_is_called_does_not_matter(dnslet, https, authority):
    server = https(lambda asked: Http(200, with_address()(asked), {"content-type": "text/html"}))
    client = dnslet(*to(server, ca=authority.root))
    assert data(client.query("a.test")) == ["192.0.2.1"]


def test_a_large_answer_comes_whole(dnslet, https, authority):
    server = https(lambda asked: asked.answer(*(f"{asked.name} 60 IN A 10.0.{i // 256}.{i % 256}" for i in range(3900))))
    client = dnslet(*to(server, ca=authority.root))
    for i in range(20):
        assert len(data(client.query(f"n{i}.test", tcp=True))) == 3900
    assert server.accepted == 1


def test_another_id_or_question_is_no_answer(dnslet, https, authority):
    def other_id(asked):
        reply = with_address()(asked)
        reply.id = 7
        return reply

    def other_question(asked):
        reply = dns.message.make_response(dns.message.make_query("other.test", "A"))
        reply.id = 0
        return reply
    for handler in (other_id, other_question):
        bad, good = https(handler), https(with_address("192.0.2.2"))
        client = dnslet(*to(bad, good, ca=authority.root))
        assert data(client.query("a.test")) == ["192.0.2.2"]


@pytest.mark.parametrize("age, ttl", [("100", 200), ("301", 0), ("99999999999", 0), ("-1", 300), ("1 day", 300)])
def test_the_age_of_an_answer_counts(dnslet, https, authority, age, ttl):
    server = https(lambda asked: Http(200, with_address(ttl=300)(asked), {"age": age}))
    client = dnslet(*to(server, ca=authority.root))
    assert client.query("a.test").answer[0].ttl == ttl


@pytest.mark.parametrize("ending", [Reset(), CLOSE, Raw(b"no frame of anything" * 10)], ids=["reset", "close", "garbage"])
def test_who_breaks_off_every_time_has_failed(dnslet, https, authority, ending):
    bad, good = https(lambda _: ending), https(with_address("192.0.2.2"))
    client = dnslet(*to(bad, good, ca=authority.root))
    since = monotonic()
    assert data(client.query("a.test")) == ["192.0.2.2"]
    assert monotonic() - since < 0.7
    assert len(bad.requests) <= 2


def answer_all(client, count, seconds=PATIENCE, prefix="n"):
    """Asks all at once. Returns the seconds that they took."""
    with contextlib.ExitStack() as stack:
        askers = [stack.enter_context(UdpClient(client.address)) for _ in range(count)]
        since = monotonic()
        for i, asker in enumerate(askers):
            asker.send(question(f"{prefix}{i}.test"))
        for asker in askers:
            assert asker.receive(seconds).rcode() == NOERROR
        return monotonic() - since


def test_goaway_loses_nothing(dnslet, https, authority):
    count = {"n": 0}

    def handler(asked):
        count["n"] += 1
        reply = Later(0.05, with_address()(asked))
        return [GoAway(), reply] if count["n"] == 6 else reply
    server = https(handler)
    client = dnslet(*to(server, ca=authority.root))
    answer_all(client, 10)
    assert server.accepted == 2
    assert client.query("again.test").rcode() == NOERROR


def test_goaway_in_idleness_is_followed_by_a_fresh_connection(dnslet, https, authority):
    server = https(lambda asked: [GoAway(), with_address()(asked)])
    client = dnslet(*to(server, ca=authority.root))
    for i in range(5):
        assert client.query(f"n{i}.test").rcode() == NOERROR
    assert server.accepted == 5 and len(server.requests) == 5


@pytest.mark.parametrize("each", [1, 5])
def test_goaway_behind_every_few_answers_loses_nothing(dnslet, https, authority, each):
    """As servers do that end a connection after so many requests, or drain"""
    served = {}

    def handler(asked):
        served[asked.source] = served.get(asked.source, 0) + 1
        return [GoAway(), with_address()(asked)] if served[asked.source] == each else with_address()(asked)
    server = https(handler)
    client = dnslet(*to(server, ca=authority.root))
    answer_all(client, 12 if each == 1 else 30)
    assert SLOW or not client.log("put behind")


def test_who_sheds_load_for_a_moment_has_not_failed(dnslet, https, authority):
    until = {}

    def handler(asked):
        now = monotonic()
        return Reset(7) if now < until.setdefault("then", now + 0.03) else with_address()(asked)
    server = https(handler)
    client = dnslet(*to(server, ca=authority.root))
    answer_all(client, 20)
    assert SLOW or not client.log("put behind")


def test_a_limit_is_remembered_on_later_connections(dnslet, https, authority):
    server = https(lambda asked: [Later(0.005, with_address()(asked)), Later(0.01, CLOSE)], most=1)
    client = dnslet(*to(server, ca=authority.root))
    assert client.query("warm.test").rcode() == NOERROR
    refused = server.refused
    answer_all(client, 20)
    assert server.refused == refused


def test_connections_without_a_stream_are_left(dnslet, https, authority):
    server = https(most=0)
    client = dnslet(*to(server, ca=authority.root), "--upstream-retry", 300)
    with UdpClient(client.address) as asker:
        asker.send(question("a.test"))
        sleep(0.2)
        server.most = 100  # for new connections
        assert asker.receive(PATIENCE).rcode() == NOERROR


def test_servers_that_all_ask_to_be_left_alone_are_asked_after_five_seconds(dnslet, https, authority):
    state = {"busy": True}

    def handler(asked):
        return Http(429, b"", {"retry-after": "60"}) if state["busy"] else with_address()(asked)
    first, second = https(handler), https(handler)
    client = dnslet(*to(first, second, ca=authority.root))
    assert client.query("a.test").rcode() == SERVFAIL
    state["busy"], since = False, monotonic()
    while client.query("c.test").rcode() == SERVFAIL:
        assert monotonic() < since + 6
        sleep(0.1)
    assert monotonic() > since + 4.5


def test_a_body_that_is_cut_is_a_failure(dnslet, https, authority):
    bad = https(lambda asked: Http(200, with_address()(asked).to_wire()[:-16]))
    good = https(with_address("192.0.2.2"))
    client = dnslet(*to(bad, good, ca=authority.root))
    for i in range(3):
        assert data(client.query(f"n{i}.test")) == ["192.0.2.2"]
    assert len(bad.requests) == 1
    client.wait_log("its answer is none to the question")


def test_an_answer_that_breaks_the_rules_is_told_as_such(dnslet, https, authority):
    bad = https(lambda asked: Http(200, with_address()(asked), {"content-length": "7"}))
    client = dnslet(*to(bad, https(with_address("192.0.2.2")), ca=authority.root))
    assert data(client.query("a.test")) == ["192.0.2.2"]
    client.wait_log("its answer breaks the rules of HTTP")
    assert not client.log("it has reset a request")


def test_an_answer_may_come_before_the_request_is_sent(dnslet, https, authority):
    bad = https(early=Http(503, b"", {"retry-after": "30"}))
    client = dnslet(*to(bad, https(with_address("192.0.2.2")), ca=authority.root))
    since = monotonic()
    assert data(client.query("a.test")) == ["192.0.2.2"]
    assert monotonic() - since < 0.6
    client.wait_log("it is left alone for 30 s")


def test_a_server_that_answers_badly_is_not_looked_for_elsewhere(dnslet, https, upstream, authority):
    server, bootstrap = https(lambda _: Http(500)), upstream(with_address("127.0.0.1"))
    client = dnslet(*to(f"https://dns.test:{server.port}/dns-query", ca=authority.root), "--bootstrap", bootstrap.address)
    for i in range(12):
        assert client.query(f"n{i}.test").rcode() == SERVFAIL
        sleep(0.2)
    assert len(bootstrap.questions) <= 2


def test_explain_tells_what_has_failed(https, authority):
    server = https(lambda _: Http(503))
    told = run("--explain", "a.test", *to(server, ca=authority.root))
    assert told.returncode == 1
    assert f"{server.url('dns.test')} has failed, for the reason that the log tells" in told.stdout
    assert "HTTP status 503" in told.stderr


def resident(client):
    return int(Path(f"/proc/{client.process.pid}/statm").read_text().split()[1]) * 4096


def test_who_asks_without_end_and_does_not_read_takes_no_memory(dnslet, authority, certificate):
    """PING, 13 MB a second, whose answers are read slowly"""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    context.set_alpn_protocols(["h2"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/q#dns.test"
        client = dnslet(*to(url, ca=authority.root), "--address", "own.test=192.0.2.9", "--upstream-timeout", 10000)
        with UdpClient(client.address) as asker:
            asker.send(question("a.test"))
            plain, _ = listener.accept()
            with context.wrap_socket(plain, server_side=True) as flood, contextlib.suppress(OSError):
                flood.settimeout(1)
                flood.sendall(b"\0\0\0\4\0\0\0\0\0")
                before, until, read = resident(client), monotonic() + 3, monotonic()
                while monotonic() < until:
                    flood.sendall((b"\0\0\x08\6\0\0\0\0\0" + b"12345678") * 150)
                    if monotonic() - read > 0.2:
                        flood.recv(16384)
                        read = monotonic()
        assert resident(client) < before + (8 << 20)
        assert data(client.query("own.test", seconds=1)) == ["192.0.2.9"]

def test_who_looks_at_nothing_has_failed(dnslet, https, authority):
    bad, good = https(lambda _: Reset(7)), https(with_address("192.0.2.2"))
    client = dnslet(*to(bad, good, ca=authority.root))
    assert data(client.query("a.test")) == ["192.0.2.2"]
    assert 2 <= len(bad.requests) <= 5


def test_one_stream_at_a_time(dnslet, https, authority):
    server = https(lambda asked: Later(0.02, with_address()(asked)), most=1)
    client = dnslet(*to(server, ca=authority.root))
    client.query("warm.test")
    assert answer_all(client, 60) < 60 * 0.03 + 0.5
    assert server.accepted <= 3
    assert len({request.body for request in server.requests}) == 61


def test_one_stream_at_a_time_from_the_start(dnslet, https, authority):
    server = https(lambda asked: Later(0.02, with_address()(asked)), most=1)
    client = dnslet(*to(server, ca=authority.root))
    answer_all(client, 60)
    assert server.accepted <= 4


def test_no_stream_at_all_is_silence(dnslet, https, authority):
    bad, good = https(most=0), https(with_address("192.0.2.2"))
    client = dnslet(*to(bad, good, ca=authority.root), "--upstream-retry", 300)
    for i in range(3):
        assert data(client.query(f"n{i}.test")) == ["192.0.2.2"]
    assert bad.accepted <= 6


def test_all_kinds_of_options_have_servers_over_https(dnslet, https, upstream, authority):
    rest = upstream(with_address())
    one, two, three = (https(with_address(f"192.0.2.1{i}")) for i in (1, 2, 3))
    client = dnslet("--stubzones", f"stub.test,more.test/{one.url('dns.test')},{two.url('dns.test')}", "--server",
                    f"far={three.url('dns.test')}", "--rule", "zone:rule.test -> ask far", "--tls-ca", authority.root,
                    to=[rest])
    for name, answer in (("a.stub.test", "192.0.2.11"), ("a.rule.test", "192.0.2.13"), ("a.test", "192.0.2.1")):
        assert data(client.query(name)) == [answer]
    one.stop()
    assert data(client.query("b.stub.test")) == ["192.0.2.12"]


def test_a_name_is_resolved_and_verified(dnslet, https, upstream, authority):
    server = https()
    bootstrap = upstream(with_address("127.0.0.1"))
    client = dnslet(*to(f"https://dns.test:{server.port}/dns-query", ca=authority.root), "--bootstrap", bootstrap.address)
    assert data(client.query("a.test")) == ["192.0.2.1"]
    assert server.requests[0].headers[":authority"] == f"dns.test:{server.port}"


def test_an_address_is_its_own_authority(dnslet, https, authority):
    server = https()
    client = dnslet(*to(server.url(), ca=authority.root))
    assert data(client.query("a.test")) == ["192.0.2.1"]
    assert server.requests[0].headers[":authority"] == server.address
