# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 1: --user, and what starts without root."""

import os
import pwd
import re
import shutil
import signal
from pathlib import Path

import pytest
from harness import command, data, run, wait_until
from namespaces import Namespace, has_setpriv, why_not

HOSTS = "192.0.2.10 nas.test\n"
ORDINARY = 65534
LONELY = 54321  # no entry of /etc/passwd has it

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
needs_namespace = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
needs_setpriv = pytest.mark.skipif(not has_setpriv(), reason="needs root and util-linux's setpriv")
AS_ORDINARY = ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups"]


@pytest.fixture
def open_program(open_folder, monkeypatch):
    """The program at a place from where everybody may start it"""
    *words, program = command()
    shutil.copy(program, open_folder / "dnslet")
    monkeypatch.setenv("DNSLET", " ".join([*words, str(open_folder / "dnslet")]))


def status(task):
    """field -> value of its status in /proc"""
    return dict(re.findall(r"^(\w+):[ \t]*(.*?)[ \t]*$", (task / "status").read_text(), re.M))


def process(server):
    return Path(f"/proc/{server.pid}")


def assert_is(server, uid, gid):
    """Of each thread: capabilities belong to threads"""
    for task in Path(f"/proc/{server.pid}/task").iterdir():
        assert_task_is(status(task), uid, gid)


