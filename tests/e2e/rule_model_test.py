# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 11: rules of every key, action and option, drawn at random, decide as the plain
model of rule_model.py does. RULE_SEEDS=100 draws so many lists of rules."""

import collections
import ipaddress
import os
import random
import re
import time
from contextlib import ExitStack

import dns.edns
import dns.message
import dns.rcode
import dns.rdatatype
from basics import SCALE, free_port, split_address
from fake_upstream import soa
from harness import Dnslet, FakeUpstream, TcpClient, UdpClient, parse, run, wait_until
from rule_model import (DROPPED, NEGATIVE_TTL, PRIVATE, Asked, Condition, Model, Rule, Said, is_within)

SEEDS = int(os.environ.get("RULE_SEEDS") or 40)
QUESTIONS = 100  # for each list of rules
SILENCE = 0.05 * SCALE  # for which what is dropped is waited for

NAMES = ("a.test", "b.test", "www.a.test", "ads.track.test", "xa.test", "ad1.b.example", "b.example", "example",
         "track.ad.a", "a-b.c.d.e", "geo.test", "3.2.1.10.in-addr.arpa", "9.0.2.192.in-addr.arpa",
         "2.1.10.in-addr.arpa")
TARGETS = ("cdn.a.test", "x.cdn.b.example", "edge.example")  # of aliases that servers have
TYPES = ("A", "AAAA", "A", "AAAA", "TXT", "HTTPS", "MX", "PTR")
CLIENTS = ("127.0.0.1", "127.0.0.2", "127.1.0.7")
SUBNETS = (None, None, None, "203.0.113.128/25", "203.0.112.0/22", "2001:db8:9:900::/64", "0.0.0.0/0", "10.9.9.0/24")
V4 = ("10.1.1.1", "192.0.2.5", "203.0.113.9", "0.0.0.0")
V6 = ("fd00::7", "2001:db8::5", "2606:4700::9")
FAKE = ipaddress.ip_network("198.18.0.0/24")


def network(text):
    return ipaddress.ip_network(text, strict=False)


def pairs(*texts, meaning=lambda text: text):
    return [(text, meaning(text)) for text in texts]


class List:
    """Lines of every form, and what they take"""

    FORMS = (
        ("{}", is_within), ("||{}^", is_within), ("*.{}", is_within), ("domain:{}", is_within),
        ("local=/{}/", is_within), ("{} @cn", is_within),
        ("full:{}", lambda name, one: name == one), ("0.0.0.0 {}", lambda name, one: name == one),
        ("|{}^", lambda name, one: name == one),
        ("||*.{}^", lambda name, one: name != one and is_within(name, one)),
    )
    OTHERS = (("keyword:track", lambda name: "track" in name), ("regexp:^ad[0-9]+\\.", re.compile(r"^ad[0-9]+\.").search),
              ("||ad*^", lambda name: re.search(r"(^|\.)ad.*$", name)), ("||b.test^$third-party", lambda name: False),
              ("# b.test", lambda name: False))
    NETWORKS = ("10.0.0.0/8", "192.0.2.5", "2001:db8::/32", "127.0.0.2", "127.1.0.0/16", "fd00::/8")

    def __init__(self, dice):
        self.lines, self.takers, self.spared, self.networks = [], [], [], []
        for _ in range(dice.randint(1, 4)):
            form, takes = dice.choice(self.FORMS)
            name = dice.choice(("a.test", "b.example", "track.test", "ad.a", "geo.test", "cdn.a.test", "example"))
            self.lines.append(form.format(name))
            self.takers.append(lambda asked, takes=takes, name=name: takes(asked, name))
        if dice.random() < 0.5:
            line, takes = dice.choice(self.OTHERS)
            self.lines.append(line)
            self.takers.append(takes)
        if dice.random() < 0.4:
            self.lines.append("@@||www.a.test^")
            self.spared.append("www.a.test")
        for text in dice.sample(self.NETWORKS, dice.randint(0, 3)):
            self.lines.append(text)
            self.networks.append(network(text))
        dice.shuffle(self.lines)

    def takes(self, name):
        return any(takes(name) for takes in self.takers) and not any(is_within(name, one) for one in self.spared)


class Zone:
    """As a list with one zone, for alias: of a name"""

    def __init__(self, zone):
        self.zone = zone

    def takes(self, name):
        return is_within(name, self.zone)


class World:
    """Servers that differ in what they say. Those of one letter say the same."""

    SERVERS = ("d1", "n1", "n2", "f1", "f2", "r1", "s1")
    retry = 3000 * SCALE

    def __init__(self, stack, salt):
        self.salt = salt
        self.running = {server: stack.enter_context(FakeUpstream(lambda asked, server=server: self.reply(server, asked)))
                        for server in self.SERVERS}

    @staticmethod
    def is_healthy(server):
        return server[0] not in "rs"

    @staticmethod
    def is_silent(server):
        return server[0] == "s"

    def ask(self, server, name, rdtype, subnet):
        if server[0] == "r":
            return Said("REFUSED")
        dice = random.Random(f"{self.salt} {server[0]} {name}")
        if dice.random() < 0.15:
            return Said("NXDOMAIN")
        dice = random.Random(f"{self.salt} {server[0]} {name} {rdtype}")
        if name == "geo.test" and rdtype == "A":
            return Said("NOERROR", (("geo.test.", 300, "A", self.near(subnet)),))
        owner, records = name + ".", []
        if dice.random() < 0.3:
            target = dice.choice(TARGETS) + "."
            records.append((owner, dice.randint(20, 4000), "CNAME", target))
            owner = target
        if dice.random() < 0.8:
            ttl = dice.randint(20, 4000)
            data = {"A": dice.sample(V4, dice.randint(1, 2)), "AAAA": dice.sample(V6, dice.randint(1, 2)),
                    "TXT": [f'"{server[0]}"'], "MX": [f"10 {server[0]}.test."], "PTR": [f"{server[0]}.test."],
                    "HTTPS": [f'1 . alpn="h2" ipv4hint="{dice.choice(V4)}" ipv6hint="{dice.choice(V6)}"']}[rdtype]
            records += [(owner, ttl, rdtype, text) for text in data]
        return Said("NOERROR", tuple(records))

    @staticmethod
    def near(subnet):
        """An address of the network's own"""
        return f"198.51.100.{sum(subnet.encode()) % 250 + 1}" if subnet else "198.51.100.0"

    def reply(self, server, asked):
        if self.is_silent(server):
            return None
        subnet = told_subnet(asked.message)
        said = self.ask(server, asked.name.rstrip("."), asked.type, subnet)
        lines = [f"{name} {ttl} IN {kind} {data}" for name, ttl, kind, data in said.records]
        has_type = any(kind == asked.type for _, _, kind, _ in said.records)
        authority = () if has_type or said.failed else [soa(asked.name, NEGATIVE_TTL, NEGATIVE_TTL)]
        reply = asked.answer(*lines, rcode=said.rcode, authority=authority)
        for option in asked.message.options:
            if option.otype == dns.edns.OptionType.ECS:
                scope = option.srclen if asked.name == "geo.test." else 0
                reply.use_edns(0, options=[dns.edns.ECSOption(option.address, option.srclen, scope)])
        return reply

    def asked_since(self, marks):
        """{(server, name, type): [networks told]}"""
        found = collections.defaultdict(list)
        for server, upstream in self.running.items():
            for asked in upstream.questions[marks[server]:]:
                if not asked.name.endswith(".dnslet-loop.arpa."):  # what silence leads to: contract section 6
                    found[server, asked.name.rstrip("."), asked.type].append(told_subnet(asked.message))
        return found

    def marks(self):
        return {server: len(upstream.questions) for server, upstream in self.running.items()}


