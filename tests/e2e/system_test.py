# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""`system`, in the place of a server: the nameservers of resolv.conf, which need port 53, as it changes."""

import signal

import pytest
from fake_upstream import only_rcode
from harness import SCALE, data, run, silent, timed, wait_until, with_address

OWN, SYSTEM, NEW = "192.0.2.1", "192.0.2.2", "192.0.2.3"


@pytest.fixture
def own(upstream):
    """A server that is given by an option"""
    return upstream(with_address(OWN)).address


@pytest.fixture
def resolv(tmp_path, upstream53):
    """The file that dnslet is started with, with one server; resolv(*servers) names others."""
    upstream53("127.53.1.1", with_address(SYSTEM))
    upstream53("127.53.1.2", with_address(NEW))

    def write(*servers):
        (tmp_path / "resolv.conf").write_text("".join(f"nameserver {server}\n" for server in servers) or "# none\n")
    write("127.53.1.1")
    return write


def found_by(server, name="www.test"):
    return data(server.query(name))


def test_it_stands_in_its_place_among_others(dnslet, resolv, own, upstream):
    assert found_by(dnslet("--nameservers", f"system,{own}")) == [SYSTEM]
    assert found_by(dnslet("--nameservers", f"{own},System")) == [OWN]
    dead = upstream(only_rcode("REFUSED")).address
    assert found_by(dnslet("--nameservers", f"{dead},system,{own}")) == [SYSTEM]


@pytest.mark.parametrize("flags", [
    ["--stubzones", "corp.test/system"],
    ["--rule", "zone:corp.test -> ask system"],
    ["--server", "office=system", "--rule", "zone:corp.test -> ask office"]])
@pytest.mark.parametrize("threads", [1, 2])
def test_it_may_stand_wherever_servers_do(dnslet, resolv, own, flags, threads):
    server = dnslet("--nameservers", own, "--threads", threads, *flags)
    for _ in range(3 * threads):
        assert found_by(server, "www.corp.test") == [SYSTEM]
        assert found_by(server) == [OWN]


def test_the_file_is_followed_and_its_last_servers_stay(dnslet, resolv, own):
    server = dnslet("--nameservers", own, "--stubzones", "corp.test/system", "--rcache", 0)
    assert found_by(server, "a.corp.test") == [SYSTEM]
    assert server.log("info nameservers of system: 127.53.1.1:53$")
    resolv("127.53.1.2")
    wait_until(lambda: found_by(server, "a.corp.test") == [NEW], "the new server", 3 * SCALE)
    resolv()
    assert server.wait_log("warning no nameserver is left in .*resolv.conf'; those before stay")
    assert found_by(server, "a.corp.test") == [NEW]
    resolv("127.53.1.1")
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: found_by(server, "a.corp.test") == [SYSTEM], "the former server", 3 * SCALE)


def test_alone_it_is_what_no_option_gives(dnslet, resolv):
    server = dnslet("--nameservers", "system")
    assert found_by(server) == [SYSTEM]
    resolv()
    assert server.wait_log("warning no nameserver is left in .*resolv.conf'; those before stay")
    assert found_by(server, "other.test") == [SYSTEM]


@pytest.mark.parametrize("text, reason", [(None, "cannot read '.*resolv.conf'"), ("search a.test\n", "names none")])
def test_alone_it_needs_the_file(tmp_path, text, reason):
    if text:
        (tmp_path / "resolv.conf").write_text(text)
    done = run("--resolv-conf", tmp_path / "resolv.conf", "--nameservers", "system")
    assert done.returncode == 2
    assert "no nameserver to forward to: " in done.stderr and "resolv.conf" in done.stderr


