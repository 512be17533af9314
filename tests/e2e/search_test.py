# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 5: which names are asked upstream, in which order, and what ends the search."""

import signal

import pytest
from harness import (SCALE, Later, TcpClient, UdpClient, data, from_records, only_rcode, question,
                     silent, timed, udp_burst, wait_until, with_address)

SERVFAIL, NXDOMAIN = 2, 3
ADDRESS = "192.0.2.1"
LIST = ("--enable-search", "--search-domains", "one.test,two.test")


def nxdomain(asked):
    return asked.nxdomain()


def names(source):
    """What it was asked, in order, without the final dots"""
    return [asked.name.rstrip(".") for asked in source.questions]


def only_at(name, handler, elsewhere=nxdomain):
    return lambda asked: (handler if asked.name == name + "." else elsewhere)(asked)


def by_domain(one=nxdomain, two=nxdomain, own=nxdomain):
    """One handler for each step of a search for www"""
    table = {"www.one.test.": one, "www.two.test.": two}
    return lambda asked: table.get(asked.name, own)(asked)


def many(count):
    return ["--enable-search", "--search-domains", ",".join(f"d{i}.test" for i in range(count))]


# The order.

@pytest.mark.parametrize("ndots, name, asked", [
    (1, "www", ["www.one.test", "www.two.test", "www"]),
    (1, "www.sub", ["www.sub", "www.sub.one.test", "www.sub.two.test"]),
    (2, "www.sub", ["www.sub.one.test", "www.sub.two.test", "www.sub"]),
    (0, "www", ["www", "www.one.test", "www.two.test"]),
    (5, "a.b.c.d.e", ["a.b.c.d.e.one.test", "a.b.c.d.e.two.test", "a.b.c.d.e"]),
    (5, "a.b.c.d.e.f", ["a.b.c.d.e.f", "a.b.c.d.e.f.one.test", "a.b.c.d.e.f.two.test"]),
    (5, "www.ONE.test", ["www.one.test.two.test", "www.one.test"]),
    (5, "wwwone.test", ["wwwone.test.one.test", "wwwone.test.two.test", "wwwone.test"]),
    (5, "1.0.0.10.in-addr.arpa", ["1.0.0.10.in-addr.arpa"]),
])
def test_names_are_asked_in_the_order_of_glibc(dnslet, upstream, ndots, name, asked):
    source = upstream(nxdomain)
    assert dnslet(*LIST, "--ndots", ndots, to=[source]).query(name).rcode() == NXDOMAIN
    assert names(source) == asked


def test_ndots_is_1_by_default_and_the_first_hit_ends_the_search(dnslet, upstream):
    source = upstream(with_address())
    server = dnslet(*LIST, to=[source])
    server.query("www")
    server.query("www.sub")
    assert names(source) == ["www.one.test", "www.sub"]


@pytest.mark.parametrize("rdtype", ["NS", "SOA", "DS", "DNSKEY", "ANY"])
def test_types_of_zones_are_not_searched(dnslet, upstream, rdtype):
    source = upstream(nxdomain)
    dnslet(*LIST, to=[source]).query("www", rdtype)
    assert names(source) == ["www"]


@pytest.mark.parametrize("rdtype", ["AAAA", "TXT", "MX", "SRV", "HTTPS", "PTR", "CNAME",
                                    "TYPE65280"])
def test_other_types_are_searched(dnslet, upstream, rdtype):
    source = upstream(nxdomain)
    dnslet(*LIST, to=[source]).query("www", rdtype)
    assert names(source) == ["www.one.test", "www.two.test", "www"]


def test_the_root_is_not_searched(dnslet, upstream):
    source = upstream(nxdomain)
    dnslet(*LIST, to=[source]).query(".")
    assert [asked.name for asked in source.questions] == ["."]


def test_localhost_is_not_searched(dnslet, upstream):
    source = upstream(with_address())
    assert data(dnslet(*LIST, to=[source]).query("localhost")) == ["127.0.0.1"]
    assert not source.questions


def test_without_enable_search_nothing_is_searched(dnslet, upstream):
    source = upstream(nxdomain)
    assert dnslet(*LIST[1:], "--ndots", 5, to=[source]).query("www").rcode() == NXDOMAIN
    assert names(source) == ["www"]


def test_a_name_too_long_with_a_domain_skips_that_domain(dnslet, upstream):
    source = upstream(nxdomain)
    name = ".".join(["x" * 61] * 4)  # 249 bytes: 4 more for .two, 9 more for .one.test
    server = dnslet("--enable-search", "--search-domains", "one.test,two", "--ndots", 5,
                    to=[source])
    assert server.query(name).rcode() == NXDOMAIN
    assert names(source) == [name + ".two", name]


