# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""--fake-ip and the action `fake`: addresses that stand for names."""

import re
import signal

import dns.reversename
import pytest
from fake_upstream import from_records
from harness import data, run

NOERROR, NXDOMAIN = 0, 3
NETWORKS = "198.18.0.0/15,fd00:0:0:fa4e::/64"


@pytest.fixture
def source(upstream):
    return upstream(from_records("www.test. 60 IN A 192.0.2.1", "www.test. 60 IN MX 1 mail.test.",
                                 "1.2.0.192.in-addr.arpa. 60 IN PTR www.test."))


def reverse(server, address, **how):
    name = dns.reversename.from_address(address).to_text(omit_final_dot=True)
    return server.query(name, "PTR", **how)


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_a_name_has_one_address_of_each_network_and_these_have_its_name(dnslet, source, tcp):
    server = dnslet("--fake-ip", NETWORKS, "--rule", "zone:test -> fake", "--rcache", 100, to=[source])
    for name in ("www.test", "WwW.TEST", "www.test"):
        for rdtype, address in (("A", "198.18.0.1"), ("AAAA", "fd00:0:0:fa4e::1")):
            answer = server.query(name, rdtype, tcp=tcp)
            assert data(answer) == [address] and answer.answer[0].ttl == 1
            assert data(reverse(server, address, tcp=tcp)) == ["www.test."]
    assert data(server.query("other.test", tcp=tcp)) == ["198.18.0.2"]
    assert not source.questions


def test_what_nobody_has_is_never_asked_for(dnslet, source):
    server = dnslet("--fake-ip", NETWORKS, "--rule", "zone:test -> fake", to=[source])
    for address in ("198.18.0.0", "198.18.0.1", "198.19.255.255", "fd00:0:0:fa4e::",
                    "fd00:0:0:fa4e:1::1"):
        assert reverse(server, address).rcode() == NXDOMAIN
    assert not source.questions
    assert data(reverse(server, "192.0.2.1")) == ["www.test."]


def test_other_types_and_a_family_without_a_network_are_nodata(dnslet, source):
    server = dnslet("--fake-ip", "198.18.0.0/15", "--rule", "zone:test -> fake", to=[source])
    for rdtype in ("AAAA", "MX", "HTTPS", "TXT"):
        answer = server.query("www.test", rdtype)
        assert answer.rcode() == NOERROR and not answer.answer
    server = dnslet("--fake-ip", "198.18.0.0/15", "--rule", "zone:test type:A,AAAA -> fake", to=[source])
    assert data(server.query("www.test", "MX")) == ["1 mail.test."]


def test_a_full_network_gives_the_address_used_longest_ago_to_the_next(dnslet, source):
    server = dnslet("--fake-ip", "10.9.0.0/30", "--rule", "* -> fake ttl:5", to=[source])
    assert data(server.query("a.test")) == ["10.9.0.1"]
    assert data(server.query("b.test")) == ["10.9.0.2"]
    assert server.query("a.test").answer[0].ttl == 5
    assert data(server.query("c.test")) == ["10.9.0.2"]
    assert data(reverse(server, "10.9.0.2")) == ["c.test."]
    assert data(reverse(server, "10.9.0.1")) == ["a.test."]


def test_all_workers_give_the_same_address(dnslet, source):
    server = dnslet("--threads", 4, "--fake-ip", NETWORKS, "--rule", "* -> fake", to=[source])
    given = {name: {data(server.query(name, tcp=i % 2 == 0))[0] for i in range(20)}
             for name in ("a.test", "b.test", "c.test")}
    assert all(len(addresses) == 1 for addresses in given.values())
    assert len(set.union(*given.values())) == 3


def test_a_search_ends_at_a_name_with_a_fake_address(dnslet, source):
    server = dnslet("--fake-ip", NETWORKS, "--rule", "zone:two.example -> fake", "--enable-search",
                    "--search-domains", "one.example,two.example", "--rcache", 100, to=[source])
    for _ in range(2):
        answer = server.query("db", "A")
        assert [rdata.to_text() for rrset in answer.answer for rdata in rrset] == ["db.two.example.",
                                                                                  "198.18.0.1"]
        assert {rrset.ttl for rrset in answer.answer} == {1}


