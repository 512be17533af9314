# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""The servers that are measured: dnslet, the echo server, its peers, and the upstream.

Each is a caching forwarder with the same number of answers and the same hosts, at the settings that
serve it best; RESULTS.md gives the reasons for those that are not obvious.
"""

import itertools
import random
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import machine

SMALL_CACHE = 1000
TTL = 3600  # of the upstream's answers


def bench_name(number, letter="n"):
    """The name that load.cc asks for by this number (questions.h)"""
    rest = number * 2654435761 % 2**31
    label = ""
    for _ in range(6):
        rest, digit = divmod(rest, 36)
        label = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + label
    return f"{letter}{label}.bench.test"


def free_port():
    """Free for UDP and TCP, outside the range that the kernel hands out by itself"""
    while True:
        port = random.randint(10000, 32000)
        try:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind(("127.0.0.1", port))
            return port
        except OSError:
            continue


def question(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return b"\0\1\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1"


def ask_for_each(port, names, window=16):
    """Asks for all names, so many at once, and waits for their answers"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(3)
        client.connect(("127.0.0.1", port))
        while asked := list(itertools.islice(names, window)):
            for name in asked:
                client.send(question(name))
            for _ in asked:
                if client.recv(512)[7] == 0:
                    raise AssertionError(f"port {port} answered without a record")


def wait_for_answer(port, name, seconds=60):
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.2)
        client.connect(("127.0.0.1", port))
        while time.monotonic() < end:
            try:
                client.send(question(name))
                answer = client.recv(512)
                if answer[3] & 15 == 0 and answer[7] > 0:
                    return
            except ConnectionRefusedError:
                time.sleep(0.01)
            except TimeoutError:
                pass
    raise AssertionError(f"no answer for {name} on port {port} within {seconds} s")


TLS_NAME = "dns.test"


class Process:
    """A program that runs from `with` to its end."""

    def __init__(self, words):
        self.words = [str(word) for word in words]

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Returns what it printed that nobody has read yet."""
        self.process.terminate()
        return self.process.communicate(timeout=20)[0]


class Bound(Process):
    """A program of ours that prints the port which the kernel gave it"""

    def __enter__(self):
        super().__enter__()
        self.port = int(self.process.stdout.readline().split()[1])
        return self


class Redis(Process):
    """A shared cache, which keeps nothing on the disk"""

    def __init__(self, place, folder):
        self.port = free_port()
        super().__init__([*place, "redis-server", "--port", str(self.port), "--save", "", "--dir", folder,
                          "--bind", "127.0.0.1"])

    def __enter__(self):
        super().__enter__()
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError("redis-server does not listen")


class Server(Process):
    """One of the forwarders: `upstream` is a port, `cache` a number of answers, `hosts` a Hosts."""

    name = ""
    program = None
    far = "127.0.0.1"  # where the upstream is

    def __init__(self, place, upstream, cache=SMALL_CACHE, hosts=None, extra=(), roots=None, way="tls"):
        self.port = free_port()
        self.roots = roots  # of an upstream over TLS or HTTPS, whose certificate is for TLS_NAME
        self.way = way
        self.hosts = hosts
        self.bare_words = [str(word) for word in (*self.command(upstream, cache, hosts), *extra)]
        super().__init__([*place, *self.bare_words])

    @classmethod
    def found(cls):
        return shutil.which(cls.program) is not None

    @classmethod
    def version(cls):
        option = {"unbound": "-V", "smartdns": "-v"}.get(cls.name, "--version")
        text = machine.output([cls.program, option])
        return re.search(r"\d[\w.-]*", text).group()

    def known_name(self):
        return bench_name(0, "h") if self.hosts else bench_name(999_999)

    def __enter__(self):
        super().__enter__()
        wait_for_answer(self.port, self.known_name())
        return self

    def nanoseconds(self):
        return machine.nanoseconds_on_processor(self.pid)

    def resident(self):
        return machine.resident_bytes(self.pid)

    def descriptors(self):
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


class Dnslet(Server):
    name = "dnslet"

    def command(self, upstream, cache, hosts):
        return [self.program, "--listen", f"127.0.0.1:{self.port}", "--resolv-conf", "/dev/null",
                "--nameservers", self.nameserver(upstream), "--rcache", cache, "--rcache-ttl", TTL,
                *(["--tls-ca", self.roots] if self.roots else []),
                *(["--hostsfile", hosts.path] if hosts else [])]

    def nameserver(self, upstream):
        if not self.roots:
            return f"{self.far}:{upstream}"
        path = "/dns-query" if self.way == "https" else ""
        return f"{self.way}://{self.far}:{upstream}{path}#{TLS_NAME}"


class Dnsmasq(Server):
    name = program = "dnsmasq"

    def command(self, upstream, cache, hosts):
        return [self.program, "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=",
                "--user=root", "--no-resolv", "--no-hosts", f"--server=127.0.0.1#{upstream}",
                "--listen-address=127.0.0.1", "--bind-interfaces", f"--port={self.port}",
                f"--cache-size={cache}", "--dns-forward-max=10000", "--log-facility=/dev/null",
                *([f"--addn-hosts={hosts.path}"] if hosts else [])]


UNBOUND = """
server:
  interface: 127.0.0.1
  port: {port}
  username: ""
  chroot: ""
  directory: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  verbosity: 0
  do-ip6: no
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "iterator"
  num-threads: 1
  so-rcvbuf: 4m
  so-sndbuf: 4m
  outgoing-range: 8192
  num-queries-per-thread: 4096
  jostle-timeout: 2000
  incoming-num-tcp: 100
  outgoing-num-tcp: 10
  msg-cache-size: {bytes}
  rrset-cache-size: {bytes}
  msg-cache-slabs: 1
  rrset-cache-slabs: 1
  infra-cache-slabs: 1
  key-cache-slabs: 1
  minimal-responses: yes
  local-zone: "test." transparent
{include}
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: {far}@{upstream}
"""
UNBOUND_TLS = """#{name}
  forward-tls-upstream: yes
