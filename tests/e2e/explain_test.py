# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""--explain: what it says is what happens, and what the man page shows is what it says."""

import re
import subprocess

import pytest
from harness import REPOSITORY, command, from_records, only_rcode, run, silent, with_address

HOSTS = "# names of this network\n10.0.0.7 db.local\n10.0.0.8 *.apps.local\n10.0.0.9 db.local\n"
SEARCH = ("--enable-search", "--search-domains", "corp.example,lan.example")


def nxdomain(asked):
    return asked.nxdomain()


@pytest.fixture
def explain(tmp_path):
    """explain(words, *flags, to=…, code=…) → lines, times as "T ms" """
    def ask(words, *flags, to=(), code=0, resolv_conf=""):
        (tmp_path / "hosts").write_text(HOSTS)
        (tmp_path / "resolv.conf").write_text(resolv_conf)
        servers = ["--nameservers", ",".join(server.address for server in to)] if to else []
        result = run("--explain", *words.split(), *servers, "--hostsfile", tmp_path / "hosts",
                     "--resolv-conf", tmp_path / "resolv.conf", *flags)
        assert code is None or result.returncode == code, result
        assert "Z info " not in result.stdout + result.stderr
        text = result.stdout.replace(str(tmp_path), "/etc")
        for i, server in enumerate(to):
            text = text.replace(server.address, f"192.0.2.{i + 1}:53")
        return re.sub(r" *[\d.]+ ms", " T ms", text).splitlines()
    return ask


def test_an_entry_is_named_with_file_and_line(explain, upstream):
    source = upstream(with_address())
    assert explain("db.local", to=[source]) == [
        "question    db.local A",
        "--address   none given",
        "hosts       10.0.0.7 db.local (/etc/hosts, line 2)",
        "            10.0.0.9 db.local (/etc/hosts, line 4)",
        "answer      NOERROR, source=hosts, after T ms",
        "            db.local 10 A 10.0.0.7",
        "            db.local 10 A 10.0.0.9"]
    assert not source.questions


def test_a_wildcard_and_the_name_of_an_address(explain, upstream):
    to = [upstream(nxdomain)]
    assert "hosts       10.0.0.8 *.apps.local (/etc/hosts, line 3)" in explain("x.apps.local", to=to)
    lines = explain("10.0.0.7", to=to)
    assert lines[0] == "question    7.0.0.10.in-addr.arpa PTR"
    assert lines[2] == "hosts       10.0.0.7 db.local (/etc/hosts, line 2)"
    assert lines[-1] == "            7.0.0.10.in-addr.arpa 10 PTR db.local"
    lines = explain("2001:db8::1", to=to, code=1)
    assert lines[0].endswith(" 1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa PTR")


def test_an_entry_of_the_other_family_only_is_nodata(explain, upstream):
    lines = explain("db.local AAAA", to=[upstream(with_address())], code=1)
    assert lines[2:] == ["hosts       10.0.0.7 db.local (/etc/hosts, line 2)",
                         "            10.0.0.9 db.local (/etc/hosts, line 4)",
                         "answer      NOERROR without records (NODATA), source=hosts, after T ms"]


@pytest.mark.parametrize("words, flags, row, source", [
    ("web.test", ["--address", "*.test=10.1.1.1"], "--address   10.1.1.1 *.test", "address"),
    ("a.ads.test", ["--block", "x.test,ads.test"], "--block     covers it: ads.test", "block"),
    ("www.test AAAA", ["--filter", "aaaa"],
     "--filter    no records of this type are given out", "filter"),
    ("a.localhost", [], "special     localhost and names below it are this machine (RFC 6761)",
     "special"),
    ("a.onion", [], "special     invalid and onion exist nowhere in DNS (RFC 6761, RFC 7686)",
     "special"),
    ("www.test AXFR", [], "refused     zone transfers are a matter for the zone's own servers",
     "refused"),
    ("www.test", ["--no-rec"], "--no-rec    nothing is forwarded", "refused"),
])
def test_each_rung_says_what_it_did(explain, upstream, words, flags, row, source):
    server = upstream(with_address())
    code = 0 if source in ("address", "special") and "onion" not in words else 1
    lines = explain(words, *flags, to=[server], code=code)
    answer = next(i for i, line in enumerate(lines) if line.startswith("answer "))
    assert lines[answer - 1] == row and f"source={source}," in lines[answer]
    assert not server.questions


