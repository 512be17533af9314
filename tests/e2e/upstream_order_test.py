# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 6: which server is asked when, and what is made of their answers."""

import time

import pytest
from harness import (PATIENCE, SCALE, Later, data, only_rcode, silent, timed, wait_until,
                     with_address)

SERVFAIL, NOTIMP, REFUSED = 2, 4, 5
FIRST, SECOND, THIRD = "192.0.2.1", "192.0.2.2", "192.0.2.3"


def names():
    return (f"n{i}.test" for i in range(100000))


def test_the_first_server_is_always_preferred(dnslet, upstream):
    second = upstream(with_address(SECOND))
    server = dnslet(to=[upstream(with_address(FIRST)), second])
    assert {data(server.query(f"n{i}.test"))[0] for i in range(50)} == {FIRST}
    assert not second.questions


def test_a_silent_first_server_costs_the_retry_time(dnslet, upstream):
    first, second = upstream(silent), upstream(with_address(SECOND))
    server = dnslet("--upstream-retry", 300, to=[first, second])
    answer, seconds = timed(lambda: server.query("www.test"))
    assert data(answer) == [SECOND]
    assert 0.28 <= seconds <= 0.3 + 0.1 * SCALE
    assert second.questions[0].time - first.questions[0].time >= 0.28


def test_the_retry_time_is_800_ms_by_default(dnslet, upstream):
    server = dnslet(to=[upstream(silent), upstream(with_address(SECOND))])
    answer, seconds = timed(lambda: server.query("www.test"))
    assert data(answer) == [SECOND]
    assert 0.78 <= seconds <= 0.8 + 0.1 * SCALE


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "NOTIMP", "FORMERR"])
def test_after_a_refusal_the_next_server_is_asked_at_once(dnslet, upstream, rcode):
    # FORMERR may be about the OPT, also where the answer has one: once more without.
    first, second = upstream(only_rcode(rcode)), upstream(with_address(SECOND))
    server = dnslet(to=[first, second])
    times = []
    for i in range(5):
        answer, seconds = timed(lambda: server.query(f"n{i}.test"))
        assert data(answer) == [SECOND]
        times.append(seconds)
    assert min(times) < 0.05 * SCALE
    times = 2 if rcode == "FORMERR" else 1
    assert len(first.asked("n4.test")) == times, "a code is no reason to put a server back"


def test_after_a_network_error_the_next_server_is_asked_at_once(dnslet, upstream):
    first, second = upstream(with_address(FIRST)), upstream(with_address(SECOND))
    first.stop()
    times = []
    for _ in range(3):  # a new dnslet each time: it does not know yet
        server = dnslet(to=[first, second])
        answer, seconds = timed(lambda: server.query("www.test"))
        assert data(answer) == [SECOND]
        times.append(seconds)
    assert min(times) < 0.05 * SCALE


def test_a_network_error_over_tcp_counts_too(dnslet, upstream):
    first, second = upstream(with_address(FIRST)), upstream(with_address(SECOND))
    first.stop()
    answer, seconds = timed(lambda: dnslet("--force-tcp", to=[first, second]).query("www.test"))
    assert data(answer) == [SECOND]
    assert seconds < 0.7


@pytest.mark.parametrize("rcode", ["NXDOMAIN", "NOERROR"])
def test_nxdomain_and_nodata_are_answers_and_end_it(dnslet, upstream, rcode):
    second = upstream(with_address(SECOND))
    first = upstream(lambda q: q.nxdomain() if rcode == "NXDOMAIN" else q.nodata())
    assert dnslet(to=[first, second]).query("www.test").answer == []
    assert not second.questions


def test_a_third_nameserver_is_used(dnslet, upstream):
    """go-dnsmasq's defect: a third nameserver is never used; each try takes 4 s"""
    first, second = upstream(silent), upstream(silent)
    server = dnslet("--upstream-retry", 200, to=[first, second, upstream(with_address(THIRD))])
    answer, seconds = timed(lambda: server.query("www.test"))
    assert data(answer) == [THIRD]
    assert seconds < 0.4 + 0.2 * SCALE


def test_an_only_server_is_asked_again_from_a_new_port(dnslet, upstream):
    """The first packet is lost."""
    def second_time(asked):
        return with_address(FIRST)(asked) if len(only.questions) > 1 else None
    only = upstream(second_time)
    server = dnslet("--upstream-retry", 200, to=[only])
    answer, seconds = timed(lambda: server.query("www.test"))
    assert data(answer) == [FIRST]
    assert 0.18 <= seconds < 0.2 + 0.1 * SCALE
    one, two = only.questions[:2]
    assert one.port != two.port and one.id != two.id


def test_the_first_server_may_still_answer_after_the_second_was_asked(dnslet, upstream):
    """Nothing is cancelled before the time-out: the first usable answer wins."""
    first = upstream(lambda q: Later(0.4, with_address(FIRST)(q)))
    second = upstream(silent)
    server = dnslet("--upstream-retry", 150, to=[first, second])
    assert data(server.query("www.test")) == [FIRST]
    assert len(second.questions) >= 1


