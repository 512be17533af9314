# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""--metrics: what is counted, and the health pages."""

import os
import re
import signal
import socket
import threading

import pytest
from harness import (Later, TcpClient, UdpClient, only_rcode, question, run, silent, timed,
                     wait_until, with_address)
from metrics import Scrape, get, metrics_address, wait_total

METRICS = ("--metrics", "127.0.0.1:0")


def everything(asked):
    if asked.name.startswith("no."):
        return asked.nxdomain()
    return with_address("192.0.2.1")(asked)


def test_questions_are_counted_by_transport_and_type(dnslet):
    server = dnslet(*METRICS, "--no-rec", "--address", "nas.test=192.0.2.9")
    for rdtype in ("A", "A", "AAAA", "MX", "TYPE65280", "HTTPS"):
        server.query("nas.test", rdtype)
    server.query("nas.test", "PTR", tcp=True)
    server.exchange(b"\x12\x34\x01\x00\x00\x00" + b"\0" * 6)  # no question in it: FORMERR
    scrape = Scrape(server)
    found = {rdtype: scrape.total("dnslet_questions_total", transport="udp", type=rdtype)
             for rdtype in ("A", "AAAA", "MX", "HTTPS", "PTR", "other")}
    assert found == {"A": 2, "AAAA": 1, "MX": 1, "HTTPS": 1, "PTR": 0, "other": 2}
    assert scrape.total("dnslet_questions_total", transport="tcp", type="PTR") == 1
    assert scrape.total("dnslet_questions_total") == scrape.total("dnslet_answers_total") == 8
    assert scrape.total("dnslet_answers_total", source="error", rcode="FORMERR") == 1


def test_what_is_no_question_is_counted_apart(dnslet):
    server = dnslet(*METRICS, "--no-rec")
    with UdpClient(server.address) as client:
        client.send(b"short")
        client.send(b"\x12\x34\x81\x00" + b"\0" * 8)
    wait_total(server, 2, "dnslet_ignored_messages_total")
    assert Scrape(server).total("dnslet_questions_total") == 0


@pytest.mark.parametrize("name,rdtype,rdclass,source,rcode", [
    ("nas.test", "A", "IN", "hosts", "NOERROR"),
    ("static.test", "A", "IN", "address", "NOERROR"),
    ("x.ads.test", "A", "IN", "block", "NXDOMAIN"),
    ("localhost", "A", "IN", "special", "NOERROR"),
    ("www.example", "AAAA", "IN", "filter", "NOERROR"),
    ("version.bind", "TXT", "CH", "chaos", "NOERROR"),
    ("www.example", "A", "IN", "upstream", "NOERROR"),
    ("no.example", "A", "IN", "upstream", "NXDOMAIN"),
    ("www.example", "AXFR", "IN", "refused", "REFUSED")])
def test_answers_are_counted_by_source_and_code(dnslet, upstream, name, rdtype, rdclass, source,
                                                rcode):
    server = dnslet(*METRICS, "--address", "static.test=192.0.2.9", "--block", "ads.test",
                    "--filter", "aaaa", to=[upstream(everything)], hosts="192.0.2.10 nas.test\n")
    server.query(name, rdtype, rdclass)
    scrape = Scrape(server)
    assert scrape.total("dnslet_answers_total", source=source, rcode=rcode) == 1
    assert scrape.total("dnslet_answers_total") == 1


def test_the_cache_is_counted(dnslet, upstream):
    server = dnslet(*METRICS, "--rcache", 2, to=[upstream(everything)])
    for name in ("a.example", "a.example", "b.example", "c.example", "a.example"):
        server.query(name)
    scrape = Scrape(server)
    total = scrape.total
    assert (total("dnslet_cache_hits_total"), total("dnslet_cache_misses_total")) == (1, 4)
    assert (total("dnslet_cache_entries"), total("dnslet_cache_capacity")) == (2, 2)
    assert total("dnslet_cache_evictions_total") == 2
    assert 0 < total("dnslet_cache_bytes") <= 2 * 1024
    assert total("dnslet_answers_total", source="cache") == 1


