# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 11: --blocklist and --allowlist."""

import os
import signal
import time

import dns.flags
import pytest
from fake_upstream import from_records
from harness import SCALE, run, wait_until

NOERROR, NXDOMAIN = 0, 3
POLLED = ["--hostsfile-poll", 1]
NAMES = ["ads.test", "x.ads.test", "host.test", "x.host.test", "below.test", "x.below.test", "mytrack.org",
         "ok.ads.test", "hard.test", "plain.test"]


@pytest.fixture
def source(upstream):
    return upstream(from_records(*(f"{name}. 60 IN A 192.0.2.1" for name in NAMES)))


@pytest.fixture(params=["poll", "sighup"])
def start(request, dnslet, source):
    """(a starter of servers that look again in that way, what makes them look)"""
    def starter(*flags, **how):
        return dnslet(*(POLLED if request.param == "poll" else []), *flags, to=[source], **how)

    def nudge(server):
        if request.param == "sighup":
            server.send_signal(signal.SIGHUP)
    return starter, nudge


def write(path, *lines):
    path.write_text("".join(line + "\n" for line in lines))
    return path


def is_blocked(server, name, rdtype="A"):
    return server.query(name, rdtype).rcode() == NXDOMAIN


def until_blocked(server, name, blocked=True):
    wait_until(lambda: is_blocked(server, name) == blocked, f"{name}: {blocked}", 4 * SCALE)


def blocked(server, names=tuple(NAMES)):
    return [name for name in names if is_blocked(server, name)]


def test_all_forms_of_lines_mixed_in_one_file(dnslet, source, tmp_path):
    path = tmp_path / "list"
    path.write_bytes(b"\xef\xbb\xbf! title\r\n||ads.test^\r\n0.0.0.0 localhost HOST.test. # why\r\n"
                     b"local=/*.below.test/\r\nkeyword:track\r\n@@||ok.ads.test^\r\n"
                     b"||hard.test^$important\r\n@@||hard.test^\r\n||plain.test^$third-party\r\n")
    server = dnslet("--blocklist", path, to=[source])
    assert blocked(server) == ["ads.test", "x.ads.test", "host.test", "x.below.test", "mytrack.org", "hard.test"]
    assert is_blocked(server, "ads.test", "TXT"), "every type"
    assert not is_blocked(server, "localhost")
    assert {asked.name for asked in source.questions} == {
        "x.host.test.", "below.test.", "ok.ads.test.", "plain.test."}


def test_a_blocked_answer_is_authoritative_and_logged(dnslet, source, tmp_path):
    server = dnslet("--verbose", "--blocklist", write(tmp_path / "list", "ads.test"), to=[source])
    answer = server.query("ads.test")
    assert answer.rcode() == NXDOMAIN and dns.flags.to_text(answer.flags) == "QR AA RD RA"
    server.wait_log(r"name=ads\.test.* source=block")


def test_a_name_of_ours_is_not_blocked_and_has_nothing_of_other_types(dnslet, source, tmp_path):
    server = dnslet("--blocklist", write(tmp_path / "list", "ads.test"), "--address", "x.ads.test=10.0.0.1",
                    to=[source])
    assert server.query("x.ads.test").answer[0][0].to_text() == "10.0.0.1"
    answer = server.query("x.ads.test", "TXT")
    assert answer.rcode() == NOERROR and not answer.answer
    assert is_blocked(server, "y.ads.test")


def test_an_allowlist_spares_names_whatever_is_important(dnslet, source, tmp_path):
    server = dnslet("--blocklist", write(tmp_path / "list", "||ads.test^$important", "hard.test"),
                    "--allowlist", write(tmp_path / "allowed", "ok.ads.test"), to=[source])
    assert blocked(server) == ["ads.test", "x.ads.test", "hard.test"]


def test_files_add_up_by_flags_commas_directories_and_the_variable(dnslet, source, tmp_path):
    folder = tmp_path / "lists"
    folder.mkdir()
    write(folder / "one", "ads.test")
    write(folder / ".skipped", "plain.test")
    two, three = write(tmp_path / "two", "host.test"), write(tmp_path / "three", "hard.test")
    server = dnslet("--blocklist", f"{folder},{two}", "--blocklist", three, to=[source])
    expected = ["ads.test", "x.ads.test", "host.test", "x.host.test", "ok.ads.test", "hard.test"]
    assert blocked(server) == expected
    server = dnslet(to=[source], env={"DNSMASQ_BLOCKLIST": f"{folder},{two},{three}",
                                      "DNSMASQ_ALLOWLIST": str(folder)})
    assert blocked(server) == ["host.test", "x.host.test", "hard.test"]


def test_block_is_repeatable_beside_lists(dnslet, source, tmp_path):
    server = dnslet("--block", "host.test", "--block", "hard.test", "--blocklist",
                    write(tmp_path / "list", "ads.test"), "--allowlist", write(tmp_path / "ok", "host.test"),
                    to=[source])
    assert blocked(server, ["ads.test", "host.test", "hard.test", "plain.test"]) == [
        "ads.test", "host.test", "hard.test"], "an allowlist is about lists"


