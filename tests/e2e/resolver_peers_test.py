# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 5 against the real thing: glibc's resolver with a search list asks the upstream
itself; musl's, which knows no such list, asks dnslet. Both must find the same addresses.

The last tests count questions in Kubernetes' case: three search domains and ndots:5."""

import contextlib
import signal

import dns.query
import pytest
from getaddrinfo_client import addresses
from harness import Dnslet, FakeUpstream, Later, data, from_records, question, wait_until

UPSTREAM, DNSLET = "127.0.0.2", "127.0.0.3"  # port 53, in the test's own network
FAMILIES = "inet,inet6,any"


@pytest.fixture
def source(world):
    """The scripted upstream on port 53 of the test's own network"""
    with contextlib.ExitStack() as stack:
        with world.inside():
            upstream = stack.enter_context(FakeUpstream(zone, host=UPSTREAM, port=53))
        yield upstream


def both(name, number):
    return [f"{name} 60 IN A 192.0.2.{number}", f"{name} 60 IN AAAA 2001:db8::{number}"]


ZONE = [
    *both("www.one.test.", 1), *both("www.two.test.", 2),
    *both("api.two.test.", 3),
    *both("own.test.", 4), *both("own.test.one.test.", 5),
    *both("single.", 6), *both("top.", 7), *both("top.two.test.", 8),
    *both("deep.sub.two.test.", 9),
    "v4only.two.test. 60 IN A 192.0.2.10", "v6only.one.test. 60 IN AAAA 2001:db8::10",
    "text.one.test. 60 IN TXT text", *both("text.two.test.", 11),
    "text.own. 60 IN TXT text", *both("text.own.two.test.", 12),
    "alias.two.test. 60 IN CNAME www.one.test.", "dangling.one.test. 60 IN CNAME none.test.",
    *both("dangling.two.test.", 13),
    *both("a.b.c.d.e.one.test.", 14), *both("a.b.c.d.e.f.", 15), *both("x.y.z.two.test.", 16),
    "many.one.test. 60 IN A 192.0.2.20", "many.one.test. 60 IN A 192.0.2.21",
    "many.one.test. 60 IN AAAA 2001:db8::20", *both("broken.two.test.", 17),
    "split.one.test. 60 IN A 192.0.2.30", "split.two.test. 60 IN AAAA 2001:db8::30",
    *both("www.one.test.two.test.", 18), *both("half.dot.", 19), *both("refused.own.one.test.", 21),
]
BROKEN = ("broken.one.test.", "refused.own.")
NAMES = ["www", "WWW", "api", "own.test", "single", "top", "deep.sub", "v4only", "v6only", "text",
         "text.own", "alias", "dangling", "a.b.c.d.e", "a.b.c.d.e.f", "x.y.z", "many", "broken",
         "split", "www.one.test", "www.two.test", "api.two.test", "half.dot", "refused.own", "none",
         "none.at.all", "one.test", "localhost"]


def zone(asked):
    """After some time, as in any network: the client's second question is under way by then."""
    if asked.name in BROKEN:
        return Later(0.002, asked.answer(rcode="SERVFAIL"))
    return Later(0.002, from_records(*ZONE)(asked))


SETTINGS = [(["one.test", "two.test"], ndots) for ndots in (0, 1, 2, 3, 5)] + [
    (["two.test", "one.test"], 1), (["one.test"], 2), (["absent.test", "two.test", "one.test"], 4)]


@pytest.mark.parametrize("domains, ndots", SETTINGS,
                         ids=[f"{'+'.join(domains)} ndots {ndots}" for domains, ndots in SETTINGS])
def test_musl_through_dnslet_finds_what_glibc_finds(clients, world, source, tmp_path, domains,
                                                     ndots):
    flags = ("--nameservers", f"{UPSTREAM}:53", "--enable-search", "--search-domains",
             ",".join(domains), "--ndots", ndots)
    glibc = addresses(world.run(f"nameserver {UPSTREAM}\nsearch {' '.join(domains)}\n"
                                f"options ndots:{ndots} attempts:1\n", clients["glibc"], FAMILIES,
                                *NAMES))
    musl = {}
    for family in FAMILIES.split(","):  # each by itself: what one finds counts for the other
        with Dnslet(*flags, listen=f"{DNSLET}:53", directory=tmp_path, wrapper=world.wrapper):
            musl |= addresses(world.run(f"nameserver {DNSLET}\noptions attempts:1 timeout:1\n",
                                        clients["musl"], family, *NAMES))
    assert len(glibc) == len(NAMES) * 3
    assert sum(bool(found) for found in glibc.values()) > len(NAMES)
    assert musl == glibc
    assert source.questions


