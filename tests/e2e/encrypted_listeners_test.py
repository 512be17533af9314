# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 13: clients over TLS, and what listeners over TLS and HTTPS have in common."""

import os
import shutil
import signal
import ssl
import subprocess

import pytest
from encrypted_clients import HttpsClient, TlsClient
from fake_upstream import slow_is_late
from harness import (PATIENCE, TcpClient, UdpClient, data, free_port, question, run, wait_until, with_address)
from metrics import Scrape, wait_total
from tls_server import openssl, trusting

HOSTS = "192.0.2.10 nas.test\n192.0.2.11 www.test\n"


def test_questions_over_tls_are_answered_in_one_connection(encrypted, trust):
    server = encrypted("--no-rec", hosts=HOSTS)
    with TlsClient(server.tls, trust) as client:
        asked = [question(name) for name in ("nas.test", "www.test") * 100]
        client.send(*asked)
        answers = {answer.id: data(answer) for answer in (client.receive() for _ in asked)}
    assert answers == {message.id: [{"nas.test.": "192.0.2.10", "www.test.": "192.0.2.11"}
                                    [str(message.question[0].name)]] for message in asked}


def test_late_answers_over_tls_come_in_any_order(encrypted, trust, upstream):
    server = encrypted(to=[upstream(slow_is_late(0.2))])
    with TlsClient(server.tls, trust) as client:
        client.send(question("slow.test"), question("fast.test"))
        assert [str(client.receive().question[0].name) for _ in range(2)] == ["fast.test.", "slow.test."]


def test_a_question_over_tls_may_come_in_pieces(encrypted, trust):
    server = encrypted("--no-rec", hosts=HOSTS)
    with TlsClient(server.tls, trust) as client:
        for byte in client.frame(question("nas.test")):
            client.socket.sendall(bytes([byte]))
        assert data(client.receive()) == ["192.0.2.10"]


def test_an_answer_to_a_padded_question_is_padded_over_tls_only(encrypted, trust):
    server = encrypted("--no-rec", hosts=HOSTS)
    padded = question("nas.test", edns=True)
    padded.pad = 128
    wire = padded.to_wire()
    with TlsClient(server.tls, trust) as client, TcpClient(server.address) as plain:
        client.send(wire)
        assert len(client.receive_wire()) == 468
        plain.send(wire)
        assert len(plain.receive_wire()) < 468
        client.send(question("nas.test", edns=True))
        assert len(client.receive_wire()) < 468, "not asked for"


def test_a_long_answer_is_padded_to_the_next_block(encrypted, trust):
    many = [f"192.0.2.{number}" for number in range(1, 60)]
    server = encrypted("--no-rec", "--address", "many.test=" + ",".join(many))
    padded = question("many.test", edns=True)
    padded.pad = 128
    with TlsClient(server.tls, trust) as client:
        client.send(padded.to_wire())
        assert len(client.receive_wire()) == 3 * 468


@pytest.mark.parametrize("protocols, agreed", [(("dot",), "dot"), ((), None), (("h3", "dot"), "dot")])
def test_who_names_dot_or_nothing_is_served_over_tls(encrypted, certificate, protocols, agreed):
    server = encrypted("--no-rec", hosts=HOSTS)
    with TlsClient(server.tls, trusting(certificate, protocols)) as client:
        assert client.socket.selected_alpn_protocol() == agreed
        client.send(question("nas.test"))
        assert data(client.receive()) == ["192.0.2.10"]


