# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""What go-dnsmasq does wrong (design.md, section 6), each as a test that fails for that defect.

Three are next to their like: the third nameserver in upstream_order_test, the wildcard socket's
source address in listen_test, the linear scan of the hosts file in hosts_reload_test."""

import ctypes
import os
import select
import struct

import dns.flags
import pytest
from harness import (SCALE, UdpClient, data, only_rcode, question, records, ttls, wait_until,
                     with_address)

NOERROR, SERVFAIL, REFUSED = 0, 2, 5
REVERSE6 = "0.1.0.0." + "0.0.0.0." * 5 + "8.b.d.0.1.0.0.2.ip6.arpa"


@pytest.fixture
def source(upstream):
    return upstream(with_address("198.51.100.1", ttl=300))


def test_1_cached_records_are_not_returned_with_undiminished_ttls(dnslet, source):
    server = dnslet("--rcache", 10, to=[source])
    assert ttls(server.query("www.test")) == [300]
    wait_until(lambda: ttls(server.query("www.test"))[0] < 300, "a smaller TTL", 2.5 * SCALE)
    assert len(source.questions) == 1


def test_1_records_are_not_kept_beyond_their_ttl(dnslet, upstream):
    source = upstream(with_address(ttl=1))
    server = dnslet("--rcache", 10, "--rcache-ttl", 60, to=[source])
    server.query("www.test")
    wait_until(lambda: server.query("www.test") and len(source.questions) > 1, "asked again",
               2.5 * SCALE)


def test_2_a_full_cache_is_not_emptied_whole(dnslet, source):
    server = dnslet("--rcache", 10, to=[source])
    for i in range(11):
        server.query(f"n{i}.test")
    for i in range(1, 11):
        server.query(f"n{i}.test")
    assert len(source.questions) == 11


def test_3_a_truncated_answer_is_not_kept_and_given_out_as_whole(dnslet, upstream):
    """Upstream cuts over UDP and its TCP does not answer: the whole cannot be had."""
    source = upstream(lambda q: q.answer(f"{q.name} 300 IN A 192.0.2.1", tc=True)
                      if q.transport == "udp" else None)
    server = dnslet("--rcache", 10, "--upstream-timeout", 400, to=[source])
    for _ in range(2):
        answer = server.query("www.test")
        assert answer.rcode() == SERVFAIL or answer.flags & dns.flags.TC
    source.handler = with_address("192.0.2.2")
    wait_until(lambda: data(server.query("www.test")) == ["192.0.2.2"], "the whole answer",
               2.5 * SCALE)


def test_3_an_answer_cut_for_one_client_is_whole_for_the_next(dnslet, upstream):
    source = upstream(lambda q: q.answer(*[f"{q.name} 300 IN A 192.0.2.{i}" for i in range(60)]))
    server = dnslet("--rcache", 10, to=[source])
    for _ in range(2):
        cut = server.query("www.test")
        assert cut.flags & dns.flags.TC and len(data(cut)) < 60
        whole = server.query("www.test", edns=True)
        assert not whole.flags & dns.flags.TC and len(data(whole)) == 60


@pytest.mark.parametrize("rcode", ["REFUSED", "SERVFAIL"])
def test_4_refused_and_servfail_are_not_kept_for_a_minute(dnslet, upstream, rcode):
    source = upstream(only_rcode(rcode))
    server = dnslet("--rcache", 10, to=[source])
    assert server.query("www.test").rcode() in (SERVFAIL, REFUSED)
    source.handler = with_address()
    wait_until(lambda: data(server.query("www.test")) == ["192.0.2.1"], "a good answer",
               2.5 * SCALE)


def test_5_the_cache_ignores_case(dnslet, source):
    server = dnslet("--rcache", 10, to=[source])
    for name in ("www.example.test", "WWW.EXAMPLE.TEST", "wWw.eXample.Test"):
        answer = server.query(name)
        assert data(answer) == ["198.51.100.1"]
        assert answer.question[0].name.to_text() == name + "."
    assert len(source.questions) == 1


def test_5_the_cache_does_not_ignore_the_class(dnslet, upstream):
    source = upstream(lambda q: q.answer(f'{q.name} 300 IN TXT "from the internet"'))
    server = dnslet("--rcache", 10, to=[source])
    for _ in range(2):
        assert data(server.query("version.bind", "TXT", "IN")) == ['"from the internet"']
        assert data(server.query("version.bind", "TXT", "CH")) != ['"from the internet"']
        assert server.query("version.bind", "TXT", "HS").rcode() == REFUSED
    assert len(source.questions) == 1


def test_8_a_cut_upstream_answer_is_asked_again_over_tcp(dnslet, upstream):
    lines = [f"192.0.2.{i}" for i in range(200)]  # 3,200 bytes
    source = upstream(lambda q: q.answer(*[f"{q.name} 300 IN A {address}" for address in lines]))
    assert data(dnslet(to=[source]).query("www.test", tcp=True)) == lines
    assert [asked.transport for asked in source.questions] == ["udp", "tcp"]


@pytest.mark.parametrize("hosts,missing", [("192.0.2.10 nas.test\n", "AAAA"),
                                           ("2001:db8::1 nas.test\n", "A"),
                                           ("192.0.2.10 *.test\n", "AAAA")])
def test_9_a_hosts_name_with_one_family_does_not_forward_the_other(dnslet, source, hosts, missing):
    answer = dnslet(to=[source], hosts=hosts).query("nas.test", missing)
    assert (answer.rcode(), data(answer)) == (NOERROR, [])
    assert not source.questions


@pytest.mark.parametrize("rdtype", ["TXT", "A", "AAAA", "NS", "SOA"])
def test_10_other_types_of_a_reverse_name_are_not_taken_for_ptr(dnslet, upstream, rdtype):
    source = upstream(only_rcode("NXDOMAIN"))
    server = dnslet(to=[source], hosts="2001:db8::10 six.test\n192.0.2.10 four.test\n")
    assert data(server.query(REVERSE6, "PTR")) == ["six.test."]
    assert data(server.query("10.2.0.192.in-addr.arpa", "PTR")) == ["four.test."]
    for name in (REVERSE6, "10.2.0.192.in-addr.arpa"):
        answer = server.query(name, rdtype)  # NODATA: the name exists
        assert (answer.rcode(), records(answer.answer)) == (NOERROR, [])
    answer = server.query("six.test", "PTR")
    assert (answer.rcode(), answer.answer) == (NOERROR, [])
    assert server.query("7.test", "PTR").rcode() == 3


def test_11_null_addresses_are_served_as_they_are(dnslet, source):
    server = dnslet(to=[source], hosts="0.0.0.0 ads.test\n:: ads.test\n0.0.0.0 *.bad.test\n")
    assert data(server.query("ads.test")) == ["0.0.0.0"]
    assert data(server.query("ads.test", "AAAA")) == ["::"]
    assert data(server.query("very.bad.test")) == ["0.0.0.0"]
    assert not source.questions


def test_11_a_one_letter_host_name_is_a_name(dnslet):
    server = dnslet("--no-rec", hosts="192.0.2.10 x\n192.0.2.11 *.y\n")
    assert data(server.query("x")) == ["192.0.2.10"]
    assert data(server.query("a.y")) == ["192.0.2.11"]
    for name in (".", "*", "a", "y"):
        assert server.query(name).rcode() == REFUSED


class WriteWatch:
    """inotify: has anybody opened `path` for writing, changed or replaced it since?"""

    IN_MODIFY, IN_ATTRIB, IN_CLOSE_WRITE, IN_MOVE_SELF, IN_DELETE_SELF = 2, 4, 8, 0x800, 0x400

    def __init__(self, path):
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init()
        mask = (self.IN_MODIFY | self.IN_ATTRIB | self.IN_CLOSE_WRITE | self.IN_MOVE_SELF
                | self.IN_DELETE_SELF)
        assert libc.inotify_add_watch(self.descriptor, os.fsencode(path), mask) >= 0

    def events(self):
        """The masks seen so far; the watched program must have ended: a file is closed by then"""
        masks = []
        while select.select([self.descriptor], [], [], 0)[0]:
            piece = os.read(self.descriptor, 4096)
            while piece:
                _, mask, _, length = struct.unpack("iIII", piece[:16])
                masks.append(mask)
                piece = piece[16 + length:]
        return masks


@pytest.mark.parametrize("flags", [[], ["--nameservers", "192.0.2.1"]], ids=["read", "not needed"])
def test_12_resolv_conf_is_not_opened_for_writing(dnslet, tmp_path, flags):
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 192.0.2.1\n")
    watch = WriteWatch(file)
    server = dnslet(*flags)
    server.query("localhost")
    server.stop()
    assert watch.events() == []
    with open(file, "r+"):
        pass
    assert watch.events() == [WriteWatch.IN_CLOSE_WRITE], "the watch itself works"


def test_12_a_missing_resolv_conf_is_not_created(dnslet, source, tmp_path):
    missing = tmp_path / "none" / "resolv.conf"
    missing.parent.mkdir()
    server = dnslet(to=[source], resolv_conf=missing)
    server.query("www.test")
    server.stop()
    assert list(missing.parent.iterdir()) == []


def test_a_pair_of_a_and_aaaa_on_one_socket_is_answered_as_musl_needs_it(dnslet, source):
    """Neither may be NXDOMAIN while the other has addresses: musl would drop both."""
    server = dnslet(to=[source], hosts="192.0.2.10 nas.test\n")
    for name in ("nas.test", "www.test"):
        with UdpClient(server.address) as client:
            pair = [question(name, "A"), question(name, "AAAA")]
            for message in pair:
                client.send(message)
            answers = {answer.id: answer for answer in (client.receive(), client.receive())}
        assert [answers[message.id].rcode() for message in pair] == [NOERROR, NOERROR]
        assert len(data(answers[pair[0].id])) == 1
