# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 12: --cache-file, in which the cache survives a restart."""

import os
import shutil
import signal
import stat
import time

import pytest
from elf import is_static
from harness import SCALE, SLOW, command, data, run, ttls, wait_until, with_address
from programs import run_and_kill
from tls_server import FAKETIME

NXDOMAIN = 3
WARNING = r"warning .*--cache-file \(DNSMASQ_CACHE_FILE\): "


@pytest.fixture
def path(open_folder):
    return open_folder / "kept" / "cache"


@pytest.fixture
def start(dnslet, upstream, path):
    """start(*flags, handler=…) → (dnslet with a cache file, its upstream)"""
    path.parent.mkdir()

    def starter(*flags, handler=None, source=None, **how):
        source = source or upstream(handler or with_address(ttl=50))
        return dnslet("--rcache", 1000, "--rcache-ttl", 3600, "--rcache-neg-ttl", 3600,
                      "--cache-file", path, *flags, to=[source], **how), source
    return starter


def begin_again(start, server, source, *flags, **how):
    """Ends it and starts another one, which has read the file"""
    server.stop(limit=1)
    again, _ = start(*flags, source=source, **how)
    again.wait_log("cache file read")
    return again


def test_what_was_kept_is_there_after_a_restart(start, path):
    server, source = start()
    names = [f"n{i}.test" for i in range(300)]
    for name in names:
        assert data(server.query(name)) == ["192.0.2.1"]
    server.stop(limit=1)
    time.sleep(1.1)
    again, _ = start(source=source)
    assert "answers=300" in again.wait_log("cache file read")
    answers = [again.query(name) for name in names]
    assert {tuple(data(answer)) for answer in answers} == {("192.0.2.1",)}
    assert all(ttls(answer)[0] <= 49 for answer in answers)
    assert len(source.questions) == 300
    # Each restart counts the same life down.
    once_more = begin_again(start, again, source)
    assert ttls(once_more.query("n0.test"))[0] <= ttls(answers[0])[0]
    assert len(source.questions) == 300


def test_the_file_is_the_users_alone(start, path):
    umask = os.umask(0)
    try:
        server, _ = start()
        server.query("www.test")
        server.stop(limit=1)
    finally:
        os.umask(umask)
    status = path.stat()
    assert stat.S_IMODE(status.st_mode) == 0o600 and status.st_uid == os.geteuid()
    assert os.listdir(path.parent) == [path.name]


def test_a_variable_names_it_too(dnslet, upstream, path):
    path.parent.mkdir()
    source = upstream(with_address(ttl=50))
    env = {"DNSMASQ_CACHE_FILE": str(path), "DNSMASQ_RCACHE": "10"}
    server = dnslet(to=[source], env=env)
    server.query("www.test")
    server.stop(limit=1)
    again = dnslet(to=[source], env=env)
    again.wait_log("cache file read")
    again.query("www.test")
    assert len(source.questions) == 1


def test_it_needs_a_cache(dnslet, path):
    path.parent.mkdir()
    server = dnslet("--cache-file", path, "--no-rec")
    assert "--cache-file" in server.stderr() and "--rcache" in server.stderr()
    server.stop()
    assert not path.exists()
    assert run("--cache-file=").returncode == 2


def test_what_has_ended_is_left_out(start):
    server, source = start(handler=with_address(ttl=1))
    server.query("www.test")
    server.stop(limit=1)
    time.sleep(1.1)
    again, _ = start(source=source)
    time.sleep(0.3)
    again.query("www.test")
    assert len(source.questions) == 2 and not again.log("cache file read")


def test_no_kind_of_answer_becomes_another_one(start):
    address = with_address(ttl=50)
    server, source = start(
        handler=lambda query: query.nxdomain() if "gone" in query.name else address(query))
    variants = [{}, {"do": True}, {"cd": True}]
    for how in variants:
        server.query("www.test", **how)
    assert server.query("gone.test").rcode() == NXDOMAIN
    server.query("www.test", "TXT")
    count = len(source.questions)
    again = begin_again(start, server, source)
    for how in variants:
        again.query("www.test", **how)
    assert again.query("gone.test").rcode() == NXDOMAIN
    assert len(source.questions) == count
    again.query("www.test", do=True, cd=True)  # nobody has asked so before
    assert len(source.questions) == count + 1