def test_who_speaks_another_protocol_over_tls_is_refused(encrypted, certificate):
    server = encrypted("--no-rec")
    with pytest.raises(ssl.SSLError, match="no application protocol"):
        TlsClient(server.tls, trusting(certificate, ("h2",)))


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_sessions_are_resumed_also_at_another_thread(encrypted, certificate, version):
    server = encrypted("--no-rec", "--threads=3", "--metrics=127.0.0.1:0", hosts=HOSTS)
    chosen = getattr(ssl.TLSVersion, version)
    context = trusting(certificate, maximum_version=chosen, minimum_version=chosen)
    session, resumed = None, []
    for _ in range(12):
        with TlsClient(server.tls, context, session) as client:
            client.send(question("nas.test"))
            assert data(client.receive()) == ["192.0.2.10"]
            resumed.append(client.socket.session_reused)
            session = client.socket.session
    assert resumed == [False] + 11 * [True]
    wait_total(server, 11, "dnslet_client_tls_handshakes_total", result="resumed")
    wait_total(server, 1, "dnslet_client_tls_handshakes_total", result="full")


def test_old_versions_of_tls_are_refused(encrypted, certificate):
    server = encrypted("--no-rec", "--metrics=127.0.0.1:0")
    done = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % server.tls[1], "-tls1_1",
                           "-cipher", "DEFAULT@SECLEVEL=0"], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=PATIENCE, check=False)
    assert done.returncode != 0
    wait_total(server, 1, "dnslet_client_tls_handshakes_total", result="failed")


STRANGE = {"plain DNS": b"\0\x1d" + question("nas.test").to_wire(), "HTTP": b"GET / HTTP/1.1\r\n\r\n",
           "a record that is too long": b"\x16\x03\x01\xff\xff" + bytes(70000)}


@pytest.mark.parametrize("what", STRANGE)
def test_what_is_no_tls_ends_its_connection_alone(encrypted, trust, what):
    server = encrypted("--no-rec", "--metrics=127.0.0.1:0", hosts=HOSTS)
    with TlsClient(server.tls, trust) as other, TcpClient(server.tls) as client:
        client.socket.sendall(STRANGE[what])
        wait_total(server, 1, "dnslet_client_tls_handshakes_total", result="failed")
        other.send(question("nas.test"))
        assert data(other.receive()) == ["192.0.2.10"]


def test_an_idle_connection_over_tls_is_closed(encrypted, trust):
    server = encrypted("--no-rec", "--tcp-idle-timeout=300", hosts=HOSTS)
    with TlsClient(server.tls, trust) as client, TcpClient(server.tls) as silent:
        client.send(question("nas.test"))
        assert data(client.receive()) == ["192.0.2.10"]
        assert client.is_closed(PATIENCE)
        silent.socket.settimeout(PATIENCE)
        assert silent.socket.recv(1) == b"", "it has not even begun to shake hands"


def test_connections_over_tls_count_for_the_limit(encrypted, trust):
    server = encrypted("--no-rec", "--max-tcp-clients=4", "--metrics=127.0.0.1:0", hosts=HOSTS)
    first = TlsClient(server.tls, trust)
    stalled = [TcpClient(server.tls) for _ in range(10)]
    wait_total(server, 7, "dnslet_tcp_clients_closed_by_limit_total")
    assert first.is_closed(PATIENCE)
    with TlsClient(server.tls, trust) as client:
        client.send(question("nas.test"))
        assert data(client.receive()) == ["192.0.2.10"]
    for client in stalled:
        client.socket.close()


def test_the_log_and_rules_know_how_a_client_asks(encrypted, trust, certificate):
    server = encrypted("--verbose", "--no-rec", "--rule", "via:tls -> answer 192.0.2.1 ; via:https -> answer 192.0.2.2",
                       "--rule", "* -> answer 192.0.2.3")
    with UdpClient(server.address) as plain, TlsClient(server.tls, trust) as tls, \
            HttpsClient(server.https, trusting(certificate, ["h2"])) as https:
        plain.send(question("a.test"))
        assert data(plain.receive()) == ["192.0.2.3"]
        tls.send(question("a.test"))
        assert data(tls.receive()) == ["192.0.2.1"]
        assert data(https.ask(question("a.test")).message) == ["192.0.2.2"]
    wait_until(lambda: len([line for line in server.lines if " query " in line]) == 3, "three lines")
    assert [line.split("proto=")[1].split()[0] for line in server.lines if "proto=" in line] == ["udp", "tls", "https"]


