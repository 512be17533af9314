# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""--log-format json. Every test's teardown checks that each line is an object of JSON as well."""

import json
import re
import signal
import socket

import pytest
from harness import Dnslet, run, wait_until, with_address
from log_test import namespace_with_dev_log


def objects(server, message):
    return [line for line in map(json.loads, list(server.lines)) if line["message"] == message]


def wait_object(server, message):
    return wait_until(lambda: objects(server, message), f"{message!r} in {server.lines}")[-1]


@pytest.fixture
def server(dnslet, upstream):
    return dnslet("--verbose", "--log-format", "json", to=[upstream(with_address("192.0.2.1"))],
                  hosts="192.0.2.10 nas.test\n")


def test_a_query_is_an_object_with_typed_fields(server):
    server.query("www.example")
    line = wait_object(server, "query")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["time"])
    assert line["level"] == "info"
    assert (line["client"], line["proto"], line["type"]) == ("127.0.0.1", "udp", "A")
    assert (line["name"].rstrip("."), line["rcode"]) == ("www.example", "NOERROR")
    assert (line["answer"], line["source"]) == ("192.0.2.1", "upstream")
    assert line["via"] in server.words
    assert isinstance(line["ms"], float)


def test_the_variable_asks_for_json_too(dnslet):
    server = dnslet("--no-rec", "--log-format=text", env={"DNSMASQ_LOG_FORMAT": "json"})
    assert server.log("Z info ready:"), "the flag wins"
    result = run("--print-config", "--no-rec", env={"DNSMASQ_LOG_FORMAT": "json"})
    assert "log-format = json  (DNSMASQ_LOG_FORMAT)" in result.stdout


@pytest.mark.parametrize("label", [b"a\nb", b"a\x1b[31mb", b"a b", b"a\"b", b"a\\b", b"a\xffb",
                                   b"\xc3(", b"\xed\xa0\x80", b"\x00", b"\"}", b"\xff" * 63],
                         ids=repr)
def test_a_name_from_the_network_cannot_break_the_object(server, label):
    name = bytes([len(label)]) + label + b"\x04test\x00"
    server.exchange(b"\x12\x34\x01\x00\x00\x01" + b"\0" * 6 + name + b"\x00\x01\x00\x01")
    line = wait_object(server, "query")
    assert line["name"].rstrip(".").endswith(".test")
    assert set(line) == {"time", "level", "message", "client", "proto", "name", "type", "rcode",
                         "answer", "source", "via", "ms"}


def test_the_longest_names_and_answers_make_an_object_too(dnslet, upstream):
    label = "\\255" * 63
    target = ".".join([label, label, label, "\\255" * 61]) + "."
    source = upstream(lambda q: q.answer(*[f"{q.name} 60 IN NS {target}"] * 8))
    server = dnslet("--verbose", "--log-format", "json", to=[source])
    wire = b"".join(b"\x3f" + b"\\" * 63 for _ in range(3)) + b"\x3d" + b"\"" * 61 + b"\0"
    server.exchange(b"\x12\x34\x01\x00\x00\x01" + b"\0" * 6 + wire + b"\x00\x02\x00\x01", tcp=True)
    line = wait_object(server, "query")
    assert line["rcode"] == "NOERROR" and len(line["answer"]) > 500


def test_a_file_name_that_is_no_utf8_makes_a_valid_object(dnslet, tmp_path):
    path = bytes(tmp_path) + b"/h\xff\n"
    with open(path, "w", encoding="ascii") as file:
        file.write("x y\n")
    server = dnslet("--no-rec", "--log-format", "json", "--hostsfile",
                    path.decode("utf-8", "surrogateescape"))
    line = wait_object(server, "hosts line skipped")
    assert line["file"].endswith("/h\ufffd\n")
    assert line["line"] == 1 and line["level"] == "warning"


def test_syslog_gets_objects_behind_its_head(tmp_path):
    dev = tmp_path / "dev"
    dev.mkdir()
    wrapper = namespace_with_dev_log(dev)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(dev / "log"))
        log.settimeout(5)
        server = Dnslet("--syslog", "--no-rec", "--log-format", "json", directory=tmp_path,
                        wrapper=wrapper).spawn()
        try:
            head, _, text = log.recv(4096).decode().partition("]: ")
            assert head.startswith("<30>") and "dnslet[" in head
            assert json.loads(text)["level"] == "info"
            while not json.loads(text)["message"].startswith("ready: udp+tcp"):
                text = log.recv(4096).decode().partition("]: ")[2]
            server.stop(signal.SIGTERM)
        finally:
            server.kill()
        assert not server.lines


@pytest.mark.parametrize("flags,env,status", [
    (["--log-format=json", "--rcache=many"], {}, 2),
    (["--rcache=many"], {"DNSMASQ_LOG_FORMAT": "json"}, 2),
    (["-log-format", "JSON", "--no-such-flag"], {}, 2),
    (["--log-format=json", "--hostsfile=/no/such/file"], {}, 2),
    (["--log-format=json", "--listen=198.51.100.77:53"], {}, 1),
    (["--log-format=json", "--rcache"], {}, 2)])
def test_a_fatal_error_is_an_object_too(flags, env, status):
    result = run("--no-rec", "--listen=127.0.0.1:0", "--resolv-conf=/dev/null", *flags, env=env)
    assert result.returncode == status
    line = json.loads(result.stderr)
    assert set(line) == {"time", "level", "message"} and line["level"] == "error"
    assert not line["message"].startswith("dnslet:")


def test_a_warning_about_options_is_an_object_too():
    result = run("--no-rec", "--listen=127.0.0.1:0", "--resolv-conf=/dev/null", "--log-format=json",
                 "--rcache-ttl=5", "--hostsfile=/no/such/file")
    warning, error = map(json.loads, result.stderr.splitlines())
    assert (warning["level"], error["level"]) == ("warning", "error")
    assert "no effect" in warning["message"]


def test_a_fatal_error_is_a_sentence_where_the_log_is_text():
    result = run("--log-format=text", "--rcache=many", env={"DNSMASQ_LOG_FORMAT": "json"})
    assert result.stderr.startswith("dnslet: --rcache: 'many' is not")
