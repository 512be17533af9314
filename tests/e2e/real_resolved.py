# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""The systemd-resolved of the distribution, on a bus and in a host of a test's own: unpacked by
.ci/deps, never installed, as its package takes /etc/resolv.conf over."""

import os
import subprocess
from pathlib import Path

from basics import PATIENCE, end_process, wait_until
from namespaces import PATH

FOLDER = Path(os.environ.get("DNSLET_CACHE") or
              Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dnslet") / "resolved"
# It wants a user of that name, and the bus one that it knows by number: nobody's.
USER = "systemd-resolve:x:65534:65534::/:/usr/sbin/nologin\n"
GROUP = "systemd-resolve:x:65534:\n"
MOUNTS = """set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/resolve
chown 65534:65534 /run/systemd/resolve
for name in passwd group resolv.conf systemd; do mount --bind "$1/$name" /etc/$name; done
echo up
exec cat
"""


def why_not():
    """Why it can't be run here; None if it can"""
    return None if program("systemd-resolved").exists() else f"no systemd-resolved in {FOLDER}"


def program(name):
    places = [FOLDER / "lib/systemd" / name, FOLDER / "usr/lib/systemd" / name, FOLDER / "usr/bin" / name]
    return next((place for place in places if place.exists()), places[0])


class Host:
    """`with Host(world, folder) as host:`: a Namespace with files of its own where systemd-resolved
    looks for them; what has host.wrapper in front runs there. Everybody may read the folder."""

    def __init__(self, world, folder):
        self.world = world
        self.folder = folder
        (folder / "passwd").write_text(Path("/etc/passwd").read_text() + USER)
        (folder / "group").write_text(Path("/etc/group").read_text() + GROUP)
        (folder / "resolv.conf").write_text("")
        (folder / "systemd").mkdir()

    def __enter__(self):
        self.holder = subprocess.Popen([*self.world.wrapper, "unshare", "-m", "sh", "-c", MOUNTS, "sh",
                                        str(self.folder)], text=True, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, env={"PATH": PATH})
        assert self.holder.stdout.readline() == "up\n"
        place = f"/proc/{self.holder.pid}"  # what has been entered by chroot(2) is left without --root
        self.wrapper = [*self.world.wrapper, f"--mount={place}/ns/mnt", f"--root={place}/root"]
        return self

    def __exit__(self, *_):
        self.holder.communicate()  # the end of its input ends it


class RealResolved:
    """`with RealResolved(host, bus, "DNS=…") as resolved:` has it run there"""

    def __init__(self, host, bus, *settings, env=None):
        self.host = host
        self.log = host.folder / "resolved.log"
        (host.folder / "systemd" / "resolved.conf").write_text("\n".join(
            ["[Resolve]", "LLMNR=no", "MulticastDNS=no", "DNSSEC=no", "FallbackDNS=", *settings, ""]))
        libraries = next(FOLDER.glob("usr/lib/*/systemd"))
        self.env = {"PATH": PATH, "LD_LIBRARY_PATH": str(libraries), **bus.environment, **(env or {})}

    def __enter__(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.host.wrapper, str(program("systemd-resolved"))],
                                            env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(self._is_up, "systemd-resolved", PATIENCE * 2)
        except AssertionError as error:
            self.__exit__()
            raise AssertionError(self.log.read_text()) from error
        return self

    def __exit__(self, *_):
        end_process(self.process)

    def _is_up(self):
        assert self.process.poll() is None
        return self._run("status").returncode == 0

    def _run(self, *words):
        return subprocess.run([*self.host.wrapper, str(program("resolvectl")), *words], env=self.env,
                              capture_output=True, text=True, timeout=PATIENCE * 4, check=False)

    def ctl(self, *words):
        """What resolvectl says"""
        done = self._run(*words)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout
