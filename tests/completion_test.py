# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Completion in real shells: made from the table of options as it is, and right where somebody types."""

import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "completion"
DNSLET = os.environ.get("DNSLET", ROOT / "build" / "dnslet")
SHELLS = {"bash": "dnslet.bash", "zsh": "_dnslet", "fish": "dnslet.fish"}


def needs(shell):
    return pytest.mark.skipif(not shutil.which(shell), reason=f"{shell} is not installed")


# Of this file alone: one for all would be for the files beside it, too.
pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where somebody types"""
    for name in ("hosts.one", "hosts.two", "lists/ads"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)


def test_what_is_installed_is_made_from_the_table_as_it_is(tmp_path):
    subprocess.run([sys.executable, FOLDER / "generate.py", DNSLET, tmp_path], check=True, timeout=30)
    for name in SHELLS.values():
        assert (tmp_path / name).read_text() == (FOLDER / name).read_text(), "run `make completion`"


def test_every_flag_is_in_each_of_them():
    text = subprocess.run([DNSLET, "--help-all"], capture_output=True, text=True, check=True, timeout=10).stdout
    flags = re.findall(r"^ {2,6}(?:-\w, )?--([\w-]+)", text, re.M)
    assert len(flags) > 60
    for shell, name in SHELLS.items():
        text = (FOLDER / name).read_text()
        mark = "-l " if shell == "fish" else "--"
        for flag in flags:
            assert re.search(rf"{mark}{flag}\b", text), (shell, flag)


def bash(line):
    """What bash offers at the end of the line, as it breaks words itself"""
    script = f"""
      source {FOLDER / 'dnslet.bash'}
      COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
      COMP_LINE=$1 COMP_POINT=${{#1}}
      _dnslet
      printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    result = subprocess.run(["bash", "--norc", "-c", script, "bash", line], capture_output=True, text=True,
                            check=True, timeout=10)
    assert result.stderr == ""
    return sorted(result.stdout.split())


class Terminal:
    """A shell that believes to be used by somebody"""

    def __init__(self, words):
        self.text = ""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="dumb", INPUTRC="/dev/null", COLUMNS="1000")
            os.execvp(words[0], words)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)

    def type(self, keys, until):
        self.text = ""
        os.write(self.terminal, keys.encode())
        deadline = time.monotonic() + 30
        while until not in self.text and time.monotonic() < deadline:
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.text += os.read(self.terminal, 65536).decode(errors="replace")


def zsh(line):
    """What zsh lists at the end of the line: its completion runs where somebody types only"""
    setup = (f"fpath=({FOLDER} $fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=0; PS1='%% '; "
             "unset zle_bracketed_paste; unsetopt prompt_sp list_ambiguous auto_menu list_types; setopt list_rows_first; "
             "zstyle ':completion:*' verbose no; ended() { zle -I; echo 'E''ND' }; zle -N ended; bindkey '^I' list-choices; "
             "bindkey '^X' ended; echo 'RE''ADY'")
    with Terminal(["zsh", "-f", "-i"]) as terminal:
        terminal.type(setup + "\n", until="READY")
        terminal.type(line + "\t\x18", until="END")
    listed = [text for text in terminal.text.splitlines() if line.split()[0] not in text]
    return sorted(word for word in " ".join(listed).replace("\a", "").split() if word not in ("END", "%"))


def fish(line):
    result = subprocess.run(["fish", "--no-config", "-c", f"source {FOLDER / 'dnslet.fish'}; complete -C \"$argv[1]\"", line],
                            capture_output=True, text=True, check=True, timeout=20)
    assert result.stderr == ""
    return sorted(offer.split("\t")[0] for offer in result.stdout.splitlines())


CASES = [
    ("--log-le", ["--log-level"]),
    ("--log-level ", ["debug", "error", "info", "warning"]),
    ("--log-level w", ["warning"]),
    ("--filter a", ["a", "aaaa"]),
    ("--client-subnet c", ["client"]),
    ("--verbose --log-f", ["--log-format"]),
    ("--hostsfile hosts.", ["hosts.one", "hosts.two"]),
    ("-f hosts.t", ["hosts.two"]),
    ("--rcache ", []),
    ("--nameservers sys", ["system"]),
    ("-n dhcp:l", ["dhcp:lo"]),
]


@needs("bash")
@pytest.mark.parametrize("line,offers", CASES)
def test_bash(line, offers):
    if ":" in line:
        offers = [offer.partition(":")[2] for offer in offers]  # what is before the colon is a word of its own
    assert bash("dnslet " + line) == offers


@needs("bash")
@pytest.mark.parametrize("line,offers", [
    ("--log-level=", ["debug", "error", "info", "warning"]),
    ("--log-level=i", ["info"]),
    ("--verbose=", ["false", "true"]),
    ("--blocklist lists/ads,hosts.o", ["lists/ads,hosts.one"]),
    ("--list ads=hosts.o", ["hosts.one"]),
    ("--list ads=lists/ads,hosts.o", ["lists/ads,hosts.one"]),
    ("--rule @hosts.o", ["@hosts.one"]), ("--rule hosts.o", []),
    ("--user roo", ["root"]),
    ("--stubzones a.test/sys", ["a.test/system"]),
    ("--no-such x --syslo", ["--syslog"])])
def test_bash_within_a_word(line, offers):
    assert bash("dnslet " + line) == offers


@needs("bash")
def test_bash_completes_as_somebody_types():
    setup = f"source {FOLDER / 'dnslet.bash'}; dnslet() {{ printf '<%s>' \"$@\"; }}; echo 'RE''ADY'"
    with Terminal(["bash", "--norc", "--noprofile", "-i"]) as terminal:
        terminal.type(setup + "\n", until="READY")
        terminal.type("dnslet --log-le\tde\t -f hosts.o\t--verb\t; echo 'E''ND'\n", until="END")
    assert "<--log-level><debug><-f><hosts.one><--verbose>" in terminal.text


@needs("zsh")
@pytest.mark.parametrize("line,offers", CASES)
def test_zsh(line, offers):
    assert zsh("dnslet " + line) == offers


@needs("zsh")
@pytest.mark.parametrize("line,offers", [
    ("--log-level=w", ["warning"]), ("--blocklist lists/ads,hosts.o", ["hosts.one"]),
    ("--list ads=hosts.t", ["hosts.two"]), ("--rule @hosts.o", ["hosts.one"]), ("--flush --log-f", ["--log-format"])])
def test_zsh_within_a_word(line, offers):
    assert zsh("dnslet " + line) == offers


@needs("fish")
@pytest.mark.parametrize("line,offers", [
    ("--log-level=w", ["--log-level=warning"]), ("--blocklist lists/ads,hosts.o", ["lists/ads,hosts.one"]),
    ("--list ads=hosts.t", ["ads=hosts.two"]), ("--rule @hosts.o", ["@hosts.one"])])
def test_fish_within_a_word(line, offers):
    assert fish("dnslet " + line) == offers


@needs("fish")
@pytest.mark.parametrize("line,offers", CASES)
def test_fish(line, offers):
    assert fish("dnslet " + line) == offers
