# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 14: nft: and ipset: of rules, with the kernel's own packet filter in a network
of the test's own. What is in a set is told by nft and ipset themselves."""

import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import dns.message
import pytest
from harness import (PATIENCE, SCALE, SLOW, Dnslet, FakeUpstream, Later, data, from_records, run, timed, ttls,
                     udp_burst, wait_until, with_address)
from namespaces import PATH, has_setpriv, skip, why_not
from tls_server import HAS_TLS

MAN = Path(__file__).parents[2] / "man" / "dnslet.8"
LONELY = 54321
WALL = 0x40000000  # of waitpid(2): threads too
TABLE = """
add table inet t
add set inet t a4 { type ipv4_addr; flags timeout; }
add set inet t a6 { type ipv6_addr; flags timeout; }
"""
RECORDS = from_records("a.test. 300 IN A 192.0.2.1", "a.test. 300 IN A 192.0.2.2", "a.test. 300 IN AAAA fd00::1",
                       "alias.test. 60 IN CNAME a.test.", "zero.test. 0 IN A 192.0.2.3",
                       "short.test. 30 IN A 192.0.2.1", "other.test. 300 IN A 192.0.2.9")
IN_BOTH = "zone:test -> pass nft:inet/t/a4,inet/t/a6"


class Filter:
    """A network with sets, and a dnslet in it"""

    def __init__(self, world, stack):
        self.world, self.stack, self.servers = world, stack, []

    def run(self, *words, text=None):
        done = subprocess.run([*self.world.wrapper, *words], input=text, capture_output=True, text=True,
                              env={"PATH": PATH}, check=False)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def nft(self, text):
        self.run("nft", "-f", "-", text=text)

    def ipset(self, text):
        self.run("ipset", "restore", text=text)

    def told(self, *words):
        """What a program says of a set. Where dnslet says that an answer has not waited for its addresses,
        as on a machine that does much else, they get a moment."""
        said = self.run(*words)
        if not any(self.is_late(server) for server in self.servers):
            return said
        time.sleep(0.5 * SCALE)
        return self.run(*words)

    @staticmethod
    def is_late(server):
        server.query("version.bind", "TXT", "CH")  # by then it has written what there was to say
        time.sleep(0.02)
        return server.log("packet filter is busy")

    def elements(self, name, family="inet", table="t"):
        """address -> seconds that are left; None: it stays"""
        listed = json.loads(self.told("nft", "-j", "list", "set", family, table, name))
        held = listed["nftables"][-1]["set"].get("elem", [])
        return dict((one, None) if isinstance(one, str) else (one["elem"]["val"], one["elem"]["expires"])
                    for one in held)

    def members(self, name):
        """The same of an ipset"""
        found = re.findall(r"^add \S+ (\S+)(?: timeout (\d+))?", self.told("ipset", "save", name), re.M)
        return {address: int(left) if left else None for address, left in found}

    def upstream(self, handler=RECORDS):
        return self.stack.enter_context(FakeUpstream(handler))

    def dnslet(self, *flags, to, wrapper=(), **how):
        flags = ["--nameservers", to.address, *flags]
        self.servers.append(Dnslet(*flags, directory=self.world.directory,
                                   wrapper=[*self.world.wrapper, *wrapper], **how))
        return self.stack.enter_context(self.servers[-1])

    def refused(self, *rules, wrapper=()):
        """Why it does not start with these rules: what it says on standard error"""
        flags = [word for rule in rules for word in ("--rule", rule)]
        ended = run("--listen", "127.0.0.1:0", "--nameservers", "127.0.0.1:53", *flags,
                    wrapper=[*self.world.wrapper, *wrapper])
        assert ended.returncode == 2 and ended.stderr.count("\n") == 1, ended
        return ended.stderr


@pytest.fixture
def sets(world):
    if why_not():
        skip(why_not())
    if not all(shutil.which(program, path=PATH) for program in ("nft", "ipset")):
        skip("nft and ipset are not installed")
    if not HAS_TLS:
        pytest.skip("this variant has no sets")
    with world.inside(), contextlib.ExitStack() as stack:
        made = Filter(world, stack)
        try:
            made.nft(TABLE)
        except AssertionError as error:
            skip(f"this kernel has no nf_tables: {error}")
        yield made


@pytest.fixture
def ipsets(sets):
    try:
        sets.ipset("create i4 hash:ip timeout 1000\ncreate i6 hash:net family inet6\n")
    except AssertionError as error:
        skip(f"this kernel has no ip_set: {error}")
    return sets