def test_included_files_give_the_lines_that_have_the_attributes(dnslet, source, tmp_path):
    write(tmp_path / "list", "include:other @ads @-cn", "full:hard.test @cn")
    write(tmp_path / "other", "ads.test @ads", "host.test @ads @cn", "plain.test", "include:list")
    server = dnslet("--blocklist", tmp_path / "list", to=[source])
    assert blocked(server) == ["ads.test", "x.ads.test", "ok.ads.test", "hard.test"]
    assert server.query("plain.test").rcode() == NOERROR


def test_a_changed_list_is_read_again(start, tmp_path):
    starter, nudge = start
    path = write(tmp_path / "list", "ads.test")
    server = starter("--rcache", 100, "--blocklist", path)
    assert blocked(server, ["ads.test", "plain.test"]) == ["ads.test"]
    write(path, "plain.test", "# more")
    nudge(server)
    until_blocked(server, "plain.test")
    assert not is_blocked(server, "ads.test"), "what was taken out is gone"


def test_a_vanished_list_keeps_its_names_with_a_warning_while_others_follow(start, tmp_path):
    starter, nudge = start
    one, two = write(tmp_path / "one", "ads.test"), write(tmp_path / "two", "host.test")
    server = starter("--blocklist", one, "--blocklist", two)
    one.unlink()
    write(two, "hard.test", "# more")
    nudge(server)
    until_blocked(server, "hard.test")
    server.wait_log(rf" warn.*cannot read '{one}': no such file or directory; its names stay")
    assert blocked(server, ["ads.test", "host.test"]) == ["ads.test"]
    nudge(server)
    write(two, "hard.test", "plain.test", "# more")
    nudge(server)
    until_blocked(server, "plain.test")
    assert is_blocked(server, "ads.test"), "also when it has been gone for longer"
    write(one, "host.test")
    nudge(server)
    until_blocked(server, "host.test")
    assert not is_blocked(server, "ads.test")


def test_a_file_that_leaves_its_directory_takes_its_names_along(start, tmp_path):
    starter, nudge = start
    folder = tmp_path / "lists"
    folder.mkdir()
    write(folder / "one", "ads.test")
    two = write(folder / "two", "host.test")
    server = starter("--blocklist", folder)
    assert is_blocked(server, "host.test")
    two.unlink()
    write(folder / "three", "hard.test")
    nudge(server)
    until_blocked(server, "hard.test")
    assert blocked(server, ["ads.test", "host.test"]) == ["ads.test"]


def test_a_list_that_can_be_read_no_more_changes_nothing(start, tmp_path):
    starter, nudge = start
    path = write(tmp_path / "list", "ads.test")
    server = starter("--blocklist", path)
    (tmp_path / "link").symlink_to("/proc/self/mem")  # can be opened, not read
    os.rename(tmp_path / "link", path)
    nudge(server)
    server.wait_log(rf" warn.*{path}.*stay")
    assert is_blocked(server, "ads.test")


@pytest.mark.parametrize("flag", ["--blocklist", "--allowlist"])
def test_a_list_that_is_missing_at_the_start_is_bad_usage(tmp_path, flag):
    result = run(flag, tmp_path / "missing", "--listen", "127.0.0.1:0", "--nameservers", "192.0.2.1")
    assert result.returncode == 2
    assert result.stderr.endswith(f"{flag} (DNSMASQ_{flag[2:].upper()}): cannot read '{tmp_path}/missing': no such file or directory\n")
    assert len(result.stderr.splitlines()) == (2 if flag == "--allowlist" else 1), "no effect alone: a warning"


def test_a_file_that_is_included_and_missing_is_bad_usage_too(tmp_path):
    path = write(tmp_path / "list", "# title", "include:missing")
    result = run("--blocklist", path, "--listen", "127.0.0.1:0", "--nameservers", "192.0.2.1")
    assert result.returncode == 2
    assert result.stderr.endswith(f"cannot read '{tmp_path}/missing': no such file or directory, "
                                  f"which '{path}', line 2 includes\n")


def test_lines_that_are_skipped_are_told_once_a_file(dnslet, source, tmp_path):
    path = write(tmp_path / "list", "ads.test", "two words", "*", "regexp:^a{9", "a.test/path", "x" * 70000)
    server = dnslet("--blocklist", path, to=[source])
    assert len(server.log(r" warn.*can't be read.* count=4 first=2")) == 1
    assert len(server.log(r" info.*left out.* count=1 first=5")) == 1
    server.wait_log(r" info lists read files=1 blocked=1 allowed=0")
    assert is_blocked(server, "ads.test")


