# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 13: clients over QUIC (RFC 9250)."""

import shutil
import signal
import subprocess

import dns.edns
import pytest
from fake_upstream import slow_is_late
from harness import PATIENCE, UdpClient, data, free_port, question, run, wait_until, with_address
from metrics import Scrape, wait_total
from quic_clients import NO_ERROR, NO_PROTOCOL, PROTOCOL_ERROR, UNSPECIFIED, QuicClient, in_doq
from tls_server import HAS_QUIC, HAS_TLS

HOSTS = "192.0.2.10 nas.test\n192.0.2.11 www.test\n"


def test_questions_over_quic_are_answered_in_one_connection(quic):
    server = quic("--no-rec", hosts=HOSTS)
    with QuicClient(server.quic) as client:
        assert client.opened == "open full doq"
        for name, address in (("nas.test", "192.0.2.10"), ("www.test", "192.0.2.11")) * 150:
            answer = client.look_up(name)
            assert (answer.id, data(answer)) == (0, [address])


def test_late_answers_over_quic_come_in_any_order(quic, upstream):
    server = quic(to=[upstream(slow_is_late(0.3))])
    with QuicClient(server.quic) as client:
        slow, fast = client.ask(question("slow.test")), client.ask(question("fast.test"))
        assert str(client.receive(fast).question[0].name) == "fast.test."
        assert client.read(slow, 0) == ["nothing"]
        assert str(client.receive(slow).question[0].name) == "slow.test."


def test_a_question_over_quic_may_come_in_pieces(quic):
    server = quic("--no-rec", hosts=HOSTS)
    with QuicClient(server.quic) as client:
        content = in_doq(question("nas.test"))
        stream = client.open(content[:1], fin=False)
        for byte in content[1:]:
            client.do("write", stream, bytes([byte]).hex())
        assert client.read(stream, 0.1) == ["nothing"], "it may ask for more than one"
        client.do("fin", stream)
        assert data(client.receive(stream)) == ["192.0.2.10"]


def test_an_answer_to_a_padded_question_is_padded_over_quic(quic):
    server = quic("--no-rec", hosts=HOSTS)
    padded = question("nas.test", edns=True)
    padded.pad = 128
    with QuicClient(server.quic) as client:
        assert len(client.receive_wire(client.ask(padded.to_wire()))) == 468
        assert len(client.receive_wire(client.ask(question("nas.test", edns=True)))) < 468, "not asked for"


def test_a_long_answer_comes_whole(quic, upstream):
    many = "".join(f"10.9.{i // 250}.{i % 250 + 1} many.test\n" for i in range(4000))
    server = quic("--no-rec", hosts=many)
    with QuicClient(server.quic) as client:
        answer = client.look_up("many.test")
        assert len(data(answer)) == 4000
        assert server.query("many.test", tcp=True).answer == answer.answer


def test_what_is_no_dns_message_is_answered_as_one(quic):
    server = quic("--no-rec")
    with QuicClient(server.quic) as client:
        header_only = bytes([0, 0, 1, 0, 0, 5, 0, 0, 0, 0, 0, 0])
        assert client.receive(client.open(in_doq(header_only))).rcode() == 1


WIRE = question("nas.test").to_wire()
KEEPALIVE = dns.edns.GenericOption(11, b"")
BROKEN = {"an ID": in_doq(WIRE, number=7), "two messages": in_doq(WIRE) * 2, "a length that is too long": b"\0\x40" + WIRE,
          "a length that is too short": b"\0\x10" + WIRE, "nothing": b"", "half a length": b"\0", "half a header": b"\0\x03abc",
          "edns-tcp-keepalive": in_doq(question("nas.test", edns=True, options=[KEEPALIVE]))}


@pytest.mark.parametrize("what", BROKEN)
def test_what_breaks_the_rules_ends_its_connection_alone(quic, what):
    server = quic("--no-rec", hosts=HOSTS)
    with QuicClient(server.quic) as other, QuicClient(server.quic) as client:
        client.open(BROKEN[what])
        assert client.end() == f"application {PROTOCOL_ERROR}"
        assert data(other.look_up("nas.test")) == ["192.0.2.10"]


def test_a_stream_of_one_direction_breaks_the_rules(quic):
    server = quic("--no-rec")
    with QuicClient(server.quic) as client:
        client.do("uni", 1)
        client.do("write", 1, "00")
        assert client.end() == f"application {PROTOCOL_ERROR}"


def test_who_does_not_speak_doq_is_refused(quic):
    server = quic("--no-rec", "--metrics=127.0.0.1:0")
    with QuicClient(server.quic, "h3") as client:
        # Where the client's hello fits into one packet, OpenSSL 3.5 says nothing: that is no handshake either.
        assert client.opened in (f"closed transport {NO_PROTOCOL}", "nothing")
        if client.opened != "nothing":
            wait_total(server, 1, "dnslet_client_tls_handshakes_total", result="failed")


