# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""The image of docker/Dockerfile and what runs beside it, without an engine: buildah builds, podman
and runc run. It takes a static program (DNSLET), root, and the packages buildah, podman and runc."""

import contextlib
import ctypes
import fcntl
import json
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import dns.rcode
import pytest
from basics import free_port
from elf import is_static
from fake_upstream import with_address
from getaddrinfo_client import build_client, musl_compilers
from harness import PATIENCE, REPOSITORY, SCALE, command
from https_server import HttpsUpstream
from namespaces import PATH, skip, why_not
from tls_server import HAS_TLS, Authority, TlsUpstream

# Debian's and Alpine's names for the static one
BUSYBOX = next(filter(os.path.exists, ("/bin/busybox.static", "/bin/busybox")), "")
LIBC = ctypes.CDLL(None, use_errno=True)
UNMOUNT_DETACHED = 2
UNPRIVILEGED_PORT_START = "/proc/sys/net/ipv4/ip_unprivileged_port_start"


def why_no_image():
    missing = [name for name in ("buildah", "podman", "runc", "readelf")
               if not shutil.which(name, path=PATH)]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if not is_static(command()[-1]):
        return "only a static program runs in an image from scratch (make check-musl)"
    return why_not()


class Engine:
    """buildah and podman with a store of their own; end() leaves nothing of it"""

    def __init__(self, directory):
        self.directory = directory
        self.runroot = tempfile.mkdtemp(prefix="dnslet-")  # podman takes 50 characters at most
        self.store = ["--root", directory / "store", "--runroot", self.runroot,
                      "--storage-driver", "vfs"]
        self.names = []

    def call(self, *words, check=True):
        done = subprocess.run([*map(str, words)], capture_output=True, text=True,
                              timeout=PATIENCE * 12, check=False,
                              env={"PATH": PATH, "HOME": str(self.directory)})
        assert not check or done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done

    def podman(self, *words, check=True):
        return self.call("podman", *self.store, "--cgroup-manager=cgroupfs",
                         "--events-backend=file", "--runtime", shutil.which("runc", path=PATH),
                         *words, check=check)

    def build(self, tag, context, *words):
        self.call("buildah", *self.store, "bud", "--format", "docker", "--isolation", "chroot",
                  "-t", tag, *words, context)

    def build_text(self, tag, context, dockerfile):
        (context / "Dockerfile").write_text(dockerfile)
        self.build(tag, context)

    def run(self, *words, check=True):
        # Limits of this host that an ordinary user may have, as runc cannot raise them.
        return self.podman("run", "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096", *words,
                           check=check)

    def start(self, name, *words):
        self.names.append(name)
        self.run("-d", "--name", name, "--network=none", *words)
        return int(self.podman("inspect", "--format", "{{.State.Pid}}", name).stdout)

    def end(self):
        for name in self.names:
            self.podman("rm", "-f", "-t", "0", name, check=False)
        LIBC.umount2(str(self.directory / "store" / "vfs").encode(), UNMOUNT_DETACHED)
        shutil.rmtree(self.runroot, ignore_errors=True)
        for folder in Path("/sys/fs/cgroup").glob("**/libpod_parent"):
            for inner in sorted(folder.glob("**/"), reverse=True):
                try:
                    inner.rmdir()
                except OSError:
                    pass  # somebody else's container is in it


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """With the images dnslet, of docker/prebuilt.Dockerfile and the variant that is tested, and client,
    which is getaddrinfo alone"""
    if reason := why_no_image():
        skip(reason)
    made = Engine(tmp_path_factory.mktemp("images"))
    context = made.directory / "context"
    made.root = Authority(made.directory) if HAS_TLS else None
    folder = put_program(context, Path(command()[-1]).read_bytes())
    if HAS_TLS:
        shutil.copy(made.root.root, folder / "ca-certificates.crt")
    shutil.copytree(REPOSITORY / "docker", context / "docker")
    build_prebuilt(made, "dnslet", context, "")
    base = made.directory / "base"
    base.mkdir()
    compilers = musl_compilers()
    assert compilers, "no compiler for musl"
    build_client(base, "getaddrinfo", next(iter(compilers.values())), "-static")
    made.build_text("client", base, "FROM scratch\nCOPY getaddrinfo /getaddrinfo\n")
    yield made
    made.end()


def put_program(context, program, platform="."):
    """Puts it where an image of this variant finds it; returns the folder of all platforms."""
    folder = context / "build" / "static" / ("full" if HAS_TLS else ".")
    (folder / platform).mkdir(parents=True)
    (folder / platform / "dnslet").write_bytes(program)
    (folder / platform / "dnslet").chmod(0o755)
    return folder


def build_prebuilt(engine, tag, context, platform):
    """`platform` is empty for a builder that knows of none, such as Docker's classic one"""
    engine.build(tag, context, "-f", context / "docker" / "prebuilt.Dockerfile", "--target",
                 "full" if HAS_TLS else "min", "--build-arg",
                 f"TARGETARCH={platform}", "--build-arg", "VERSION=1.2.3")


