# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Servers over TLS (RFC 7858): asked as any other server, and only where their certificate holds."""

import contextlib
import re
import signal
import socket
import ssl
from time import sleep, time

import dns.message
import pytest
from basics import PATIENCE, free_port, wait_until
from clients import UdpClient, ask_at_once, question
from elf import is_static
from fake_upstream import CLOSE, RESET, Later, Raw, silent, with_address
from harness import SLOW, command, data, run, to
from metrics import get, parse
from tls_server import FAKETIME, HAS_TLS, Authority, TlsUpstream

NOERROR, SERVFAIL = 0, 2
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.mark.skipif(HAS_TLS, reason="this variant has TLS")
@pytest.mark.parametrize("flags", [["--nameservers", "tls://192.0.2.1"], ["--tls-ca", "/dev/null"],
                                   ["--tls-pin", "dns.test=" + "A" * 43 + "="]])
def test_the_other_variant_is_named(flags):
    ended = run("--print-config", *flags)
    assert ended.returncode == 2
    assert ended.stderr.endswith("which the variant dnslet-min does not have; dnslet has it\n")


@pytest.fixture
def tls(certificate):
    """tls(handler, certificate, …) → a running TlsUpstream"""
    with contextlib.ExitStack() as stack:
        yield lambda handler=with_address(), shown=certificate, **how: stack.enter_context(
            TlsUpstream(handler, shown, **how))


def plain_questions(server):
    return [question for question in server.questions if question.transport == "udp"]


@pytest.mark.parametrize("key", ["rsa", "p256", "p384", "ed25519"])
@pytest.mark.parametrize("version", [V12, V13], ids=["1.2", "1.3"])
@pytest.mark.parametrize("name", ["dns.test", None], ids=["name", "address"])
def test_what_holds_is_asked(dnslet, tls, authority, key, version, name):
    server = tls(shown=authority.issue("other.test", "dns.test", "127.0.0.1", key=key), versions=(version, version))
    client = dnslet(*to(server.url(name), ca=authority.root))
    for i in range(20):
        assert data(client.query(f"n{i}.test")) == ["192.0.2.1"]
    assert server.accepted == 1 and server.names == [name]
    assert not plain_questions(server)


