# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 9: log lines. Every test's teardown checks the format of all lines as well."""

import itertools
import os
import re
import signal
import socket

import pytest
from harness import (Dnslet, Later, UdpClient, free_port, only_rcode, question, run, wait_until,
                     with_address)

QUERY = re.compile(r"Z info query client=(\S+) proto=(udp|tcp) name=(\S*) type=(\S+) rcode=(\S+) "
                   r"answer=(.*?) source=(\w+)(?: via=(\S+))? ms=(\d+\.\d+)$")


def everything(asked):
    if asked.name.startswith("no."):
        return asked.nxdomain()
    if asked.name.startswith("fail."):
        return asked.answer(rcode="SERVFAIL")
    return with_address("192.0.2.1")(asked)


@pytest.fixture
def source(upstream):
    return upstream(everything)


@pytest.fixture
def server(dnslet, source):
    return dnslet("--verbose", "--rcache", 10, "--address", "static.test=192.0.2.9", "--block",
                  "ads.test", "--filter", "aaaa", to=[source], hosts="192.0.2.10 nas.test\n")


def fields(server, name):
    """The parts of the last query line for `name`"""
    server.wait_log(rf" query .*name={re.escape(name)}\.? ")
    line = server.log(rf" query .*name={re.escape(name)}\.? ")[-1]
    found = QUERY.search(line)
    assert found, line
    keys = ("client", "proto", "name", "type", "rcode", "answer", "source", "via", "ms")
    return dict(zip(keys, found.groups()))


@pytest.mark.parametrize("name,rdtype,rdclass,rcode,answer,origin", [
    ("nas.test", "A", "IN", "NOERROR", "192.0.2.10", "hosts"),
    ("nas.test", "AAAA", "IN", "NOERROR", "", "hosts"),
    ("static.test", "A", "IN", "NOERROR", "192.0.2.9", "address"),
    ("x.ads.test", "A", "IN", "NXDOMAIN", "", "block"),
    ("localhost", "A", "IN", "NOERROR", "127.0.0.1", "special"),
    ("foo.invalid", "A", "IN", "NXDOMAIN", "", "special"),
    ("www.example", "AAAA", "IN", "NOERROR", "", "filter"),
    ("version.bind", "TXT", "CH", "NOERROR", "", "chaos"),
    ("www.example", "A", "IN", "NOERROR", "192.0.2.1", "upstream"),
    ("no.example", "A", "IN", "NXDOMAIN", "", "upstream"),
    ("www.example", "AXFR", "IN", "REFUSED", "", "refused"),
    ("www.example", "A", "HS", "REFUSED", "", "refused")])
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_a_query_line_has_every_field(server, source, name, rdtype, rdclass, rcode, answer, origin,
                                      tcp):
    server.query(name, rdtype, rdclass, tcp=tcp)
    line = fields(server, name)
    assert line["client"].startswith("127.0.0.1")
    assert (line["proto"], line["type"]) == ("tcp" if tcp else "udp", rdtype)
    assert (line["rcode"], line["source"]) == (rcode, origin)
    assert answer in line["answer"]
    assert (line["via"] == source.address) == (origin == "upstream"), line


def test_the_source_of_a_repeated_answer_is_the_cache(server):
    server.query("www.example")
    server.query("www.example")
    wait_until(lambda: fields(server, "www.example")["source"] == "cache", "source=cache")


def test_the_source_of_a_failure_is_an_error(server, source):
    source.stop()
    server.query("fail.example")
    line = fields(server, "fail.example")
    assert (line["rcode"], line["source"]) == ("SERVFAIL", "error")


def test_no_rec_and_allow_are_refused_in_the_log(dnslet):
    server = dnslet("--verbose", "--no-rec", "--allow", "127.0.0.1")
    server.query("one.test")
    server.query("two.test", bind="127.0.0.2")
    assert fields(server, "one.test")["source"] == "refused"
    line = fields(server, "two.test")
    assert line["source"] == "refused" and line["client"].startswith("127.0.0.2")


def test_the_time_taken_is_in_milliseconds(dnslet, upstream):
    slow = upstream(lambda q: Later(0.1, with_address()(q)))
    server = dnslet("--verbose", to=[slow])
    server.query("slow.test")
    assert 95 <= float(fields(server, "slow.test")["ms"]) < 1000


def test_without_verbose_queries_are_not_logged(dnslet, source):
    server = dnslet(to=[source], hosts="192.0.2.10 nas.test\n")
    server.query("nas.test"), server.query("www.example")
    server.stop()
    assert not server.log(" query ")


@pytest.mark.parametrize("level,levels", [
    ("debug", {"info", "warning"}), ("info", {"info", "warning"}), ("warning", {"warning"}), ("ERROR", set())])
