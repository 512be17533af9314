# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Servers behind a SOCKS5 proxy (RFC 1928, 1929): a real one, microsocks, and one that misbehaves."""

import contextlib
import shutil
import signal
import socket
import struct
import subprocess
import threading
from time import monotonic, sleep

import pytest
from basics import PATIENCE, free_port, wait_until
from clients import UdpClient, question
from fake_upstream import with_address
from harness import data, run
from https_server import HttpsUpstream
from tls_server import HAS_TLS, Authority, TlsUpstream

NOERROR, SERVFAIL = 0, 2


class Microsocks:
    """`with Microsocks("-u", "me", "-P", "secret") as proxy:` listens on `port`."""

    def __init__(self, *words):
        self.port = free_port()
        self.words = ["microsocks", "-i", "127.0.0.1", "-p", str(self.port), *words]

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_until(self._listens, "microsocks")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def _listens(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


@pytest.fixture
def proxy():
    """proxy(words…) → a running Microsocks"""
    assert shutil.which("microsocks"), "microsocks is missing, see .ci/deps"
    with contextlib.ExitStack() as stack:
        yield lambda *words: stack.enter_context(Microsocks(*words))


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=["tcp", "tls", "https"])
def behind(request, authority):
    """(a running server, its URL, more flags)"""
    if request.param != "tcp" and not HAS_TLS:
        pytest.skip("this variant has no TLS")
    with contextlib.ExitStack() as stack:
        if request.param == "tcp":
            from fake_upstream import FakeUpstream
            server = stack.enter_context(FakeUpstream(with_address()))
            yield server, f"tcp://{server.address}", []
            return
        kind = {"tls": TlsUpstream, "https": HttpsUpstream}[request.param]
        server = stack.enter_context(kind(with_address(), authority.issue("dns.test", "127.0.0.1")))
        yield server, server.url(), ["--tls-ca", authority.root]


def test_a_server_is_reached_through_a_proxy(dnslet, proxy, behind):
    server, url, flags = behind
    through = f"socks5://127.0.0.1:{proxy().port}/{url}"
    client = dnslet("--nameservers", through, *flags, "--verbose")
    for i in range(20):
        assert data(client.query(f"n{i}.test")) == ["192.0.2.1"]
    assert client.wait_log(f"name=n19.test .*via={through}")
    assert {asked.transport for asked in server.questions} <= {"tcp", "https"}


def test_a_user_is_told_and_never_shown(dnslet, proxy, behind, tmp_path):
    _, url, flags = behind
    port = proxy("-u", "m e", "-P", "sec/r@t%").port
    through = f"socks5://m%20e:sec%2Fr%40t%25@127.0.0.1:{port}/{url}"
    client = dnslet("--nameservers", through, *flags, "--verbose")
    assert data(client.query("a.test")) == ["192.0.2.1"]
    client.wait_log(f"via=socks5://m%20e@127.0.0.1:{port}/")
    rules = tmp_path / "rules"
    rules.write_text(f"* -> ask {through} ttl:60\n")
    for words in (["--print-config", "--nameservers", through], ["--explain", "a.test", "--nameservers", through],
                  ["--explain", "a.test", "--rule", f"@{rules}", "--nameservers", "192.0.2.1"],
                  ["--print-config", "--nameservers", through + "#bad name"]):
        told = run(*words, *flags)
        assert "sec" not in (told.stdout + told.stderr).replace(" sec", ""), told
    assert not client.log("sec%2Fr|sec/r")


@pytest.mark.parametrize("user, why", [("", "it wants a user"), ("me:wrong@", "user or password is wrong"),
                                       ("other:secret@", "user or password is wrong")])
def test_who_is_not_let_in_is_told(dnslet, proxy, behind, user, why):
    server, url, flags = behind
    through = f"socks5://{user}127.0.0.1:{proxy('-u', 'me', '-P', 'secret').port}/{url}"
    client = dnslet("--nameservers", through, *flags)
    assert client.query("a.test").rcode() == SERVFAIL
    client.wait_log(f"no connection through the proxy.*{why}")
    assert not server.questions


