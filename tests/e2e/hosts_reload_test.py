# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 4: hosts files that change, vanish, break, and large ones."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from harness import SCALE, SLOW, UdpClient, command, data, question, wait_until

REFUSED = 5
POLLED = ["--hostsfile-poll", 1]


@pytest.fixture(params=["poll", "sighup"])
def start(request, dnslet):
    """(a starter of servers that look again in that way, what makes them look)"""
    def starter(*flags, **how):
        return dnslet("--no-rec", *(POLLED if request.param == "poll" else []), *flags, **how)

    def nudge(server):
        if request.param == "sighup":
            server.send_signal(signal.SIGHUP)
    return starter, nudge


def until(server, name, expected):
    wait_until(lambda: data(server.query(name)) == expected, f"{name} is {expected}", 4 * SCALE)


def replace(path, text):
    """Whole at once, as careful writers do"""
    new = path.with_name("new-" + path.name)
    new.write_text(text)
    os.rename(new, path)


@pytest.mark.parametrize("write", [lambda path, text: path.write_text(text), replace],
                         ids=["rewritten", "replaced"])
def test_a_changed_file_is_read_again(start, tmp_path, write):
    starter, nudge = start
    server = starter(hosts="192.0.2.1 a.test b.test\n")
    write(tmp_path / "hosts", "192.0.2.22 a.test\n")
    nudge(server)
    until(server, "a.test", ["192.0.2.22"])
    assert server.query("b.test").rcode() == REFUSED, "what was taken out is gone"


def test_a_change_of_the_same_length_is_seen(start, tmp_path):
    starter, nudge = start
    server = starter(hosts="192.0.2.1 a.test\n")
    (tmp_path / "hosts").write_text("192.0.2.2 a.test\n")
    nudge(server)
    until(server, "a.test", ["192.0.2.2"])


def test_a_vanished_file_keeps_its_entries_with_a_warning(start, tmp_path):
    starter, nudge = start
    server = starter(hosts="192.0.2.1 a.test\n")
    (tmp_path / "hosts").unlink()
    nudge(server)
    server.wait_log(rf" warn.*{tmp_path}/hosts")
    assert data(server.query("a.test")) == ["192.0.2.1"]
    (tmp_path / "hosts").write_text("192.0.2.2 a.test\n")
    nudge(server)
    until(server, "a.test", ["192.0.2.2"])


def test_a_file_that_cannot_be_read_keeps_its_entries_with_a_warning(start, tmp_path):
    starter, nudge = start
    server = starter(hosts="192.0.2.1 a.test\n")
    (tmp_path / "link").symlink_to("/proc/self/mem")  # an error for root too
    os.rename(tmp_path / "link", tmp_path / "hosts")
    nudge(server)
    server.wait_log(rf" warn.*{tmp_path}/hosts")
    assert data(server.query("a.test")) == ["192.0.2.1"]


def test_a_file_removed_from_a_directory_takes_its_entries_along(start, tmp_path):
    starter, nudge = start
    (tmp_path / "hosts.d").mkdir()
    one, two = tmp_path / "hosts.d" / "one", tmp_path / "hosts.d" / "two"
    one.write_text("192.0.2.1 a.test\n")
    two.write_text("192.0.2.2 b.test\n")
    server = starter("--hostsfile", tmp_path / "hosts.d")
    assert data(server.query("a.test")) == ["192.0.2.1"]
    one.unlink()
    nudge(server)
    until(server, "a.test", [])
    assert server.query("a.test").rcode() == REFUSED
    assert data(server.query("b.test")) == ["192.0.2.2"]


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_directory_that_goes_leaves_its_entries(start, tmp_path, ending):
    starter, nudge = start
    (tmp_path / "hosts.d").mkdir()
    (tmp_path / "hosts.d" / "one").write_text("192.0.2.1 a.test\n")
    server = starter("--hostsfile", f"{tmp_path}/hosts.d{ending}")
    (tmp_path / "hosts.d").rename(tmp_path / "elsewhere")
    nudge(server)
    assert server.wait_log("its entries stay")
    assert data(server.query("a.test")) == ["192.0.2.1"]


def test_a_file_added_to_a_directory_is_read(start, tmp_path):
    starter, nudge = start
    (tmp_path / "hosts.d").mkdir()
    server = starter("--hostsfile", tmp_path / "hosts.d")
    (tmp_path / "hosts.d" / "new").write_text("192.0.2.3 c.test\n")
    nudge(server)
    until(server, "c.test", ["192.0.2.3"])


