# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 13: clients over HTTPS (RFC 8484)."""

import http.client
import ssl
import time

import pytest
from encrypted_clients import DNS_MESSAGE, HttpsClient, Response, TlsClient, as_query
from fake_upstream import slow_is_late
from harness import PATIENCE, data, parse, question, ttls, with_address
from tls_server import trusting

HOSTS = "192.0.2.10 nas.test\n192.0.2.11 www.test\n"
CANCEL = 8  # RFC 9113 section 7


@pytest.fixture
def serve(dnslet, certificate):
    def start(*flags, path="", **how):
        return dnslet(*certificate.flags, *flags, listen=f"https://127.0.0.1:0{path}", **how)
    return start


@pytest.fixture
def connect(certificate):
    """Connects by HTTP/2"""
    context = trusting(certificate, ["h2"])
    return lambda server, **how: HttpsClient(server.address, context, **how)


@pytest.fixture
def connect1(certificate):
    """Connects by HTTP/1.1"""
    def connect(server, protocols=("http/1.1",)):
        return http.client.HTTPSConnection(*server.address, timeout=PATIENCE,
                                           context=unnamed(trusting(certificate, protocols)))
    return connect


def unnamed(context):
    """The certificate's name is not that of the address, which http.client asks for"""
    context.check_hostname = False
    return context


@pytest.mark.parametrize("method", ["post", "get"])
def test_a_question_is_answered(serve, connect, method):
    server = serve("--no-rec", hosts=HOSTS)
    with connect(server) as client:
        asked = question("nas.test", edns=True)
        answer = client.wait(getattr(client, method)(asked))[0].message
        assert data(answer) == ["192.0.2.10"]
        assert answer.id == asked.id


def test_many_questions_at_once_are_answered_each_with_its_own(serve, connect):
    server = serve("--no-rec", "--address", "*.test=192.0.2.1", hosts=HOSTS)
    with connect(server) as client:
        streams = {client.post(question(f"{number}.test")): f"{number}.test." for number in range(90)}
        for stream, response in zip(streams, client.wait(*streams)):
            assert str(response.message.question[0].name) == streams[stream]


def test_answers_come_as_soon_as_they_are_there(serve, connect, upstream):
    server = serve(to=[upstream(slow_is_late(0.5))])
    with connect(server) as client:
        slow, fast = client.post(question("slow.test")), client.post(question("fast.test"))
        assert data(client.wait(fast)[0].message) == ["192.0.2.1"]
        assert not client.responses[slow].is_whole
        assert data(client.wait(slow)[0].message) == ["192.0.2.1"]


def test_what_may_be_kept_is_told(serve, connect, upstream):
    server = serve("--rcache=10", to=[upstream(with_address("192.0.2.1", ttl=40))])
    with connect(server) as client:
        assert client.ask(question("two.test")).headers["cache-control"] == "max-age=40"
        time.sleep(1.1)
        assert client.ask(question("two.test")).headers["cache-control"] == "max-age=39"
        assert client.ask(question("two.test", edns=True)).headers["cache-control"] in ("max-age=39", "max-age=38")


def test_a_failure_may_not_be_kept(serve, connect):
    server = serve("--no-rec")
    with connect(server) as client:
        answer = client.ask(question("other.test"))
        assert answer.message.rcode() == 5
        assert answer.headers["cache-control"] == "max-age=0"


@pytest.mark.parametrize("method", ["post", "get"])
def test_a_message_that_is_broken_gets_formerr(serve, connect, method):
    server = serve("--no-rec")
    wire = question("nas.test").to_wire()[:-3]
    with connect(server) as client:
        assert client.wait(getattr(client, method)(wire))[0].message.rcode() == 1