@pytest.fixture
def server(engine):
    """start(*podman's words) → the pid of a dnslet that knows db.test"""
    def start(*words):
        pid = engine.start("fwd", "--read-only", "--cap-drop=ALL", *words, "-e",
                           "DNSMASQ_ADDRESS=db.test=10.0.0.5 db.test=fd00::5", "-e",
                           "DNSMASQ_NOREC=true", "dnslet")
        wait_healthy(engine, "fwd")
        return pid
    yield start
    engine.podman("rm", "-f", "-t", "0", "fwd", check=False)


def wait_healthy(engine, name):
    end = time.monotonic() + PATIENCE
    while (done := engine.podman("healthcheck", "run", name, check=False)).returncode != 0:
        assert time.monotonic() < end, done.stdout + done.stderr + logs(engine, name)


def logs(engine, name):
    done = engine.podman("logs", name, check=False)
    return done.stdout + done.stderr


def ask_from_a_neighbour(engine, name):
    (engine.directory / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    return engine.run("--rm", "--network=container:fwd", "-v",
                      f"{engine.directory}/resolv.conf:/etc/resolv.conf:ro", "client",
                      "/getaddrinfo", "inet,inet6,any", name).stdout.splitlines()


def proc_status(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return dict(re.findall(r"^(\w+):[ \t]*(.*?)[ \t]*$", text, re.M))


def test_the_image_is_small_and_says_how_it_is_run(engine):
    [image] = json.loads(engine.podman("image", "inspect", "dnslet").stdout)
    print(f"\nimage: {image['Size']} bytes")
    assert image["Size"] <= (4_800_000 if HAS_TLS else 1_115_000)
    config = image["Config"]
    assert config["User"] == "65534:65534"
    assert config["Entrypoint"] == ["/dnslet"]
    assert config["StopSignal"] in ("SIGTERM", "15")
    assert set(config["ExposedPorts"]) == {"53/udp", "53/tcp"}
    assert {"DNSMASQ_LISTEN=0.0.0.0", "DNSMASQ_RCACHE=10000",
            "DNSMASQ_ALLOW=private"} <= set(config["Env"])
    assert image["Healthcheck"]["Test"] == ["CMD", "/dnslet", "--healthcheck"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == ("dnslet" if HAS_TLS else "dnslet-min")
    assert labels["org.opencontainers.image.version"] == "1.2.3"


def test_a_builder_for_several_platforms_takes_the_program_of_each(engine):
    """No compiler runs: the program is a text here"""
    context = engine.directory / "platforms"
    shutil.copytree(REPOSITORY / "docker", context / "docker")
    for platform in ("amd64", "arm64"):
        folder = put_program(context, platform.encode(), platform)
        (folder / "ca-certificates.crt").touch()
        build_prebuilt(engine, f"for-{platform}", context, platform)
        engine.podman("create", "--name", f"of-{platform}", f"for-{platform}")
        engine.names.append(f"of-{platform}")
        engine.podman("cp", f"of-{platform}:/dnslet", engine.directory / f"dnslet-{platform}")
        assert (engine.directory / f"dnslet-{platform}").read_text() == platform


def test_clients_of_public_addresses_are_refused_unless_the_variable_is_empty(engine):
    """Asked as by 192.0.2.1, an address of the container's own loopback"""
    for allow, rcode in (([], dns.rcode.REFUSED), (["-e", "DNSMASQ_ALLOW="], dns.rcode.NOERROR)):
        pid = engine.start("open", "--cap-add=NET_BIND_SERVICE", "-e",
                           "DNSMASQ_ADDRESS=db.test=10.0.0.5", *allow, "dnslet", "--no-rec")
        wait_healthy(engine, "open")
        world = ["nsenter", "-t", pid, "-n"]
        engine.call(*world, "ip", "address", "add", "192.0.2.1/32", "dev", "lo")
        asked = engine.call(*world, "dig", "@127.0.0.1", "-b", "192.0.2.1", "db.test").stdout
        assert f"status: {dns.rcode.to_text(rcode)}" in asked
        assert "status: NOERROR" in engine.call(*world, "dig", "@127.0.0.1", "db.test").stdout
        engine.podman("rm", "-f", "-t", "0", "open")


def test_an_ordinary_user_with_one_capability_serves_the_next_container(engine, server):
    pid = server("--cap-add=NET_BIND_SERVICE", "--user", "65534:65534")
    now = proc_status(pid)
    assert now["Uid"].split() == ["65534"] * 4
    assert int(now["CapEff"], 16) == int(now["CapBnd"], 16) == 1 << 10
    root = [line.split() for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
            if line.split()[4] == "/"]
    assert "ro" in root[0][5].split(",")
    ports = engine.call("nsenter", "-t", pid, "-n", "cat", UNPRIVILEGED_PORT_START).stdout
    assert int(ports) > 53
    assert ask_from_a_neighbour(engine, "db.test") == [
        "db.test inet 10.0.0.5", "db.test inet6 fd00::5", "db.test any 10.0.0.5 fd00::5"]


def test_where_nothing_opens_the_port_root_binds_it_and_becomes_an_ordinary_user(engine, server):
    """As doc/guide.md says for the host's network, where the limit can't be lowered"""
    pid = server("--user=0", "-e", "DNSMASQ_USER=65534", "--cap-add=NET_BIND_SERVICE",
                 "--cap-add=SETUID", "--cap-add=SETGID")
    now = proc_status(pid)
    assert now["Uid"].split() == ["65534"] * 4 and int(now["CapEff"], 16) == 0
    assert ask_from_a_neighbour(engine, "db.test")[0] == "db.test inet 10.0.0.5"


def test_no_capability_is_needed_where_the_engine_lowers_the_unprivileged_ports(engine, server):
    pid = server("--sysctl", "net.ipv4.ip_unprivileged_port_start=0")
    assert int(proc_status(pid)["CapEff"], 16) == 0
    assert ask_from_a_neighbour(engine, "db.test")[0] == "db.test inet 10.0.0.5"


@pytest.mark.skipif(not HAS_TLS, reason="this variant has no TLS")
@pytest.mark.parametrize("kind", [TlsUpstream, HttpsUpstream], ids=["tls", "https"])
def test_servers_over_tls_are_judged_by_the_images_own_roots(engine, kind):
    """As an ordinary user, read-only; the host's network has the server"""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(kind(with_address(address), authority.issue("dns.test"))) for address, authority in (
            ("192.0.2.66", Authority(engine.directory, f"stranger-{kind.__name__}")), ("192.0.2.1", engine.root))]
        port = free_port()
        engine.names.append("secure")
        engine.run("-d", "--name", "secure", "--network=host", "--read-only", "--cap-drop=ALL", "-e",
                   f"DNSMASQ_LISTEN=127.0.0.1:{port}", "-e",
                   f"DNSMASQ_SERVERS={','.join(server.url('dns.test') for server in servers)}", "dnslet")
        wait_healthy(engine, "secure")
        asked = engine.call("dig", "+short", "@127.0.0.1", "-p", port, "a.test").stdout
        told = logs(engine, "secure")
        engine.podman("rm", "-f", "-t", "0", "secure")
        assert asked == "192.0.2.1\n", told
        assert not servers[0].questions and "unable to get local issuer certificate" in told


def test_sigterm_ends_it_within_200_ms_with_status_0(engine, server):
    pid = server("--cap-add=NET_BIND_SERVICE")
    pidfd = os.pidfd_open(pid)
    begin = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    assert select.select([pidfd], [], [], PATIENCE)[0]
    took = time.monotonic() - begin
    os.close(pidfd)
    print(f"\nended in {took * 1000:.1f} ms")
    assert took < 0.2 * SCALE
    assert engine.podman("wait", "fwd").stdout.strip() == "0"
    assert "info stopped" in logs(engine, "fwd")


def test_a_name_of_the_images_own_passwd_is_known(engine):
    done = engine.run("--rm", "--user=0", "dnslet", "--user", "nobody", "--print-config")
    assert "user = nobody  (--user)" in done.stdout
    done = engine.run("--rm", "--user=0", "dnslet", "--user", "daemon", "--no-rec", check=False)
    assert done.returncode == 2 and "daemon" in done.stderr


@pytest.fixture(scope="module")
def inside(engine):
    """docker/alpine-inside.Dockerfile on a base that has what it needs of Alpine"""
    if not is_static(BUSYBOX):
        skip("no static busybox (package busybox-static)")
    base = engine.directory / "base"
    shutil.copy(BUSYBOX, base / "busybox")
    engine.build_text("alpine-like", base, "FROM scratch\n" + "".join(
        f"COPY busybox /bin/{name}\n" for name in ("sh", "sleep", "cat", "id", "grep", "nslookup")) +
                      "COPY getaddrinfo /bin/getaddrinfo\nENV PATH=/bin\n")
    engine.build("inside", REPOSITORY / "docker", "-f",
                 REPOSITORY / "docker" / "alpine-inside.Dockerfile", "--build-arg",
                 "BASE=localhost/alpine-like", "--build-arg", "DNSLET=localhost/dnslet")


def run_inside(engine, nameserver, script, *words, image="inside"):
    """A container of the image, whose engine has written this nameserver"""
    path = engine.directory / "resolv.conf.inside"
    path.write_text(f"nameserver {nameserver}\n")
    return engine.run("--rm", "--network=none", "-v", f"{path}:/etc/resolv.conf", "-e",
                      "DNSMASQ_ADDRESS=db.test=10.0.0.5", *words, image, "/bin/sh", "-c", script,
                      check=False)


def test_an_application_with_dnslet_inside_its_own_image(engine, inside):
    done = run_inside(engine, "192.0.2.1",
                      "getaddrinfo inet db.test; nslookup db.test; cat /etc/resolv.conf; echo $$")
    assert "db.test inet 10.0.0.5\n" in done.stdout
    assert re.search(r"^Server:\s+127\.0\.0\.1$", done.stdout, re.M), done.stdout
    assert re.search(r"^Address:\s+10\.0\.0\.5$", done.stdout, re.M), done.stdout
    assert "\nnameserver 127.0.0.1\n# dnslet: nameserver 192.0.2.1\n" in done.stdout
    assert done.stdout.splitlines()[-1] == "1"


def test_the_application_starts_no_sooner_than_it_is_the_nameserver(engine, inside):
    """Which takes as long as another program has the file locked"""
    with open(engine.directory / "resolv.conf.inside", "a", encoding="ascii") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        timer = threading.Timer(3, fcntl.flock, (locked, fcntl.LOCK_UN))
        timer.start()
        done = run_inside(engine, "192.0.2.1", "getaddrinfo inet db.test")
        timer.join()
    assert done.stdout == "db.test inet 10.0.0.5\n", done.stdout + done.stderr


def test_its_log_goes_to_standard_error_and_tells_nothing_of_health_checks(engine, inside):
    done = run_inside(engine, "192.0.2.1", "sleep 1; echo from the application")
    assert done.stdout == "from the application\n"
    assert "info ready: udp+tcp 127.0.0.1:53" in done.stderr
    assert "healthy" not in done.stderr


def test_behind_a_user_line_it_is_the_nameserver_that_the_engine_names(engine, inside):
    engine.build_text("inside-user", engine.directory / "base",
                      "FROM localhost/inside\nUSER 1000\n")
    done = run_inside(engine, "127.0.0.1", "getaddrinfo inet db.test; id -u", "--sysctl",
                      "net.ipv4.ip_unprivileged_port_start=0", "-e", "DNSMASQ_SERVERS=192.0.2.1",
                      image="inside-user")
    assert done.stdout == "db.test inet 10.0.0.5\n1000\n", done.stdout + done.stderr
    assert " error " not in done.stderr and " warning " not in done.stderr


def test_the_application_does_not_start_without_it(engine, inside):
    done = run_inside(engine, "192.0.2.1", "echo started", "-e", "DNSMASQ_RCACHE=many")
    assert (done.returncode, done.stdout) == (1, "")
    assert "'many'" in done.stderr
