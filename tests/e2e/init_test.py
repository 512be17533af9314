# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""What `make install` puts in place: the program, its manual, the units of systemd and OpenRC.

OpenRC itself is not here: its functions and its supervisor are played, dnslet is the real one."""

import gzip
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from elf import has_symbols
from harness import (REPOSITORY, SLOW, UdpClient, command, free_port, question, run, wait_until)
from namespaces import PATH, has_setpriv

SCORE = 2.2  # of systemd-analyze security: 0 is shut off from everything, 10 is root without limits

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"),
                                   reason="systemd-analyze is not installed")


def make(target, root, *variables):
    """Installs the program that is under test, in the state it is in"""
    done = subprocess.run(
        ["make", "-C", str(REPOSITORY), "-o", "deps", target, f"DESTDIR={root}",
         f"PROGRAM={command()[-1]}", "-o", command()[-1], *variables],
        env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def files_in(root):
    return {"/" + str(path.relative_to(root)): oct(path.stat().st_mode & 0o777)
            for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module", params=["/usr/local", "/usr"])
def installed(request, tmp_path_factory):
    """(root, PREFIX)"""
    root = tmp_path_factory.mktemp("root")
    make("install", root, f"PREFIX={request.param}")
    return root, request.param


def test_what_is_installed_is_stripped_and_works(installed):
    root, prefix = installed
    program = root / f"{prefix[1:]}/sbin/dnslet"
    assert not has_symbols(program)
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    assert said.returncode == 0 and said.stdout == run("--version").stdout


def test_symbols_are_kept_for_who_asks(tmp_path):
    if not has_symbols(command()[-1]):
        pytest.skip("what was built has none either")
    make("install", tmp_path, "STRIP=")
    assert has_symbols(tmp_path / "usr/local/sbin/dnslet")


def unit(installed, name):
    root, prefix = installed
    return (root / f"{prefix[1:]}/lib/systemd/system/{name}").read_text()


def values(text, key):
    return re.findall(rf"^{key}=(.*)$", text, re.M)


def test_install_puts_everything_in_its_place(installed):
    root, prefix = installed
    assert files_in(root) == {
        f"{prefix}/sbin/dnslet": "0o755", f"{prefix}/share/man/man8/dnslet.8": "0o644",
        f"{prefix}/lib/systemd/system/dnslet.service": "0o644",
        f"{prefix}/share/bash-completion/completions/dnslet": "0o644",
        f"{prefix}/share/zsh/site-functions/_dnslet": "0o644",
        f"{prefix}/share/fish/vendor_completions.d/dnslet.fish": "0o644",
        f"{prefix}/lib/systemd/system/dnslet.socket": "0o644",
        "/etc/init.d/dnslet": "0o755", "/etc/conf.d/dnslet": "0o644",
        "/etc/logrotate.d/dnslet": "0o644"}


def test_every_path_follows_the_prefix(installed):
    root, prefix = installed
    assert values(unit(installed, "dnslet.service"), "ExecStart") == [f"{prefix}/sbin/dnslet"]
    script = (root / "etc/init.d/dnslet").read_text()
    assert values(script, "command") == [f'"{prefix}/sbin/dnslet"']
    for path in files_in(root):
        assert b"@SBINDIR@" not in (root / path[1:]).read_bytes(), path


def test_uninstall_removes_all_of_it(tmp_path):
    make("install", tmp_path, "SYSCONFDIR=/usr/etc")
    assert "/usr/etc/init.d/dnslet" in files_in(tmp_path)
    make("uninstall", tmp_path, "SYSCONFDIR=/usr/etc")
    assert not files_in(tmp_path)


@pytest.mark.parametrize("path", ["/etc/conf.d/dnslet", "/etc/logrotate.d/dnslet"])
def test_settings_of_the_host_outlive_install_and_uninstall(tmp_path, path):
    make("install", tmp_path)
    settings = tmp_path / path[1:]
    settings.write_text("# as this host wants it\n")
    for target in ("install", "uninstall"):
        make(target, tmp_path)
        assert settings.read_text() == "# as this host wants it\n"
    assert list(files_in(tmp_path)) == [path]


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_units(installed, tmp_path):
    for name in ("dnslet.service", "dnslet.socket"):
        text = unit(installed, name)
        # Installed below DESTDIR it can't be found where the unit says.
        (tmp_path / name).write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", text))
    # Nor is its manual where `man` looks; the next test has that.
    done = subprocess.run(["systemd-analyze", "--man=no", "verify", *map(str, sorted(tmp_path.iterdir()))],
                          capture_output=True, text=True, check=False)
    # It reads the units of other packages too; what it finds there is not ours to mend.
    ours = [line for line in (done.stdout + done.stderr).splitlines()
            if not re.match(r"(/usr)?/lib/systemd/", line)]
    assert (done.returncode, ours) == (0, [])


def test_the_units_name_the_manual_that_is_installed(installed):
    for name in ("dnslet.service", "dnslet.socket"):
        assert values(unit(installed, name), "Documentation") == ["man:dnslet(8)"]
    assert (installed[0] / f"{installed[1][1:]}/share/man/man8/dnslet.8").exists()


@needs_systemd
def test_the_service_is_shut_off_from_what_it_does_not_need(installed, tmp_path):
    (tmp_path / "dnslet.service").write_text(unit(installed, "dnslet.service"))
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager",
         f"--threshold={SCORE * 10:.0f}", str(tmp_path / "dnslet.service")], capture_output=True, text=True, check=False)
    assert "Overall exposure level" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout


def allowed_calls(text):
    """The system calls that the filters of a unit leave"""
    allowed = set()
    for line in values(text, "SystemCallFilter"):
        names = set()
        for word in line.lstrip("~").split():
            names |= members(word)
        allowed = allowed - names if line.startswith("~") else allowed | names
    return allowed


def members(name):
    """The system calls of a group, with those of the groups in it"""
    if not name.startswith("@"):
        return {name}
    listed = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True,
                            text=True, check=True).stdout
    words = [line.strip() for line in listed.splitlines()[1:] if line.strip()]
    return set().union(*(members(word) for word in words if not word.startswith("#")))


@needs_systemd
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("strace"), reason="needs root and strace")
@pytest.mark.skipif(SLOW, reason="sanitizers make system calls of their own")
def test_the_filter_leaves_the_system_calls_that_dnslet_makes(installed, dnslet, upstream, tmp_path):
    text = unit(installed, "dnslet.service")
    allowed = allowed_calls(text)
    # The limits of descriptors are set by LimitNOFILE.
    assert values(text, "LimitNOFILE") == ["65536"]
    trace = tmp_path / "trace"
    server = dnslet("--user=nobody", "--rcache=10", hosts="192.0.2.10 nas.test\n",
                    to=[upstream(lambda q: q.answer(f"{q.name} 60 IN A 192.0.2.1"))],
                    wrapper=["strace", "-f", "-qq", "-o", str(trace)])
    for tcp in (False, True):
        server.query("nas.test", tcp=tcp)
        server.query("www.test", tcp=tcp)
    pid = int(Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()[0])
    os.kill(pid, 1)
    server.wait_log("reloaded")
    os.kill(pid, 15)
    server.process.wait(10)
    server.kill()
    made = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.M))
    assert "recvmmsg" in made
    assert made - allowed - {"setrlimit", "prlimit64"} == set()


def test_the_service_may_become_the_user_and_bind_port_53_and_no_more(installed):
    text = unit(installed, "dnslet.service")
    assert values(text, "CapabilityBoundingSet") == [
        "CAP_NET_BIND_SERVICE CAP_SETGID CAP_SETPCAP CAP_SETUID"]
    assert values(text, "Environment") == ["DNSMASQ_USER=nobody"]
    assert values(text, "ProtectSystem") == ["strict"]
    assert values(text, "ReadWritePaths") == ["-/etc/resolv.conf -/var/cache/dnslet"]


@pytest.mark.skipif(not has_setpriv(), reason="needs root and util-linux's setpriv")
def test_these_capabilities_are_enough(installed, dnslet):
    bounding = values(unit(installed, "dnslet.service"), "CapabilityBoundingSet")[0]
    names = ",".join("+" + name.removeprefix("CAP_").lower() for name in bounding.split())
    server = dnslet("--no-rec", env={"DNSMASQ_USER": "nobody"},
                    wrapper=["setpriv", f"--bounding-set=-all,{names}", "--no-new-privs"])
    text = Path(f"/proc/{server.pid}/status").read_text()
    assert re.search(r"^CapBnd:\s+0+$", text, re.M)


@pytest.mark.skipif(not has_setpriv(), reason="needs root and util-linux's setpriv")
def test_systemctl_reload_reaches_the_process_of_another_user_without_any_package(installed, dnslet):
    """As systemd runs it: in the bounding set of the unit, unless a + says otherwise"""
    text = unit(installed, "dnslet.service")
    [line] = values(text, "ExecReload")
    bounding = values(text, "CapabilityBoundingSet")[0].split()
    names = ",".join("+" + name.removeprefix("CAP_").lower() for name in bounding)
    limits = [] if line.startswith("+") else ["setpriv", f"--bounding-set=-all,{names}"]
    server = dnslet("--no-rec", env={"DNSMASQ_USER": "nobody"})
    words = [word.replace("$$", "$") for word in shlex.split(line.lstrip("+"))]
    assert words[0] == "/bin/sh"
    subprocess.run([*limits, *words], env={"MAINPID": str(server.pid), "PATH": ""}, check=True)
    server.wait_log("reloaded")


@pytest.mark.parametrize("name", ["init.d/dnslet", "conf.d/dnslet"])
def test_the_openrc_files_are_sound_shell(installed, name):
    done = subprocess.run(["sh", "-n", installed[0] / "etc" / name], capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stderr) == (0, "")


# What openrc-run gives a script, as far as ours uses it.
OPENRC = """
cd "$1"
RC_SVCNAME=dnslet
ebegin() { [ -n "${EINFO_QUIET:-}" ] || echo "ebegin $*"; }
eend() { [ -n "${EINFO_QUIET:-}" ] || echo "eend $*"; return "$1"; }
supervise_start() {
  ebegin "supervised"
  supervise-daemon dnslet --start --pidfile "$pidfile" "$command" -- $command_args
  eend 0
}
service_get_value() { cat "$1" 2>/dev/null || true; }
use() { echo "use $*"; }
after() { echo "after $*"; }
provide() { echo "provide $*"; }
. "$1/etc/conf.d/dnslet"
"""


# Starts a process and ends it, and leaves its number where OpenRC would.
SUPERVISOR = """#!/bin/sh
echo "supervise-daemon $*"
case "$*" in
*--start*)
  while [ "$1" != -- ]; do command=$1; shift; done
  shift
  ("$command" "$@" & echo $! >child_pid; wait) >>log 2>&1 & ;;