def test_the_log_and_explain_name_it(dnslet, source, tmp_path):
    server = dnslet("-verbose", "--fake-ip", NETWORKS, "--rule", "zone:test -> fake", to=[source])
    server.query("www.test")
    reverse(server, "198.18.0.1")
    server.wait_log("name=www.test type=A rcode=NOERROR answer=198.18.0.1 source=fake")
    server.wait_log("type=PTR rcode=NOERROR answer=www.test source=fake")
    flags = ["--fake-ip", NETWORKS, "--rule", "zone:test -> fake", "--nameservers", source.address,
             "--resolv-conf", tmp_path / "resolv.conf"]
    ended = run("--explain", "www.test", *flags)
    assert "--fake-ip   not the name of an address in its networks\n" in ended.stdout
    assert re.search(r"--rule +.*zone:test -> fake", ended.stdout)
    assert "source=fake" in ended.stdout and ended.returncode == 0
    ended = run("--explain", "198.18.0.1", *flags)
    assert "--fake-ip   the name of an address in its networks\n" in ended.stdout
    assert "answer      NXDOMAIN, source=fake" in ended.stdout and ended.returncode == 1


@pytest.mark.parametrize("networks, why", [
    ("198.18.0.0", "'198.18.0.0' is not a network of at least 4 addresses"),
    ("198.18.0.0/31", "'198.18.0.0/31' is not a network of at least 4 addresses"),
    ("fd00::/127", "'fd00::/127' is not a network of at least 4 addresses"),
    ("private", "'private' is not a network of at least 4 addresses"),
    ("198.18.0.0/15,", "is not a list"),
    ("10.0.0.0/8,fd00::/64,198.18.0.0/15", "'198.18.0.0/15' is a second network of that family"),
])
def test_networks_that_are_refused(networks, why):
    for ended in (run("--fake-ip", networks, "--rule", "* -> fake"),
                  run("--rule", "* -> fake", env={"DNSMASQ_FAKE_IP": networks})):
        assert ended.returncode == 2 and why in ended.stderr, ended


def test_fake_without_networks_is_bad_usage(tmp_path):
    why = ("'fake' in rule 'zone:a.test -> fake' needs networks to take addresses from; name them in "
           "--fake-ip (DNSMASQ_FAKE_IP)")
    ended = run("--nameservers", "192.0.2.1", "--rule", "zone:a.test -> fake")
    assert ended.returncode == 2 and why in ended.stderr
    (tmp_path / "rules").write_text("\nzone:a.test -> fake\n")
    ended = run("--nameservers", "192.0.2.1", "--rule", f"@{tmp_path}/rules")
    assert ended.returncode == 2 and f"rules:2: {why}" in ended.stderr


def test_a_file_that_turns_to_fake_without_networks_keeps_the_rules(dnslet, source, tmp_path):
    rules = tmp_path / "rules"
    rules.write_text("zone:ads.test -> block\n")
    server = dnslet("--rule", f"@{rules}", to=[source])
    rules.write_text("zone:ads.test -> fake\n")
    server.send_signal(signal.SIGHUP)
    assert "all rules stay as they were" in server.wait_log(r"needs networks.*--fake-ip")
    assert server.query("x.ads.test").rcode() == NXDOMAIN


def test_networks_that_no_rule_uses_are_warned_of(source):
    ended = run("--explain", "www.test", "--fake-ip", NETWORKS, "--nameservers", source.address)
    assert "--fake-ip has no effect without --rule (DNSMASQ_RULES)" in ended.stderr
    ended = run("--print-config", "--fake-ip", NETWORKS)
    assert re.search(rf"^fake-ip = {NETWORKS}  \(--fake-ip\)$", ended.stdout, re.MULTILINE)
