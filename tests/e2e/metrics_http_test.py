# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""--metrics before clients that are slow, wrong or hostile."""

import contextlib
import http.client
import socket
import time

import pytest
from harness import PATIENCE, SCALE, data, wait_until
from metrics import get, metrics_address

GOOD = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
MAX_CLIENTS = 32
TIME = 5  # seconds that a connection may take


@pytest.fixture
def server(dnslet):
    return dnslet("--metrics", "127.0.0.1:0", "--no-rec", "--address", "www.test=192.0.2.1")


def connect(server):
    return socket.create_connection(metrics_address(server), PATIENCE)


def receive_all(connection):
    pieces = []
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


def exchange(server, wire):
    """The status line, or nothing"""
    with connect(server) as connection:
        connection.sendall(wire)
        return receive_all(connection).partition(b"\r\n")[0]


@pytest.mark.parametrize("path,method,status", [
    ("/", "GET", 404), ("/metrics/", "GET", 404), ("/metricsx", "GET", 404), ("/METRICS", "GET", 404),
    ("/%6detrics", "GET", 404), ("/../metrics", "GET", 404), ("/metrics", "POST", 405),
    ("/healthz", "DELETE", 405), ("/readyz", "OPTIONS", 405), ("/metrics", "get", 405),
    ("/nothing", "POST", 404), ("/metrics?name[]=up", "GET", 200), ("/metrics", "GET", 200)])
def test_pages_and_methods(server, path, method, status):
    assert get(server, path, method)[0] == status


def head_of(server, page, *lines, version=1.1):
    """The status, and the names of the headers"""
    head = "\r\n".join([f"GET {page} HTTP/{version}", *lines, "", ""])
    with connect(server) as connection:
        connection.sendall(head.encode())
        status, *headers = receive_all(connection).partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return int(status.split()[1]), dict(line.split(": ", 1) for line in headers)


OURS = ["127.0.0.1", "127.0.0.1:9153", "[::1]", "[::1]:80", "10.1.2.3:1", "localhost", "LOCALHOST:9153",
        "localhost.", "192.0.2.1", ""]
OTHERS = ["evil.example", "evil.example:9153", "dnslet", "localhost.evil.example", "127.0.0.1.evil.example",
          "1.2.3", "a", "dnslet.evil.example:80", ":9153", "[::1].evil.example"]


@pytest.mark.parametrize("host", OURS)
def test_metrics_are_for_who_asks_for_an_address(server, host):
    assert head_of(server, "/metrics", f"Host: {host}")[0] == 200


@pytest.mark.parametrize("host", OTHERS)
def test_metrics_are_not_for_who_asks_for_another_name(server, host):
    assert head_of(server, "/metrics", f"Host: {host}")[0] == 421
    assert head_of(server, f"http://{host}/metrics", "Host: 127.0.0.1")[0] == 421
    assert head_of(server, "/healthz", f"Host: {host}")[0] == 200


def test_metrics_are_for_who_says_no_name_at_all(server):
    assert head_of(server, "/metrics", version="1.0")[0] == 200


def test_metrics_host_allows_names(dnslet):
    server = dnslet("--metrics", "127.0.0.1:0", "--no-rec", "--metrics-host", "dnslet,Dns.Example.")
    for host in ("dnslet:9153", "DNSLET", "dns.example", "dns.example.:80", "127.0.0.1", "localhost"):
        assert head_of(server, "/metrics", f"Host: {host}")[0] == 200
    for host in ("x.dnslet", "example", "dns.example.evil", "dnsletx"):
        assert head_of(server, "/metrics", f"Host: {host}")[0] == 421