@pytest.mark.parametrize("is_there", [False, True])
def test_while_it_stands_for_none_others_do_not_wait(dnslet, resolv, own, tmp_path, is_there):
    if is_there:
        resolv()
    else:
        (tmp_path / "resolv.conf").unlink()
    server = dnslet("--nameservers", f"system,{own}", "--rcache", 0)
    for number in range(5):
        answer, seconds = timed(lambda: found_by(server, f"n{number}.test"))
        assert answer == [OWN] and seconds < 0.3 * SCALE
    resolv("127.53.1.1")
    wait_until(lambda: found_by(server) == [SYSTEM], "the server of the file", 3 * SCALE)


def test_dnslet_itself_is_left_out(dnslet, resolv, own):
    resolv("127.53.1.9", "127.53.1.1")
    server = dnslet("--nameservers", f"system,{own}", listen="127.53.1.9:53,127.0.0.1:0")
    assert found_by(server) == [SYSTEM]
    assert server.log("nameservers of system: 127.53.1.1:53$")
    assert server.log(r"warn.* left out because it is this dnslet itself.*127\.53\.1\.9")


def test_a_file_of_rules_may_bring_it_later(dnslet, resolv, own, tmp_path):
    rules = tmp_path / "rules"
    rules.write_text("zone:other.test -> refuse\n")
    server = dnslet("--nameservers", own, "--force-tcp=false", "--rule", f"@{rules}", "--rcache", 0)
    assert found_by(server, "www.corp.test") == [OWN]
    rules.write_text("zone:corp.test -> ask system\n")
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: found_by(server, "www.corp.test") == [SYSTEM], "the rule", 3 * SCALE)
    resolv("127.53.1.2")
    wait_until(lambda: found_by(server, "www.corp.test") == [NEW], "the new server", 3 * SCALE)


def test_a_silent_one_is_passed_over_like_any_server(dnslet, upstream53, own, tmp_path):
    upstream53("127.53.1.3", silent)
    (tmp_path / "resolv.conf").write_text("nameserver 127.53.1.3\n")
    server = dnslet("--nameservers", f"system,{own}", "--upstream-retry", 100)
    assert found_by(server) == [OWN]


def test_a_host_may_be_called_so(dnslet, upstream53, upstream, resolv):
    upstream53("127.53.1.4", with_address(OWN))
    bootstrap = upstream(with_address("127.53.1.4"))
    server = dnslet("--nameservers", "system:53", "--bootstrap", bootstrap.address, "--stubzones", "lan.test/system",
                    "--rcache", 0)
    assert found_by(server, "a.lan.test") == [SYSTEM] and found_by(server) == [OWN]
    resolv("127.53.1.2")
    wait_until(lambda: found_by(server, "a.lan.test") == [NEW], "the new server", 3 * SCALE)
    assert found_by(server) == [OWN]


@pytest.mark.parametrize("flags", [["--stubzones", "./system"], ["--rule", "* -> ask system"]])
def test_it_does_not_stand_in_for_itself(tmp_path, flags):
    (tmp_path / "resolv.conf").write_text("search a.test\n")
    done = run("--resolv-conf", tmp_path / "resolv.conf", *flags)
    assert done.returncode == 2 and "no nameserver to forward to: " in done.stderr


def test_where_nothing_is_forwarded_the_file_is_not_read(dnslet, tmp_path):
    server = dnslet("--no-rec", "--nameservers", "system", "--resolv-conf", tmp_path / "missing")
    assert not server.log("cannot read")


def test_no_set_of_servers_may_be_called_so():
    done = run("--nameservers", "192.0.2.1", "--server", "system=192.0.2.1")
    assert done.returncode == 2 and "system" in done.stderr


def test_what_decides_can_be_seen(resolv, own, tmp_path):
    done = run("--resolv-conf", tmp_path / "resolv.conf", "--nameservers", f"system,{own}", "--print-config")
    assert f"system,{own}" in done.stdout
    done = run("--resolv-conf", tmp_path / "resolv.conf", "--nameservers", f"system,{own}", "--explain", "www.test")
    assert "127.53.1.1:53" in done.stdout and SYSTEM in done.stdout
