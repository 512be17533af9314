# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 1: --systemd; section 2: what systemd hears. No systemd runs here: the tests
pass the sockets themselves, as sd_listen_fds(3) says."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest
from basics import family_of
from harness import (PATIENCE, Dnslet, TcpClient, UdpClient, data, free_port, question, run, silent,
                     wait_until)
from namespaces import Namespace, why_not

HOSTS = "192.0.2.10 nas.test\n"
LISTENING = re.compile(r"ready: (.*)$")

# Makes the descriptors 3, 4, … of those named, and of itself the process of LISTEN_PID.
LAUNCHER = """
import fcntl, os, sys
descriptors, variables, *command = sys.argv[1:]
parked = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 100) for fd in descriptors.split()]
os.closerange(3, 100)
for number, fd in enumerate(parked, 3):
    os.dup2(fd, number)
os.closerange(100, 200)
os.environ.update(word.replace("SELF", str(os.getpid())).split("=", 1)
                  for word in variables.split())
os.execvp(command[0], command)
"""


@pytest.fixture
def opened():
    """opened(file) → the same, closed after the test"""
    with contextlib.ExitStack() as stack:
        yield stack.enter_context


@pytest.fixture
def udp(opened):
    return lambda host="127.0.0.1", port=0: opened(bound(socket.SOCK_DGRAM, host, port))


@pytest.fixture
def tcp(opened):
    def start(host="127.0.0.1", port=0):
        server = opened(bound(socket.SOCK_STREAM, host, port))
        server.listen()
        return server
    return start


@pytest.fixture
def pair(opened):
    def start(host="127.0.0.1"):
        while True:
            with contextlib.suppress(OSError):  # the port of one may be taken for the other
                udp = bound(socket.SOCK_DGRAM, host, 0)
                tcp = bound(socket.SOCK_STREAM, host, udp.getsockname()[1])
                tcp.listen()
                return opened(udp), opened(tcp)
    return start


def bound(kind, host, port):
    made = socket.socket(family_of(host), kind)
    if host == "::":
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    made.bind((host, port))
    return made


def passing(*files, pid="SELF", count=None, names=None):
    """Arguments for dnslet() and run() that pass these sockets"""
    numbers = [file.fileno() for file in files]
    variables = f"LISTEN_PID={pid} LISTEN_FDS={len(numbers) if count is None else count}"
    if names is not None:
        variables += f" LISTEN_FDNAMES={names}"
    launcher = [sys.executable, "-c", LAUNCHER, " ".join(map(str, numbers)), variables]
    return {"wrapper": launcher, "pass_fds": numbers}


def listening(server):
    return LISTENING.search(server.ready_line()).group(1)


def text_of(endpoint):
    host, port, *_ = endpoint.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def assert_refused(*words, **how):
    result = run("--systemd", "--no-rec", **how)
    assert result.returncode == 1, result
    assert result.stderr.count("\n") == 1, result.stderr
    for word in ("--systemd", *words):
        assert word in result.stderr, (word, result.stderr)
    assert "ready" not in result.stdout


def test_the_sockets_passed_answer_over_udp_and_tcp(dnslet, pair):
    sockets = pair()
    server = dnslet("--systemd", "--no-rec", hosts=HOSTS, listen=None, **passing(*sockets))
    assert listening(server) == f"udp+tcp {text_of(sockets[0])}"
    for tcp in (False, True):
        for _ in range(3):
            assert data(server.query("nas.test", tcp=tcp)) == ["192.0.2.10"]


def test_a_socket_with_a_queue_of_errors_is_served_and_makes_no_work(dnslet, udp):
    ip_recverr = 11  # linux/in.h; the module has no name for it
    passed = udp()
    passed.setsockopt(socket.IPPROTO_IP, ip_recverr, 1)
    closed = udp()
    address = closed.getsockname()
    closed.close()
    passed.sendto(b"nobody is there", address)
    time.sleep(0.1)  # for the answer of ICMP
    server = dnslet("--systemd", "--no-rec", hosts=HOSTS, listen=None, **passing(passed))
    begin = server.cpu_seconds()
    for _ in range(3):
        assert data(server.query("nas.test")) == ["192.0.2.10"]
    time.sleep(0.5)
    assert server.cpu_seconds() - begin < 0.2


def test_the_variable_takes_them_too_and_listen_is_ignored(dnslet, pair):
    sockets = pair()
    server = dnslet("--no-rec", hosts=HOSTS, listen="192.0.2.99:1",
                    env={"DNSMASQ_SYSTEMD": "true"}, **passing(*sockets, names="dns:dns"))
    assert listening(server) == f"udp+tcp {text_of(sockets[0])}"
    assert data(server.query("nas.test")) == ["192.0.2.10"]


