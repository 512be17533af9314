# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 12: --shared-cache, a Redis or Valkey that many instances have in common."""

import contextlib
import signal
import struct
import time

import dns.edns
import pytest
from basics import free_port
from clients import UdpClient, question
from harness import (PATIENCE, SCALE, Later, data, only_rcode, run, silent, timed, ttls, wait_until,
                     with_address)
from metrics import Scrape, get, parse
from redis_server import PROGRAM, FakeRedis, Redis, store

NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
HAS_REDIS = b"hiredis" in run("--version").stdout.encode()
pytestmark = pytest.mark.skipif(not HAS_REDIS, reason="this variant has no client of Redis")


@pytest.fixture
def redis(tmp_path):
    """redis(words…, tls=…) → a running Redis"""
    assert PROGRAM, "redis-server is missing, see .ci/deps"
    with contextlib.ExitStack() as stack:
        yield lambda *words, **how: stack.enter_context(Redis(tmp_path, *words, **how))


@pytest.fixture
def fake_redis():
    with contextlib.ExitStack() as stack:
        yield lambda handler: stack.enter_context(FakeRedis(handler))


@pytest.fixture
def start(dnslet, upstream):
    """start(cache, flags…) → (dnslet that uses the shared cache, its upstream)"""
    def starter(cache, *flags, handler=None, source=None, waits=True, **how):
        source = source or upstream(handler or with_address(ttl=50))
        url = cache if isinstance(cache, str) else cache.url
        server = dnslet("--shared-cache", url, *flags, to=[source], **how)
        if waits:
            server.wait_log("shared cache is in use")
        return server, source
    return starter


def settled(cache, count):
    """SET is sent and forgotten"""
    wait_until(lambda: len(cache.keys()) == count, f"{count} keys, not {cache.keys()}")


# What it is for.

def test_what_one_has_asked_the_others_do_not_ask_again(start, redis):
    cache = redis()
    one, source = start(cache, "--rcache", "20000")
    names = [f"n{i}.test" for i in range(500)]
    for name in names:
        assert data(one.query(name)) == ["192.0.2.1"]
    settled(cache, 500)
    other, nobody = start(cache, "--rcache", "20000", "--verbose", handler=silent)
    for name in names:
        assert data(other.query(name)) == ["192.0.2.1"]
    assert nobody.questions == [] and len(source.questions) == 500
    wait_until(lambda: len(other.log("source=shared")) == 500, "all lines")
    # What came from there is kept like all else.
    assert data(other.query(names[0])) == ["192.0.2.1"]
    assert other.wait_log("source=cache")


def test_time_to_live_is_counted_down_for_all(start, redis):
    cache = redis()
    one, _ = start(cache, "--rcache", "10")
    one.query("www.test")
    settled(cache, 1)
    time.sleep(1.2)
    other, _ = start(cache, "--rcache", "10", handler=silent)
    left = [ttls(server.query("www.test"))[0] for server in (one, other)]
    assert max(left) <= 49 and abs(left[0] - left[1]) <= 1
    time.sleep(1.1)
    left = [ttls(server.query("www.test"))[0] for server in (one, other)]
    assert max(left) <= 48 and abs(left[0] - left[1]) <= 1


@pytest.mark.parametrize("flags, most", [([], 50), (["--rcache", "10", "--rcache-ttl", "20"], 20)])
def test_it_ends_when_it_would_in_the_own_cache(start, redis, flags, most):
    cache = redis()
    server, _ = start(cache, *flags)
    server.query("www.test")
    settled(cache, 1)
    assert (most - 2) * 1000 < int(cache.ask("PTTL", cache.keys()[0])) <= most * 1000


def test_a_limit_holds_from_the_first_answer_on(start, redis):
    """However many have taken it over, an answer is not older than --rcache-ttl."""
    cache = redis()
    limit = ["--rcache", "10", "--rcache-ttl", "3"]
    one, source = start(cache, *limit)
    one.query("www.test")
    settled(cache, 1)
    time.sleep(1.2)
    other, _ = start(cache, *limit, source=source)
    other.query("www.test")
    assert len(source.questions) == 1
    time.sleep(1.9)
    other.query("www.test")
    assert len(source.questions) == 2


