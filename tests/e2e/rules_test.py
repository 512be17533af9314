# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 11: --rule, --server and --list, as clients see them."""

import signal
import socket
import struct
import time

import dns.message
import dns.query
import dns.rcode
import pytest
from basics import free_port
from fake_upstream import from_records
from harness import run, wait_until

NOERROR, NXDOMAIN, SERVFAIL, REFUSED = 0, 3, 2, 5


def addresses(answer):
    return [rdata.to_text() for rrset in answer.answer for rdata in rrset if rdata.rdtype in (1, 28)]


def one(upstream, address, *names):
    """A server that has this address for names below test. and, if given, for these alone."""
    names = names or ("a.test", "b.test", "c.test", "www.corp.test", "ads.test", "x.ads.test")
    return upstream(from_records(*(f"{name}. 60 IN A {address}" for name in names)))


@pytest.fixture
def servers(upstream):
    """Two servers that say who they are."""
    return one(upstream, "192.0.2.1"), one(upstream, "198.51.100.2")


def test_two_servers_split_by_zone(dnslet, servers):
    default, corp = servers
    server = dnslet("--server", f"corp={corp.address}", "--rule", "zone:corp.test -> ask corp", to=[default],
                    env={"DNSMASQ_RCACHE": "100"})
    for _ in range(2):
        assert addresses(server.query("www.corp.test")) == ["198.51.100.2"]
        assert addresses(server.query("a.test")) == ["192.0.2.1"]
    assert len(corp.questions) == len(default.questions) == 1


def test_rules_of_a_variable_and_of_a_file(dnslet, servers, tmp_path):
    (tmp_path / "rules").write_text("# of the file\nname:b.test -> refuse\n\n")
    server = dnslet(to=[servers[0]], env={
        "DNSMASQ_RULES": f"name:a.test -> block ; @{tmp_path}/rules\nname:c.test -> answer 10.0.0.1"})
    assert [server.query(name).rcode() for name in ("a.test", "b.test")] == [NXDOMAIN, REFUSED]
    assert addresses(server.query("c.test")) == ["10.0.0.1"]


def test_names_of_lists_and_their_attributes(dnslet, servers, tmp_path):
    path = tmp_path / "list"
    path.write_text("ads.test @ads\na.test @cn\n||b.test^\n")
    server = dnslet("--list", f"all={path}", "--list", f"cn={path}@cn", "--rule", "list:cn -> refuse",
                    "--rule", "list:all -> block", to=[servers[0]])
    names = ("a.test", "x.ads.test", "b.test", "c.test")
    assert [server.query(name).rcode() for name in names] == [REFUSED, NXDOMAIN, NXDOMAIN, NOERROR]


def test_an_answer_is_judged_by_a_list_of_networks(dnslet, servers, tmp_path):
    near, far = servers
    networks = tmp_path / "networks"
    networks.write_text("192.0.2.0/25\n")
    server = dnslet("--server", f"near={near.address}", "--server", f"far={far.address}", "--list",
                    f"near={networks}", "--rule", "answer:list:near -> ask near", "--rule", "* -> ask far", to=[])
    assert addresses(server.query("a.test")) == ["192.0.2.1"]
    assert not far.questions
    networks.write_text("203.0.113.0/24\n")
    server.send_signal(signal.SIGHUP)
    server.wait_log("reloaded")
    assert addresses(server.query("a.test")) == ["198.51.100.2"]


def test_clients_of_two_networks_never_get_each_others_answers(dnslet, servers):
    default, other = servers
    server = dnslet("--server", f"other={other.address}", "--rule", "from:127.0.0.2 -> ask other", "--rcache", 10,
                    to=[default])
    query = dns.message.make_query("a.test", "A")
    for _ in range(3):
        for source, expected in (("127.0.0.1", "192.0.2.1"), ("127.0.0.2", "198.51.100.2")):
            for ask in (dns.query.udp, dns.query.tcp):
                answer = ask(query, "127.0.0.1", timeout=4, port=server.port, source=source)
                assert addresses(answer) == [expected]
    assert len(default.questions) == len(other.questions) == 1


