# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 2: signals, also as PID 1."""

import os
import re
import signal
import socket
import time
from pathlib import Path

import pytest
from harness import (Dnslet, TcpClient, UdpClient, data, question, silent, wait_until,
                     with_address)

ENDING = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_an_ending_signal_ends_it_in_200_ms_with_status_0(dnslet, number):
    dnslet("--no-rec").stop(number, limit=0.2)


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_open_clients_and_questions_do_not_delay_the_end(dnslet, upstream, number):
    quiet = upstream(silent)
    server = dnslet("--tcp-idle-timeout", 60000, to=[quiet])
    with TcpClient(server.address) as idle, TcpClient(server.address) as busy, \
            UdpClient(server.address) as client:
        idle.socket.sendall(b"\0")
        busy.send(question("tcp.test"))
        for i in range(20):
            client.send(question(f"udp{i}.test"))
        quiet.wait_asked(21)
        server.stop(number, limit=0.2)


@pytest.mark.parametrize("name", ["{}/notify", "@dnslet-test-{}"], ids=["path", "abstract"])
def test_systemd_hears_when_it_is_ready_and_when_it_stops(dnslet, tmp_path, name):
    name = name.format(tmp_path if name.startswith("{") else os.getpid())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name.replace("@", "\0", 1))
        systemd.settimeout(5)
        server = dnslet("--no-rec", env={"NOTIFY_SOCKET": name})
        assert systemd.recv(100) == b"READY=1"
        server.stop()
        assert systemd.recv(100) == b"STOPPING=1"


def namespace_works():
    return os.system("unshare --pid --fork --mount-proc true 2>/dev/null") == 0


@needs_root
@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_as_pid_1_an_ending_signal_ends_it_too(dnslet, number):
    """The kernel drops signals to PID 1 of a namespace that it has no handler for."""
    if not namespace_works():
        pytest.skip("no PID namespaces here")
    server = dnslet("--no-rec", hosts="192.0.2.10 nas.test\n",
                    wrapper=["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"])
    with open(f"/proc/{server.pid}/status") as status:
        assert [line.split()[-1] for line in status if line.startswith("NSpid:")] == ["1"]
    assert data(server.query("nas.test")) == ["192.0.2.10"]
    server.stop(number, limit=0.2)


@pytest.fixture(scope="module")
def many_hosts(tmp_path_factory):
    path = tmp_path_factory.mktemp("many") / "hosts"
    path.write_text("".join(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255} n{i}.test\n"
                            for i in range(600_000)))
    return path


def handles_sigterm(server):
    caught = re.search(r"SigCgt:\s*(\w+)", Path(f"/proc/{server.pid}/status").read_text())
    return int(caught.group(1), 16) >> signal.SIGTERM - 1 & 1


@pytest.fixture
def slow_start(many_hosts, tmp_path):
    """One that has begun and reads a hosts file for some time"""
    for _ in range(5):  # this process may have been kept from running for as long as that
        server = Dnslet("--no-rec", "--hostsfile", many_hosts, directory=tmp_path).spawn()
        wait_until(lambda: handles_sigterm(server), "a handler for SIGTERM")
        time.sleep(0.05)  # were it ready, its line would be here
        if not server.ready_line():
            break
        server.kill()
    yield server
    server.kill()


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_an_ending_signal_ends_it_while_it_starts(slow_start, number):
    slow_start.stop(number, limit=0.2)


def test_a_sighup_while_it_starts_waits_for_the_start(slow_start):
    slow_start.send_signal(signal.SIGHUP)
    slow_start.send_signal(signal.SIGUSR1)
    slow_start.wait_log("reloaded, cache emptied")
    slow_start.wait_log("metric=dnslet_uptime_seconds")
    slow_start.stop()


def test_sighup_reads_the_hosts_file_again(dnslet, tmp_path):
    server = dnslet("--no-rec", hosts="192.0.2.10 nas.test\n")
    (tmp_path / "hosts").write_text("192.0.2.20 nas.test\n")
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: data(server.query("nas.test")) == ["192.0.2.20"], "the new address")


def test_sighup_empties_the_cache(dnslet, upstream):
    source = upstream(with_address())
    server = dnslet("--rcache", 100, to=[source])
    for _ in range(3):
        server.query("www.test")
    assert len(source.asked("www.test")) == 1
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: server.query("www.test") and len(source.asked("www.test")) == 2,
               "asked upstream again")


def test_many_sighups_lose_no_question(dnslet, upstream):
    server = dnslet("--rcache", 100, to=[upstream(with_address())], hosts="192.0.2.10 nas.test\n")
    for i in range(30):
        server.send_signal(signal.SIGHUP)
        assert data(server.query(f"n{i}.test")) == ["192.0.2.1"]
        assert data(server.query("nas.test")) == ["192.0.2.10"]


def test_sigusr1_logs_the_counters(dnslet, upstream):
    server = dnslet(to=[upstream(with_address())])
    for i in range(5):
        server.query(f"n{i}.test")
    before = len(server.lines)
    server.send_signal(signal.SIGUSR1)
    wait_until(lambda: any(re.search(r"=5\b", line) for line in server.lines[before:]),
               "five queries counted")
    assert data(server.query("after.test")) == ["192.0.2.1"]


def test_sigpipe_is_ignored(dnslet):
    server = dnslet("--no-rec", hosts="192.0.2.10 nas.test\n")
    server.send_signal(signal.SIGPIPE)
    assert data(server.query("nas.test")) == ["192.0.2.10"]


def test_a_closed_standard_output_does_not_end_it(dnslet):
    server = dnslet("--no-rec", "--verbose", hosts="192.0.2.10 nas.test\n")
    server.reading.clear()
    assert data(server.query("nas.test")) == ["192.0.2.10"]
    server.wait_log("query ")  # the reading thread now stands still
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, server.output)  # the pipe now has no reader
    os.close(null)
    for _ in range(50):
        assert data(server.query("nas.test")) == ["192.0.2.10"]
