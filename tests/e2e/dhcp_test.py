# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 14: dhcp:IFACE, with real DHCP servers and one of the test's own in a network beside dnslet's."""

import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest
from basics import end_process
from harness import SCALE, Dnslet, FakeUpstream, data, run, wait_until, with_address
from namespaces import PATH, Namespace, has_setpriv, skip, why_not

ORDINARY = 65534
HERE, DHCP, FIRST, SECOND = "10.9.0.77", "10.9.0.1", "10.9.1.1", "10.9.1.2"
DISCOVER, OFFER, ACK, INFORM = 1, 2, 5, 8
# What busybox' client calls; it gives the interface what it was leased.
CLIENT = """#!/bin/sh
[ "$1" = bound ] && ip address add "$ip/24" dev "$interface"
exit 0
"""


class Link:
    """An interface eth0 beside dnslet, at its other end a network, to which another way leads, too"""

    def __init__(self, world, lan, stack):
        self.world, self.lan, self.stack, self.logs = world, lan, stack, 0
        self.join("lan1", "eth1")
        self.ip("address", "add", "10.9.1.77/24", "dev", "eth1")
        for server in (FIRST, SECOND):
            self.ip("address", "add", f"{server}/24", "dev", "lan1", at=self.lan)

    def join(self, there, here):
        self.ip("link", "add", there, "type", "veth", "peer", "name", here, "netns", str(self.world.holder.pid),
                at=self.lan)
        self.ip("link", "set", there, "up", at=self.lan)
        self.ip("link", "set", here, "up")

    def ip(self, *words, at=None):
        place = at or self.world
        done = subprocess.run([*place.wrapper, "ip", *words], capture_output=True, text=True,
                              env={"PATH": PATH}, check=False)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def plug(self, address=None):
        self.join("lan0", "eth0")
        self.ip("address", "add", f"{DHCP}/24", "dev", "lan0", at=self.lan)
        if address:
            self.ip("address", "add", f"{address}/24", "dev", "eth0")

    def replug(self):
        """What is connected again is asked anew. The kernel tells of it within a second."""
        self.ip("link", "set", "lan0", "down", at=self.lan)
        wait_until(lambda: " state UP " not in self.ip("link", "show", "eth0"), "the interface is down")
        self.ip("link", "set", "lan0", "up", at=self.lan)

    def start(self, *words, at=None, **how):
        self.logs += 1
        log = self.world.directory / f"log-{self.logs}"
        with open(log, "wb") as out:
            process = subprocess.Popen([*(at or self.lan).wrapper, *map(str, words)], stdin=subprocess.DEVNULL,
                                       stdout=out, stderr=out, env={"PATH": PATH}, **how)
        self.stack.callback(end_process, process)
        process.log = log
        return process

    def dnsmasq(self, *servers, lease=120):
        process = self.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--no-ping",
                             "--interface=lan0", "--bind-interfaces", f"--dhcp-range=10.9.0.10,10.9.0.99,{lease}",
                             f"--dhcp-option=option:dns-server,{','.join(servers)}", "--user=root", "--log-dhcp",
                             "--log-facility=-", f"--dhcp-leasefile={self.world.directory}/leases",
                             f"--pid-file={self.world.directory}/pid")
        wait_until(lambda: b"DHCP, IP range" in process.log.read_bytes(), "dnsmasq")
        return process

    def server(self, host, answer):
        """A nameserver of that address"""
        with self.lan.inside():
            return self.stack.enter_context(FakeUpstream(with_address(answer), host=host, port=53))

    def dnslet(self, *flags, wrapper=(), **how):
        return self.stack.enter_context(Dnslet(*flags, directory=self.world.directory,
                                               wrapper=[*self.world.wrapper, *wrapper], **how))


