# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Servers over TLS and HTTPS that misbehave: no client's question is lost where that can be helped,
and none waits longer than it has to. The same table for both."""

import contextlib
import shutil
import subprocess
import threading
from time import monotonic, sleep

import pytest
from basics import PATIENCE, wait_until
from clients import UdpClient, question
from fake_upstream import CLOSE, RESET, Later, Raw, silent, with_address
from harness import SLOW, data, run
from https_server import HttpsUpstream
from namespaces import PATH, skip
from tls_server import TlsUpstream

NOERROR = 0


@pytest.fixture(params=[TlsUpstream, HttpsUpstream], ids=["tls", "https"])
def server(request, certificate):
    """server(handler, …) → a running server of this kind"""
    with contextlib.ExitStack() as stack:
        yield lambda handler=with_address(), **how: stack.enter_context(request.param(handler, certificate, **how))


@pytest.fixture
def asker(dnslet, authority):
    """asker(servers…) → a dnslet that asks these"""
    return lambda *servers, flags=(): dnslet("--nameservers", ",".join(one.url("dns.test") for one in servers),
                                             "--tls-ca", authority.root, *flags)


class Burst:
    """Questions that leave at once; `times` has when each was answered, since then."""

    def __init__(self, client, count, prefix="n", between=0.0):
        self.times = []
        with contextlib.ExitStack() as stack:
            askers = [stack.enter_context(UdpClient(client.address)) for _ in range(count)]
            began = []
            for i, one in enumerate(askers):
                began.append(monotonic())
                one.send(question(f"{prefix}{i}.test"))
                if between:
                    sleep(between)
            for one, since in zip(askers, began):
                assert one.receive(PATIENCE).rcode() == NOERROR
                self.times.append(monotonic() - since)


def times_asked(one):
    names = [asked.name for asked in one.questions]
    return {name: names.count(name) for name in names}


def test_many_at_once_share_a_connection(server, asker):
    one = server(lambda asked: Later(0.02, with_address()(asked)))
    one.most = 250  # streams of HTTP/2
    burst = Burst(asker(one), 200)
    assert one.accepted == 1
    assert max(burst.times) < (1 if not SLOW else 10)


@pytest.mark.parametrize("ending", [CLOSE, RESET], ids=["close", "reset"])
def test_who_ends_after_each_answer_loses_none(server, asker, ending):
    one = server(lambda asked: [with_address()(asked), ending])
    Burst(asker(one), 30)
    # An end without a word takes longer to be told from one that follows an answer.
    assert max(times_asked(one).values()) <= (3 if ending is CLOSE else 6)


def test_a_reset_with_many_outstanding_loses_none(server, asker):
    state = {"count": 0}

    def handler(asked):
        state["count"] += 1
        return RESET if state["count"] == 100 else Later(0.05, with_address()(asked))
    one = server(handler)
    client = asker(one)
    burst = Burst(client, 100)
    assert max(burst.times) < (0.6 if not SLOW else 5)
    assert one.accepted == 2


def test_a_path_that_is_dead_is_left_for_a_fresh_connection(server, asker, world):
    if not shutil.which("nft", path=PATH):
        skip("no nft (package nftables)")
    with world.inside():
        one = server()
        client = asker(one, flags=["--verbose"])
        with UdpClient(client.address) as plain:
            plain.send(question("warm.test"))
            assert plain.receive().rcode() == NOERROR
            drop(one.questions[-1].port)
            since = monotonic()
            plain.send(question("a.test"))
            assert plain.receive().rcode() == NOERROR
            took = monotonic() - since
        client.stop()
    assert 0.25 < took < (0.4 if not SLOW else 2), took
    assert one.accepted == 2
    assert not client.log("put behind")


def drop(port):
    """Nothing passes any more to and from this TCP port of the own network."""
    rules = "add table ip t; add chain ip t c { type filter hook input priority 0; };"
    rules += f"add rule ip t c tcp sport {port} drop; add rule ip t c tcp dport {port} drop"
    done = subprocess.run(["nft", rules], capture_output=True, text=True, env={"PATH": PATH}, check=False)
    if done.returncode != 0:
        skip(f"no nftables here: {done.stderr}")


def test_who_is_down_for_a_while_answers_all_when_it_is_back(server, asker):
    one = server(lambda asked: None if asked.name.startswith("n") else with_address()(asked))
    client = asker(one)
    client.query("warm.test")

    def restart():
        one.wait_asked(21)
        one.stop()
        one.handler = with_address()
        sleep(1)
        one.start()
    beside = threading.Thread(target=restart)
    beside.start()
    burst = Burst(client, 20)
    beside.join()
    assert max(burst.times) < (2.5 if not SLOW else 4)


def test_silence_costs_the_first_question_alone(server, asker):
    first, second = server(silent), server(with_address("192.0.2.2"))
    client = asker(first, second, flags=["--upstream-retry", 300])
    since = monotonic()
    assert data(client.query("a.test")) == ["192.0.2.2"]
    assert 0.25 < monotonic() - since < (0.5 if not SLOW else 3)
    for i in range(5):
        since = monotonic()
        assert data(client.query(f"n{i}.test")) == ["192.0.2.2"]
        assert monotonic() - since < (0.1 if not SLOW else 2)


def test_slow_answers_do_not_end_the_connection(server, asker):
    one = server(lambda asked: Later(1.5, with_address()(asked)))
    Burst(asker(one), 10, between=0.05)
    assert one.accepted <= 2 and len(one.questions) <= 20


def test_a_slow_server_is_not_taken_for_a_dead_path(server, asker):
    """A question is written while an older one has no answer yet, as the path is looked at"""
    for wait in (0.35, 0.4, 0.45):
        one = server(lambda asked: Later(0.7, with_address()(asked)))
        client = asker(one, flags=["--upstream-retry", 3000])
        Burst(client, 3, between=wait)
        assert one.accepted == 1 and max(times_asked(one).values()) == 1
        client.stop()


def test_a_handshake_that_takes_its_time_is_waited_for(server, asker):
    """The server takes a connection 1.2 s after it has come."""
    one = server()
    accept = one._accept

    def take():
        accept()
        one.loop.add_reader(one.tcp, wait)

    def wait():
        one.loop.remove_reader(one.tcp)
        one.loop.call_later(1.2, take)
    one.loop.call_soon_threadsafe(lambda: one.loop.add_reader(one.tcp, wait))
    sleep(0.1)
    burst = Burst(asker(one), 3)
    assert 1 < max(burst.times) < (1.5 if not SLOW else 6)
    sleep(1.5)
    assert max(times_asked(one).values()) <= 2  # again after --upstream-retry
    assert one.accepted <= 2  # contract 10: one more beside it at most


def test_a_quarter_of_a_minute_without_questions_ends_no_connection(dnslet, authority, certificate):
    with TlsUpstream(with_address(), certificate) as tls, HttpsUpstream(with_address(), certificate) as https:
        clients = [dnslet("--nameservers", one.url("dns.test"), "--tls-ca", authority.root) for one in (tls, https)]
        for client in clients:
            assert client.query("a.test").rcode() == NOERROR
        sleep(15)
        for client, one in zip(clients, (tls, https)):
            since = monotonic()
            assert client.query("b.test").rcode() == NOERROR
            assert monotonic() - since < (0.02 if not SLOW else 1)
            assert one.accepted == 1


def test_the_right_answer_comes_behind_others(server, asker):
    def handler(asked):
        wrong = with_address("192.0.2.66")(asked)
        wrong.id ^= 1
        right = with_address()(asked)
        return [wrong, right, right] if asked.transport == "tcp" else right
    one = server(handler)
    client = asker(one)
    for i in range(10):
        assert data(client.query(f"n{i}.test")) == ["192.0.2.1"]
    assert one.accepted == 1


@pytest.mark.parametrize("lie", [b"", b"\0\1x", b"\xff\xff" + b"x" * 20, b"HTTP/1.1 400 Bad Request\r\n\r\n"],
                         ids=["end", "short", "long", "text"])
def test_a_lie_and_an_end_lead_to_the_next_server(server, asker, lie):
    bad, good = server(lambda _: [Raw(lie), CLOSE] if lie else CLOSE), server(with_address("192.0.2.2"))
    client = asker(bad, good)
    for i in range(5):
        since = monotonic()
        assert data(client.query(f"n{i}.test")) == ["192.0.2.2"]
        assert monotonic() - since < (0.3 if not SLOW else 3)


@pytest.mark.parametrize("ending", [CLOSE, RESET], ids=["close", "reset"])
def test_explain_tells_of_a_server_that_breaks_off(server, authority, ending):
    one = server(lambda _: ending)
    for _ in range(4):
        told = run("--explain", "a.test", "--nameservers", one.url("dns.test"), "--tls-ca", authority.root)
        assert told.returncode == 1, told
        assert f"{one.url('dns.test')} can't be reached" in told.stdout


def test_an_idle_connection_that_was_closed_is_no_loss(server, asker):
    one = server()
    client = asker(one)
    for i in range(5):
        assert client.query(f"n{i}.test").rcode() == NOERROR
        one.loop.call_soon_threadsafe(lambda: [one._close(connection) for connection in list(one.connections)])
        wait_until(lambda: not one.connections, "the connections to end")
    assert max(times_asked(one).values()) == 1


def test_tc_of_the_only_server_is_handed_on_and_not_kept(server, asker):
    one = server(lambda asked: asked.answer(f"{asked.name} 60 IN A 192.0.2.1", tc=True))
    client = asker(one, flags=["--rcache", 100])
    for _ in range(2):
        client.query("a.test", tcp=True)
    assert len(one.questions) == 2
    assert not client.log("put behind")


def test_tc_leads_to_the_next_server(server, asker):
    cut = server(lambda asked: asked.answer(f"{asked.name} 60 IN A 192.0.2.1", tc=True))
    client = asker(cut, server(with_address("192.0.2.2")))
    for i in range(3):
        assert data(client.query(f"n{i}.test")) == ["192.0.2.2"]
    assert len(cut.questions) == 3
