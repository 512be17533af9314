# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""What a list of rules makes of a question, by contract section 11 alone: a model that reads no
text and is clever nowhere. tests/e2e/rule_model_test.py draws rules for it and asks dnslet.

A condition is a key with values; each value is a pair of its text and what the model knows of it.
"""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any

FAILURES = ("SERVFAIL", "REFUSED", "NOTIMP", "FORMERR")
ABOUT_NAMES = ("name", "zone", "word", "regex", "list", "ptr")
ABOUT_ANSWERS = ("answer", "rcode", "alias")
PRIVATE = tuple(map(ipaddress.ip_network, (
    "127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
    "fe80::/10", "fc00::/7")))
MOST_ALIASES = 8
OWN_TTL, FAKE_TTL, NEGATIVE_TTL = 10, 1, 300


@dataclass(frozen=True)
class Condition:
    key: str
    values: tuple  # of (text, meaning)
    negated: bool = False


@dataclass
class Rule:
    conditions: list  # none: *
    action: str
    argument: Any = None
    options: dict = field(default_factory=dict)

    @property
    def judges(self):
        return any(one.key in ABOUT_ANSWERS for one in self.conditions)


@dataclass(frozen=True)
class Asked:
    name: str  # in lower case, without the final dot
    type: str
    client: str
    way: str = "udp"
    listener: int = 0  # which
    subnet: str | None = None  # that the client says itself


@dataclass(frozen=True)
class Said:
    """An answer: records are (name, TTL, type, data)."""

    rcode: str
    records: tuple = ()

    @property
    def failed(self):
        return self.rcode in FAILURES

    def addresses(self):
        """Those of its records and their hints"""
        texts = [data for _, _, kind, data in self.records if kind in ("A", "AAAA")]
        for _, _, kind, data in self.records:
            if kind == "HTTPS":
                texts += [text for hints in re.findall(r'ipv[46]hint="([^"]*)"', data) for text in hints.split(",")]
        return [ipaddress.ip_address(text) for text in texts]

    def with_ttl(self, bounds):
        if bounds is None:
            return self
        least, most = bounds
        return Said(self.rcode, tuple((name, min(max(ttl, least), most), kind, data)
                                      for name, ttl, kind, data in self.records))


DROPPED = Said("DROPPED")
NODATA = Said("NOERROR")


@dataclass
class Outcome:
    """What the client gets, and who has been asked what for it"""

    said: Said
    needed: set  # (server, name, type) that have to be asked, where nobody knows the answer
    allowed: set  # that may be
    repeated: set  # of these, what may be asked for again later
    used: list  # the words of the rules that had a part in it
    soa_ttl: tuple | None = None  # its bounds, where records are missing
    subnets: dict = field(default_factory=dict)  # by server: what it may be told
    waited: float = 0  # milliseconds at least
    sure: bool = True  # False: it depends on a clock


def is_within(name, zone):
    return name == zone or name.endswith("." + zone)


def reversed_address(name):
    """The address of a whole reverse name"""
    labels = name.split(".")
    if labels[-2:] == ["in-addr", "arpa"] and len(labels) == 6:
        try:
            return ipaddress.ip_address(".".join(reversed(labels[:4])))
        except ValueError:
            return None
    return None


def is_in(address, network):
    return address.version == network.version and address in network


def other_family(family, asked):
    """The type of the records of `family` ("ipv4", "ipv6", None), where those of the other one are asked for"""
    wanted = {"ipv4": "A", "ipv6": "AAAA"}.get(family)
    return wanted if wanted and asked.type in ("A", "AAAA") and asked.type != wanted else None


def without_hints(said, hint):
    return Said(said.rcode, tuple((name, ttl, kind, re.sub(f' {hint}="[^"]*"', "", data))
                                  for name, ttl, kind, data in said.records))


class Model:
    """`world`: ask(server, name, type, subnet) → Said. `lists`: by name, what takes a name and networks.
    `sets`: servers by name; those of "" are the default ones."""

    def __init__(self, rules, world, lists, sets):
        self.rules, self.world, self.lists, self.sets = rules, world, lists, sets
        self.buckets = {}  # by rule and network: (least, most) left, when

    # Conditions.

    def holds(self, condition, asked, name):
        """Of one about the question"""
        key = condition.key
        client = ipaddress.ip_address(asked.client)
        reverse = reversed_address(name)
        return any({
            "name": lambda value: name == value,
            "zone": lambda value: is_within(name, value),
            "word": lambda value: value.lower() in name,
            "regex": lambda value: re.search(value, name, re.IGNORECASE) is not None,
            "list": lambda value: self.lists[value].takes(name),
            "ptr": lambda value: reverse is not None and any(is_in(reverse, network) for network in value),
            "type": lambda value: asked.type == value,
            "from": lambda value: any(is_in(client, network) for network in self.networks(value)),
            "via": lambda value: asked.way == value,
            "at": lambda value: asked.listener == value,
        }[key](meaning) for _, meaning in condition.values)

    def networks(self, value):
        return self.lists[value].networks if isinstance(value, str) else value

    def fits(self, rule, asked, name):
        positive = [one for one in rule.conditions if one.key in ABOUT_NAMES and not one.negated]
        if positive and not any(self.holds(one, asked, name) for one in positive):
            return False
        for one in rule.conditions:
            if one in positive:
                continue
            if one.key in ABOUT_ANSWERS:
                none = any(meaning is None for _, meaning in one.values)
                is_about_addresses = one.key == "answer" and (not one.negated or none)
                if is_about_addresses and asked.type not in ("A", "AAAA", "HTTPS", "SVCB"):
                    return False
            elif self.holds(one, asked, name) == one.negated:
                return False
        return True

    def accepts(self, rule, said):
        return all(self.holds_for_answer(one, said) != one.negated
                   for one in rule.conditions if one.key in ABOUT_ANSWERS)

    def holds_for_answer(self, condition, said):
        addresses = said.addresses()
        targets = [data.rstrip(".") for _, _, kind, data in said.records if kind == "CNAME"]
        for _, meaning in condition.values:
            if condition.key == "rcode":
                found = said.rcode == meaning
            elif condition.key == "alias":
                found = any(meaning.takes(target) for target in targets)
            elif meaning is None:
                found = not addresses
            else:
                found = any(is_in(address, network) for address in addresses for network in self.networks(meaning))
            if found:
                return True
        return False

    # Options.

    def is_over_limit(self, number, rule, asked, now, outcome):
        """Takes a question out of the client's bucket, of which only bounds are known."""
        limit = rule.options["limit"]
        client = ipaddress.ip_address(asked.client)
        network = ipaddress.ip_network((client, 24 if client.version == 4 else 56), strict=False)
        low, high, (begin, end) = self.buckets.get((number, network), (limit, limit, now))
        low = min(limit, low + limit * max(0, now[0] - end - 0.002))
        high = min(limit, high + limit * (now[1] - begin + 0.002))
        if high < 1:
            self.buckets[number, network] = low, high, now
            return True
        if low < 1:
            outcome.sure = False  # and from now on so for a while
        self.buckets[number, network] = max(0, low - 1), max(0, high - 1) if low >= 1 else high, now
        return False

    def subnet_sent(self, choice, asked):
        """What servers are told; None: nothing"""
        if choice in (None, "none"):
            return None
        if isinstance(choice, str):
            return choice
        if asked.subnet:
            network = ipaddress.ip_network(asked.subnet)
        else:
            network = ipaddress.ip_network(asked.client)
        if network.prefixlen == 0:
            return str(network)
        if any(is_in(network.network_address, one) for one in PRIVATE):
            return None
        return str(network.supernet(new_prefix=min(network.prefixlen, choice[network.version == 6])))

    def ask(self, servers, question, options, asked, outcome):
        """What they say to (name, type). A race or a failure lets more of them be asked."""
        subnet = self.subnet_sent(options.get("subnet"), asked)
        count = options.get("race", 1)
        healthy = [server for server in servers if self.world.is_healthy(server)]
        if len(healthy) == len(servers):
            outcome.needed |= {(server, *question) for server in servers[:count]}
            outcome.allowed |= {(server, *question) for server in servers[:count]}
        else:
            outcome.allowed |= {(server, *question) for server in servers}
            outcome.repeated |= {(server, *question) for server in servers}
        for server in servers:
            outcome.subnets.setdefault(server, set()).add(subnet)
        if any(self.world.is_silent(server) for server in servers):
            outcome.waited += options.get("wait", self.world.retry)
        if healthy:
            return self.world.ask(healthy[0], *question, subnet)
        if outcome.waited:
            return Said("SERVFAIL")
        return self.world.ask(servers[0], *question, subnet)

    # The rules.

    def resolve(self, asked, now=(0, 0)):
        """`now`: when the question is asked, at least and at most."""
        outcome = Outcome(NODATA, set(), set(), set(), [])
        outcome.said = self.look_up(asked, asked.name, now, outcome, set(), 0)
        return outcome

    def look_up(self, asked, name, now, outcome, counted, aliases):
        passed_with, failed, passed_over = {}, False, False
        for number, rule in enumerate(self.rules):
            if not self.fits(rule, asked, name):
                continue
            if "limit" in rule.options and number not in counted:
                counted.add(number)
                if self.is_over_limit(number, rule, asked, now, outcome):
                    outcome.used += ["limit"]
                    return Said("REFUSED")
            outcome.used += self.words(rule)
            options = {**passed_with, **rule.options}
            if rule.action == "with":
                passed_with = options
            elif rule.action in ("ask", "pass"):
                if "ahead" in rule.options:
                    self.ask_ahead(number, passed_with, (failed, passed_over), asked, name, outcome)
                said, has_failed = self.ask_by(rule, options, asked, name, outcome)
                if said is not None:
                    return said
                failed = failed or has_failed
            elif failed:
                passed_over = True
            elif rule.action == "alias":
                return self.follow(rule.argument, options, asked, name, now, outcome, counted, aliases)
            else:
                return self.own_answer(rule, options, asked, name)
        if failed and passed_over:
            return Said("SERVFAIL")
        return self.forward(self.sets[""], passed_with, asked, name, outcome)

    @staticmethod
    def words(rule):
        return [*(one.key for one in rule.conditions or [Condition("*", ())]),
                *(["!"] if any(one.negated for one in rule.conditions) else []), rule.action, *rule.options]

    def servers_of(self, rule):
        return self.sets[""] if rule.action == "pass" else rule.argument

    def ask_by(self, rule, options, asked, name, outcome):
        """(an answer, or None where the next rule goes on; whether the servers failed)"""
        servers = self.servers_of(rule)
        if not rule.judges:
            return self.forward(servers, options, asked, name, outcome), False
        said = self.without_hints(self.ask(servers, (name, asked.type), options, asked, outcome), options, asked)
        swaps = "swap" in rule.options
        holds = not said.failed and self.accepts(rule, said)
        if not holds and (said.failed or not swaps):
            self.note_preferred(servers, options, asked, name, outcome)
            return (said if swaps else None), said.failed
        told = self.without_family(servers, said, options, asked, name, outcome)
        if told is not NODATA and holds and swaps:
            told = self.swapped(told, rule.options["swap"], asked, name)
        return self.shaped(told, options, outcome), False

    def note_preferred(self, servers, options, asked, name, outcome):
        """The other family may be asked for beside."""
        other = other_family(options.get("prefer"), asked)
        if other:
            outcome.allowed |= {(server, name, other) for server in servers}
            outcome.repeated |= {(server, name, other) for server in servers}

    def ask_ahead(self, number, passed_with, state, asked, name, outcome):
        """Whom the next rules would ask"""
        failed, passed_over = state
        beside = Outcome(NODATA, set(), set(), set(), [])
        for rule in self.rules[number + 1:]:
            if not self.fits(rule, asked, name):
                continue
            options = {**passed_with, **rule.options}
            if rule.action == "with":
                passed_with = options
                continue
            if rule.action in ("ask", "pass"):
                self.ask_by(rule, options, asked, name, beside)
                break
            if not failed:
                break
            passed_over = True
        else:
            if not passed_over:
                self.forward(self.sets[""], passed_with, asked, name, beside)
        if all(map(self.world.is_healthy, self.servers_of(self.rules[number]))):
            outcome.needed |= beside.needed
        outcome.allowed |= beside.allowed
        outcome.repeated |= beside.repeated
        for server, subnets in beside.subnets.items():
            outcome.subnets.setdefault(server, set()).update(subnets)

    def forward(self, servers, options, asked, name, outcome):
        """Of servers whom nothing judges"""
        if other_family(options.get("only"), asked):
            return self.shaped(NODATA, options, outcome)
        said = self.ask(servers, (name, asked.type), options, asked, outcome)
        if said.failed:
            self.note_preferred(servers, options, asked, name, outcome)
        else:
            said = self.without_family(servers, said, options, asked, name, outcome)
        return self.shaped(said, options, outcome)

    def without_family(self, servers, said, options, asked, name, outcome):
        """only: and prefer: leave a family out."""
        if other_family(options.get("only"), asked):
            self.note_preferred(servers, options, asked, name, outcome)
            return NODATA
        other = other_family(options.get("prefer"), asked)
        if other and self.ask(servers, (name, other), options, asked, outcome).addresses():
            return NODATA
        return self.without_hints(said, options, asked)

    @staticmethod
    def without_hints(said, options, asked):
        """only: takes them out, also of what a rule judges."""
        if asked.type != "HTTPS" or "only" not in options:
            return said
        return without_hints(said, "ipv6hint" if options["only"] == "ipv4" else "ipv4hint")

    @staticmethod
    def swapped(said, addresses, asked, name):
        if asked.type not in ("A", "AAAA"):
            return without_hints(without_hints(said, "ipv4hint"), "ipv6hint")
        has_records = any(kind == asked.type for _, _, kind, _ in said.records)
        ttl = min([ttl for _, ttl, _, _ in said.records] + ([] if has_records else [NEGATIVE_TTL]))
        version = 4 if asked.type == "A" else 6
        return Said("NOERROR", tuple((name + ".", ttl, asked.type, text) for text in addresses
                                     if ipaddress.ip_address(text).version == version))

    @staticmethod
    def shaped(said, options, outcome):
        outcome.soa_ttl = options.get("ttl")
        return said.with_ttl(options.get("ttl"))

    @staticmethod
    def own_answer(rule, options, asked, name):
        action = rule.action
        if action == "drop":
            return DROPPED
        if action in ("block", "refuse", "rcode"):
            return Said({"block": "NXDOMAIN", "refuse": "REFUSED"}.get(action, rule.argument))
        given = {"answer": rule.argument, "fake": [("A", "fake")]}.get(action, ())
        preferred = other_family(options.get("prefer"), asked)
        if other_family(options.get("only"), asked) or preferred in (kind for kind, _ in given):
            return NODATA
        ttl = OWN_TTL if action == "answer" else FAKE_TTL
        records = tuple((name + ".", ttl, kind, data) for kind, data in given if kind == asked.type)
        return Said("NOERROR", records).with_ttl(options.get("ttl"))

    def follow(self, target, options, asked, name, now, outcome, counted, aliases):
        if aliases == MOST_ALIASES:
            return Said("SERVFAIL")
        said = self.look_up(asked, target, now, outcome, counted, aliases + 1)
        if said.rcode not in ("NOERROR", "NXDOMAIN"):
            return said
        alias = Said("", ((name + ".", OWN_TTL, "CNAME", target + "."),)).with_ttl(options.get("ttl"))
        return Said(said.rcode, alias.records + said.records)