def test_rules_by_transport_and_listener(dnslet, servers):
    first, second = free_port(), free_port()
    server = dnslet("--rule", "via:tcp name:a.test -> block", "--rule", f"at:127.0.0.1:{second} name:b.test -> block",
                    to=[servers[0]], listen=f"127.0.0.1:{first},127.0.0.1:{second}")
    query = dns.message.make_query("a.test", "A")
    assert dns.query.udp(query, "127.0.0.1", timeout=4, port=first).rcode() == NOERROR
    assert dns.query.tcp(query, "127.0.0.1", timeout=4, port=first).rcode() == NXDOMAIN
    query = dns.message.make_query("b.test", "A")
    for ask in (dns.query.udp, dns.query.tcp):
        assert ask(query, "127.0.0.1", timeout=4, port=first).rcode() == NOERROR
        assert ask(query, "127.0.0.1", timeout=4, port=second).rcode() == NXDOMAIN


def frame(message):
    wire = message.to_wire()
    return struct.pack("!H", len(wire)) + wire


def read_all(connection):
    connection.settimeout(4)
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    return data


def test_a_dropped_question_has_no_answer_and_ends_its_connection(dnslet, servers):
    server = dnslet("--rule", "name:a.test -> drop", "--rule", "rcode:NXDOMAIN name:gone.test -> pass", "--rule",
                    "name:gone.test -> drop", to=[servers[0]])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(0.3)
        udp.sendto(dns.message.make_query("a.test", "A").to_wire(), ("127.0.0.1", server.port))
        with pytest.raises(TimeoutError):
            udp.recv(512)
    with socket.create_connection(("127.0.0.1", server.port)) as tcp:
        tcp.sendall(frame(dns.message.make_query("b.test", "A")) + frame(dns.message.make_query("a.test", "A")) +
                    frame(dns.message.make_query("c.test", "A")))
        data = read_all(tcp)
    names = set()
    while data:
        size = struct.unpack("!H", data[:2])[0]
        names.add(dns.message.from_wire(data[2:2 + size]).question[0].name.to_text())
        data = data[2 + size:]
    assert names == {"b.test.", "c.test."}
    assert server.query("b.test").rcode() == NOERROR


def test_a_preferred_family_leaves_the_other_none(dnslet, upstream):
    both = upstream(from_records("both.test. 60 IN A 192.0.2.1", "both.test. 60 IN AAAA 2001:db8::1",
                                 "six.test. 60 IN AAAA 2001:db8::6"))
    for rcache in (0, 100):
        server = dnslet("--rule", "* -> pass prefer:ipv4", "--rcache", rcache, to=[both])
        for _ in range(3):
            answer = server.query("both.test", "AAAA")
            assert (answer.rcode(), answer.answer) == (NOERROR, [])
            assert addresses(server.query("both.test")) == ["192.0.2.1"]
            assert addresses(server.query("six.test", "AAAA")) == ["2001:db8::6"]


def test_an_alias_without_addresses_is_no_preferred_family(dnslet, upstream):
    servers = upstream(from_records("a.test. 60 IN CNAME c.test.", "c.test. 60 IN AAAA 2001:db8::1"))
    for rcache in (0, 100):
        server = dnslet("--rule", "* -> pass prefer:ipv4", "--rcache", rcache, to=[servers])
        for _ in range(2):
            assert addresses(server.query("a.test", "AAAA")) == ["2001:db8::1"]
            assert addresses(server.query("a.test")) == []


@pytest.mark.parametrize("option", ("only:ipv4", "prefer:ipv4"))
def test_addresses_of_rules_leave_a_family_out(dnslet, option):
    server = dnslet("--rule", f"* -> with {option}", "--rule", "name:a.test -> answer 10.0.0.1,fd00::1", "--rule",
                    "name:b.test -> answer fd00::2", "--rule", "* -> fake", "--fake-ip", "198.18.0.0/24,fd00:1::/64",
                    "--no-rec")
    assert addresses(server.query("a.test")) == ["10.0.0.1"]
    assert server.query("a.test", "AAAA").answer == []
    assert addresses(server.query("b.test", "AAAA")) == (["fd00::2"] if option == "prefer:ipv4" else [])
    assert addresses(server.query("c.test")) == ["198.18.0.1"]
    assert server.query("c.test", "AAAA").answer == []