def test_sessions_over_quic_are_resumed_also_at_another_thread(quic):
    server = quic("--no-rec", "--threads=3", "--metrics=127.0.0.1:0", hosts=HOSTS)
    with QuicClient(server.quic) as client:
        for _ in range(8):
            assert data(client.look_up("nas.test")) == ["192.0.2.10"]
            assert client.end(0.1) == "open", "time for what the session goes on by"
            assert client.reconnect() == "open resumed doq"
    wait_total(server, 8, "dnslet_client_tls_handshakes_total", result="resumed")
    wait_total(server, 1, "dnslet_client_tls_handshakes_total", result="full")


def test_an_idle_connection_over_quic_is_closed(quic):
    server = quic("--no-rec", "--tcp-idle-timeout=300", hosts=HOSTS)
    with QuicClient(server.quic) as client:
        client.look_up("nas.test")
        assert client.end() == f"application {NO_ERROR}"


def test_connections_over_quic_count_for_the_limit(quic):
    server = quic("--no-rec", "--max-tcp-clients=2", "--metrics=127.0.0.1:0", hosts=HOSTS)
    with QuicClient(server.quic) as first, QuicClient(server.quic), QuicClient(server.quic) as third:
        assert first.end() == f"application {NO_ERROR}"
        assert data(third.look_up("nas.test")) == ["192.0.2.10"]
        assert Scrape(server).total("dnslet_tcp_clients") == 2
        assert Scrape(server).total("dnslet_tcp_clients_closed_by_limit_total") == 1


def test_who_has_closed_is_forgotten_at_once(quic):
    server = quic("--no-rec", "--metrics=127.0.0.1:0")
    with QuicClient(server.quic) as client:
        assert client.look_up("nas.test").rcode() == 5
        assert Scrape(server).total("dnslet_tcp_clients") == 1
        assert client.end(0.1) == "open", "it has heard that the handshake is done"
    wait_total(server, 0, "dnslet_tcp_clients")


def test_the_log_rules_and_counters_know_quic(quic):
    port = free_port()
    server = quic("--verbose", "--no-rec", "--metrics=127.0.0.1:0", "--rule",
                  f"via:quic at:127.0.0.1:{port} -> answer 192.0.2.1 ; via:quic -> answer 192.0.2.2 ; * -> answer 192.0.2.3",
                  f"--listen=quic://127.0.0.1:{port}")
    with UdpClient(server.address) as plain, QuicClient(server.quic) as client, QuicClient(("127.0.0.1", port)) as other:
        plain.send(question("a.test"))
        assert data(plain.receive()) == ["192.0.2.3"]
        assert data(other.look_up("a.test")) == ["192.0.2.1"]
        assert data(client.look_up("a.test")) == ["192.0.2.2"]
    wait_until(lambda: sum("proto=quic" in line for line in server.lines) == 2, "two lines")
    assert Scrape(server).total("dnslet_questions_total", transport="quic", type="A") == 2


def test_who_may_not_ask_is_refused_over_quic_too(quic):
    server = quic("--no-rec", "--allow=192.0.2.0/24", hosts=HOSTS)
    with QuicClient(server.quic) as client:
        assert client.look_up("nas.test").rcode() == 5


def test_who_gets_no_answer_is_told(quic):
    server = quic("--no-rec", "--rule", "name:lost.test -> drop", hosts=HOSTS)
    with QuicClient(server.quic) as client:
        assert client.read(client.ask(question("lost.test")))[0] in ("reset", "closed")
        assert client.end() == f"application {NO_ERROR}", "as over TCP"


def test_an_answer_that_is_not_wanted_any_more(quic, upstream):
    server = quic(to=[upstream(slow_is_late(0.3))])
    with QuicClient(server.quic) as client:
        for _ in range(20):
            client.do("free", client.ask(question("slow.test")))
        assert str(client.look_up("fast.test").question[0].name) == "fast.test."
        assert client.end(0.6) == "open"


def test_an_answer_leaves_from_the_address_that_was_asked(dnslet, certificate):
    if not HAS_QUIC:
        pytest.skip("this build has no QUIC")
    server = dnslet(*certificate.flags, "--no-rec", hosts=HOSTS, listen="quic://0.0.0.0:0")
    with QuicClient(("127.0.0.9", server.address[1])) as client:
        assert data(client.look_up("nas.test")) == ["192.0.2.10"]