class DhcpServer(threading.Thread):
    """`handler(request)` → what is sent to that: messages, each to everybody"""

    def __init__(self, link, handler):
        super().__init__(daemon=True)
        self.handler, self.requests = handler, []
        with link.lan.inside():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lan0")
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("", 67))
        self.socket.settimeout(0.1)
        self.ended = False
        link.stack.callback(self.end)
        self.start()

    def run(self):
        while not self.ended:
            with contextlib.suppress(socket.timeout):
                request = self.socket.recv(2048)
                self.requests.append(request)
                for message in self.handler(request):
                    self.socket.sendto(message, ("255.255.255.255", 68))

    def end(self):
        self.ended = True
        self.join()
        self.socket.close()


def kind(request):
    assert request[240:242] == b"\x35\x01"
    return request[242]


def reply(request, options, number=0, hardware=None):
    """What fits the request, but for what is given"""
    header = struct.pack(">BBBBI", 2, 1, 6, 0, int.from_bytes(request[4:8], "big") ^ number)
    return header + bytes(20) + (hardware or request[28:34]) + bytes(10 + 64 + 128) + b"\x63\x82\x53\x63" + options


def offer(*servers, kind=OFFER, more=b""):
    packed = b"".join(map(socket.inet_aton, servers))
    return bytes([53, 1, kind]) + more + bytes([6, len(packed)]) + packed + b"\xff"


def taken(*servers):
    return "nameservers of dhcp:eth0: " + ", ".join(f"{server}:53" for server in servers) + "$"


@pytest.fixture
def link(world, tmp_path):
    if why_not():
        skip(why_not())
    if not shutil.which("dnsmasq", path=PATH):
        skip("dnsmasq is not installed")
    (tmp_path / "lan").mkdir()
    with Namespace(tmp_path / "lan") as lan, world.inside(), contextlib.ExitStack() as stack:
        yield Link(world, lan, stack)


@pytest.mark.parametrize("address", [None, HERE])
def test_servers_are_taken_over(link, address):
    link.plug(address)
    link.server(FIRST, "192.0.2.1")
    dhcp = link.dnsmasq(FIRST, SECOND)
    server = link.dnslet("--nameservers", "dhcp:eth0", "--verbose")
    server.wait_log(taken(FIRST, SECOND))
    assert data(server.query("a.test")) == ["192.0.2.1"]
    server.wait_log(f"name=a.test .*via={FIRST}:53")
    asked = dhcp.log.read_text()
    assert ("DHCPINFORM" if address else "DHCPDISCOVER") in asked and "DHCPREQUEST" not in asked
    assert (link.world.directory / "leases").read_text() == ""
    server.stop()


def test_they_are_written_wherever_a_server_is(link):
    link.plug()
    link.server(FIRST, "192.0.2.1")
    link.dnsmasq(FIRST)
    other = link.stack.enter_context(FakeUpstream(with_address("192.0.2.9")))
    server = link.dnslet("--nameservers", other.address, "--stubzones", "stub.test/dhcp:eth0", "--server",
                         "lan=dhcp:eth0", "--rule", "zone:set.test -> ask lan", "--rule",
                         "zone:rule.test -> ask dhcp:eth0", "--threads", 3)
    server.wait_log(taken(FIRST))
    for name in ("a.stub.test", "a.set.test", "a.rule.test"):
        for tcp in (False, True):
            assert data(server.query(name, tcp=tcp)) == ["192.0.2.1"]
    assert data(server.query("a.test")) == ["192.0.2.9"]
    server.stop()


def test_a_question_waits_for_the_first_answer(link):
    link.plug()
    link.server(FIRST, "192.0.2.1")
    server = link.dnslet("--nameservers", "dhcp:eth0", "--upstream-timeout", 30000)
    DhcpServer(link, lambda request: [reply(request, offer(FIRST))])
    assert data(server.query("a.test", seconds=10 * SCALE)) == ["192.0.2.1"]
    server.stop()