# Kubernetes.

K8S = ["ns.svc.cluster.test", "svc.cluster.test", "cluster.test"]
NAME = "api.example.test"
K8S_ZONE = from_records(*both(NAME + ".", 1))
OWN_SEARCH = f"search {' '.join(K8S)}\noptions ndots:5\n"
DNSLET_SEARCH = ("--enable-search", "--search-domains", ",".join(K8S), "--ndots", 5)
CACHE = ("--rcache", 1000)
# (questions of the client, of those upstream), the first and the second time: A and AAAA of the
# name under three domains and of the name itself.
DIRECT = [(8, 8), (8, 8)]
CLIENT_SEARCHES = [(8, 8), (8, 0)]
DNSLET_SEARCHES = [(2, 8), (2, 0)]


def count_answered(server):
    """How many questions dnslet has answered: SIGUSR1's line comes behind those of all queries."""
    others = len(server.lines) - len(server.log(" query "))
    server.send_signal(signal.SIGUSR1)
    wait_until(lambda: len(server.lines) - len(server.log(" query ")) > others, "the counters")
    return len(server.log(" query "))


def count_questions(source, resolve, server=None):
    """Resolves twice; what each time cost"""
    counts = []
    for _ in range(2):
        upstream, answered = len(source.questions), count_answered(server) if server else 0
        assert len(resolve()) == 2
        upstream = len(source.questions) - upstream
        counts.append((count_answered(server) - answered if server else upstream, upstream))
    return counts


def tell(how, counts):
    print(f"\n{NAME}, {how}: questions of the client and upstream, first {counts[0]}, "
          f"second {counts[1]}")


def search_as_glibc(address, domains):
    """The addresses that a client with this list and ndots:5 finds"""
    for candidate in [f"{NAME}.{domain}" for domain in domains] + [NAME]:
        answers = [dns.query.udp(question(candidate, rdtype), address[0], 5, address[1])
                   for rdtype in ("A", "AAAA")]
        found = [item for answer in answers for item in data(answer) if item[-1] != "."]
        if found:
            return found
    return []


def test_kubernetes_questions_with_a_scripted_client(dnslet, upstream):
    source = upstream(K8S_ZONE)
    direct = count_questions(source, lambda: search_as_glibc((source.host, source.port), K8S))
    server = dnslet(*CACHE, "--verbose", to=[source])
    client = count_questions(source, lambda: search_as_glibc(server.address, K8S), server)
    server = dnslet(*CACHE, *DNSLET_SEARCH, "--verbose", to=[source])
    dnslets = count_questions(source, lambda: search_as_glibc(server.address, []), server)
    tell("no dnslet", direct)
    tell("the client's search list, dnslet's cache", client)
    tell("dnslet's search list", dnslets)
    assert (direct, client, dnslets) == (DIRECT, CLIENT_SEARCHES, DNSLET_SEARCHES)


@pytest.mark.parametrize("library, resolv_conf, flags, expected", [
    ("glibc", f"nameserver {UPSTREAM}\n{OWN_SEARCH}", None, DIRECT),
    ("glibc", f"nameserver {DNSLET}\n{OWN_SEARCH}", (), CLIENT_SEARCHES),
    ("glibc", f"nameserver {DNSLET}\n", DNSLET_SEARCH, DNSLET_SEARCHES),
    ("musl", f"nameserver {UPSTREAM}\n{OWN_SEARCH}", None, DIRECT),
    ("musl", f"nameserver {DNSLET}\n{OWN_SEARCH}", (), CLIENT_SEARCHES),
    ("musl", f"nameserver {DNSLET}\n", DNSLET_SEARCH, DNSLET_SEARCHES),
], ids=[f"{library} {how}" for library in ("glibc", "musl")
        for how in ("directly", "with its own list", "with dnslet's list")])
def test_kubernetes_questions_with_a_real_client(clients, world, source, tmp_path, library,
                                                 resolv_conf, flags, expected):
    source.handler = K8S_ZONE

    def resolve():
        return addresses(world.run(resolv_conf, clients[library], "any", NAME))[NAME, "any"]
    with contextlib.ExitStack() as stack:
        server = None
        if flags is not None:
            server = stack.enter_context(Dnslet(
                "--nameservers", f"{UPSTREAM}:53", *CACHE, *flags, "--verbose",
                listen=f"{DNSLET}:53", directory=tmp_path, wrapper=world.wrapper))
        counts = count_questions(source, resolve, server)
    assert counts == expected