def test_an_early_refusal_of_the_second_does_not_end_the_wait_for_the_first(dnslet, upstream):
    first = upstream(lambda q: Later(0.4, with_address(FIRST)(q)))
    second = upstream(only_rcode("SERVFAIL"))
    server = dnslet("--upstream-retry", 100, to=[first, second])
    assert data(server.query("www.test")) == [FIRST]


def test_all_silent_ends_in_servfail_at_the_time_out(dnslet, upstream):
    server = dnslet("--upstream-timeout", 700, "--upstream-retry", 200,
                    to=[upstream(silent), upstream(silent)])
    answer, seconds = timed(lambda: server.query("www.test"))
    assert answer.rcode() == SERVFAIL
    assert 0.68 <= seconds <= 0.7 + 0.1 * SCALE


def test_all_refusing_gives_the_code_of_the_most_preferred_at_once(dnslet, upstream):
    server = dnslet(to=[upstream(only_rcode("REFUSED")), upstream(only_rcode("SERVFAIL")),
                        upstream(only_rcode("NOTIMP"))])
    answer, seconds = timed(lambda: server.query("www.test"))
    assert answer.rcode() == REFUSED
    assert seconds < 0.5 * SCALE


def test_the_code_of_a_less_preferred_server_counts_where_the_first_is_silent(dnslet, upstream):
    server = dnslet("--upstream-timeout", 600, "--upstream-retry", 150,
                    to=[upstream(silent), upstream(only_rcode("NOTIMP"))])
    assert server.query("www.test").rcode() == NOTIMP


def test_a_silent_server_goes_behind_the_others_and_comes_back(dnslet, upstream):
    first, second = upstream(silent), upstream(with_address(SECOND))
    server = dnslet("--upstream-retry", 150, to=[first, second])
    assert data(server.query("before.test")) == [SECOND]
    answer, seconds = timed(lambda: server.query("penalty.test"))
    assert data(answer) == [SECOND] and seconds < 0.1 * SCALE
    assert not first.asked("penalty.test")
    first.handler = with_address(FIRST)
    name = names()
    wait_until(lambda: data(server.query(next(name))) == [FIRST], "the first again", 2 * SCALE)
    later = [next(name) for _ in range(20)]
    assert {data(server.query(one))[0] for one in later} == {FIRST}
    assert not any(second.asked(one) for one in later)


def test_a_stopped_server_goes_behind_the_others_and_comes_back(dnslet, upstream):
    first, second = upstream(with_address(FIRST)), upstream(with_address(SECOND))
    server = dnslet(to=[first, second])
    assert data(server.query("one.test")) == [FIRST]
    first.stop()
    assert data(server.query("two.test")) == [SECOND]
    first.start()
    assert data(server.query("three.test")) == [SECOND], "in the pause it is not tried"
    name = names()
    wait_until(lambda: data(server.query(next(name))) == [FIRST], "the first again", 2 * SCALE)


def test_a_late_answer_puts_a_server_back_in_its_place(dnslet, upstream):
    first = upstream(lambda q: Later(0.5, with_address(FIRST)(q)))
    second = upstream(with_address(SECOND))
    server = dnslet("--upstream-retry", 100, to=[first, second])
    begin = time.monotonic()
    assert data(server.query("late.test")) == [SECOND]
    assert data(server.query("meanwhile.test")) == [SECOND]
    assert not first.asked("meanwhile.test")
    first.handler = with_address(FIRST)
    name = names()
    wait_until(lambda: data(server.query(next(name))) == [FIRST], "the first again", PATIENCE)
    assert time.monotonic() - begin < 1.0, "by the late answer, not by the end of the pause"


def test_the_pause_doubles_while_a_server_stays_silent(dnslet, upstream):
    first, second = upstream(silent), upstream(with_address(SECOND))
    server = dnslet("--upstream-retry", 200,  # the second one must not be silent, too
                    to=[first, second])
    name = names()

    def tried_three_times():
        assert data(server.query(next(name))) == [SECOND]
        return len(first.questions) >= 3
    wait_until(tried_three_times, "three tries", 6 * SCALE)
    times = [asked.time for asked in first.questions]
    assert 0.95 <= times[1] - times[0] <= 1.5 * SCALE
    assert 1.95 <= times[2] - times[1] <= 2.8 * SCALE


def test_with_every_server_in_its_pause_they_are_asked_all_the_same(dnslet, upstream):
    first, second = upstream(silent), upstream(silent)
    server = dnslet("--upstream-timeout", 500, "--upstream-retry", 100, to=[first, second])
    assert server.query("one.test").rcode() == SERVFAIL
    first.handler, second.handler = with_address(FIRST), with_address(SECOND)
    answer, seconds = timed(lambda: server.query("two.test"))
    assert data(answer)[0] in (FIRST, SECOND)
    assert seconds < 0.1 * SCALE