def assert_task_is(now, uid, gid):
    assert now["Uid"].split() == [str(uid)] * 4
    assert now["Gid"].split() == [str(gid)] * 4
    assert now["Groups"] == ""
    assert {name: int(now[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
            } == {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapBnd": 0, "CapAmb": 0}
    assert now["NoNewPrivs"] == "1"


@needs_root
@pytest.mark.parametrize("text,uid,gid", [
    ("nobody", pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid),
    ("daemon", pwd.getpwnam("daemon").pw_uid, pwd.getpwnam("daemon").pw_gid),
    (str(pwd.getpwnam("nobody").pw_uid), pwd.getpwnam("nobody").pw_uid,
     pwd.getpwnam("nobody").pw_gid),
    ("4", pwd.getpwuid(4).pw_uid, pwd.getpwuid(4).pw_gid),
    (f"{LONELY}", LONELY, LONELY), (f"{LONELY}:7", LONELY, 7), ("0:0", 0, 0)])
def test_it_becomes_this_user_and_keeps_no_privilege(dnslet, text, uid, gid):
    server = dnslet("--user", text, "--no-rec", hosts=HOSTS)
    assert_is(server, uid, gid)
    for tcp in (False, True):
        assert data(server.query("nas.test", tcp=tcp)) == ["192.0.2.10"]


@needs_setpriv
def test_groups_and_inherited_capabilities_are_left_behind(dnslet):
    more = ["setpriv", "--groups=1,2,3,100", "--inh-caps=+net_raw,+net_admin",
            "--ambient-caps=+net_raw,+net_admin"]
    assert_is(dnslet("--user", LONELY, "--no-rec", wrapper=more), LONELY, LONELY)


@needs_setpriv
def test_a_container_that_may_change_the_user_and_nothing_else_is_enough(dnslet):
    """Without CAP_SETPCAP the bounding set can't be emptied, nor does it matter then."""
    few = ["setpriv", "--bounding-set=-all,+setuid,+setgid"]
    server = dnslet("--user", LONELY, "--no-rec", wrapper=few)
    now = status(process(server))
    assert now["Uid"].split() == [str(LONELY)] * 4
    assert {int(now[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    assert now["NoNewPrivs"] == "1"


@needs_root
def test_the_variable_works_too(dnslet):
    assert_is(dnslet("--no-rec", env={"DNSMASQ_USER": f"{LONELY}:8"}), LONELY, 8)


@needs_root
def test_without_it_the_user_stays(dnslet):
    assert status(process(dnslet("--no-rec")))["Uid"].split() == [str(os.geteuid())] * 4


@needs_namespace
def test_port_53_works_after_the_change(dnslet, tmp_path):
    with Namespace(tmp_path) as world, world.inside():
        Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("1024")
        server = dnslet("--user", LONELY, "--no-rec", hosts=HOSTS, listen="127.0.0.1,[::1]",
                        wrapper=world.wrapper)
        assert_is(server, LONELY, LONELY)
        for host in ("127.0.0.1", "::1"):
            for tcp in (False, True):
                answer = server.query("nas.test", tcp=tcp, address=(host, 53))
                assert data(answer) == ["192.0.2.10"]
        server.stop()


@needs_root
def test_upstream_and_resolv_conf_still_work(dnslet, upstream, open_folder):
    first = upstream(lambda q: q.answer(f"{q.name} 60 IN A 192.0.2.1"), host="127.0.0.61", port=53)
    second = upstream(lambda q: q.answer(f"{q.name} 60 IN A 192.0.2.2"), host="127.0.0.62", port=53)
    conf = open_folder / "resolv.conf"
    conf.write_text(f"nameserver {first.address.rpartition(':')[0]}\n")
    server = dnslet("--user", LONELY, resolv_conf=conf)
    assert data(server.query("www.test")) == ["192.0.2.1"]
    conf.write_text(f"nameserver {second.address.rpartition(':')[0]}\n")
    wait_until(lambda: data(server.query("www.test")) == ["192.0.2.2"], "the new nameserver")


@needs_root
def test_a_hosts_file_that_the_user_cannot_read_keeps_its_entries(dnslet, tmp_path):
    server = dnslet("--user", LONELY, "--no-rec", hosts=HOSTS)
    (tmp_path / "hosts").chmod(0o600)
    server.send_signal(signal.SIGHUP)
    server.wait_log("warning .*permission denied")
    server.wait_log("reloaded")
    assert data(server.query("nas.test")) == ["192.0.2.10"]


@needs_root
def test_files_that_the_user_cannot_reach_are_told_at_the_start(dnslet, tmp_path):
    tmp_path.chmod(0o700)
    server = dnslet("--user", LONELY, "--no-rec", hosts=HOSTS)
    told = server.log("warning cannot read '.*/hosts': permission denied any more")
    assert len(told) == 1 and "--user (DNSMASQ_USER)" in told[0]
    assert data(server.query("nas.test")) == ["192.0.2.10"]


@needs_root
def test_it_can_still_be_reloaded_and_counted(dnslet):
    server = dnslet("--user", LONELY, "--no-rec")
    server.send_signal(signal.SIGUSR1)
    server.wait_log("counter metric=")
    server.send_signal(signal.SIGHUP)
    server.wait_log("reloaded")


@needs_setpriv
@pytest.mark.usefixtures("open_program")
@pytest.mark.parametrize("user", [f"{ORDINARY}", f"{ORDINARY}:{ORDINARY}"])
def test_who_is_this_user_already_needs_no_privilege(dnslet, open_folder, user):
    (open_folder / "resolv.conf").write_text("")
    server = dnslet("--user", user, "--no-rec", wrapper=AS_ORDINARY,
                    resolv_conf=open_folder / "resolv.conf")
    now = status(process(server))
    assert now["Uid"].split() == [str(ORDINARY)] * 4
    assert now["NoNewPrivs"] == "1"


@needs_setpriv
@pytest.mark.usefixtures("open_program")
def test_groups_that_cannot_be_left_do_not_matter_to_who_is_this_user_already(dnslet, open_folder):
    (open_folder / "resolv.conf").write_text("")
    wrapper = [*AS_ORDINARY[:-1], "--groups=100"]
    server = dnslet("--user", f"{ORDINARY}:{ORDINARY}", "--no-rec", wrapper=wrapper,
                    resolv_conf=open_folder / "resolv.conf")
    assert status(process(server))["Groups"] == "100"


@needs_setpriv
@pytest.mark.usefixtures("open_program")
@pytest.mark.parametrize("user", [f"{LONELY}", f"{ORDINARY}:7", "root"])
def test_another_user_needs_root(user):
    result = run("--user", user, "--no-rec", "--listen=127.0.0.1:0", wrapper=AS_ORDINARY)
    assert result.returncode == 1, result
    assert result.stderr.count("\n") == 1
    for words in ("--user", "operation not permitted", "as root", "DNSMASQ_USER"):
        assert words in result.stderr, result.stderr
    assert "ready" not in result.stdout


@needs_namespace
@needs_setpriv
@pytest.mark.usefixtures("open_program")
@pytest.mark.parametrize("user", [None, f"{ORDINARY}"])
def test_a_low_port_without_the_right_to_it_names_four_remedies(tmp_path, user):
    with Namespace(tmp_path) as world, world.inside():
        Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("1024")
        flags = ["--user", user] if user else []
        result = run("--no-rec", "--listen=127.0.0.1:53", *flags,
                     wrapper=[*world.wrapper, *AS_ORDINARY])
    assert result.returncode == 1, result
    assert result.stderr.count("\n") == 1
    for words in ("127.0.0.1:53", "permission denied", "--listen", "-u 0 -e DNSMASQ_USER=65534",
                  "--sysctl net.ipv4.ip_unprivileged_port_start=0", "cap_net_bind_service"):
        assert words in result.stderr, result.stderr