def test_without_a_cache_of_its_own_too(start, redis):
    cache = redis()
    server, source = start(cache, "--verbose")
    for _ in range(3):
        assert data(server.query("www.test")) == ["192.0.2.1"]
        settled(cache, 1)
    assert len(source.questions) == 1 and len(server.log("source=shared")) == 2


def test_negative_answers_are_shared_and_failures_are_not(start, redis):
    cache = redis()
    address = with_address(ttl=50)
    kinds = {"gone.test.": lambda query: query.nxdomain(), "empty.test.": lambda q: q.nodata(),
             "bad.test.": only_rcode("SERVFAIL"), "no.test.": only_rcode("REFUSED")}
    handler = lambda query: kinds.get(query.name, address)(query)
    one, _ = start(cache, "--no-family-fix", handler=handler)
    codes = {name: one.query(name).rcode() for name in kinds}
    one.query("www.test")
    settled(cache, 3)
    assert not any(b"bad" in key or b"no.test" in key for key in cache.keys())
    other, source = start(cache, "--no-family-fix", handler=silent)
    for name in ("gone.test.", "empty.test."):
        assert other.query(name).rcode() == codes[name]
    assert source.questions == []


def test_networks_of_clients_stay_apart(start, redis):
    """What a client gets that has its network sent to nobody is nothing to others (RFC 7871)"""
    def by_network(query):
        sent = next((option for option in query.message.options
                     if isinstance(option, dns.edns.ECSOption)), None)
        last = sent.address.split(".")[0] if sent and sent.srclen else "200"
        answer = query.answer(f"{query.name} 50 IN A 192.0.2.{last}")
        if sent:
            answer.use_edns(0, options=[dns.edns.ECSOption(sent.address, sent.srclen,
                                                           24 if sent.srclen else 0)])
        return answer

    def ask(server, network):
        address, length = network.split("/")
        return data(server.query("www.test", options=[dns.edns.ECSOption(address, int(length))]))
    cache = redis()
    flags = ["--rcache", "100", "--client-subnet", "client/24/56"]
    one, source = start(cache, *flags, handler=by_network)
    other, _ = start(cache, *flags, source=source)
    assert ask(one, "0.0.0.0/0") == ["192.0.2.200"]
    time.sleep(0.2)
    assert ask(other, "203.0.113.0/24") == ["192.0.2.203"]
    assert ask(one, "198.51.100.0/24") == ["192.0.2.198"]
    assert ask(other, "0.0.0.0/0") == ["192.0.2.200"]
    assert cache.keys() == []


def test_what_is_older_than_the_own_limits_counts_as_nothing(start, redis):
    cache = redis()
    address = with_address(ttl=50)
    handler = lambda query: query.nxdomain() if "gone" in query.name else address(query)
    one, _ = start(cache, "--rcache", "10", "--rcache-ttl", "50", "--rcache-neg-ttl", "50",
                   handler=handler)
    one.query("www.test"), one.query("gone.test")
    settled(cache, 2)
    strict, source = start(cache, "--rcache", "10", "--rcache-ttl", "4", "--rcache-neg-ttl", "0",
                           handler=handler)
    strict.query("www.test"), strict.query("gone.test")
    assert [question.name for question in source.questions] == ["gone.test."]
    time.sleep(4)
    strict.query("www.test")
    assert len(source.questions) == 2


def test_kinds_of_questions_stay_apart(start, redis):
    cache = redis()
    one, source = start(cache)
    kinds = [{}, {"do": True}, {"cd": True}, {"do": True, "cd": True}]
    for how in kinds:
        one.query("www.test", **how)
    one.query("www.test", "TXT"), one.query("WWW.test")
    assert len(source.questions) == 5
    one.query("www.test", rd=False)
    assert len(source.questions) == 6
    settled(cache, 5)


def test_servers_of_zones_and_rules_stay_apart(start, redis, upstream):
    cache = redis()
    inner = upstream(with_address("192.0.2.99", ttl=50))
    zone = ["--stubzones", f"corp.test/{inner.address}"]
    rule = ["--rule", f"zone:ads.test -> ask {inner.address}"]
    one, _ = start(cache, *zone, *rule)
    assert data(one.query("www.corp.test")) == ["192.0.2.99"]
    assert data(one.query("www.ads.test")) == ["192.0.2.99"]
    settled(cache, 2)
    stranger, _ = start(cache)
    assert data(stranger.query("www.corp.test")) == ["192.0.2.1"]
    assert data(stranger.query("www.ads.test")) == ["192.0.2.1"]
    count = len(inner.questions)
    friend, source = start(cache, *zone, *rule, handler=silent)
    assert data(friend.query("www.corp.test")) == ["192.0.2.99"]
    assert data(friend.query("www.ads.test")) == ["192.0.2.99"]
    assert len(inner.questions) == count and source.questions == []