def near(left, wanted):
    return left is not None and wanted - 5 * SCALE <= left <= wanted


def test_addresses_are_in_their_sets_when_the_answer_comes(sets):
    server = sets.dnslet("--rule", IN_BOTH, to=sets.upstream())
    assert sorted(data(server.query("a.test"))) == ["192.0.2.1", "192.0.2.2"]
    assert sets.elements("a4").keys() == {"192.0.2.1", "192.0.2.2"}
    assert all(near(left, 300) for left in sets.elements("a4").values())
    assert sets.elements("a6") == {}
    assert data(server.query("a.test", "AAAA", tcp=True)) == ["fd00::1"]
    assert near(sets.elements("a6")["fd00::1"], 300)
    server.stop()


def test_the_recipe_of_the_man_page(sets):
    text = MAN.read_text().replace("\\e\n    ", "")
    made = re.findall(r"^nft (add set inet filter \w+) '(.*)'$", text, re.M)
    assert len(made) == 2
    sets.nft("\n".join(["add table inet filter", *map(" ".join, made)]))
    rule, = re.findall(r"^--rule '(.*nft:.*)'$", text, re.M)
    server = sets.dnslet("--rule", rule, to=sets.upstream(from_records("a.far.example. 60 IN A 192.0.2.1",
                                                                       "a.far.example. 60 IN AAAA fd00::1")))
    server.query("a.far.example")
    server.query("a.far.example", "AAAA")
    assert sets.elements("allowed", table="filter").keys() == {"192.0.2.1"}
    assert sets.elements("allowed6", table="filter").keys() == {"fd00::1"}
    server.stop()


def test_ipsets_have_them_too(ipsets):
    server = ipsets.dnslet("--rule", "zone:test -> pass ipset:i4,i6", to=ipsets.upstream())
    server.query("alias.test")
    assert ipsets.members("i4").keys() == {"192.0.2.1", "192.0.2.2"}
    assert all(near(left, 300) for left in ipsets.members("i4").values())
    server.query("a.test", "AAAA")
    assert ipsets.members("i6") == {"fd00::1": None}
    server.stop()


def test_only_what_the_rule_is_for_and_no_answer_less(sets):
    server = sets.dnslet("--rule", "name:a.test -> pass nft:inet/t/a4", "--rule", "name:own.test -> answer "
                         "10.0.0.1,fd00::9 nft:inet/t/a4,inet/t/a6", "--rcache", 100, to=sets.upstream())
    assert data(server.query("other.test")) == ["192.0.2.9"]
    assert server.query("none.test").rcode() == 3
    assert sets.elements("a4") == {}
    assert data(server.query("own.test")) == ["10.0.0.1"]
    assert data(server.query("own.test", "AAAA")) == ["fd00::9"]
    assert near(sets.elements("a4")["10.0.0.1"], 10) and near(sets.elements("a6")["fd00::9"], 10)
    server.stop()


def test_without_time_outs_they_stay_and_with_them_for_10_s_at_least(sets):
    sets.nft("add table ip6 s\nadd set ip6 s six { type ipv6_addr; }")
    sets.nft("add set inet t i { type ipv4_addr; flags interval; }")
    sets.nft("add element inet t i { 192.0.2.0/31 }")
    server = sets.dnslet("--rule", "name:zero.test -> pass nft:inet/t/a4", "--rule",
                         "zone:test -> pass nft:inet/t/i,ip6/s/six", to=sets.upstream())
    server.query("zero.test")
    assert 5 <= sets.elements("a4")["192.0.2.3"] <= 10
    server.query("a.test")
    server.query("a.test", "AAAA")
    assert sets.elements("six", "ip6", "s") == {"fd00::1": None}
    listed = sets.told("nft", "list", "set", "inet", "t", "i")
    assert "192.0.2.0/31" in listed and "192.0.2.2" in listed  # the first one was in the range
    assert not server.log("warning addresses")
    server.stop()


def test_an_answer_of_the_cache_puts_them_again_for_what_is_left(sets):
    upstream = sets.upstream()
    server = sets.dnslet("--rule", IN_BOTH, "--rcache", 100, "--rcache-ttl", 3600, to=upstream)
    server.query("a.test")
    sets.nft("flush set inet t a4")

    def is_back():
        answer = server.query("a.test")
        return set(data(answer)) == sets.elements("a4").keys() and ttls(answer)
    left = wait_until(is_back, "the addresses in the set")[0]
    assert all(near(one, left) for one in sets.elements("a4").values())
    assert len(upstream.questions) == 1
    server.stop()


