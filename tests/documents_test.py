# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""The documents name only what there is: options, variables, files, headings, figures."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import xml.dom.minidom

import pytest
from docs_test import DNSLET, ROOT, SAMPLES, help_options, man_options

sys.path.append(str(ROOT / "tests" / "bench"))
import front_page  # noqa: E402  (its folder has no package)

# Of other programs and of former versions, so that they name what dnslet has not.
FOREIGN = {ROOT / "CHANGELOG.md", ROOT / "tests" / "bench" / "RESULTS.md", ROOT / "tests" / "bench" / "PEERS.md"}
DOCUMENTS = sorted({*ROOT.glob("*.md"), *ROOT.glob("doc/*.md"), *ROOT.glob(".github/**/*.md"), *FOREIGN})
OURS = [path for path in DOCUMENTS if path not in FOREIGN and not path.name.startswith("migrate-")]

# Flags of `docker build`, `docker run` and git that documents tell of.
OF_OTHERS = {"target", "name", "cap-add", "cap-drop", "network", "sysctl", "read-only", "tmpfs"}


def dnsmasq_program():
    return shutil.which("dnsmasq", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: str(path.relative_to(ROOT)))


def is_min():
    return subprocess.run([DNSLET, "--version"], capture_output=True, text=True, timeout=10,
                          check=True).stdout.startswith("dnslet-min")


def tried(words, **variables):
    """What dnslet says of these flags and variables; what the other variant has is left out"""
    variables = {"DNSMASQ_RESOLV_CONF": "/dev/null", "DNSMASQ_SERVERS": "192.0.2.1", **variables}
    result = subprocess.run([DNSLET, *words, "--print-config"], env=variables, capture_output=True, text=True,
                            timeout=10, check=False)
    if result.returncode == 2 and is_min() and "dnslet-min" in result.stderr:
        pytest.skip("the other variant has it")
    assert (result.returncode, result.stderr) == (0, ""), words
    return dict(re.findall(r"^([\w-]+) = .*  \((.*)\)$", result.stdout, re.M))


def anchors(path):
    """What headings are called in links, as on GitHub"""
    heads = re.findall(r"^#+ (.*)$", path.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", head).lower()).replace(" ", "-") for head in heads}


@each(OURS)
def test_a_document_names_only_what_exists(path):
    text = path.read_text()
    flags = set(re.findall(r"(?<![\w-])--([a-z][\w-]+)", text))
    assert flags - OF_OTHERS <= set(help_options())
    variables = set(re.findall(r"DNSMASQ_[A-Z_]*[A-Z]", text))
    assert variables <= {variable for _, variable, _ in man_options().values()}


@each(DOCUMENTS)
def test_links_lead_somewhere(path):
    text = re.sub(r"`[^`\n]*`", "", path.read_text())
    for link in re.findall(r"\]\(([^)]+)\)|(?:src|srcset|href)=\"([^\"]+)\"", text):
        file, _, heading = "".join(link).partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), file
        assert not heading or heading in anchors(target), heading


def examples():
    """(document, command) of each line of a block that starts dnslet; flags without a variable start none"""
    starting = {flag for flag, (_, variable, _) in man_options().items() if variable}
    for path in OURS:
        blocks = path.read_text().replace("\\\n", " ")
        for command, flag in re.findall(r"^(?:    )?(dnslet --([\w-]+).*?)(?: &)?$", blocks, re.M):
            if flag in starting:
                yield path.name, command


@pytest.mark.parametrize("document,command", examples())
def test_dnslet_takes_what_the_documents_have_it_do(document, command):
    assert document
    tried(shlex.split(command)[1:])


def settings():
    """(document, variables) of each block that sets some"""
    for path in OURS:
        for block in re.findall(r"^```sh\n(.*?)^```", path.read_text(), re.M | re.S):
            found = dict(re.findall(r"^(?:export )?(DNSMASQ_\w+)=\"?(.*?)\"?$", block, re.M))
            if found:
                yield path.name, found


@pytest.mark.parametrize("document,variables", settings())
def test_dnslet_takes_the_variables_of_the_documents(document, variables):
    assert document
    assert set(variables) <= set(tried([], **variables).values())


def table_of(name):
    """The rows of the table between the marks"""
    text = (ROOT / "doc" / name).read_text()
    lines = re.search(r"<!-- options -->\n(.*?)\n<!-- /options -->", text, re.S)[1].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


# The flags of go-dnsmasq 1.0.7, and its variables.
GO_DNSMASQ = {
    "--listen": "DNSMASQ_LISTEN", "--default-resolver": "DNSMASQ_DEFAULT", "--nameservers": "DNSMASQ_SERVERS",
    "--stubzones": "DNSMASQ_STUB", "--hostsfile": "DNSMASQ_HOSTSFILE", "--hostsfile-poll": "DNSMASQ_POLL",
    "--search-domains": "DNSMASQ_SEARCH_DOMAINS", "--append-search-domains": "DNSMASQ_APPEND",
    "--enable-search": "DNSMASQ_ENABLE_SEARCH", "--rcache": "DNSMASQ_RCACHE", "--rcache-ttl": "DNSMASQ_RCACHE_TTL",
    "--no-rec": "DNSMASQ_NOREC", "--fwd-ndots": "DNSMASQ_FWD_NDOTS", "--ndots": "DNSMASQ_NDOTS",
    "--round-robin": "DNSMASQ_RR", "--systemd": "DNSMASQ_SYSTEMD", "--verbose": "DNSMASQ_VERBOSE",
    "--syslog": "DNSMASQ_SYSLOG", "--multithreading": "DNSMASQ_MULTITHREADING"}
