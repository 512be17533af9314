# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""--threads and --multithreading: several workers behave like one."""

import os
import re
import signal
from pathlib import Path

import pytest
from harness import (TcpClient, UdpClient, data, question, run, silent, wait_until, with_address)

PROCESSORS = len(os.sched_getaffinity(0))
CLIENTS = 64  # sockets: the kernel gives each one to a worker by its port


def tasks(server):
    return sorted(int(entry.name) for entry in Path(f"/proc/{server.pid}/task").iterdir())


def turns(server):
    """How often each thread has run"""
    return {task: int(Path(f"/proc/{server.pid}/task/{task}/schedstat").read_text().split()[2])
            for task in tasks(server)}


def ask_from_many(server, name, clients=CLIENTS):
    return [data(server.query(name)) for _ in range(clients)]


@pytest.mark.parametrize("flags, count", [
    ([], 1), (["--threads", 1], 1), (["--threads", 4], 4),
    (["--threads", 0], PROCESSORS), (["--multithreading"], PROCESSORS),
    (["--multithreading", "--threads", 3], 3), (["--multithreading", "--threads", 1], 1)])
def test_there_are_as_many_workers_as_asked_for(dnslet, flags, count):
    server = dnslet("--no-rec", *flags)
    assert len(tasks(server)) == count  # ThreadSanitizer would add one of its own


def test_the_variables_do_the_same(dnslet):
    server = dnslet("--no-rec", env={"DNSMASQ_MULTITHREADING": "true", "DNSMASQ_THREADS": "3"})
    assert len(tasks(server)) == 3


@pytest.mark.parametrize("value", ["-1", "257", "two", "1.5"])
def test_a_number_that_cannot_be_is_refused(value):
    result = run("--no-rec", f"--threads={value}")
    assert result.returncode == 2 and "--threads" in result.stderr


def test_every_worker_answers(dnslet):
    server = dnslet("--no-rec", "--address", "www.test=192.0.2.1", "--threads", 4)
    before = turns(server)
    assert ask_from_many(server, "www.test", 200) == [["192.0.2.1"]] * 200
    after = turns(server)
    assert all(after[task] > before[task] for task in after)


def test_the_workers_share_the_cache(dnslet, upstream):
    source = upstream(with_address("192.0.2.1"))
    server = dnslet("--rcache", 100, "--threads", 4, to=[source])
    assert ask_from_many(server, "www.test") == [["192.0.2.1"]] * CLIENTS
    assert len(source.questions) == 1


def test_a_reload_reaches_every_worker(dnslet, tmp_path, upstream):
    source = upstream(with_address("192.0.2.9"))
    server = dnslet("--threads", 4, "--rcache", 100, to=[source], hosts="192.0.2.1 www.test\n")
    assert ask_from_many(server, "www.test") == [["192.0.2.1"]] * CLIENTS
    assert ask_from_many(server, "other.test") == [["192.0.2.9"]] * CLIENTS
    (tmp_path / "hosts").write_text("192.0.2.2 www.test\n192.0.2.3 other.test\n")
    server.send_signal(signal.SIGHUP)
    assert server.wait_log("reloaded")
    wait_until(lambda: ask_from_many(server, "www.test") == [["192.0.2.2"]] * CLIENTS,
               "all workers")
    assert ask_from_many(server, "other.test") == [["192.0.2.3"]] * CLIENTS


def test_the_counters_are_those_of_all_workers(dnslet):
    server = dnslet("--no-rec", "--address", "www.test=192.0.2.1", "--threads", 4)
    ask_from_many(server, "www.test")
    with TcpClient(server.address) as client:
        client.send(question("www.test"))
        client.receive()
    server.send_signal(signal.SIGUSR1)
    server.wait_log(f"questions_total transport=udp type=A value={CLIENTS}$")
    server.wait_log("questions_total transport=tcp type=A value=1$")
    server.wait_log(f"answers_total source=address rcode=NOERROR value={CLIENTS + 1}$")


def test_tcp_is_divided_too(dnslet):
    server = dnslet("--no-rec", "--address", "www.test=192.0.2.1", "--threads", 3)
    clients = [TcpClient(server.address) for _ in range(30)]
    for client in clients:
        client.send(*[question("www.test")] * 5)
    for client in clients:
        for _ in range(5):
            assert data(client.receive()) == ["192.0.2.1"]
        client.__exit__()


def test_workers_listen_on_every_address(dnslet):
    server = dnslet("--no-rec", "--address", "www.test=192.0.2.1", "--threads", 3,
                    listen="127.0.0.1:0,127.0.0.2:0,[::1]:0,0.0.0.0:0")
    assert len(server.addresses) == 4
    for address in server.addresses[:3]:
        for _ in range(10):
            assert data(server.query("www.test", address=address)) == ["192.0.2.1"]
    with UdpClient(("127.0.0.3", server.addresses[3][1])) as client:
        client.send(question("www.test"))
        assert data(client.receive()) == ["192.0.2.1"]
        assert client.source == ("127.0.0.3", server.addresses[3][1])


def test_a_second_dnslet_does_not_join_in(dnslet):
    server = dnslet("--no-rec", "--threads", 2)
    result = run("--no-rec", "--threads", 2, "--listen", f"127.0.0.1:{server.port}")
    assert result.returncode == 1 and "in use" in result.stderr


def test_questions_under_way_do_not_hold_the_end_up(dnslet, upstream):
    source = upstream(silent)
    server = dnslet("--threads", 4, to=[source])
    clients = [UdpClient(server.address) for _ in range(20)]
    for i, client in enumerate(clients):
        client.send(question(f"n{i}.test"))
    source.wait_asked(20)
    server.stop()  # asserts the 200 ms
    for client in clients:
        client.__exit__()


def test_verbose_lines_stay_whole(dnslet):
    server = dnslet("--no-rec", "--address", "www.test=192.0.2.1", "--threads", 4, "--verbose")
    ask_from_many(server, "www.test", 300)
    wait_until(lambda: len(server.log(" query ")) == 300, "all lines")
    whole = re.compile(r"Z info query client=\S+ proto=udp name=www\.test\S* .* ms=[\d.]+$")
    assert all(whole.search(line) for line in server.log(" query "))