@pytest.mark.parametrize("what, status, how", [
    ("another path", 404, {"method": "GET", ":path": "/"}),
    ("no question", 400, {"method": "GET"}),
    ("two questions", 400, {"method": "GET", "query": "dns=AAAA&dns=AAAA"}),
    ("no Base64", 400, {"method": "GET", "query": "dns=" + "@" * 40}),
    ("one letter too many", 400, {"method": "GET", "query": "dns=" + "A" * 41}),
    ("too short for a message", 400, {"method": "GET", "query": "dns=AAAA"}),
    ("another method", 405, {"method": "PUT", "body": b""}),
    ("HEAD", 405, {"method": "HEAD"}),
    ("no type", 415, {"method": "POST", "body": bytes(12)}),
    ("another type", 415, {"method": "POST", "body": bytes(12), "content-type": "application/json"}),
    ("an empty body", 400, {"method": "POST", "body": b"", "content-type": DNS_MESSAGE}),
    ("a response", 400, {"method": "POST", "body": b"\0\0\x80\0" + bytes(8), "content-type": DNS_MESSAGE}),
])
def test_what_is_no_question_is_refused(serve, connect, what, status, how):
    server = serve("--no-rec", hosts=HOSTS)
    with connect(server) as client:
        response = client.wait(client.request(**how))[0]
        assert response.status == status, what
        assert ("allow" in response.headers) == (status == 405)
        assert data(client.ask(question("nas.test")).message) == ["192.0.2.10"], "the connection goes on"


def test_parameters_of_type_and_query_do_not_matter(serve, connect):
    server = serve("--no-rec", hosts=HOSTS)
    wire = question("nas.test").to_wire()
    with connect(server) as client:
        posted = client.request(body=wire, **{"content-type": "Application/DNS-Message; charset=x"})
        got = client.request("GET", f"ct=x&dns={as_query(wire)}&y")
        for response in client.wait(posted, got):
            assert data(response.message) == ["192.0.2.10"]


@pytest.mark.parametrize("size", [65536, 70000])
def test_a_body_that_is_too_long(serve, connect1, connect, size):
    server = serve("--no-rec", hosts=HOSTS)
    client = connect1(server)
    client.request("POST", "/dns-query", bytes(size), {"Content-Type": DNS_MESSAGE})
    assert client.getresponse().status == 413
    with connect(server) as client2:
        stream = client2.h2.get_next_available_stream_id()
        send_long(client2, stream, size)
        assert client2.wait(stream)[0].status == 413
        assert data(client2.ask(question("nas.test")).message) == ["192.0.2.10"]


def send_long(client, stream, size):
    """A body of zeros, as fast as the server lets it be sent"""
    client.responses[stream] = Response()
    fields = {":method": "POST", ":scheme": "https", ":authority": "dns.test", ":path": client.path,
              "content-type": DNS_MESSAGE}
    client.h2.send_headers(stream, list(fields.items()))
    while size:
        room = min(client.h2.local_flow_control_window(stream), client.h2.max_outbound_frame_size, size)
        if room:
            client.h2.send_data(stream, bytes(room))
            size -= room
        client.flush()
        if not room:
            assert client.read()
    client.h2.end_stream(stream)
    client.flush()


def test_the_longest_message_is_taken(serve, connect):
    server = serve("--no-rec", hosts=HOSTS)
    wire = question("nas.test").to_wire()
    with connect(server) as client:
        stream = client.h2.get_next_available_stream_id()
        send_long(client, stream, 65535)
        assert client.wait(stream)[0].message.rcode() == 1, "nothing but zeros"
        assert data(client.wait(client.post(wire))[0].message) == ["192.0.2.10"]


def test_the_path_of_the_listener_counts(serve, connect):
    server = serve("--no-rec", path="/own/path", hosts=HOSTS)
    with connect(server, path="/own/path") as client:
        assert data(client.ask(question("nas.test")).message) == ["192.0.2.10"]
        client.path = "/dns-query"
        assert client.ask(question("nas.test")).status == 404


def test_a_rule_that_drops_resets_the_stream_alone(serve, connect):
    server = serve("--no-rec", "--rule", "name:lost.test -> drop", hosts=HOSTS)
    with connect(server) as client:
        assert client.ask(question("lost.test")).reset == CANCEL
        assert data(client.ask(question("nas.test")).message) == ["192.0.2.10"]


def test_the_end_of_an_idle_connection_is_said(serve, connect):
    server = serve("--no-rec", "--tcp-idle-timeout=300", hosts=HOSTS)
    with connect(server) as client:
        assert data(client.ask(question("nas.test")).message) == ["192.0.2.10"]
        while client.read():
            pass
        assert client.has_goaway