def test_what_each_makes_of_it_is_its_own_affair(start, redis):
    """It holds what upstream has said."""
    cache = redis()
    one, source = start(cache, "--rebind-guard", "--rule", "* -> with ttl:7",
                        handler=with_address("10.0.0.1", ttl=50))
    assert data(one.query("www.test")) == []
    settled(cache, 1)
    other, _ = start(cache, source=source)
    answer = other.query("www.test")
    assert data(answer) == ["10.0.0.1"]
    guarded, _ = start(cache, "--rebind-guard", source=source)
    assert data(guarded.query("www.test")) == []
    assert len(source.questions) == 1


def test_rules_that_keep_nothing_share_nothing(start, redis):
    cache = redis()
    server, source = start(cache, "--rule", "* -> with nocache")
    server.query("www.test"), server.query("www.test")
    assert len(source.questions) == 2 and cache.keys() == []


def test_a_refresh_asks_upstream(start, redis):
    cache = redis()
    server, source = start(cache, "--rcache", "10", handler=with_address(ttl=3))
    end = time.monotonic() + 4
    while time.monotonic() < end and len(source.questions) < 2:
        server.query("www.test")
        time.sleep(0.02)
    assert len(source.questions) == 2


def test_a_search_that_finds_it_there_is_kept_like_any_other(start, redis):
    cache = redis()
    flags = ["--rcache", "10", "--enable-search", "--search-domains", "corp.test"]
    one, source = start(cache, *flags)
    one.query("www")
    settled(cache, 1)
    other, _ = start(cache, *flags, "--verbose", handler=silent)
    assert data(other.query("www"))[-1] == "192.0.2.1"
    assert data(other.query("www"))[-1] == "192.0.2.1"
    other.wait_log("name=www .*source=shared")
    other.wait_log("name=www .*source=cache")


def test_rules_that_change_meanwhile_leave_nothing_with_others_servers(start, redis, upstream,
                                                                      tmp_path):
    """The question is under way with the servers of a rule that is gone when the answer comes"""
    cache = redis()
    inner = upstream(lambda query: Later(0.4, with_address("192.0.2.99", ttl=50)(query)))
    rules = tmp_path / "rules"
    rules.write_text(f"zone:test -> ask {inner.address}\n")
    server, _ = start(cache, "--rule", f"@{rules}")
    with UdpClient(server.address) as client:
        client.send(question("www.test"))
        wait_until(lambda: inner.questions, "the question")
        rules.write_text("zone:other -> block\n")
        server.send_signal(signal.SIGHUP)
        server.wait_log("reloaded")
        assert data(client.receive(PATIENCE)) == ["192.0.2.99"]
    time.sleep(0.2)
    assert cache.keys() == []


# How it is written.

def test_by_socket_by_name_with_password_and_number(start, redis, dnslet, upstream):
    cache = redis("--requirepass", "pa:ss@/word")
    for url in (f"redis://:pa%3Ass%40%2Fword@127.0.0.1:{cache.port}/3",
                f"REDIS://default:pa:ss%40%2Fword@127.0.0.1:{cache.port}/3"):
        server, source = start(url, "--verbose")
        server.query("www.test")
        wait_until(lambda: b"keys=1" in cache.ask("INFO", "keyspace", password="pa:ss@/word"),
                   "the value")
        assert b"db3" in cache.ask("INFO", "keyspace", password="pa:ss@/word")
        assert not [line for line in server.lines if "word" in line and "pa" in line]
    wrong, source = start(f"redis://:wrong@127.0.0.1:{cache.port}", waits=False)
    wrong.wait_log("shared cache is left out.*reason=(WRONGPASS|ERR)")
    assert data(wrong.query("www.test")) == ["192.0.2.1"]


