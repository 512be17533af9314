# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Short of descriptors, memory and room in the kernel's buffers: what can't be served is refused or
lost by itself, and service goes on as soon as there is room again."""

import contextlib
import os
import re
import signal
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from harness import (SLOW, TcpClient, UdpClient, data, question, run, silent, ttls, udp_burst,
                     wait_until, with_address)

HOSTS = "10.0.0.5 db.local\n"
FAKETIME = [str(path) for folder in ("/usr/lib", "/usr/lib64")
            for path in Path(folder).glob("**/faketime/libfaketime.so.1")]


@contextlib.contextmanager
def crowd(address, count):
    """Connections that ask nothing. Those that are not accepted count too."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(TcpClient(address)) for _ in range(count)]


def numbered(count, name="n{}.test"):
    """Questions with IDs of their own"""
    questions = [question(name.format(i)) for i in range(count)]
    for i, each in enumerate(questions):
        each.id = i
    return questions


def limited(descriptors):
    return ["prlimit", f"--nofile={descriptors}:{descriptors}"]


def injecting(call, error, when):
    """dnslet with a system call that fails now and then"""
    if SLOW:
        pytest.skip("strace and sanitizers do not go together")
    return ["strace", "-D", "-f", "-q", "-o", "/dev/null", "-e", f"trace={call}",
            "-e", f"inject={call}:error={error}:when={when}"]


def test_with_64_descriptors_clients_are_served_and_the_server_keeps_its_place(dnslet, upstream):
    server = dnslet("--upstream-timeout", "1500", to=[upstream(silent)], hosts=HOSTS,
                    wrapper=limited(64))
    with crowd(server.address, 100):  # more than there are descriptors
        answers = udp_burst(server.address, numbered(200), 200)
        assert {answer.rcode() for answer in answers.values()} == {2}
        assert data(server.query("db.local")) == ["10.0.0.5"]
    server.wait_log("no descriptor or memory left")
    assert not server.log("reason=unreachable")


@pytest.mark.parametrize("descriptors,threads", [(1024, 256), (16, 1)])
def test_too_few_descriptors_to_begin_with_are_told(descriptors, threads):
    done = run("--no-rec", "--listen", "127.0.0.1:0", "--threads", threads,
               wrapper=limited(descriptors))
    assert done.returncode == 1
    assert re.search(rf"needs \d+ open files .* have {descriptors}; raise .*ulimit -n.*--threads",
                     done.stderr), done.stderr


def test_what_asks_for_nameservers_has_descriptors_of_its_own():
    needed = []
    for servers in ("192.0.2.1", "dhcp:eth0"):
        done = run("--listen", "127.0.0.1:0", "--nameservers", servers, wrapper=limited(16))
        needed.append(int(re.search(r"needs (\d+) open files", done.stderr)[1]))
    assert needed[1] == needed[0] + 2  # a socket for packets, and one for what becomes of the interface


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("descriptors", [32, 64, 256])
def test_idle_tcp_clients_leave_descriptors_for_questions(dnslet, upstream, descriptors, tcp):
    flags = ["--force-tcp"] if tcp else []
    server = dnslet(*flags, "--tcp-idle-timeout", "60000", to=[upstream(with_address())],
                    wrapper=limited(descriptors))
    with crowd(server.address, 2 * descriptors) as clients:
        # libuv 1.50 accepts one connection a turn: a question would not wait for all of them.
        wait_until(clients[descriptors].is_closed, "all have come, and most were too many")
        answers = udp_burst(server.address, numbered(3), 3)
        assert [data(answer) for answer in answers.values()] == [["192.0.2.1"]] * 3
        assert data(server.query("b.test", tcp=True)) == ["192.0.2.1"]
    assert not server.log("no descriptor")
    server.wait_log(rf"warning fewer TCP clients .*ulimit -n.* clients=\d+ files={descriptors}")


def test_enough_descriptors_are_not_spoken_of(dnslet):
    server = dnslet("--no-rec", wrapper=limited(1024))
    server.stop()
    assert not server.log("fewer TCP clients")


@contextlib.contextmanager
def idle_clients(address, count):
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(TcpClient(address)) for _ in range(count)]
        for client in clients:
            client.send(question("db.local"))
            assert data(client.receive()) == ["10.0.0.5"]
        yield clients


def short_of_descriptors(dnslet, upstream):
    return dnslet("--tcp-idle-timeout", "60000", "--upstream-timeout", "20000",
                  "--upstream-retry", "20000",
                  to=[upstream(silent)], hosts=HOSTS, wrapper=limited(64))


def test_idle_tcp_clients_make_room_for_more_questions_than_were_expected(dnslet, upstream):
    server = short_of_descriptors(dnslet, upstream)
    with idle_clients(server.address, 12) as clients, UdpClient(server.address) as asking:
        for each in numbered(64):
            asking.send(each)
        server.wait_log("no descriptor")
        assert all(client.is_closed(1) for client in clients)