LETTERS = {"-l", "-d", "-n", "-z", "-f", "-p", "-s", "-a", "-search", "-r"}
WITHOUT_A_FLAG = {"DNSMASQ_SEARCH": "a.test", "GRAPHITE_SERVER": "192.0.2.7:2003", "GRAPHITE_PREFIX": "dns",
                  "STATHAT_USER": "key"}


def test_every_flag_and_variable_of_go_dnsmasq_is_in_the_table():
    rows = [(re.findall(r"`(-[^`]+)`", flags), variable.strip("`"))
            for flags, variable, *_ in table_of("migrate-go-dnsmasq.md")]
    assert {flags[0]: variable for flags, variable in rows if flags} == GO_DNSMASQ
    assert {letter for flags, _ in rows for letter in flags[1:]} == LETTERS
    assert {variable for flags, variable in rows if not flags} == set(WITHOUT_A_FLAG)


@pytest.mark.parametrize("flags,variable", [row[:2] for row in table_of("migrate-go-dnsmasq.md")])
def test_dnslet_takes_the_flags_and_variables_of_go_dnsmasq(flags, variable):
    variable = variable.strip("`")
    flags = re.findall(r"`(-[^`]+)`", flags)
    if not flags:
        assert variable in tried([], **{variable: WITHOUT_A_FLAG[variable]}).values()
        return
    name = {"append-search-domains": "enable-search"}.get(flags[0].strip("-"), flags[0].strip("-"))
    sample = SAMPLES[help_options()[name][1]]
    for flag in flags:
        origin = tried([flag] if sample == "true" else [flag, sample])[name]
        assert origin.strip("-") in (name, "search"), "by this flag"
    assert tried([], **{variable: sample})[name] == variable


@pytest.mark.parametrize("words", [row[1].strip("`") for row in table_of("migrate-dnsmasq.md")])
def test_dnslet_takes_what_stands_beside_an_option_of_dnsmasq(words):
    words = shlex.split(words)
    named = {word.removeprefix("--") for word in words if re.match("--[a-z]", word)}
    assert named <= set(help_options())
    origins = tried(words)
    assert all(origins[flag] == f"--{flag}" for flag in named if flag in origins)


@pytest.mark.skipif(not dnsmasq_program(), reason="no dnsmasq here to ask for its options")
def test_dnsmasq_has_the_options_of_the_document():
    text = subprocess.run([dnsmasq_program(), "--help"], capture_output=True, text=True, timeout=10,
                          check=True).stdout
    known = set(re.findall(r"--([\w-]+)", text))
    document = (ROOT / "doc" / "migrate-dnsmasq.md").read_text()
    rest = document[document.index("## So without an option"):]
    named = set(re.findall(r"`([a-z][\w-]*)(?:=[^`]*)?`", rest))
    named |= {re.match(r"`([\w-]+)", row[0])[1] for row in table_of("migrate-dnsmasq.md")}
    named -= {"resolv.conf", "dhcp-", "auth-"}
    assert named <= known


@each(sorted(ROOT.glob("doc/*.svg")))
def test_a_drawing_is_sound_small_and_readable_by_night(path):
    drawing = xml.dom.minidom.parse(str(path)).documentElement
    assert path.stat().st_size < 40_000
    for name in ("title", "desc"):
        [element] = drawing.getElementsByTagName(name)
        assert element.firstChild.data and element.getAttribute("id") in drawing.getAttribute("aria-labelledby")
    [style] = drawing.getElementsByTagName("style")
    assert "prefers-color-scheme: dark" in style.firstChild.data
    width = float(drawing.getAttribute("width"))
    for text in drawing.getElementsByTagName("text"):
        kinds = text.getAttribute("class").split()
        wide = len(text.firstChild.data) * (5.9 if kinds and "small" in kinds[0] else 7.2)
        begin = float(text.getAttribute("x")) - ("mid" in kinds) * wide / 2 - ("end" in kinds) * wide
        assert 8 < begin < begin + wide < width - 8, text.firstChild.data


def test_the_front_page_has_the_figures_of_the_benchmarks():
    """`tests/bench/front_page.py` prints what belongs there"""
    text = (ROOT / "README.md").read_text()
    found = re.search(r"<!-- peers -->\n(.*?)\n<!-- /peers -->", text, re.S)[1]
    assert found.splitlines() == list(front_page.front_page())


def test_the_words_of_the_front_page_are_those_of_its_figures():
    text = " ".join((ROOT / "README.md").read_text().split())
    words = re.search(r"takes (\S+) times the CPU of a bare echo, (\S+) times that of dnsmasq, and under a third of go-dnsmasq's", text)
    ours = front_page.read_table("RESULTS.md")["cached, UDP: CPU µs an answer"]
    assert words.groups() == tuple(f"{float(ours[column]):.1f}" for column in ("÷ echo", "÷ dnsmasq"))
    peers = front_page.read_table("PEERS.md")["cached, UDP: CPU µs an answer"]
    assert float(peers["dnslet"]) < float(peers["go-dnsmasq"]) / 3
    engine = (ROOT / "tests" / "bench" / "PEERS.md").read_text()
    asked, waited, long = re.search(r"^\| dnslet +\| +(\S+) \| +(\d+) \| (.*?) +\|$", engine, re.M).groups()
    assert f"{waited} questions of {asked} waited, {long}" in text