def test_what_is_not_here_is_asked_for(explain, upstream):
    source = upstream(from_records("www.test. 300 IN CNAME web.test.", "web.test. 30 IN A 192.0.2.9"))
    assert explain("www.test", "--rcache", "100", to=[source]) == [
        "question    www.test A",
        "--address   none given",
        "hosts       no entry for it (files: 1)",
        "--block     none given",
        "special     an ordinary name",
        "--filter    off",
        "cache       empty, as this process has just begun",
        "search      off: the name is asked for as it stands",
        "servers     --nameservers, for www.test",
        " T ms asks 192.0.2.1:53",
        " T ms 192.0.2.1:53 says NOERROR",
        "answer      NOERROR, source=upstream, after T ms",
        "            www.test 300 CNAME web.test",
        "            web.test 30 A 192.0.2.9",
        "kept        30 s by a dnslet that runs"]
    assert [asked.name for asked in source.questions] == ["www.test."]


def test_other_types_are_shown_in_the_generic_form(explain, upstream):
    source = upstream(from_records("www.test. 300 IN TYPE65280 \\# 3 0a0b0c"))
    lines = explain("www.test type65280", to=[source])
    assert lines[0] == "question    www.test TYPE65280"
    assert lines[2] == "hosts       holds A, AAAA and PTR records only (files: 1)"
    assert lines[-1] == "            www.test 300 TYPE65280 \\# 3 0a0b0c"


def test_the_servers_are_told_one_after_the_other(explain, upstream):
    dead = "127.0.0.2:1"
    mute, useless, good = upstream(silent), upstream(only_rcode("REFUSED")), upstream(with_address())
    lines = explain("www.test", "--upstream-retry", "200", "--nameservers",
                    ",".join([mute.address, dead, useless.address, good.address]))
    text = "\n".join(lines)
    for address, name in ((mute.address, "mute"), (dead, "dead"),
                          (useless.address, "useless"), (good.address, "good")):
        text = text.replace(address, name)
    assert [line[6:] for line in text.splitlines() if line.startswith(" T ms ")] == [
        "asks mute", "mute is silent", "asks dead", "dead can't be reached", "asks useless",
        "useless says REFUSED", "asks good", "good says NOERROR"]


def test_a_server_without_edns_and_one_that_lies(explain, upstream):
    def old(asked):
        if asked.message.edns >= 0:
            return asked.answer(rcode="FORMERR", edns=False)
        return asked.answer(f"{asked.name} 60 IN A 192.0.2.1", edns=False)
    lines = explain("www.test", to=[upstream(old)])
    assert [line[6:] for line in lines if line.startswith(" T ms ")] == [
        "asks 192.0.2.1:53", "192.0.2.1:53 says FORMERR",
        "asks 192.0.2.1:53 without EDNS, which it does not know", "192.0.2.1:53 says NOERROR"]


def test_a_failure_and_its_reason(explain, upstream):
    source = upstream(lambda asked: asked.answer(rcode="SERVFAIL", ede=(22, "no \x1b[31m authority")))
    assert explain("www.test", to=[source], code=1)[-3:] == [
        "answer      SERVFAIL, source=upstream, after T ms",
        "reason      extended error 22 'no \\x1b[31m authority'",
        "kept        1 s, as a failure"]
    lines = explain("www.test", to=[upstream(silent)], code=1, *["--upstream-timeout", "300"])
    assert lines[-1] == "answer      SERVFAIL, source=error, after T ms"


def test_every_name_of_a_search_has_its_result(explain, upstream):
    near, far = upstream(nxdomain), upstream(from_records("web. 60 IN TXT hello"))
    lines = explain("web", *SEARCH, "--stubzones", f"example,corp.example/{near.address}", to=[far],
                    code=1)
    text = "\n".join(lines).replace(near.address, "near")
    assert text.splitlines()[7:] == [
        "search      tries web.corp.example, web.lan.example, web (ndots 1)",
        "servers     stub zone corp.example (the closest), for web.corp.example",
        " T ms asks near",
        " T ms near says NXDOMAIN",
        "result      web.corp.example: NXDOMAIN (no such name)",
        "servers     stub zone example (the closest), for web.lan.example",
        " T ms asks near",
        " T ms near says NXDOMAIN",
        "result      web.lan.example: NXDOMAIN (no such name)",
        "servers     --nameservers, for web",
        " T ms asks 192.0.2.1:53",
        " T ms 192.0.2.1:53 says NOERROR",
        "result      web: NODATA (the name exists)",
        "answer      NOERROR without records (NODATA), source=upstream, after T ms"]


