# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 6: what dnslet reads in resolv.conf, and when.

The file has no ports: these upstreams need port 53 on addresses of 127/8 that nobody uses."""

import os
import signal

import pytest
from harness import (SCALE, UdpClient, data, question, run, silent, wait_until, with_address)


@pytest.fixture
def resolv(tmp_path):
    """resolv(text) writes the file that dnslet is started with."""
    def write(text):
        (tmp_path / "resolv.conf").write_text(text)
    return write


def test_without_nameservers_resolv_conf_is_read(dnslet, upstream53, resolv):
    upstream53("127.53.1.1", with_address("192.0.2.1"))
    resolv("# comment\nsearch a.test\nnameserver 127.53.1.1\noptions ndots:2 timeout:1 rotate\n")
    assert data(dnslet().query("www.test")) == ["192.0.2.1"]


def test_rotate_in_resolv_conf_is_ignored(dnslet, upstream53, resolv):
    upstream53("127.53.1.1", with_address("192.0.2.1"))
    second = upstream53("127.53.1.2", with_address("192.0.2.2"))
    resolv("nameserver 127.53.1.1\nnameserver 127.53.1.2\noptions rotate attempts:1\n")
    server = dnslet()
    assert {data(server.query(f"n{i}.test"))[0] for i in range(20)} == {"192.0.2.1"}
    assert not second.questions


def test_use_vc_in_resolv_conf_makes_upstream_tcp(dnslet, upstream53, resolv):
    source = upstream53("127.53.1.1", with_address())
    resolv("nameserver 127.53.1.1\noptions use-vc\n")
    dnslet().query("www.test")
    assert [q.transport for q in source.questions] == ["tcp"]


def test_the_flag_wins_over_use_vc(dnslet, upstream53, resolv):
    source = upstream53("127.53.1.1", with_address())
    resolv("nameserver 127.53.1.1\noptions use-vc\n")
    dnslet("--force-tcp=false").query("www.test")
    assert [q.transport for q in source.questions] == ["udp"]


@pytest.mark.parametrize("words", [
    ("--nameservers", "192.0.2.1,127.0.0.1"), ("--nameservers", "0.0.0.0"),
    ("--stubzones", "a.test/127.0.0.1", "--nameservers", "192.0.2.1")])
def test_an_option_that_names_dnslet_itself_is_refused(words):
    done = run("--listen", "127.0.0.1:53", *words)
    assert done.returncode == 2
    assert f"dnslet: {words[0]} (DNSMASQ_" in done.stderr
    assert "is this dnslet itself; name another server" in done.stderr


def test_a_file_that_was_named_and_is_missing_is_told(dnslet, upstream, tmp_path):
    source = upstream(with_address())
    server = dnslet("--resolv-conf", tmp_path / "missing", to=[source])
    assert server.log("warning cannot read .*missing.*set --resolv-conf")
    quiet = dnslet("--resolv-conf", "/dev/null", to=[source])
    assert not quiet.log("cannot read")


def test_an_empty_file_is_not_said_to_name_dnslet(tmp_path):
    (tmp_path / "resolv.conf").write_text("search one.test\n")
    done = run("--resolv-conf", tmp_path / "resolv.conf")
    assert done.returncode == 2 and "resolv.conf' names none; set" in done.stderr


UNUSABLE = ["10.0.0.1:5353", "[::1]", "[::1]:53", "10.0.0.1,10.0.0.2", "dns.test"]


@pytest.mark.parametrize("address", UNUSABLE)
def test_an_unusable_nameserver_is_why_it_does_not_start(tmp_path, address):
    (tmp_path / "resolv.conf").write_text(f"nameserver {address}\n")
    done = run("--resolv-conf", tmp_path / "resolv.conf")
    assert done.returncode == 2
    assert f"names none that can be used: '{address}' is not an IP address alone" in done.stderr


def test_each_unusable_nameserver_gets_one_warning(dnslet, upstream53, resolv):
    upstream53("127.53.1.1", with_address("192.0.2.1"))
    lines = "".join(f"nameserver {address}\n" for address in UNUSABLE)
    resolv(lines + "nameserver 127.53.1.1\n")
    server = dnslet()
    assert data(server.query("www.test")) == ["192.0.2.1"]
    server.send_signal(signal.SIGHUP)
    server.wait_log("reloaded")
    warnings = server.log("warning nameserver left out, it is not an IP address alone")
    assert len(warnings) == len(UNUSABLE)
    for address, line in zip(UNUSABLE, warnings):
        assert f"nameserver={address}" in line


def test_its_own_address_in_resolv_conf_is_left_out_with_a_warning(dnslet, upstream53, resolv):
    upstream53("127.53.1.1", with_address("192.0.2.1"))
    resolv("nameserver 127.53.1.9\nnameserver 127.53.1.1\n")
    server = dnslet(listen="127.53.1.9:53,127.0.0.1:0")
    assert data(server.query("www.test")) == ["192.0.2.1"]
    assert server.wait_log(r"warn.*127\.53\.1\.9")


@pytest.mark.parametrize("entry", ["# added by dnslet: 127.53.1.2\nnameserver 127.53.1.2\n",
                                   "nameserver 127.53.1.2 # added by dnslet\n"],
                         ids=["", "older form"])
def test_entries_of_a_crashed_run_are_read_as_if_restored(dnslet, upstream53, resolv, entry):
    wrong = upstream53("127.53.1.2", with_address("192.0.2.2"))
    upstream53("127.53.1.1", with_address("192.0.2.1"))
    resolv(entry + "# dnslet: nameserver 127.53.1.1\n")
    assert data(dnslet().query("www.test")) == ["192.0.2.1"]
    assert not wrong.questions


def replace(path, text):
    """As editors and network managers do: a new file takes the name"""
    new = path.with_name("new")
    new.write_text(text)
    os.rename(new, path)


@pytest.mark.parametrize("write", [lambda path, text: path.write_text(text), replace],
                         ids=["rewritten", "replaced"])
@pytest.mark.parametrize("number", [None, signal.SIGHUP], ids=["watched", "sighup"])
def test_a_changed_resolv_conf_is_taken_over(dnslet, upstream53, tmp_path, resolv, write, number):
    upstream53("127.53.1.1", with_address("192.0.2.1"))
    upstream53("127.53.1.2", with_address("192.0.2.2"))
    resolv("nameserver 127.53.1.1\n")
    server = dnslet()
    assert data(server.query("first.test")) == ["192.0.2.1"]
    write(tmp_path / "resolv.conf", "nameserver 127.53.1.2\n")
    if number:
        server.send_signal(number)
    wait_until(lambda: data(server.query("www.test")) == ["192.0.2.2"], "the new server",
               3 * SCALE)


def test_a_question_survives_the_change_of_its_nameservers(dnslet, upstream53, tmp_path, resolv):
    held = upstream53("127.53.1.1", silent)
    upstream53("127.53.1.2", with_address("192.0.2.2"))
    resolv("nameserver 127.53.1.1\n")
    server = dnslet("--upstream-timeout", 1000)
    with UdpClient(server.address) as client:
        client.send(question("held.test"))
        held.wait_asked(1)
        (tmp_path / "resolv.conf").write_text("nameserver 127.53.1.2\n")
        server.send_signal(signal.SIGHUP)
        wait_until(lambda: data(server.query("www.test")) == ["192.0.2.2"], "the new server")
        assert client.receive().question[0].name.to_text() == "held.test."
