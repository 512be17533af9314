# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""What threads share, under ThreadSanitizer (make tsan): three workers are asked over UDP and TCP
while hosts files, resolv.conf and nameservers change every second, for TIME seconds.

It runs in a network of its own, on port 53, so that --default-resolver takes part; that needs root.
The load comes from tests/bench, built without the sanitizer."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests" / "bench")]

from faults import StubUpstream  # noqa: E402
from harness import Dnslet, TcpClient, command, question, wait_until  # noqa: E402
from namespaces import Namespace, skip, why_not  # noqa: E402
from servers import bench_name  # noqa: E402

SECONDS = int(os.environ.get("TIME", "60"))
PROGRAMS = ROOT / "build" / "bench"
NAMES = 30_000  # of the hosts file, now and then: reading it takes longer than many questions
SUPPRESSIONS = ROOT / "tests" / "races.supp"

RESOLV_CONFS = ("nameserver 127.0.0.9\nsearch a.test b.test\n",
                "nameserver 127.0.0.9\nnameserver 127.0.0.8\noptions ndots:2\n",
                "search c.test\nnameserver 127.0.0.8\n",
                "# nobody\n")


def write(path, text, renamed):
    """In place, as a shell does, or whole at once"""
    target = path.with_name("new-" + path.name) if renamed else path
    target.write_text(text)
    if renamed:
        os.rename(target, path)


class Chaos:
    """What changes each second; `with` ends it."""

    def __init__(self, server, upstream, hosts):
        self.server, self.upstream, self.hosts = server, upstream, hosts
        self.over = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        assert self.failure is None, self.failure

    def _run(self):
        try:
            turn = 0
            while not self.over.wait(1):
                turn += 1
                self._turn(turn)
        except Exception as error:  # pylint: disable=broad-except; __exit__ tells it
            self.failure = error

    def _turn(self, turn):
        write(self.hosts, hosts_text(turn, NAMES if turn % 4 == 0 else 100), turn % 2)
        write(self.server.resolv_conf, RESOLV_CONFS[turn % len(RESOLV_CONFS)], turn % 3 == 0)
        for _ in range(turn % 3):
            self.server.send_signal(signal.SIGHUP)
        self.server.send_signal(signal.SIGUSR1)
        if turn % 5 == 0:
            self.upstream.kill()
        if turn % 5 == 1:
            self.upstream.kill()
            self.upstream.start()


def hosts_text(turn, names=NAMES):
    asked = "".join(f"10.0.{i >> 8}.{i & 255} {bench_name(i, 'h')} *.w{i}.test\n"
                    for i in range(1000))
    return asked + "".join(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255} h{i + turn}.test\n"
                           for i in range(names))


def read_metrics(world, port):
    with world.inside(), contextlib.suppress(OSError):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
            page.read()


def ask_other_names(world, over):
    """Names that hosts and searches decide, and connections that end in the middle"""
    with world.inside():
        number = 0
        while not over.wait(0.02):
            number += 1
            with contextlib.suppress(OSError), TcpClient(("127.0.0.1", 53)) as client:
                for name in (f"h{number}.test", "x.w7.test", f"short{number}", f"gone{number}.test"):
                    client.send(question(name, "AAAA" if number % 2 else "A"))


def load(world, kind, *words):
    return subprocess.Popen([*world.wrapper, PROGRAMS / "load", kind, "port=53", *words],
                            stdout=subprocess.PIPE, text=True)


@pytest.fixture
def world(tmp_path):
    assert b"__tsan_init" in Path(command()[-1]).read_bytes(), "not built with SAN=thread"
    if reason := why_not():
        skip(reason)
    with Namespace(tmp_path) as made:
        yield made


@pytest.fixture
def server(world, tmp_path):
    hosts = tmp_path / "hosts.large"
    hosts.write_text(hosts_text(0))
    (tmp_path / "resolv.conf").write_text(RESOLV_CONFS[0])
    with world.inside(), StubUpstream(PROGRAMS) as upstream:
        # Its memory map does not fit every layout that a kernel may choose at random.
        fixed = ["setarch", "-R"] if shutil.which("setarch") else []
        options = f"suppressions={SUPPRESSIONS} second_deadlock_stack=1 history_size=4"
        started = Dnslet("--threads", 3, "--rcache", 2000, "--rcache-ttl", 2, "--rcache-stale", 60,
                         "--enable-search", "--round-robin", "--verbose", "--default-resolver",
                         "--hostsfile", hosts, "--hostsfile-poll", 1, "--metrics", "127.0.0.1:9153",
                         "--stubzones", f"bench.test/{upstream.address}",
                         "--upstream-retry", 100, "--upstream-timeout", 500,
                         listen="127.0.0.1:53", directory=tmp_path, wrapper=fixed,
                         env={"TSAN_OPTIONS": options})
        with started:
            yield started, upstream, hosts


def test_no_data_race_while_everything_is_reloaded_under_load(world, server):
    dnslet, upstream, hosts = server
    seconds = f"seconds={SECONDS}"
    over = threading.Event()
    others = threading.Thread(target=ask_other_names, args=[world, over])
    others.start()
    loads = [load(world, "paced", seconds, "rate=2000", "sockets=8", "names=4000"),
             load(world, "window", seconds, "window=4", "sockets=4", "names=1000", "hosts=1"),
             load(world, "tcp", seconds, "window=8", "sockets=6", "names=3000")]
    try:
        with Chaos(dnslet, upstream, hosts):
            end = time.monotonic() + SECONDS
            while time.monotonic() < end and dnslet.process.poll() is None:
                read_metrics(world, 9153)
                time.sleep(0.3)
        # It ends, and restores resolv.conf, while it is still asked; its reports are judged there.
        dnslet.stop(limit=1)
    finally:
        over.set()
        others.join()
        answers = [json.loads(each.communicate()[0])["answers"] for each in loads]
    print(f"\nanswers: {answers}; reloads: {len(dnslet.log('reloaded'))}")
    assert min(answers) > SECONDS
    assert len(dnslet.log("reloaded")) > SECONDS / 10
    wait_until(lambda: "added by dnslet" not in dnslet.resolv_conf.read_text(), "restored")