def test_a_name_of_a_search_may_be_here(explain, upstream):
    lines = explain("db", "--enable-search", "--search-domains", "corp.example,local",
                    to=[upstream(nxdomain)])
    assert lines[-7:] == [
        "hosts       10.0.0.7 db.local (/etc/hosts, line 2)",
        "            10.0.0.9 db.local (/etc/hosts, line 4)",
        "result      db.local: has records, which ends the search",
        "answer      NOERROR, source=hosts, after T ms",
        "            db 10 CNAME db.local",
        "            db.local 10 A 10.0.0.7",
        "            db.local 10 A 10.0.0.9"]


def test_a_name_that_may_not_be_asked_for(explain, upstream):
    source = upstream(with_address())
    lines = explain("web", "--fwd-ndots", "1", to=[source], code=1)
    assert lines[-2:] == [
        "search      nothing to ask for: the name has fewer dots than --fwd-ndots 1",
        "answer      NXDOMAIN, source=special, after T ms"]
    assert not source.questions


def test_no_such_name_and_the_other_family(explain, upstream):
    source = upstream(nxdomain)
    note = "note        NODATA for clients that ask for A too, if the name has such records"
    assert explain("www.test AAAA", to=[source], code=1)[-1] == note
    assert note not in explain("www.test AAAA", "--no-family-fix", to=[source], code=1)


def test_servers_of_resolv_conf(explain):
    # Whether anybody answers there is not known.
    lines = explain("www.test", "--listen", "127.0.0.1:1053", "--upstream-timeout", "100", code=None,
                    resolv_conf="nameserver 127.0.0.1\n")
    assert "servers     /etc/resolv.conf, for www.test" in lines


def test_it_changes_nothing_and_needs_no_port(explain, dnslet, upstream):
    source = upstream(with_address())
    server = dnslet(to=[source])
    address = f"{server.address[0]}:{server.port}"
    lines = explain("www.test", "--listen", address, "--metrics", address, to=[source])
    assert lines[-1] == "            www.test 300 A 192.0.2.1"


@pytest.mark.parametrize("words, complaint", [
    (["--explain"], "'--nameservers=192.0.2.1' is not a name"),
    (["--explain", "a..b"], "'a..b' is not a name"),
    (["--explain", "www.test", "WRONG"], "'WRONG' is not a type"),
    (["--explain", "www.test", "TYPE65536"], "'TYPE65536' is not a type"),
    (["--explain", "www.test", "A", "B"], "unexpected argument 'B'"),
    (["--explain", ""], "'' is empty"),
    (["--explain=www.test", "--rcache", "100", "AAAA"], "unexpected argument 'AAAA'"),
])
def test_what_can_not_be_asked_is_one_sentence(words, complaint):
    result = run(*words, "--nameservers=192.0.2.1")
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.count("\n") == 1 and complaint in result.stderr


def test_every_way_to_write_it(explain, upstream):
    source = upstream(with_address())
    usual = explain("www.test A", to=[source])
    for words in (["--explain=www.test", "a"], ["-explain", "www.test"], ["--explain", "www.test A"]):
        result = run(*words, "--nameservers", source.address)
        assert result.returncode == 0 and result.stdout.splitlines()[0] == usual[0]


def test_the_man_page_shows_what_it_says(explain, upstream):
    page = (REPOSITORY / "man" / "dnslet.8").read_text()
    section = page.split("\n.Sh EXPLAINING AN ANSWER")[1].split("\n.Sh")[0]
    shown = [block.split("\n.Ed")[0].strip("\n") for block in section.split("-compact\n")[1:]]
    assert len(shown) == 5
    answers = from_records("www.example. 300 IN A 192.0.2.80", "web.lan.example. 60 IN A 192.0.2.81")
    for block in shown:
        block = block.replace("\\&", "").replace("\\-", "-").replace("\\e", "\\")
        prompt, *rest = block.splitlines()
        words, _, flags = prompt.removeprefix("$ dnslet --explain ").partition(" --")
        flags = f"--{flags}".split() if flags else []
        said = explain(words, *flags, to=[upstream(answers)],
                       code=0 if any("NOERROR, " in line for line in rest) else 1)
        assert [re.sub(r" *[\d.]+ ms", " T ms", line) for line in rest] == said


def test_it_ends_when_nobody_reads(upstream, tmp_path):
    source = upstream(with_address())
    shell = f'"$0" --explain www.test --nameservers {source.address} | head -1'
    program = command()
    result = subprocess.run(["sh", "-c", shell, *program], capture_output=True, timeout=10, check=True)
    assert result.stdout == b"question    www.test A\n" and result.stderr == b""