def test_nothing_there_ends_sooner_for_an_answer(sets):
    """A permanent address, one of another program's, and that of a name that lives longer"""
    sets.nft("add element inet t a4 { 192.0.2.1, 192.0.2.9 timeout 1h }")
    server = sets.dnslet("--rule", IN_BOTH, to=sets.upstream())
    for name in ("short.test", "other.test", "a.test", "short.test"):
        server.query(name)
    held = sets.elements("a4")
    assert held["192.0.2.1"] is None and held["192.0.2.9"] > 3500 and near(held["192.0.2.2"], 300)
    server.stop()


def test_a_time_out_is_renewed_where_the_new_answer_lives_longer(ipsets):
    ipsets.nft("add element inet t a4 { 192.0.2.1 timeout 20s, 192.0.2.2 timeout 20s }")
    ipsets.ipset("add i4 192.0.2.1 timeout 20\n")
    server = ipsets.dnslet("--rule", "* -> pass nft:inet/t/a4 ipset:i4", to=ipsets.upstream())
    server.query("a.test")
    assert all(near(left, 300) for left in (*ipsets.elements("a4").values(), *ipsets.members("i4").values()))
    server.query("short.test")  # the same address, for less
    time.sleep(1.1)  # what has just been put is not put again
    server.query("short.test")
    assert near(ipsets.members("i4")["192.0.2.1"], 300)
    server.stop()


def test_a_prefetch_is_for_nobody_and_puts_nothing(sets):
    upstream = sets.upstream(with_address("192.0.2.1", ttl=2))
    server = sets.dnslet("--rule", IN_BOTH, "--rcache", 100, to=upstream)
    server.query("a.test")
    upstream.handler = with_address("192.0.2.77", ttl=60)

    def is_asked_again():
        if len(upstream.questions) == 1:
            server.query("a.test")
        return len(upstream.questions) > 1
    wait_until(is_asked_again, "a prefetch")
    time.sleep(0.1)  # for what would be wrong
    assert "192.0.2.77" not in sets.elements("a4")
    wait_until(lambda: data(server.query("a.test")) == ["192.0.2.77"], "the new answer")
    assert near(sets.elements("a4")["192.0.2.77"], 60)
    server.stop()


def test_an_answer_that_has_ended_puts_its_addresses_too(sets):
    upstream = sets.upstream(with_address("192.0.2.1", ttl=1))
    server = sets.dnslet("--rule", IN_BOTH, "--rcache", 100, "--rcache-stale", 3600, "--no-prefetch",
                         to=upstream)
    server.query("a.test")
    upstream.stop()
    time.sleep(1.1)
    sets.nft("flush set inet t a4")
    assert data(server.query("a.test")) == ["192.0.2.1"]
    assert "192.0.2.1" in sets.elements("a4")
    server.stop()


def test_all_who_wait_for_one_question_have_it_in_the_set_first(sets):
    upstream = sets.upstream(lambda q: Later(0.3, RECORDS(q)))
    server = sets.dnslet("--rule", IN_BOTH, to=upstream)
    found = []

    def ask():
        with sets.world.inside():
            server.query("a.test")
            found.append(sets.elements("a4").keys())
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [{"192.0.2.1", "192.0.2.2"}] * 8
    assert len(upstream.questions) == 1
    server.stop()


@pytest.mark.parametrize("option,why", [
    ("nft:inet/t/none", "is not there"), ("nft:ip/t/a4", "is not there"), ("ipset:none", "is not there"),
    ("nft:inet/t/two", "is no set of single addresses"), ("nft:inet/t/marks", "is a map"),
    ("ipset:ports", "is no set of single addresses"), ("nft:inet/t", "FAMILY/TABLE/SET"),
    ("nft:tcp/t/s", "FAMILY/TABLE/SET"), ("ipset:" + "a" * 32, "31 letters")])
def test_a_set_that_is_not_there_or_of_no_use_ends_the_start(ipsets, tmp_path, option, why):
    ipsets.nft("add set inet t two { type ipv4_addr . inet_service; }\nadd map inet t marks "
               "{ type ipv4_addr : mark; }")
    ipsets.ipset("create ports hash:ip,port\n")
    said = ipsets.refused(f"* -> pass {option}")
    assert f"'{option}' in rule '* -> pass {option}' " in said and why in said
    (tmp_path / "rules").write_text(f"\nzone:a.test -> with {option}\n")
    said = ipsets.refused(f"@{tmp_path}/rules")
    assert f"{tmp_path}/rules:2: '{option}' in rule" in said and why in said