def test_a_refusal_of_the_proxy_leads_to_the_next_server(dnslet, proxy, upstream, behind):
    server, url, flags = behind
    server.stop()
    rest = upstream(with_address("192.0.2.2"))
    client = dnslet("--nameservers", f"socks5://127.0.0.1:{proxy().port}/{url},{rest.address}", *flags)
    assert data(client.query("a.test")) == ["192.0.2.2"]
    client.wait_log("no connection through the proxy.*it has refused: connection refused")
    assert client.log("put behind the others.*reason=failure")


def test_a_proxy_that_is_not_there_leads_to_the_next_server(dnslet, upstream, behind):
    _, url, flags = behind
    rest = upstream(with_address("192.0.2.2"))
    client = dnslet("--nameservers", f"socks5://127.0.0.1:{free_port()}/{url},{rest.address}", *flags)
    assert data(client.query("a.test")) == ["192.0.2.2"]
    client.wait_log("no connection through the proxy.*it can't be reached: connection refused")


def test_a_proxy_that_goes_away_and_comes_back_loses_nothing(dnslet, proxy, behind):
    server, url, flags = behind
    first = proxy()
    client = dnslet("--nameservers", f"socks5://127.0.0.1:{first.port}/{url}", *flags)
    assert client.query("a.test").rcode() == NOERROR
    answer, server.handler = server.handler, lambda asked: None
    with UdpClient(client.address) as asker:
        asker.send(question("lost.test"))
        server.wait_asked(1, "lost.test")
        first.__exit__()
        server.handler = answer
        sleep(0.3)
        first.__enter__()
        assert asker.receive(PATIENCE).rcode() == NOERROR


def test_the_proxy_resolves_the_servers_name_and_bootstrap_its_own(dnslet, upstream, authority):
    server = upstream(with_address())
    bootstrap = upstream(with_address("127.0.0.1"))
    with Scripted(lambda said: reply_and_pass(said, server.port)) as proxy:
        client = dnslet("--nameservers", f"socks5://proxy.test:{proxy.port}/tcp://far.test:5353", "--bootstrap",
                        bootstrap.address)
        assert data(client.query("a.test")) == ["192.0.2.1"]
    assert {asked.name for asked in bootstrap.questions} == {"proxy.test."}
    assert proxy.targets == [b"\5\1\0\3\x08far.test" + struct.pack("!H", 5353)]


class Scripted:
    """A proxy that does what `script(connection)` does with each connection; `targets` is what it was
    asked to connect to."""

    def __init__(self, script):
        self.script = script
        self.targets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(PATIENCE)
            self.script((self, connection))


def reply_and_pass(said, port):
    """Lets anybody in, connects to this port, byte by byte at first"""
    proxy, connection = said
    connection.recv(100)
    connection.sendall(b"\5\0")
    proxy.targets.append(connection.recv(300))
    with socket.create_connection(("127.0.0.1", port)) as far:
        for byte in b"\5\0\0\3\4name\0\1":
            connection.sendall(bytes([byte]))
            sleep(0.002)
        back = threading.Thread(target=lambda: copy(far, connection), daemon=True)
        back.start()
        copy(connection, far)


def copy(source, target):
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)


@pytest.mark.parametrize("said, why", [
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak SOCKS5"), (b"\5\x09", "does not speak SOCKS5"),
    (b"", "it has ended the connection"), (b"\5", "it has ended the connection"),
    (b"\5\0\5\0\0\7", "does not speak SOCKS5"), (b"\5\0\5\2\0\1", "its rules do not allow it")])
def test_what_is_no_proxy_leads_to_the_next_server(dnslet, upstream, said, why):
    def script(talk):
        talk[1].recv(100)
        talk[1].sendall(said)
    rest = upstream(with_address("192.0.2.2"))
    with Scripted(script) as proxy:
        client = dnslet("--nameservers", f"socks5://127.0.0.1:{proxy.port}/tcp://192.0.2.9,{rest.address}")
        since = monotonic()
        assert data(client.query("a.test")) == ["192.0.2.2"]
        assert monotonic() - since < 0.7
        client.wait_log(f"no connection through the proxy.*{why}")


