# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 8: what is kept, for whom, how long, and what makes room."""

import signal
import struct

import pytest
from harness import (SCALE, SLOW, data, from_records, only_rcode, question, records, timed, ttls,
                     udp_burst, wait_until, with_address)

NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
EXPIRY = 2.5 * SCALE  # by then an answer kept for one second is gone, one kept for ten is not


@pytest.fixture
def start(dnslet, upstream):
    """start(handler, *flags) → (dnslet with a cache, its upstream)"""
    def starter(handler=None, *flags, capacity=100, **how):
        source = upstream(handler or with_address())
        return dnslet("--rcache", capacity, *flags, to=[source], **how), source
    return starter


def until_asked_again(server, source, name, rdtype="A"):
    """Asks for a name whose answer is kept until upstream sees the question again."""
    count = len(source.asked(name))

    def asked_again():
        server.query(name, rdtype)
        return len(source.asked(name)) > count
    return timed(lambda: wait_until(asked_again, f"{name} asked again", EXPIRY))[1]


def test_the_second_answer_comes_from_the_cache_and_equals_the_first(start):
    server, source = start(from_records("www.test. 300 IN CNAME a.test.",
                                        "a.test. 200 IN A 192.0.2.1", "a.test. 200 IN A 192.0.2.2"))
    first, second = server.query("www.test"), server.query("www.test")
    assert data(first) == data(second) == ["a.test.", "192.0.2.1", "192.0.2.2"]
    assert first.flags == second.flags
    assert len(source.questions) == 1


def test_without_rcache_nothing_is_kept(start):
    server, source = start(None, capacity=0)
    for _ in range(5):
        server.query("www.test")
    assert len(source.questions) == 5


def test_no_cache_is_the_default(dnslet, upstream):
    source = upstream(with_address())
    server = dnslet(to=[source])
    server.query("www.test"), server.query("www.test")
    assert len(source.questions) == 2


def test_the_cache_works_as_a_variable(dnslet, upstream):
    source = upstream(with_address())
    server = dnslet(to=[source], env={"DNSMASQ_RCACHE": "10"})
    server.query("www.test"), server.query("www.test")
    assert len(source.questions) == 1


def test_the_ttls_of_all_records_count_down(start):
    def three_sections(asked):
        return asked.answer(f"{asked.name} 50 IN MX 1 mail.test.",
                            authority=["test. 40 IN NS n.test."],
                            additional=["mail.test. 30 IN A 192.0.2.1"])
    server, source = start(three_sections)

    def sections():
        answer = server.query("test", "MX")
        return [records(section)[0][1] for section in (answer.answer, answer.authority,
                                                       answer.additional)]
    assert sections() == [50, 40, 30]
    wait_until(lambda: sections() in ([49, 39, 29], [48, 38, 28]), "TTLs one or two less", EXPIRY)
    assert len(source.questions) == 1


def test_the_ttl_of_a_negative_answer_counts_down(start):
    server, source = start(lambda q: q.nxdomain(minimum=8, soa_ttl=9))

    def soa_ttl():
        return records(server.query("no.test").authority)[0][1]
    begin = soa_ttl()
    assert 8 <= begin <= 9
    wait_until(lambda: soa_ttl() < begin, "a smaller TTL", EXPIRY)
    assert len(source.questions) == 1


def test_an_answer_ends_with_its_ttl(start):
    server, source = start(with_address(ttl=1))
    server.query("www.test")
    assert until_asked_again(server, source, "www.test") > 0.5


def test_an_answer_ends_with_the_smallest_of_its_ttls(start):
    server, source = start(from_records("www.test. 300 IN CNAME a.test.",
                                        "a.test. 1 IN A 192.0.2.1"))
    server.query("www.test")
    until_asked_again(server, source, "www.test")