@pytest.mark.skipif(not has_setpriv(), reason="needs root and util-linux's setpriv")
@pytest.mark.parametrize("option", ["nft:inet/t/a4", "ipset:i4"])
def test_without_the_capability_it_does_not_start(ipsets, option):
    said = ipsets.refused(f"* -> pass {option}", wrapper=["setpriv", "--bounding-set=-net_admin"])
    assert "it needs CAP_NET_ADMIN" in said


@pytest.mark.skipif(HAS_TLS, reason="the other variant has sets")
@pytest.mark.parametrize("option", ["nft:inet/t/a4", "ipset:i4"])
def test_the_small_variant_says_which_one_has_sets(option):
    ended = run("--listen", "127.0.0.1:0", "--no-rec", "--rule", f"* -> pass {option}")
    assert ended.returncode == 2
    assert ended.stderr.endswith(f"'{option}' in rule '* -> pass {option}' is a set of the packet filter, which the "
                                 "variant dnslet-min does not have; dnslet has it\n")


@pytest.mark.parametrize("remake,rule,held", [
    (["delete table inet t", TABLE], IN_BOTH, lambda s: s.elements("a4")),
    (["destroy i4", "create i4 hash:ip timeout 60"], "* -> pass ipset:i4", lambda s: s.members("i4"))])
def test_a_set_that_goes_away_takes_no_answer_along_and_works_again(ipsets, remake, rule, held):
    change = ipsets.nft if "table" in remake[0] else ipsets.ipset
    server = ipsets.dnslet("--rule", rule, "--rcache", 100, to=ipsets.upstream())
    server.query("a.test")
    change(remake[0] + "\n")
    for _ in range(3):
        assert data(server.query("other.test")) == ["192.0.2.9"]
    server.wait_log("warning addresses are not put into a set, answers go out without set=\\S+ "
                    "reason=\"it is not there\"")
    change(remake[1] + "\n")
    wait_until(lambda: server.query("a.test") and len(held(ipsets)) == 2, "the kept addresses in the new set")
    server.query("other.test")
    assert "192.0.2.9" in held(ipsets)
    server.wait_log("info addresses are put into a set again set=")
    assert len(server.log("warning addresses are not put")) <= 2  # one for each set of the rule
    server.stop()


def test_a_set_that_is_full_takes_what_it_can(sets):
    sets.nft("add set inet t small { type ipv4_addr; size 1; flags timeout; }")
    server = sets.dnslet("--rule", "* -> pass nft:inet/t/small,inet/t/a4", to=sets.upstream())
    assert sorted(data(server.query("a.test"))) == ["192.0.2.1", "192.0.2.2"]
    assert len(sets.elements("small")) == 1 and len(sets.elements("a4")) == 2
    server.wait_log('set=nft:inet/t/small reason="it is full"')
    server.stop()


def test_a_full_set_holds_no_other_set_up(sets):
    """What the kernel refuses takes it some 20 ms, and an answer may have a hundred addresses."""
    sets.nft("add set inet t small { type ipv4_addr; size 2; }")
    many = from_records(*(f"big.test. 300 IN A 192.0.2.{i}" for i in range(1, 100)),
                        *(f"n{i}.test. 300 IN A 198.51.100.{i}" for i in range(1, 60)))
    server = sets.dnslet("--rule", "name:big.test -> pass nft:inet/t/small", "--rule", "* -> pass nft:inet/t/a4",
                         to=sets.upstream(many))
    assert len(data(server.query("big.test", tcp=True))) == 99
    server.wait_log('set=nft:inet/t/small reason="it is full"')
    took = []
    for i in range(1, 60):
        server.query("big.test", tcp=True)
        took.append(timed(lambda name=f"n{i}.test": server.query(name))[1])
    assert sorted(took)[30] < 0.1 * SCALE
    wait_until(lambda: len(sets.elements("a4")) == 59, "all the others")
    assert len(sets.elements("small")) == 2
    sets.nft("flush set inet t small")
    wait_until(lambda: server.query("big.test", tcp=True) and len(sets.elements("small")) == 2, "room is used")
    server.stop()


