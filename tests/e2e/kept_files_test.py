# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract sections 4 and 11: what can't be read again keeps what it said, and says so once."""

import shutil
import signal

import pytest
from harness import data, run, wait_until, with_address

NXDOMAIN = 3


@pytest.fixture
def reload(dnslet):
    """reload(server): reads everything again, and returns the warnings since the start"""
    def again(server):
        before = len(server.log("reloaded"))
        server.send_signal(signal.SIGHUP)
        wait_until(lambda: len(server.log("reloaded")) > before, "the reload")
        return server.log("Z warning ")
    return again


def is_blocked(server, name):
    return server.query(name).rcode() == NXDOMAIN


def test_a_file_that_becomes_a_directory(dnslet, upstream, reload, tmp_path):
    hosts, blocked, named = (tmp_path / name for name in ("own", "blocked", "named"))
    hosts.write_text("192.0.2.10 nas.test\n")
    blocked.write_text("ads.test\n")
    named.write_text("track.test\n")
    server = dnslet("--hostsfile", hosts, "--blocklist", blocked, "--list", f"track={named}", "--rule",
                    "list:track -> block", to=[upstream(with_address())])
    for path in (hosts, blocked, named):
        path.unlink()
        path.mkdir()
    for turn in (1, 2):
        warnings = reload(server)
        assert len(warnings) == 3 * turn and all("a directory now" in line for line in warnings), warnings
        assert data(server.query("nas.test")) == ["192.0.2.10"]
        assert is_blocked(server, "ads.test") and is_blocked(server, "track.test")


def test_a_directory_that_vanishes_is_one_line(dnslet, upstream, reload, tmp_path):
    folder = tmp_path / "lists"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number}.hosts").write_text(f"0.0.0.0 a{number}.test\n")
    server = dnslet("--blocklist", folder, "--hostsfile", folder, to=[upstream(with_address())])
    shutil.rmtree(folder)
    warnings = reload(server)
    assert len(warnings) == 2 and all("no such file or directory" in line for line in warnings), warnings
    assert data(server.query("a29.test")) == ["0.0.0.0"]


@pytest.mark.parametrize("end", ["removed", "moved", "replaced"])
@pytest.mark.parametrize("emptied", [False, True])
def test_a_list_that_vanishes_keeps_its_names(dnslet, upstream, reload, tmp_path, end, emptied):
    path = tmp_path / "list"
    path.write_text("ads.test\n")
    server = dnslet("--blocklist", path, to=[upstream(with_address())])
    if emptied:
        path.write_text("")
    if end == "moved":
        path.rename(tmp_path / "elsewhere")
    else:
        path.unlink()
    if end == "replaced":
        path.mkdir()
    for _ in range(2):
        assert reload(server)
        assert is_blocked(server, "ads.test")
    if end == "replaced":
        path.rmdir()
    path.write_text("other.test\n")
    reload(server)
    assert is_blocked(server, "other.test") and not is_blocked(server, "ads.test")


def test_more_files_than_may_be_open_leave_the_service_whole(dnslet, upstream, reload, tmp_path):
    folder = tmp_path / "lists"
    folder.mkdir()

    def fill(first, last):
        for number in range(first, last):
            (folder / f"{number}").write_text(f"a{number}.test\n")
    fill(0, 10)
    server = dnslet("--blocklist", folder, to=[upstream(with_address())], wrapper=["prlimit", "--nofile=200:200"])
    fill(10, 400)
    [warning] = [line for line in reload(server) if "fewer TCP clients" not in line]
    assert "is one file too many" in warning and "(ulimit -n)" in warning
    assert "all lists stay as they were" in warning
    assert server.descriptors() < 60
    assert is_blocked(server, "a9.test") and not is_blocked(server, "a10.test")
    assert data(server.query("other.test", tcp=True)) == ["192.0.2.1"]
    for number in range(20, 400):
        (folder / f"{number}").unlink()
    reload(server)
    assert is_blocked(server, "a19.test")


def test_a_file_in_several_lists_is_open_once(dnslet, upstream, reload, tmp_path):
    (tmp_path / "common").write_text("common.test\n")
    flags = []
    for number in range(60):
        (tmp_path / f"{number}").write_text(f"a{number}.test\ninclude:common\n")
        flags += ["--blocklist", tmp_path / f"{number}", "--list", f"l{number}={tmp_path}/{number}",
                  "--rule", f"list:l{number} -> block"]
    server = dnslet(*flags, to=[upstream(with_address())], wrapper=["prlimit", "--nofile=200:200"])
    assert server.descriptors() < 100
    (tmp_path / "59").write_text("new.test\n")
    assert not [line for line in reload(server) if "fewer TCP clients" not in line]
    assert is_blocked(server, "new.test") and is_blocked(server, "common.test")


def test_more_files_than_may_be_open_at_the_start_are_told(tmp_path):
    include = tmp_path / "list"
    include.write_text("".join(f"include:{number}\n" for number in range(300)))
    for number in range(300):
        (tmp_path / f"{number}").write_text(f"a{number}.test\n")
    done = run("--nameservers", "192.0.2.1", "--blocklist", include, wrapper=["prlimit", "--nofile=200:200"])
    assert done.returncode == 2
    assert "--blocklist" in done.stderr and "is one file too many" in done.stderr