def test_several_sockets_of_both_families_need_not_be_pairs(dnslet, pair, udp, tcp):
    udp4, tcp4 = pair()
    udp6, tcp6 = pair("::1")
    lone_udp, lone_tcp = udp("127.0.0.2"), tcp("127.0.0.3")
    server = dnslet("--systemd", "--no-rec", hosts=HOSTS, listen=None,
                    **passing(lone_tcp, udp6, tcp4, lone_udp, tcp6, udp4))
    assert listening(server) == (f"udp+tcp {text_of(udp6)} {text_of(udp4)} "
                                 f"udp {text_of(lone_udp)} tcp {text_of(lone_tcp)}")
    for used in (udp4, udp6, lone_udp):
        assert data(server.query("nas.test", address=used.getsockname()[:2])) == ["192.0.2.10"]
    for used in (tcp4, tcp6, lone_tcp):
        answer = server.query("nas.test", tcp=True, address=used.getsockname()[:2])
        assert data(answer) == ["192.0.2.10"]


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_one_transport_alone_is_enough(dnslet, request, kind):
    passed = request.getfixturevalue(kind)()
    server = dnslet("--systemd", "--no-rec", hosts=HOSTS, listen=None, **passing(passed))
    assert listening(server) == f"{kind} {text_of(passed)}"
    assert data(server.query("nas.test", tcp=kind == "tcp")) == ["192.0.2.10"]


def test_what_came_in_before_the_start_is_answered(dnslet, pair):
    sockets = pair()
    with UdpClient(sockets[0].getsockname()) as client, TcpClient(sockets[0].getsockname()) as slow:
        client.send(question("nas.test"))
        slow.send(question("nas.test"))
        dnslet("--systemd", "--no-rec", hosts=HOSTS, listen=None, **passing(*sockets))
        assert data(client.receive()) == ["192.0.2.10"]
        assert data(slow.receive()) == ["192.0.2.10"]