def test_a_preferred_family_is_waited_for_half_a_second(dnslet, upstream):
    records = from_records("both.test. 60 IN A 192.0.2.1", "both.test. 60 IN AAAA 2001:db8::1")
    slow_a = upstream(lambda question: (time.sleep(0.15) if question.type == "A" else None, records(question))[1])
    server = dnslet("--rule", "* -> pass prefer:ipv4", to=[slow_a])
    assert server.query("both.test", "AAAA").answer == []
    silent_a = upstream(lambda question: None if question.type == "A" else records(question))
    server = dnslet("--rule", "* -> pass prefer:ipv4", to=[silent_a])
    begin = time.monotonic()
    assert addresses(server.query("both.test", "AAAA")) == ["2001:db8::1"]
    assert 0.4 < time.monotonic() - begin < 2


def test_a_preferred_family_ends_a_search(dnslet, upstream):
    servers = upstream(from_records("www.one.test. 60 IN A 192.0.2.1", "www.one.test. 60 IN AAAA 2001:db8::1",
                                    "www.two.test. 60 IN AAAA 2001:db8::2"))
    for rcache in (0, 100):
        server = dnslet("--rule", "* -> pass prefer:ipv4", "--enable-search", "--search-domains",
                        "one.test,two.test", "--rcache", rcache, to=[servers])
        for _ in range(2):
            assert server.query("www", "AAAA").answer == []
            assert addresses(server.query("www")) == ["192.0.2.1"]


@pytest.mark.parametrize("rcache", (0, 100))
def test_the_next_rule_is_asked_ahead(dnslet, upstream, rcache):
    answer = from_records("a.test. 60 IN A 192.0.2.1", "b.test. 60 IN A 10.0.0.1")
    slow = upstream(lambda question: (time.sleep(0.7), answer(question))[1])
    far = upstream(lambda question: (time.sleep(0.7), from_records("a.test. 60 IN A 198.51.100.2")(question))[1])
    server = dnslet("--rule", f"answer:10.0.0.0/8 -> ask {slow.address} ahead", "--rule", f"* -> ask {far.address}",
                    "--rcache", rcache, "--upstream-retry", 2000)
    begin = time.monotonic()
    assert addresses(server.query("a.test")) == ["198.51.100.2"]
    assert time.monotonic() - begin < 1.3
    assert addresses(server.query("b.test")) == ["10.0.0.1"]
    assert len(far.questions) == 2


def test_without_another_rule_the_default_servers_are_asked_ahead(dnslet, upstream):
    silent, default = upstream(lambda question: None), one(upstream, "192.0.2.1")
    server = dnslet("--rule", f"answer:10.0.0.0/8 -> ask {silent.address} ahead wait:200", to=[default])
    assert addresses(server.query("a.test")) == ["192.0.2.1"]
    assert len(default.questions) == 1


def test_servers_that_were_left_behind_say_nothing_of_the_next_ones(dnslet, upstream):
    """The first ones are silent for a second time while the second ones have time left."""
    answer = from_records("a.test. 60 IN A 192.0.2.1")
    silent, last = upstream(lambda question: None), one(upstream, "198.51.100.2")
    slow = upstream(lambda question: (time.sleep(0.7), answer(question))[1])
    server = dnslet("--upstream-retry", 300, "--rule", f"answer:10.0.0.0/8 -> ask {silent.address}", "--rule",
                    f"!answer:10.0.0.0/8 -> ask {slow.address} wait:2000", "--rule", f"* -> ask {last.address}")
    assert addresses(server.query("a.test")) == ["192.0.2.1"] and not last.questions


