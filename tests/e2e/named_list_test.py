# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 11: --list, but for what rules make of it."""

import signal

import pytest
from harness import run

SERVE = ["--listen", "127.0.0.1:0", "--nameservers", "192.0.2.1"]


def write(path, *lines):
    path.write_text("".join(line + "\n" for line in lines))
    return path


def test_a_list_has_names_and_networks_of_files_and_directories(dnslet, tmp_path):
    folder = tmp_path / "lists"
    folder.mkdir()
    write(folder / "one", "ads.test", "10.0.0.0/8", "two words")
    write(folder / "two", "fd00::/8", "b.test @cn")
    at = write(tmp_path / "a@b", "c.test @cn", "d.test @cn @ads")
    server = dnslet("--list", f"Ads={folder}", "--list", f"ads={tmp_path}/a@@b@cn@-ads", "--no-rec")
    server.wait_log(r" info lists read files=3 blocked=0 allowed=0 named=3 networks=2")
    assert len(server.log(r" warn.*can't be read.*one count=1 first=3")) == 1
    write(at, "c.test @cn", "d.test @cn", "10.0.0.1", "11.0.0.1 @cn", "# more")
    server.send_signal(signal.SIGHUP)
    server.wait_log(r" info lists read files=3 blocked=0 allowed=0 named=4 networks=3")


def test_a_file_of_several_lists_is_told_of_once(dnslet, tmp_path):
    path = write(tmp_path / "sites", "a.test @cn", "b.test @ads", "two words")
    server = dnslet("--list", f"cn={path}@cn", "--list", f"ads={path}@ads", "--blocklist", path, "--no-rec")
    assert len(server.log(r" warn.*can't be read.* count=1 first=3")) == 1
    server.wait_log(r" info lists read .*blocked=2 allowed=0 named=2 networks=0")


def test_a_vanished_list_keeps_what_it_had(dnslet, tmp_path):
    one, two = write(tmp_path / "one", "ads.test", "10.0.0.0/8"), write(tmp_path / "two", "a.test")
    server = dnslet("--hostsfile-poll", 1, "--list", f"ads={one},{two}", "--no-rec")
    one.unlink()
    write(two, "a.test", "b.test")
    server.wait_log(rf" warn.*cannot read '{one}': no such file or directory; its names stay")
    server.wait_log(r" info lists read files=2 blocked=0 allowed=0 named=3 networks=1")


def test_a_list_alone_blocks_nothing_and_warns(tmp_path):
    path = write(tmp_path / "list", "ads.test")
    result = run("--explain", "ads.test", "--no-rec", "--list", f"ads={path}")
    assert "dnslet: warning: --list ads has no effect: no rule uses that list\n" in result.stderr
    assert "--block     none given\n" in result.stdout


@pytest.mark.parametrize("flags", (["--blocklist"], ["--list", "ads="]))
def test_a_path_with_a_comma_is_told_what_to_do(dnslet, tmp_path, flags):
    (folder := tmp_path / "lists").mkdir()
    write(folder / "a,b", "ads.test")
    *words, value = flags if len(flags) == 2 else [*flags, ""]
    result = run(*words, f"{value}{folder}/a,b", *SERVE)
    assert result.returncode == 2
    assert f"cannot read '{folder}/a': no such file" in result.stderr
    assert result.stderr.endswith("(paths end at commas: where one has a comma name its folder)\n")
    dnslet(*words, f"{value}{folder}", "--no-rec").wait_log(r" info lists read files=1 ")


@pytest.mark.parametrize("value, reason", [
    ("ads", "'ads' is not a name, '=' and a path, for example ads=/etc/dnslet/ads.list"),
    ("a.b=/x", "'a.b' is not the name of a list: letters, digits, '-' and '_', for example"),
    ("ads=/x@", "'/x@' is not a path and attributes"),
])
def test_bad_values_are_bad_usage(value, reason):
    for flags, environment, source in [(["--list", value], {}, "--list"), ([], {"DNSMASQ_LIST": value}, "DNSMASQ_LIST")]:
        result = run(*flags, *SERVE, env=environment)
        assert result.returncode == 2 and result.stderr.startswith(f"dnslet: {source}: {reason}")
        assert len(result.stderr.splitlines()) == 1


def test_a_list_that_is_missing_at_the_start_is_bad_usage(tmp_path):
    result = run("--list", f"Ads={tmp_path}/missing", *SERVE)
    assert result.returncode == 2
    assert result.stderr.endswith(
        f"--list (DNSMASQ_LIST): ads: cannot read '{tmp_path}/missing': no such file or directory\n")


def test_files_of_lists_are_among_the_open_files_that_it_needs(tmp_path):
    folder = tmp_path / "lists"
    folder.mkdir()
    for number in range(100):
        write(folder / f"{number}", f"n{number}.test")
    limit = ["/bin/sh", "-c", 'ulimit -n 64; exec "$@"', "sh"]
    result = run("--list", f"ads={folder}", *SERVE, wrapper=limit)
    assert result.returncode == 1
    assert "open files and may have 64; raise the limit (ulimit -n)" in result.stderr
    soft = ["/bin/sh", "-c", 'ulimit -S -n 64; exec "$@"', "sh"]
    result = run("--explain", "n99.test", "--no-rec", "--blocklist", folder, wrapper=soft)
    assert f"a list takes it: n99.test ({folder}/99, line 1)" in result.stdout