def told_subnet(message):
    for option in message.options:
        if option.otype == dns.edns.OptionType.ECS:
            return f"{option.address}/{option.srclen}"
    return None


class Draw:
    """Rules, and dnslet's text for them"""

    def __init__(self, dice, world, listeners):
        self.dice, self.world = dice, world
        self.lists = {name: List(dice) for name in ("one", "two", "three")}
        self.sets = {"": ["d1"], "near": ["n1", "n2"], "far": ["f1", "f2"], "broken": ["r1"], "mixed": ["r1", "n1"],
                     "mute": ["s1"], "slow": ["s1", "n1"]}
        of_list = [(f"list:{name}", name) for name in self.lists]
        private = [("private", PRIVATE)]
        networks = lambda *texts: [(text, [network(text)]) for text in texts]  # noqa: E731
        self.values = {
            "name": pairs(*NAMES, *TARGETS), "zone": pairs(*NAMES, "test", "cdn.a.test"),
            "word": pairs("ad", "Track", "b.ex", "w", "1."),
            "regex": [("^ad[0-9]+\\.", r"^ad[0-9]+\."), ("^(?:a|b)\\.", r"^(?:a|b)\."), ("[ab].*test$", "[ab].*test$"),
                      ('"^[a-z]{1,2}\\.t"', r"^[a-z]{1,2}\.t"), ("\\d", "[0-9]")],
            "list": [(name, name) for name in self.lists],
            "ptr": [*networks("10.0.0.0/8", "192.0.2.0/24"), *private],
            "type": pairs("A", "aaaa", "TXT", "HTTPS", "MX", "TYPE12",
                          meaning=lambda text: dns.rdatatype.to_text(dns.rdatatype.from_text(text))),
            "from": [*networks("127.0.0.0/24", "127.0.0.2", "127.1.0.0/16", "::/0"), *of_list, *private],
            "via": pairs("udp", "TCP", "tls", "https", meaning=str.lower),
            "at": [(address, number) for number, address in enumerate(listeners)],
            "answer": [*networks("10.0.0.0/8", "192.0.2.0/24", "203.0.113.9", "2001:db8::/32"), *of_list,
                       ("private", [*PRIVATE, network("0.0.0.0"), network("::")]), ("none", None)],
            "rcode": pairs("NXDOMAIN", "noerror", meaning=str.upper),
            "alias": [(zone, Zone(zone)) for zone in ("cdn.a.test", "b.example", "test")]
                     + [(text, self.lists[name]) for text, name in of_list],
        }
        self.actions = {
            "ask": None, "pass": None, "with": None, "block": pairs(""), "refuse": pairs(""), "empty": pairs(""),
            "drop": pairs(""), "fake": pairs(""),
            "rcode": pairs("NXDOMAIN", "refused", "servfail", "notauth", meaning=str.upper),
            "answer": [("10.0.0.1,fd00::1", [("A", "10.0.0.1"), ("AAAA", "fd00::1")]), ("192.0.2.9", [("A", "192.0.2.9")]),
                       ('TXT "v=spf1, -all"', [("TXT", '"v=spf1, -all"')])],
            "alias": pairs(*NAMES[:11]),
        }
        self.options = {
            "ttl": [("60", (60, 60)), ("100-900", (100, 900)), ("0", (0, 0))], "nocache": [(None, True)],
            "only": pairs("ipv4", "IPv6", meaning=str.lower), "prefer": pairs("ipv4", "ipv6"),
            "limit": [("1", 1), ("3", 3), ("1000000", 1000000)], "wait": [("100", 100), ("300", 300)],
            "race": [("2", 2), ("5", 5)],
            "subnet": [("192.0.2.77", "192.0.2.0/24"), ("2001:db8::/32", "2001:db8::/32"), ("none", "none"),
                       ("client/24/56", (24, 56)), ("client/16/48", (16, 48))],
            "ahead": [(None, True)], "swap": [("104.16.1.1", ["104.16.1.1"]),
                                              ("104.16.1.2,2606:4700::1", ["104.16.1.2", "2606:4700::1"])],
        }

    def condition(self, keys):
        key = self.dice.choice(keys)
        count = min(len(self.values[key]), self.dice.choice((1, 1, 2, 3)))
        return Condition(key, tuple(self.dice.sample(self.values[key], count)), self.dice.random() < 0.2)

    def rule(self):
        """(its text, the model's rule)"""
        asks = self.dice.random() < 0.55
        keys = [key for key in self.values if asks or key not in ("answer", "rcode", "alias")]
        count = self.dice.choice((0, 1, 1, 1, 1, 2, 2, 2, 3))
        conditions = [self.condition(keys) for _ in range(count)]
        if asks and self.dice.random() < 0.4:
            conditions.append(self.condition(["answer", "rcode", "alias"]))
        judged = {one.key for one in conditions} & {"answer", "rcode", "alias"}
        words = [("!" if one.negated else "") + one.key + ":" + ",".join(text for text, _ in one.values)
                 for one in conditions] or ["*"]
        names = [name for name, values in self.actions.items() if (name in ("ask", "pass")) == asks]
        action = self.dice.choice(("ask", "ask", "pass") if asks else names)
        text, argument = self.argument(action, bool(judged))
        options, option_words = self.drawn_options(action, argument, judged)
        if action == "ask" and "s1" in argument and "wait" not in options:  # or it takes its time
            options["wait"] = 100
            option_words.append("wait:100")
        line = " ".join(words + ["->", action, *([text] if text else []), *option_words])
        return line, Rule(conditions, action, argument, options)

    def argument(self, action, is_judged):
        if action != "ask":
            return self.dice.choice(self.actions[action] or [("", None)])
        sets = self.dice.choice((["near"], ["far"], ["near"], ["far"], ["broken"], ["mixed"], ["broken", "far"]))
        if self.dice.random() < 0.1:
            sets = ["mute" if is_judged else "slow"]
        servers = list(dict.fromkeys(server for name in sets for server in self.sets[name]))
        if self.dice.random() < 0.2:  # as servers
            return ",".join(self.world.running[server].address for server in servers), servers
        return ",".join(sets), servers

    def drawn_options(self, action, argument, judged):
        count = self.dice.choice((0, 1, 1, 2, 3)) if action != "with" else self.dice.choice((1, 1, 2))
        names = self.dice.sample([name for name in self.options if name not in ("ahead", "swap")], count)
        if judged and self.dice.random() < 0.3:
            names.append("ahead")
        # Where all are silent the answer may come as late as without a rule.
        if judged & {"answer", "alias"} and argument != ["s1"] and self.dice.random() < 0.3:
            names.append("swap")
        options, words = {}, []
        for name in names:
            text, options[name] = self.dice.choice(self.options[name])
            words.append(name if text is None else f"{name}:{text}")
        return options, words

    def question(self):
        return Asked(self.dice.choice(NAMES), self.dice.choice(TYPES), self.dice.choice(CLIENTS),
                     self.dice.choice(("udp", "tcp")), self.dice.randrange(2), self.dice.choice(SUBNETS))