def test_the_level_chooses_the_lines(source, tmp_path, level, levels):
    port = free_port()
    broken = tmp_path / "hosts"
    broken.write_text("no-address nas.test\n192.0.2.10 nas.test\n")
    server = Dnslet("--nameservers", source.address, "--hostsfile", broken, "--rcache-ttl", 5, directory=tmp_path,
                    listen=f"127.0.0.1:{port}", env={"DNSMASQ_LOG_LEVEL": level}).spawn()
    try:
        with UdpClient(("127.0.0.1", port)) as client:
            def asked():
                client.send(question("www.example"))
                return client.receive(0.2)
            wait_until(lambda: only_if_there(asked), "an answer")
        server.send_signal(signal.SIGUSR1)
        server.stop()
    finally:
        server.kill()
    assert {line.split()[1] for line in server.lines} == levels
    assert bool(server.log(" query client=")) == (level == "debug")
    assert bool(server.stderr()) == (level != "ERROR"), "the warning about --rcache-ttl"


def only_if_there(asked):
    try:
        return asked()
    except (AssertionError, OSError):
        return None


def test_a_level_below_info_has_no_room_for_questions():
    result = run("--no-rec", "--verbose", "--log-level=warning", "--hostsfile=/no/such/file")
    assert "--verbose (DNSMASQ_VERBOSE) has no effect below --log-level info" in result.stderr
    result = run("--no-rec", "--verbose", "--log-level=error", "--hostsfile=/no/such/file")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and "/no/such/file" in result.stderr


def test_every_query_has_exactly_one_line(server):
    for i in range(200):
        server.query(f"n{i % 50}.example", tcp=i % 5 == 0)
    wait_until(lambda: len(server.log(" query ")) == 200, "200 lines")


@pytest.mark.parametrize("label", [b"a\nb", b"a\x1b[31mb", b"a b", b"a\"b", b"a\xffb", b"a=b c=d"],
                         ids=["newline", "escape", "blank", "quote", "high byte", "equals"])
def test_a_name_from_the_network_cannot_forge_a_line_or_a_field(server, label):
    name = bytes([len(label)]) + label + b"\x04test\x00"
    server.exchange(b"\x12\x34\x01\x00\x00\x01" + b"\0" * 6 + name + b"\x00\x01\x00\x01")
    server.query("after.test")
    fields(server, "after.test")
    lines = server.log(" query ")
    assert len(lines) == 2 and all(QUERY.search(line) for line in lines), lines
    assert all(0x20 <= ord(letter) < 0x7f for letter in lines[0])


def test_the_longest_names_leave_the_line_whole(dnslet, upstream):
    longest = ".".join(["\\255" * 60] * 4) + "."
    other = ".".join(["\\254" * 60] * 4) + "."
    source = upstream(lambda q: q.answer(f"{longest} 60 IN CNAME {other}",
                                         f"{other} 60 IN A 192.0.2.1"))
    server = dnslet("--verbose", to=[source])
    server.query(longest)
    assert QUERY.search(server.wait_log(" query "))


def shape(line):
    """A line without its time, numbers and values: what kind of event it tells"""
    return re.sub(r"=\S+|[\d.:]+", "#", line.split(" ", 1)[1])


@pytest.mark.parametrize("trouble", ["stopped", "servfail"])
def test_an_error_that_repeats_is_one_line_in_ten_seconds(dnslet, upstream, trouble):
    source = upstream(only_rcode("SERVFAIL"))
    if trouble == "stopped":
        source.stop()
    server = dnslet("--upstream-timeout", 500, to=[source])
    for i in range(100):
        server.query("repeated.test" if i % 2 else f"n{i}.test")
    server.stop()
    shapes = [shape(line) for line in server.lines]
    assert len(shapes) < 10, server.lines
    assert [kind for kind in set(shapes) if shapes.count(kind) > 1] == [], server.lines


def lost_lines(server):
    """The sum of what the log says was lost"""
    told = [line.split(" ", 1)[1] for line in server.log("lost|drop|discard|skip|miss")]
    return sum(int(number) for line in told for number in re.findall(r"\b\d+\b", line))


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_a_reader_that_does_not_keep_up_loses_counted_lines_and_holds_nobody_up(dnslet, terminal):
    server = dnslet("--verbose", "--no-rec", hosts="192.0.2.10 nas.test\n", terminal=terminal)
    server.reading.clear()
    with UdpClient(server.address) as client:
        wire = question("nas.test").to_wire()
        for _ in range(20000):  # far more than a pipe holds
            client.send(wire)
            client.receive_wire(2)
    server.reading.set()
    later = itertools.count(20001)

    def all_accounted_for():
        server.query("nas.test")
        sent = next(later)
        return lost_lines(server) == sent - len(server.log(" query "))
    wait_until(all_accounted_for, "lines that came and lines that were lost are all lines")
    assert lost_lines(server) > 0