def test_requests_without_a_question_keep_no_connection_open(serve, connect):
    server = serve("--no-rec", "--tcp-idle-timeout=400", hosts=HOSTS)
    with connect(server, path="/other") as client:
        begin = time.monotonic()
        with pytest.raises((AssertionError, OSError, ssl.SSLError)):
            while time.monotonic() - begin < PATIENCE:
                assert client.ask(question("nas.test")).status == 404
        assert time.monotonic() - begin < PATIENCE


@pytest.mark.parametrize("protocols", [["http/1.1"], []])
def test_http_1_has_one_connection_for_many_questions(serve, connect1, protocols):
    server = serve("--no-rec", hosts=HOSTS)
    client = connect1(server, protocols)
    for name, address in (("nas.test", "192.0.2.10"), ("www.test", "192.0.2.11")) * 3:
        client.request("GET", "/dns-query?dns=" + as_query(question(name).to_wire()))
        response = client.getresponse()
        assert response.status == 200
        assert response.headers["content-type"] == DNS_MESSAGE
        assert response.headers["cache-control"] == "max-age=10"
        assert data(parse(response.read())) == [address]
        client.request("POST", "/dns-query", question(name).to_wire(), {"Content-Type": DNS_MESSAGE})
        assert data(parse(client.getresponse().read())) == [address]
    assert server.log("ready")


@pytest.mark.parametrize("head, status", [
    (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    (b"GET /dns-query HTTP/1.1\r\n\r\n", 400),
    (b"PUT /dns-query HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405),
    (b"HEAD /dns-query HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    (b"POST /dns-query HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST /dns-query HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n0", 400),
    (b"POST /dns-query HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
    (b"POST /dns-query HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n", 413),
    (b"GET /dns-query?dns=" + b"A" * 20000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    (b"nonsense\r\n\r\n", 400),
])
def test_http_1_requests_that_are_none(serve, certificate, head, status):
    server = serve("--no-rec")
    with TlsClient(server.address, trusting(certificate, ["http/1.1"])) as client:
        client.socket.sendall(head)
        answer = client.socket.recv(4096)
        assert int(answer.split()[1]) == status
        if head.startswith(b"HEAD"):
            assert answer.endswith(b"\r\n\r\n"), "no body"


def test_who_waits_with_the_body_is_told_to_go_on(serve, certificate):
    """RFC 9110 section 10.1.1: curl would wait a second"""
    server = serve("--no-rec", hosts=HOSTS)
    body = question("nas.test").to_wire()
    head = (f"POST https://dns.test/dns-query HTTP/1.1\r\nHost: other.test\r\nContent-Type: {DNS_MESSAGE}\r\n"
            f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n").encode()
    with TlsClient(server.address, trusting(certificate, ["http/1.1"])) as client:
        for _ in range(2):
            client.socket.sendall(b"\r\n" + head)  # an empty line in front: section 2.2 of RFC 9112
            assert client.socket.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.socket.sendall(body)
            answer = client.socket.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"\xc0\x00\x02\x0a")
        client.socket.sendall(head + body)  # who does not wait is not told
        assert client.socket.recv(4096).startswith(b"HTTP/1.1 200")


def test_http_1_answers_keep_the_order_of_requests(serve, certificate, upstream):
    server = serve(to=[upstream(slow_is_late(0.3))])
    with TlsClient(server.address, trusting(certificate, ["http/1.1"])) as client:
        client.socket.sendall(b"".join(
            f"GET /dns-query?dns={as_query(question(name).to_wire())} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
            for name in ("slow.test", "fast.test", "other.test")))
        received = b""
        while received.count(b"HTTP/1.1 200") < 3 or not received.endswith(b"\xc0\x00\x02\x01"):
            piece = client.socket.recv(65536)
            assert piece
            received += piece
        assert received.find(b"slow") < received.find(b"fast") < received.find(b"other")


def test_ttls_are_those_of_the_message(serve, connect):
    server = serve("--no-rec", hosts=HOSTS)
    with connect(server) as client:
        response = client.ask(question("nas.test"))
        assert response.headers["cache-control"] == f"max-age={min(ttls(response.message))}"