def test_no_client_ever_sees_more_than_the_ttl_that_is_left(start):
    server, source = start(with_address(ttl=2))
    seen = []

    def asked_again():
        seen.append(ttls(server.query("www.test"))[0])
        return len(source.questions) > 1
    wait_until(asked_again, "asked again", 3 * SCALE)
    assert seen[:-1] == sorted(seen[:-1], reverse=True) and 1 in seen and max(seen) == 2


def test_rcache_ttl_is_the_longest_time_an_answer_is_kept(start):
    server, source = start(with_address(ttl=300), "--rcache-ttl", 1)
    server.query("www.test")
    assert until_asked_again(server, source, "www.test") > 0.5


def test_ttl_0_is_never_kept(start):
    server, source = start(from_records("zero.test. 0 IN A 192.0.2.1",
                                        "www.test. 300 IN CNAME zero.test."))
    for name in ("zero.test", "www.test"):
        for _ in range(3):
            server.query(name)
        assert len(source.asked(name)) == 3


@pytest.mark.parametrize("kind", ["nxdomain", "nodata"])
def test_a_negative_answer_with_soa_is_kept(start, kind):
    server, source = start(lambda q: getattr(q, kind)())
    for _ in range(3):
        answer = server.query("no.test")
        assert answer.rcode() == (NXDOMAIN if kind == "nxdomain" else NOERROR)
        assert [record[2] for record in records(answer.authority)] == ["SOA"]
    assert len(source.questions) == 1


@pytest.mark.parametrize("rcode", ["NXDOMAIN", "NOERROR"])
def test_a_negative_answer_without_soa_is_not_kept(start, rcode):
    server, source = start(only_rcode(rcode))
    for _ in range(3):
        server.query("no.test")
    assert len(source.questions) == 3


@pytest.mark.parametrize("kind", ["nxdomain", "nodata"])
@pytest.mark.parametrize("soa_ttl,minimum,flags", [
    (300, 1, []), (1, 300, []), (300, 300, ["--rcache-neg-ttl", 1])],
    ids=["minimum", "SOA's TTL", "rcache-neg-ttl"])
def test_a_negative_answer_ends_with_the_smallest_of_three(start, kind, soa_ttl, minimum, flags):
    server, source = start(lambda q: getattr(q, kind)(minimum, soa_ttl), *flags)
    server.query("no.test"), server.query("no.test")
    assert len(source.questions) == 1
    until_asked_again(server, source, "no.test")


def test_rcache_neg_ttl_0_keeps_no_negative_answer(start):
    server, source = start(lambda q: q.nxdomain() if q.name == "no.test." else with_address()(q),
                           "--rcache-neg-ttl", 0)
    for name in ("no.test", "no.test", "yes.test", "yes.test"):
        server.query(name)
    assert [asked.name for asked in source.questions] == ["no.test.", "no.test.", "yes.test."]


def test_a_negative_answer_of_a_cname_chain_is_negative(start):
    """A CNAME to a name that does not exist: kept no longer than the SOA says"""
    server, source = start(lambda q: q.answer(
        f"{q.name} 300 IN CNAME no.test.", rcode="NXDOMAIN",
        authority=["test. 300 IN SOA ns.test. h.test. 1 2 3 4 1"]))
    server.query("www.test")
    until_asked_again(server, source, "www.test")


def test_one_entry_serves_udp_tcp_and_every_edns_size(start):
    server, source = start()
    for how in (dict(), dict(tcp=True), dict(edns=True), dict(edns=True, payload=4096),
                dict(edns=True, tcp=True), dict(rd=False), dict(ad=True)):
        assert data(server.query("www.test", **how)) == ["192.0.2.1"]
    assert len(source.questions) == 1


def test_do_and_cd_have_entries_of_their_own(start):
    server, source = start()
    for how in (dict(), dict(do=True), dict(cd=True), dict(do=True, cd=True)) * 2:
        server.query("www.test", **how)
    assert len(source.questions) == 4


def test_types_have_entries_of_their_own(start):
    server, source = start()
    for rdtype in ("A", "AAAA", "MX") * 2:
        server.query("www.test", rdtype)
    assert [asked.type for asked in source.questions] == ["A", "AAAA", "MX"]