def capabilities(server):
    """Of each thread: the sets of capabilities that are not empty"""
    found = set()
    for task in Path(f"/proc/{server.pid}/task").iterdir():
        fields = re.findall(r"^(Cap\w+):\s*(\w+)$", (task / "status").read_text(), re.M)
        found.add(tuple((name, int(value, 16)) for name, value in fields if int(value, 16)))
    return found


@pytest.mark.parametrize("threads", [1, 3])
def test_an_ordinary_user_keeps_this_capability_alone(ipsets, threads):
    net_admin = 1 << 12
    server = ipsets.dnslet("--user", LONELY, "--threads", threads, "--rule",
                           "* -> pass nft:inet/t/a4 ipset:i4", to=ipsets.upstream())
    server.query("a.test")
    assert len(ipsets.elements("a4")) == len(ipsets.members("i4")) == 2
    status = Path(f"/proc/{server.pid}/status").read_text()
    assert re.search(rf"^Uid:\s*{LONELY}\s", status, re.M) and re.search(r"^NoNewPrivs:\s*1$", status, re.M)
    assert capabilities(server) == {(("CapPrm", net_admin), ("CapEff", net_admin), ("CapBnd", net_admin))}
    server.stop()


def test_rules_of_a_file_may_name_another_set_later(sets, open_folder):
    rules = open_folder / "rules"
    rules.write_text("zone:test -> pass nft:inet/t/a4\n")
    server = sets.dnslet("--user", LONELY, "--rule", f"@{rules}", to=sets.upstream())
    server.query("a.test")
    rules.write_text("zone:test -> pass nft:inet/t/other\n")
    server.send_signal(signal.SIGHUP)
    server.wait_log("warning .*rules:1: 'nft:inet/t/other' in rule .* is not there.*; all rules stay as they were")
    server.query("other.test")
    assert "192.0.2.9" in sets.elements("a4")
    sets.nft("add set inet t other { type ipv4_addr; }")
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: len(server.log("info reloaded")) == 2, "the new rules")
    wait_until(lambda: server.query("a.test") and sets.elements("other"), "the addresses in the other set")
    server.stop()


def test_explain_tells_the_sets_and_leaves_them_alone(sets):
    upstream = sets.upstream()
    how = ["--nameservers", upstream.address, "--rule", "zone:test -> pass nft:inet/t/a4 ipset:none"]
    told = run(*how, "--explain", "alias.test", wrapper=sets.world.wrapper)
    assert told.returncode == 0, told
    assert "sets        192.0.2.1 into nft:inet/t/a4 for 300 s, if it is of the set's family\n" in told.stdout
    assert "            192.0.2.1 into ipset:none for 300 s" in told.stdout
    assert sets.elements("a4") == {}


def quantile(values, part):
    return sorted(values)[int(part * len(values))]


def latencies(server, name, seconds):
    """Of questions for a name, one after the other"""
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        took.append(timed(lambda: server.query(name))[1])
        time.sleep(0.002)
    return took