def test_what_a_search_found_stays_so(start):
    flags = ["--enable-search", "--search-domains", "corp.test", "--ndots", "1"]
    server, source = start(*flags)
    assert data(server.query("www"))[-1] == "192.0.2.1"
    count = len(source.questions)
    again = begin_again(start, server, source, *flags)
    assert data(again.query("www"))[-1] == "192.0.2.1"
    assert len(source.questions) == count
    again.stop(limit=1)
    other, _ = start("--enable-search", "--search-domains", "other.test", source=source)
    other.wait_log("cache file is of other options")
    other.query("www")
    assert len(source.questions) > count


def test_clients_of_different_servers_stay_apart(start, upstream):
    inner = upstream(with_address("192.0.2.99", ttl=50))
    flags = ["--rule", f"from:127.0.0.2 -> ask {inner.address}"]
    server, source = start(*flags)
    assert data(server.query("www.test", bind="127.0.0.2")) == ["192.0.2.99"]
    assert data(server.query("www.test")) == ["192.0.2.1"]
    again = begin_again(start, server, source, *flags)
    assert data(again.query("www.test", bind="127.0.0.2")) == ["192.0.2.99"]
    assert data(again.query("www.test")) == ["192.0.2.1"]
    assert (len(source.questions), len(inner.questions)) == (1, 1)
    again.stop(limit=1)
    # The rules are others: nothing that they have decided holds.
    other, _ = start("--rule", f"from:127.0.0.3 -> ask {inner.address}", source=source)
    other.wait_log("cache file is of other options")
    assert data(other.query("www.test", bind="127.0.0.2")) == ["192.0.2.1"]
    assert len(source.questions) == 2


@pytest.mark.parametrize("flags", [["--stubzones", "test/{other}"], ["--filter", "AAAA"],
                                   ["--rebind-guard"], ["--no-family-fix"],
                                   ["--rule", "zone:test -> ask {other}"]])
def test_with_options_that_decide_otherwise_it_begins_empty(start, upstream, flags):
    other = upstream(with_address("192.0.2.99", ttl=50))
    server, source = start()
    server.query("www.test")
    server.stop(limit=1)
    again, _ = start(*(word.format(other=other.address) for word in flags), source=source)
    again.wait_log("cache file is of other options, left aside")
    again.query("www.test")
    assert len(source.questions) + len(other.questions) == 2


def test_options_of_other_kinds_make_no_difference(start):
    server, source = start()
    server.query("www.test")
    again = begin_again(start, server, source, "--verbose", "--max-inflight", 10, "--no-prefetch",
                        "--threads", 3, "--metrics", "127.0.0.1:0")
    again.query("www.test")
    assert again.wait_log("source=cache")
    assert len(source.questions) == 1


def test_a_lower_limit_counts_for_what_is_read(start):
    server, source = start()
    server.query("www.test")
    again = begin_again(start, server, source, "--rcache-ttl", "1")
    assert ttls(again.query("www.test"))[0] > 40
    wait_until(lambda: again.query("www.test") and len(source.questions) == 2, "the end", 3 * SCALE)


def test_more_than_fits_is_no_trouble(start, dnslet, path):
    server, source = start()
    for i in range(300):
        server.query(f"n{i}.test")
    server.stop(limit=1)
    small = dnslet("--rcache", 100, "--cache-file", path, "--rcache-ttl", 3600,
                   "--rcache-neg-ttl", 3600, to=[source])
    small.wait_log("cache file read")
    for i in range(200, 300):  # those used last
        small.query(f"n{i}.test")
    assert len(source.questions) == 300


def test_a_reload_empties_it(start):
    server, source = start()
    server.query("www.test")
    again = begin_again(start, server, source)
    again.send_signal(signal.SIGHUP)
    again.wait_log("reloaded, cache emptied")
    again.query("www.test")
    assert len(source.questions) == 2


# Files that are none.

def spoilt(whole):
    """Name and bytes of files that are not what dnslet has written"""
    yield "empty", b""
    yield "twice", whole + whole
    yield "with more", whole + b"\0"
    for size in range(1, len(whole), 7):
        yield f"cut at {size}", whole[:size]
    for place in range(17, len(whole), 11):
        yield f"changed at {place}", whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1:]


