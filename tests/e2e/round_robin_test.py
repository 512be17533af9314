# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""`--round-robin`: A and AAAA records of one owner rotate from answer to answer."""

from collections import Counter

import pytest
from harness import data, from_records, question, udp_burst

ANSWERS = 1000
CACHE = ("--rcache", 100)
FOUR = {"A": [f"192.0.2.{i}" for i in range(1, 5)], "AAAA": [f"2001:db8::{i}" for i in range(1, 5)]}


def lines(name, rdtype="A", rdata=None):
    return [f"{name} 300 IN {rdtype} {item}" for item in rdata or FOUR[rdtype]]


def rotations(items):
    return {tuple(items[i:] + items[:i]) for i in range(len(items))}


def ask_many(server, name, rdtype="A", count=ANSWERS):
    """The rdata texts of `count` answers"""
    messages = [question(name, rdtype) for _ in range(count)]
    for number, message in enumerate(messages):
        message.id = number
    answers = udp_burst(server.address, messages)
    return [tuple(data(answers[number])) for number in range(count)]


def assert_even(answers, items, skip=0):
    """Each comes first equally often, and no answer is anything but a rotation."""
    assert {answer[skip:] for answer in answers} == rotations(items)
    first = Counter(answer[skip] for answer in answers)
    print(f"\nfirst of {len(answers)}: {dict(first)}")
    assert all(abs(first[item] - len(answers) / len(items)) <= 1 for item in items)


@pytest.mark.parametrize("rdtype", FOUR)
def test_each_address_of_a_cached_answer_is_first_equally_often(dnslet, upstream, rdtype):
    source = upstream(from_records(*lines("www.test.", rdtype)))
    server = dnslet("--round-robin", *CACHE, to=[source])
    server.query("www.test", rdtype)
    assert_even(ask_many(server, "www.test", rdtype), FOUR[rdtype])
    assert len(source.questions) == 1


@pytest.mark.parametrize("rdtype", FOUR)
def test_each_address_of_a_hosts_name_is_first_equally_often(dnslet, upstream, rdtype):
    source = upstream(from_records())
    server = dnslet("--round-robin", to=[source],
                    hosts="".join(f"{item} www.test\n" for item in FOUR[rdtype]))
    assert_even(ask_many(server, "www.test", rdtype), FOUR[rdtype])


def test_each_static_address_is_first_equally_often(dnslet, upstream):
    server = dnslet("--round-robin", "--address", f"*.www.test={','.join(FOUR['A'])}",
                    to=[upstream(from_records())])
    assert_even(ask_many(server, "a.www.test"), FOUR["A"])


def test_answers_rotate_without_a_cache_too(dnslet, upstream):
    server = dnslet("--round-robin", to=[upstream(from_records(*lines("www.test.")))])
    answers = [tuple(data(server.query("www.test"))) for _ in range(100)]
    assert_even(answers, FOUR["A"])


def test_the_aliases_in_front_keep_their_order(dnslet, upstream):
    source = upstream(from_records("www.test. 300 IN CNAME a.test.", "a.test. 300 IN CNAME b.test.",
                                   *lines("b.test.")))
    server = dnslet("--round-robin", *CACHE, to=[source])
    server.query("www.test")
    answers = ask_many(server, "www.test", count=400)
    assert {answer[:2] for answer in answers} == {("a.test.", "b.test.")}
    assert_even(answers, FOUR["A"], skip=2)


def test_searched_answers_rotate_behind_their_cname(dnslet, upstream):
    source = upstream(from_records(*lines("www.one.test.")))
    server = dnslet("--round-robin", "--enable-search", "--search-domains", "one.test", *CACHE,
                    to=[source])
    server.query("www")
    answers = ask_many(server, "www", count=400)
    assert {answer[0] for answer in answers} == {"www.one.test."}
    assert_even(answers, FOUR["A"], skip=1)


def test_searched_hosts_names_rotate_behind_their_cname(dnslet, upstream):
    server = dnslet("--round-robin", "--enable-search", "--search-domains", "one.test",
                    to=[upstream(from_records())],
                    hosts="".join(f"{item} www.one.test\n" for item in FOUR["A"]))
    assert_even(ask_many(server, "www", count=400), FOUR["A"], skip=1)


@pytest.mark.parametrize("rdtype, rdata", [
    ("MX", ["10 a.test.", "20 b.test.", "30 c.test."]),
    ("TXT", ['"1"', '"2"', '"3"']),
    ("SRV", ["0 0 1 a.test.", "0 0 2 b.test.", "0 0 3 c.test."]),
    ("NS", ["a.test.", "b.test.", "c.test."]),
    ("TYPE65280", ["\\# 4 00000001", "\\# 4 00000002", "\\# 4 00000003"]),
])
def test_other_types_keep_their_order(dnslet, upstream, rdtype, rdata):
    source = upstream(from_records(*lines("www.test.", rdtype, rdata)))
    server = dnslet("--round-robin", *CACHE, to=[source])
    assert {tuple(data(server.query("www.test", rdtype))) for _ in range(8)} == {tuple(rdata)}


