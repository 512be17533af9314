# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Static programs, clients and the OpenRC script in real root file systems of Alpine (make check-alpine).

Environment: ROOTS is a folder of alpine-minirootfs-*.tar.gz, DNSLET a static program, EMULATOR a static
qemu-user for those of another processor, OPENRC a folder with Debian's packages of OpenRC unpacked, as these
roots have none. It needs root. With -s it prints the table of the README: what each release finds without
dnslet, and with it."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from elf import is_static  # noqa: E402
from fake_upstream import FakeUpstream  # noqa: E402
from getaddrinfo_client import addresses, build_client  # noqa: E402
from harness import Dnslet, command  # noqa: E402
from musl_client_test import (DNSLET, LISTS, NO_LIST, TRAPS, UPSTREAM, outcome, own_list,  # noqa: E402
                              zone)
from namespaces import PATH, Namespace, why_not  # noqa: E402

HALF = "`half`: NXDOMAIN for its other family"
ALL_TRAPS = {**TRAPS, HALF: ("half.two.test", "any", "short")}
EMULATOR = os.environ.get("EMULATOR")
OPENRC = os.environ.get("OPENRC")
BUSYBOX_LINE = re.compile(r"^Address(?: \d+)?: +(\S+)", re.M)


def release(tarball):
    """3.20.3 as [3, 20, 3]; a date, of edge, is the newest"""
    return [int(part) for part in re.search(r"minirootfs-([\d.]+)-", tarball.name)[1].split(".")]


def tarballs():
    found = Path(os.environ.get("ROOTS", "/nonexistent")).glob("alpine-minirootfs-*.tar.*")
    return sorted(found, key=release)


pytestmark = [
    pytest.mark.skipif(not tarballs(), reason="ROOTS names no folder with alpine-minirootfs-*.tar.gz"),
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.skipif(not is_static(command()[-1]), reason="DNSLET is not a static program")]


def half(asked):
    """As servers of load balancers were once: what they have one family of does not exist in the other"""
    if asked.name == "half.two.test." and asked.type == "AAAA":
        return asked.nxdomain()
    return zone(asked)


OWN_WORLD = """
mount --make-rprivate /
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh /script
"""


class Alpine:
    """One release: its files in a folder, its programs run in there, in the network of `world`"""

    def __init__(self, tarball, folder):
        self.root = folder / "root"
        self.root.mkdir()
        subprocess.run(["tar", "-xf", tarball, "-C", self.root], check=True)
        self.name = (self.root / "etc/alpine-release").read_text().strip()
        shutil.copy(command()[-1], self.root / "usr/sbin/dnslet")
        self.emulator = []
        if EMULATOR:
            shutil.copy(EMULATOR, self.root / "emulator")
            self.emulator = ["/emulator"]
        (folder / "world").mkdir()
        self.world = Namespace(folder / "world")

    def words(self, *words):
        return [*self.world.wrapper, shutil.which("chroot", path=PATH), str(self.root), *self.emulator,
                *map(str, words)]

    def run(self, resolv_conf, *words, env=None):
        (self.root / "etc/resolv.conf").write_text(resolv_conf)
        return subprocess.run(self.words(*words), capture_output=True, text=True, timeout=60,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **(env or {})}, check=False)

    def script(self, text):
        """Runs it by Alpine's shell, with devices and processes of its own, which end with it"""
        (self.root / "script").write_text(text)
        return subprocess.run([*self.world.wrapper, "unshare", "-m", "-p", "-f", "--kill-child", "sh", "-euc",
                               OWN_WORLD, "sh", self.root], capture_output=True, text=True, timeout=120,
                              env={"PATH": PATH}, check=False)

    def busybox(self, resolv_conf, *words):
        return self.run(resolv_conf, "/bin/busybox", *words)

    def serving(self, *flags, **how):
        """dnslet of this root, with paths as they are in there"""
        (self.root / "run/dnslet").mkdir(exist_ok=True)
        server = Dnslet("--nameservers", f"{UPSTREAM}:53", *flags, listen=f"{DNSLET}:53",
                        directory=self.root / "run/dnslet", wrapper=self.words(), **how)
        inside = {command()[-1]: "/usr/sbin/dnslet"}
        begin = len(self.words())
        server.words[begin:] = [inside.get(word, word.replace(str(self.root), "/").replace("//", "/"))
                                for word in server.words[begin:]]
        return server