def test_the_poll_interval_works_as_a_variable(dnslet, tmp_path):
    server = dnslet("--no-rec", hosts="192.0.2.1 a.test\n", env={"DNSMASQ_POLL": "1"})
    (tmp_path / "hosts").write_text("192.0.2.22 a.test\n")
    until(server, "a.test", ["192.0.2.22"])


def test_a_question_during_a_reload_sees_the_old_table_or_the_new_one(dnslet, tmp_path):
    def text(generation):
        lines = [f"10.{generation}.{i // 250}.{i % 250} n{i}.test\n" for i in range(20000)]
        return "".join(lines)
    server = dnslet("--no-rec", hosts=text(0))
    seen = set()
    for generation in range(1, 6):
        replace(tmp_path / "hosts", text(generation))
        server.send_signal(signal.SIGHUP)
        last = f"10.{generation}.79.249"

        def done():
            first = data(server.query("n0.test"))
            seen.update(first)
            return data(server.query("n19999.test")) == [last]
        wait_until(done, "the new table")
        assert data(server.query("n0.test")) == [f"10.{generation}.0.0"]
    assert seen <= {f"10.{generation}.0.0" for generation in range(6)}


def thousands(count, address="192.0.2.1"):
    lines = [f"10.{i // 62500}.{i // 250 % 250}.{i % 250} host{i}.many.test\n"
             for i in range(count - 1)]
    return "".join(lines) + f"{address} last.test\n"


@contextlib.contextmanager
def on_one_processor(*pids):
    """All of these and this thread: to wake another processor takes up to 0.1 ms, or not"""
    before = os.sched_getaffinity(0)
    for pid in (0, *pids):
        os.sched_setaffinity(pid, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def quickest(server, name, rounds=300):
    """Seconds of the fastest of many answers: free of the machine's noise"""
    best = 1.0
    with UdpClient(server.address) as client:
        message = question(name).to_wire()
        for _ in range(rounds):
            begin = time.monotonic()
            client.send(message)
            client.receive_wire()
            best = min(best, time.monotonic() - begin)
    return best


def test_100000_entries_answer_as_fast_as_ten(dnslet, tmp_path):
    """go-dnsmasq's defect: one linear scan of the hosts file per question"""
    (tmp_path / "few").write_text(thousands(10))
    (tmp_path / "many").write_text(thousands(100000))
    few = dnslet("--no-rec", "--hostsfile", tmp_path / "few")
    many = dnslet("--no-rec", "--hostsfile", tmp_path / "many")
    with on_one_processor(few.pid, many.pid):
        for name in ("last.test", "a.b.c.nowhere.test"):
            assert quickest(many, name) < 2 * quickest(few, name) + 50e-6


def python_seconds(text):
    """Processor time that Python takes for the same lines: some 0.09 s on a machine of today"""
    begin = time.process_time()
    table = {}
    for line in text.splitlines():
        address, name = line.split()
        table[name] = address
        table[address] = name
    return time.process_time() - begin


def reload_in_100_ms(server, path, text, numbers):
    """Each number makes an address of last.test, by which the new file is known. A machine that is
    slow, or has slow neighbours, is as slow with Python: measured in turns."""
    def reload(address):
        replace(path, text(address))
        begin = server.cpu_seconds()
        server.send_signal(signal.SIGHUP)
        until(server, "last.test", [address])
        return server.cpu_seconds() - begin
    took = [(reload(f"192.0.2.{number}"), python_seconds(thousands(100_000)))
            for number in numbers]
    ours, theirs = map(min, zip(*took))
    assert ours < max(0.1, 1.2 * theirs), took


def test_100000_entries_load_in_100_ms(dnslet, tmp_path):
    if SLOW:
        pytest.skip("times mean nothing here")
    server = dnslet("--no-rec", hosts=thousands(100000))
    reload_in_100_ms(server, tmp_path / "hosts", lambda address: thousands(100000, address),
                     range(10, 15))


def test_100000_addresses_of_one_name_load_in_100_ms_with_one_warning(dnslet, tmp_path):
    if SLOW:
        pytest.skip("times mean nothing here")

    def text(first):
        lines = [f"10.{i >> 16}.{i >> 8 & 255}.{i & 255} many.test\n" for i in range(100_000)]
        return f"{first} many.test\n" + "".join(lines) + f"{first} last.test\n"
    server = dnslet("--no-rec", hosts=text("192.0.2.1"))
    assert len(server.log("warning .*many.test")) == 1, server.lines
    assert len(data(server.query("many.test", tcp=True))) > 1000
    reload_in_100_ms(server, tmp_path / "hosts", text, range(2, 7))


# A million names: read beside the service.

@pytest.fixture(scope="module")
def million(tmp_path_factory):
    path = tmp_path_factory.mktemp("million") / "hosts"
    path.write_text(thousands(1_000_000))
    return path


class Load(threading.Thread):
    """Asks one question after the other until it is told to stop, and keeps the longest wait"""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.waits, self.is_over = server, [], threading.Event()

    def run(self):
        message = question("few.test").to_wire()
        with UdpClient(self.server.address) as client:
            while not self.is_over.is_set():
                begin = time.monotonic()
                client.send(message)
                client.receive_wire()
                self.waits.append(time.monotonic() - begin)
                time.sleep(0.001)

    def longest(self):
        self.is_over.set()
        self.join()
        return max(self.waits)


@pytest.fixture
def grown(dnslet, tmp_path, million):
    """(a starter of servers with one name, whose file has then grown to a million)"""
    def starter(*flags):
        server = dnslet("--no-rec", *flags, hosts="192.0.2.1 few.test\n")
        with open(tmp_path / "hosts", "a", encoding="ascii") as file:
            file.write(million.read_text())
        return server
    return starter


def longest_wait(server, during):
    load = Load(server)
    load.start()
    during()
    return load.longest()


@pytest.mark.parametrize("threads", [1, 2])
def test_nobody_waits_for_a_million_names(grown, threads):
    if SLOW:
        pytest.skip("times mean nothing here")
    server = grown("--threads", threads)

    def reload():
        before = len(server.log("reloaded"))
        server.send_signal(signal.SIGHUP)
        wait_until(lambda: len(server.log("reloaded")) > before, "the reload", 60)
        time.sleep(0.2)  # the table before goes
    for _ in range(4):  # this process or the other may have to wait for a processor
        usual = longest_wait(server, lambda: time.sleep(1))
        during = longest_wait(server, reload)
        if during < usual + 0.05:
            break
    else:
        pytest.fail(f"{during:.3f} s instead of {usual:.3f} s")
    assert data(server.query("last.test")) == ["192.0.2.1"]


def test_ten_sighups_are_two_reloads(grown):
    server = grown()
    server.send_signal(signal.SIGHUP)
    time.sleep(0.02)
    for _ in range(9):
        server.send_signal(signal.SIGHUP)
        time.sleep(0.002)
    wait_until(lambda: len(server.log("reloaded, cache emptied")) == 2, "two reloads", 60)
    server.stop()
    assert len(server.log("reloaded, cache emptied")) == 2


@pytest.mark.parametrize("wait", [0.01, 0.1, 0.3])
def test_sigterm_during_a_reload_ends_it_at_once(grown, wait):
    server = grown()
    for _ in range(10):
        server.send_signal(signal.SIGHUP)
    time.sleep(wait)
    server.stop(limit=0.2)
    assert not server.log("reloaded")


@pytest.fixture
def slow_read(tmp_path):
    """A library that makes reading hang"""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if not compiler or b"ld-linux" not in Path(command()[-1]).read_bytes():
        pytest.skip("needs a C compiler and a program that loads libraries of glibc")
    library = tmp_path / "slow_read.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library,
                    Path(__file__).with_name("slow_read.c"), "-ldl"], check=True)
    return library