def test_others_of_the_set_are_asked_meanwhile_and_behind(link):
    link.plug()
    other = link.stack.enter_context(FakeUpstream(with_address("192.0.2.9")))
    server = link.dnslet("--nameservers", f"dhcp:eth0,{other.address}", "--verbose")
    assert data(server.query("a.test")) == ["192.0.2.9"]
    link.server(FIRST, "192.0.2.1")
    link.dnsmasq(FIRST)
    server.wait_log(taken(FIRST), 20 * SCALE)
    assert data(server.query("b.test")) == ["192.0.2.1"]
    server.stop()


def test_a_change_is_taken_over_and_silence_is_not(link):
    link.plug()
    link.server(FIRST, "192.0.2.1")
    link.server(SECOND, "192.0.2.2")
    dhcp = link.dnsmasq(FIRST)
    server = link.dnslet("--nameservers", "dhcp:eth0")
    server.wait_log(taken(FIRST))
    end_process(dhcp)
    link.replug()
    assert data(server.query("a.test")) == ["192.0.2.1"]
    server.send_signal(signal.SIGHUP)
    server.wait_log("reloaded")
    assert data(server.query("a.test")) == ["192.0.2.1"]
    server.wait_log("has no answer of a DHCP server", 10 * SCALE)
    link.dnsmasq(SECOND, FIRST)
    link.replug()
    server.wait_log(taken(SECOND, FIRST))
    assert data(server.query("b.test")) == ["192.0.2.2"]
    assert len(server.log("nameservers of dhcp:eth0")) == 2
    server.stop()


def test_a_lease_is_asked_for_again_when_it_would_be_renewed(link):
    link.plug()
    dhcp = link.dnsmasq(FIRST)
    server = link.dnslet("--nameservers", "dhcp:eth0")
    server.wait_log(taken(FIRST))
    end_process(dhcp)
    link.dnsmasq(SECOND)
    time.sleep(50)
    assert not server.log(taken(SECOND))
    server.wait_log(taken(SECOND), 15 * SCALE)
    server.stop()


def test_an_interface_that_is_not_there_yet_and_one_that_comes_again(link):
    server = link.dnslet("--nameservers", "dhcp:eth0", "--user", ORDINARY)
    server.wait_log("dhcp:eth0 waits for the interface: it is not there")
    link.plug()
    dhcp = link.dnsmasq(FIRST)
    server.wait_log(taken(FIRST), 10 * SCALE)
    end_process(dhcp)
    link.ip("link", "delete", "lan0", at=link.lan)
    wait_until(lambda: len(server.log("it is not there")) + len(server.log("it is down")) > 1, "gone")
    link.plug(HERE)
    DhcpServer(link, lambda request: [reply(request, offer(SECOND, kind=ACK))] if kind(request) == INFORM else [])
    server.wait_log(taken(SECOND), 20 * SCALE)
    capabilities = open(f"/proc/{server.pid}/status", encoding="ascii").read()
    assert "CapEff:\t0000000000000000" in capabilities and "CapPrm:\t0000000000000000" in capabilities
    server.stop()


def test_an_address_that_comes_is_informed_of(link):
    link.plug()
    dhcp = DhcpServer(link, lambda request: [reply(request, offer(FIRST, kind=2 if kind(request) == 1 else ACK))])
    server = link.dnslet("--nameservers", "dhcp:eth0")
    server.wait_log(taken(FIRST))
    link.ip("address", "add", f"{HERE}/24", "dev", "eth0")
    wait_until(lambda: len(dhcp.requests) > 1, "another request")
    first, second = dhcp.requests
    assert (kind(first), kind(second)) == (DISCOVER, INFORM)
    assert (first[12:16], second[12:16]) == (bytes(4), socket.inet_aton(HERE))
    assert first[4:8] != second[4:8] and first[10:12] == second[10:12] == bytes(2)
    assert sorted(first[245:248]) == [6, 51, 58]
    assert len(server.log("nameservers of dhcp:eth0")) == 1
    server.stop()