# fwd-ndots.

def test_a_name_below_fwd_ndots_is_asked_in_the_list_only(dnslet, upstream):
    source = upstream(nxdomain)
    server = dnslet(*LIST, "--fwd-ndots", 1, "--ndots", 0, to=[source])
    assert server.query("www").rcode() == NXDOMAIN
    assert names(source) == ["www.one.test", "www.two.test"]


def test_without_search_a_name_below_fwd_ndots_does_not_exist(dnslet, upstream):
    source = upstream(with_address())
    server = dnslet("--fwd-ndots", 2, to=[source])
    assert server.query("www").rcode() == server.query("www.sub").rcode() == NXDOMAIN
    assert not source.questions
    assert data(server.query("www.sub.test")) == [ADDRESS]


@pytest.mark.parametrize("search", [(), LIST], ids=["alone", "with search"])
def test_a_name_in_a_stub_zone_is_forwarded_below_fwd_ndots_too(dnslet, upstream, search):
    stub, source = upstream(with_address("192.0.2.9")), upstream(nxdomain)
    server = dnslet(*search, "--fwd-ndots", 3, "--stubzones", f"lan/{stub.address}", to=[source])
    assert data(server.query("nas.lan")) == ["192.0.2.9"]
    assert names(stub) == ["nas.lan"]


# What goes on, what ends it.

GOES_ON = {"NODATA": lambda asked: asked.nodata(), "NXDOMAIN": nxdomain,
           **{rcode: only_rcode(rcode) for rcode in ("SERVFAIL", "REFUSED", "NOTIMP", "FORMERR",
                                                     "YXDOMAIN")}}


@pytest.mark.parametrize("outcome", GOES_ON)
@pytest.mark.parametrize("ndots", [0, 1])
def test_all_but_data_goes_on_to_the_next_name(dnslet, upstream, outcome, ndots):
    source = upstream(only_at("www.two.test", with_address(), GOES_ON[outcome]))
    answer = dnslet(*LIST, "--ndots", ndots, to=[source]).query("www")
    assert data(answer) == ["www.two.test.", ADDRESS]
    asked = list(dict.fromkeys(names(source)))  # after FORMERR once more, without EDNS
    assert asked == ["www"] * (ndots == 0) + ["www.one.test", "www.two.test"]


@pytest.mark.parametrize("own, one, two, rcode", [
    ("NXDOMAIN", "NXDOMAIN", "NXDOMAIN", "NXDOMAIN"),
    ("NXDOMAIN", "NODATA", "NXDOMAIN", "NOERROR"),
    ("NXDOMAIN", "NODATA", "SERVFAIL", "NOERROR"),
    ("SERVFAIL", "NXDOMAIN", "NODATA", "NOERROR"),
    ("NODATA", "NXDOMAIN", "NXDOMAIN", "NOERROR"),
    ("NXDOMAIN", "SERVFAIL", "REFUSED", "NXDOMAIN"),
    ("SERVFAIL", "NXDOMAIN", "NXDOMAIN", "SERVFAIL"),
    ("REFUSED", "NXDOMAIN", "SERVFAIL", "REFUSED"),
    (None, "NXDOMAIN", "SERVFAIL", "SERVFAIL"),
    (None, "SERVFAIL", "NXDOMAIN", "SERVFAIL"),
    (None, "NXDOMAIN", "NXDOMAIN", "NXDOMAIN"),
    (None, "SERVFAIL", "NODATA", "NOERROR"),
])
def test_a_miss_tells_nodata_then_the_name_itself_then_failures(dnslet, upstream, own, one, two,
                                                               rcode):
    source = upstream(by_domain(GOES_ON[one], GOES_ON[two], GOES_ON[own or "NXDOMAIN"]))
    server = dnslet(*LIST, "--fwd-ndots", 0 if own else 1, to=[source])
    answer = server.query("www")
    assert (answer.rcode().name, answer.answer) == (rcode, [])
    assert len(source.questions) == 2 + bool(own)


