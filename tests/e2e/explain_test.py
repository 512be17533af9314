# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""--explain: what it says is what happens, and what the man page shows is what it says."""

import re
import subprocess

import pytest
from harness import REPOSITORY, command, from_records, only_rcode, run, silent, with_address

HOSTS = "# names of this network\n10.0.0.7 db.test\n10.0.0.8 *.apps.test\n10.0.0.9 db.test\n"
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
    assert explain("db.test", to=[source]) == [
        "question    db.test A",
        "--address   none given",
        "hosts       10.0.0.7 db.test (/etc/hosts, line 2)",
        "            10.0.0.9 db.test (/etc/hosts, line 4)",
        "answer      NOERROR, source=hosts, after T ms",
        "            db.test 10 A 10.0.0.7",
        "            db.test 10 A 10.0.0.9"]
    assert not source.questions


def test_a_wildcard_and_the_name_of_an_address(explain, upstream):
    to = [upstream(nxdomain)]
    assert "hosts       10.0.0.8 *.apps.test (/etc/hosts, line 3)" in explain("x.apps.test", to=to)
    lines = explain("10.0.0.7", to=to)
    assert lines[0] == "question    7.0.0.10.in-addr.arpa PTR"
    assert lines[2] == "hosts       10.0.0.7 db.test (/etc/hosts, line 2)"
    assert lines[-1] == "            7.0.0.10.in-addr.arpa 10 PTR db.test"
    lines = explain("2001:db8::1", to=to, code=1)
    assert lines[0].endswith(" 1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa PTR")