def test_a_broken_file_is_ignored_with_one_warning(start, path):
    server, source = start()
    server.query("www.test")
    server.stop(limit=1)
    whole = path.read_bytes()
    cases = list(spoilt(whole))
    for number, (what, content) in enumerate(cases):
        if number >= 5 and number % 5:
            continue
        path.write_bytes(content)
        count = len(source.questions)
        again, _ = start(source=source)
        again.wait_log(WARNING + "cannot read")
        assert data(again.query("www.test")) == ["192.0.2.1"], what
        assert len(source.questions) == count + 1, what
        again.stop(limit=1)
        assert len(again.log("warning")) == 1, what
        last, _ = start(source=source)  # it is whole again
        last.wait_log("cache file read")
        last.stop(limit=1)


@pytest.mark.parametrize("content", [b"127.0.0.1 localhost\n" * 40, b"x", bytes(100)])
def test_a_file_that_is_not_dnslets_stays(start, path, content):
    path.parent.mkdir(exist_ok=True)
    server, source = start()
    server.stop(limit=1)
    path.write_bytes(content)
    again, _ = start(source=source)
    again.wait_log(WARNING + "cannot read .*it is no file of dnslet's")
    again.query("www.test")
    again.stop(limit=1)
    assert path.read_bytes() == content
    assert again.log(WARNING + "cannot write .*remove it, or name another path")
    assert os.listdir(path.parent) == [path.name]


def test_a_link_is_followed_and_stays(start, path, open_folder):
    aim = open_folder / "aim"
    server, source = start()
    path.symlink_to(aim)
    server.query("www.test")
    again = begin_again(start, server, source)
    assert path.is_symlink() and aim.stat().st_size > 0
    again.query("www.test")
    assert len(source.questions) == 1


def test_names_that_are_ours_by_now_are_left_out(start, path, dnslet, open_folder):
    """What upstream says of them is not what dnslet makes of it"""
    hosts = open_folder / "hosts"
    hosts.write_text("")
    flags = ["--hostsfile", hosts]
    server, source = start(*flags, handler=lambda query: query.nxdomain())
    assert server.query("nas.test", "MX").rcode() == NXDOMAIN
    assert server.query("other.test", "MX").rcode() == NXDOMAIN
    hosts.write_text("192.0.2.7 nas.test\n")
    again = begin_again(start, server, source, *flags)
    assert again.query("nas.test", "MX").rcode() == 0
    assert again.query("other.test", "MX").rcode() == NXDOMAIN
    assert len(source.questions) == 3


def test_with_other_servers_in_resolv_conf_it_begins_empty(dnslet, upstream53, path):
    path.parent.mkdir()
    one, other = (upstream53(f"127.53.1.{i}", with_address(f"192.0.2.{i}", ttl=50)) for i in (1, 2))
    conf = path.with_name("resolv.conf")
    flags = ["--rcache", "10", "--cache-file", path]
    for source in (one, other):
        conf.write_text(f"nameserver {source.host}\n")
        server = dnslet(*flags, resolv_conf=conf)
        assert data(server.query("www.test")) == [f"192.0.2.{source.host[-1]}"]
        server.stop(limit=1)
    assert server.log("cache file is of other options")


def test_a_full_disk_does_not_stay_full(start, path):
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    server, _ = start(wrapper=[shutil.which("unshare"), "-m", "sh", "-c",
                               'mount -t tmpfs -o size=16k none "$0" && exec "$@"',
                               str(path.parent)])
    for i in range(300):
        server.query(f"n{i}.test")
    inside = f"/proc/{server.pid}/root{path.parent}"
    server.send_signal(signal.SIGSTOP)
    assert os.listdir(inside) == []
    server.send_signal(signal.SIGCONT)
    server.stop(limit=1)
    assert server.log(WARNING + "cannot write '.*': no space left")


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "link to itself", "unreadable"])
def test_what_is_no_file_holds_nobody_up(start, path, kind):
    if kind == "unreadable" and os.geteuid() == 0:
        pytest.skip("root may read everything")
    server, source = start()
    server.stop(limit=1)
    path.unlink()
    {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path),
     "device": lambda: path.symlink_to("/dev/zero"), "link to itself": lambda: path.symlink_to(path),
     "unreadable": lambda: path.touch(0o000)}[kind]()
    again, _ = start(source=source)
    again.wait_log(WARNING + "cannot read")
    assert data(again.query("www.test")) == ["192.0.2.1"]
    again.stop(limit=1)


