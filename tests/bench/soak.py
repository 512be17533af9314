# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""dnslet under a mixed load for a long time: every question is answered as it should be, and at the
end it holds no more than at the beginning.

soak.cc asks over UDP and judges the answers, load.cc asks over TCP meanwhile, stub_upstream.cc is
behind; once a second dnslet reads its hosts file again and empties its cache.
"""

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from harness import PATIENCE, REPOSITORY, SLOW, Dnslet, timed, wait_until  # noqa: E402
from servers import bench_name  # noqa: E402

MILLION = 1_000_000
VALGRIND = "valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite"


class Soaking:
    """dnslet with its upstream. `programs` holds the load generators."""

    def __init__(self, programs, directory):
        self.programs = Path(programs)
        self.directory = Path(directory)
        self.hosts = self.directory / "soak.hosts"
        self.hosts.write_text("".join(f"192.0.2.1 {bench_name(i, 'h')}\n" for i in range(1000)))
        self.resident = []  # (answers so far, bytes)

    def __enter__(self):
        self.stub = subprocess.Popen([self.programs / "stub_upstream"], stdout=subprocess.PIPE,
                                     text=True)
        port = int(self.stub.stdout.readline().split()[1])
        self.server = Dnslet("--nameservers", f"127.0.0.1:{port}", "--rcache", 10_000,
                             "--hostsfile", self.hosts, "--upstream-timeout", 1500,
                             "--upstream-retry", 500, directory=self.directory)
        self.server.start()
        return self

    def __exit__(self, *how):
        try:
            self.server.__exit__(*how)
        finally:
            self.stub.terminate()
            self.stub.communicate()

    def run(self, questions, mark, tcp_questions):
        """(what soak.cc says, what load.cc says, seconds)"""
        over = threading.Event()
        reloading = threading.Thread(target=self._reload_each_second, args=[over])
        reloading.start()
        try:
            load = self._start("load", "tcp", "sockets=4", "window=16", "names=4000",
                               f"questions={tcp_questions}")
            soak = self._start("soak", "sockets=4", f"questions={questions}", f"mark={mark}")
            udp, seconds = timed(lambda: self._watch(soak))
            tcp = json.loads(load.communicate()[0])
        finally:
            over.set()
            reloading.join()
        return udp, tcp, seconds

    def _start(self, program, *words):
        return subprocess.Popen([self.programs / program, *words, f"port={self.server.port}"],
                                stdout=subprocess.PIPE, text=True)

    def _watch(self, soak):
        last = ""
        for last in soak.stdout:
            if last.strip().isdigit():
                self.resident.append((int(last), self.server.resident()))
        assert soak.wait() == 0
        return json.loads(last)

    def _reload_each_second(self, over):
        while not over.wait(1):
            self.server.send_signal(signal.SIGHUP)

    def open_files(self):
        """{kind of open file: how many}"""
        names = []
        for link in Path(f"/proc/{self.server.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                names.append(re.sub(r":\[\d+\]$", "", os.readlink(link)))
        return Counter(names)


def check(udp, tcp, questions, tcp_questions):
    kinds = {kind: counts for kind, counts in udp.items() if kind != "strange"}
    assert sum(counts["asked"] for counts in kinds.values()) == questions
    for kind, counts in kinds.items():
        assert counts["right"] == counts["asked"] > 0, (kind, counts)
        assert counts["wrong"] == counts["lost"] == 0, (kind, counts)
    assert udp["strange"] == 0, "answers that nobody has asked for"
    assert tcp["answers"] == tcp_questions, tcp
    assert tcp["lost"] == tcp["wrong"] == tcp["closed"] == 0, tcp


def soak(programs, directory, questions):
    """Runs it and fails if anything is lost, wrong or kept. The result: lines to print."""
    tcp_questions = questions // 10
    with Soaking(programs, directory) as soaking:
        soaking.server.query(bench_name(0))
        wait_until(lambda: not quiet_sockets(soaking), "no question open", PATIENCE * 2)
        before = soaking.open_files()
        udp, tcp, seconds = soaking.run(questions, max(questions // 10, 1), tcp_questions)
        check(udp, tcp, questions, tcp_questions)
        wait_until(lambda: soaking.open_files() == before,
                   f"only these files open: {before}, not {soaking.open_files()}", PATIENCE * 4)
        reloads = len(soaking.server.log("reloaded"))
        assert reloads >= int(seconds) - 1
        growth = check_memory(soaking.resident)
    return [f"{questions} questions over UDP in {seconds:.0f} s: {json.dumps(udp)}",
            f"{tcp_questions} over TCP meanwhile: {json.dumps(tcp)}",
            f"{reloads} reloads; open files before and after: {dict(before)}",
            f"resident after each tenth: {[size // 1024 for _, size in soaking.resident]} KiB",
            f"growth from the first tenth to the end: {growth:+.2%}"]


def quiet_sockets(soaking):
    """Ports kept open for the next questions: closed when nobody asks for some time"""
    return soaking.open_files()["socket"] - 2


def check_memory(resident):
    """From the first mark to the last, 5 % at most; short runs and valgrind tell nothing."""
    first, last = resident[0], resident[-1]
    growth = last[1] / first[1] - 1
    assert SLOW or first[0] < MILLION or growth < 0.05, resident
    return growth


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--build", type=Path, default=REPOSITORY / "build")
    parser.add_argument("--questions", type=int, default=10 * MILLION)
    parser.add_argument("--valgrind", action="store_true")
    arguments = parser.parse_args()
    program = str(arguments.build / "dnslet")
    os.environ["DNSLET"] = f"{VALGRIND} {program}" if arguments.valgrind else program
    with tempfile.TemporaryDirectory() as directory:
        print(*soak(arguments.build / "bench", directory, arguments.questions), sep="\n")


if __name__ == "__main__":
    main()
