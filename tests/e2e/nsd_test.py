# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""A real authoritative server as upstream: what comes through dnslet is what the server says.

Compared by dnspython, an implementation of its own. Contract sections 3, 6, 8."""

import dns.flags
import pytest
from encrypted_servers import Dnsdist, Unbound
from harness import Dnslet, Nsd, TcpClient, question, records
from tls_server import HAS_TLS, Authority
from zone import QUESTIONS, ZONE, ZONE_TEXT, absolute

MODES = {"plain": dict(), "edns": dict(edns=True), "edns 4096": dict(edns=True, payload=4096),
         "do": dict(do=True)}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def nsd(tmp_path_factory, authority):
    with Nsd(tmp_path_factory.mktemp("nsd"), ZONE, ZONE_TEXT, authority.issue("ns.test")) as server:
        yield server


@pytest.fixture(scope="module")
def dnsdist(tmp_path_factory, nsd, authority):
    with Dnsdist(tmp_path_factory.mktemp("dnsdist"), nsd, authority.issue("ns.test")) as server:
        yield server


@pytest.fixture(scope="module")
def unbound(tmp_path_factory, nsd, authority):
    with Unbound(tmp_path_factory.mktemp("unbound"), nsd, authority.issue("ns.test")) as server:
        yield server


@pytest.fixture(params=["udp", "tcp", "tls", "dnsdist tls", "dnsdist https"],
                ids=["", "force-tcp", "tls", "dnsdist tls", "dnsdist https"])
def forwarder(request, nsd, authority, tmp_path):
    way = request.param
    if ("tls" in way or "https" in way) and not HAS_TLS:
        pytest.skip("this variant has no TLS")
    url = nsd.address
    if way == "tls":
        url = f"tls://{nsd.host}:{nsd.tls_port}#ns.test"
    elif way.startswith("dnsdist"):
        url = request.getfixturevalue("dnsdist").urls[way.split()[1]]
    flags = ["--rcache", "1000", "--nameservers", url, "--tls-ca", authority.root] if HAS_TLS else [
        "--rcache", "1000", "--nameservers", url]
    with Dnslet(*flags, *(["--force-tcp"] if way == "tcp" else []), directory=tmp_path) as server:
        yield server


@pytest.mark.skipif(not HAS_TLS, reason="this variant has no TLS")
@pytest.mark.parametrize("way", ["tls", "https"])
def test_a_resolver_says_the_same_as_over_plain_tcp(nsd, unbound, authority, dnslet, way):
    forwarder = dnslet("--nameservers", unbound.urls[way], "--tls-ca", authority.root)
    for name, rdtype in QUESTIONS:
        got = forwarder.query(absolute(name), rdtype, tcp=True)
        expected = whole(nsd, name, rdtype, {}, unbound.plain)
        assert got.rcode() == expected.rcode()
        assert without_ttls(sections(got)) == without_ttls(sections(expected)), (name, rdtype)


def whole(nsd, name, rdtype, how, port=None):
    """nsd's complete answer: over TCP nothing is left out"""
    with TcpClient((nsd.host, port or nsd.port)) as client:
        client.send(question(absolute(name), rdtype, **how))
        return client.receive()


def sections(message):
    return [sorted(records(part)) for part in (message.answer, message.authority,
                                               message.additional)]


def without_ttls(parts):
    return [[(name, rdtype, rdata) for name, _, rdtype, rdata in part] for part in parts]


def limit_of(how, tcp):
    if tcp:
        return 65535
    return min(1232, max(512, how.get("payload", 1232))) if how else 512


def size(message):
    """Bytes on the wire: dnspython compresses as well as anybody"""
    return len(message.to_wire(max_size=65535))


def assert_same(got, expected, how, tcp, cached):
    assert got.rcode() == expected.rcode()
    assert got.edns == (0 if how else -1)
    assert not got.flags & dns.flags.AA and got.flags & dns.flags.RA
    if size(expected) > limit_of(how, tcp):
        return assert_part(got, expected)
    assert not got.flags & dns.flags.TC
    wanted, found = sections(expected), sections(got)
    assert without_ttls(found) == without_ttls(wanted)
    for ours, theirs in zip(sum(found, []), sum(wanted, [])):
        assert theirs[1] - (5 if cached else 0) <= ours[1] <= theirs[1], (ours, theirs)


def assert_part(got, expected):
    """The answer's beginning with TC, or the whole answer section without what comes after it"""
    found, wanted = without_ttls(sections(got)), without_ttls(sections(expected))
    assert bool(got.flags & dns.flags.TC) == (found[0] != wanted[0])
    for ours, theirs in zip(found, wanted):
        assert set(ours) <= set(theirs)


@pytest.mark.parametrize("how", MODES.values(), ids=MODES)
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_every_record_is_the_same_as_from_the_server_first_and_cached(nsd, forwarder, how, tcp):
    for cached in (False, True):
        for name, rdtype in QUESTIONS:
            got = forwarder.query(absolute(name), rdtype, tcp=tcp, **how)
            assert_same(got, whole(nsd, name, rdtype, how), how, tcp, cached)


@pytest.mark.parametrize("how", MODES.values(), ids=MODES)
def test_what_one_way_of_asking_stored_is_right_for_every_other(nsd, forwarder, how):
    """Stored by a TCP client, served over UDP in each size; and the other way round"""
    for first in (True, False):
        for name, rdtype in QUESTIONS:
            forwarder.query(absolute(name), rdtype, tcp=first, **how)
            got = forwarder.query(absolute(name), rdtype, tcp=not first, **how)
            assert_same(got, whole(nsd, name, rdtype, how), how, not first, True)


def test_a_60_kb_rrset_comes_whole_over_tcp_and_cut_over_udp(nsd, forwarder):
    expected = whole(nsd, "big", "TXT", {})
    assert size(expected) > 60000
    for _ in range(2):
        assert sections(forwarder.query(absolute("big"), "TXT", tcp=True))[0] != []
        cut = forwarder.query(absolute("big"), "TXT")
        assert cut.flags & dns.flags.TC and 0 < len(cut.answer) < 3
        got = forwarder.query(absolute("big"), "TXT", tcp=True)
        assert without_ttls(sections(got))[0] == without_ttls(sections(expected))[0]


def test_the_order_of_records_is_the_servers(nsd, forwarder):
    for name, rdtype in QUESTIONS:
        expected = records(whole(nsd, name, rdtype, {}).answer)
        for _ in range(2):
            got = records(forwarder.query(absolute(name), rdtype, tcp=True).answer)
            assert [record[::3] for record in got] == [record[::3] for record in expected]


def test_questions_outside_the_zone_come_back_refused(forwarder):
    assert forwarder.query("www.elsewhere.example").rcode() == 5