def test_by_socket_as_another_user(start, redis, tmp_path):
    cache = redis("--unixsocketperm", "777")
    server, _ = start(f"unix:{cache.socket}", "--verbose")
    server.query("www.test")
    settled(cache, 1)
    none, _ = start("unix:/nowhere/redis.sock", waits=False)
    none.wait_log("shared cache is left out.*no such file")
    assert data(none.query("www.test")) == ["192.0.2.1"]


def test_over_tls_with_a_certificate_that_holds(start, redis, authority, certificate):
    cache = redis(tls=certificate)
    server, _ = start(cache, "--tls-ca", authority.root, "--verbose")
    server.query("www.test")
    settled(cache, 1)
    server.query("www.test")
    assert server.wait_log("source=shared")
    stranger, source = start(cache, "--tls-pin", "other.test=" + "A" * 43 + "=", waits=False,
                             env={"SSL_CERT_FILE": str(authority.issue("x.test").chain)})
    stranger.wait_log("shared cache is left out")
    assert data(stranger.query("www.test")) == ["192.0.2.1"]
    assert len(source.questions) == 1


def test_a_password_that_is_repeated_is_not_shown(start, fake_redis):
    """As a Redis without AUTH does, and others may at any time"""
    def echo(words):
        return b"-ERR unknown command, with args: '" + b"' '".join(words[1:]) + b"'\r\n"
    cache = fake_redis(echo)
    server, _ = start(cache.url.replace("//", "//bob:hunter2@"), waits=False)
    assert "reason=ERR" in server.wait_log("shared cache is left out")
    usual = store()
    later = fake_redis(lambda words: b"-MISCONF bob has hunter2\r\n" if words[0] == b"SET"
                       else usual(words) if words[0] != b"AUTH" else b"+OK\r\n")
    other, _ = start(later.url.replace("//", "//bob:hunter2@"))
    other.query("www.test")
    assert "reason=MISCONF" in other.wait_log("shared cache takes no answers")
    assert not any("hunter2" in line for line in server.lines + other.lines)


def test_a_server_by_name(dnslet, upstream, redis):
    cache = redis()
    names = upstream(with_address("127.0.0.1"))
    source = upstream(with_address(ttl=50))
    server = dnslet("--shared-cache", f"redis://redis.test:{cache.port}", "--bootstrap",
                    names.address, to=[source])
    server.wait_log("shared cache is in use server=redis://redis.test")
    server.query("www.test")
    settled(cache, 1)


@pytest.mark.parametrize("text", [
    "", "127.0.0.1", "http://127.0.0.1", "redis:127.0.0.1", "redis://", "redis://:@127.0.0.1",
    "redis://secret@127.0.0.1", "redis://a:secret@b@127.0.0.1", "redis://:se/cret@127.0.0.1",
    "redis://:secret%4@127.0.0.1", "redis://:secret@127.0.0.1:0", "redis://:secret@127.0.0.1/x",
    "redis://:secret@127.0.0.1/-1", "redis://:secret@", "redis://:secret@127.0.0.1:99999",
    "unix:", "unix:relative", "unix:/" + "x" * 120])
@pytest.mark.parametrize("how", ["flag", "variable"])
def test_a_bad_value_is_told_and_no_password_with_it(text, how):
    if how == "flag":
        ended = run("--shared-cache=" + text)
    elif not text:
        pytest.skip("an empty variable is none")
    else:
        ended = run(env={"DNSMASQ_SHARED_CACHE": text})
    assert ended.returncode == 2
    assert "--shared-cache" in ended.stderr or "DNSMASQ_SHARED_CACHE" in ended.stderr
    assert "secret" not in ended.stderr and "cret" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_print_config_shows_no_password():
    shown = run("--print-config", "--shared-cache", "redis://joe:secret@127.0.0.1/2").stdout
    assert "shared-cache = redis://...@127.0.0.1/2" in shown and "secret" not in shown


def test_where_nothing_is_forwarded_it_has_no_effect(dnslet):
    server = dnslet("--no-rec", "--shared-cache", f"redis://127.0.0.1:{free_port()}")
    assert "--shared-cache has no effect: nothing is forwarded" in server.stderr()
    time.sleep(0.2)
    assert not server.log("shared cache")