def ask(address, asked, is_dropped):
    """The answer; None: there is none"""
    spelled = "".join(random.choice((letter, letter.upper())) for letter in asked.name)
    message = dns.message.make_query(spelled, asked.type)
    options = []
    if asked.subnet:
        network_said, length = asked.subnet.split("/")
        options = [dns.edns.ECSOption(network_said, int(length))]
    message.use_edns(0, options=options)
    patience = SILENCE if is_dropped else 20 * SCALE
    with (TcpClient if asked.way == "tcp" else UdpClient)(address, asked.client) as client:
        client.send(message)
        try:
            wire = client.receive_wire(patience)
        except AssertionError:
            wire = None
        return parse(wire) if wire else None


def seen(answer):
    """As the model says it: names in lower case, types of records by their name"""
    records = tuple((str(rrset.name).lower(), rrset.ttl, dns.rdatatype.to_text(rrset.rdtype),
                     rdata.to_text().lower() if rrset.rdtype in (5, 12, 15) else rdata.to_text())
                    for rrset in answer.answer for rdata in rrset)
    return Said(dns.rcode.to_text(answer.rcode()), records)


class Comparison:
    """One list of rules, a running dnslet and the model beside it"""

    def __init__(self, stack, seed, tmp_path):
        self.dice = random.Random(seed)
        self.world = World(stack, seed)
        listeners = [f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"]
        self.draw = Draw(self.dice, self.world, listeners)
        drawn = [self.draw.rule() for _ in range(self.dice.randint(2, 9))]
        self.texts, rules = [text for text, _ in drawn], [rule for _, rule in drawn]
        self.model = Model(rules, self.world, self.draw.lists, self.draw.sets)
        self.is_caching = self.dice.random() < 0.5
        self.listeners, self.fakes = listeners, {}
        # Of the last questions, as load lets a server be late.
        self.recent, self.repeated, self.told = collections.deque(maxlen=10), set(), collections.defaultdict(set)
        self.words = ["--fake-ip", FAKE, "--upstream-retry", self.world.retry, "--rcache", 1000 * self.is_caching]
        for name, servers in self.draw.sets.items():
            addresses = ",".join(self.world.running[server].address for server in servers)
            self.words += ["--server", f"{name}={addresses}"] if name else ["--nameservers", addresses]
        for name, one in self.draw.lists.items():
            path = tmp_path / f"{seed}-{name}"
            path.write_text("".join(line + "\n" for line in one.lines))
            self.words += ["--list", f"{name}={path}"]
        for text in self.texts:
            self.words += ["--rule", text]

    def is_loop(self):
        """dnslet has refused the rules: whether names alone make a loop of their aliases."""
        result = run(*self.words, "--listen", ",".join(self.listeners), "--explain", "localhost")
        if result.returncode != 2:
            return False
        assert "loop" in result.stderr, (self.texts, result.stderr)
        # Whatever else a question has, from some name on.
        unlimited = Model(self.model.rules, self.world, self.draw.lists, self.draw.sets)
        unlimited.is_over_limit = lambda *_: False
        always = [all(unlimited.resolve(Asked(name, kind, client, way, at)).said == Said("SERVFAIL")
                      for kind in set(TYPES) for client in CLIENTS for way in ("udp", "tcp") for at in (0, 1))
                  for name in NAMES]
        assert any(always), (self.texts, result.stderr)
        return True

    def compare(self, used):
        with Dnslet(*self.words, listen=",".join(self.listeners)):
            begin = time.monotonic()
            for _ in range(QUESTIONS):
                self.compare_question(self.draw.question(), begin, used)

    def compare_question(self, asked, begin, used):
        foreseen = Model(self.model.rules, self.world, self.draw.lists, self.draw.sets)
        foreseen.buckets = dict(self.model.buckets)
        now = time.monotonic()
        is_dropped = foreseen.resolve(asked, (now, now)).said == DROPPED
        marks, first = self.world.marks(), time.monotonic()
        answer = ask(split_address(self.listeners[asked.listener]), asked, is_dropped)
        last = time.monotonic()
        expected = self.model.resolve(asked, (first, last))
        case = f"rules {self.texts}\nlists { {name: one.lines for name, one in self.draw.lists.items()} }\n{asked}\n{expected}"
        used.update(set(expected.used) if expected.sure else ["unsure"])
        self.compare_asked(marks, expected, case)
        assert (answer is None) == (expected.said == DROPPED) or not expected.sure, f"{case}\n{answer}"
        if not answer or not expected.sure:
            return
        self.compare_answer(seen(answer), expected, last - begin, f"{case}\n{answer}")
        if expected.soa_ttl and answer.authority:
            least, most = expected.soa_ttl
            assert answer.authority[0].ttl <= most, f"{case}\n{answer}"
            assert self.is_caching or answer.authority[0].ttl >= least, f"{case}\n{answer}"
        if expected.waited:
            assert last - first < expected.waited / 1000 + 2 * SCALE, case

    def compare_answer(self, got, expected, age, case):
        said = expected.said
        if said.failed:  # which of them: contract section 6
            assert got.rcode in ("SERVFAIL", said.rcode) and not got.records, case
            return
        assert got.rcode == said.rcode and len(got.records) == len(said.records), case
        for one, other in zip(sorted(got.records, key=by_data), sorted(said.records, key=by_data)):
            assert (one[0], one[2]) == (other[0], other[2]), case
            if other[3] == "fake":
                assert ipaddress.ip_address(one[3]) in FAKE, case
                assert self.fakes.setdefault(other[0], one[3]) == one[3], case
                assert len(set(self.fakes.values())) == len(self.fakes), case
            else:
                assert one[3] == other[3], case
            assert one[1] == other[1] or (self.is_caching and other[1] - age - 1 <= one[1] <= other[1]), case

    def compare_asked(self, marks, expected, case):
        """Of a race and behind a failure some questions may come late, or again."""
        if not self.is_caching and expected.sure:
            wait_until(lambda: expected.needed <= set(self.world.asked_since(marks)),
                       f"{case}\nasked {dict(self.world.asked_since(marks))}")
        self.recent.append(expected)
        self.repeated |= expected.repeated
        for server, networks in expected.subnets.items():
            self.told[server] |= networks
        allowed = set().union(self.repeated, *(one.allowed for one in self.recent))
        asked = self.world.asked_since(marks)
        assert set(asked) <= allowed, f"{case}\nasked {dict(asked)}"
        for one, networks in asked.items():
            is_known = one in expected.allowed and one not in self.repeated
            told = expected.subnets[one[0]] if is_known else self.told[one[0]] | {None}  # it may not know OPT
            assert set(networks) <= told, f"{case}\nasked {dict(asked)}"


def by_data(record):
    return record[2], "" if record[3] == "fake" else record[3]


def words_of_dnslet():
    """{"key", "action", "option"}: what dnslet says there is"""
    def listed(rule):
        said = run("--explain", "a.test", "--no-rec", "--rule", rule).stderr
        return {word.partition(":")[0].strip() for word in re.split(r", ", said.rpartition("there are")[2].partition(": ")[2])}
    return listed("foo:x -> pass"), listed("* -> foo"), listed("* -> pass foo")


def test_the_model_knows_every_word():
    with ExitStack() as stack:
        draw = Draw(random.Random(1), World(stack, 1), ["127.0.0.1:53"])
    keys, actions, options = words_of_dnslet()
    assert keys == {"*", *draw.values}
    assert actions == set(draw.actions)
    assert options == {"nft", "ipset"} | set(draw.options), "a packet filter has tests of its own"


def test_rules_of_every_kind_decide_as_a_plain_model_does(tmp_path):
    used = collections.Counter()
    for seed in range(SEEDS):
        with ExitStack() as stack:
            comparison = Comparison(stack, seed, tmp_path)
            if not comparison.is_loop():
                comparison.compare(used)
    words = {"*", "!", *comparison.draw.values, *comparison.draw.actions, *comparison.draw.options}
    assert {word for word in words if used[word] < 30} == set(), used
