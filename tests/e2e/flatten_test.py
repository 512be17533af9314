# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Chains of aliases that leave no room for addresses, and what musl makes of them."""

import contextlib

import dns.flags
import pytest
from getaddrinfo_client import addresses
from harness import Dnslet, FakeUpstream, data, records

UPSTREAM, DNSLET = "127.0.0.2", "127.0.0.3"  # port 53, in the test's own network
CHAIN = ["www.test.", "www.test.edge.of-a-network-for-content.example.",
         "region-7.balancer.of-another-network.example.", "pool-a.addresses.third-network.example.",
         "a-long-name-of-the-last-one.fourth-network.example."]
ADDRESSES = [f"192.0.2.{i}" for i in range(30)]


def chain_of(names, count):
    """Aliases with a TTL of 60 down to one of 20, then addresses"""
    lines = [f"{name} {60 - 10 * i} IN CNAME {target}"
             for i, (name, target) in enumerate(zip(names, names[1:]))]
    lines += [f"{names[-1]} 300 IN A 192.0.2.{i}" for i in range(count)]

    def handler(asked):
        return asked.answer(*lines) if asked.type == "A" else asked.nodata()
    return handler


def test_a_chain_of_four_with_thirty_addresses_fits_without_the_chain(dnslet, upstream):
    source = upstream(chain_of(CHAIN, 30))
    server = dnslet("--rcache", 10, to=[source])
    for _ in range(2):
        answer = server.query("www.test")
        assert records(answer.answer) == [("www.test.", 30, "A", address) for address in ADDRESSES]
        assert not answer.flags & dns.flags.TC
    assert data(server.query("www.test", tcp=True)) == CHAIN[1:] + ADDRESSES
    assert data(server.query("www.test", edns=True)) == CHAIN[1:] + ADDRESSES


def test_what_does_not_fit_even_so_is_told_by_tc(dnslet, upstream):
    answer = dnslet(to=[upstream(chain_of(CHAIN, 40))]).query("www.test")
    assert data(answer) == ADDRESSES
    assert answer.flags & dns.flags.TC


def test_it_can_be_switched_off(dnslet, upstream):
    for flags, env in ((["--no-flatten"], {}), ([], {"DNSMASQ_NO_FLATTEN": "yes"})):
        server = dnslet(*flags, to=[upstream(chain_of(CHAIN, 30))], env=env)
        answer = server.query("www.test")
        assert data(answer)[:4] == CHAIN[1:]
        assert answer.flags & dns.flags.TC


@pytest.mark.parametrize("flags", [(), ("--no-flatten",)], ids=["flattened", "not flattened"])
def test_what_a_musl_client_gets(clients, world, tmp_path, flags):
    """With musl 1.2.3, which has no TCP, what fits is all; later ones ask again over TCP."""
    with contextlib.ExitStack() as stack:
        with world.inside():
            stack.enter_context(FakeUpstream(chain_of(CHAIN, 30), host=UPSTREAM, port=53))
        server = stack.enter_context(Dnslet("--nameservers", f"{UPSTREAM}:53", "--verbose", *flags,
                                            listen=f"{DNSLET}:53", directory=tmp_path,
                                            wrapper=world.wrapper))
        seen = addresses(world.run(f"nameserver {DNSLET}\n", clients["musl"], "inet", "www.test"))
        asked_over_tcp = bool(server.log("proto=tcp"))
    found = seen["www.test", "inet"]
    print(f"{len(found)} of 30 addresses, TCP: {asked_over_tcp}")
    if not flags:
        assert found == sorted(ADDRESSES) and not asked_over_tcp
    else:
        assert asked_over_tcp or 0 < len(found) < 30