def test_explain_tells_what_is_there(start, redis, tmp_path):
    cache = redis()
    server, source = start(cache)
    (tmp_path / "resolv.conf").write_text("")
    flags = ["--explain", "www.test", "--nameservers", source.address, "--resolv-conf",
             tmp_path / "resolv.conf", "--shared-cache"]
    first = run(*flags, cache.url).stdout
    assert "nothing of use in the shared cache" in first and "source=upstream" in first
    server.query("www.test")
    settled(cache, 1)
    assert "source=shared" in run(*flags, cache.url).stdout
    down = run(*flags, f"redis://127.0.0.1:{free_port()}")
    assert "source=upstream" in down.stdout and "left out" in down.stderr
    assert "asks --shared-cache" not in down.stdout


def test_a_name_whose_families_come_one_after_the_other(dnslet, upstream, authority):
    """While the first handshake is under way the address of the other family is told"""
    certificate = authority.issue("redis.test")
    address = with_address("127.0.0.1")
    names = upstream(lambda query: address(query) if query.type == "A" else Later(
        0.008, query.answer(f"{query.name} 60 IN AAAA ::1")))
    for _ in range(3):
        with FakeRedis(store(), tls=certificate, far=0.015) as cache:
            server = dnslet("--shared-cache", f"rediss://redis.test:{cache.port}", "--bootstrap",
                            names.address, "--tls-ca", authority.root, to=[upstream(address)])
            server.wait_log("shared cache is in use")
            assert data(server.query("www.test")) == ["127.0.0.1"]
            server.stop()


def test_a_server_by_name_that_moves_is_followed(dnslet, upstream, fake_redis):
    place = ["127.0.0.5"]
    names = upstream(lambda query: query.answer(f"{query.name} 3600 IN A {place[0]}")
                     if query.type == "A" else query.nodata())
    with FakeRedis(store(), host="127.0.0.5") as former:
        server = dnslet("--shared-cache", f"redis://redis.test:{former.port}", "--bootstrap",
                        names.address, to=[upstream(with_address())])
        server.wait_log("shared cache is in use")
        place[0] = "127.0.0.6"
    with FakeRedis(store(), host="127.0.0.6", port=former.port) as new:
        wait_until(lambda: new.connections, "a connection at the new address", 10)


# Where it is down, slow, full or lies: nobody waits, and nothing is lost.

def test_a_cache_that_is_not_there_costs_nothing(start):
    server, source = start(f"redis://127.0.0.1:{free_port()}", waits=False)
    server.wait_log("shared cache is left out.*connection refused")
    for i in range(20):
        answer, seconds = timed(lambda: server.query(f"n{i}.test"))
        assert data(answer) == ["192.0.2.1"] and seconds < 0.1 * SCALE
    assert server.query("www.test").rcode() == NOERROR


def test_killed_and_started_again_it_is_used_again(start, redis):
    cache = redis()
    server, source = start(cache, "--verbose")
    server.query("a.test")
    settled(cache, 1)
    cache.kill()
    server.wait_log("shared cache is left out.*closed the connection")
    assert data(server.query("b.test")) == ["192.0.2.1"]
    redis(port=cache.port)
    wait_until(lambda: server.query("c.test") and cache.keys(), "a value", 8)
    server.query("c.test")
    server.wait_log("source=shared", 5)


def test_stopped_under_load_nobody_waits_for_it(start, redis):
    """SIGSTOP: all that it costs is the 5 ms that it has, until it is left out"""
    cache = redis()
    server, source = start(cache)

    def p99(first):
        taken = sorted(timed(lambda: server.query(f"n{i}.test"))[1]
                       for i in range(first, first + 300))
        return taken[-4]
    usual = p99(0)
    cache.process.send_signal(signal.SIGSTOP)
    stopped = p99(1000)
    server.wait_log("shared cache is left out.*silent")
    assert stopped < usual + 0.005 + 0.010 * SCALE
    answer, seconds = timed(lambda: server.query("last.test"))
    assert data(answer) == ["192.0.2.1"] and seconds < 0.1 * SCALE
    cache.process.send_signal(signal.SIGCONT)
    wait_until(lambda: len(server.log("shared cache is in use")) > 1 or server.query("x.test") and
               any(b"x.test" in key for key in cache.keys()), "it is used again", 10)