def flood(server, rate, seconds, found):
    """Asks for so many names a second and counts the answers"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
        client.connect(server.address)
        client.setblocking(False)
        wire = bytearray(dns.message.make_query("n0000000.many.test", "A").to_wire())
        begin, sent = time.monotonic(), 0
        while time.monotonic() - begin < seconds + 0.5:
            due = min(int((time.monotonic() - begin) * rate), int(seconds * rate))
            for number in range(sent, due):
                wire[13:21] = b"n%07d" % number
                with contextlib.suppress(OSError):
                    client.send(wire)
            sent = due
            with contextlib.suppress(BlockingIOError):
                while client.recv(2048):
                    found.append(time.monotonic())
            time.sleep(0.001)
    found.insert(0, sent)


def test_ten_thousand_names_a_second_go_into_one_set_and_nobody_waits(sets):
    """Each has an address of its own, and no server sets a limit: what is measured is the set. The other
    question is for a kept answer."""
    rate, seconds = 10_000, 3
    server = sets.dnslet("--fake-ip", "198.18.0.0/15", "--rule", "zone:many.test -> fake nft:inet/t/a4",
                         "--rcache", 100, to=sets.upstream())
    server.query("other.test")
    quiet = latencies(server, "other.test", 1)
    memory = server.resident()
    found = []

    def load():
        with sets.world.inside():
            flood(server, rate, seconds, found)
    thread = threading.Thread(target=load)
    thread.start()
    busy = latencies(server, "other.test", seconds)
    thread.join()
    sent, *answered = found
    held = len(sets.elements("a4"))
    print(f"\n{sent} sent, {len(answered)} answered, {held} in the set; other names p50 {quantile(quiet, .5) * 1000:.2f} -> "
          f"{quantile(busy, .5) * 1000:.2f} ms, p99 {quantile(quiet, .99) * 1000:.2f} -> "
          f"{quantile(busy, .99) * 1000:.2f} ms; {(server.resident() - memory) >> 10} KiB more; {server.log('warning')}")
    assert len(answered) > 0.99 * sent
    assert held > 0.99 * sent
    assert quantile(busy, .5) < 0.005 * SCALE
    assert SLOW or server.resident() - memory < 32 << 20  # sanitizers keep what is freed
    server.stop()


@contextlib.contextmanager
def held_thread(pid, before):
    """The thread that was not there before stands still, as one that waits for a lock of the kernel does"""
    seize, interrupt, detach = 0x4206, 0x4207, 17
    libc = ctypes.CDLL(None, use_errno=True)
    thread, = threads_of(pid) - before
    stat = Path(f"/proc/{pid}/task/{thread}/stat")
    wait_until(lambda: ") S " in stat.read_text(), "a thread that waits, and so has no lock of its own")

    def trace(request):
        assert libc.ptrace(request, thread, None, None) == 0, os.strerror(ctypes.get_errno())
    trace(seize)
    trace(interrupt)
    os.waitpid(thread, WALL)
    try:
        yield thread
    finally:
        libc.ptrace(detach, thread, None, None)


def threads_of(pid):
    return {int(name) for name in os.listdir(f"/proc/{pid}/task")}


def test_answers_wait_5_ms_for_a_packet_filter_that_is_busy_and_then_not_at_all(sets):
    """A large file of nft holds a lock for as long as it takes; others wait for that in their system call."""
    server = sets.dnslet("--fake-ip", "198.18.0.0/15", "--rule", "zone:in.test -> fake nft:inet/t/a4",
                         "--rule", "zone:out.test -> answer 10.0.0.2", to=sets.upstream())
    before = threads_of(server.pid)
    server.query("first.in.test")
    with held_thread(server.pid, before):
        took = timed(lambda: server.query("second.in.test"))[1]
        assert took >= 0.003
        others = [timed(lambda n=number: server.query(f"n{n}.in.test"))[1] for number in range(50)]
        outside = [timed(lambda: server.query("a.out.test"))[1] for _ in range(50)]
        print(f"\nfirst {took * 1000:.1f} ms, then {quantile(others, .5) * 1000:.2f}, outside "
              f"{quantile(outside, .5) * 1000:.2f}")
        assert quantile(others, .5) < 0.003 * SCALE and quantile(outside, .5) < 0.003 * SCALE
        assert len(sets.elements("a4")) == 1
        server.wait_log("warning the packet filter is busy: answers go out before their addresses are in the sets")
    wait_until(lambda: len(sets.elements("a4")) == 52, "all that was left to do")
    server.query("last.in.test")
    assert len(sets.elements("a4")) == 53
    assert len(server.log("warning the packet filter")) == 1
    server.stop()


def test_too_much_that_waits_is_left_out_and_costs_no_memory(sets):
    server = sets.dnslet("--fake-ip", "198.18.0.0/15", "--rule", "* -> fake nft:inet/t/a4", to=sets.upstream())
    before = threads_of(server.pid)
    server.query("first.test")
    memory = server.resident()
    with held_thread(server.pid, before):
        found = []
        flood(server, 10_000, 2, found)
        print(f"\n{(server.resident() - memory) >> 10} KiB more for {found[0]}")
        assert len(found) - 1 > 0.99 * found[0]
        assert server.resident() - memory < 16 << 20
    server.wait_log("warning addresses are not put into sets, as too many wait for that")
    wait_until(lambda: len(sets.elements("a4")) > 4000, "those that waited")
    assert len(sets.elements("a4")) <= 2 * 4096 + 1
    server.query("last.test")
    server.stop()


def test_it_ends_at_once_though_the_packet_filter_is_busy(sets):
    server = sets.dnslet("--fake-ip", "198.18.0.0/15", "--rule", "* -> fake nft:inet/t/a4", to=sets.upstream())
    before = threads_of(server.pid)
    server.query("first.test")
    with held_thread(server.pid, before) as thread:
        server.query("second.test")
        # A process has ended when who traces its threads has taken note.
        reaper = threading.Thread(target=lambda: os.waitpid(thread, WALL))
        reaper.start()
        server.stop()
        reaper.join()