def test_servers_are_counted_each(dnslet, upstream):
    bad, good = upstream(only_rcode("SERVFAIL")), upstream(lambda q: Later(0.03, everything(q)))
    server = dnslet(*METRICS, to=[bad, good])
    for name in ("a.example", "no.example"):
        server.query(name)
    total = Scrape(server).total
    for source, rcodes in ((bad, {"SERVFAIL": 2}), (good, {"NOERROR": 1, "NXDOMAIN": 1})):
        labels = {"server": source.address}
        assert total("dnslet_upstream_questions_total", **labels) == 2
        assert total("dnslet_upstream_answers_total", **labels) == 2
        for rcode, count in rcodes.items():
            assert total("dnslet_upstream_answers_total", rcode=rcode, **labels) == count
        assert total("dnslet_upstream_latency_seconds_count", **labels) == 2
        assert total("dnslet_upstream_retries_total", **labels) == (2 if source is good else 0)
    assert 0.06 <= total("dnslet_upstream_latency_seconds_sum", server=good.address) < 2
    assert total("dnslet_upstream_latency_seconds_bucket", server=good.address, le="0.025") == 0
    assert total("dnslet_upstream_latency_seconds_bucket", server=good.address, le="5") == 2


def test_silent_servers_time_out_and_are_penalised(dnslet, upstream):
    quiet, good = upstream(silent), upstream(everything)
    server = dnslet(*METRICS, "--upstream-retry", 50, "--upstream-timeout", 300, to=[quiet, good])
    server.query("a.example")
    wait_total(server, 1, "dnslet_upstream_timeouts_total", server=quiet.address)
    total = Scrape(server).total
    assert total("dnslet_upstream_penalties_total", server=quiet.address) == 1
    assert total("dnslet_upstream_timeouts_total", server=good.address) == 0
    assert total("dnslet_upstream_latency_seconds_count", server=quiet.address) == 0


def test_a_server_that_refuses_connections_is_an_error(dnslet, upstream):
    gone = upstream(silent)
    gone.stop()
    server = dnslet(*METRICS, to=[gone])
    server.query("a.example")
    wait_total(server, 1, "dnslet_upstream_errors_total", server=gone.address)
    assert Scrape(server).total("dnslet_answers_total", source="error", rcode="SERVFAIL") == 1


def test_a_server_of_several_zones_is_one(dnslet, upstream):
    source = upstream(everything)
    server = dnslet(*METRICS, "--stubzones", f"a.test,b.test/{source.address}", to=[source])
    for name in ("x.a.test", "x.b.test", "x.example"):
        server.query(name)
    wait_total(server, 3, "dnslet_upstream_questions_total", server=source.address)


def test_servers_come_and_go_with_resolv_conf(dnslet, upstream, tmp_path):
    one, other = upstream(everything, host="127.0.0.1"), upstream(everything, host="127.0.0.2")
    conf = tmp_path / "resolv.conf"
    conf.write_text(f"nameserver {one.host}\n")
    server = dnslet(*METRICS, "--stubzones", f"a.test/{one.address}")
    server.query("x.a.test")
    assert Scrape(server).total("dnslet_upstream_questions_total", server="127.0.0.1:53") == 0
    conf.write_text(f"nameserver {other.host}\n")
    server.send_signal(signal.SIGHUP)
    server.wait_log("nameservers 127.0.0.2:53")
    total = Scrape(server).total
    assert total("dnslet_upstream_questions_total", server=one.address) == 1
    assert total("dnslet_upstream_questions_total", server="127.0.0.2:53") == 0
    with pytest.raises(AssertionError, match="no dnslet"):
        total("dnslet_upstream_questions_total", server="127.0.0.1:53")
    assert total("dnslet_reloads_total") == 1