def test_aaaa_is_nodata_where_only_an_a_record_exists(dnslet, upstream):
    """musl asks for both at once and throws the A record away when AAAA gives NXDOMAIN."""
    source = upstream(from_records(f"www.one.test. 300 IN A {ADDRESS}"))
    for flags in ((), ("--ndots", 0)):
        server = dnslet(*LIST, "--no-family-fix", *flags, to=[source])
        assert data(server.query("www")) == ["www.one.test.", ADDRESS]
        answer = server.query("www", "AAAA")
        assert (answer.rcode().name, answer.answer) == ("NOERROR", [])
    assert {asked.name for asked in source.asked(rdtype="AAAA")} == {"www.one.test.",
                                                                     "www.two.test.", "www."}


def test_an_unreachable_server_ends_the_search_at_once(dnslet, upstream):
    source = upstream(nxdomain)
    server = dnslet(*many(60), to=[source], hosts="192.0.2.9 www.d59.test\n")
    source.stop()
    answer, seconds = timed(lambda: server.query("www"))
    assert (answer.rcode(), answer.answer) == (SERVFAIL, [])
    assert seconds < 0.3 * SCALE


def test_a_silent_server_ends_the_search_after_one_time_out(dnslet, upstream):
    source = upstream(silent)
    server = dnslet(*LIST, "--upstream-timeout", 500, "--upstream-retry", 200, to=[source])
    answer, seconds = timed(lambda: server.query("www"))
    assert answer.rcode() == SERVFAIL
    assert 0.48 <= seconds <= 0.5 + 0.1 * SCALE
    assert set(names(source)) == {"www.one.test"}


def test_the_second_server_is_asked_where_the_first_fails(dnslet, upstream):
    first, second = upstream(only_rcode("SERVFAIL")), upstream(only_at("www", with_address()))
    assert data(dnslet(*LIST, to=[first, second]).query("www")) == [ADDRESS]
    assert names(second) == ["www.one.test", "www.two.test", "www"]


# Limits.

def test_slow_candidates_share_one_time_out(dnslet, upstream):
    source = upstream(lambda asked: Later(0.3, asked.nxdomain()))
    server = dnslet(*many(20), "--upstream-timeout", 1000, to=[source])
    answer, seconds = timed(lambda: server.query("www"))
    assert answer.rcode() == SERVFAIL
    assert 0.98 <= seconds <= 1.0 + 0.1 * SCALE
    assert 3 <= len(source.questions) <= 4


def test_a_list_of_60_domains_works(dnslet, upstream):
    source = upstream(only_at("www.d59.test", with_address()))
    server = dnslet(*many(60), to=[source])
    assert data(server.query("www")) == ["www.d59.test.", ADDRESS]
    assert names(source) == [f"www.d{i}.test" for i in range(60)]


def test_a_miss_in_60_domains_takes_little_more_than_60_round_trips(dnslet, upstream):
    source = upstream(lambda asked: Later(0.001, asked.nxdomain()))
    server = dnslet(*many(60), to=[source])
    misses = [timed(lambda: server.query(f"miss{i}")) for i in range(5)]
    assert {answer.rcode() for answer, _ in misses} == {NXDOMAIN}
    assert len(source.questions) == 5 * 61
    best = min(seconds for _, seconds in misses)
    print(f"\na miss in 60 domains, upstream 1 ms: {best * 1000:.0f} ms")
    assert best < 0.061 * (1 + 4 * SCALE)


@pytest.mark.parametrize("how", ["refused", "silent"])
def test_a_dead_stub_zone_on_the_list_leaves_the_others(dnslet, upstream, how):
    dead, alive = upstream(silent), upstream(only_at("www.sub", with_address()))
    server = dnslet("--enable-search", "--search-domains", "a.corp.test,corp.test,two.test",
                    "--ndots", 5, "--upstream-retry", 200, "--upstream-timeout", 3000,
                    "--stubzones", f"corp.test/{dead.address}", to=[alive])
    if how == "refused":
        dead.stop()
    answer, seconds = timed(lambda: server.query("www.sub"))
    assert data(answer) == ["192.0.2.1"]
    assert seconds < (0.1 if how == "refused" else 0.25) + 0.2 * SCALE
    assert names(alive) == ["www.sub.two.test", "www.sub"]
    if how == "silent":
        assert set(names(dead)) == {"www.sub.a.corp.test"}


def test_a_dead_stub_zone_with_nothing_behind_it_is_servfail(dnslet, upstream):
    dead, alive = upstream(silent), upstream(nxdomain)
    server = dnslet("--enable-search", "--search-domains", "corp.test", "--ndots", 0,
                    "--stubzones", f"corp.test/{dead.address}", to=[alive])
    dead.stop()
    assert server.query("www").rcode() == SERVFAIL
    assert names(alive) == ["www"]