def test_the_longest_idle_tcp_client_makes_room_for_another_one(dnslet, upstream):
    server = short_of_descriptors(dnslet, upstream)
    with idle_clients(server.address, 12) as clients, UdpClient(server.address) as asking:
        for number in range(64 - server.descriptors()):
            asking.send(question(f"n{number}.test"))
        wait_until(lambda: server.descriptors() == 64, "no descriptor left")
        assert data(server.query("db.local", tcp=True)) == ["10.0.0.5"]
        wait_until(clients[0].is_closed, "the end of the longest idle one")
        assert not clients[11].is_closed()


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_a_question_without_a_descriptor_fails_and_blames_nobody(dnslet, upstream, tcp):
    """strace lets no further socket be opened."""
    flags = ["--force-tcp"] if tcp else []
    source = upstream(with_address())
    server = dnslet(*flags, to=[source], wrapper=injecting("socket", "EMFILE", "30+"))
    answers = [server.query(f"n{i}.test", seconds=10) for i in range(3)]
    assert {answer.rcode() for answer in answers} <= {0, 2}
    assert not server.log("upstream server failed")


@pytest.mark.parametrize("error", ["EAGAIN", "EINTR"])
def test_an_answer_waits_for_room_in_the_kernels_buffer(dnslet, error):
    server = dnslet("--no-rec", hosts=HOSTS, wrapper=injecting("sendmmsg", error, "1+2"))
    answers = udp_burst(server.address, numbered(500, "db.local"), 50)
    assert len(answers) == 500


def test_an_answer_that_the_kernel_refuses_is_lost_alone(dnslet):
    server = dnslet("--no-rec", hosts=HOSTS, wrapper=injecting("sendmmsg", "ENOBUFS", "2+3"))
    answered = 0
    with UdpClient(server.address) as client:
        for _ in range(30):
            client.send(question("db.local"))
            with contextlib.suppress(AssertionError):
                client.receive(0.3)
                answered += 1
    assert 15 <= answered < 30


def test_a_question_that_the_kernel_refuses_goes_to_the_next_server(dnslet, upstream):
    servers = [upstream(with_address()), upstream(with_address())]
    server = dnslet(to=servers, wrapper=injecting("sendto", "ENOBUFS", "1+2"))
    answers = [data(server.query(f"n{i}.test")) for i in range(20)]
    assert answers == [["192.0.2.1"]] * 20
    assert not server.log("upstream server failed")


def test_a_cache_for_which_there_is_no_memory_is_told_at_the_start():
    if SLOW:
        pytest.skip("sanitizers take more address space than that by themselves")
    done = run("--rcache", "10000000", "--nameservers", "127.0.0.1", "--listen", "127.0.0.1:0",
               wrapper=["prlimit", "--as=60000000"])
    assert done.returncode == 2
    assert "--rcache" in done.stderr and "10000000" in done.stderr and "lower" in done.stderr


def test_a_hosts_file_of_a_gigabyte_is_refused(tmp_path):
    path = tmp_path / "huge"
    with open(path, "wb") as file:
        file.truncate(1 << 30)  # no disk is taken: it is all hole
    done = run("--no-rec", "--listen", "127.0.0.1:0", "--hostsfile", path)
    assert done.returncode == 2
    assert re.search(r"cannot read .*huge'.*64 MiB", done.stderr), done.stderr


def test_a_hosts_file_that_grows_beyond_the_limit_keeps_its_entries(dnslet, tmp_path):
    server = dnslet("--no-rec", "--hostsfile-poll", "1", hosts=HOSTS)
    os.truncate(tmp_path / "hosts", 1 << 30)
    server.wait_log("hosts'.*64 MiB.*entries stay")
    assert data(server.query("db.local")) == ["10.0.0.5"]


def test_a_directory_in_place_of_resolv_conf_is_told(tmp_path):
    done = run("--listen", "127.0.0.1:0", "--resolv-conf", tmp_path)
    assert done.returncode == 2
    assert str(tmp_path) in done.stderr and "--nameservers" in done.stderr


def test_a_clock_that_is_set_moves_no_time_to_live(dnslet, upstream, tmp_path):
    """Libfaketime moves the wall clock; all durations are of the monotonic one."""
    if SLOW or not FAKETIME:
        pytest.skip("needs libfaketime, and a program without sanitizers")
    clock = tmp_path / "clock"
    clock.write_text("+0")
    source = upstream(with_address(ttl=300))
    server = dnslet("--rcache", "10", "--rcache-ttl", "300", to=[source],
                    env={"LD_PRELOAD": FAKETIME[0], "FAKETIME_TIMESTAMP_FILE": str(clock),
                         "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    server.query("a.test")
    for count, shift in enumerate(("+10d", "-10d"), start=1):
        clock.write_text(shift)
        server.send_signal(signal.SIGUSR1)
        wait_until(lambda: len(server.log("dnslet_uptime")) >= count, "a line with the clock as set")
        assert ttls(server.query("a.test"))[0] > 200
    stamps = [datetime.fromisoformat(line.split("Z")[0]) for line in server.log("dnslet_uptime")]
    if not stamps[0] - stamps[-1] > timedelta(days=19):
        pytest.skip("libfaketime does not reach this program: it is static")
    assert len(source.questions) == 1
