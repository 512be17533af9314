# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""STATHAT_USER. That a post comes every ten seconds is tested beside Graphite's batches, its host by
name in server_names_test."""

import socket

import pytest
from stathat_server import KEY, StatHat

@pytest.fixture
def stathat():
    with StatHat() as running:
        yield running


def test_a_batch_is_one_post(dnslet, stathat):
    dnslet("--no-rec", env=stathat.variables())
    path, headers, stats = stathat.post()
    assert (path, headers["Content-Type"]) == ("/ez", "application/json")
    assert headers["Host"] == f"127.0.0.1:{stathat.port}"
    assert stats["dnslet.workers"] == ("value", 1)
    assert not any(kind == "count" for kind, _ in stats.values()), "nothing has happened yet"


def test_a_refusal_is_a_warning_that_names_the_status(dnslet, stathat):
    stathat.status = 503
    server = dnslet("--no-rec", env=stathat.variables())
    stathat.post()
    assert server.wait_log("counters can't be pushed to StatHat").endswith('reason="status 503"')


def test_what_speaks_no_http_is_a_warning(dnslet):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = "http://127.0.0.1:%d/ez" % listener.getsockname()[1]
        server = dnslet("--no-rec", env={"STATHAT_USER": KEY, "DNSLET_STATHAT_URL": url})
        with listener.accept()[0] as connection:
            connection.sendall(b"220 smtp.example ESMTP\r\n")
            server.wait_log("StatHat .*not a response of HTTP")