def test_names_of_a_search_are_blocked_too(dnslet, upstream, tmp_path):
    source = upstream(from_records("db.two.test. 60 IN A 192.0.2.1"))
    server = dnslet("--enable-search", "--search-domains", "one.test,two.test", "--blocklist",
                    write(tmp_path / "list", "one.test"), to=[source])
    assert server.query("db").rcode() == NOERROR
    assert [asked.name for asked in source.questions] == ["db.two.test."]


def test_a_poll_of_lists_alone_is_no_mistake(source, tmp_path):
    path = write(tmp_path / "list", "ads.test")
    result = run("--explain", "ads.test", "--blocklist", path, *POLLED, "--nameservers", source.address)
    assert "no effect" not in result.stderr


def explain(name, *flags):
    return run("--explain", name, "--nameservers", "192.0.2.1", "--upstream-timeout", "100", *flags).stdout


def test_explain_names_the_file_and_the_line(tmp_path):
    one = write(tmp_path / "one", "# title", "host.test", "@@||x.ads.test^")
    two = write(tmp_path / "two", "  ||ads.test^  ")
    flags = ["--blocklist", f"{one},{two}"]
    assert f"--block     a list takes it: ||ads.test^ ({two}, line 1)\n" in explain("www.ads.test", *flags)
    assert f"--block     a list takes it: host.test ({one}, line 2)\n" in explain("host.test", *flags)
    assert "source=block" in explain("host.test", *flags)
    spared = explain("x.ads.test", *flags)
    assert (f"--block     a list takes it: ||ads.test^ ({two}, line 1)\n"
            f"            but it is spared: @@||x.ads.test^ ({one}, line 3)\n") in spared
    assert "--block     does not cover it, nor does a list\n" in explain("other.test", *flags)


def test_explain_names_the_line_of_an_expression(tmp_path):
    path = write(tmp_path / "list", "ads.test", r"regexp:^AD[0-9]+\.", "keyword:track")
    assert f"a list takes it: regexp:^AD[0-9]+\\. ({path}, line 2)\n" in explain("ad12.test", "--blocklist", path)


def test_a_name_that_an_expression_fits_is_blocked(dnslet, upstream, tmp_path):
    source = upstream(from_records("xtracker1.test. 60 IN A 192.0.2.1", "track.ok.test. 60 IN A 192.0.2.1"))
    path = write(tmp_path / "list", r"regexp:(^|\.)track(er)?[0-9]*\.", "@@||ok.test^")
    server = dnslet("--blocklist", path, to=[source])
    assert is_blocked(server, "x.Tracker1.test")
    assert not is_blocked(server, "xtracker1.test")
    assert not is_blocked(server, "track.ok.test")


def test_explain_names_the_line_that_decides(tmp_path):
    path = write(tmp_path / "list", "||a.test^", "@@||a.test^", "||a.test^$important", "||b.test^$important",
                 "@@||b.test^$important", "c.test")
    ok = write(tmp_path / "ok", "# mine", "c.test")
    flags = ["--blocklist", path, "--allowlist", ok]
    assert f"a list takes it: ||a.test^$important ({path}, line 3)\n" in explain("a.test", *flags)
    assert f"but it is spared: @@||b.test^$important ({path}, line 5)\n" in explain("b.test", *flags)
    assert f"but it is spared: c.test ({ok}, line 2)\n" in explain("c.test", *flags)


def test_an_allowlist_of_exceptions_alone_is_warned_of(dnslet, source, tmp_path):
    server = dnslet("--blocklist", write(tmp_path / "list", "ads.test"), "--allowlist",
                    write(tmp_path / "ok", "@@||ads.test^"), to=[source])
    assert len(server.log(r" warn.*--allowlist \(DNSMASQ_ALLOWLIST\) holds exceptions")) == 1
    assert is_blocked(server, "ads.test")


def test_a_list_that_is_being_written_is_not_read_half_way(dnslet, source, tmp_path):
    path = write(tmp_path / "list", "ads.test")
    server = dnslet(*POLLED, "--blocklist", path, to=[source])
    with open(path, "w", encoding="ascii") as file:  # empty now
        for number in range(8):
            file.write(f"n{number}.test\n")
            file.flush()
            assert is_blocked(server, "ads.test")
            time.sleep(0.4)
        file.write("plain.test\n")
    until_blocked(server, "plain.test")
    assert not is_blocked(server, "ads.test")
    assert len(server.log(" info lists read")) == 2


@pytest.mark.parametrize("threads", [1, 3])
def test_every_worker_has_the_lists(dnslet, source, tmp_path, threads):
    path = write(tmp_path / "list", "ads.test")
    server = dnslet("--threads", threads, "--blocklist", path, to=[source])
    assert all(is_blocked(server, "ads.test", rdtype) for rdtype in ["A", "AAAA", "TXT"] * 5)
    write(path, "plain.test")
    server.send_signal(signal.SIGHUP)
    server.wait_log("reloaded")
    wait_until(lambda: all(is_blocked(server, "plain.test") for _ in range(10)), "new names everywhere", 4 * SCALE)