def test_a_server_goes_with_the_last_question_to_it(dnslet, upstream53, tmp_path):
    gone = upstream53("127.53.2.1", silent)
    conf = tmp_path / "resolv.conf"
    conf.write_text(f"nameserver {gone.host}\n")
    server = dnslet(*METRICS, "--upstream-timeout", 1000)
    with UdpClient(server.address) as client:
        client.send(question("www.test"))
        gone.wait_asked(1)
        conf.write_text("nameserver 127.53.2.2\n")
        server.send_signal(signal.SIGHUP)
        server.wait_log("nameservers 127.53.2.2:53")
        client.receive()
    server.query("other.test")
    wait_until(lambda: gone.address not in get(server)[1], "its counters are gone")


def test_what_is_under_way_is_shown(dnslet, upstream):
    quiet = upstream(silent)
    server = dnslet(*METRICS, "--max-inflight", 2, "--upstream-timeout", 3000, to=[quiet])
    with UdpClient(server.address) as client, TcpClient(server.address):
        for name in ("a.example", "a.example", "b.example", "c.example"):
            client.send(question(name))
        wait_total(server, 2, "dnslet_upstream_inflight")
        wait_total(server, 3, "dnslet_waiting_questions")
        wait_total(server, 1, "dnslet_refused_by_limit_total")
        wait_total(server, 1, "dnslet_tcp_clients")


def test_tcp_clients_over_the_limit_are_counted(dnslet):
    server = dnslet(*METRICS, "--no-rec", "--max-tcp-clients", 1)
    with TcpClient(server.address), TcpClient(server.address):
        wait_total(server, 1, "dnslet_tcp_clients_closed_by_limit_total")
        wait_total(server, 1, "dnslet_tcp_clients")


def test_all_workers_are_counted(dnslet):
    server = dnslet(*METRICS, "--no-rec", "--address", "www.test=192.0.2.1", "--threads", 4)
    for _ in range(40):
        server.query("www.test")
    total = Scrape(server).total
    assert total("dnslet_questions_total", type="A") == 40
    assert total("dnslet_workers") == 4


def test_version_and_time_are_told(dnslet):
    server = dnslet(*METRICS, "--no-rec")
    version = run("--version").stdout.split()[1]
    first = Scrape(server)
    assert first.total("dnslet_build_info", version=version) == 1
    wait_until(lambda: Scrape(server).total("dnslet_uptime_seconds")
               > first.total("dnslet_uptime_seconds"), "time passes")


def test_scrapes_do_not_hold_up_questions(dnslet):
    server = dnslet(*METRICS, "--no-rec", "--address", "www.test=192.0.2.1", "--threads", 2)
    done = threading.Event()

    def scrape_on():
        while not done.is_set():
            get(server)
    thread = threading.Thread(target=scrape_on)
    thread.start()
    try:
        assert max(timed(lambda: server.query("www.test"))[1] for _ in range(200)) < 0.5
    finally:
        done.set()
        thread.join()


# Signals and start.

def test_sigusr1_logs_every_counter_that_is_not_zero(dnslet, upstream):
    source = upstream(everything)
    server = dnslet(*METRICS, "--rcache", 10, to=[source])
    server.query("a.example"), server.query("a.example")
    samples = Scrape(server).samples
    server.send_signal(signal.SIGUSR1)
    server.wait_log("metric=dnslet_upstream_latency_seconds ")
    told = {}
    for line in server.log(" info counter metric="):
        pairs = re.findall(r"(\w+)=(\S+)", line)
        told[tuple(pairs[:-1])] = float(pairs[-1][1])
    for (name, *labels), value in samples.items():
        if value == 0 or "latency" in name or "uptime" in name:
            continue
        assert told[(("metric", name), *labels)] == value, name


def test_a_port_that_is_taken_is_an_error_with_a_remedy():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = "127.0.0.1:%d" % other.getsockname()[1]
        result = run("--no-rec", "--listen", "127.0.0.1:0", "--metrics", address)
    assert result.returncode == 1
    assert result.stderr == (f"dnslet: cannot bind {address}/tcp: address already in use; stop what "
                             "uses it, or choose another address or port with --metrics\n")


def test_an_address_of_another_host_is_an_error_with_a_remedy():
    result = run("--no-rec", "--listen", "127.0.0.1:0", "--metrics", "192.0.2.1:9153")
    assert result.returncode == 1
    assert "cannot bind 192.0.2.1:9153/tcp: " in result.stderr and "--metrics" in result.stderr