def test_a_file_that_hangs_delays_neither_answers_nor_the_end(dnslet, tmp_path, slow_read):
    if SLOW:
        pytest.skip("sanitizers want to be the first library")
    hangs = tmp_path / "hangs"
    server = dnslet("--no-rec", "--address", "fast.test=192.0.2.1", hosts="192.0.2.7 a.test\n",
                    env={"LD_PRELOAD": str(slow_read), "SLOW_READ": str(hangs)})
    hangs.touch()
    server.send_signal(signal.SIGHUP)
    for _ in range(20):
        assert data(server.query("fast.test")) == ["192.0.2.1"]
    assert not server.log("reloaded")
    server.stop(limit=0.2)


def test_a_file_that_has_hung_is_read_in_the_end(dnslet, tmp_path, slow_read):
    if SLOW:
        pytest.skip("sanitizers want to be the first library")
    hangs = tmp_path / "hangs"
    server = dnslet("--no-rec", hosts="192.0.2.7 a.test\n",
                    env={"LD_PRELOAD": str(slow_read), "SLOW_READ": str(hangs)})
    hangs.touch()
    replace(tmp_path / "hosts", "192.0.2.8 a.test\n")
    server.send_signal(signal.SIGHUP)
    assert data(server.query("a.test")) == ["192.0.2.7"]
    hangs.unlink()
    until(server, "a.test", ["192.0.2.8"])