*--stop*) kill "$(cat child_pid)" ;;
esac
"""


def openrc(root, script, conf=""):
    """Runs a part of the OpenRC script as openrc-run would"""
    supervisor = root / "supervise-daemon"
    supervisor.write_text(SUPERVISOR)
    supervisor.chmod(0o755)
    words = ["sh", "-euc", f'{OPENRC}\n{conf}\n. "$1/etc/init.d/dnslet"\ncommand=$2\n{script}',
             "sh", str(root), command()[-1]]
    return subprocess.run(words, capture_output=True, text=True, check=False,
                          env={"PATH": f"{root}:{os.environ['PATH']}"})


def test_the_openrc_script_depends_starts_and_reloads(installed):
    root = installed[0]
    assert "provide dns" in openrc(root, "depend").stdout
    assert "supervise-daemon dnslet --signal HUP" in openrc(root, "reload").stdout
    assert openrc(root, 'echo "$DNSMASQ_USER"').stdout == "nobody\n"
    assert openrc(root, 'echo "$DNSMASQ_USER"', "DNSMASQ_USER=daemon").stdout == "daemon\n"
    assert openrc(root, 'echo "$command_args"', 'dnslet_flags="-r 5"').stdout == "-r 5\n"


def test_the_openrc_script_finds_bad_options_before_it_starts(installed):
    good = openrc(installed[0], "start_pre", 'dnslet_flags="--rcache 5 --no-rec"')
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    bad = openrc(installed[0], "start_pre", 'dnslet_flags="--rcache five"')
    assert bad.returncode == 2
    assert "'five'" in bad.stderr


def flags_on(port):
    """Of a dnslet that anybody may start"""
    return (f'dnslet_flags="--no-rec --verbose --resolv-conf /dev/null --listen 127.0.0.1:{port}"\n'
            f"DNSMASQ_USER={os.geteuid()}\nerror_log=$1/log\n")


@pytest.fixture
def started(installed):
    """The port of a dnslet that the OpenRC script has started"""
    port = free_port()
    done = openrc(installed[0], "start", flags_on(port))
    yield port, done
    openrc(installed[0], "supervise-daemon --stop")


def asked(port, name):
    with UdpClient(("127.0.0.1", port)) as client:
        client.send(question(name))
        return client.receive()


def test_a_start_under_openrc_is_one_when_it_answers(started):
    port, done = started
    lines = done.stdout.splitlines()
    assert (lines[0], lines[-1], done.returncode) == ("ebegin Starting dnslet", "eend 0", 0)
    assert asked(port, "localhost").answer


def test_a_start_under_openrc_fails_when_the_port_is_in_use(installed, dnslet):
    """Also where another DNS server has it, which answers"""
    port = dnslet("--no-rec").port
    failed = openrc(installed[0], "start", flags_on(port))
    assert failed.returncode == 1
    assert "eend 0" not in failed.stdout
    assert "--stop" in failed.stdout
    assert re.search(r"eend 1 .*address already in use", failed.stdout), failed.stdout


def test_an_answer_of_whoever_has_the_port_is_no_start_under_openrc(installed, dnslet):
    """On a busy machine the process is still there after a second, and has not bound its sockets"""
    port = dnslet("--no-rec").port
    failed = openrc(installed[0], "kill() { :; }\nsleep() { :; }\nstart", flags_on(port))
    assert failed.returncode == 1
    assert "eend 0" not in failed.stdout


def test_a_bad_option_stops_nothing_when_openrc_restarts(installed):
    bad = 'dnslet_flags="--rcache five"\n'
    refused = openrc(installed[0], "stop_pre", bad + "RC_CMD=restart")
    assert refused.returncode == 2 and "'five'" in refused.stderr
    assert openrc(installed[0], "stop_pre", bad + "RC_CMD=stop").returncode == 0
    assert openrc(installed[0], "checkconfig", bad).returncode == 2
    assert "checkconfig" in openrc(installed[0], 'echo "$extra_commands"').stdout.split()


def rotate(log, settings, folder):
    """By logrotate, or, where it is not installed, as its word copytruncate says"""
    rules = folder / "rules"
    rules.write_text(settings.replace("/var/log/dnslet.log", str(log)))
    if program := shutil.which("logrotate", path=PATH):
        subprocess.run([program, "--force", "--state", folder / "state", rules], check=True)
        return gzip.decompress(log.with_name("log.1.gz").read_bytes()).decode()
    assert "\tcopytruncate\n" in settings
    old = log.read_text()
    os.truncate(log, 0)
    return old


def test_the_log_of_the_openrc_service_can_be_rotated(installed, started, tmp_path):
    log = installed[0] / "log"  # opened to append to it, as supervise-daemon does
    settings = (installed[0] / "etc/logrotate.d/dnslet").read_text()
    assert "/var/log/dnslet.log {" in settings
    assert "output_log:-/var/log/dnslet.log}" in (installed[0] / "etc/init.d/dnslet").read_text()
    wait_until(lambda: "ready:" in log.read_text(), "the ready line")
    assert "ready:" in rotate(log, settings, tmp_path)
    assert "ready:" not in log.read_text()
    asked(started[0], "localhost")
    wait_until(lambda: "name=localhost" in log.read_text(), "a line behind the rotation")
    assert b"\0" not in log.read_bytes()


def test_every_flag_and_variable_of_these_files_exists():
    known = run("--help-all").stdout
    text = "".join(path.read_text() for path in (REPOSITORY / "init").iterdir())
    ours = re.sub(r"(?m)^.*(systemctl|\tsupervise-daemon) .*$", "", text)
    flags = set(re.findall(r"(?<![\w-])--([a-z][\w-]+)", ours))
    assert flags, "the comments show none"
    for flag in flags:
        assert re.search(rf"--{flag}\b", known), flag
    for variable in set(re.findall(r"DNSMASQ_[A-Z_]*[A-Z]", text)):
        assert variable in known, variable
