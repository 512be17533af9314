# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract sections 10 and 11: --server and --rule, what is wrong with them, and files of rules."""

import re
import signal

import pytest
from fake_upstream import from_records
from harness import run


@pytest.fixture
def source(upstream):
    return upstream(from_records("a.test. 60 IN A 192.0.2.1"))


@pytest.mark.parametrize("flags, why", [
    (["--rule", "zone:a..test -> block"], "'zone:a..test' in rule 'zone:a..test -> block' is not a domain name"),
    (["--rule", "* -> ask near"], "'near' is no set of --server"),
    (["--rule", "list:ads -> block"], "names no list of --list"),
    (["--rule", "name:a -> alias b ; name:b -> alias a"], "makes a loop of aliases"),
    (["--server", "near=x:0"], "its port is from 1 to 65535"),
    (["--rule", "@/nowhere/rules"], "--rule (DNSMASQ_RULES): cannot read '/nowhere/rules'"),
    (["--rule", "* -> ask 127.0.0.1:5399", "--listen", "127.0.0.1:5399"], "is this dnslet itself"),
])
def test_what_is_wrong_is_bad_usage(flags, why):
    result = run("--nameservers", "192.0.2.1", *flags)
    assert result.returncode == 2 and why in result.stderr, result


@pytest.mark.parametrize("line, why", [
    ("zone:a.test -> deny", "'deny' in rule 'zone:a.test -> deny' is no action"),
    ("@other", "is a file in a file of rules"),
    ("* -> ask 127.0.0.1:5399", "is this dnslet itself"),
])
def test_a_bad_line_of_a_file_is_bad_usage(tmp_path, line, why):
    rules = tmp_path / "rules"
    rules.write_text(f"# all\n\nzone:ok.test -> block # why\n{line}\n")
    result = run("--nameservers", "192.0.2.1", "--listen", "127.0.0.1:5399", "--rule", f"@{rules}")
    assert result.returncode == 2 and f"{rules}:4: " in result.stderr and why in result.stderr, result


@pytest.mark.parametrize("polls", [True, False])
def test_a_line_that_turned_bad_keeps_the_rules_with_one_warning(dnslet, source, tmp_path, polls):
    rules = tmp_path / "rules"
    rules.write_text("zone:ads.test -> block\n")
    server = dnslet(*(["--hostsfile-poll", 1] if polls else []), "--rule", f"@{rules}", to=[source])
    server.wait_log("rules read files=1 rules=1$")
    for text, line in [("zone:ads.test -> blok\n", f"{rules}:1: 'blok' in rule"),
                       ("zone:a.test -> block\n\n* -> pass\n", "rules read files=1 rules=2")]:
        rules.write_text(text)
        if not polls:
            server.send_signal(signal.SIGHUP)
        server.wait_log(re.escape(line))
    kept = server.log("all rules stay as they were")
    assert len(kept) == 1 and " warning " in kept[0]


def test_the_configuration_shows_rules_and_sets():
    result = run("--print-config", "--rule", "* -> ask near", "--server", "near=192.0.2.1",
                 "--rule", "@/etc/rules", env={"DNSMASQ_SERVER_SETS": "far=192.0.2.2"})
    assert "rule = * -> ask near ; @/etc/rules  (--rule)" in result.stdout
    assert "server = near=192.0.2.1  (--server)" in result.stdout