def test_it_has_five_milliseconds_and_may_still_answer_first(start, fake_redis, upstream):
    """Servers are asked then, and whatever comes first counts"""
    value = {}
    inner = store(value)

    def slow(words):
        time.sleep(0.03 if words[0] == b"GETRANGE" else 0)
        return inner(words)
    cache = fake_redis(slow)
    one, source = start(cache)
    answer, seconds = timed(lambda: one.query("www.test"))
    assert data(answer) == ["192.0.2.1"] and seconds < 0.03 * SCALE
    wait_until(lambda: value, "the value")
    other, silent_one = start(cache, "--verbose", handler=silent)
    assert data(other.query("www.test")) == ["192.0.2.1"]
    assert other.wait_log("source=shared") and len(silent_one.questions) == 1


def test_servers_that_fail_do_not_take_its_answer_away(start, fake_redis):
    value = {}
    one, _ = start(fake_redis(store(value)))
    one.query("www.test")
    wait_until(lambda: value, "the value")
    inner = store(value)

    def slow(words):
        time.sleep(0.02 if words[0] == b"GETRANGE" else 0)
        return inner(words)
    other, source = start(fake_redis(slow), handler=with_address(ttl=50))
    assert data(other.query("www.test")) == ["192.0.2.1"]


def test_one_that_is_always_late_is_left_out(start, fake_redis):
    usual = store()

    def late(words):
        return usual(words) if words[0] == b"PING" else Later(0.15, usual(words))
    server, _ = start(fake_redis(late))
    for i in range(20):
        server.query(f"n{i}.test")
        time.sleep(0.03)
    server.wait_log("shared cache is left out.*silent")


def test_one_that_closes_idle_connections_is_no_trouble(start, redis):
    cache = redis("--timeout", "1")
    server, source = start(cache, "--verbose")
    server.query("www.test")
    time.sleep(3.5)
    server.query("www.test")
    assert server.wait_log("source=shared") and not server.log("warning")
    assert server.descriptors() < 30


def test_a_full_one_gives_what_it_has(start, redis):
    cache = redis()
    server, source = start(cache, "--verbose")
    server.query("kept.test")
    settled(cache, 1)
    cache.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    cache.ask("CONFIG", "SET", "maxmemory", "1")
    for i in range(50):
        assert data(server.query(f"n{i}.test")) == ["192.0.2.1"]
    server.wait_log("shared cache takes no answers.*OOM")
    assert len(server.log("OOM")) == 1 and len(cache.keys()) == 1
    server.query("kept.test")
    assert server.wait_log("name=kept.test.* source=shared")


def entries_of(values):
    return next(iter(values.items()))


def lies(value):
    """Values that are no answer to the question"""
    yield "nothing but zeros", bytes(100)
    yield "text", b"hello"
    yield "one byte", b"\0"
    yield "a megabyte", b"x" * (1 << 20)
    yield "another version", b"\xff" + value
    yield "of the future", struct.pack("q", 1 << 60) + value[8:]
    yield "before all time", struct.pack("q", -1) + value[8:]
    yield "ended", struct.pack("q", 1000) + value[8:]
    yield "another question", value.replace(b"\3www", b"\3wxw")
    yield "another type", value.replace(b"\4test\0\0\1\0\1\xc0", b"\4test\0\0\2\0\1\xc0")
    yield "no answer", value[:15] + bytes([value[15] & 0x7f]) + value[16:]
    for size in range(0, len(value), 5):
        yield f"cut at {size}", value[:size]


def test_what_is_no_answer_is_a_miss(start, fake_redis):
    values = {}
    cache = fake_redis(store(values))
    server, source = start(cache, "--metrics", "127.0.0.1:0")
    server.query("www.test")
    wait_until(lambda: values, "the value")
    key, value = entries_of(values)
    for what, lie in lies(value):
        values[key] = lie
        count = len(source.questions)
        assert data(server.query("www.test")) == ["192.0.2.1"], what
        assert len(source.questions) == count + 1, what
        wait_until(lambda: values[key] != lie, what)  # overwritten
    assert not server.log("left out")
    assert Scrape(server).total("dnslet_shared_cache_lookups_total", result="hit") == 0


def test_any_byte_may_be_changed(start, fake_redis):
    values = {}
    server, source = start(fake_redis(store(values)))
    server.query("www.test")
    wait_until(lambda: values, "the value")
    key, value = entries_of(values)
    for place in range(len(value)):
        values[key] = value[:place] + bytes([value[place] ^ 0x41]) + value[place + 1:]
        answer = server.query("www.test")
        assert answer.rcode() in (NOERROR, NXDOMAIN), place
    assert data(server.query("other.test")) == ["192.0.2.1"]