def test_rules_know_where_a_client_asks(dnslet, certificate, trust):
    tls, https = free_port(), free_port()
    server = dnslet(*certificate.flags, "--no-rec", "--rule",
                    f"at:127.0.0.1:{https} -> refuse ; at:127.0.0.1:{tls} -> answer 192.0.2.7",
                    listen=f"tls://127.0.0.1:{tls},https://127.0.0.1:{https}")
    assert len(server.addresses) == 2, "no plain listener"
    with TlsClient(server.addresses[0], trust) as client:
        client.send(question("a.test"))
        assert data(client.receive()) == ["192.0.2.7"]


def test_who_may_not_ask_is_refused_over_tls_too(encrypted, trust, certificate):
    server = encrypted("--no-rec", "--allow=192.0.2.0/24", hosts=HOSTS)
    with TlsClient(server.tls, trust) as client, HttpsClient(server.https, trusting(certificate, ["h2"])) as https:
        client.send(question("nas.test"))
        assert client.receive().rcode() == 5
        assert https.ask(question("nas.test"), **{"x-forwarded-for": "192.0.2.1"}).message.rcode() == 5


def test_questions_over_tls_are_counted(encrypted, trust, certificate):
    server = encrypted("--no-rec", "--metrics=127.0.0.1:0", hosts=HOSTS)
    with TlsClient(server.tls, trust) as client, HttpsClient(server.https, trusting(certificate, ["h2"])) as https:
        client.send(question("nas.test"), question("www.test"))
        client.receive(), client.receive()
        https.ask(question("nas.test"))
        scrape = Scrape(server)
        assert scrape.total("dnslet_questions_total", transport="tls", type="A") == 2
        assert scrape.total("dnslet_questions_total", transport="https", type="A") == 1
        assert scrape.total("dnslet_tcp_clients") == 2


def served(address, certificate):
    """The certificate that is shown there"""
    return ssl.get_server_certificate(address)


def test_sighup_reads_the_certificate_again(encrypted, authority, certificate, tmp_path):
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    shutil.copy(certificate.chain, chain)
    shutil.copy(certificate.key, key)
    server = encrypted("--no-rec", "--threads=2", "--tls-cert", chain, "--tls-key", key, hosts=HOSTS)
    with TlsClient(server.tls, trusting(certificate)) as client:
        other = authority.issue("dns.test")
        shutil.copy(other.chain, chain)
        server.send_signal(signal.SIGHUP)
        server.wait_log("; the certificate before stays")
        assert served(server.tls, certificate) == certificate.chain.read_text(), "the key is another's"
        shutil.copy(other.key, key)
        server.send_signal(signal.SIGHUP)
        wait_until(lambda: served(server.tls, other) == other.chain.read_text(), "the new certificate")
        wait_until(lambda: served(server.https, other) == other.chain.read_text(), "the new certificate")
        client.send(question("nas.test"))
        assert data(client.receive()) == ["192.0.2.10"], "a connection that was there goes on"


def refused(*flags):
    done = run(*flags)
    assert done.returncode == 2, done
    return done.stderr


def test_a_pair_that_does_not_fit_is_an_error(authority, certificate, tmp_path):
    other, locked, junk = authority.issue("dns.test"), tmp_path / "locked.pem", tmp_path / "junk.pem"
    openssl("pkey", "-in", certificate.key, "-aes128", "-passout", "pass:secret", "-out", locked)
    junk.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    listen = ("--no-rec", "--listen=tls://127.0.0.1:0", "--tls-cert")
    assert "is not the key of the certificate" in refused(*listen, certificate.chain, "--tls-key", other.key)
    assert "has a passphrase" in refused(*listen, certificate.chain, "--tls-key", locked)
    assert "holds no private key" in refused(*listen, certificate.chain, "--tls-key", certificate.chain)
    assert "holds no certificate" in refused(*listen, junk, "--tls-key", other.key)
    assert "no such file" in refused(*listen, tmp_path / "missing.pem", "--tls-key", other.key)


