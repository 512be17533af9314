# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 7: the life of dnslet's entry in resolv.conf. Needs port 53 of 127.53.7.1."""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from harness import (Dnslet, FakeUpstream, PATIENCE, SCALE, command, data, environment,
                     from_records, run, wait_until, with_address)
from namespaces import Namespace, skip, why_not
from programs import build, run_and_kill

HOST, SOURCE, OTHER = "127.53.7.1", "127.53.7.2", "127.53.7.3"
ENTRY = f"# added by dnslet: {HOST}\nnameserver {HOST}\n"
TEXT = (f"# a comment\nsearch one.test two.test\nnameserver {SOURCE}\n\toptions ndots:2\n"
        f"nameserver {OTHER}")  # without a line end
EDITED = ENTRY + TEXT.replace("nameserver", "# dnslet: nameserver")


@pytest.fixture(autouse=True)
def port_53():
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((HOST, 53))
    except OSError as error:
        pytest.skip(f"port 53 of {HOST}: {error}")


@pytest.fixture
def conf(tmp_path):
    path = tmp_path / "resolv.conf"
    path.write_text(TEXT)
    return path


def default_resolver(dnslet, *flags, **how):
    return dnslet("--default-resolver", *flags, **{"listen": f"{HOST}:53", **how})


def identity(path):
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_uid, status.st_gid, status.st_mode