def test_a_file_of_another_user_is_not_believed(start, path):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    server, source = start()
    server.query("www.test")
    server.stop(limit=1)
    os.chown(path, 12345, 12345)
    again, _ = start(source=source)
    again.wait_log(WARNING + ".*belongs to another user")
    again.query("www.test")
    assert len(source.questions) == 2


# Where it can't be written.

def test_a_folder_that_is_not_there_is_a_warning_at_the_start(dnslet, upstream, tmp_path):
    source = upstream(with_address())
    server = dnslet("--rcache", 10, "--cache-file", tmp_path / "none" / "cache", to=[source])
    server.wait_log(WARNING + "no file can be written in '.*none': no such file or directory")
    assert data(server.query("www.test")) == ["192.0.2.1"]
    server.stop(limit=1)


def test_the_user_of_user_writes_and_reads_it(start, path):
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    server, source = start("--user", "65534")
    server.wait_log(WARNING + "no file can be written in")
    server.query("www.test")
    server.stop(limit=1)
    server.log(WARNING + "cannot write")
    os.chown(path.parent, 65534, 65534)
    second, _ = start("--user", "65534", source=source)
    second.query("www.test")
    again = begin_again(start, second, source, "--user", "65534")
    again.query("www.test")
    assert len(source.questions) == 2 and path.stat().st_uid == 65534


