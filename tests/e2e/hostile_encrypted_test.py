# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Clients that attack over TLS and HTTPS: what they cost, and what others notice of it."""

import contextlib
import json
import select
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
from pathlib import Path

import hostile_https
import pytest
from encrypted_clients import DNS_MESSAGE, HttpsClient, Response, TlsClient, as_query
from harness import PATIENCE, SCALE, SLOW, Later, TcpClient, data, parse, question, silent, wait_until, with_address
from hostile_https import END_HEADERS, END_STREAM, frame, post, settings
from latency import in_quiet, p99, under_attack
from metrics import Scrape, wait_total
from stalled_handshakes import client_hello
from tls_server import trusting

MANY = "".join(f"10.9.{i // 250}.{i % 250 + 1} many.test\n" for i in range(2000))  # an answer of 32 kB
HOSTS = "192.0.2.10 nas.test\n192.0.2.11 www.test\n"
LOST = ("--rule", "name:lost.test -> drop")


@pytest.fixture
def serve(encrypted):
    """dnslet with what these tests ask, count and measure"""
    def start(*flags, **how):
        how.setdefault("hosts", HOSTS)
        if "to" not in how:
            flags = ("--no-rec", *flags)
        return encrypted("--metrics=127.0.0.1:0", "--address=*.bench.test=192.0.2.1", *flags, **how)
    return start


@pytest.fixture
def trust1(certificate):
    """For HTTP/1.1"""
    return trusting(certificate, ["http/1.1"])


@pytest.fixture
def trust2(certificate):
    """For HTTP/2"""
    return trusting(certificate, ["h2"])


def is_served(server, trust):
    """Whether somebody else is, over UDP and TLS"""
    with TlsClient(server.tls, trust) as client:
        client.send(question("nas.test"))
        return data(client.receive()) == data(server.query("nas.test")) == ["192.0.2.10"]