REFUSED = {
    "wrong name": (dict(names=["other.test", "192.0.2.9"]), "dns.test",
                   "its certificate is for other.test, 192.0.2.9, not for dns.test"),
    "address not in it": (dict(names=["dns.test"]), None, "its certificate is for dns.test, not for 127.0.0.1"),
    "part of a name": (dict(names=["d*.test"]), "dns.test", "not for dns.test"),
    "expired": (dict(names=["dns.test"], day=-200), "dns.test", r"its certificate ended on \d{4}-\d\d-\d\d \d\d:\d\d UTC; "
                r"the clock here says"),
    "not yet valid": (dict(names=["dns.test"], day=30), "dns.test", "its certificate holds from .* on; the clock here"),
    "self-signed": (dict(names=["dns.test"], alone=True), "dns.test", "self.signed certificate"),
    "no name": (dict(names=[]), "dns.test", "its certificate is for no name, not for dns.test"),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("version", [V12, V13], ids=["1.2", "1.3"])
def test_what_does_not_hold_gets_no_question_in_any_form(dnslet, tls, authority, kind, version):
    how, name, reason = REFUSED[kind]
    if "day" in how and not FAKETIME:
        pytest.skip("no libfaketime")
    how = dict(how)
    shown = authority.issue(*how.pop("names"), **how)
    bad, good = tls(shown=shown, versions=(version, version)), tls(with_address("192.0.2.2"))
    client = dnslet(*to(bad.url(name), ca=authority.root))
    assert client.query("a.test").rcode() == SERVFAIL
    line = client.wait_log("no TLS with the server")
    assert f"server={bad.url(name)}" in line
    assert client.log(f"no TLS with the server.*{reason}"), line
    client.stop()
    client = dnslet(*to(bad.url(name), good.url("dns.test"), ca=authority.root))
    assert data(client.query("a.test")) == ["192.0.2.2"]
    assert not bad.questions


def test_an_unknown_root_does_not_hold(dnslet, tls, authority, tmp_path):
    server = tls(shown=Authority(tmp_path, "stranger").issue("dns.test"))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    assert client.query("a.test").rcode() == SERVFAIL
    client.wait_log("unable to get local issuer certificate")
    assert not server.questions


@pytest.mark.skipif(not FAKETIME or SLOW or is_static(command()[-1]),
                    reason="libfaketime goes into no static program, nor beside a sanitizer")
def test_a_clock_that_is_behind_is_told(dnslet, tls, authority, certificate):
    server = tls()
    client = dnslet(*to(server.url("dns.test"), ca=authority.root),
                    env={"LD_PRELOAD": str(FAKETIME[0]), "FAKETIME": "-400d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    assert client.query("a.test").rcode() == SERVFAIL
    client.wait_log("its certificate holds from .*; the clock here says")
    assert not server.questions


def test_a_key_that_is_pinned_is_enough_and_another_is_not(dnslet, tls, authority):
    shown = authority.issue("other.test", alone=True, **({"day": -200} if FAKETIME else {}))
    server = tls(shown=shown)
    pin = f"dns.test={shown.pin}"
    client = dnslet(*to(server.url("dns.test")), "--tls-pin", pin, env={"SSL_CERT_FILE": "/nowhere"})
    assert data(client.query("a.test")) == ["192.0.2.1"]
    other = authority.issue("dns.test")
    client = dnslet(*to(server.url("dns.test")), "--tls-pin", f"DNS.test={other.pin}", "--tls-pin", pin)
    assert data(client.query("a.test")) == ["192.0.2.1"]
    good = tls()
    client = dnslet(*to(good.url("dns.test"), ca=authority.root), "--tls-pin", f"dns.test={other.pin}")
    assert client.query("a.test").rcode() == SERVFAIL
    client.wait_log(r"its key is none of --tls-pin \(DNSMASQ_TLS_PIN\): [A-Za-z0-9+/]{43}=")
    assert not good.questions


def test_a_server_that_speaks_no_tls_gets_no_question(dnslet, upstream, authority):
    plain = upstream(with_address())
    client = dnslet(*to(f"tls://{plain.address}#dns.test", ca=authority.root))
    assert client.query("a.test").rcode() == SERVFAIL
    assert not plain.questions


def test_questions_are_padded_and_share_connection_and_write(dnslet, tls, authority):
    server = tls()
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    for name in ("a.test", "b" * 60 + ".test", ".".join(["c" * 50] * 4) + ".test"):
        client.query(name)
    for question in server.questions:
        assert len(question.wire) % 128 == 0
        options = {option.otype: option for option in question.message.options}
        assert {int(kind) for kind in options} == {11, 12}


def test_sessions_are_resumed(dnslet, tls, authority):
    for version in (V12, V13):
        server = tls(lambda question: [with_address()(question), CLOSE], versions=(version, version))
        client = dnslet(*to(server.url("dns.test"), ca=authority.root))
        for i in range(6):
            assert client.query(f"n{i}.test").rcode() == NOERROR
            sleep(0.1)
        assert server.handshakes[0] is False
        assert server.handshakes.count(True) >= 5


@pytest.mark.parametrize("ending", [CLOSE, RESET], ids=["close", "reset"])
def test_a_server_that_ends_after_each_answer_loses_no_question(dnslet, tls, authority, ending):
    server = tls(lambda question: [with_address()(question), ending])
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    for i in range(30):
        assert client.query(f"n{i}.test").rcode() == NOERROR


def test_silence_is_covered_by_the_next_server(dnslet, tls, authority):
    first, second = tls(silent), tls(with_address("192.0.2.2"))
    client = dnslet(*to(first.url("dns.test"), second.url("dns.test"), ca=authority.root), "--upstream-retry", 300)
    assert data(client.query("a.test")) == ["192.0.2.2"]
    assert data(client.query("b.test", seconds=0.25)) == ["192.0.2.2"]


def test_a_slow_answer_does_not_end_the_connection(dnslet, tls, authority):
    server = tls(lambda question: Later(1.2, with_address()(question)))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    assert client.query("a.test").rcode() == NOERROR
    assert client.query("b.test").rcode() == NOERROR
    assert len(server.handshakes) <= 3


def test_a_name_is_resolved_and_verified(dnslet, tls, upstream, authority):
    server = tls()
    bootstrap = upstream(lambda question: with_address("127.0.0.1")(question))
    client = dnslet(*to(f"tls://dns.test:{server.port}", ca=authority.root), "--bootstrap", bootstrap.address)
    assert data(client.query("a.test")) == ["192.0.2.1"]
    assert server.names == ["dns.test"]
    assert {question.name for question in bootstrap.questions} == {"dns.test."}


def test_zones_sets_and_rules_have_servers_over_tls(dnslet, tls, upstream, authority):
    rest, one, two = upstream(with_address()), tls(with_address("192.0.2.11")), tls(with_address("192.0.2.12"))
    client = dnslet("--stubzones", f"stub.test/{one.url('dns.test')}", "--server", f"far={two.url('dns.test')}",
                    "--rule", "zone:rule.test -> ask far", "--tls-ca", authority.root, to=[rest])
    for name, answer in (("a.stub.test", "192.0.2.11"), ("a.rule.test", "192.0.2.12"), ("a.test", "192.0.2.1")):
        assert data(client.query(name)) == [answer]


def test_rules_of_a_file_bring_servers_over_tls_later(dnslet, tls, upstream, authority, tmp_path):
    rest, far = upstream(with_address()), tls(with_address("192.0.2.12"))
    rules = tmp_path / "rules"
    rules.write_text("zone:none.test -> block\n")
    client = dnslet("--rule", f"@{rules}", "--tls-ca", authority.root, to=[rest])
    rules.write_text(f"zone:rule.test -> ask {far.url('dns.test')}\n")
    client.send_signal(signal.SIGHUP)
    client.wait_log("reloaded")
    assert data(client.query("a.rule.test")) == ["192.0.2.12"]


def test_roots_are_read_again_and_stay_where_they_can_not(dnslet, tls, authority, tmp_path):
    server = tls(lambda question: [with_address()(question), CLOSE])
    roots = tmp_path / "roots.pem"
    roots.write_bytes(Authority(tmp_path, "other").root.read_bytes())
    client = dnslet(*to(server.url("dns.test"), ca=roots))
    assert client.query("a.test").rcode() == SERVFAIL
    roots.write_bytes(roots.read_bytes() + authority.root.read_bytes())
    client.send_signal(signal.SIGHUP)
    client.wait_log("reloaded")
    assert client.query("b.test").rcode() == NOERROR
    roots.write_text("nothing")
    client.send_signal(signal.SIGHUP)
    client.wait_log("holds no certificate in PEM form; the certificates that were read before stay")
    assert client.query("c.test").rcode() == NOERROR
    roots.write_bytes((tmp_path / "other.pem").read_bytes())
    client.send_signal(signal.SIGHUP)
    wait_until(lambda: len(client.log("reloaded")) == 3, "a third reload")
    sleep(0.1)
    # What was trusted once is not resumed either.
    assert client.query("d.test").rcode() == SERVFAIL


@pytest.mark.skipif(not HAS_TLS, reason="this variant has no TLS")
@pytest.mark.parametrize("flags, env, said", [
    (["--tls-ca", "/nowhere/ca.pem"], {}, "--tls-ca (DNSMASQ_TLS_CA): cannot read '/nowhere/ca.pem'"),
    ([], {"SSL_CERT_FILE": "/nowhere/ca.pem"}, "dnslet: SSL_CERT_FILE: cannot read '/nowhere/ca.pem'"),
    (["--tls-ca", "/dev/null"], {}, "/dev/null"),
    (["--tls-ca", __file__], {}, "holds no certificate in PEM form"),
    (["--tls-pin", "dns.test"], {}, "44 characters"),
    (["--tls-pin", "dns.test=AAAA"], {}, "44 characters"),
    (["--tls-pin", "a b=" + "A" * 43 + "="], {}, "44 characters"),
    (["--tls-pin", "dns.test=" + "A" * 42 + "B="], {}, "44 characters"),
])
def test_roots_and_pins_that_can_not_be_read_are_told_at_the_start(flags, env, said):
    ended = run("--listen", "127.0.0.1:0", "--nameservers", "tls://192.0.2.1", *flags, env=env)
    assert ended.returncode == 2 and said in ended.stderr, ended.stderr


def test_no_roots_are_read_where_nobody_needs_them(dnslet, upstream):
    client = dnslet(env={"SSL_CERT_FILE": "/nowhere"}, to=[upstream(with_address())])
    assert data(client.query("a.test")) == ["192.0.2.1"]


@pytest.mark.parametrize("url", ["tls://192.0.2.1#", "tls://192.0.2.1#a b", "tls://192.0.2.1:0", "tls://#a.test",
                                 "udp://192.0.2.1#a.test", "tls://192.0.2.1:853#a.test:853", "tls://192.0.2.1/a"])
def test_what_is_no_server_is_refused(url):
    ended = run("--print-config", "--nameservers", url)
    assert ended.returncode == 2 and "192.0.2.1" in ended.stderr or "#a.test" in ended.stderr


def test_a_server_is_told_as_it_is_written(dnslet, tls, authority):
    server = tls()
    client = dnslet("--verbose", *to(server.url("dns.test"), ca=authority.root))
    client.query("a.test")
    client.wait_log(f"via={server.url('dns.test')}")
    assert client.log(f"nameservers {server.url('dns.test')}")


def test_handshakes_are_counted(dnslet, tls, authority):
    server, bad = tls(lambda question: [with_address()(question), CLOSE]), tls(shown=authority.issue("other.test"))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root), "--metrics", "127.0.0.1:0",
                    "--stubzones", f"bad.test/{bad.url('dns.test')}")
    for i in range(4):
        client.query(f"n{i}.test")
        sleep(0.1)
    assert client.query("a.bad.test").rcode() == SERVFAIL
    metrics = parse(get(client)[1])
    counted = {dict(labels)["result"]: value for (name, *labels), value in metrics.items()
               if name == "dnslet_upstream_tls_handshakes_total" and dict(labels)["server"] == server.url("dns.test")}
    assert counted["full"] == 1 and counted["resumed"] >= 3 and counted["failed"] == 0
    failed = [value for (name, *labels), value in metrics.items()
              if name == "dnslet_upstream_tls_handshakes_total" and dict(labels)["result"] == "failed"]
    assert sum(failed) >= 1
    ends = [value for (name, *labels), value in metrics.items() if name == "dnslet_upstream_certificate_end_seconds"]
    assert sorted(value > time() + 80 * 86400 for value in ends) == [False, True]


def test_one_connection_carries_what_comes_at_once(dnslet, tls, authority):
    server = tls(lambda question: Later(0.05, with_address()(question)))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    assert all(answer.rcode() == NOERROR for answer in ask_at_once(client.address, 150))
    assert server.accepted == 1


def test_what_a_reset_has_lost_is_asked_again(dnslet, tls, authority):
    asked = []

    def once(one):
        asked.append(one)
        return None if len(asked) < 100 else RESET if len(asked) == 100 else with_address()(one)
    server = tls(once)
    client = dnslet(*to(server.url("dns.test"), ca=authority.root), "--upstream-retry", 2000)
    assert all(answer.rcode() == NOERROR for answer in ask_at_once(client.address, 100))


def test_a_server_that_goes_away_for_a_second_answers_all_then(dnslet, tls, authority):
    server = tls(silent)
    client = dnslet(*to(server.url("dns.test"), ca=authority.root), "--upstream-retry", 3000)
    with UdpClient(client.address) as asker:
        for i in range(20):
            asker.send(question(f"n{i}.test"))
        server.wait_asked(20)
        server.stop()
        sleep(1)
        server.handler = with_address()
        server.start()
        answers = [asker.receive(PATIENCE) for _ in range(20)]
    assert all(answer.rcode() == NOERROR for answer in answers)


@pytest.mark.parametrize("fault", ["wrong id", "wrong name", "wrong type", "twice", "half", "long", "short"])
def test_an_answer_that_fits_nothing_counts_for_none(dnslet, tls, authority, fault):
    def lie(asked):
        right = with_address()(asked)
        wire = right.to_wire()
        other = with_address("192.0.2.66")(asked)
        if fault == "wrong id":
            other.id ^= 1
            return [other, right]
        if fault == "wrong name":
            other.question = dns.message.make_query("other.test", "A").question
            return [other, right]
        if fault == "wrong type":
            other.question = dns.message.make_query(asked.name, "AAAA").question
            return [other, right]
        if fault == "twice":
            return [right, right]
        if fault == "half":
            return [Raw(len(wire).to_bytes(2, "big") + wire[:20]), CLOSE]
        if fault == "long":
            return [Raw((len(wire) + 1).to_bytes(2, "big") + wire), CLOSE]
        return [Raw(b"\0\3abc")]
    liar, honest = tls(lie), tls(with_address())
    client = dnslet(*to(liar.url("dns.test"), honest.url("dns.test"), ca=authority.root), "--upstream-retry", 300)
    for i in range(10):
        assert data(client.query(f"n{i}.test")) == ["192.0.2.1"]


@pytest.mark.parametrize("days, is_soon", [(10, True), (20, False)])
def test_the_end_of_a_certificate_is_told_14_days_before(dnslet, tls, authority, days, is_soon):
    server = tls(shown=authority.issue("dns.test", days=days))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    assert client.query("a.test").rcode() == NOERROR
    found = client.log("the certificate of the server ends soon")
    assert bool(found) == is_soon
    assert not found or re.search(rf"server={re.escape(server.url('dns.test'))} days={days - 1}$", found[0])


def test_explain_tells_the_handshake(tls, authority):
    server = tls()
    ended = run("--explain", "a.test", *to(server.url("dns.test"), ca=authority.root))
    assert re.search(rf"^ +[\d.]+ ms {re.escape(server.url('dns.test'))} is connected: TLSv1.3, full handshake of [\d.]+ ms$",
                     ended.stdout, re.M), ended.stdout
    bad = tls(shown=authority.issue("other.test"))
    ended = run("--explain", "a.test", *to(bad.url("dns.test"), ca=authority.root))
    assert "its certificate is for other.test, not for dns.test" in ended.stderr


def test_the_subject_of_a_certificate_is_no_name(dnslet, tls, authority):
    for names in ([], ["192.0.2.9"]):
        server = tls(shown=authority.issue(*names, subject="dns.test"))
        client = dnslet(*to(server.url("dns.test"), ca=authority.root))
        assert client.query("a.test").rcode() == SERVFAIL
        assert not server.questions


def test_a_name_whose_first_address_is_another_servers_is_asked_at_the_next(dnslet, tls, upstream, authority):
    port = free_port()
    bad = tls(shown=authority.issue("other.test"), host="127.0.0.2", port=port)
    good = tls(host="127.0.0.3", port=port)
    bootstrap = upstream(lambda asked: asked.answer("dns.test. 60 IN A 127.0.0.2", "dns.test. 60 IN A 127.0.0.3")
                         if asked.type == "A" else asked.nodata())
    client = dnslet(*to(f"tls://dns.test:{port}", ca=authority.root), "--bootstrap", bootstrap.address)
    assert [client.query(f"n{i}.test").rcode() for i in range(3)] == [NOERROR] * 3
    assert good.questions and not bad.questions


def test_a_bad_certificate_costs_few_handshakes(dnslet, tls, authority):
    server = tls(shown=authority.issue("other.test"))
    client = dnslet(*to(server.url("dns.test"), ca=authority.root))
    until = time() + 1
    while time() < until:
        assert client.query("a.test").rcode() == SERVFAIL
    assert server.accepted <= 8


def test_a_handshake_without_an_end_is_told(dnslet, authority):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"tls://127.0.0.1:{mute.getsockname()[1]}#dns.test"
        client = dnslet(*to(address, ca=authority.root), "--upstream-timeout", 300)
        assert client.query("a.test").rcode() == SERVFAIL
        client.wait_log("no TLS with the server.*the handshake has come to no end")


@pytest.mark.parametrize("flood", [b"\x16\3\3\0\4\0\0\0\0", b"\x14\3\3\0\1\1", b"\x15\3\3\0\2\1\x5a"],
                         ids=["hello requests", "cipher specs", "warnings"])
def test_who_talks_without_end_holds_nobody(dnslet, authority, flood):
    with socket.create_server(("127.0.0.1", 0)) as talker:
        address = f"tls://127.0.0.1:{talker.getsockname()[1]}#dns.test"
        client = dnslet(*to(address, ca=authority.root), "--address", "own.test=192.0.2.9", "--upstream-timeout", 2000)
        with UdpClient(client.address) as asker:
            asker.send(question("a.test"))
            connection, _ = talker.accept()
            connection.settimeout(1)
            connection.recv(65536)
            with contextlib.suppress(OSError):
                for _ in range(200):
                    connection.sendall(flood * 20000)
                pytest.fail("nobody has ended it")
            assert data(client.query("own.test", seconds=0.5)) == ["192.0.2.9"]


def test_one_block_that_can_not_be_read_takes_no_other_root_along(dnslet, tls, authority, tmp_path):
    server, roots = tls(), tmp_path / "roots.pem"
    broken = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"
    roots.write_text(f"# roots\n{broken}{authority.root.read_text()}{broken}text\n")
    client = dnslet(*to(server.url("dns.test"), ca=roots))
    assert client.query("a.test").rcode() == NOERROR


def test_who_is_named_itself_needs_no_root(dnslet, tls, authority):
    shown = authority.issue("dns.test")
    client = dnslet(*to(tls(shown=shown).url("dns.test"), ca=shown.chain))
    assert client.query("a.test").rcode() == NOERROR


def test_threads_share_roots_that_are_read_again(dnslet, tls, authority):
    server = tls(lambda asked: [with_address()(asked), CLOSE] if asked.name.startswith("end") else with_address()(asked))
    client = dnslet("--threads", 4, *to(server.url("dns.test"), ca=authority.root))
    for turn in range(5):
        with contextlib.ExitStack() as stack:
            askers = [stack.enter_context(UdpClient(client.address)) for _ in range(20)]
            for i, asker in enumerate(askers):
                asker.send(question(f"{'end' if i % 5 == 0 else 'n'}{turn}-{i}.test"))
            client.send_signal(signal.SIGHUP)
            assert all(asker.receive(PATIENCE).rcode() == NOERROR for asker in askers)