def test_an_entry_of_the_other_family_only_is_nodata(explain, upstream):
    lines = explain("db.test AAAA", to=[upstream(with_address())], code=1)
    assert lines[2:] == ["hosts       10.0.0.7 db.test (/etc/hosts, line 2)",
                         "            10.0.0.9 db.test (/etc/hosts, line 4)",
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


@pytest.mark.parametrize("answer, code, end", [
    (["www.test. 60 IN CNAME web.test."], 1, ", an alias without such records (NODATA)"),
    (["www.test. 0 IN A 192.0.2.1"], 0, ""),
])
def test_what_is_not_kept_and_what_leads_to_nothing(explain, upstream, answer, code, end):
    source = upstream(lambda asked: asked.answer(*answer))
    lines = explain("www.test", "--rcache", "100", to=[source], code=code)
    assert lines[-3] == f"answer      NOERROR{end}, source=upstream, after T ms"
    assert lines[-1] == "kept        not at all: a TTL of 0, or nothing that says how long"


def test_an_empty_directory_is_no_file_but_was_given(explain, upstream, tmp_path):
    (tmp_path / "empty").mkdir()
    result = run("--explain", "www.test", "--no-rec", "--hostsfile", tmp_path / "empty")
    assert "hosts       no entry for it (files: 0)\n" in result.stdout
    result = run("--explain", "www.test", "--no-rec")
    assert "hosts       no file given\n" in result.stdout


def test_of_many_entries_a_few_are_named(explain, upstream, tmp_path):
    (tmp_path / "many").write_text("".join(f"10.0.0.{i} many.test\n" for i in range(1, 13)))
    lines = explain("many.test", "--hostsfile", tmp_path / "many", to=[upstream(nxdomain)])
    assert lines[9] == "            10.0.0.8 many.test (/etc/many, line 8)"
    assert lines[10] == "            4 more"


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


@pytest.mark.parametrize("flags, handler, rows", [
    (["--rcache-stale", "90"], with_address(), ["stale       for 90 s more, where the servers fail (--rcache-stale)"]),
    (["--rcache-stale", "90", "--rcache-stale-first"], with_address(),
     ["stale       for 90 s more, at once, and the servers are asked behind (--rcache-stale-first)"]),
    (["--rcache-stale", "90", "--rcache-stale-first"], nxdomain,
     ["stale       for 90 s more, where the servers fail (--rcache-stale)"]),
    (["--rcache-stale", "90", "--rcache-stale-first"], with_address(ttl=0), []),
    ([], with_address(), [])])
def test_what_becomes_of_an_answer_that_has_ended(explain, upstream, flags, handler, rows):
    lines = explain("www.test", "--rcache", "100", *flags, to=[upstream(handler)],
                    code=1 if handler is nxdomain else 0)
    assert [line for line in lines if line.startswith("stale ")] == rows


def test_unknown_types_are_shown_in_the_generic_form(explain, upstream):
    source = upstream(from_records("www.test. 300 IN TYPE65280 \\# 3 0a0b0c"))
    lines = explain("www.test type65280", to=[source])
    assert lines[0] == "question    www.test TYPE65280"
    assert lines[2] == "hosts       holds A, AAAA and PTR records only (files: 1)"
    assert lines[-1] == "            www.test 300 TYPE65280 \\# 3 0A0B0C"


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


def test_a_server_without_edns(explain, upstream):
    def old(asked):
        if asked.message.edns >= 0:
            return asked.answer(rcode="FORMERR", edns=False)
        return asked.answer(f"{asked.name} 60 IN A 192.0.2.1", edns=False)
    lines = explain("www.test", to=[upstream(old)])
    assert [line[6:] for line in lines if line.startswith(" T ms ")] == [
        "asks 192.0.2.1:53", "192.0.2.1:53 says FORMERR",
        "asks 192.0.2.1:53 without EDNS", "192.0.2.1:53 says NOERROR"]


def test_an_answer_that_is_none(explain, upstream):
    def miscounted(asked):
        wire = bytearray(asked.answer(f"{asked.name} 60 IN A 192.0.2.1").to_wire())
        wire[7] = 5
        return bytes(wire)
    assert " T ms 192.0.2.1:53 sends what is no answer to this question" in explain(
        "www.test", to=[upstream(miscounted)], code=1)


def test_a_failure_and_its_reason(explain, upstream):
    source = upstream(lambda asked: asked.answer(rcode="SERVFAIL", ede=(22, "no \x1b[31m authority")))
    assert explain("www.test", to=[source], code=1)[-3:] == [
        "answer      SERVFAIL, source=upstream, after T ms",
        "reason      extended error 22 'no \\x1b[31m authority'",
        "kept        1 s, as a failure"]


def test_the_end_of_time(explain, upstream):
    mute = upstream(silent)
    assert explain("www.test", "--upstream-timeout", "300", to=[mute], code=1)[-3:] == [
        " T ms asks 192.0.2.1:53",
        " T ms time is up (--upstream-timeout 300)",
        "answer      SERVFAIL, source=error, after T ms"]
    lines = explain("www", *SEARCH, "--upstream-timeout", "300", to=[mute], code=1)
    assert lines[-3:-1] == [
        " T ms time is up (--upstream-timeout 300)",
        "result      www.corp.example: no server has answered, which ends the search"]


def test_the_time_of_a_long_hosts_file_is_nobodys(explain, upstream, tmp_path):
    (tmp_path / "long").write_text("".join(f"10.1.{i >> 8 & 255}.{i & 255} h{i}.long\n"
                                           for i in range(100_000)))
    lines = explain("www.test", "--hostsfile", tmp_path / "long", "--upstream-retry", "60",
                    "--upstream-timeout", "1000", to=[upstream(with_address())])
    assert not [line for line in lines if "silent" in line]


def test_of_a_long_list_the_first_names_are_told(explain, upstream):
    domains = ",".join(f"d{i}.test" for i in range(70))
    source = upstream(nxdomain)
    lines = explain("web", "--enable-search", "--search-domains", domains, to=[source], code=1)
    assert lines[7].endswith("web.d6.test, web.d7.test and 63 more (ndots 1)")
    assert len(source.questions) == 71


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
        "servers     --nameservers (in no stub zone), for web",
        " T ms asks 192.0.2.1:53",
        " T ms 192.0.2.1:53 says NOERROR",
        "result      web: NODATA (the name exists)",
        "note        the search ends here for clients that ask for AAAA too, if there is any",
        "answer      NOERROR without records (NODATA), source=upstream, after T ms"]


def test_a_name_of_a_search_may_be_here(explain, upstream):
    lines = explain("db", "--enable-search", "--search-domains", "corp.example,test",
                    to=[upstream(nxdomain)])
    assert lines[-7:] == [
        "hosts       10.0.0.7 db.test (/etc/hosts, line 2)",
        "            10.0.0.9 db.test (/etc/hosts, line 4)",
        "result      db.test: has records, which ends the search",
        "answer      NOERROR, source=hosts, after T ms",
        "            db 10 CNAME db.test",
        "            db.test 10 A 10.0.0.7",
        "            db.test 10 A 10.0.0.9"]


@pytest.mark.parametrize("words, flags, text", [
    ("web", ["--enable-search"], "the list is empty: the name is asked for as it stands"),
    ("web.test", ["--fwd-ndots", "1"], "off: the name is asked for as it stands"),
    ("web.test SOA", SEARCH, "not for such a name or type: it is asked for as it stands"),
    ("web", ["--enable-search", "--search-domains", "corp.example", "--fwd-ndots", "1"],
     "tries web.corp.example (ndots 1)"),
    ("a.corp.example", ["--enable-search", "--search-domains", "corp.example", "--fwd-ndots", "5"],
     "nothing to ask for: fewer dots than --fwd-ndots 5, and no domain to try"),
])
def test_a_search_says_why_it_is_none(explain, upstream, words, flags, text):
    assert f"search      {text}" in explain(words, *flags, to=[upstream(nxdomain)], code=1)