@pytest.mark.parametrize("first, second", [("A", "AAAA"), ("AAAA", "A")])
@pytest.mark.parametrize("cache", [0, 100])
def test_nxdomain_of_a_search_is_nodata_once_the_name_is_found_as_it_stands(dnslet, upstream,
                                                                            first, second, cache):
    address = "2001:db8::1" if second == "AAAA" else "192.0.2.1"

    def handler(asked):
        if asked.name == "www.sub." and asked.type == second:
            return asked.answer(f"www.sub. 60 IN {second} {address}")
        return asked.nxdomain()
    server = dnslet(*LIST, "--rcache", cache, to=[upstream(handler)])
    assert server.query("www.sub", first).rcode() == NXDOMAIN
    assert data(server.query("www.sub", second)) == [address]
    answer = server.query("www.sub", first)
    assert (answer.rcode(), answer.answer) == (0, [])


@pytest.mark.parametrize("first, second", [("A", "AAAA"), ("AAAA", "A")])
@pytest.mark.parametrize("cache", [0, 100])
@pytest.mark.parametrize("asked", [("www.sub", "www.sub"), ("www", "www.one.test"),
                                   ("www.one.test", "www")],
                         ids=["as it stands", "searched first", "searched then"])
def test_what_one_family_shows_holds_whether_a_name_is_searched_or_not(dnslet, upstream, first,
                                                                       second, cache, asked):
    found = "www.sub." if asked[0] == "www.sub" else "www.one.test."
    address = "2001:db8::1" if first == "AAAA" else "192.0.2.1"

    def handler(question):
        if (question.name, question.type) == (found, first):
            return question.answer(f"{found} 60 IN {first} {address}")
        return question.nxdomain()
    server = dnslet(*LIST, "--rcache", cache, to=[upstream(handler)])
    assert data(server.query(asked[0], first))[-1] == address
    for name in (asked[1], *asked):  # fresh, then from the cache where there is one
        answer = server.query(name, second)
        assert (answer.rcode(), answer.answer) == (0, [])


@pytest.mark.parametrize("cache", [0, 100])
def test_every_domain_of_a_long_list_is_tried(dnslet, upstream, cache):
    source = upstream(only_at("www.d80.test", with_address()))
    server = dnslet(*many(100), "--rcache", cache, to=[source])
    answer = server.query("www")
    assert [record.rdtype for record in answer.answer] == [5, 1]  # the CNAME and the A record
    assert names(source) == [f"www.d{i}.test" for i in range(81)]
    assert server.query("other").rcode() == NXDOMAIN
    assert names(source)[81:] == [f"other.d{i}.test" for i in range(100)] + ["other"]


@pytest.mark.parametrize("domains, asked", [("one.test,ONE.test,two.test,one.test",
                                             ["www.one.test", "www.two.test", "www"]),
                                            (".,one.test", ["www.one.test", "www"]),
                                            (".", ["www"])])
def test_a_domain_is_tried_once_and_the_root_is_none(dnslet, upstream, domains, asked):
    source = upstream(nxdomain)
    server = dnslet("--enable-search", "--search-domains", domains, to=[source])
    assert server.query("www").rcode() == NXDOMAIN
    assert names(source) == asked


def test_names_that_need_no_upstream_are_not_asked_for(dnslet, upstream):
    source = upstream(nxdomain)
    blocked = ",".join(f"d{i}.test" for i in range(90))
    server = dnslet(*many(100), "--block", blocked, to=[source])
    assert server.query("www").rcode() == NXDOMAIN
    assert names(source) == [f"www.d{i}.test" for i in range(90, 100)] + ["www"]


def test_100_equal_questions_at_once_ask_each_name_once(dnslet, upstream):
    source = upstream(lambda asked: Later(0.1, by_domain(two=with_address())(asked)))
    server = dnslet(*LIST, to=[source])
    messages = [question("www") for _ in range(100)]
    for number, message in enumerate(messages):
        message.id = number
    answers = udp_burst(server.address, messages, window=100)
    assert len(answers) == 100
    assert {tuple(data(answer)) for answer in answers.values()} == {("www.two.test.", ADDRESS)}
    assert names(source) == ["www.one.test", "www.two.test"]


# Where list and ndots come from.

@pytest.fixture
def resolv(tmp_path):
    """resolv(text) writes the file that dnslet is started with."""
    return (tmp_path / "resolv.conf").write_text