def test_healthcheck_asks_over_quic_where_nothing_is_plain(dnslet, certificate, authority):
    if not HAS_QUIC:
        pytest.skip("this build has no QUIC")
    server = dnslet("--no-rec", *certificate.flags, listen="tls://127.0.0.1:0,quic://127.0.0.1:0")
    tls, quic = ("%s:%d" % address for address in server.addresses)
    check = ("--healthcheck", "--listen", f"tls://{tls},quic://{quic}", "--tls-cert")
    done = run(*check, certificate.chain)
    assert (done.returncode, done.stdout) == (0, f"healthy: {tls}/tls {quic}/quic\n")
    other = run("--healthcheck", f"--listen=quic://{quic}", "--tls-cert", authority.issue("dns.test").chain)
    assert other.returncode == 1
    assert "no answer with the certificate of --tls-cert" in other.stdout


def test_dnslet_asks_dnslet_over_quic(quic, dnslet, authority, upstream):
    far = upstream(with_address("192.0.2.1"))
    behind = quic(to=[far])
    server = dnslet("--nameservers=quic://%s:%d#dns.test" % behind.quic, "--tls-ca", authority.root)
    with UdpClient(server.address) as client:
        for number in range(50):
            client.send(question(f"{number}.test"))
            assert data(client.receive()) == ["192.0.2.1"]
    assert len(far.questions) == 50


def test_tls_and_quic_may_share_a_port(dnslet, certificate):
    if not HAS_QUIC:
        pytest.skip("this build has no QUIC")
    port = free_port()
    server = dnslet(*certificate.flags, "--no-rec", hosts=HOSTS, listen=f"tls://127.0.0.1:{port},quic://127.0.0.1:{port}")
    assert f"tls 127.0.0.1:{port} quic 127.0.0.1:{port}" in server.ready_line()


def test_sighup_reads_the_certificate_for_quic_again(quic, authority, certificate, tmp_path):
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    shutil.copy(certificate.chain, chain)
    shutil.copy(certificate.key, key)
    server = quic("--no-rec", "--threads=2", "--tls-cert", chain, "--tls-key", key, hosts=HOSTS)
    with QuicClient(server.quic) as client:
        other = authority.issue("dns.test")
        shutil.copy(other.chain, chain)
        shutil.copy(other.key, key)
        server.send_signal(signal.SIGHUP)
        server.wait_log("reload")
        assert data(client.look_up("nas.test")) == ["192.0.2.10"], "a connection that was there goes on"
        wait_until(lambda: client.reconnect() == "open full doq", "the new certificate's keys")


def test_a_client_that_moves_hears_nothing_and_is_served_anew(quic):
    server = quic("--no-rec", hosts=HOSTS)
    with QuicClient(server.quic) as client:
        assert data(client.look_up("nas.test")) == ["192.0.2.10"]
        client.do("move")
        assert client.read(client.ask(question("nas.test")), 0.5) == ["nothing"]
        assert client.reconnect().startswith("open")
        assert data(client.look_up("nas.test")) == ["192.0.2.10"]


def test_no_question_may_come_before_the_handshake_is_done(quic):
    """0-RTT: what could be sent again by anybody"""
    server = quic("--no-rec", hosts=HOSTS)
    with QuicClient(server.quic) as client:
        client.look_up("nas.test")
        assert client.end(0.1) == "open"
        assert client.do("early") == "0"


def test_the_end_is_told_to_clients(quic):
    server = quic("--no-rec", hosts=HOSTS)
    with QuicClient(server.quic) as client:
        client.look_up("nas.test")
        server.stop()
        assert client.end() == f"application {NO_ERROR}"


@pytest.mark.skipif(HAS_QUIC or not HAS_TLS, reason="of builds without QUIC")
def test_builds_without_quic_say_who_has_it():
    done = run("--no-rec", "--listen=quic://127.0.0.1")
    assert done.returncode == 2
    assert "OpenSSL 3.5" in done.stderr and "Debian 13" in done.stderr


@pytest.mark.skipif(not shutil.which("kdig") or "quic" not in subprocess.run(
    ["kdig", "--help"], capture_output=True, text=True, check=False).stdout, reason="no kdig with QUIC here")
@pytest.mark.parametrize("flags", [[], ["+padding"]])
def test_kdig_asks_over_quic(quic, authority, flags):
    server = quic("--no-rec", hosts=HOSTS)
    done = subprocess.run(["kdig", "@127.0.0.1", "-p", str(server.quic[1]), f"+tls-ca={authority.root}", "+tls-hostname=dns.test",
                           "+quic", *flags, "nas.test", "www.test"],
                          capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert "192.0.2.10" in done.stdout and "192.0.2.11" in done.stdout
    assert done.stdout.count("status: NOERROR") == 2


def test_answers_from_upstream_reach_many_clients(quic, upstream):
    server = quic("--threads=2", to=[upstream(with_address("192.0.2.1"))])
    clients = [QuicClient(server.quic) for _ in range(6)]
    streams = [(client, client.ask(question(f"{number}-{at}.test"))) for number, client in enumerate(clients)
               for at in range(20)]
    for client, stream in streams:
        assert data(client.receive(stream)) == ["192.0.2.1"]
    for client in clients:
        client.__exit__()
