# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Servers that are written by name, in a network with a name server of its own: port 53 of an
address of the loopback, as resolv.conf has it."""

import contextlib
import signal
import socket
import subprocess

import pytest
from graphite_test import batch
from harness import (PATIENCE, FakeUpstream, UdpClient, data, from_records, question, run, silent,
                     wait_until, with_address)
from namespaces import PATH, Namespace, skip, why_not
from stathat_server import KEY, StatHat

NAME_SERVER = "127.0.0.53"
HERE, THERE = "127.0.0.5", "127.0.0.6"  # where the server with the name is
PORT = 2003
GRAPHITE = {"GRAPHITE_SERVER": f"carbon.test:{PORT}"}
BOTH = [("carbon.test.", "A"), ("carbon.test.", "AAAA")]


@pytest.fixture(autouse=True)
def network(tmp_path):
    if why_not():
        skip(why_not())
    with Namespace(tmp_path) as world, world.inside():
        yield world


@pytest.fixture
def resolv_conf(tmp_path):
    path = tmp_path / "resolv.conf"
    path.write_text(f"nameserver {NAME_SERVER}\n")
    return path


def name_server(handler, host=NAME_SERVER):
    return FakeUpstream(handler, host=host, port=53)


def at(*addresses, name="carbon.test", ttl=3600):
    """The handler of a name server that knows this name"""
    return from_records(*[f"{name}. {ttl} IN {'AAAA' if ':' in address else 'A'} {address}"
                          for address in addresses])


def asked(server):
    return sorted((question.name, question.type) for question in server.questions)


@contextlib.contextmanager
def graphite(host=HERE):
    """A Graphite server that takes one connection at a time"""
    with socket.create_server((host, PORT)) as listener:
        listener.settimeout(4 * PATIENCE)
        yield listener


def accepted_batch(listener):
    with listener.accept()[0] as connection:
        connection.settimeout(2 * PATIENCE)
        return batch(connection)


def test_a_name_is_resolved_by_the_name_servers_of_resolv_conf(dnslet, resolv_conf):
    with name_server(at(HERE)) as names, graphite() as carbon:
        server = dnslet("--no-rec", resolv_conf=resolv_conf, env=GRAPHITE)
        assert accepted_batch(carbon)
        wait_until(lambda: asked(names) == BOTH, "both families")
        line = server.wait_log("info addresses of a server name=carbon.test")
        assert line.endswith(f"addresses={HERE}")


def test_dnslet_itself_is_never_asked(dnslet, resolv_conf):
    """Although resolv.conf names it first and its hosts file knows the name"""
    resolv_conf.write_text(f"nameserver 127.0.0.1\nnameserver {NAME_SERVER}\n")
    with name_server(at(HERE)) as names, graphite() as carbon:
        server = dnslet("--verbose", listen="127.0.0.1:53", resolv_conf=resolv_conf,
                        hosts=f"{THERE} carbon.test\n", env=GRAPHITE)
        assert accepted_batch(carbon)
        wait_until(lambda: asked(names) == BOTH, "both families")
        assert server.log("left out because it is this dnslet itself server=127.0.0.1:53")
        assert not server.log("info query ")


def test_without_another_name_server_the_log_says_what_to_do(dnslet, resolv_conf):
    resolv_conf.write_text("nameserver 127.0.0.1\n")
    server = dnslet("--no-rec", listen="127.0.0.1:53", resolv_conf=resolv_conf, env=GRAPHITE)
    server.wait_log("warning a server's name can't be resolved name=carbon.test reason="
                    "\"there is no server to ask; set --bootstrap\"")
    with name_server(at(HERE)), graphite() as carbon:
        resolv_conf.write_text(f"nameserver {NAME_SERVER}\n")  # is found out by itself
        assert accepted_batch(carbon)


def test_a_name_server_that_comes_later_is_found(dnslet, resolv_conf):
    server = dnslet("--no-rec", resolv_conf=resolv_conf, env=GRAPHITE)
    server.wait_log("warning a server's name can't be resolved name=carbon.test reason="
                    "\"no server (can be reached|answers)\"", 2 * PATIENCE)
    with name_server(at(HERE)), graphite() as carbon:
        assert accepted_batch(carbon)


def test_the_first_address_that_connects_is_used(dnslet, resolv_conf):
    with name_server(at("2001:db8::1", THERE, HERE)), graphite() as carbon:
        server = dnslet("--no-rec", resolv_conf=resolv_conf, env=GRAPHITE)
        assert accepted_batch(carbon)
        assert not server.log("refused|unreachable"), "a second address is no trouble"


def test_a_name_is_asked_for_again_when_its_addresses_refuse(dnslet, resolv_conf):
    """Whatever the TTL"""
    with name_server(at(HERE)) as names:
        with graphite() as carbon:
            server = dnslet("--no-rec", resolv_conf=resolv_conf, env=GRAPHITE)
            assert accepted_batch(carbon)
            names.handler = at(THERE)
        with graphite(THERE) as carbon:
            assert accepted_batch(carbon)
        assert len(server.log("info addresses of a server")) == 2


def test_an_answer_that_was_cut_is_asked_for_over_tcp(dnslet, resolv_conf):
    whole = at(HERE)

    def cut(question):
        return whole(question) if question.transport == "tcp" else question.answer(tc=True)
    with name_server(cut), graphite() as carbon:
        dnslet("--no-rec", resolv_conf=resolv_conf, env=GRAPHITE)
        assert accepted_batch(carbon)


def test_what_c_ares_reads_from_the_environment_has_no_effect(dnslet, resolv_conf):
    trouble = {"RES_OPTIONS": "use-vc ndots:9", "LOCALDOMAIN": "example.test",
               "HOSTALIASES": "/dev/null"}
    with name_server(at(HERE)) as names, graphite() as carbon:
        dnslet("--no-rec", resolv_conf=resolv_conf, env={**GRAPHITE, **trouble})
        assert accepted_batch(carbon)
        wait_until(lambda: asked(names) == BOTH, "both families")
        assert {question.transport for question in names.questions} == {"udp"}


def test_a_name_server_with_a_scope_is_asked(dnslet, resolv_conf):
    added = subprocess.run(["ip", "address", "add", "fe80::53/64", "dev", "lo", "nodad"],
                           env={"PATH": PATH}, capture_output=True, check=False)
    if added.returncode != 0:
        pytest.skip("no IPv6 here")
    resolv_conf.write_text("nameserver fe80::53%lo\n")
    with name_server(at(HERE), host="::"), graphite() as carbon:
        dnslet("--no-rec", resolv_conf=resolv_conf, env=GRAPHITE)
        assert accepted_batch(carbon)


def test_stathat_s_host_is_a_name_too(dnslet, resolv_conf):
    with name_server(at("127.0.0.1", name="stathat.test")) as names, StatHat() as stathat:
        server = dnslet("--verbose", resolv_conf=resolv_conf,
                        env=stathat.variables("stathat.test"))
        _, headers, stats = stathat.post()
        assert headers["Host"] == f"stathat.test:{stathat.port}"
        assert asked(names) == [("stathat.test.", "A"), ("stathat.test.", "AAAA")]
        assert "dnslet.questions_total.udp.A" not in stats, "it is no client"
        assert not server.log("warning|info query ")


def test_stathat_s_host_is_its_own_by_default(dnslet, resolv_conf):
    with name_server(lambda question: question.nxdomain()) as names:
        server = dnslet(resolv_conf=resolv_conf, env={"STATHAT_USER": KEY})
        server.wait_log("warning a server's name can't be resolved name=api.stathat.com reason="
                        "\"there is no such name\"")
        assert set(asked(names)) == {("api.stathat.com.", "A"), ("api.stathat.com.", "AAAA")}


def test_the_end_does_not_wait_for_a_name(dnslet, resolv_conf):
    with name_server(silent) as names:
        server = dnslet("--no-rec", resolv_conf=resolv_conf, env=GRAPHITE)
        wait_until(lambda: names.questions, "the question")
        server.stop(limit=0.2)


# Nameservers.

SERVER = f"dns.test:{PORT}"


def nameserver(host=HERE, address="192.0.2.1"):
    return FakeUpstream(with_address(address), host=host, port=PORT)


def test_a_nameserver_by_name_is_asked(dnslet, resolv_conf):
    with name_server(at("2001:db8::1", THERE, HERE, name="dns.test")) as names, nameserver():
        server = dnslet("--nameservers", SERVER, "--verbose", resolv_conf=resolv_conf)
        assert server.log(f"info nameservers {SERVER}")
        assert data(server.query("a.test")) == ["192.0.2.1"], "at the first address that answers"
        assert f" via={SERVER} " in server.wait_log("name=a.test")
        wait_until(lambda: {name for name, _ in asked(names)} == {"dns.test."}, "only its name")


@pytest.mark.parametrize("flags", [("--force-tcp",), ()], ids=["force-tcp", "scheme"])
def test_a_nameserver_by_name_is_asked_over_tcp(dnslet, resolv_conf, flags):
    written = SERVER if flags else f"tcp://{SERVER}"
    with name_server(at(THERE, HERE, name="dns.test")), nameserver() as source:
        server = dnslet("--nameservers", written, *flags, resolv_conf=resolv_conf)
        assert data(server.query("a.test")) == ["192.0.2.1"]
        assert {question.transport for question in source.questions} == {"tcp"}


def test_bootstrap_servers_are_asked_in_place_of_those_of_resolv_conf(dnslet, resolv_conf):
    with name_server(silent) as others, nameserver(), \
            FakeUpstream(at(HERE, name="dns.test"), host="127.0.0.54", port=5300) as bootstrap:
        server = dnslet("--nameservers", SERVER, "--bootstrap", bootstrap.address,
                        resolv_conf=resolv_conf)
        assert data(server.query("a.test")) == ["192.0.2.1"]
        assert not others.questions and bootstrap.questions


def test_a_bootstrap_server_that_is_dnslet_itself_is_refused():
    done = run("--listen", "127.0.0.1:5333", "--bootstrap", "127.0.0.1:5333",
               "--nameservers", "dns.test")
    assert done.returncode == 2
    assert "--bootstrap" in done.stderr and "127.0.0.1:5333 is this dnslet itself" in done.stderr


def test_names_of_nameservers_are_not_asked_of_dnslet_itself(dnslet, resolv_conf):
    """Which resolv.conf names first, and which would find the name in its hosts file"""
    resolv_conf.write_text(f"nameserver 127.0.0.1\nnameserver {NAME_SERVER}\n")
    with name_server(at(HERE, name="dns.test")), nameserver():
        server = dnslet("--nameservers", SERVER, "--verbose", listen="127.0.0.1:53",
                        resolv_conf=resolv_conf, hosts=f"{THERE} dns.test\n")
        assert data(server.query("a.test")) == ["192.0.2.1"]
        assert not server.log("name=dns.test type=")


def test_questions_wait_for_a_name_server_that_comes_later(dnslet, resolv_conf):
    with nameserver():
        server = dnslet("--nameservers", SERVER, "--upstream-timeout", "20000",
                        resolv_conf=resolv_conf)
        with UdpClient(server.address) as client:
            client.send(question("a.test"))
            server.wait_log("warning a server's name can't be resolved name=dns.test",
                            2 * PATIENCE)
            with name_server(at(HERE, name="dns.test")):
                assert data(client.receive(4 * PATIENCE)) == ["192.0.2.1"]


@pytest.mark.parametrize("flags", [(), ("--force-tcp",), ("--threads", "3")],
                         ids=["udp", "tcp", "threads"])
def test_a_nameserver_that_moves_is_found_at_its_new_address(dnslet, resolv_conf, flags):
    """Whatever its TTL says"""
    with name_server(at(HERE, name="dns.test")) as names:
        with nameserver():
            server = dnslet("--nameservers", SERVER, "--upstream-timeout", "1000", *flags,
                            resolv_conf=resolv_conf)
            assert data(server.query("a.test")) == ["192.0.2.1"]
            names.handler = at(THERE, name="dns.test")
        with nameserver(THERE, "192.0.2.2"):
            wait_until(lambda: data(server.query("b.test")) == ["192.0.2.2"],
                       "the new address", 2 * PATIENCE)
        assert len(server.log("info addresses of a server name=dns.test")) == 2


def test_old_addresses_stay_while_the_name_server_is_gone(dnslet, resolv_conf):
    with nameserver():
        with name_server(at(HERE, name="dns.test")):
            server = dnslet("--nameservers", SERVER, resolv_conf=resolv_conf)
            assert data(server.query("a.test")) == ["192.0.2.1"]
        resolv_conf.write_text("nameserver 127.0.0.99\n")
        server.send_signal(signal.SIGHUP)
        server.wait_log("reloaded")
        assert data(server.query("b.test")) == ["192.0.2.1"]


def test_a_stub_zone_has_servers_by_name(dnslet, resolv_conf):
    with name_server(at(HERE, name="dns.test")), nameserver(), \
            FakeUpstream(with_address("192.0.2.9")) as other:
        server = dnslet("--stubzones", f"corp.test/{SERVER}", to=[other],
                        resolv_conf=resolv_conf)
        assert data(server.query("a.corp.test")) == ["192.0.2.1"]
        assert data(server.query("a.test")) == ["192.0.2.9"]


def test_explain_asks_a_nameserver_by_name(resolv_conf):
    with name_server(at(HERE, name="dns.test")), nameserver():
        done = run("--nameservers", SERVER, "--resolv-conf", resolv_conf, "--explain", "a.test")
        assert done.returncode == 0, done.stdout + done.stderr
        assert SERVER in done.stdout and "192.0.2.1" in done.stdout
