# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""STATHAT_USER. That a post comes every ten seconds is tested beside Graphite's batches."""

import socket

import pytest
from harness import PATIENCE, SCALE, silent, wait_until, with_address
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


@pytest.mark.parametrize("allow", [(), ("--allow", "192.0.2.0/24")], ids=["everyone", "others"])
def test_the_host_is_looked_up_through_dnslet_itself(dnslet, upstream, stathat, allow):
    source = upstream(with_address("127.0.0.1"))
    server = dnslet(*allow, "--rcache", 10, to=[source], env=stathat.variables("stathat.test"))
    _, headers, stats = stathat.post()
    assert headers["Host"] == f"stathat.test:{stathat.port}"
    assert [(q.name, q.type) for q in source.questions] == [("stathat.test.", "A")]
    assert "dnslet.questions_total.udp.A" not in stats, "it is no client"
    assert not server.log("warning")


def test_looking_the_server_up_refreshes_its_address_for_all(dnslet, upstream, stathat):
    """It ends 11 s after the first look-up; the second one, 10 s after it, is from the cache."""
    source = upstream(with_address("127.0.0.1", ttl=11))
    server = dnslet("--rcache", 10, to=[source], env=stathat.variables("stathat.test"))
    stathat.post()
    for _ in range(2):
        server.query("stathat.test")
    stathat.post(10 + PATIENCE)
    wait_until(lambda: len(source.asked("stathat.test", "A")) == 2, "the refresh", 3 * SCALE)


def test_the_host_may_be_in_a_hosts_file(dnslet, stathat):
    dnslet("--no-rec", hosts="127.0.0.1 stathat.test\n", env=stathat.variables("stathat.test"))
    assert stathat.post()


def test_the_default_is_stathat_s_own_place(dnslet, upstream):
    source = upstream(lambda q: q.nxdomain())
    server = dnslet(to=[source], env={"STATHAT_USER": KEY})
    server.wait_log("counters can't be pushed to StatHat host=api.stathat.com reason=")
    assert [(q.name, q.type) for q in source.questions] == [
        ("api.stathat.com.", "A"), ("api.stathat.com.", "AAAA")]


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


def test_the_end_does_not_wait_for_stathat(dnslet, upstream):
    source = upstream(silent)
    server = dnslet(to=[source], env={"STATHAT_USER": KEY})
    wait_until(lambda: source.questions, "the look-up")
    server.stop(limit=0.2)