@contextlib.contextmanager
def attacking(script, *words):
    """(whether it is over, what it tells then)"""
    path = Path(__file__).with_name(script)
    with subprocess.Popen([sys.executable, path, *map(str, words)], text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as attacker:
        yield (lambda: bool(select.select([attacker.stdout], [], [], 0)[0]),
               lambda: json.loads(attacker.stdout.readline()))
        attacker.communicate()


class Memory:
    """What a server has taken since the beginning, at most, while `measure` was called"""

    def __init__(self, server):
        self.server, self.before, self.most = server, server.resident(), 0

    def measure(self, server):
        self.most = max(self.most, self.server.resident() - self.before)
        return p99(server)


def test_10000_handshakes_that_stall_neither_exceed_the_limit_nor_harm_udp(serve, trust):
    """The quiet value is that of a server beside the one under attack, on the same machine."""
    server, other = serve(), serve()
    quiet, memory = in_quiet(p99, server), Memory(server)
    with attacking("stalled_handshakes.py", other.tls[1], 3000) as (is_over, _):
        beside = under_attack(p99, server, is_over, other)
    with attacking("stalled_handshakes.py", server.tls[1], 10000) as (is_over, read_result):
        attacked = under_attack(memory.measure, server, is_over)
        opened, found, descriptors = read_result()["opened"], Scrape(server), server.descriptors()
        assert found.total("dnslet_tcp_clients") == 256
        assert descriptors < 256 + 20
        assert is_served(server, trust)
    print(f"99th percentile: {quiet * 1e6:.0f} us in quiet, {beside * 1e6:.0f} us beside it, "
          f"{attacked * 1e6:.0f} us under attack; {memory.most >> 10} KiB")
    assert opened == 10000
    # Below 20 ms it is the scheduler that is measured: three programs share two processors.
    assert attacked < max(3 * quiet, 3 * beside, 0.02 * SCALE)
    assert SLOW or memory.most < 256 * (128 << 10)
    wait_total(server, 0, "dnslet_tcp_clients")
    assert is_served(server, trust)


CONNECTIONS = 8


@pytest.mark.parametrize("kind", hostile_https.KINDS)
def test_an_attack_over_https_has_its_bounds(serve, upstream, trust, trust2, kind):
    """Memory for each connection as over TCP; another client's connection is served meanwhile."""
    flags, how = ("--upstream-timeout=1000", "--max-inflight=200"), dict(hosts=HOSTS + MANY, to=[upstream(silent)])
    server, other = serve(*flags, **how), serve(*flags, **how)
    quiet, memory = in_quiet(p99, server), Memory(server)
    with HttpsClient(server.https, trust2) as client:
        def measure(measured):
            for _ in range(5):
                assert data(client.ask(question("www.test")).message) == ["192.0.2.11"]
            return memory.measure(measured)

        with attacking("hostile_https.py", server.https[1], kind, CONNECTIONS, 2) as (is_over, read_result):
            attacked = while_open(measure, server, is_over)
            result = read_result()
        assert data(client.ask(question("www.test")).message) == ["192.0.2.11"]
    beside = 0
    if attacked > 3 * quiet and attacked > 0.02 * SCALE:
        with attacking("hostile_https.py", other.https[1], kind, CONNECTIONS, 2) as (is_over, _):
            beside = while_open(p99, server, is_over)
    print(f"99th percentile: {quiet * 1e6:.0f} us in quiet, {beside * 1e6:.0f} us beside it, "
          f"{attacked * 1e6:.0f} us under attack; {memory.most >> 10} KiB; {result}")
    assert result["sent"] > 100_000
    assert attacked < max(3 * quiet, 3 * beside, 0.02 * SCALE)
    assert SLOW or memory.most < (1 << 20) + CONNECTIONS * (512 << 10)
    wait_total(server, 0, "dnslet_tcp_clients")
    assert is_served(server, trust)


def while_open(measure, server, is_over):
    """Of the best round"""
    rounds = []
    while not is_over() or not rounds:
        rounds.append(measure(server))
    return min(rounds)


@pytest.mark.parametrize("kind", ["tcp", "tls"])
def test_who_does_not_read_answers_that_come_late_is_ended(serve, upstream, trust, kind):
    """8 times 128 answers of 62 kB, all of them asked for before the first one came"""
    records = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\1" * 3900

    def answer(asked):
        body = asked.wire[12:asked.wire.index(b"\0", 12) + 5]
        return Later(0.5, asked.wire[:2] + b"\x81\x80\0\1" + struct.pack("!HL", 3900, 0) + body + records)
    far = upstream(answer)
    server = serve("--nameservers", f"tcp://{far.address}", "--rule=name:nas.test -> answer 192.0.2.10",
                   "--max-inflight=2000", to=[])
    memory = Memory(server)
    with contextlib.ExitStack() as stack:
        for number in range(8):
            address = server.tls if kind == "tls" else server.address
            client = stack.enter_context(TlsClient(address, trust, receive_buffer=4096) if kind == "tls"
                                         else TcpClient(address, receive_buffer=4096))
            client.send(*(question(f"{number}-{each}.test") for each in range(128)))
        wait_until(lambda: memory.measure(server) and Scrape(server).total("dnslet_tcp_clients") == 0, "all are ended",
                   PATIENCE + 4)
        assert is_served(server, trust)
    assert SLOW or memory.most < (1 << 20) + 8 * (3 << 20)


# HTTP/2.

def begin(server, trust2, *frames):
    """A connection on which these have been sent, behind the preface"""
    client = TlsClient(server.https, trust2)
    client.socket.sendall(hostile_https.PREFACE + settings() + b"".join(frames))
    return client


def request(fields, stream=1, flags=END_HEADERS | END_STREAM):
    encoder = hostile_https.hpack.Encoder()
    return frame(hostile_https.HEADERS, flags, stream, encoder.encode(fields))


FORBIDDEN = {
    "a window that overflows": frame(hostile_https.WINDOW_UPDATE, payload=struct.pack("!L", 0x7fffffff)),
    "a window that grows by nothing": frame(hostile_https.WINDOW_UPDATE, payload=bytes(4)),
    "a promise": request(post(), flags=END_HEADERS) + frame(
        hostile_https.PUSH_PROMISE, END_HEADERS, 1, struct.pack("!L", 2) + b"\x82\x87\x84"),
    "data of no stream": frame(hostile_https.DATA, payload=b"x"),
    "data of a stream that never was": frame(hostile_https.DATA, stream=7, payload=b"x"),
    "a stream of the server's": request(post(), stream=2),
    "settings of five bytes": frame(hostile_https.SETTINGS, payload=bytes(5)),
    "a frame that is too long": frame(hostile_https.DATA, stream=1, payload=bytes(16385)),
    "a head that is no HPACK": frame(hostile_https.HEADERS, END_HEADERS, 1, b"\xff" * 20),
    "a continuation of nothing": frame(hostile_https.CONTINUATION, END_HEADERS, 1, b"\x82"),
    "a stream that depends on itself": frame(hostile_https.PRIORITY, stream=1, payload=struct.pack("!LB", 1, 1)),
    "HTTP/1.1": None,
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_what_http_2_forbids_ends_its_connection_alone(serve, trust, trust2, what):
    server = serve()
    with HttpsClient(server.https, trust2) as other:
        if FORBIDDEN[what] is None:
            client = TlsClient(server.https, trust2)
            client.socket.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
        else:
            client = begin(server, trust2, FORBIDDEN[what])
        with client:
            wait_total(server, 1, "dnslet_tcp_clients")
        assert data(other.ask(question("www.test")).message) == ["192.0.2.11"]
    assert is_served(server, trust)


def test_a_body_that_is_not_as_long_as_it_says_resets_its_stream(serve, trust2):
    server = serve()
    wire = question("nas.test").to_wire()
    with HttpsClient(server.https, trust2) as client:
        for size in (len(wire) - 1, len(wire) + 1):
            asked = client.post(wire, **{"content-length": str(size)})
            assert client.wait(asked)[0].reset == 1, "PROTOCOL_ERROR"
        assert data(client.ask(question("nas.test")).message) == ["192.0.2.10"]


def test_trailers_do_not_matter(serve, trust2):
    server = serve()
    with HttpsClient(server.https, trust2) as client:
        stream = client.h2.get_next_available_stream_id()
        client.responses[stream] = Response()
        client.h2.send_headers(stream, post())
        client.h2.send_data(stream, question("nas.test").to_wire())
        client.h2.send_headers(stream, [("x-checksum", "1")], end_stream=True)
        client.flush()
        assert data(client.wait(stream)[0].message) == ["192.0.2.10"]


def test_requests_behind_a_farewell_are_answered_or_the_connection_ends(serve, trust, trust2):
    server = serve()
    with begin(server, trust2, frame(hostile_https.GOAWAY, payload=bytes(8)), request(hostile_https.get("nas.test"))):
        wait_total(server, 0, "dnslet_tcp_clients")
    assert is_served(server, trust)


def test_more_streams_than_there_may_be(serve, upstream, trust2):
    """100 wait; one more is asked to come again, and comes when one has been given up."""
    server = serve(to=[upstream(silent)])
    with HttpsClient(server.https, trust2) as client:
        waiting = []
        for _ in range(100):
            stream = client.h2.get_next_available_stream_id()
            client.h2.send_headers(stream, post())
            waiting.append(stream)
        client.flush()
        client.h2.reset_stream(waiting.pop(), hostile_https.CANCEL)
        client.flush()
        assert data(client.ask(question("nas.test")).message) == ["192.0.2.10"]
        client.h2.end_stream(waiting[0])
        client.responses[waiting[0]] = Response()
        client.flush()
        assert client.wait(waiting[0])[0].status == 400


def test_late_answers_to_streams_that_are_gone_reach_nobody(serve, upstream, trust2):
    server = serve(to=[upstream(lambda asked: Later(0.2, with_address("192.0.2.1")(asked)))])
    with HttpsClient(server.https, trust2) as client:
        for turn in range(3):
            streams = {client.post(question(f"{turn}-{number}.test")): f"{turn}-{number}.test." for number in range(60)}
            for stream in list(streams)[::2]:
                client.h2.reset_stream(stream, hostile_https.CANCEL)
                del streams[stream]
            client.flush()
            for stream, response in zip(streams, client.wait(*streams)):
                assert str(response.message.question[0].name) == streams[stream]


def test_questions_that_were_given_up_keep_no_connection_open(serve, upstream, trust2):
    server = serve("--tcp-idle-timeout=500", "--upstream-timeout=1000", to=[upstream(silent)])
    with HttpsClient(server.https, trust2) as client:
        for stream in [client.post(question(f"{number}.test")) for number in range(99)]:
            client.h2.reset_stream(stream, hostile_https.CANCEL)
        client.flush()
        begun = time.monotonic()
        while client.read():
            pass
        assert client.has_goaway
        assert time.monotonic() - begun > 0.9, "they may still be answered"


KEPT_UP = {
    "pings": lambda: frame(hostile_https.PING, payload=bytes(8)),
    "settings": settings,
    "a byte of a body": lambda: frame(hostile_https.DATA, 0, 1, b"x"),
    "a little more room": lambda: frame(hostile_https.WINDOW_UPDATE, 0, 1, struct.pack("!L", 1)),
}


@pytest.mark.parametrize("what", KEPT_UP)
def test_what_is_no_question_keeps_no_connection_open(serve, trust2, what):
    """It has begun a body; of an answer that it may have one byte at a time it has had some."""
    server = serve("--tcp-idle-timeout=600", hosts=MANY)
    first = request(post(), flags=END_HEADERS)
    if what == "a little more room":
        first = settings(window=0) + request(hostile_https.get("many.test"))
    with begin(server, trust2, first) as client:
        begun = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - begun < 0.6 + PATIENCE:
                client.socket.sendall(KEPT_UP[what]())
                time.sleep(0.05)
        assert time.monotonic() - begun > 0.5


# TLS.

def test_a_record_for_each_byte(serve, trust):
    server = serve()
    with TlsClient(server.tls, trust) as client:
        for byte in client.frame(question("nas.test")) * 20:
            client.socket.send(bytes([byte]))
        for _ in range(20):
            assert data(client.receive()) == ["192.0.2.10"]


class ByHand:
    """A client over TLS whose records are sent when it says so"""

    def __init__(self, address, context, between=lambda: None):
        """`between`: is called once, when the server has begun to speak."""
        self.between = between
        self.tcp = TcpClient(address)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="dns.test")
        self.through(self.tls.do_handshake)
        self.flush()

    def flush(self):
        if self.outgoing.pending:
            self.tcp.socket.sendall(self.outgoing.read())

    def through(self, action):
        while True:
            try:
                return action()
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLWantReadError:
                self.flush()
                piece = self.tcp.socket.recv(65536)
                self.between()
                self.between = lambda: None
                if piece:
                    self.incoming.write(piece)
                else:
                    self.incoming.write_eof()


def test_who_has_said_farewell_still_gets_all_answers(serve, upstream, trust):
    """More questions than may wait, and the end of what is said, in one piece"""
    server = serve("--max-inflight=1000", to=[upstream(lambda asked: Later(0.1, with_address("192.0.2.1")(asked)))])
    client = ByHand(server.tls, trust)
    client.tls.write(b"".join(TcpClient.frame(question(f"{number}.test")) for number in range(300)))
    with contextlib.suppress(ssl.SSLWantReadError):
        client.tls.unwrap()
    client.flush()
    client.tcp.socket.shutdown(socket.SHUT_WR)
    received = b""
    while True:
        piece = client.through(lambda: client.tls.read(65536))
        if not piece:
            break
        received += piece
    count = 0
    while received:
        size = struct.unpack("!H", received[:2])[0]
        assert data(parse(received[2:2 + size])) == ["192.0.2.1"]
        received, count = received[2 + size:], count + 1
    assert count == 300
    wait_total(server, 0, "dnslet_tcp_clients")


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_handshake_over_which_the_certificate_is_read_again(serve, certificate, version):
    server = serve()

    def reload():
        for _ in range(5):
            lines = len(server.log("reloaded"))
            server.send_signal(signal.SIGHUP)
            wait_until(lambda: len(server.log("reloaded")) > lines, "the new certificate")
    clients = [ByHand(server.tls, trusting(certificate, maximum_version=ssl.TLSVersion[version]), reload)
               for _ in range(3)]
    for client in clients:
        client.tls.write(TcpClient.frame(question("nas.test")))
        client.flush()
        assert data(parse(client.through(lambda: client.tls.read(65536))[2:])) == ["192.0.2.10"]


@pytest.mark.parametrize("kind", ["tls", "https"])
def test_who_resets_with_answers_outstanding_is_forgotten(serve, upstream, trust, trust2, kind):
    server = serve(to=[upstream(lambda asked: Later(0.3, with_address("192.0.2.1")(asked)))])
    for number in range(20):
        if kind == "tls":
            client = TlsClient(server.tls, trust)
            client.send(*(question(f"{number}-{each}.test") for each in range(50)))
            connection = client.socket
        else:
            client = HttpsClient(server.https, trust2)
            for each in range(50):
                client.post(question(f"{number}-{each}.test"))
            connection = client.socket
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    assert is_served(server, trust)
    wait_total(server, 0, "dnslet_tcp_clients")


def hello_of(size):
    """The beginning of a ClientHello that says it is so long"""
    message = b"\x01" + size.to_bytes(3, "big") + b"\x03\x03" + bytes(size)
    return b"".join(b"\x16\x03\x01" + struct.pack("!H", len(message[at:at + 16384])) + message[at:at + 16384]
                    for at in range(0, size, 16384))


HELLOS = {"the longest": hello_of(131_000)[:-100], "longer than any": hello_of(300_000), "empty records": b"\x16\x03\x01\0\0" * 5000,
          "a name of anything": client_hello().replace(b"dns.test", b"\0\xff..\x80\n%s"),
          "data behind it": client_hello() + b"\x17\x03\x03\x40\0" + bytes(16384),
          "alerts": b"\x15\x03\x01\0\2\1\0" * 5000, "another hello behind it": client_hello() * 50}


@pytest.mark.parametrize("what", HELLOS)
def test_a_handshake_of_anything(serve, trust, what):
    server = serve("--tcp-idle-timeout=1500")
    memory, attackers = Memory(server), []
    for _ in range(64):
        attacker = socket.create_connection(server.tls)
        attacker.setblocking(False)
        with contextlib.suppress(OSError):
            attacker.send(HELLOS[what])
        attackers.append(attacker)
    assert is_served(server, trust)
    memory.measure(server)
    wait_total(server, 0, "dnslet_tcp_clients")
    for attacker in attackers:
        attacker.close()
    assert SLOW or memory.most < (1 << 20) + 64 * (256 << 10)


@pytest.mark.parametrize("letter, version", [("R", "-tls1_2"), ("K", "-tls1_3")])
def test_endless_handshakes(serve, trust, letter, version):
    """Renegotiation, and updates of keys that ask for another: openssl has letters for them."""
    server = serve("--tcp-idle-timeout=60000")
    with subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:%d" % server.tls[1], version],
                          stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        wait_total(server, 1, "dnslet_client_tls_handshakes_total", result="full")
        end = time.monotonic() + 4 * PATIENCE
        with contextlib.suppress(BrokenPipeError):
            while client.poll() is None:
                assert time.monotonic() < end, "it goes on and on"
                client.stdin.write(letter.encode() + b"\n")
                client.stdin.flush()
                time.sleep(0.0005)
        with contextlib.suppress(BrokenPipeError):
            client.stdin.close()
        wait_total(server, 0, "dnslet_tcp_clients")
    assert is_served(server, trust)


# HTTP/1.1.

def get1(name, *headers):
    path = "/dns-query?dns=" + as_query(question(name).to_wire())
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: a", *headers, "", ""]).encode()


def read_all(client):
    """Until the end"""
    received = b""
    with contextlib.suppress(ConnectionError, ssl.SSLEOFError):
        while piece := client.socket.recv(65536):
            received += piece
    return received


def test_no_answer_over_http_1_is_taken_for_that_to_a_dropped_question(serve, trust1):
    server = serve(*LOST)
    with TlsClient(server.https, trust1) as client:
        client.socket.sendall(get1("nas.test") + get1("lost.test") + get1("www.test"))
        received = read_all(client)
    assert received.count(b"HTTP/1.1 200") == 1 and b"\3nas" in received


def test_thousands_of_pipelined_requests_are_answered_in_their_order(serve, trust1):
    server = serve()
    names = [f"{number}.bench.test" for number in range(3000)]
    with TlsClient(server.https, trust1) as client:
        client.socket.setblocking(False)
        left, received = b"".join(map(get1, names)), b""
        end = time.monotonic() + 4 * PATIENCE
        while received.count(b"HTTP/1.1 200") < len(names) or not received.endswith(b"\xc0\0\2\1"):
            assert time.monotonic() < end
            with contextlib.suppress(ssl.SSLWantWriteError):
                left = left[client.socket.send(left[:16384]):] if left else left
            with contextlib.suppress(ssl.SSLWantReadError):
                received += client.socket.recv(65536)
    places = [received.find(name.partition(".")[0].encode() + b"\5bench") for name in names]
    assert places == sorted(places) and -1 not in places


def test_a_late_answer_comes_before_the_end_that_was_asked_for(serve, upstream, trust1):
    server = serve(to=[upstream(lambda asked: Later(0.3, with_address("192.0.2.1")(asked)))])
    with TlsClient(server.https, trust1) as client:
        client.socket.sendall(get1("late.test", "Connection: close") + get1("nas.test"))
        received = read_all(client)
    assert received.count(b"HTTP/1.1 200") == 1 and b"Connection: close" in received and b"\4late" in received


@pytest.mark.parametrize("first", [
    b"GET /dns-query?dns=", b"POST /dns-query HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n"])
def test_who_drips_over_http_1_is_idle(serve, trust1, first):
    server = serve("--tcp-idle-timeout=600")
    with TlsClient(server.https, trust1) as client:
        begun = time.monotonic()
        with pytest.raises(OSError):
            client.socket.sendall(first)
            while time.monotonic() - begun < 0.6 + PATIENCE:
                client.socket.sendall(b"x")
                time.sleep(0.05)
        assert time.monotonic() - begun > 0.5


def test_a_body_that_drips_behind_a_long_head_costs_little(serve, trust1):
    """The head is not read again for each byte."""
    server = serve()
    size = 3000
    head = f"POST /dns-query HTTP/1.1\r\nHost: a\r\nContent-Type: {DNS_MESSAGE}\r\nContent-Length: {size}\r\n"
    with TlsClient(server.https, trust1) as client:
        client.socket.sendall(head.encode() + b"a:\r\n" * 4000 + b"\r\n")
        before = server.cpu_seconds()
        for _ in range(size):
            client.socket.sendall(b"\0")
            time.sleep(0.0005)
        assert b" 200 " in client.socket.recv(65536)
        assert server.cpu_seconds() - before < 0.3 * SCALE


def test_a_body_that_is_cut_ends_its_connection(serve, trust, trust1):
    server = serve()
    with TlsClient(server.https, trust1) as client:
        client.socket.sendall(b"POST /dns-query HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" + bytes(100))
        client.socket.unwrap()
        wait_total(server, 0, "dnslet_tcp_clients")
    assert is_served(server, trust)


def test_who_sends_too_much_reads_so_behind_it(serve, trust1):
    server = serve()
    head = f"POST /dns-query HTTP/1.1\r\nHost: a\r\nContent-Type: {DNS_MESSAGE}\r\nContent-Length: 80000\r\n\r\n"
    with TlsClient(server.https, trust1) as client:
        for piece in (head.encode(), bytes(40000), bytes(40000)):
            client.socket.sendall(piece)
            time.sleep(0.2)
        assert read_all(client).startswith(b"HTTP/1.1 413 ")
        wait_total(server, 0, "dnslet_tcp_clients")


def test_who_goes_on_sending_too_much_is_ended(serve, trust1):
    server = serve()
    with TlsClient(server.https, trust1) as client:
        client.socket.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n")
        with contextlib.suppress(OSError):
            client.socket.sendall(bytes(1 << 20))
        wait_total(server, 0, "dnslet_tcp_clients")