@pytest.fixture(scope="module", params=tarballs(), ids=lambda path: path.name.split("-")[2])
def alpine(request, tmp_path_factory):
    system = Alpine(request.param, tmp_path_factory.mktemp("alpine"))
    with system.world as world, contextlib.ExitStack() as stack:
        with world.inside():
            stack.enter_context(FakeUpstream(half, host=UPSTREAM, port=53))
        yield system


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A getaddrinfo client that takes the C library of the root it is in; None where none can be made"""
    compiler = shutil.which("musl-gcc")
    if EMULATOR or not compiler:
        return None
    return build_client(tmp_path_factory.mktemp("client"), "getaddrinfo", compiler)


@pytest.fixture
def found(alpine, client):
    """found(resolv_conf, name, family) → what getaddrinfo of that release says"""
    if not client:
        pytest.skip("no client of this processor (package musl-tools)")
    shutil.copy(client, alpine.root / "usr/bin/getaddrinfo")

    def ask(resolv_conf, name, family):
        done = alpine.run(resolv_conf, "/usr/bin/getaddrinfo", family, name)
        assert done.returncode == 0, done.stdout + done.stderr
        return outcome(done.stdout, name, family)
    return ask


table = {}  # release: {trap: what is found}


@pytest.fixture(scope="module", autouse=True)
def printed_table():
    yield
    if table:
        print("\n\n" + markdown(table))


def markdown(cells):
    """Releases that agree stand in one line"""
    lines, last = [], None
    for name, row in cells.items():
        if last and last[1] == row:
            last[0].append(name)
        else:
            last = ([name], row)
            lines.append(last)
    head = ["Alpine", *ALL_TRAPS]
    body = [[f"{names[0]} to {names[-1]}" if names[1:] else names[0],
             *(row.get(trap, "–") for trap in ALL_TRAPS)] for names, row in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *body])


def musl_version(alpine):
    done = alpine.run("", next(iter((alpine.root / "lib").glob("ld-musl-*"))).relative_to(alpine.root))
    return re.search(r"Version (\S+)", done.stderr + done.stdout)[1]


def searching(alpine, which):
    return alpine.serving("--enable-search", "--search-domains", ",".join(LISTS[which]))


@pytest.mark.parametrize("trap", ALL_TRAPS)
def test_dnslet_never_finds_less_and_springs_the_traps(alpine, found, trap):
    name, family, which = ALL_TRAPS[trap]
    without = found(own_list(which), name, family)
    with searching(alpine, which):
        with_dnslet = found(NO_LIST, name, family)
    row = table.setdefault(f"{alpine.name} (musl {musl_version(alpine)})", {})
    row[trap] = f"{without} → {with_dnslet}"
    assert with_dnslet == "found" or with_dnslet.endswith("addresses")


def test_it_says_its_version(alpine):
    done = alpine.run("", "/usr/sbin/dnslet", "--version")
    assert done.returncode == 0 and done.stdout.startswith("dnslet"), done.stderr


@pytest.mark.parametrize("name", ["www", "db.shop", "mail", "files"])
def test_nslookup_of_busybox_finds_names_behind_a_search_list(alpine, name):
    """Old ones ask the C library, new ones by themselves"""
    with searching(alpine, "short"):
        said = alpine.busybox(NO_LIST, "nslookup", name).stdout
    ours = [address for address in BUSYBOX_LINE.findall(said) if DNSLET not in address]
    assert any(address.startswith("192.0.2.") for address in ours), said


def test_nslookup_of_busybox_gets_an_address_of_a_hosts_file_and_its_name(alpine):
    (alpine.root / "run/dnslet").mkdir(exist_ok=True)
    hosts = alpine.root / "run/dnslet/hosts"
    hosts.write_text("192.0.2.80 nas.test\n")
    with alpine.serving("--hostsfile", hosts):
        assert "192.0.2.80" in alpine.busybox(NO_LIST, "nslookup", "nas.test").stdout
        assert "nas.test" in alpine.busybox(NO_LIST, "nslookup", "192.0.2.80").stdout


def test_it_makes_itself_the_nameserver_and_gives_the_file_back(alpine):
    conf = alpine.root / "etc/resolv.conf"
    conf.write_text(f"nameserver {UPSTREAM}\n")
    with alpine.serving("--default-resolver", resolv_conf=conf):
        assert re.search(rf"^nameserver {DNSLET}$", conf.read_text(), re.M)
        said = alpine.busybox(conf.read_text(), "nslookup", "www.two.test").stdout
        assert "192.0.2.1" in said
    assert conf.read_text() == f"nameserver {UPSTREAM}\n"


def put_openrc(alpine):
    """Debian's OpenRC with the C library it needs; shell and all commands stay those of Alpine"""
    libraries = subprocess.run(["ldd", f"{OPENRC}/sbin/openrc-run", f"{OPENRC}/sbin/supervise-daemon"],
                               capture_output=True, text=True, check=True,
                               env={"PATH": PATH, "LD_LIBRARY_PATH": f"{OPENRC}/lib/x86_64-linux-gnu"})
    shutil.copytree(OPENRC, alpine.root, symlinks=True, dirs_exist_ok=True)
    for path in set(re.findall(r"(/\S+\.so\S*)", libraries.stdout)):
        if not path.startswith(OPENRC):
            target = alpine.root / path[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    (alpine.root / "etc/insserv.conf").touch()  # Debian's patch reads it


def put_service(alpine):
    init = alpine.root / "etc/init.d"
    init.mkdir(exist_ok=True)
    text = (ROOT / "init/dnslet.openrc").read_text().replace("@SBINDIR@", "/usr/sbin")
    (init / "dnslet").write_text(text)
    (init / "dnslet").chmod(0o755)
    (alpine.root / "etc/conf.d").mkdir(exist_ok=True)
    flags = f"--no-rec --listen {DNSLET}:53 --address nas.test=192.0.2.80"
    (alpine.root / "etc/conf.d/dnslet").write_text(f'dnslet_flags="{flags}"\n')
    (alpine.root / "etc/resolv.conf").write_text(NO_LIST)


# What the boot makes; then a day in the life of a service.
SERVICE = """
for name in started starting stopped stopping inactive wasinactive failed hotplugged daemons options exclusive \
    scheduled init.d tmp; do mkdir -p /run/openrc/$name; done
echo default >/run/openrc/softlevel
service() { rc-service dnslet "$@" >>/openrc.log 2>&1; echo "$*: $?"; }
answer() { nslookup nas.test 2>&1 | grep -q 192.0.2.80 && echo answers || echo silent; }
service start
answer
service status
service reload
ps | grep -v supervise-daemon | grep '[0-9] /usr/sbin/dnslet' | awk '{print $2}' # as whom
cp /etc/conf.d/dnslet /tmp/conf
echo 'dnslet_flags="--rcache five"' >>/etc/conf.d/dnslet
service restart
answer
cp /tmp/conf /etc/conf.d/dnslet
service restart
answer
service stop
answer
dnslet --no-rec --listen 127.0.0.3:53 --address nas.test=192.0.2.80 >/dev/null &
until [ "$(answer)" = answers ]; do sleep 0.1; done
service start
"""
EXPECTED = ["start: 0", "answers", "status: 0", "reload: 0", "nobody", "restart: 1", "answers", "restart: 0",
            "answers", "stop: 0", "silent", "start: 1"]


@pytest.mark.skipif(not OPENRC, reason="OPENRC names no folder with OpenRC")
def test_the_openrc_script_serves_by_alpines_own_shell(alpine):
    put_openrc(alpine)
    put_service(alpine)
    done = alpine.script(SERVICE)
    log = (alpine.root / "openrc.log").read_text()
    assert done.stdout.splitlines() == EXPECTED, done.stderr + log
    assert "address already in use" in log