def test_a_value_of_another_kind_is_a_miss(start, redis):
    cache = redis()
    server, source = start(cache)
    server.query("www.test")
    settled(cache, 1)
    key = cache.keys()[0]
    cache.ask("DEL", key), cache.ask("LPUSH", key, "x")
    assert data(server.query("www.test")) == ["192.0.2.1"]
    assert data(server.query("www.test")) == ["192.0.2.1"]
    assert not server.log("left out") and len(source.questions) >= 2


@pytest.mark.parametrize("reply", [
    b"what?\r\n", b"$5000000000\r\n", b"*-7\r\n", b"*99999999\r\n", b"+" + b"x" * 100_000,
    b"\0" * 1000, b":1\r\n" * 50, b"-ERR no\r\n", b"-LOADING wait\r\n", b"-NOAUTH no\r\n"])
def test_one_that_speaks_otherwise_is_left_out(start, fake_redis, reply):
    usual = store()
    cache = fake_redis(lambda words: reply if words[0] == b"GETRANGE" else usual(words))
    server, source = start(cache)
    for _ in range(3):  # one that does not go on is no more than silent
        assert data(server.query("www.test")) == ["192.0.2.1"]
    server.wait_log("shared cache is left out")
    assert data(server.query("www.test")) == ["192.0.2.1"]


def test_it_is_tried_again_ever_less_often(start, fake_redis):
    cache = fake_redis(lambda words: b"-ERR no\r\n")
    server, source = start(cache, waits=False)
    time.sleep(3.6)
    assert 2 <= len(cache.connections) <= 4  # after 1 s and after 2 s more
    assert data(server.query("www.test")) == ["192.0.2.1"]


def test_it_has_no_part_in_readiness(start):
    server, _ = start(f"redis://127.0.0.1:{free_port()}", "--metrics", "127.0.0.1:0", waits=False)
    server.wait_log("left out")
    wait_until(lambda: get(server, "/readyz")[0] == 200, "ready")


def test_what_comes_of_it_is_counted(start, redis):
    cache = redis()
    server, _ = start(cache, "--metrics", "127.0.0.1:0")
    server.query("www.test")
    settled(cache, 1)
    server.query("www.test")

    def total(name, **labels):
        return Scrape(server).total("dnslet_shared_cache_" + name, **labels)
    assert total("lookups_total", result="hit") == total("lookups_total", result="miss") == 1
    assert total("stored_total") == 1 and total("unstored_total") == 0
    assert total("latency_seconds_count") == 2
    assert not [labels for name, *labels in parse(get(server)[1])
                if ("server", f"tcp://127.0.0.1:{cache.port}") in labels]
    cache.kill()
    server.wait_log("left out")
    server.query("other.test"), server.query("other.test", rd=False)
    assert total("lookups_total", result="skipped") == 1
    assert Scrape(server).total("dnslet_answers_total", source="shared", rcode="NOERROR") == 1


def test_several_threads_have_a_connection_each(start, redis):
    cache = redis()
    server, source = start(cache, "--threads", 4, "--verbose")
    for i in range(40):
        with UdpClient(server.address) as client:
            client.send(question("www.test"))
            assert data(client.receive(PATIENCE)) == ["192.0.2.1"]
    assert len(source.questions) <= 4
    clients = cache.ask("INFO", "clients")
    assert b"connected_clients:5" in clients  # and the one that asks this


def test_both_families_at_once_agree(start, redis):
    """musl drops a name when one of them is NXDOMAIN"""
    cache = redis()

    def broken(query):
        return query.nxdomain() if query.type == "AAAA" else with_address(ttl=50)(query)
    one, _ = start(cache, handler=broken)
    other, source = start(cache, handler=silent)
    one.query("www.test"), one.query("www.test", "AAAA")
    settled(cache, 2)
    with UdpClient(other.address) as client:
        for rdtype in ("A", "AAAA"):
            client.send(question("www.test", rdtype))
        assert {client.receive(PATIENCE).rcode() for _ in range(2)} == {NOERROR}
    assert source.questions == []