def test_a_client_of_dhcp_runs_beside(link):
    if not shutil.which("busybox", path=PATH):
        skip("busybox is not installed")
    link.plug()
    link.server(FIRST, "192.0.2.1")
    link.dnsmasq(FIRST)
    script = link.world.directory / "client.sh"
    script.write_text(CLIENT)
    script.chmod(0o755)
    client = link.start("busybox", "udhcpc", "-f", "-i", "eth0", "-s", script, "-t", 20, "-T", 1, at=link.world)
    server = link.dnslet("--nameservers", "dhcp:eth0")
    server.wait_log(taken(FIRST))
    wait_until(lambda: b"obtained" in client.log.read_bytes(), "a lease", 20 * SCALE)
    assert data(server.query("a.test")) == ["192.0.2.1"]
    leases = (link.world.directory / "leases").read_text()
    assert leases.count("\n") == 1  # the client's
    server.stop()


@pytest.mark.parametrize("address", [None, HERE])
def test_busybox_as_server(link, address):
    if not shutil.which("busybox", path=PATH):
        skip("busybox is not installed")
    link.plug(address)
    configuration = link.world.directory / "udhcpd.conf"
    configuration.write_text(f"start 10.9.0.10\nend 10.9.0.99\ninterface lan0\nlease_file {tmp_leases(link)}\n"
                             f"opt dns {FIRST} {SECOND}\nopt lease 600\n")
    (link.world.directory / "udhcpd.leases").write_text("")
    link.start("busybox", "udhcpd", "-f", configuration)
    server = link.dnslet("--nameservers", "dhcp:eth0")
    server.wait_log(taken(FIRST, SECOND), 20 * SCALE)
    server.stop()


def tmp_leases(link):
    return link.world.directory / "udhcpd.leases"


def test_where_informing_is_silent_it_discovers(link):
    link.plug(HERE)
    DhcpServer(link, lambda request: [reply(request, offer(FIRST))] if kind(request) == DISCOVER else [])
    server = link.dnslet("--nameservers", "dhcp:eth0")
    server.wait_log(taken(FIRST), 20 * SCALE)  # after some 4 and 8 seconds
    server.stop()


def test_what_is_forged_or_garbage_counts_for_nothing(link):
    link.plug()
    right = threading.Event()

    def answer(request):
        whole = reply(request, offer("10.9.0.66"))
        strange = [b"", os.urandom(400), whole[:-3], whole[:236], reply(request, offer("10.9.0.66"), number=1),
                   reply(request, offer("10.9.0.66"), hardware=bytes(6)), reply(request, offer("10.9.0.66", kind=6)),
                   reply(request, offer(more=b"")), reply(request, b"\x35\x01\x02\x06\x03\x0a\x09\x00\xff"),
                   reply(request, offer("0.0.0.0", "255.255.255.255", "224.0.0.1", "127.0.0.1")),
                   reply(request, b"\x35\x01\x02\x06\xff\x0a")]
        return strange + ([reply(request, offer("0.0.0.0", SECOND, SECOND))] if right.is_set() else [])

    DhcpServer(link, answer)
    server = link.dnslet("--nameservers", "dhcp:eth0")
    server.wait_log("dhcp:eth0 is offered no nameserver")
    server.wait_log("what can be no nameserver: 0.0.0.0, 255.255.255.255, 224.0.0.1, 127.0.0.1")
    assert not server.log("nameservers of")
    right.set()
    server.wait_log(taken(SECOND), 10 * SCALE)
    assert len(server.log("nameservers of")) == 1
    server.stop()


def test_garbage_that_is_never_the_same_does_not_fill_the_log(link):
    link.plug()
    DhcpServer(link, lambda request: [reply(request, offer(f"127.0.0.{number}")) for number in range(1, 100)]
               + [reply(request, offer(FIRST))])
    server = link.dnslet("--nameservers", "dhcp:eth0")
    server.wait_log(taken(FIRST))
    assert len(server.log("what can be no nameserver")) == 1
    server.stop()


