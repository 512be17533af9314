# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""A quiet place to measure in, and what a process has cost there.

The servers get the first processor and everything that asks or answers them the second one, all at
real-time priority, in a network namespace of its own. What is not permitted is left out and said.
"""

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

INSIDE = "DNSLET_BENCH_INSIDE"
PRIORITY = ["chrt", "--rr", "10"]


def works(words):
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def enter_namespace():
    """Starts this program again in a network namespace with a loopback, where that is permitted."""
    if os.environ.get(INSIDE):
        return
    os.environ[INSIDE] = "none"
    as_user = ["--map-current-user", "--keep-caps"]  # as root, dnsmasq would want other groups
    for unshare in (["unshare", "--net"], ["unshare", "--net", *as_user]):
        if works([*unshare, "ip", "link", "set", "lo", "up"]):
            os.environ[INSIDE] = " ".join(unshare)
            script = 'ip link set lo up && exec "$@"'
            os.execvp("unshare", [*unshare, "sh", "-c", script, "sh", sys.executable, *sys.argv])


def limit_descriptors():
    """What most systems give a service at first. dnsmasq looks through a third of what it may open
    for every question; the others raise the limit themselves."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, hard), hard))


class Machine:
    def __init__(self):
        self.processors = sorted(os.sched_getaffinity(0))
        self.is_real_time = works([*PRIORITY, "true"])
        self.namespace = os.environ.get(INSIDE, "none")

    def on_server_side(self):
        """Words to put in front of a server's command"""
        return self._placed(self.processors[0])

    def on_server_side_as_usual(self):
        """Without the priority: there the threads of one process take turns of 100 ms"""
        return ["taskset", "-c", str(self.processors[0])]

    def on_load_side(self):
        return self._placed(self.processors[min(1, len(self.processors) - 1)])

    def on_any_side(self):
        return self._placed(",".join(map(str, self.processors[:2])))

    def _placed(self, processors):
        return ["taskset", "-c", str(processors), *(PRIORITY if self.is_real_time else [])]

    def describe(self):
        model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
        return {"processor": model.group(1) if model else os.uname().machine,
                "processors": len(self.processors), "kernel": os.uname().release,
                "real_time_priority": self.is_real_time, "network_namespace": self.namespace}

    def warnings(self):
        if len(self.processors) < 2:
            yield "one processor only: the load takes time from the servers"
        if not self.is_real_time:
            yield "no permission for real-time priority: other programs disturb the numbers"
        if self.namespace == "none":
            yield "no permission for a network namespace: measured on the host's loopback"


def output(words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def nanoseconds_on_processor(pid):
    """Of a process, its threads and its children, those that have ended too"""
    threads = [path for path in Path(f"/proc/{pid}/task").iterdir() if path.exists()]
    total = sum(first_number(thread / "schedstat") for thread in threads)
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ended_children = int(fields[13]) + int(fields[14])
    total += ended_children * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    for thread in threads:
        for child in (thread / "children").read_text().split():
            total += nanoseconds_of_child(int(child))
    return total


def nanoseconds_of_child(pid):
    try:
        return nanoseconds_on_processor(pid)
    except OSError:  # it ended meanwhile
        return 0


def first_number(path):
    return int(path.read_text().split()[0])


def resident_bytes(pid):
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Rss:\s+(\d+) kB", rollup, re.M).group(1)) * 1024


def own_bytes(pid):
    """Resident, but for the kernel's copy of the command line and the variables, which lies on the stack"""
    smaps = Path(f"/proc/{pid}/smaps").read_text()
    stack = re.search(r"\[stack\]\n(?:.*\n)*?Rss:\s+(\d+) kB", smaps)
    return resident_bytes(pid) - int(stack.group(1)) * 1024


def stripped_size(program, scratch):
    """Bytes of a program without its symbols"""
    copy = Path(scratch) / "stripped"
    words = ["strip", "-o", copy, program]
    return copy.stat().st_size if works(words) else Path(program).stat().st_size
