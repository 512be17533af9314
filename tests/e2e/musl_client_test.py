# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""What getaddrinfo finds without and with dnslet, per trap of musl's resolver: glibc's, musl's of
Debian, and musl's of the toolchain of static programs (MUSL). The README has the table.

"Without": the client asks the upstream itself and searches its own list. "With": resolv.conf names
dnslet alone and has no list."""

import contextlib
import re
import time

import pytest
from getaddrinfo_client import addresses, build_client, glibc_compiler, musl_compilers
from harness import REPOSITORY, SCALE, Dnslet, FakeUpstream, from_records
from namespaces import Namespace, skip, why_not

UPSTREAM, DNSLET = "127.0.0.2", "127.0.0.3"  # port 53, in the test's own network
MANY = [f"d{i:02}.example.test" for i in range(60)]
LARGE = 240  # A records: 3.9 kB
# One short list, and one that is longer than the 255 bytes of a line that musl reads.
LISTS = {"short": ["one.test", "two.test"], "long": MANY}

ZONE = from_records(
    "www.two.test. 60 IN A 192.0.2.1", "www.two.test. 60 IN AAAA 2001:db8::1",
    "db.shop.two.test. 60 IN A 192.0.2.2", "db.shop.two.test. 60 IN AAAA 2001:db8::2",
    "mail.one.test. 60 IN TXT text",
    "mail.two.test. 60 IN A 192.0.2.3", "mail.two.test. 60 IN AAAA 2001:db8::3",
    "files.two.test. 60 IN A 192.0.2.4", "files.two.test. 60 IN AAAA 2001:db8::4",
    f"last.{MANY[-1]}. 60 IN A 192.0.2.5", f"last.{MANY[-1]}. 60 IN AAAA 2001:db8::5",
    *[f"large.two.test. 60 IN A 198.51.100.{i}" for i in range(LARGE)],
    "half.two.test. 60 IN A 192.0.2.6")

# name, family, list: as the README has it
TRAPS = {
    "`www`, in the second domain of the list": ("www", "any", "short"),
    "`db.shop`: a dot, so musl never searches": ("db.shop", "any", "short"),
    "`mail`: the first domain has a TXT record of it": ("mail", "any", "short"),
    "`files`: SERVFAIL from the first domain": ("files", "any", "short"),
    "`last`, in the last of 60 domains": ("last", "any", "long"),
    "`large.two.test`: 240 addresses, 4 kB": ("large.two.test", "inet", "short"),
}


def zone(asked):
    return asked.answer(rcode="SERVFAIL") if asked.name == "files.one.test." else ZONE(asked)


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    """{"glibc" or "musl VERSION": getaddrinfo client}"""
    reason, glibc, musl = why_not(), glibc_compiler(), musl_compilers()
    if not reason and not glibc:
        reason = "no C compiler for glibc"
    if not reason and not musl:
        reason = "no compiler for musl (package musl-tools)"
    if reason:
        skip(reason)
    directory = tmp_path_factory.mktemp("clients")
    found = {"glibc": build_client(directory, "glibc", glibc)}
    for version, compiler in musl.items():
        found[f"musl {version}"] = build_client(directory, f"musl-{version}", compiler, "-static")
    return found


@pytest.fixture
def world(tmp_path):
    with contextlib.ExitStack() as stack:
        namespace = stack.enter_context(Namespace(tmp_path))
        with namespace.inside():
            stack.enter_context(FakeUpstream(zone, host=UPSTREAM, port=53))
        yield namespace


@contextlib.contextmanager
def serving(world, *flags):
    with Dnslet("--nameservers", f"{UPSTREAM}:53", *flags, listen=f"{DNSLET}:53",
                directory=world.directory, wrapper=world.wrapper) as server:
        yield server


def searching(world, which):
    return serving(world, "--enable-search", "--search-domains", ",".join(LISTS[which]))


def own_list(which):
    return f"nameserver {UPSTREAM}\nsearch {' '.join(LISTS[which])}\noptions timeout:1 attempts:1\n"


NO_LIST = f"nameserver {DNSLET}\n"


def outcome(text, name, family):
    found = addresses(text)[name, family]
    if len(found) > 2:
        return f"{len(found)} addresses"
    if found:
        return "found"
    return "fails" if "ry again" in text or "emporary" in text else "not found"


def result(world, client, resolv_conf, trap):
    name, family, _ = TRAPS[trap]
    return outcome(world.run(resolv_conf, client, family, name), name, family)


def readme_table():
    """{trap: {column: cell}}"""
    text = (REPOSITORY / "README.md").read_text()
    block = re.search(r"<!-- musl-traps -->\n(.*?)<!-- /musl-traps -->", text, re.S)[1]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")]
                      for line in block.strip().splitlines()]
    return {row[0]: dict(zip(head[1:], row[1:])) for row in rows}


@pytest.mark.parametrize("trap", TRAPS)
def test_the_table_of_the_readme_is_true(clients, world, trap):
    table = readme_table()
    assert list(table) == list(TRAPS)
    which = TRAPS[trap][2]
    measured = {library: result(world, client, own_list(which), trap)
                for library, client in clients.items()}
    with searching(world, which):
        for library, client in clients.items():
            if library != "glibc":
                measured[f"{library}, dnslet"] = result(world, client, NO_LIST, trap)
    print(f"\n{trap}: {measured}")
    assert measured == {column: table[trap][column] for column in measured}


def musl_clients(clients):
    return [client for library, client in clients.items() if library != "glibc"]


def test_hosts_with_one_family_give_musl_this_family(clients, world):
    hosts = world.directory / "hosts.dnslet"
    hosts.write_text("192.0.2.7 four.test\n2001:db8::7 six.test\n")
    with serving(world, "--hostsfile", hosts):
        for client in clients.values():
            found = addresses(world.run(NO_LIST, client, "inet,inet6,any", "four.test", "six.test"))
            assert found == {
                ("four.test", "inet"): ["192.0.2.7"], ("four.test", "inet6"): [],
                ("four.test", "any"): ["192.0.2.7"], ("six.test", "inet"): [],
                ("six.test", "inet6"): ["2001:db8::7"], ("six.test", "any"): ["2001:db8::7"]}


def test_a_name_of_one_family_behind_a_search_list_is_not_lost(clients, world):
    """AAAA ends in NODATA, not in the NXDOMAIN of the other domains: musl would drop the A record."""
    with searching(world, "short"):
        for client in musl_clients(clients):
            assert addresses(world.run(NO_LIST, client, "any", "half"))["half", "any"] == [
                "192.0.2.6"]


def test_a_name_that_does_not_exist_is_settled_at_once(clients, world):
    with searching(world, "short"):
        for library, client in clients.items():
            times = []
            for i in range(5):  # names that no cache knows; the others on this machine take turns
                begin = time.monotonic()
                text = world.run(NO_LIST, client, "any", f"none{i}")
                times.append(time.monotonic() - begin)
                assert addresses(text)[f"none{i}", "any"] == []
            print(f"\n{library}: {min(times) * 1000:.1f} ms with the start of the client")
            assert min(times) < 0.05 * SCALE