@pytest.mark.parametrize("text, asked", [
    ("search a.test b.test\n", ["www.sub", "www.sub.a.test", "www.sub.b.test"]),
    ("domain a.test\n", ["www.sub", "www.sub.a.test"]),
    ("search a.test\nsearch b.test\n", ["www.sub", "www.sub.b.test"]),
    ("search a.test b.test\ndomain c.test\n", ["www.sub", "www.sub.c.test"]),
    ("domain c.test\nsearch a.test\n", ["www.sub", "www.sub.a.test"]),
    ("search a.test.\noptions rotate ndots:2 timeout:1\n", ["www.sub.a.test", "www.sub"]),
    ("options ndots:5\n", ["www.sub"]),
    ("", ["www.sub"]),
])
def test_list_and_ndots_come_from_resolv_conf(dnslet, upstream, resolv, text, asked):
    resolv(text)
    source = upstream(nxdomain)
    dnslet("--enable-search", to=[source]).query("www.sub")
    assert names(source) == asked


def test_flags_win_over_resolv_conf(dnslet, upstream, resolv):
    resolv("search a.test\noptions ndots:5\n")
    source = upstream(nxdomain)
    dnslet(*LIST, "--ndots", 1, to=[source]).query("www.sub")
    assert names(source) == ["www.sub", "www.sub.one.test", "www.sub.two.test"]


def test_a_search_list_outlives_its_file(dnslet, upstream, resolv):
    """Many editors remove a file before they write the new one."""
    resolv("search a.test\n")
    source = upstream(nxdomain)
    server = dnslet("--enable-search", to=[source])
    server.resolv_conf.unlink()
    assert server.wait_log("cannot read .*; what it said stays")
    server.query("www")
    assert names(source) == ["www.a.test", "www"]


def test_a_changed_resolv_conf_is_taken_over(dnslet, upstream, resolv):
    resolv("search a.test\n")
    source = upstream(nxdomain)
    server = dnslet("--enable-search", "--rcache", 100, to=[source])
    server.query("x0.sub")
    assert names(source) == ["x0.sub", "x0.sub.a.test"]
    resolv("search b.test\noptions ndots:2\n")
    count = iter(range(1, 100000))

    def new_order():
        name = f"x{next(count)}.sub"
        server.query(name)
        return names(source)[-2:] == [f"{name}.b.test", name]
    wait_until(new_order, "the new list and ndots", 3 * SCALE)


def test_a_search_under_way_survives_a_change_of_the_list(dnslet, upstream, resolv):
    resolv(f"search {' '.join(f'd{i}.test' for i in range(20))}\n")
    source = upstream(lambda asked: Later(0.02, only_at("www", with_address())(asked)))
    server = dnslet("--enable-search", to=[source])
    with UdpClient(server.address) as client:
        client.send(question("www"))
        source.wait_asked(5)
        resolv("search b.test\n")
        server.send_signal(signal.SIGHUP)
        assert data(client.receive()) == [ADDRESS]
    assert names(source) == [f"www.d{i}.test" for i in range(20)] + ["www"]


def test_a_search_under_way_survives_its_client(dnslet, upstream):
    source = upstream(lambda asked: Later(0.02, asked.nxdomain()))
    server = dnslet(*many(10), to=[source])
    with TcpClient(server.address) as client:
        client.send(question("www"), question("api"))
        source.wait_asked(4)
    assert server.query("last").rcode() == NXDOMAIN


@pytest.mark.parametrize("env", [
    {"DNSMASQ_ENABLE_SEARCH": "1", "DNSMASQ_SEARCH_DOMAINS": "one.test", "DNSMASQ_NDOTS": "2",
     "DNSMASQ_FWD_NDOTS": "2"},
    {"DNSMASQ_APPEND": "true", "DNSMASQ_SEARCH": "one.test", "DNSMASQ_NDOTS": "2",
     "DNSMASQ_FWD_NDOTS": "2"},
], ids=["variables", "deprecated variables"])
def test_the_variables_do_the_same(dnslet, upstream, env):
    source = upstream(nxdomain)
    dnslet(to=[source], env=env).query("www.sub")
    assert names(source) == ["www.sub.one.test"]


@pytest.mark.parametrize("flag", ["--search", "-search", "-a", "--append-search-domains",
                                  "--enable-search=yes"])
def test_every_spelling_of_the_flag_enables_it(dnslet, upstream, flag):
    source = upstream(nxdomain)
    dnslet(flag, "-s", "one.test", to=[source]).query("www")
    assert names(source) == ["www.one.test", "www"]