server:
  tls-cert-bundle: {roots}
"""


class Unbound(Server):
    name = program = "unbound"

    def command(self, upstream, cache, hosts):
        # It counts bytes, not answers: about 350 of each cache for an A record.
        include = f'  include: "{hosts.local_data}"' if hosts else ""
        self.configuration = Path(Server.scratch) / f"unbound-{self.port}.conf"
        self.configuration.write_text(UNBOUND.format(
            port=self.port, far=self.far, upstream=upstream, bytes=max(cache * 800, 4_000_000), include=include))
        if self.roots:
            text = self.configuration.read_text().rstrip()
            self.configuration.write_text(text + UNBOUND_TLS.format(name=TLS_NAME, roots=self.roots))
        return [self.program, "-d", "-c", self.configuration]


DNSDIST = """
setLocal("127.0.0.1:{port}")
setSecurityPollSuffix("")
setVerboseHealthChecks(false)
setMaxUDPOutstanding(65535)
setUDPSocketBufferSizes(4194304, 4194304)
newServer{{address="{far}:{upstream}", sockets=8{tls}}}:setUp()
getPool(""):setCache(newPacketCache({cache}, {{maxTTL={ttl}, numberOfShards=1}}))
"""


class Dnsdist(Server):
    name = program = "dnsdist"

    def command(self, upstream, cache, hosts):
        self.configuration = Path(Server.scratch) / f"dnsdist-{self.port}.conf"
        tls = f', tls="openssl", subjectName="{TLS_NAME}", caStore="{self.roots}"' if self.roots else ""
        if self.roots and self.way == "https":
            tls += ', dohPath="/dns-query"'
        self.configuration.write_text(
            DNSDIST.format(port=self.port, far=self.far, upstream=upstream, cache=cache, ttl=TTL, tls=tls))
        return [self.program, "--supervised", "--disable-syslog", "-C", self.configuration]


SMARTDNS = """
bind 127.0.0.1:{port}
cache-size {cache}
prefetch-domain no
serve-expired no
speed-check-mode none
dualstack-ip-selection no
log-level fatal
log-file /dev/null
log-num 0
ca-file {roots}
{server} -host-name {name} -tls-host-verify {name}
"""


class Smartdns(Server):
    """Over TLS and HTTPS only"""

    name = program = "smartdns"

    def command(self, upstream, cache, hosts):
        self.configuration = Path(Server.scratch) / f"smartdns-{self.port}.conf"
        server = (f"server-https https://{self.far}:{upstream}/dns-query" if self.way == "https"
                  else f"server-tls {self.far}:{upstream}")
        self.configuration.write_text(SMARTDNS.format(
            port=self.port, cache=cache, roots=self.roots, server=server, name=TLS_NAME))
        return [self.program, "-f", "-p", "-", "-c", self.configuration]


class Echo(Bound):
    """Has no settings: its place is all that it takes."""

    name = "echo"

    def nanoseconds(self):
        return machine.nanoseconds_on_processor(self.pid)

    def resident(self):
        return machine.resident_bytes(self.pid)


class Hosts:
    """`count` names in the formats of all servers"""

    def __init__(self, scratch, count):
        self.path = Path(scratch) / f"hosts-{count}"
        self.local_data = Path(scratch) / f"local-data-{count}"
        with open(self.path, "w") as hosts, open(self.local_data, "w") as data:
            for i in range(count):
                address = f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}"
                name = bench_name(i, "h")
                hosts.write(f"{address} {name}\n")
                data.write(f"  local-data: '{name}. 10 IN A {address}'\n")