def namespace_with_dev_log(directory):
    """Words in front of a program that then finds `directory` as /dev"""
    if os.geteuid() != 0 or os.system("unshare --mount true 2>/dev/null") != 0:
        pytest.skip("needs root and mount namespaces")
    for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
        try:
            os.mknod(directory / name, 0o20666, os.makedev(1, minor))
        except OSError as error:
            pytest.skip(f"no device nodes: {error}")
    script = f'mount --bind "{directory}" /dev && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh"]


def test_syslog_gets_the_lines_instead_of_standard_output(tmp_path):
    dev = tmp_path / "dev"
    dev.mkdir()
    wrapper = namespace_with_dev_log(dev)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(dev / "log"))
        log.settimeout(5)
        server = Dnslet("--syslog", "--no-rec", directory=tmp_path, wrapper=wrapper).spawn()
        try:
            line = log.recv(4096).decode()
            while "ready: udp+tcp" not in line:
                line = log.recv(4096).decode()
            assert line.startswith("<30>"), "facility daemon, level info"
            assert "dnslet" in line
            server.stop()
        finally:
            server.kill()
        assert not server.lines and not server.stderr()


def test_without_a_syslog_daemon_it_says_where_the_lines_went(tmp_path):
    dev = tmp_path / "dev"
    dev.mkdir()
    wrapper = namespace_with_dev_log(dev)
    server = Dnslet("--syslog", "--no-rec", directory=tmp_path, wrapper=wrapper).spawn()
    try:
        wait_until(server.stderr, "a word about it")
        server.stop()
    finally:
        server.kill()
    assert server.stderr().count("nobody reads /dev/log") == 1


def first_line(server):
    assert "Z info dnslet " in server.lines[0], server.lines
    found = re.search(r'Z info dnslet (\S+) libraries="([^"]*)" cache=("[^"]*"|\S+) '
                      r'search=("[^"]*"|\S+) rules=("[^"]*"|\S+)$', server.lines[0])
    assert found, server.lines[0]
    version, libraries, *rest = found.groups()
    told = run("--version").stdout
    assert version in told and libraries in told
    return [text.strip('"') for text in rest]


def test_the_first_line_tells_what_is_in_force(dnslet, source, tmp_path):
    bare = dnslet(to=[source])
    assert first_line(bare) == ["off, see --rcache", "off", "none"]
    file = tmp_path / "searching.conf"
    file.write_text("search a.test b.test\noptions ndots:3\n")
    full = dnslet("--rcache", 10, "--enable-search", "--block", "ads.test,x.test", "--filter", "aaaa",
                  "--allow", "127.0.0.0/8", "--stubzones", f"z.test/{source.address}", to=[source],
                  resolv_conf=file, hosts="nonsense\n")
    assert first_line(full) == [
        "10 answers", "a.test b.test ndots:3",
        "clients of 1 network, 2 domains blocked, no AAAA, 1 stub zone"]
    assert full.log("hosts line skipped"), "nothing comes before the first line"


def test_the_first_line_tells_a_given_search_list_that_is_long(dnslet, source):
    domains = ",".join(f"d{number}.test" for number in range(100))
    server = dnslet("--enable-search", "--search-domains", domains, to=[source])
    search = first_line(server)[1]
    assert search.startswith("d0.test d1.test ") and search.endswith(" and 92 more ndots:1")


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_clients_that_are_refused_are_named_once_in_ten_seconds(dnslet, source, tcp):
    server = dnslet("--allow", "127.0.0.2/32", to=[source])
    for client in ("127.0.0.3", "127.0.0.3", "127.0.0.4", "127.0.0.5"):
        assert server.query("a.test", tcp=tcp, bind=client).rcode() == 5
    line = server.wait_log("client refused")
    assert "warning" in line and "client=127.0.0.3" in line and "--allow (DNSMASQ_ALLOW)" in line
    server.query("b.test", bind="127.0.0.2")
    assert len(server.log("client refused")) == 1


def test_what_is_refused_to_clients_that_are_allowed_is_not_their_fault(dnslet):
    server = dnslet("--no-rec", "--allow", "127.0.0.1")
    assert server.query("a.test").rcode() == 5
    assert server.query("a.test", "AXFR", tcp=True).rcode() == 5
    server.send_signal(signal.SIGUSR1)
    server.wait_log("metric=dnslet_uptime_seconds")  # all that was refused is logged before
    assert not server.log("client refused")


def test_the_last_line_of_a_start_that_fails_is_why():
    """OpenRC shows it, and standard output and error are one file there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        done = run("--listen", taken, "--nameservers", "192.0.2.1", wrapper=["sh", "-c", 'exec "$@" 2>&1', "sh"])
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert len(lines) > 1 and lines[-1].startswith("dnslet: cannot bind"), lines