@pytest.mark.parametrize("lines, status", [(["nonsense"], 400), (["Host: evil.example"], 421)])
def test_an_error_says_what_type_its_sentence_has(server, lines, status):
    found, headers = head_of(server, "/metrics", *lines)
    assert found == status and headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_wrong_method_is_told_the_right_ones(server):
    connection = http.client.HTTPConnection(*metrics_address(server), timeout=PATIENCE)
    connection.request("PUT", "/metrics", body=b"x" * 1000)
    response = connection.getresponse()
    assert (response.status, response.getheader("Allow")) == (405, "GET, HEAD")
    connection.close()


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/nothing"])
def test_head_has_the_same_head_and_no_body(server, path):
    heads = []
    for method in ("GET", "HEAD"):
        connection = http.client.HTTPConnection(*metrics_address(server), timeout=PATIENCE)
        connection.request(method, path)
        response = connection.getresponse()
        heads.append((response.status, response.getheader("Content-Type")))
        assert bool(response.read()) == (method == "GET")
        connection.close()
    assert heads[0] == heads[1]


@pytest.mark.parametrize("wire", [
    b"\r\n\r\n", b"GET /metrics\r\n\r\n", b"GET /metrics HTTP/3\r\nHost: a\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\n\r\n", b"GET metrics HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\n\n",
    b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nx: \0\r\n\r\n",
    b"GET /" + b"x" * 9000, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 2000], ids=lambda wire: wire[:30])
def test_what_is_no_request_gets_400(server, wire):
    assert exchange(server, wire) == b"HTTP/1.1 400 Bad Request"
    assert get(server, "/healthz")[0] == 200


def test_a_request_may_come_byte_by_byte(server):
    with connect(server) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in GOOD:
            connection.sendall(bytes([byte]))
        assert receive_all(connection).startswith(b"HTTP/1.1 200 OK")


def test_a_client_that_closes_its_side_is_answered(server):
    with connect(server) as connection:
        connection.sendall(GOOD)
        connection.shutdown(socket.SHUT_WR)
        assert receive_all(connection).endswith(b"ok\n")


def test_a_body_that_nobody_asked_for_does_not_cost_the_answer(server):
    with connect(server) as connection:
        connection.sendall(b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n"
                           + b"x" * 30000)
        assert receive_all(connection).startswith(b"HTTP/1.1 405 ")


def test_only_the_first_of_several_requests_is_answered(server):
    with connect(server) as connection:
        connection.sendall(GOOD * 3)
        connection.shutdown(socket.SHUT_WR)
        assert receive_all(connection).count(b"HTTP/1.1") == 1


def test_connections_have_a_limit_and_the_oldest_makes_room(server):
    before = server.descriptors()
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connect(server)) for _ in range(MAX_CLIENTS)]
        assert get(server, "/healthz") == (200, "ok\n")
        assert idle[0].recv(1) == b"", "the oldest is closed"
        for _ in range(3 * MAX_CLIENTS):
            stack.enter_context(connect(server))
        wait_until(lambda: server.descriptors() <= before + MAX_CLIENTS + 1, "no more are open")
        assert data(server.query("www.test")) == ["192.0.2.1"]


def test_time_is_limited_for_those_who_do_not_ask_and_those_who_do_not_read(server):
    """Both at once: the limit is the price of this test."""
    before = server.descriptors()
    with connect(server) as mute, connect(server) as deaf, connect(server) as endless:
        begin = time.monotonic()
        mute.sendall(b"GET /heal")
        deaf.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        endless.settimeout(0.2)
        wait_until(lambda: server.descriptors() == before + 3, "three are open")

        def one_more_byte():
            with contextlib.suppress(OSError):
                endless.sendall(b"x")
            return server.descriptors() == before
        wait_until(one_more_byte, "all are closed", 2 * TIME * SCALE)
        assert time.monotonic() - begin > TIME - 1
        assert mute.recv(1) == b""


def test_a_flood_behind_the_request_ends_the_connection(server):
    with connect(server) as connection:
        connection.sendall(GOOD)
        with pytest.raises(OSError):
            for _ in range(10000):
                connection.sendall(b"x" * 65536)
    assert get(server, "/healthz")[0] == 200