def written(path):
    """What any write to the file changes. Not the time of the last access: reading is allowed."""
    status = path.stat()
    return identity(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_the_entry_is_there_while_dnslet_runs(dnslet, conf, number):
    os.chmod(conf, 0o640)
    before = identity(conf)
    server = default_resolver(dnslet)
    assert conf.read_text() == EDITED
    assert identity(conf) == before
    server.stop(number)
    assert conf.read_text() == TEXT
    assert identity(conf) == before
    assert sorted(p.name for p in conf.parent.iterdir() if "resolv" in p.name) == ["resolv.conf"]


@pytest.mark.parametrize("text", ["", "\n", "search a.test", f"nameserver {SOURCE}\r\n",
                                  "# dnslet: nameserver 10.0.0.1\n", "x" * 5000 + "\n#\n"],
                         ids=["empty", "a line end", "no line end", "CRLF", "a mark", "long"])
def test_any_text_is_restored_byte_for_byte(dnslet, conf, text):
    conf.write_bytes(text.encode())
    server = default_resolver(dnslet, "--nameservers", SOURCE)
    assert conf.read_bytes().startswith(ENTRY.encode())
    server.stop()
    assert conf.read_bytes() == text.encode()


AUTO = ("--resolvconf-options", "auto", "--enable-search")
EDITED_AUTO = (ENTRY + "options ndots:1 # added by dnslet\n" + TEXT.replace(
    "nameserver", "# dnslet: nameserver").replace("search", "# dnslet: search").replace(
        "\toptions", "# dnslet: \toptions"))


def test_with_auto_clients_ask_once_and_dnslet_searches(dnslet, conf, upstream):
    source = upstream(from_records("www.two.test. 60 IN A 192.0.2.1"), host=SOURCE, port=53)
    server = default_resolver(dnslet, *AUTO)
    assert conf.read_text() == EDITED_AUTO
    assert data(server.query("www")) == ["www.two.test.", "192.0.2.1"]
    assert [asked.name for asked in source.questions] == ["www.one.test.", "www.two.test."]
    server.stop()
    assert conf.read_text() == TEXT


def test_auto_as_a_variable_is_restored_after_a_kill(dnslet, conf):
    default_resolver(dnslet, "--enable-search", env={"DNSMASQ_RESOLVCONF_OPTIONS": "auto"}).kill()
    assert conf.read_text() == EDITED_AUTO
    server = default_resolver(dnslet)
    assert conf.read_text() == EDITED
    server.stop()
    assert conf.read_text() == TEXT


def test_auto_without_search_does_not_start(conf):
    result = run("--default-resolver", "--listen", f"{HOST}:53", "--resolv-conf", conf,
                 "--resolvconf-options", "auto")
    assert result.returncode == 2 and "--enable-search" in result.stderr
    assert conf.read_text() == TEXT


@pytest.mark.parametrize("listen, address", [
    (f"{HOST}:5353,{HOST}:53,127.53.7.9:53", HOST),
    ("[::1]:53", "::1")])
def test_the_first_listener_on_port_53_is_registered(dnslet, conf, listen, address):
    default_resolver(dnslet, listen=listen)
    assert conf.read_text().startswith(f"# added by dnslet: {address}\nnameserver {address}\n")


def test_without_a_listener_on_port_53_it_does_not_start(conf):
    before = written(conf)
    result = run("--default-resolver", "--listen", f"{HOST}:5353", "--resolv-conf", conf)
    assert result.returncode == 2
    assert "--listen" in result.stderr and "port 53" in result.stderr
    assert written(conf) == before


def test_a_start_that_fails_leaves_the_file_alone(dnslet, conf):
    default_resolver(dnslet)
    edited = written(conf)
    result = run("--default-resolver", "--listen", f"{HOST}:53", "--resolv-conf", conf)
    assert result.returncode == 1
    assert written(conf) == edited and conf.read_text() == EDITED


def test_without_the_flag_the_file_is_never_opened_for_writing(dnslet, conf):
    conf.write_text(EDITED)  # of a run that was killed: read as if restored, not touched
    before = written(conf)
    server = dnslet(listen=f"{HOST}:53")
    server.stop()
    assert written(conf) == before


def test_a_killed_run_is_restored_by_the_next(dnslet, conf):
    default_resolver(dnslet).kill()
    assert conf.read_text() == EDITED
    server = default_resolver(dnslet, listen="127.53.7.4:53")
    assert conf.read_text() == EDITED.replace(HOST, "127.53.7.4")
    server.stop()
    assert conf.read_text() == TEXT


def test_an_entry_of_the_older_form_is_restored(dnslet, conf):
    older = EDITED.replace(ENTRY, f"nameserver {HOST} # added by dnslet\n")
    conf.write_text(older)
    server = default_resolver(dnslet)
    assert conf.read_text() == EDITED
    server.stop()
    assert conf.read_text() == TEXT


def test_a_second_listener_is_there_for_containers(world, conf, tmp_path):
    """A container engine leaves loopback addresses out, and puts public servers in their place"""
    conf.write_text(f"nameserver {SOURCE}\n")
    subprocess.run([*world.wrapper, "ip", "address", "add", "172.17.0.1/16", "dev", "lo"],
                   check=True)
    server = Dnslet("--default-resolver", "--address", "www.test=192.0.2.1",
                    listen="127.0.0.1:53,172.17.0.1:53", directory=tmp_path, wrapper=world.wrapper)
    with world.inside(), server:
        assert conf.read_text() == (
            "# added by dnslet: 127.0.0.1 172.17.0.1\nnameserver 127.0.0.1\n"
            f"nameserver 172.17.0.1\n# dnslet: nameserver {SOURCE}\n")
        for address in usable(conf.read_text()):
            assert data(server.query("www.test", address=(address, 53))) == ["192.0.2.1"]
    assert conf.read_text() == f"nameserver {SOURCE}\n"


def test_its_own_address_is_no_upstream(dnslet, conf, upstream):
    upstream(with_address("192.0.2.1"), host=SOURCE, port=53)
    conf.write_text(f"nameserver {HOST}\nnameserver {SOURCE}\n")
    server = default_resolver(dnslet)
    assert data(server.query("www.test")) == ["192.0.2.1"]
    assert server.wait_log(rf"warn.*{HOST}")
    server.stop()
    assert conf.read_text() == f"nameserver {HOST}\nnameserver {SOURCE}\n"


# Others write the file too.

def rewrite(path, text):
    path.write_text(text)


def replace(path, text):
    new = path.with_name("new")
    new.write_text(text)
    os.rename(new, path)


@pytest.mark.parametrize("write", [rewrite, replace])
def test_a_new_file_is_taken_over_and_edited(dnslet, conf, upstream, write):
    upstream(with_address("192.0.2.1"), host=SOURCE, port=53)
    upstream(with_address("192.0.2.2"), host=OTHER, port=53)
    conf.write_text(f"nameserver {SOURCE}\n")
    server = default_resolver(dnslet)
    assert data(server.query("first.test")) == ["192.0.2.1"]

    new = f"search new.test\nnameserver {OTHER}\n"
    write(conf, new)
    begin = time.monotonic()
    wait_until(lambda: conf.read_text().startswith(ENTRY), "the entry", 2 * SCALE)
    wait_until(lambda: data(server.query("www.test")) == ["192.0.2.2"], "the new server",
               2 * SCALE)
    assert time.monotonic() - begin < 2 * SCALE
    assert conf.read_text() == f"{ENTRY}search new.test\n# dnslet: nameserver {OTHER}\n"
    server.stop()
    assert conf.read_text() == new


def test_a_nameserver_that_is_put_in_front_is_taken_over(dnslet, conf, upstream):
    upstream(with_address("192.0.2.2"), host=OTHER, port=53)
    conf.write_text(f"nameserver {SOURCE}\n")
    server = default_resolver(dnslet)
    conf.write_text(f"nameserver {OTHER}\n" + conf.read_text())
    wait_until(lambda: conf.read_text().startswith(ENTRY), "the entry", 2 * SCALE)
    wait_until(lambda: data(server.query("www.test")) == ["192.0.2.2"], "the new server")
    server.stop()
    assert conf.read_text() == f"nameserver {OTHER}\nnameserver {SOURCE}\n"


def test_a_file_that_is_being_written_is_not_edited_half_way(dnslet, conf):
    server = default_resolver(dnslet)
    lines = [f"nameserver {OTHER}\n"] + [f"# line {i}\n" for i in range(40)]
    with open(conf, "w", encoding="ascii") as writer:
        for line in lines:  # 2 s in all: looked at several times meanwhile
            writer.write(line)
            writer.flush()
            time.sleep(0.05)
    wait_until(lambda: conf.read_text().startswith(ENTRY), "the entry", 2 * SCALE)
    server.stop()
    assert conf.read_text() == "".join(lines)


def test_without_its_entry_nothing_is_restored(dnslet, conf):
    server = default_resolver(dnslet)
    server.send_signal(signal.SIGSTOP)
    other = f"nameserver {OTHER}\n# dnslet: nameserver {SOURCE}\n"
    conf.write_text(other)
    server.send_signal(signal.SIGTERM)
    server.send_signal(signal.SIGCONT)
    wait_until(lambda: server.process.poll() == 0, "its end")
    server.kill()  # closes what is left
    assert conf.read_text() == other


def test_another_dnslet_is_left_alone(dnslet, conf):
    first = default_resolver(dnslet)
    second = default_resolver(dnslet, listen="127.53.7.4:53")
    edited = EDITED.replace(HOST, "127.53.7.4")
    assert conf.read_text() == edited
    assert first.wait_log(r"warn.*another dnslet")
    assert conf.read_text() == edited
    second.stop()
    wait_until(lambda: conf.read_text() == EDITED, "the first entry again", 2 * SCALE)
    first.stop()
    assert conf.read_text() == TEXT


@pytest.mark.parametrize("other", ["127.53.7.4", "127.53.7.104", "127.0.0.4"])
def test_two_dnslets_at_once_keep_the_file_whole(dnslet, conf, other):
    for _ in range(8):
        first = Dnslet("--default-resolver", listen=f"{HOST}:53", directory=conf.parent)
        second = Dnslet("--default-resolver", listen=f"{other}:53", directory=conf.parent)
        for server in (first, second):
            server.spawn()
        for server in (first, second):
            wait_until(server.ready_line, "ready line")
        conf.write_text(TEXT)  # both want to be put back
        for server in (first, second):
            server.send_signal(signal.SIGHUP)
        for server in (first, second):
            server.send_signal(signal.SIGTERM)
        for server in (first, second):
            wait_until(lambda server=server: server.process.poll() == 0, "its end")
            server.kill()  # closes what is left
        left = conf.read_text()
        if left != TEXT:  # the one that ended last found an address that was still served
            assert left in (EDITED, EDITED.replace(HOST, other))
            conf.write_text(TEXT)


def test_the_entry_of_a_dnslet_that_was_killed_is_replaced(dnslet, conf):
    first = default_resolver(dnslet)
    second = default_resolver(dnslet, listen="127.53.7.4:53")
    assert first.wait_log("warn.*another dnslet")
    second.kill()
    wait_until(lambda: conf.read_text() == EDITED, "the first entry again", 2 * SCALE)
    first.stop()
    assert conf.read_text() == TEXT


def test_a_file_that_vanishes_costs_a_warning(dnslet, conf):
    server = default_resolver(dnslet, "--address", "www.test=192.0.2.1")
    conf.unlink()
    assert server.wait_log(r"warn.*cannot write")
    assert data(server.query("www.test")) == ["192.0.2.1"]
    conf.write_text(TEXT)
    wait_until(lambda: conf.read_text() == EDITED, "the entry", 2 * SCALE)
    server.stop()
    assert conf.read_text() == TEXT


# A file that held the entry is restored wherever it is.

def aside(conf):
    """Moves it away, and another file takes its place"""
    conf.rename(conf.with_name("backup"))
    conf.write_text(f"nameserver {OTHER}\n")


def linked(conf):
    """Makes it a link to one of two files, for elsewhere() to change"""
    conf.rename(conf.with_name("backup"))
    conf.symlink_to("backup")


def elsewhere(conf):
    conf.with_name("other").write_text(f"nameserver {OTHER}\n")
    conf.with_name("link").symlink_to("other")
    os.rename(conf.with_name("link"), conf)


MOVES = [(lambda conf: None, aside), (linked, elsewhere),
         (lambda conf: None, lambda conf: conf.rename(conf.with_name("backup")))]


@pytest.mark.parametrize("prepare, move", MOVES, ids=["moved", "retargeted", "away"])
@pytest.mark.parametrize("wait", [True, False], ids=["noticed", "at the end"])
def test_a_file_that_loses_the_path_is_restored(dnslet, conf, prepare, move, wait):
    prepare(conf)
    backup = conf.with_name("backup")
    server = default_resolver(dnslet)
    assert conf.read_text() == EDITED
    move(conf)
    if wait:
        wait_until(lambda: backup.read_text() == TEXT, "the file as it was", 3 * SCALE)
        if conf.exists():
            wait_until(lambda: conf.read_text().startswith(ENTRY), "the entry", 3 * SCALE)
    server.stop()
    assert backup.read_text() == TEXT
    if conf.exists():
        assert conf.read_text() == f"nameserver {OTHER}\n"


def test_a_file_that_comes_back_gets_the_entry_again(dnslet, conf):
    server = default_resolver(dnslet)
    backup = conf.with_name("backup")
    conf.rename(backup)
    wait_until(lambda: backup.read_text() == TEXT, "the file as it was", 3 * SCALE)
    backup.rename(conf)
    wait_until(lambda: conf.read_text() == EDITED, "the entry", 3 * SCALE)
    server.stop()
    assert conf.read_text() == TEXT


def test_under_user_a_file_that_loses_the_path_is_restored(dnslet, public):
    server = default_resolver(dnslet, "--user", "65534", resolv_conf=public)
    backup = public.with_name("backup")
    aside(public)
    assert server.wait_log("warn.*cannot write")
    assert backup.read_text() == TEXT
    server.stop()
    assert public.read_text() == f"nameserver {OTHER}\n"


def test_a_file_that_is_locked_when_it_loses_the_path_is_restored_later(dnslet, conf):
    server = default_resolver(dnslet)
    backup = conf.with_name("backup")
    with open(conf, encoding="ascii") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        aside(conf)
        wait_until(lambda: conf.read_text().startswith(ENTRY), "the entry", 3 * SCALE)
        assert backup.read_text() == EDITED
    wait_until(lambda: server.send_signal(signal.SIGHUP) or backup.read_text() == TEXT,
               "the file as it was", 3 * SCALE)
    server.stop()


# Others hold a lock, a disk is slow.

def test_a_lock_of_another_program_delays_no_answer(dnslet, conf):
    server = default_resolver(dnslet, "--address", "www.test=192.0.2.1")
    with open(conf, encoding="ascii") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        conf.write_text(TEXT)
        longest, end = 0, time.monotonic() + 2
        while time.monotonic() < end:
            begin = time.monotonic()
            assert data(server.query("www.test")) == ["192.0.2.1"]
            longest = max(longest, time.monotonic() - begin)
        assert server.log("warn.*locked by another program")
        assert longest < 0.1 * SCALE
    wait_until(lambda: conf.read_text() == EDITED, "the entry", 3 * SCALE)
    server.stop()
    assert conf.read_text() == TEXT


def test_a_lock_of_another_program_does_not_keep_the_entry_in_the_end(dnslet, conf):
    server = default_resolver(dnslet)
    with open(conf, encoding="ascii") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        server.stop(limit=0.2)
    assert conf.read_text() == TEXT


def test_a_slow_disk_delays_no_answer(dnslet, conf):
    if not shutil.which("strace"):
        skip("strace is not installed")
    server = default_resolver(dnslet, "--address", "www.test=192.0.2.1", env={
        "ASAN_OPTIONS": "detect_leaks=0"}, wrapper=[
            shutil.which("strace"), "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e",
            "inject=fsync:delay_exit=700000"])
    conf.write_text(TEXT)
    end, longest = time.monotonic() + 3, 0
    while time.monotonic() < end:
        begin = time.monotonic()
        assert data(server.query("www.test")) == ["192.0.2.1"]
        longest = max(longest, time.monotonic() - begin)
    assert longest < 0.3 * SCALE
    wait_until(lambda: conf.read_text() == EDITED, "the entry", 3 * SCALE)
    server.stop(limit=3)  # an edit waits for the disk twice
    assert conf.read_text() == TEXT


def test_sighup_puts_the_entry_back_at_once(dnslet, conf):
    server = default_resolver(dnslet)
    conf.write_text(TEXT)
    server.send_signal(signal.SIGHUP)
    assert server.wait_log("reloaded")
    assert conf.read_text() == EDITED


def test_a_directory_or_a_device_is_no_file_to_edit(dnslet, tmp_path):
    for path in (tmp_path, Path("/dev/null")):
        server = default_resolver(dnslet, "--nameservers", SOURCE, "--address", "a.test=192.0.2.1",
                                  resolv_conf=path)
        assert server.wait_log("warn.*cannot write")
        assert data(server.query("a.test")) == ["192.0.2.1"]
        server.stop()


@pytest.mark.parametrize("action", ["--healthcheck", "--print-config"])
def test_asking_about_it_leaves_the_file_alone(conf, action):
    before = written(conf)
    run(action, "--default-resolver", "--listen", f"{HOST}:53", "--resolv-conf", conf)
    assert written(conf) == before


def test_a_file_that_is_too_long_is_left_alone(dnslet, conf):
    text = f"nameserver {SOURCE}\n" + "# filled up\n" * 6000
    conf.write_text(text)
    server = default_resolver(dnslet)
    assert server.wait_log("warn.*larger than 64 KiB")
    server.stop()
    assert conf.read_text() == text


def test_a_file_that_lies_about_its_copy_is_only_text(dnslet, conf):
    text = (f"nameserver {SOURCE}\n# dnslet: editing ##\n# dnslet: this file is being edited, "
            f"it held: 0 0 0 {2**64 - 1} 0\n# dnslet: end of what it held\n")
    conf.write_text(text)
    server = default_resolver(dnslet)
    assert usable(conf.read_text()) == [HOST]
    server.stop()
    assert usable(conf.read_text()) == [SOURCE]


# As another user.

@pytest.fixture
def public(conf):
    """The file where everybody can read it, and nobody but root can write it"""
    if os.geteuid() != 0:
        pytest.skip("--user needs root")
    directory = Path(tempfile.mkdtemp(prefix="dnslet-public-"))
    os.chmod(directory, 0o755)
    yield Path(shutil.copy(conf, directory))
    shutil.rmtree(directory)


def test_under_user_the_file_stays_open_for_edits(dnslet, public, upstream):
    upstream(with_address("192.0.2.2"), host=OTHER, port=53)
    server = default_resolver(dnslet, "--user", "65534", resolv_conf=public)
    assert public.read_text() == EDITED
    public.write_text(f"nameserver {OTHER}\n")
    wait_until(lambda: public.read_text().startswith(ENTRY), "the entry", 2 * SCALE)
    wait_until(lambda: data(server.query("www.test")) == ["192.0.2.2"], "the new server")
    server.stop()
    assert public.read_text() == f"nameserver {OTHER}\n"


def test_under_user_a_replaced_file_is_read_and_not_edited(dnslet, public, upstream):
    upstream(with_address("192.0.2.2"), host=OTHER, port=53)
    server = default_resolver(dnslet, "--user", "65534", resolv_conf=public)
    replace(public, f"nameserver {OTHER}\n")
    assert server.wait_log(rf"warn.*cannot write '{public}'.*permission denied")
    wait_until(lambda: data(server.query("www.test")) == ["192.0.2.2"], "the new server")
    server.stop()
    assert public.read_text() == f"nameserver {OTHER}\n"


def test_under_a_user_who_may_not_follow_the_path_it_is_kept_and_restored(dnslet, conf):
    if os.geteuid() != 0:
        pytest.skip("--user needs root")
    conf.parent.chmod(0o700)
    server = default_resolver(dnslet, "--user", "65534", "--address", "www.test=192.0.2.1")
    assert server.log(f"warning cannot read '{conf}': permission denied any more, as the user")
    assert conf.read_text() == EDITED
    conf.write_text(TEXT)
    wait_until(lambda: conf.read_text() == EDITED, "the entry", 3 * SCALE)
    server.stop()
    assert conf.read_text() == TEXT


def test_on_a_file_of_systemd_resolved_the_log_says_what_to_do(dnslet, conf):
    stub = conf.with_name("run") / "systemd" / "resolve" / "stub-resolv.conf"
    stub.parent.mkdir(parents=True)
    conf.rename(stub)
    conf.symlink_to(stub)
    server = default_resolver(dnslet)
    told = server.log("warning .*systemd-resolved")
    assert len(told) == 1
    for words in ("DNSMASQ_RESOLV_CONF=/run/systemd/resolve/resolv.conf", f"rm {conf}",
                  f"echo nameserver {HOST} >{conf}"):
        assert words in told[0]
    server.stop()
    assert conf.is_symlink() and stub.read_text() == TEXT


# Mounts and namespaces.

@pytest.fixture
def world(tmp_path):
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with Namespace(tmp_path) as namespace:
        yield namespace


MOUNTED = 'mount --bind "$1" /etc/resolv.conf && {} shift && exec "$@"'
READ_ONLY = "mount -o remount,ro,bind /etc/resolv.conf &&"


def mounted(conf, extra=""):
    """Runs with the file as its /etc/resolv.conf"""
    return [shutil.which("unshare"), "-m", "sh", "-c", MOUNTED.format(extra), "sh", str(conf)]


def test_a_bind_mount_keeps_inode_owner_and_mode(dnslet, world, conf):
    os.chown(conf, 12, 34)
    os.chmod(conf, 0o604)
    before = identity(conf)
    server = default_resolver(dnslet, resolv_conf="/etc/resolv.conf", wrapper=mounted(conf))
    assert conf.read_text() == EDITED
    assert identity(conf) == before
    server.stop()
    assert conf.read_text() == TEXT
    assert identity(conf) == before


def test_a_read_only_file_costs_a_warning(dnslet, world, conf, upstream):
    upstream(with_address("192.0.2.1"), host=SOURCE, port=53)
    server = default_resolver(dnslet, resolv_conf="/etc/resolv.conf",
                              wrapper=mounted(conf, READ_ONLY))
    assert server.wait_log(r"warn.*cannot write '/etc/resolv.conf'.*read-only")
    assert data(server.query("www.test")) == ["192.0.2.1"]
    server.stop()
    assert conf.read_text() == TEXT


SMALL = """
mount -t tmpfs -o size=16k none /mnt && cp "$1" /mnt/resolv.conf && {} shift && exec "$@"
"""
FILL = "{{ cat /dev/zero >/mnt/fill 2>/dev/null || true; }} &&"
PAGE = f"nameserver {SOURCE}\n" + "# a line\n" * 400  # fits into a page, not with a copy behind it


def on_small_disk(conf, extra=""):
    """Runs with a copy of the file as /mnt/resolv.conf on a disk of four pages"""
    return [shutil.which("unshare"), "-m", "sh", "-c", SMALL.format(extra), "sh", str(conf)]


@contextlib.contextmanager
def disk_of(server):
    """The small disk, also when dnslet is gone: (write a file, read resolv.conf)"""
    root = os.open(Path("/proc", str(server.pid), "root", "mnt"), os.O_RDONLY)

    def read():
        with open(os.open("resolv.conf", os.O_RDONLY, dir_fd=root), encoding="ascii") as file:
            return file.read()

    def fill():
        with open(os.open("fill", os.O_WRONLY | os.O_CREAT, dir_fd=root), "wb", 0) as file:
            with contextlib.suppress(OSError):
                while file.write(b"0" * 4096):
                    pass
    yield fill, read
    os.close(root)


def test_a_full_disk_costs_a_warning(dnslet, world, conf):
    conf.write_text(PAGE)
    server = default_resolver(dnslet, "--address", "www.test=192.0.2.1",
                              resolv_conf="/mnt/resolv.conf",
                              wrapper=on_small_disk(conf, FILL.format()))
    with disk_of(server) as (_, read):
        assert server.wait_log("warn.*cannot write.*no space")
        assert read() == PAGE
        assert data(server.query("www.test")) == ["192.0.2.1"]
        server.stop()
        assert read() == PAGE


def test_a_disk_that_is_full_in_the_end_does_not_keep_the_entry(dnslet, world, conf):
    conf.write_text(PAGE)
    server = default_resolver(dnslet, resolv_conf="/mnt/resolv.conf", wrapper=on_small_disk(conf))
    with disk_of(server) as (fill, read):
        assert read().startswith(ENTRY)
        fill()
        server.stop()
        assert read() == PAGE


def test_a_limit_on_file_sizes_costs_a_warning(dnslet, conf):
    server = default_resolver(dnslet, "--address", "www.test=192.0.2.1",
                              wrapper=["/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "sh"])
    assert server.wait_log("warn.*cannot write.*too large")
    assert data(server.query("www.test")) == ["192.0.2.1"]
    server.stop()
    assert conf.read_text() == TEXT


@pytest.mark.parametrize("listen, address", [
    ("0.0.0.0:53", "127.0.0.1"), ("[::]:53", "::1"), ("[::]:53,0.0.0.0:53", "::1")])
def test_a_wildcard_listener_is_reached_on_loopback(world, conf, tmp_path, listen, address):
    conf.write_text("nameserver 192.0.2.53\n")
    server = Dnslet("--default-resolver", "--address", "www.test=192.0.2.1", listen=listen,
                    directory=tmp_path, wrapper=world.wrapper)
    with world.inside(), server:
        assert usable(conf.read_text()) == [address]
        assert data(server.query("www.test", address=(address, 53))) == ["192.0.2.1"]
    assert usable(conf.read_text()) == ["192.0.2.53"]


def test_as_process_1_it_ends_in_time_and_restores(dnslet, world, conf):
    server = default_resolver(dnslet, wrapper=[shutil.which("unshare"), "--pid", "--fork",
                                               "--kill-child", "--mount-proc"])
    status = Path(f"/proc/{server.pid}/status").read_text()
    assert any(line.split()[1:][-1] == "1" for line in status.splitlines()
               if line.startswith("NSpid:"))
    assert conf.read_text() == EDITED
    assert server.stop() < 0.2 * SCALE
    assert conf.read_text() == TEXT


def test_getent_and_a_musl_client_resolve_through_the_file(world, conf, tmp_path):
    musl = shutil.which("musl-gcc") or (Path("/etc/alpine-release").exists() and "cc")
    if not musl or not shutil.which("getent"):
        pytest.skip("needs getent and a compiler for musl (package musl-tools)")
    client = build(tmp_path, "getaddrinfo.c", musl, "-static")
    conf.write_text(f"search one.test\nnameserver {SOURCE}\n")
    with contextlib.ExitStack() as stack:
        with world.inside():
            source = stack.enter_context(FakeUpstream(with_address("192.0.2.1"), host=SOURCE,
                                                      port=53))
        stack.enter_context(Dnslet("--default-resolver", listen="127.0.0.1:53",
                                   directory=tmp_path, wrapper=world.wrapper))
        edited = conf.read_text()
        assert edited.startswith("# added by dnslet: 127.0.0.1\nnameserver 127.0.0.1\n")
        # -A: loopback alone would not count as having an address
        assert "192.0.2.1" in world.run(edited, "getent", "-A", "ahostsv4", "www.test")
        asked = len(source.questions)
        assert "192.0.2.1" in world.run(edited, client, "inet", "other.test")
        assert len(source.questions) > asked > 0


@pytest.mark.parametrize("flags", [(), AUTO], ids=["keep", "auto"])
@pytest.mark.parametrize("listen", ["127.0.0.1:53", "127.0.0.1:53,127.0.0.9:53,10.9.9.9:53"])
def test_nslookup_of_busybox_resolves_through_the_file(world, conf, tmp_path, listen, flags):
    """It takes a whole line of nameserver for the address, and prints it as the server. Where it is
    built for musl (Alpine 3.11 and later) it fails if anything stands behind; glibc lets it pass."""
    busybox = next(filter(os.path.exists, ("/bin/busybox.static", "/bin/busybox")), None)
    if not busybox or "nslookup" not in subprocess.run([busybox], capture_output=True, text=True,
                                                       check=False).stdout:
        skip("no busybox with nslookup (package busybox-static)")
    conf.write_text(f"search one.test\nnameserver {SOURCE}\noptions ndots:1\n")
    subprocess.run([*world.wrapper, "ip", "address", "add", "10.9.9.9/32", "dev", "lo"], check=True)
    with Dnslet("--default-resolver", "--address", "www.one.test=192.0.2.1", *flags, listen=listen,
                directory=tmp_path, wrapper=world.wrapper):
        said = world.run(conf.read_text(), busybox, "nslookup", "www.one.test")
    assert re.search(r"^Server:\s+127\.0\.0\.1$", said, re.MULTILINE), said
    assert re.search(r"^Address:\s+192\.0\.2\.1$", said, re.MULTILINE), said


# Killed at every step.

def kill_edit(kill_at, conf, number):
    return run_and_kill(kill_at, conf, number, "--resolv-conf", conf, "--default-resolver",
                        "--listen", f"{HOST}:53")


def usable(text):
    """The nameservers that a resolver finds in it"""
    return [line.split()[1] for line in text.splitlines() if line.startswith("nameserver")]


LONG = TEXT + "\n" + "".join(f"# line {i} of more than a page\n" for i in range(300))


@pytest.mark.parametrize("text", [TEXT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("edited", [False, True], ids=["untouched", "left by a kill"])
def test_killed_at_any_step_the_next_start_restores(dnslet, conf, kill_at, text, edited):
    states = set()
    for number in range(1, 100):
        conf.write_text(text)
        if edited:  # in the middle of its edit, with the copy behind the text
            assert any(kill_edit(kill_at, conf, n) and "it held" in conf.read_text()
                       for n in range(1, 60))  # musl has more system calls
        inode = identity(conf)
        was_killed = kill_edit(kill_at, conf, number)
        left = conf.read_text()
        states.add(left)
        assert identity(conf) == inode
        assert usable(left) in ([HOST], [SOURCE, OTHER], [SOURCE])
        if not was_killed:
            assert left == text
            break

        server = default_resolver(dnslet)
        assert conf.read_text().startswith(ENTRY)
        assert usable(conf.read_text()) == [HOST]
        server.stop()
        assert conf.read_text() == text, f"killed at call {number}"
    else:
        pytest.fail("it never came to its end")
    assert number > 20  # two edits, each of two writes, two syncs and a cut, and the reads
    assert len(states) >= 4


def test_what_another_program_writes_during_an_edit_stays(conf, kill_at):
    new = f"search new.test\nnameserver {OTHER}\n"
    conf.with_name("resolv.conf.new").write_text(new)
    stays, calls = 0, 0
    for calls in range(1, 100):
        conf.write_text(TEXT)
        assert not kill_edit(kill_at, conf, -calls)
        left = conf.read_text()
        assert left in (TEXT, new), f"at call {calls}"
        stays += left == new
        if left == TEXT and stays > 20:
            conf.write_text(TEXT)
            if not kill_edit(kill_at, conf, calls):
                break  # there are no more calls
    # Between the last look at the file and a write of ours there is a moment, at most three in
    # each of the two edits.
    assert stays >= calls - 1 - 6


def test_an_edit_is_on_the_disk_before_the_next_step(conf, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    trace = tmp_path / "trace"
    server = Dnslet("--default-resolver", listen=f"{HOST}:53", directory=conf.parent,
                    env={"ASAN_OPTIONS": "detect_leaks=0"},
                    wrapper=[shutil.which("strace"), "-D", "-f", "-o", str(trace), "-e",
                             "trace=pwrite64,fsync,ftruncate"])
    with server:
        pass
    calls = re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE)
    assert calls == ["pwrite64", "fsync", "pwrite64", "fsync", "ftruncate"] * 2