def test_what_comes_unasked_costs_nothing(link):
    link.plug()
    dhcp = DhcpServer(link, lambda request: [reply(request, offer(FIRST))])
    server = link.dnslet("--nameservers", "dhcp:eth0")
    server.wait_log(taken(FIRST))
    before = server.cpu_seconds()
    late = reply(dhcp.requests[0], offer(SECOND))
    for _ in range(20000):
        dhcp.socket.sendto(late, ("255.255.255.255", 68))
    assert server.query("version.bind", "TXT", "CH")
    assert server.cpu_seconds() - before <= 0.05
    assert len(server.log("nameservers of")) == 1
    server.stop()


def test_dnslet_itself_is_left_out(link):
    link.plug(HERE)
    link.server(SECOND, "192.0.2.2")
    DhcpServer(link, lambda request: [reply(request, offer(HERE, SECOND, kind=ACK))])
    server = link.dnslet("--nameservers", "dhcp:eth0", listen="0.0.0.0:53")
    server.wait_log(r"nameservers of dhcp:eth0: 10\.9\.1\.2:53 \(left out: 10\.9\.0\.77:53, which is this dnslet")
    assert data(server.query("a.test", address=("127.0.0.1", 53))) == ["192.0.2.2"]
    server.stop()


@pytest.mark.skipif(not has_setpriv(), reason="needs root and util-linux's setpriv")
def test_without_the_right_it_says_what_to_do(link):
    link.plug()
    wrapper = [*link.world.wrapper, "setpriv", "--bounding-set=-net_raw"]
    for flags in (["--nameservers", "dhcp:eth0"], ["--nameservers", "127.0.0.1:1", "--stubzones", "a.test/dhcp:eth0"],
                  ["--nameservers", "127.0.0.1:1", "--rule", "zone:a.test -> ask dhcp:eth0"]):
        ended = run("--listen", "127.0.0.1:0", *flags, wrapper=wrapper)
        assert ended.returncode == 2 and ended.stderr.count("\n") == 1, ended
        assert "dhcp:eth0 cannot open a packet socket: operation not permitted; it needs CAP_NET_RAW" in ended.stderr
        assert "--cap-add NET_RAW" in ended.stderr


def test_a_rule_that_comes_with_the_first_one_later(link, open_folder):
    link.plug()
    link.server(FIRST, "192.0.2.1")
    link.dnsmasq(FIRST)
    rules = open_folder / "rules"
    rules.write_text("name:a.test -> answer 192.0.2.7\n")
    for user in ([], ["--user", ORDINARY]):
        server = link.dnslet("--nameservers", "127.0.0.1:1", "--rule", f"@{rules}", *user)
        rules.write_text("name:a.test -> ask dhcp:eth0\n")
        server.send_signal(signal.SIGHUP)
        server.wait_log("reloaded")
        if user:
            server.wait_log("warning dhcp:eth0 cannot open a packet socket: operation not permitted")
        else:
            server.wait_log(taken(FIRST))
            assert data(server.query("a.test")) == ["192.0.2.1"]
        server.stop()
        rules.write_text("name:a.test -> answer 192.0.2.7\n")


def test_explain_and_print_config_know_it(link):
    link.plug()
    link.server(FIRST, "192.0.2.1")
    DhcpServer(link, lambda request: [reply(request, offer(FIRST))])
    told = run("--nameservers", "dhcp:eth0", "--explain", "a.test", wrapper=link.world.wrapper)
    assert told.returncode == 0 and "asks dhcp:eth0" in told.stdout and "192.0.2.1" in told.stdout, told
    told = run("--nameservers", "dhcp:eth0", "--print-config", wrapper=link.world.wrapper)
    assert "nameservers = dhcp:eth0" in told.stdout