def test_ipv6_is_served(dnslet):
    server = dnslet("--metrics", "[::1]:0", "--no-rec")
    assert metrics_address(server)[0] == "::1"
    assert get(server, "/healthz") == (200, "ok\n")


# Health.

def test_a_process_that_serves_is_healthy_whatever_upstream_does(dnslet, upstream):
    gone = upstream(silent)
    gone.stop()
    server = dnslet(*METRICS, to=[gone])
    assert get(server, "/healthz") == (200, "ok\n")


def test_without_forwarding_it_is_ready(dnslet):
    assert get(dnslet(*METRICS, "--no-rec"), "/readyz")[0] == 200


def test_an_idle_dnslet_asks_a_question_of_its_own(dnslet, upstream):
    source = upstream(everything)
    server = dnslet(*METRICS, "--rcache", 10, "--threads", 2, to=[source])
    assert get(server, "/readyz") == (200, "ready\n")
    assert [(q.name, q.type) for q in source.questions] == [(".", "NS")]
    for _ in range(5):  # it has been heard: nothing more is asked
        assert get(server, "/readyz")[0] == 200
    assert len(source.questions) == 1
    total = Scrape(server).total
    assert total("dnslet_questions_total") == 0 and total("dnslet_answers_total") == 0


def test_an_answer_to_a_client_is_enough(dnslet, upstream):
    source = upstream(everything)
    server = dnslet(*METRICS, "--threads", 3, to=[source])
    server.query("a.example")
    assert get(server, "/readyz")[0] == 200
    assert len(source.questions) == 1


@pytest.mark.parametrize("trouble", ["silent", "refuses"])
def test_without_an_answer_it_is_not_ready_and_does_not_ask_on_and_on(dnslet, upstream, trouble):
    source = upstream(silent)
    if trouble == "refuses":
        source.stop()
    server = dnslet(*METRICS, to=[source])
    (status, _), seconds = timed(lambda: get(server, "/readyz"))
    assert status == 503 and seconds < 5
    for _ in range(20):
        get(server, "/readyz")
    assert Scrape(server).total("dnslet_upstream_questions_total") <= 6


def test_it_is_ready_again_when_the_server_is_back(dnslet, upstream):
    source = upstream(everything)
    source.stop()
    server = dnslet(*METRICS, to=[source])
    assert get(server, "/readyz")[0] == 503
    source.start()
    wait_until(lambda: get(server, "/readyz")[0] == 200, "ready")


def test_a_stub_zone_for_all_names_is_asked(dnslet, upstream):
    source = upstream(everything)
    server = dnslet(*METRICS, "--stubzones", f"./{source.address}")
    assert get(server, "/readyz")[0] == 200
    assert len(source.questions) == 1


def test_metrics_are_served_to_whoever_may_not_ask(dnslet, upstream):
    """--allow is about questions"""
    server = dnslet(*METRICS, "--allow", "192.0.2.0/24", to=[upstream(everything)])
    assert get(server)[0] == 200 and get(server, "/readyz")[0] == 200


def test_json_lines_tell_the_address_too(dnslet):
    server = dnslet(*METRICS, "--no-rec", "--log-format", "json")
    assert '"message":"metrics are served","address":"127.0.0.1:' in "".join(server.lines)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_port_of_root_is_bound_before_the_user_changes(dnslet):
    """In a network namespace where such ports are root's, whatever this host says."""
    script = ("ip link set lo up && sysctl -qw net.ipv4.ip_unprivileged_port_start=1024 && "
              "exec \"$@\"")
    if os.system("unshare --net sh -c 'sysctl -qw net.ipv4.ip_unprivileged_port_start=1024' "
                 "2>/dev/null") != 0:
        pytest.skip("no network namespaces, or no sysctl here")
    server = dnslet("--no-rec", "--metrics", "127.0.0.1:953", "--user", 65534,
                    wrapper=["unshare", "--net", "sh", "-c", script, "sh"])
    assert server.log("metrics are served address=127.0.0.1:953$")
