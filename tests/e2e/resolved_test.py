# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""`resolved`: the servers of systemd-resolved's links, as somebody tells them on a bus."""

import signal
import time

import pytest
from harness import Dnslet, data, free_port, run, timed, wait_until, with_address
from resolve1 import MANAGER, Bus, Link, Resolve1, why_not
from tls_server import TlsUpstream

KNOWS = run("--nameservers", "resolved", env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"}).stderr
HAS_RESOLVED = "with libsystemd" not in KNOWS
needs_resolved = pytest.mark.skipif(not HAS_RESOLVED or why_not() is not None,
                                    reason=why_not() or "this program has no libsystemd")

LAN, VPN = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def bus():
    with Bus() as found:
        yield found


@pytest.fixture
def links(upstream):
    """Two of them: "lan" has the default route, "vpn" a domain; 1 is the loopback's index"""
    found = {1: Link([upstream(with_address(LAN)).address], default=True),
             7777: Link([upstream(with_address(VPN)).address], ["corp.test"])}
    return found


def found_by(server, name):
    return data(server.query(name))


@pytest.mark.skipif(HAS_RESOLVED, reason="this program has libsystemd")
@pytest.mark.parametrize("flags", [["--nameservers", "resolved"], ["--stubzones", "corp.test/resolved"],
                                   ["--server", "corp=resolved"],
                                   ["--nameservers", "10.0.0.1", "--rule", "* -> ask resolved"]])
def test_a_program_without_it_says_so(flags):
    done = run(*flags)
    assert done.returncode == 2
    assert "'resolved'" in done.stderr and "libsystemd" in done.stderr


@needs_resolved
def test_without_a_bus_or_without_systemd_resolved_it_does_not_start(bus):
    done = run("--nameservers", "resolved", env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"})
    assert done.returncode == 2
    assert done.stderr == ("dnslet: resolved can't be followed: cannot reach the system bus (D-Bus): no such file or directory; "
                           "start systemd-resolved, or name servers in its place\n")
    done = run("--nameservers", "resolved", env=bus.environment)
    assert done.returncode == 2
    assert done.stderr.startswith("dnslet: resolved can't be followed: systemd-resolved does not run; ")
    assert "\n" not in done.stderr[:-1]


@needs_resolved
def test_one_that_is_silent_is_not_waited_for_long(bus, links):
    with Resolve1(bus, links) as resolve1:
        resolve1.silent = True
        begin = time.monotonic()
        done = run("--nameservers", "resolved", env=bus.environment, seconds=20)
        assert done.returncode == 2 and "does not answer" in done.stderr
        assert time.monotonic() - begin > 1.9


@needs_resolved
@pytest.mark.parametrize("threads", [1, 3])
def test_names_go_to_the_link_that_has_their_domain(bus, links, dnslet, threads):
    with Resolve1(bus, links):
        server = dnslet("--nameservers", "resolved", "--threads", threads, env=bus.environment)
        for _ in range(3 * threads):
            assert found_by(server, "www.test") == [LAN]
            assert found_by(server, "a.b.Corp.test") == [VPN]
            assert found_by(server, "corp.test") == [VPN]
            assert found_by(server, "notcorp.test") == [LAN]


@needs_resolved
def test_a_change_is_followed(bus, links, dnslet):
    with Resolve1(bus, links) as resolve1:
        server = dnslet("--nameservers", "resolved", "--rcache", "100", env=bus.environment)
        assert found_by(server, "www.corp.test") == [VPN]
        assert found_by(server, "www.lab.test") == [LAN]
        links[7777].domains = ["~lab.test"]
        resolve1.tell(links)
        server.wait_log(r"resolved: 7777: .* for lab\.test")
        assert found_by(server, "www.corp.test") == [LAN]  # also what has been kept
        assert found_by(server, "www.lab.test") == [VPN]
        del links[7777]
        resolve1.tell(links)
        wait_until(lambda: found_by(server, "www.lab.test") == [LAN], "the link's end")


@needs_resolved
def test_the_default_route_moves(bus, links, dnslet):
    with Resolve1(bus, links) as resolve1:
        server = dnslet("--nameservers", "resolved", env=bus.environment)
        assert found_by(server, "www.test") == [LAN]
        links[1].default, links[7777].default = False, True
        resolve1.tell(links)
        wait_until(lambda: found_by(server, "www.test") == [VPN], "the default route")
        links[1].domains = ["~."]  # is more than a default route
        resolve1.tell(links)
        wait_until(lambda: found_by(server, "www.test") == [LAN], "the root as a domain")
        assert found_by(server, "www.corp.test") == [VPN]
        links[1].scopes = 0  # it is down
        resolve1.tell(links)
        wait_until(lambda: found_by(server, "www.test") == [VPN], "a link that is down")


@needs_resolved
def test_what_changes_without_a_signal_is_found(bus, links, dnslet):
    with Resolve1(bus, links) as resolve1:
        server = dnslet("--nameservers", "resolved", env=bus.environment)
        resolve1.signals = False
        links[1].default, links[7777].default = False, True
        resolve1.tell(links)
        wait_until(lambda: found_by(server, "www.test") == [VPN], "the default route", 30)


@needs_resolved
def test_servers_stay_when_systemd_resolved_or_the_bus_is_gone(bus, links, dnslet):
    with Resolve1(bus, links):
        server = dnslet("--nameservers", "resolved", env=bus.environment)
        assert found_by(server, "www.corp.test") == [VPN]
    server.wait_log("systemd-resolved does not run; the servers that it has named stay")
    assert found_by(server, "new.corp.test") == [VPN]
    links[7777].domains = ["lab.test"]
    with Resolve1(bus, links):
        server.wait_log("systemd-resolved is back")
        wait_until(lambda: found_by(server, "www.lab.test") == [VPN], "what it says now")
        bus.stop()
        server.wait_log("the system bus .* is gone.*; the servers that it has named stay")
        assert found_by(server, "newer.lab.test") == [VPN]
    bus.start()
    links[7777].domains = ["other.test"]
    with Resolve1(bus, links):
        wait_until(lambda: found_by(server, "www.other.test") == [VPN], "what it says on the new bus", 30)
    assert len(server.log("is gone")) == 1


@needs_resolved
def test_a_link_stays_where_it_is_not_told_of_in_time(bus, links, dnslet):
    def slow(path, properties):
        if path != MANAGER:
            time.sleep(2.5)
        return properties

    with Resolve1(bus, links) as resolve1:
        server = dnslet("--nameservers", "resolved", env=bus.environment)
        resolve1.change = slow
        resolve1.tell(links)
        server.wait_log("systemd-resolved does not answer; the servers that it has named stay", 20)
        assert found_by(server, "www.corp.test") == [VPN]
        resolve1.change = lambda path, properties: properties
        server.wait_log("systemd-resolved is back", 20)
        assert not server.log(": none")


@needs_resolved
def test_nobody_is_left_is_no_reason_to_end(bus, links, dnslet):
    with Resolve1(bus, links) as resolve1:
        server = dnslet("--nameservers", "resolved", env=bus.environment)
        resolve1.tell({})
        server.wait_log("resolved: .*none")
        resolve1.tell(links)
        wait_until(lambda: len(server.log("nameservers of resolved: 127")) == 2, "the link again")
        assert found_by(server, "www.test") == [LAN]


@needs_resolved
def test_bad_values_are_passed_over(bus, links, dnslet):
    def worse(path, properties):
        if path == MANAGER:
            kind, servers = properties["DNSEx"]
            properties["DNSEx"] = (kind, [*servers, (1, 2, b"\1\2\3", 53, ""), (1, 99, b"\1\2\3\4", 53, ""),
                                          (-5, 2, b"\1\2\3\4", 53, ""), (9999, 2, b"", 53, "")])
            kind, domains = properties["Domains"]
            properties["Domains"] = (kind, [*domains, (1, "a..b", False), (1, "x" * 300, True), (-1, "c.test", True),
                                            (4711, "nobody.test", False)])
            properties["DNSOverTLS"] = ("u", 5)
        else:
            properties["DefaultRoute"] = ("s", "maybe") if path.endswith("_37777") else ("b", True)
            properties["ScopesMask"] = ("as", ["DNS"])
        return properties

    with Resolve1(bus, links) as resolve1:
        resolve1.change = worse
        server = dnslet("--nameservers", "resolved", env=bus.environment)
        assert found_by(server, "www.corp.test") == [VPN]
        assert found_by(server, "www.nobody.test") in ([LAN], [VPN])
        resolve1.change = lambda path, _: {"DNS": ("s", "none")} if path == MANAGER else {}
        resolve1.tell(links)
        server.wait_log("resolved: .*none")
        resolve1.change = lambda _, properties: properties
        resolve1.tell(links)
        wait_until(lambda: len(server.log("nameservers of resolved: 127")) == 2, "good values again")
        assert found_by(server, "www.corp.test") == [VPN]


@needs_resolved
def test_dnslet_itself_is_no_server(bus, links, dnslet):
    with Resolve1(bus, links) as resolve1:
        own = f"127.0.0.1:{free_port()}"
        server = dnslet("--nameservers", "resolved", listen=own, env=bus.environment)
        resolve1.tell({0: Link([own], ["~."], default=True), **links})
        server.wait_log("resolved: .*left out: " + own.replace(".", r"\."))
        assert found_by(server, "www.test") == [LAN]
        assert found_by(server, "www.corp.test") == [VPN]


@needs_resolved
def test_rules_and_sets_have_the_same_routing(bus, links, dnslet, upstream):
    other = upstream(with_address("192.0.2.99"))
    with Resolve1(bus, links) as resolve1:
        server = dnslet("--server", "corp=resolved", "--rule", "zone:test -> ask corp", "--stubzones",
                        "stub.example/corp", to=[other], env=bus.environment)
        assert found_by(server, "www.corp.test") == [VPN]
        assert found_by(server, "www.test") == [LAN]
        assert found_by(server, "www.example") == ["192.0.2.99"]
        assert found_by(server, "www.stub.example") == [LAN]
        links[7777].domains = ["~stub.example"]
        resolve1.tell(links)
        wait_until(lambda: found_by(server, "www.corp.test") == [LAN], "the domain's end")
        assert found_by(server, "www.stub.example") == [VPN]


@needs_resolved
def test_an_option_wins_over_a_link(bus, links, dnslet, upstream):
    other = upstream(with_address("192.0.2.99"))
    with Resolve1(bus, links):
        server = dnslet("--nameservers", "resolved", "--stubzones", f"corp.test,a.b.test/{other.address}",
                        env=bus.environment)
        assert found_by(server, "www.corp.test") == ["192.0.2.99"]
        assert found_by(server, "www.a.b.test") == ["192.0.2.99"]
        assert found_by(server, "www.test") == [LAN]


@needs_resolved
def test_domains_that_are_not_for_routing_only_are_searched(bus, upstream, dnslet):
    names = []

    def handler(question):
        names.append(question.name)
        if question.name == "db.lab.test.":
            return with_address(VPN)(question)
        return question.nxdomain()

    server = upstream(handler)
    links = {1: Link([server.address], ["corp.test", "~secret.test", "lab.test"], default=True)}
    with Resolve1(bus, links) as resolve1:
        running = dnslet("--nameservers", "resolved", "--enable-search", env=bus.environment)
        assert VPN in found_by(running, "db")
        assert names == ["db.corp.test.", "db.lab.test."]
        links[1].domains = ["lab.test"]
        resolve1.tell(links)
        running.wait_log(r"resolved: lo: .* for lab\.test, default")
        names.clear()
        assert VPN in found_by(running, "db")
        assert names == ["db.lab.test."]


@needs_resolved
def test_the_list_of_the_options_is_searched_alone(bus, upstream, dnslet):
    server = upstream(lambda question: question.nxdomain())
    links = {1: Link([server.address], ["corp.test"], default=True)}
    with Resolve1(bus, links):
        running = dnslet("--nameservers", "resolved", "--enable-search", "--search-domains", "own.test",
                         env=bus.environment)
        running.query("db")
        assert sorted({question.name for question in server.questions}) == ["db.", "db.own.test."]


@needs_resolved
def test_explain_tells_the_link(bus, links):
    with Resolve1(bus, links):
        done = run("--nameservers", "resolved", "--explain", "www.corp.test", env=bus.environment)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "--nameservers, those of 7777, for www.corp.test" in done.stdout
        assert VPN in done.stdout
        done = run("--rule", "zone:test -> ask resolved", "--nameservers", "192.0.2.53", "--explain", "www.test",
                   env=bus.environment)
        assert "those of the rule, those of lo, for www.test" in done.stdout


@needs_resolved
def test_a_link_that_is_for_tls_only_is_asked_over_tls(bus, dnslet, authority):
    named, other = authority.issue("dns.test"), authority.issue("other.test")
    with TlsUpstream(with_address(LAN), named) as server, TlsUpstream(with_address(VPN), other) as impostor:
        port = server.url().rpartition(":")[2]
        links = {1: Link([f"127.0.0.1:{port}#dns.test"], default=True, tls="opportunistic")}
        with Resolve1(bus, links) as resolve1:
            running = dnslet("--nameservers", "resolved", "--tls-ca", authority.root, env=bus.environment)
            assert found_by(running, "a.test") == [LAN]
            assert server.accepted == 0
            links[1].tls = "yes"
            resolve1.tell(links)
            running.wait_log(rf"nameservers of resolved: tls://127\.0\.0\.1:{port}#dns\.test")
            running.wait_log("reloaded")  # it has read the roots
            assert found_by(running, "b.test") == [LAN]
            assert server.accepted == 1
            links[1].servers = [f"127.0.0.1:{impostor.url().rpartition(':')[2]}#dns.test"]
            resolve1.tell(links)
            wait_until(lambda: running.query("c.test").rcode() == 2, "a certificate that does not hold")
            assert not impostor.questions
        running.stop()
        with Resolve1(bus, links):
            links[1].servers = [f"127.0.0.1:{port}#dns.test"]
            again = dnslet("--nameservers", "resolved", "--tls-ca", authority.root, env=bus.environment)
            assert found_by(again, "d.test") == [LAN]
            assert not again.log("tls-ca")
        assert all(question.transport == "tcp" for question in server.questions if question.name != "a.test.")


@needs_resolved
def test_a_rule_that_comes_later_brings_it(bus, links, dnslet, upstream, tmp_path):
    other = upstream(with_address("192.0.2.99"))
    rules = tmp_path / "rules"
    rules.write_text("type:TXT -> refuse\n")
    with Resolve1(bus, links) as resolve1:
        server = dnslet("--rule", f"@{rules}", to=[other], env=bus.environment)
        assert found_by(server, "www.corp.test") == ["192.0.2.99"]
        assert resolve1.calls == 0
        rules.write_text("zone:test -> ask resolved\n")
        server.send_signal(signal.SIGHUP)
        server.wait_log("nameservers of resolved: 127")
        assert found_by(server, "www.corp.test") == [VPN]
        assert found_by(server, "www.test") == [LAN]
        rules.write_text("type:TXT -> refuse\n")
        server.send_signal(signal.SIGHUP)
        wait_until(lambda: found_by(server, "www.test") == ["192.0.2.99"], "the rule's end")


@needs_resolved
def test_a_rule_that_comes_before_the_bus_does_is_served_once_that_is_there(bus, links, dnslet, upstream, tmp_path):
    rules = tmp_path / "rules"
    rules.write_text("type:TXT -> refuse\n")
    server = dnslet("--rule", f"@{rules}", to=[upstream(with_address("192.0.2.99"))], env=bus.environment)
    bus.stop()
    rules.write_text("zone:test -> ask resolved\n")
    for _ in range(2):
        server.send_signal(signal.SIGHUP)
        server.wait_log("warning resolved can't be followed: .*")
        server.wait_log("reloaded")
    bus.start()
    with Resolve1(bus, links):
        wait_until(lambda: server.log("nameservers of resolved: 127"), "the source", 30)
        assert found_by(server, "www.test") == [LAN]
    assert len(server.log("can't be followed")) == 1


@needs_resolved
def test_a_rule_that_comes_later_holds_nothing_up(bus, links, dnslet, upstream, tmp_path):
    other = upstream(with_address("192.0.2.99"))
    rules = tmp_path / "rules"
    rules.write_text("type:TXT -> refuse\n")
    server = dnslet("--rule", f"@{rules}", to=[other], env=bus.environment)
    with Resolve1(bus, links) as resolve1:
        resolve1.silent = True
        rules.write_text("zone:corp.test -> ask resolved\n")
        server.send_signal(signal.SIGHUP)
        wait_until(lambda: resolve1.calls > 0, "the question what it knows")
        assert timed(lambda: found_by(server, "www.test"))[1] < 1
        resolve1.silent = False
        resolve1.tell(links)
        server.wait_log("nameservers of resolved: 127", 20)
        assert found_by(server, "www.corp.test") == [VPN]


@needs_resolved
def test_it_may_come_within_two_seconds(bus, links):
    server = Dnslet("--nameservers", "resolved", env={**bus.environment})
    server.spawn()
    time.sleep(0.3)
    with Resolve1(bus, links):
        wait_until(server.ready_line, "ready line")
        server.stop()


@needs_resolved
def test_an_ordinary_user_follows_too(bus, links, dnslet):
    import os  # pylint: disable=import-outside-toplevel
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with Resolve1(bus, links) as resolve1:
        server = dnslet("--nameservers", "resolved", "--user", "65534:65534", env=bus.environment)
        del links[7777]
        resolve1.tell(links)
        wait_until(lambda: found_by(server, "www.corp.test") == [LAN], "a change")
        bus.stop()
        server.wait_log("is gone")
    bus.start()
    links[1].domains, links[1].default = ["~."], False
    with Resolve1(bus, links):
        server.wait_log("systemd-resolved is back", 30)


@needs_resolved
def test_many_changes_are_few_looks(bus, links, dnslet):
    with Resolve1(bus, links) as resolve1:
        dnslet("--nameservers", "resolved", env=bus.environment)
        before = resolve1.calls
        for _ in range(200):
            resolve1.tell(links)
        wait_until(lambda: resolve1.calls > before, "a look")
        time.sleep(0.5)
        assert resolve1.calls - before <= 15


@needs_resolved
def test_changes_without_end_put_nothing_off(bus, links, dnslet):
    with Resolve1(bus, links) as resolve1:
        server = dnslet("--nameservers", "resolved", env=bus.environment)
        links[7777].domains = ["lab.test"]

        def is_followed():
            resolve1.tell(links)
            time.sleep(0.02)
            return server.log(r"resolved: 7777: .* for lab\.test")
        wait_until(is_followed, "the change amid others")
