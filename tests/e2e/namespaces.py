# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""A world of its own for a test: loopback only, every port free, any /etc/resolv.conf.

Needs root."""

import contextlib
import ctypes
import os
import shutil
import subprocess

import pytest
from basics import PATIENCE

CLONE_NEWNET = 0x40000000
PROGRAMS = ("unshare", "nsenter", "ip", "mount")
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

# Runs with these files in the place of those that the C library reads.
WITH_FILES = """
mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf 2>/dev/null || true
mount --bind "$1/hosts" /etc/hosts && mount --bind "$2" /etc/resolv.conf && shift 2 && exec "$@"
"""


def why_not():
    """Why no namespace can be made here; None if it can."""
    missing = [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if os.geteuid() != 0:
        return "namespaces need root"
    script = "ip link set lo up && mount --bind /etc/hosts /etc/resolv.conf"
    tried = subprocess.run(["unshare", "-n", "-m", "sh", "-c", script], capture_output=True,
                           text=True, env={"PATH": PATH}, check=False)
    return None if tried.returncode == 0 else f"no namespaces here: {tried.stderr.strip()}"


def skip(reason):
    """For a test that cannot run here. With NOSKIP=1, where everything must be there, it fails."""
    (pytest.fail if os.environ.get("NOSKIP") else pytest.skip)(reason)


def has_setpriv():
    """Whether a program can be started here as any user; busybox's setpriv cannot do that"""
    try:
        said = subprocess.run(["setpriv", "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return os.geteuid() == 0 and "util-linux" in said.stdout


def enter_own_network():
    """From now on this thread, and what it starts, is in a network of its own. Needs why_not() to
    be None."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, env={"PATH": PATH})


class Namespace:
    """`with Namespace(directory) as world:`. A child holds it open and is ended by its pid; with
    the last process in it the namespace goes."""

    def __init__(self, directory):
        self.directory = directory
        (directory / "hosts").write_text("127.0.0.1 localhost\n")
        (directory / "nsswitch.conf").write_text("hosts: files dns\n")

    def __enter__(self):
        script = "ip link set lo up && echo up && exec cat"
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", script], text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       env={"PATH": PATH})
        assert self.holder.stdout.readline() == "up\n"
        self.net = f"/proc/{self.holder.pid}/ns/net"
        # Words in front of a command that make it run in here, as the same process.
        self.wrapper = [shutil.which("nsenter", path=PATH), f"--net={self.net}"]
        return self

    def __exit__(self, *_):
        self.holder.communicate()  # the end of its input ends it

    @contextlib.contextmanager
    def inside(self):
        """This thread makes its sockets, and the threads that it starts, in there."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net", "rb") as home, open(self.net, "rb") as there:
            self._enter(libc, there)
            try:
                yield
            finally:
                self._enter(libc, home)

    @staticmethod
    def _enter(libc, file):
        if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def run(self, resolv_conf, *words):
        """The output of a command that reads this text as its resolv.conf"""
        path = self.directory / "resolv.conf.client"
        path.write_text(resolv_conf)
        done = subprocess.run([*self.wrapper, "unshare", "-m", "sh", "-c", WITH_FILES, "sh",
                               str(self.directory), str(path), *map(str, words)],
                              capture_output=True, text=True, timeout=PATIENCE * 6,
                              env={"PATH": PATH}, check=False)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout
