# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""The real dig and kdig, as people use them."""

import re
import shutil
import subprocess

import pytest
from harness import PATIENCE, Dnslet, Nsd, run
from zone import QUESTIONS, ZONE, ZONE_TEXT, absolute

DIG = ["+noall", "+answer", "+authority", "+additional", "+comments", "+tries=1", "+nocookie",
       f"+time={PATIENCE}"]
KDIG = ["+retry=0", f"+time={PATIENCE}"]
MODES = {
    "udp": ["+notcp", "+noedns"], "tcp": ["+tcp", "+noedns"], "udp edns": ["+notcp", "+edns=0"],
    "tcp edns": ["+tcp", "+edns=0"], "udp do": ["+notcp", "+dnssec"], "tcp do": ["+tcp", "+dnssec"],
}


@pytest.fixture(scope="module")
def nsd(tmp_path_factory):
    with Nsd(tmp_path_factory.mktemp("nsd"), ZONE, ZONE_TEXT) as server:
        yield server


@pytest.fixture
def forwarder(nsd, tmp_path):
    (tmp_path / "hosts").write_text("192.0.2.10 nas.test\n192.0.2.11 *.db.local\n"
                                    "2001:db8::10 nas.test\n")
    with Dnslet("--rcache", 1000, "--nameservers", nsd.address, "--hostsfile", tmp_path / "hosts",
                directory=tmp_path) as server:
        yield server


def ask(program, port, *words):
    found = shutil.which(program)
    if not found:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([found, "@127.0.0.1", "-p", str(port), *words], text=True,
                          capture_output=True, timeout=PATIENCE * 20)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answers(program, port, options):
    """One run for all questions: [(status, sorted records, [TTLs])], one for each question"""
    words = []
    for name, rdtype in QUESTIONS:
        words += [absolute(name), rdtype, *options]
    result = []
    for part in re.split(r"(?=^;; ->>HEADER<<-)", ask(program, port, *words), flags=re.M)[1:]:
        status = re.search(r"status: (\w+)", part).group(1)
        lines = [line.split(None, 4) for line in part.splitlines()
                 if line and not line.startswith(";")]
        lines.sort(key=lambda line: [line[0].lower(), *line[2:]])
        result.append((status, [[line[0], *line[2:]] for line in lines],
                       [int(line[1]) for line in lines]))
    return result


def assert_same(got, expected, slack):
    assert len(got) == len(expected) == len(QUESTIONS)
    for asked, ours, theirs in zip(QUESTIONS, got, expected):
        assert ours[:2] == theirs[:2], asked
        for mine, original in zip(ours[2], theirs[2]):
            assert original - slack <= mine <= original, asked


@pytest.mark.parametrize("options", MODES.values(), ids=MODES)
def test_what_dig_gets_equals_what_it_gets_from_the_server_itself(nsd, forwarder, options):
    expected = answers("dig", nsd.port, [*DIG, *options])
    assert_same(answers("dig", forwarder.port, [*DIG, *options]), expected, 0)
    assert_same(answers("dig", forwarder.port, [*DIG, *options]), expected, 10)


@pytest.mark.parametrize("options", [[], ["+tcp"], ["+edns", "+bufsize=1232"],
                                     ["+tcp", "+dnssec"]], ids=["udp", "tcp", "edns", "tcp do"])
def test_what_kdig_gets_equals_what_it_gets_from_the_server_itself(nsd, forwarder, options):
    expected = answers("kdig", nsd.port, [*KDIG, *options])
    assert_same(answers("kdig", forwarder.port, [*KDIG, *options]), expected, 0)
    assert_same(answers("kdig", forwarder.port, [*KDIG, *options]), expected, 10)


@pytest.mark.parametrize("program", ["dig", "kdig"])
@pytest.mark.parametrize("words,expected", [
    (["nas.test"], "192.0.2.10"), (["nas.test", "AAAA"], "2001:db8::10"),
    (["x.y.db.local"], "192.0.2.11"), (["-x", "192.0.2.10"], "nas.test."),
    (["-x", "2001:db8::10"], "nas.test."), (["localhost"], "127.0.0.1"),
    (["localhost", "AAAA"], "::1"), (["foo.invalid"], ""),
    (["hostname.bind", "CH", "TXT"], '"localhost"')], ids=lambda value: " ".join(value))
def test_local_names(forwarder, program, words, expected):
    assert ask(program, forwarder.port, "+short", *words).strip() == expected


@pytest.mark.parametrize("program", ["dig", "kdig"])
def test_version_bind(forwarder, program):
    version = ask(program, forwarder.port, "+short", "version.bind", "CH", "TXT").strip().strip('"')
    assert version and version.split()[-1] in run("--version").stdout


def test_dig_with_its_defaults_finds_nothing_to_complain_about(forwarder):
    """dig sends a cookie by default, and complains about replies that are not in order."""
    text = ask("dig", forwarder.port, "nas.test")
    assert re.search(r"status: NOERROR.*\n;; flags: qr (aa )?rd ra;", text), text
    assert "WARNING" not in text and "Warning" not in text and "Got bad" not in text