def test_addresses_in_other_sections_keep_their_order(dnslet, upstream):
    extra = lines("mail.test.")
    source = upstream(lambda asked: asked.answer("www.test. 300 IN MX 10 mail.test.",
                                                 additional=extra))
    server = dnslet("--round-robin", *CACHE, to=[source])
    orders = {tuple(record[0].to_text() for record in server.query("www.test", "MX").additional)
              for _ in range(8)}
    assert orders == {tuple(FOUR["A"])}


def test_without_the_flag_nothing_rotates(dnslet, upstream):
    source = upstream(from_records(*lines("www.test.")))
    server = dnslet(*CACHE, to=[source],
                    hosts="".join(f"{item} hosts.test\n" for item in FOUR["A"]))
    for name in ("www.test", "hosts.test"):
        assert {tuple(data(server.query(name))) for _ in range(12)} == {tuple(FOUR["A"])}


@pytest.mark.parametrize("where", ["cache", "hosts"])
def test_names_asked_in_turn_do_not_disturb_each_other(dnslet, upstream, where):
    """One counter for all would show each of two names every second address only."""
    names = ["a.test", "b.test"]
    records, hosts = [], ""
    for name in names:
        if where == "cache":
            records += lines(name + ".")
        else:
            hosts += "".join(f"{item} {name}\n" for item in FOUR["A"])
    server = dnslet("--round-robin", *CACHE, to=[upstream(from_records(*records))], hosts=hosts)
    firsts = {name: [] for name in names}
    for name in names:
        server.query(name)
    for _ in range(40):
        for name in names:
            firsts[name].append(data(server.query(name))[0])
    for name in names:
        assert Counter(firsts[name]) == dict.fromkeys(FOUR["A"], 10)


def test_a_and_aaaa_of_a_name_rotate_on_their_own(dnslet, upstream):
    """Clients ask for both at once: in step they would pair up by chance only."""
    source = upstream(from_records(*lines("www.test."), *lines("www.test.", "AAAA")))
    server = dnslet("--round-robin", *CACHE, to=[source])
    firsts = {rdtype: [] for rdtype in FOUR}
    for rdtype in FOUR:
        server.query("www.test", rdtype)
    for _ in range(40):
        for rdtype in FOUR:
            firsts[rdtype].append(data(server.query("www.test", rdtype))[0])
    for rdtype, items in FOUR.items():
        assert Counter(firsts[rdtype]) == dict.fromkeys(items, 10)


def test_without_a_cache_a_and_aaaa_asked_in_turn_show_every_address(dnslet, upstream):
    """As musl asks. One counter for both would show each of them every second address only."""
    source = upstream(from_records(*lines("www.test."), *lines("www.test.", "AAAA")))
    server = dnslet("--round-robin", to=[source])
    firsts = {rdtype: set() for rdtype in FOUR}
    for _ in range(60):
        for rdtype in FOUR:
            firsts[rdtype].add(data(server.query("www.test", rdtype))[0])
    assert {rdtype: sorted(found) for rdtype, found in firsts.items()} == FOUR


def test_entries_that_live_shortly_do_not_favour_one_address(dnslet, upstream):
    """Of two names one pushes the other out: each entry is found once and gone."""
    source = upstream(from_records(*lines("a.test."), *lines("b.test.")))
    server = dnslet("--round-robin", "--rcache", 1, to=[source])
    found = Counter()
    for _ in range(40):
        for name in ("a.test", "b.test"):
            server.query(name)
            found[data(server.query(name))[0]] += 1
    assert len(source.questions) == 80, "one of two answers came from the cache"
    assert min(found[item] for item in FOUR["A"]) >= 8, found


def test_two_addresses_and_one_rotate_as_well(dnslet, upstream):
    source = upstream(from_records(*lines("two.test.", rdata=FOUR["A"][:2]),
                                   *lines("one.test.", rdata=FOUR["A"][:1])))
    server = dnslet("--round-robin", *CACHE, to=[source])
    for name, count in (("two.test", 2), ("one.test", 1)):
        server.query(name)
        assert_even(ask_many(server, name, count=100), FOUR["A"][:count])


def test_the_variable_does_the_same(dnslet, upstream):
    source = upstream(from_records(*lines("www.test.")))
    server = dnslet(*CACHE, to=[source], env={"DNSMASQ_RR": "yes"})
    server.query("www.test")
    assert len({data(server.query("www.test"))[0] for _ in range(4)}) == 4
