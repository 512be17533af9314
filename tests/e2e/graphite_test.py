# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""GRAPHITE_SERVER: a socket that checks the protocol, and the real carbon of the distribution."""

import contextlib
import re
import shutil
import socket
import subprocess
import time

import pytest
from harness import PATIENCE, SCALE, free_port, wait_until
from stathat_server import StatHat

INTERVAL = 10
LINE = re.compile(r"([\w-]+(?:\.[\w-]+)*) (\d+(?:\.\d+)?) (\d+)")
CARBON = """[cache]
STORAGE_DIR = {directory}
LOCAL_DATA_DIR = {directory}/whisper
CONF_DIR = {directory}
LOG_DIR = {directory}
PID_DIR = {directory}
USER =
MAX_CREATES_PER_MINUTE = inf
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = {port}
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = 0
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = 0
"""
SCHEMAS = """[all]
pattern = .*
retentions = 1s:1m
"""


class Listener:
    """A Graphite server that takes one connection at a time"""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.settimeout(2 * PATIENCE)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.socket.getsockname()[1]

    def accept(self):
        connection, _ = self.socket.accept()
        connection.settimeout(2 * PATIENCE)
        return connection


@pytest.fixture
def graphite():
    listener = Listener()
    with listener.socket:
        yield listener


def batch(connection):
    """name -> (value, time) of one batch"""
    text = ""
    while not text.endswith("\n") or "upstream_inflight" not in text:
        piece = connection.recv(65536).decode()
        assert piece, f"closed after {text!r}"
        text += piece
    found = [LINE.fullmatch(line).groups() for line in text.splitlines()]
    names = [name for name, _, _ in found]
    assert len(set(names)) == len(names), "each name once"
    return {name: (float(value), int(when)) for name, value, when in found}


def test_a_batch_comes_at_once_and_another_every_ten_seconds(dnslet, graphite):
    """To Graphite and to StatHat, so that the ten seconds are waited for once"""
    with StatHat() as stathat:
        server = dnslet("--no-rec", "--address", "nas.test=192.0.2.1",
                        env={**stathat.variables(), "GRAPHITE_SERVER": graphite.address,
                             "GRAPHITE_PREFIX": "dns.host-1"})
        with graphite.accept() as connection:
            first = batch(connection)
            begin = time.monotonic()
            stathat.post()
            for _ in range(3):
                server.query("nas.test")
            connection.settimeout(INTERVAL + PATIENCE)
            second = batch(connection)
            assert INTERVAL - 1 < time.monotonic() - begin < INTERVAL + PATIENCE
            check_batches(first, second)

        _, _, stats = stathat.post(INTERVAL + PATIENCE)
        assert INTERVAL - 1 < time.monotonic() - begin < INTERVAL + 2 * PATIENCE
        assert stats["dnslet.questions_total.udp.A"] == ("count", 3)
        assert stats["dnslet.answers_total.address.NOERROR"] == ("count", 3)
        assert "dnslet.questions_total.udp.AAAA" not in stats, "only what is new is told"
        server.stop()


def check_batches(first, second):
    assert all(name.startswith("dns.host-1.") for name in first)
    assert second.keys() == first.keys()
    assert abs(first["dns.host-1.uptime_seconds"][1] - time.time()) < INTERVAL + PATIENCE
    assert 9 <= second["dns.host-1.uptime_seconds"][1] - first["dns.host-1.uptime_seconds"][1]
    assert first["dns.host-1.questions_total.udp.A"][0] == 0
    assert second["dns.host-1.questions_total.udp.A"][0] == 3
    assert second["dns.host-1.answers_total.address.NOERROR"][0] == 3


def test_the_prefix_is_the_program_s_name_by_default(dnslet, graphite):
    dnslet("--no-rec", env={"GRAPHITE_SERVER": graphite.address})
    with graphite.accept() as connection:
        assert "dnslet.questions_total.tcp.AAAA" in batch(connection)


def test_a_lost_connection_is_opened_again_after_growing_pauses(dnslet, graphite):
    server = dnslet("--no-rec", env={"GRAPHITE_SERVER": graphite.address})
    times = []
    for _ in range(3):
        with graphite.accept() as connection:
            times.append(time.monotonic())
            assert batch(connection)
    pauses = [later - earlier for earlier, later in zip(times, times[1:])]
    assert 0.9 < pauses[0] < 1.9 * SCALE and pauses[1] > 1.9
    server.wait_log(f"warning counters can't be pushed to Graphite server={graphite.address} reason=")


def test_a_server_that_is_not_there_costs_one_warning(dnslet):
    port = free_port()
    server = dnslet("--no-rec", env={"GRAPHITE_SERVER": f"127.0.0.1:{port}"})
    line = server.wait_log("counters can't be pushed to Graphite")
    assert line.endswith('reason="connection refused"')
    with socket.socket() as late:
        late.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        late.bind(("127.0.0.1", port))
        late.listen()
        late.settimeout(2 * PATIENCE)
        with late.accept()[0] as connection:
            connection.settimeout(PATIENCE)
            assert batch(connection)
    assert len(server.log("counters can't be pushed")) == 1


def test_the_end_does_not_wait_for_graphite(dnslet, graphite):
    server = dnslet("--no-rec", env={"GRAPHITE_SERVER": graphite.address})
    with graphite.accept():
        server.stop(limit=0.2)


def test_all_workers_are_in_a_batch(dnslet, graphite):
    dnslet("--no-rec", "--threads", 3, env={"GRAPHITE_SERVER": graphite.address})
    with graphite.accept() as connection:
        assert batch(connection)["dnslet.workers"][0] == 3


@contextlib.contextmanager
def carbon(directory, port):
    (directory / "carbon.conf").write_text(CARBON.format(directory=directory, port=port))
    (directory / "storage-schemas.conf").write_text(SCHEMAS)
    words = ["carbon-cache", f"--config={directory}/carbon.conf", "--nodaemon", "start"]
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, cwd=directory)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.mark.skipif(not shutil.which("carbon-cache"), reason="no carbon here")
def test_carbon_stores_what_it_receives(dnslet, tmp_path):
    whisper = pytest.importorskip("whisper")
    port = free_port()
    directory = tmp_path / "carbon"
    directory.mkdir()
    with carbon(directory, port) as process:
        def listens():
            assert process.poll() is None, (directory / "log").read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
        wait_until(listens, "carbon", 20 * SCALE)
        server = dnslet("--no-rec", "--address", "nas.test=192.0.2.1", "--threads", 2,
                        env={"GRAPHITE_SERVER": f"127.0.0.1:{port}", "GRAPHITE_PREFIX": "dns.a"})
        path = directory / "whisper/dns/a/workers.wsp"

        def stored():
            found = whisper.fetch(str(path), 0) if path.exists() else None
            return [value for value in found[1] if value is not None] if found else None
        assert wait_until(stored, "a stored value", 20 * SCALE) == [2]
        last = directory / "whisper/dns/a/upstream_inflight.wsp"
        wait_until(last.exists, "the last name", 20 * SCALE)
        assert (directory / "whisper/dns/a/answers_total/cache/NXDOMAIN.wsp").exists()
        server.stop()