def test_another_one_that_writes_at_the_same_time_is_left_alone(start, path):
    import fcntl
    server, _ = start()
    server.query("www.test")
    beside = path.with_name("cache.new")
    with open(beside, "wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        server.stop(limit=1)
        assert beside.read_bytes() == b"" and not path.exists()
    assert server.log(WARNING + "cannot write")


@pytest.mark.parametrize("kind", ["link", "another user's"])
def test_what_others_have_put_beside_it_is_not_written_to(start, path, tmp_path, kind):
    server, _ = start()
    server.query("www.test")
    beside, aim = path.with_name("cache.new"), tmp_path / "aim"
    aim.write_text("precious")
    if kind == "link":
        beside.symlink_to(aim)
    elif os.geteuid() == 0:
        beside.write_text("precious")
        os.chown(beside, 12345, 12345)
        aim = beside
    else:
        pytest.skip("only root can give a file away")
    server.stop(limit=1)
    assert aim.read_text() == "precious" and not path.exists()
    assert server.log(WARNING + "cannot write")


def test_a_full_disk_leaves_the_old_file(start, path, dnslet):
    server, source = start()
    server.query("www.test")
    server.stop(limit=1)
    before = path.read_bytes()
    again, _ = start(source=source, wrapper=[shutil.which("prlimit"), "--fsize=100"])
    again.query("other.test")
    again.stop(limit=1)
    assert again.log(WARNING + "cannot write '.*': file too large")
    assert path.read_bytes() == before
    last, _ = start(source=source)
    last.wait_log("cache file read")


def test_killed_at_any_step_the_old_file_or_the_new_one_is_there(start, path, kill_at):
    server, source = start()
    server.query("www.test")
    server.stop(limit=1)
    old = path.read_bytes()
    seen = set()
    flags = ["--rcache", 1000, "--rcache-ttl", 3600, "--rcache-neg-ttl", 3600, "--cache-file", path,
             "--nameservers", source.address]
    for number in range(1, 60):
        path.write_bytes(old)
        was_killed = run_and_kill(kill_at, path.with_name("cache.new"), number, *flags,
                                  when="cache file read")
        left = path.read_bytes()
        seen.add(left == old)
        again, _ = start(source=source)
        again.wait_log("cache file read")  # so it is whole
        again.stop(limit=1)
        assert not again.log("warning")
        if not was_killed:
            break
    else:
        pytest.fail("it never came to its end")
    assert number >= 9 and seen == {True, False}


def test_it_is_on_the_disk_before_it_takes_the_old_ones_place(start, path, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    trace = tmp_path / "trace"
    server, _ = start(env={"ASAN_OPTIONS": "detect_leaks=0"},
                      wrapper=[shutil.which("strace"), "-D", "-f", "-o", str(trace), "-e",
                               "trace=fsync,rename,renameat,renameat2"])
    server.query("www.test")
    server.stop(limit=5)
    calls = [line.split(maxsplit=1)[1].split("(")[0] for line in trace.read_text().splitlines()
             if "(" in line]
    assert [call.rstrip("at2") for call in calls] == ["fsync", "rename", "fsync"]


@pytest.mark.skipif(not FAKETIME or SLOW or is_static(command()[-1]),
                    reason="libfaketime goes into no static program, nor beside a sanitizer")
def test_it_is_written_every_ten_minutes(start, path):
    clock = {"LD_PRELOAD": str(FAKETIME[0]), "FAKETIME": "+0 x400", "FAKETIME_DONT_RESET": "1"}
    server, source = start(env=clock)
    wait_until(lambda: server.query("www.test") and path.exists(), "the file")
    server.kill()
    first = path.stat().st_ino
    again, _ = start(source=source, env=clock)
    wait_until(lambda: path.stat().st_ino != first, "another file")


# Addresses of --fake-ip.

FAKES = ["--fake-ip", "198.18.0.0/16,fd00:0:0:fa4e::/64", "--rule", "zone:test -> fake"]


def fakes_of(server, names):
    return [(data(server.query(name)), data(server.query(name, "AAAA"))) for name in names]


@pytest.mark.parametrize("threads", [1, 4])
def test_names_have_their_fake_addresses_again(dnslet, path, threads):
    path.parent.mkdir()
    flags = [*FAKES, "--no-rec", "--cache-file", path, "--threads", threads]
    server = dnslet(*flags)
    names = [f"n{i}.test" for i in range(1500)]
    before = fakes_of(server, names)
    assert len({address for both in before for [address] in both}) == 3000
    server.stop(limit=1)
    again = dnslet(*flags)
    assert fakes_of(again, reversed(names)) == before[::-1]
    assert data(again.query("10.0.18.198.in-addr.arpa", "PTR")) == ["n9.test."]
    assert fakes_of(again, ["new.test"])[0] not in before
    again.stop(limit=1)
    assert sorted(os.listdir(path.parent)) == [path.name, path.name + ".fake"]
    # Networks that begin elsewhere hold none of them; a smaller one holds some.
    more = dnslet("--fake-ip", "fd00:0:0:1::/64,198.18.0.0/16", *FAKES[2:], "--no-rec", "--cache-file",
                  path)  # one of them is where it was
    assert data(more.query("n9.test")) == before[9][0]
    more.stop(limit=1)
    other = dnslet("--fake-ip", "198.19.0.0/16", *FAKES[2:], "--no-rec", "--cache-file", path)
    assert data(other.query("n9.test")) == ["198.19.0.1"]


def test_a_smaller_network_holds_what_fits(dnslet, path):
    path.parent.mkdir()
    flags = [*FAKES[2:], "--no-rec", "--cache-file", path, "--fake-ip"]
    server = dnslet(*flags, "198.18.0.0/16")
    for i in range(20):
        server.query(f"n{i}.test")
    server.query("n0.test")  # used last
    server.stop(limit=1)
    small = dnslet(*flags, "198.18.0.0/28")
    assert data(small.query("n5.test")) == ["198.18.0.6"]
    assert data(small.query("n13.test")) == ["198.18.0.14"]
    # n1 is the one that was not used for longest, n14 was never there.
    assert data(small.query("n14.test")) == ["198.18.0.2"]
    assert data(small.query("n0.test")) == ["198.18.0.1"]


def test_a_broken_file_of_fake_addresses_is_ignored(dnslet, path):
    path.parent.mkdir()
    flags = [*FAKES, "--no-rec", "--cache-file", path]
    server = dnslet(*flags)
    server.query("www.test"), server.query("web.test")
    server.stop(limit=1)
    file = path.with_name(path.name + ".fake")
    whole = file.read_bytes()
    for content in (b"", whole[:-3], whole[:40] + b"x" + whole[41:], b"text"):
        file.write_bytes(content)
        again = dnslet(*flags)
        again.wait_log(WARNING + "cannot read .*; names get other addresses of --fake-ip")
        assert data(again.query("web.test")) == ["198.18.0.1"]
        again.stop(limit=1)