def test_the_least_recently_used_answer_makes_room(start):
    server, source = start(capacity=2)
    for name in ("a.test", "b.test", "a.test", "c.test"):  # b is the oldest in use
        server.query(name)
    assert len(source.questions) == 3
    server.query("a.test"), server.query("c.test")
    assert len(source.questions) == 3, "a and c were kept"
    server.query("b.test")
    assert len(source.asked("b.test")) == 2, "b had gone"


def test_the_order_of_use_holds_for_many(start):
    server, source = start(capacity=50)
    for i in range(50):
        server.query(f"n{i}.test")
    for i in range(0, 50, 2):
        server.query(f"n{i}.test")
    for i in range(50, 75):
        server.query(f"n{i}.test")
    for i in list(range(0, 50, 2)) + list(range(50, 75)):
        server.query(f"n{i}.test")
    assert len(source.questions) == 75, "the even ones and the new ones were kept"
    for i in range(1, 50, 2):
        server.query(f"n{i}.test")
    assert len(source.questions) == 100


def test_a_truncated_answer_is_never_kept(start):
    """Truncated over TCP as well: there is nothing better to be had"""
    server, source = start(lambda q: q.answer(f"{q.name} 300 IN A 192.0.2.1", tc=True))
    for _ in range(2):
        server.query("www.test", tcp=True)
    assert len([asked for asked in source.questions if asked.transport == "udp"]) == 2


@pytest.mark.parametrize("rcode", ["REFUSED", "FORMERR", "NOTIMP", "SERVFAIL"])
def test_a_failure_is_not_kept_beyond_its_second(start, rcode):
    def refusing(asked):  # with records, as if it were worth keeping
        return asked.answer(f"{asked.name} 300 IN A 203.0.113.1", rcode=rcode)
    server, source = start(refusing)
    assert server.query("www.test").rcode() != NOERROR
    source.handler = with_address()
    wait_until(lambda: data(server.query("www.test")) == ["192.0.2.1"], "a good answer", EXPIRY)


def test_hosts_entries_need_no_place_in_the_cache(start):
    server, source = start(capacity=1, hosts="192.0.2.10 nas.test\n")
    for name in ("www.test", "nas.test", "www.test", "localhost", "www.test"):
        server.query(name)
    assert len(source.questions) == 1


def test_a_hosts_entry_that_appears_wins_over_the_cache(start, tmp_path):
    server, _ = start(hosts="192.0.2.10 nas.test\n")
    assert data(server.query("www.test")) == ["192.0.2.1"]
    (tmp_path / "hosts").write_text("192.0.2.20 www.test\n")
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: data(server.query("www.test")) == ["192.0.2.20"], "the hosts entry")


LARGE = struct.pack("!HHHIH", 0xc00c, 16, 1, 300, 50 * 251) + 50 * (b"\xfa" + b"x" * 250)


def large_answer(asked):
    """One TXT record of 12 kB, put together by hand: dnspython would take seconds for them all"""
    end = 12 + len(asked.message.question[0].name.to_wire()) + 4
    return asked.wire[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + asked.wire[12:end] + LARGE


def test_memory_is_bound_to_1_kib_per_entry_whatever_the_answers_size(start):
    """2,000 answers of 12 kB against a bound of 2 MiB"""
    if SLOW:
        pytest.skip("memory means nothing here")
    server, source = start(large_answer, "--force-tcp", capacity=2000)

    def ask(numbers):
        messages = [question(f"n{i}.test", "TXT") for i in numbers]
        for i, message in enumerate(messages):
            message.id = i
        udp_burst(server.address, messages, 50)
    ask(range(100))
    before = server.resident()
    ask(range(100, 2100))
    assert len(source.questions) == 2100
    assert server.resident() - before < 8 << 20
    server.query("n2099.test", "TXT", tcp=True)
    assert len(source.questions) == 2100, "the last one was kept"