def test_addresses_are_swapped_where_the_answer_has_certain_ones(dnslet, upstream):
    servers = upstream(from_records(
        "a.test. 60 IN CNAME c.test.", "c.test. 50 IN A 104.16.0.9", "c.test. 50 IN AAAA 2606:4700::9",
        "b.test. 60 IN A 192.0.2.1", "a.test. 60 IN TXT text"))
    for rcache in (0, 100):
        server = dnslet("--rule", "answer:104.16.0.0/13,2606:4700::/32 -> pass swap:104.16.1.1,104.16.1.2",
                        "--rcache", rcache, to=[servers])
        for _ in range(2):
            answer = server.query("a.test")
            assert addresses(answer) == ["104.16.1.1", "104.16.1.2"]
            assert answer.answer[0].ttl in (49, 50)
            assert (server.query("a.test", "AAAA").rcode(), server.query("a.test", "AAAA").answer) == (NOERROR, [])
            assert addresses(server.query("b.test")) == ["192.0.2.1"]
    failing = upstream(lambda question: None)
    server = dnslet("--rule", "answer:104.16.0.0/13 -> pass swap:104.16.1.1", "--upstream-timeout", 500, to=[failing])
    assert server.query("a.test").rcode() == SERVFAIL


@pytest.mark.parametrize("rule, why", (
    ("* -> pass ahead", "ahead"), ("rcode:NXDOMAIN -> pass swap:192.0.2.1", "swap"),
    ("answer:none -> pass swap:a.test", "'a.test' is not an IP address"),
    ("* -> pass prefer:ipv5", "is not prefer:ipv4")))
def test_options_that_make_no_sense_are_refused(rule, why):
    result = run("--rule", rule, "--nameservers", "192.0.2.1")
    assert result.returncode == 2 and why in result.stderr


def test_an_alias_has_its_targets_records(dnslet, servers):
    server = dnslet("--rule", "name:search.test -> alias a.test", to=[servers[0]])
    answer = server.query("search.test")
    assert [rrset.to_text() for rrset in answer.answer] == ["search.test. 10 IN CNAME a.test.",
                                                            "a.test. 60 IN A 192.0.2.1"]


def test_a_failure_never_becomes_an_answer_of_a_rule(dnslet, upstream, servers):
    broken = upstream(lambda question: None)
    server = dnslet("--server", f"broken={broken.address}", "--rule", "answer:private -> ask broken wait:100",
                    "--rule", "name:a.test -> block", to=[servers[0]])
    assert server.query("a.test").rcode() == SERVFAIL
    assert addresses(server.query("b.test")) == ["192.0.2.1"]


def test_a_race_is_won_by_the_faster_server(dnslet, upstream, servers):
    silent = upstream(lambda question: None)
    server = dnslet("--rule", f"* -> ask {silent.address},{servers[1].address} race:2", to=[])
    assert addresses(server.query("a.test")) == ["198.51.100.2"]
    wait_until(lambda: silent.questions, "a question of the silent server")


def test_a_limit_refuses_what_is_above(dnslet, servers):
    server = dnslet("--rule", "* -> pass limit:3", "--rcache", 10, to=[servers[0]])
    codes = [server.query("a.test").rcode() for _ in range(6)]
    assert codes[:3] == [NOERROR] * 3 and REFUSED in codes


def test_rules_need_no_nameservers_where_one_asks_for_all(dnslet, servers, tmp_path):
    (tmp_path / "empty").write_text("")
    server = dnslet("--rule", f"* -> ask {servers[0].address}", "--resolv-conf", tmp_path / "empty", to=[])
    assert addresses(server.query("a.test")) == ["192.0.2.1"]


def test_explain_tells_which_rule_decided(servers, tmp_path):
    near, far = servers
    path = tmp_path / "ads"
    path.write_text("# ads\nads.test\n")
    flags = ["--nameservers", far.address, "--list", f"ads={path}", "--rule", "list:ads -> block", "--rule",
             f"answer:private zone:test -> ask {near.address}"]
    told = run(*flags, "--explain", "x.ads.test").stdout
    assert "list:ads -> block" in told and f"{path}, line 2" in told
    told = run(*flags, "--explain", "a.test").stdout
    assert f"does not hold for the answer: answer:private zone:test -> ask {near.address}" in told
    assert "198.51.100.2" in told