def test_certificate_and_key_may_be_one_file(dnslet, certificate, trust, tmp_path):
    both = tmp_path / "both.pem"
    both.write_text(certificate.key.read_text() + certificate.chain.read_text())
    server = dnslet("--no-rec", "--tls-cert", both, hosts=HOSTS, listen="tls://127.0.0.1:0")
    with TlsClient(server.address, trust) as client:
        client.send(question("nas.test"))
        assert data(client.receive()) == ["192.0.2.10"]


@pytest.mark.parametrize("value, error", [
    ("tls://127.0.0.1", "need a certificate; name its file with --tls-cert (DNSMASQ_TLS_CERT)"),
    ("tcp://127.0.0.1", "is no listener; write tls://, https://, quic://, or the address alone"),
    ("tls://dns.test", "is not a listener"),
    ("https://127.0.0.1/a?b", "is not a listener"),
    ("tls://127.0.0.1/a", "is not a listener"),
    ("tls://127.0.0.1,https://127.0.0.1:853", "'127.0.0.1:853' is given twice"),
])
def test_a_bad_listener_is_an_error(authority, value, error):
    assert error in refused("--no-rec", f"--listen={value}")


def test_a_certificate_that_ends_soon_is_told(dnslet, authority):
    server = dnslet("--no-rec", *authority.issue("dns.test", days=5).flags, listen="tls://127.0.0.1:0")
    assert any("the certificate of --tls-cert ends soon" in line and "days=4" in line for line in server.lines)


def test_healthcheck_asks_encrypted_listeners_where_there_are_no_others(dnslet, certificate, authority):
    server = dnslet("--no-rec", *certificate.flags, listen="tls://127.0.0.1:0,https://127.0.0.1:0/q")
    tls, https = ("%s:%d" % address for address in server.addresses)
    check = ("--healthcheck", "--listen", f"tls://{tls},https://{https}/q", "--tls-cert")
    done = run(*check, certificate.chain)
    assert (done.returncode, done.stdout) == (0, f"healthy: {tls}/tls {https}/https\n")
    other = run(*check, authority.issue("dns.test").chain)
    assert other.returncode == 1
    assert "no answer with the certificate of --tls-cert" in other.stdout


def test_an_own_listener_is_no_server(authority, certificate):
    assert "itself" in refused(*certificate.flags, "--listen=tls://127.0.0.1:8853",
                               "--nameservers=tls://127.0.0.1:8853")


@pytest.mark.parametrize("scheme", ["tls", "https"])
def test_dnslet_asks_dnslet_over_either(encrypted, dnslet, authority, upstream, scheme):
    far = upstream(with_address("192.0.2.1"))
    behind = encrypted(to=[far])
    address = "%s:%d" % (behind.tls if scheme == "tls" else behind.https)
    path = "/dns-query" if scheme == "https" else ""
    server = dnslet(f"--nameservers={scheme}://{address}{path}#dns.test", "--tls-ca", authority.root)
    with UdpClient(server.address) as client:
        for number in range(50):
            client.send(question(f"{number}.test"))
            assert data(client.receive()) == ["192.0.2.1"]
    assert len(far.questions) == 50


def test_a_key_that_only_root_may_read(dnslet, certificate, trust, open_folder):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    chain, key = open_folder / "chain.pem", open_folder / "key.pem"
    shutil.copy(certificate.chain, chain)
    shutil.copy(certificate.key, key)
    os.chmod(key, 0o600)
    server = dnslet("--no-rec", "--user=65534", "--tls-cert", chain, "--tls-key", key, hosts=HOSTS,
                    listen="tls://127.0.0.1:0")
    with TlsClient(server.address, trust) as client:
        client.send(question("nas.test"))
        assert data(client.receive()) == ["192.0.2.10"]
    assert any("key.pem" in line and "as the user of --user" in line for line in server.lines)