def test_a_proxy_that_ends_behind_success_is_named(dnslet, upstream):
    def script(talk):
        talk[1].recv(100)
        talk[1].sendall(b"\5\0")
        talk[1].recv(300)
        talk[1].sendall(b"\5\0\0\1\0\0\0\0\0\0")
    rest = upstream(with_address("192.0.2.2"))
    with Scripted(script) as proxy:
        client = dnslet("--nameservers", f"socks5://127.0.0.1:{proxy.port}/tcp://192.0.2.9,{rest.address}")
        assert data(client.query("a.test")) == ["192.0.2.2"]
        client.wait_log("it has ended the connection before the server said anything")


def test_the_name_of_a_proxy_that_refuses_is_not_resolved_anew(dnslet, proxy, upstream):
    bootstrap = upstream(with_address("127.0.0.1"))
    client = dnslet("--nameservers", f"socks5://proxy.test:{proxy().port}/tcp://127.0.0.1:{free_port()}", "--bootstrap",
                    bootstrap.address)
    for i in range(12):
        assert client.query(f"n{i}.test").rcode() == SERVFAIL
        sleep(0.2)
    assert len(bootstrap.questions) <= 2


def test_two_passwords_of_one_server_get_new_roots(dnslet, authority, tmp_path):
    if not HAS_TLS:
        pytest.skip("this variant has no TLS")
    roots = tmp_path / "roots.pem"
    roots.write_bytes(Authority(tmp_path, "other").root.read_bytes())
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(TlsUpstream(with_address(), authority.issue("dns.test")))
        port = stack.enter_context(Microsocks("-u", "u", "-P", "aaa")).port
        right, wrong = (f"socks5://u:{word}@127.0.0.1:{port}/{server.url('dns.test')}" for word in ("aaa", "bbb"))
        client = dnslet("--nameservers", right, "--stubzones", f"twin.test/{wrong}", "--tls-ca", roots)
        assert client.query("a.test").rcode() == client.query("a.twin.test").rcode() == SERVFAIL
        roots.write_bytes(authority.root.read_bytes())
        client.send_signal(signal.SIGHUP)
        client.wait_log("reloaded")
        assert client.query("b.test").rcode() == NOERROR


def test_a_silent_proxy_is_silence(dnslet, upstream):
    rest = upstream(with_address("192.0.2.2"))
    with Scripted(lambda talk: sleep(PATIENCE)) as proxy:
        client = dnslet("--nameservers", f"socks5://127.0.0.1:{proxy.port}/tcp://192.0.2.9,{rest.address}",
                        "--upstream-retry", 200, "--upstream-timeout", 600)
        assert data(client.query("a.test")) == ["192.0.2.2"]
        assert data(client.query("b.test", seconds=0.15)) == ["192.0.2.2"]
        client.wait_log("no connection through the proxy.*it gives no answer")


@pytest.mark.parametrize("text, why", [
    ("socks5://10.0.0.1", "write the proxy, a slash and"), ("socks5://10.0.0.1/10.0.0.2", "write the proxy, a slash and"),
    ("socks5://10.0.0.1/udp://10.0.0.2", "write the proxy, a slash and"),
    ("socks5://10.0.0.1/socks5://10.0.0.3/tcp://10.0.0.2", "write the proxy, a slash and"),
    ("socks5://h/" * 9000, "write the proxy, a slash and"), ("socks5:///tcp://10.0.0.2", "is not a server"),
    ("socks5://me@10.0.0.1/tcp://10.0.0.2", "USER:PASSWORD@"), ("socks5://me:%zz@10.0.0.1/tcp://10.0.0.2", "USER:PASSWORD@"),
    ("socks5://:x@10.0.0.1/tcp://10.0.0.2", "USER:PASSWORD@"),
    ("socks5://" + "a" * 256 + ":x@10.0.0.1/tcp://10.0.0.2", "USER:PASSWORD@"),
    ("socks5://10.0.0.1:0/tcp://10.0.0.2", "its port is from 1 to 65535"),
    ("socks5://10.0.0.1/tcp://fe80::1%eth0", "an address with a zone")], ids=range(12))
def test_what_is_no_server_is_told(text, why):
    ended = run("--print-config", "--nameservers", text)
    assert ended.returncode == 2 and why in ended.stderr