@pytest.mark.parametrize("bind", ["0.0.0.0", "::"])
def test_a_wildcard_answer_leaves_from_the_address_that_was_asked(dnslet, udp, bind):
    passed = udp(bind)
    asked = ("127.0.0.2", passed.getsockname()[1])
    with UdpClient(asked, bind="127.0.0.1") as client:
        client.send(question("nas.test"))  # in the queue before dnslet can ask for addresses
        dnslet("--systemd", "--no-rec", hosts=HOSTS, listen=None, **passing(passed))
        for _ in range(2):
            assert data(client.receive()) == ["192.0.2.10"]
            assert client.source == asked
            client.send(question("nas.test"))


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_a_socket_for_both_families_counts_as_both(dnslet, opened, tmp_path):
    """Else dnslet would take itself for one of its nameservers, and ask itself without end."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\nnameserver 192.0.2.1\n")
    world = opened(Namespace(tmp_path))
    with world.inside():
        passed = opened(bound(socket.SOCK_DGRAM, "::", 53))
    how = passing(passed)
    server = dnslet("--systemd", listen=None, wrapper=[*world.wrapper, *how["wrapper"]],
                    pass_fds=how["pass_fds"])
    assert server.log(r"left out .*server=127\.0\.0\.1:53$")
    assert server.log(r"nameservers 192\.0\.2\.1:53$")
    assert listening(server) == "udp [::]:53"


def test_the_sockets_block_nobody_and_end_at_exec(dnslet, pair):
    server = dnslet("--systemd", "--no-rec", listen=None, **passing(*pair()))
    for fd in (3, 4):
        with open(f"/proc/{server.pid}/fdinfo/{fd}") as info:
            flags = int(re.search(r"^flags:\s+(\d+)", info.read(), re.M).group(1), 8)
        assert flags & os.O_NONBLOCK, fd
        assert flags & os.O_CLOEXEC, fd


def test_a_larger_receive_buffer_stays(dnslet, udp):
    passed = udp()
    with contextlib.suppress(PermissionError):
        passed.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
    before = passed.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    dnslet("--systemd", "--no-rec", listen=None, **passing(passed))
    assert passed.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= before


def test_without_sockets_it_says_how_to_start_it():
    assert_refused("no sockets were passed", "dnslet.socket", "DNSMASQ_SYSTEMD", "--listen")


def test_sockets_for_another_process_are_not_taken(pair):
    assert_refused("LISTEN_PID", "another process", **passing(*pair(), pid=1))
    assert_refused("LISTEN_PID", "another process", **passing(*pair(), pid="me"))


@pytest.mark.parametrize("count", ["0", "-1", "two", "2x", "257", "99999999999999999999"])
def test_a_count_that_is_none_is_refused(pair, count):
    assert_refused("LISTEN_FDS", **passing(*pair(), count=count))


def test_more_descriptors_than_there_are_is_refused(pair):
    assert_refused("descriptor 5", "not open", **passing(*pair(), count=3))


def test_a_file_is_refused_by_number_and_name(udp, opened, tmp_path):
    file = opened(open(tmp_path / "file", "w"))
    assert_refused("descriptor 4 logs", "no socket", "ListenStream=",
                   **passing(udp(), file, names="dns:logs"))


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_unix_socket_is_refused(opened, tmp_path, kind):
    unix = opened(socket.socket(socket.AF_UNIX, kind))
    unix.bind(str(tmp_path / "unix"))
    assert_refused("descriptor 3 unix", "IPv4", **passing(unix, names="unix"))


def test_a_stream_that_does_not_listen_is_refused(opened):
    stream = opened(bound(socket.SOCK_STREAM, "127.0.0.1", 0))
    assert_refused("descriptor 3", "does not listen", "Accept=no", **passing(stream))


def test_a_connection_is_refused(tcp, opened):
    """What Accept=yes passes"""
    server = tcp()
    opened(socket.create_connection(server.getsockname()))
    assert_refused("descriptor 3 connection", "connected", "Accept=no",
                   **passing(opened(server.accept()[0]), names="connection"))


def test_a_socket_without_a_port_is_refused(opened):
    unbound = opened(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    assert_refused("descriptor 3", "not bound", **passing(unbound))


def test_a_raw_socket_is_refused(opened):
    try:
        raw = opened(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
    except PermissionError:
        pytest.skip("raw sockets need root")
    raw.bind(("127.0.0.1", 0))
    assert_refused("descriptor 3", **passing(raw))


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"),
                    reason="systemd-socket-activate is not installed")
@pytest.mark.parametrize("client", [UdpClient, TcpClient])
def test_the_tool_of_systemd_passes_what_we_take(tmp_path, client):
    (tmp_path / "hosts").write_text(HOSTS)
    address = ("127.0.0.1", free_port())
    words = ["systemd-socket-activate", *(["--datagram"] if client is UdpClient else []),
             f"--listen={address[0]}:{address[1]}", "--fdname=dns"]
    server = Dnslet("--systemd", "--no-rec", "--hostsfile", tmp_path / "hosts", listen=None,
                    directory=tmp_path, wrapper=words).spawn()
    try:
        wait_until(lambda: "Listening on" in server.stderr(), "the tool listens")
        with client(address) as asking:
            asking.send(question("nas.test"))
            assert data(asking.receive()) == ["192.0.2.10"]
        server.stop()
    finally:
        server.kill()


@contextlib.contextmanager
def manager(name):
    """The socket on which systemd hears from its services"""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(name.replace("@", "\0", 1))
        heard.settimeout(PATIENCE)
        yield heard


@pytest.mark.parametrize("name", ["{}/notify", "@dnslet-reload-{}"], ids=["path", "abstract"])
def test_systemd_hears_of_start_reload_and_end(dnslet, tmp_path, name):
    name = name.format(tmp_path if name.startswith("{") else os.getpid())
    with manager(name) as systemd:
        server = dnslet("--no-rec", env={"NOTIFY_SOCKET": name})
        assert systemd.recv(200) == b"READY=1"
        for _ in range(2):
            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            server.send_signal(signal.SIGHUP)
            reloading = systemd.recv(200).decode().splitlines()
            after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            assert reloading[0] == "RELOADING=1"
            assert before <= int(reloading[1].removeprefix("MONOTONIC_USEC=")) <= after
            assert systemd.recv(200) == b"READY=1"
        server.stop()
        assert systemd.recv(200) == b"STOPPING=1"


def test_a_manager_that_is_gone_does_not_matter(dnslet, upstream, tmp_path):
    server = dnslet(to=[upstream(silent)], env={"NOTIFY_SOCKET": str(tmp_path / "gone")})
    server.send_signal(signal.SIGHUP)
    server.wait_log("reloaded")


# Together with other options.

def test_several_workers_share_the_sockets(dnslet, pair):
    sockets = pair()
    server = dnslet("--systemd", "--no-rec", "--threads", 3, hosts=HOSTS, listen=None,
                    **passing(*sockets))
    for tcp in (False, True):
        for _ in range(30):
            assert data(server.query("nas.test", tcp=tcp)) == ["192.0.2.10"]


def port_53(udp, host):
    try:
        return udp(host, 53)
    except OSError as error:
        pytest.skip(f"port 53 of {host}: {error}")


def test_the_hosts_resolver_is_a_socket_for_udp(dnslet, udp, tcp, tmp_path):
    conf = tmp_path / "resolv.conf"
    conf.write_text("nameserver 192.0.2.53\n")
    sockets = [udp(), port_53(udp, "127.53.8.2"), tcp("127.53.8.1", 53)]
    server = dnslet("--systemd", "--default-resolver", hosts=HOSTS, listen=None, **passing(*sockets))
    assert conf.read_text().startswith("# added by dnslet: 127.53.8.2\nnameserver 127.53.8.2\n")
    server.stop()
    assert conf.read_text() == "nameserver 192.0.2.53\n"


def test_the_hosts_resolver_needs_port_53(udp, tmp_path):
    conf = tmp_path / "resolv.conf"
    conf.write_text("nameserver 192.0.2.53\n")
    result = run("--systemd", "--default-resolver", "--resolv-conf", conf, **passing(udp()))
    assert result.returncode == 1 and "socket unit" in result.stderr
    assert conf.read_text() == "nameserver 192.0.2.53\n"
