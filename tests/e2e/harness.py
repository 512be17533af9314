# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""The real dnslet as a child process, and the clients that ask it.

Environment: DNSLET is the program (default build/dnslet of this repository; words in front of it,
such as "valgrind -q", are allowed). SLOW=1 stretches every deadline: sanitizers, loaded machines.
"""

import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from basics import PATIENCE, SCALE, SLOW, free_port, join_address, split_address, timed, wait_until
from clients import (TcpClient, UdpClient, data, parse, question, records, ttls, udp_burst)
from fake_upstream import (CLOSE, RESET, FakeUpstream, Later, Raw, from_records, only_rcode, silent,
                           with_address)
from nsd_server import Nsd

__all__ = ["CLOSE", "Dnslet", "FakeUpstream", "Later", "Nsd", "PATIENCE", "RESET", "REPOSITORY",
           "Raw", "SCALE", "SLOW", "TcpClient", "UdpClient", "command", "data", "free_port",
           "from_records", "join_address", "load_programs", "only_rcode", "parse", "question",
           "records", "run", "silent", "split_address", "timed", "ttls", "udp_burst", "wait_until",
           "with_address"]

REPOSITORY = Path(__file__).resolve().parents[2]
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [a-z]+ \S")
READY = re.compile(r'(?:Z info |"message":")ready: ((?:udp|tcp|tls|https|quic)[^"]*)')
SANITIZER = re.compile(r"Sanitizer|runtime error:|LeakSanitizer|Assertion .* failed")


def command():
    words = shlex.split(os.environ.get("DNSLET") or "build/dnslet")
    words[-1] = str(REPOSITORY / words[-1])
    return words


def load_programs():
    """Where the load generators of tests/bench are; None: not built"""
    folder = Path(command()[-1]).parent / "bench"
    return folder if (folder / "soak").exists() else None


def environment(extra=None):
    """Nothing of the caller's settings but what sanitizers and the loader need."""
    kept = ("PATH", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TMPDIR")
    env = {key: os.environ[key] for key in kept if key in os.environ}
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    return {**env, **(extra or {})}


class Dnslet:
    """One running dnslet. `with Dnslet(…) as server:` waits for the ready line; the end of the
    block asserts an orderly exit within 200 ms, clean log lines and no sanitizer report."""

    def __init__(self, *flags, listen="127.0.0.1:0", env=None, directory=None, wrapper=(),
                 resolv_conf=None, pass_fds=(), terminal=False):
        self.directory = Path(directory or tempfile.mkdtemp(prefix="dnslet-"))
        self.resolv_conf = Path(resolv_conf or self.directory / "resolv.conf")
        if resolv_conf is None and not self.resolv_conf.exists():
            self.resolv_conf.write_text("")
        self.words = [*wrapper, *command(), "--resolv-conf", str(self.resolv_conf)]
        if listen:
            self.words += ["--listen", listen]
        self.words += map(str, flags)
        self.env = environment(env)
        self.pass_fds = pass_fds
        self.terminal = terminal  # as standard output, instead of a pipe
        self.lines = []
        self.addresses = []
        self.process = None
        self.ended = False
        self.reading = threading.Event()  # cleared: nobody reads dnslet's standard output
        self.reading.set()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        if self.ended:
            return
        if kind is not None:
            self.kill()
        else:
            self.stop()

    def spawn(self):
        """Starts the process and does not wait for anything."""
        self.stderr_path = self.directory / f"stderr-{id(self)}"
        self.output, output = pty.openpty() if self.terminal else os.pipe()
        with open(self.stderr_path, "wb") as stderr:
            self.process = subprocess.Popen(self.words, env=self.env, stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=stderr, pass_fds=self.pass_fds)
        os.close(output)
        self.pid = self.process.pid
        self.pidfd = os.pidfd_open(self.pid)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        return self

    def start(self):
        self.spawn()
        try:
            wait_until(lambda: self.ready_line() or self.process.poll() is not None, "ready line")
            assert self.ready_line(), f"dnslet did not start: {self.describe()}"
        except AssertionError:
            self.kill()
            raise
        listed = READY.search(self.ready_line()).group(1).split()
        self.addresses = [split_address(word) for word in listed if re.search(r":\d+$", word)]
        self._find_wrapped_pid()

    def _find_wrapped_pid(self):
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        if children and "--fork" in self.words:
            self.pid = int(children[0])

    def _read(self):
        rest = b""
        while self.reading.wait():
            try:
                piece = os.read(self.output, 65536)
            except OSError:  # nobody has the terminal open any more
                break
            if not piece:
                break
            *whole, rest = (rest + piece).split(b"\n")
            self.lines += [line.decode("utf-8", "backslashreplace").rstrip("\r") for line in whole]
        if rest:
            self.lines.append(rest.decode("utf-8", "backslashreplace"))

    def ready_line(self):
        return next((line for line in self.lines if READY.search(line)), None)

    def stderr(self):
        return self.stderr_path.read_text(errors="backslashreplace")

    def describe(self):
        return f"status {self.process.poll()}, stderr {self.stderr()!r}, log {self.lines[-20:]}"

    @property
    def address(self):
        return self.addresses[0]

    @property
    def port(self):
        return self.addresses[0][1]

    def send_signal(self, number):
        os.kill(self.pid, number)

    def stop(self, number=signal.SIGTERM, limit=0.2):
        """Ends it orderly and returns the seconds that took."""
        self.reading.set()
        assert self.process.poll() is None, f"dnslet had ended: {self.describe()}"
        begin = time.monotonic()
        self.send_signal(number)
        ended = select.select([self.pidfd], [], [], PATIENCE)[0]
        took = time.monotonic() - begin
        if not ended:
            self.kill()
        self.process.wait()
        self._finish()
        assert ended and self.process.returncode == 0, f"bad end: {self.describe()}"
        assert took < limit * SCALE, f"took {took:.3f} s to end"
        self.check_output()
        return took

    def check_output(self):
        assert not SANITIZER.search(self.stderr()), self.stderr()
        strange = [line for line in self.lines if not self._is_log_line(line)]
        assert not strange, f"not in the log format: {strange[:5]}"

    def _is_log_line(self, line):
        if "json" not in self.words:
            return LOG_LINE.match(line)
        try:
            return {"time", "level", "message"} <= json.loads(line).keys()
        except ValueError:
            return False

    def kill(self):
        """For tests that failed, and for kill -9 on purpose."""
        self.reading.set()
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.process.wait()
        self._finish()

    def _finish(self):
        if self.ended:
            return
        self.ended = True
        self.reader.join(PATIENCE)
        os.close(self.output)
        os.close(self.pidfd)

    def query(self, name, rdtype="A", rdclass="IN", *, tcp=False, address=None, bind=None,
              seconds=PATIENCE, **how):
        """Asks and returns the answer; `how` as for question()."""
        return self.ask(question(name, rdtype, rdclass, **how), tcp, address, bind, seconds)

    def ask(self, message, tcp=False, address=None, bind=None, seconds=PATIENCE):
        with (TcpClient if tcp else UdpClient)(address or self.address, bind) as client:
            client.send(message)
            answer = client.receive(seconds)
        assert message.is_response(answer), f"{message.question} got {answer}"
        return answer

    def exchange(self, wire, tcp=False):
        """Raw bytes there and back."""
        with (TcpClient if tcp else UdpClient)(self.address) as client:
            client.send(wire)
            return client.receive_wire()

    def log(self, pattern):
        return [line for line in list(self.lines) if re.search(pattern, line)]

    def wait_log(self, pattern, seconds=PATIENCE):
        return wait_until(lambda: self.log(pattern), f"log line {pattern!r} in {self.lines[-9:]}",
                          seconds)[0]

    def cpu_seconds(self):
        """Processor time used so far, in steps of 10 ms: what others do does not count"""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        """How many are open"""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident(self):
        """Bytes of memory in use"""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024


def to(*servers, ca=None):
    """Flags: these servers, by their URLs or as fakes that have one, and roots for them"""
    urls = [server if isinstance(server, str) else server.url("dns.test") for server in servers]
    return ["--nameservers", ",".join(urls), *(["--tls-ca", ca] if ca else [])]


def run(*flags, env=None, seconds=PATIENCE, wrapper=(), pass_fds=()):
    """Runs dnslet to its end: bad values, --help. Fails if it keeps running."""
    with subprocess.Popen([*wrapper, *command(), *map(str, flags)], env=environment(env),
                          text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, pass_fds=pass_fds) as process:
        try:
            stdout, stderr = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            raise AssertionError(f"still running: {flags} {env}: {stdout}{stderr}") from None
    assert not SANITIZER.search(stderr), stderr
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