def test_both_families_of_a_search_come_from_one_name(explain, upstream):
    source = upstream(from_records("db.corp.example. 60 IN A 192.0.2.1",
                                   "db.lan.example. 60 IN AAAA 2001:db8::2"))
    note = "note        the search ends here for clients that ask for A too, if there is any"
    assert note in explain("db AAAA", *SEARCH, to=[source])
    assert note not in explain("db AAAA", *SEARCH, "--no-family-fix", to=[source])


def test_the_rungs_of_a_search_have_their_names(explain, upstream):
    lines = explain("ads", "--search", "--search-domains", "corp.example,lan.example", "--block",
                    "ads.corp.example", "--address", "ads.lan.example=10.0.0.1",
                    to=[upstream(nxdomain)])
    assert lines[8:13] == [
        "--block     covers it: ads.corp.example",
        "result      ads.corp.example: NXDOMAIN (no such name)",
        "--address   10.0.0.1 ads.lan.example",
        "result      ads.lan.example: has records, which ends the search",
        "answer      NOERROR, source=address, after T ms"]


def test_names_outside_stub_zones_and_clients_that_are_allowed(explain, upstream):
    source = upstream(with_address())
    lines = explain("www.test", "--stubzones", "corp.example/192.0.2.9", "--allow", "10.1.0.0/16",
                    to=[source])
    assert lines[1] == "--allow     asked as by 10.1.0.0; who is not allowed is refused"
    assert "servers     --nameservers (in no stub zone), for www.test" in lines


def test_a_name_that_may_not_be_asked_for(explain, upstream):
    source = upstream(with_address())
    lines = explain("web", "--fwd-ndots", "1", to=[source], code=1)
    assert lines[-2:] == [
        "search      nothing to ask for: fewer dots than --fwd-ndots 1",
        "answer      NXDOMAIN, source=special, after T ms"]
    assert not source.questions


def test_no_such_name_and_the_other_family(explain, upstream):
    source = upstream(nxdomain)
    note = "note        NODATA for clients that ask for A too, if there is any"
    assert explain("www.test AAAA", to=[source], code=1)[-1] == note
    assert note not in explain("www.test AAAA", "--no-family-fix", to=[source], code=1)


def test_servers_of_resolv_conf(explain):
    # Whether anybody answers there is not known.
    lines = explain("www.test", "--listen", "127.0.0.1:1053", "--upstream-timeout", "100", code=None,
                    resolv_conf="nameserver 127.0.0.1\n")
    assert "servers     /etc/resolv.conf, for www.test" in lines


def test_it_changes_nothing_and_needs_no_port(explain, dnslet, upstream, tmp_path):
    source = upstream(with_address())
    server = dnslet(to=[source])
    address = f"{server.address[0]}:{server.port}"
    conf = "search corp.example\nnameserver 192.0.2.1\n"
    lines = explain("www.test", "--listen", f"{address},127.0.0.1:53", "--metrics", address,
                    "--default-resolver", "--threads", "4", to=[source], resolv_conf=conf)
    assert lines[-1] == "            www.test 300 A 192.0.2.1"
    assert (tmp_path / "resolv.conf").read_text() == conf


def test_warnings_go_to_standard_error(tmp_path):
    (tmp_path / "hosts").write_text("10.0.0.1 a.test\n300.0.0.1 b.test\n")
    result = run("-a", "--explain", "a.test", "--no-rec", "--hostsfile", tmp_path / "hosts")
    assert result.returncode == 0 and result.stdout.startswith("question    a.test A\n")
    deprecated, bad_line = result.stderr.splitlines()
    assert deprecated == "dnslet: warning: -a is deprecated: use --enable-search"
    assert " warning hosts line skipped " in bad_line


def test_a_full_disk_is_no_success():
    with open("/dev/full", "wb") as full:
        status = subprocess.run([*command(), "--explain", "localhost", "--no-rec"], stdout=full,
                                timeout=10, check=False).returncode
    assert status == 1


@pytest.mark.parametrize("words, complaint", [
    (["--explain"], "'--nameservers=192.0.2.1' is not a name"),
    (["--explain", "a..b"], "'a..b' is not a name"),
    (["--explain", "www.test", "WRONG"], "'WRONG' is not a type"),
    (["--explain", "www.test", "TYPE65536"], "'TYPE65536' is not a type"),
    (["--explain", "www.test", "A", "B"], "unexpected argument 'B'"),
    (["--explain", ""], "'' is empty"),
    (["--explain", "", "AAAA"], "unexpected argument 'AAAA'"),
    (["--explain=", "AAAA"], "unexpected argument 'AAAA'"),
    (["--explain", "www.test", ""], "unexpected argument ''"),
    (["--explain", "fe80::1%eth0"], "'fe80::1%eth0' is not a name"),
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
