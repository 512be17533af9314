# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""A million forged answers, in four portions, each wrong in one thing (RFC 5452).

The forger sends from the upstream server's own socket, so that its address and port are right, and
knows more than one off the path could: the port and the ID of the question that is open."""

import select
import shutil
import subprocess
import threading
from pathlib import Path

import dns.rrset
import pytest
from harness import (PATIENCE, SCALE, UdpClient, data, question, silent, timed, wait_until,
                     with_address)

PORTION = 250_000
FORGED = "203.0.113.66"
TRUE = "192.0.2.1"
LOWEST_PORT, HIGHEST_PORT = map(
    int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())


@pytest.fixture(scope="module")
def forge(tmp_path_factory):
    """forge(socket, kind, packet, port) → how many the kernel has taken"""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if not compiler:
        pytest.skip("no C compiler")
    program = tmp_path_factory.mktemp("forge") / "forge"
    source = Path(__file__).with_name("forge.c")
    subprocess.run([compiler, "-O2", "-o", str(program), str(source)], check=True)

    def run(socket, kind, packet, port, count=PORTION):
        first, last = (LOWEST_PORT, HIGHEST_PORT) if kind == "ports" else (0, 65535)
        words = [program, socket.fileno(), kind, count, first, last, packet.hex(), port]
        done = subprocess.run(list(map(str, words)), check=True, text=True, stdout=subprocess.PIPE,
                              pass_fds=[socket.fileno()], timeout=PATIENCE * 12)
        return int(done.stdout)
    return run


def forgery(asked, **how):
    """The forged answer, right in all but what `how` says"""
    reply = asked.answer(f"{how.get('name', asked.name)} 300 IN A {FORGED}")
    if "name" in how:
        reply.question = [dns.rrset.from_text(how["name"], 0, "IN", "A")]
    return reply.to_wire()


def client_of(server):
    """One that the forger can't reach, as its socket is connected to dnslet"""
    client = UdpClient(server.address)
    client.socket.connect(server.address)
    return client


class Bystander:
    """Asks one question after the other meanwhile, and counts."""

    def __init__(self, server):
        self.server = server
        self.answers = 0
        self.slowest = 0.0
        self.wrong = []
        self.is_over = False
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.thread.join()

    def _run(self):
        with client_of(self.server) as client:
            while not self.is_over:
                self._ask(client, "nas.test", "192.0.2.10")
                self._ask(client, f"n{self.answers}.test", TRUE)

    def _ask(self, client, name, expected):
        client.send(question(name))
        answer, seconds = timed(client.receive)
        self.slowest = max(self.slowest, seconds)
        self.answers += 1
        if data(answer) != [expected]:
            self.wrong.append((name, data(answer)))


@pytest.fixture
def target(dnslet, upstream):
    """(dnslet, its upstream, the question to www.test that is open there)"""
    source = upstream(lambda q: silent(q) if q.name == "www.test." else with_address(TRUE)(q))
    server = dnslet("--rcache", 100, "--upstream-timeout", 600_000, "--upstream-retry", 600_000,
                    to=[source], hosts="192.0.2.10 nas.test\n")
    with client_of(server) as client:
        client.send(question("www.test"))
        (asked,) = source.wait_asked(1)
        yield server, source, asked

        def answered():  # the first one may find the port's buffer still full of forgeries
            source.udp.sendto(with_address(TRUE)(asked).to_wire(), asked.source)
            return select.select([client.socket], [], [], 0.05)[0]
        wait_until(answered, "the true answer")
        assert data(client.receive()) == [TRUE]
        client.send(question("www.test"))
        assert data(client.receive()) == [TRUE], "cached"


@pytest.mark.parametrize("kind,how", [("ids", {}), ("ports", {}), ("none", {"name": "evil.test."})],
                         ids=["every other ID", "every other port", "another question"])
def test_of_forged_answers_none_is_accepted_and_service_goes_on(target, forge, kind, how):
    server, source, asked = target
    with Bystander(server) as bystander:
        taken = forge(source.udp, kind, forgery(asked, **how), asked.port)
    assert taken > PORTION * 0.99
    assert not bystander.wrong
    assert bystander.answers > 20
    assert bystander.slowest < 1.0 * SCALE
    print(f"{bystander.answers} answers meanwhile, the slowest took {bystander.slowest:.4f} s")


def test_forged_answers_that_come_late_are_not_accepted(dnslet, upstream, forge):
    """Right in everything, for a question that has just been answered"""
    source = upstream(with_address(TRUE))
    server = dnslet("--rcache", 100, to=[source], hosts="192.0.2.10 nas.test\n")
    assert data(server.query("www.test")) == [TRUE]
    asked = source.questions[0]
    with Bystander(server) as bystander:
        forge(source.udp, "none", forgery(asked), asked.port)
    assert not bystander.wrong
    assert bystander.slowest < 1.0 * SCALE
    assert data(server.query("www.test")) == [TRUE]
    assert data(server.query("www.test", cd=True)) == [TRUE], "asked anew"


def test_a_forged_answer_from_another_address_is_not_accepted(target, forge):
    server, _, asked = target
    with UdpClient(("127.0.0.1", asked.port), bind="127.0.0.1") as elsewhere:
        with Bystander(server) as bystander:
            forge(elsewhere.socket, "none", forgery(asked), asked.port, 10_000)
    wait_until(lambda: bystander.answers > 0, "an answer")
    assert not bystander.wrong
