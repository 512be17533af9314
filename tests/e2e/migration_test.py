# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""doc/migrate-dnsmasq.md: what stands beside an option of dnsmasq does what that does.

The real dnsmasq and dnslet ask the same upstream; both have to say the same."""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import dns.rcode
import pytest
from harness import PATIENCE, REPOSITORY, UdpClient, data, free_port, from_records, question, wait_until

DNSMASQ = shutil.which("dnsmasq", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
pytestmark = pytest.mark.skipif(not DNSMASQ, reason="no dnsmasq here to compare with")

ZONE = ["www.example. 300 IN A 203.0.113.1", "www.example. 300 IN AAAA 2001:db8::1", "www.example. 300 IN HTTPS 1 .",
        "public.example. 300 IN A 9.9.9.9", "inner.example. 300 IN A 10.0.0.7", "nas.corp.example. 300 IN A 10.0.0.8",
        "db.test. 300 IN A 203.0.113.3",
        "other.example. 300 IN A 203.0.113.2", "short. 300 IN A 203.0.113.9",
        "7.0.0.10.in-addr.arpa. 300 IN PTR nas.corp.example.", "x.apps.test. 300 IN A 203.0.113.4"]

# The option as the document has it, and what is asked.
CASES = {
    "server=/corp.example/10.1.0.53": ["nas.corp.example A", "www.example A"],
    "local=/lan.example/": ["a.lan.example A", "lan.example A", "www.example A"],
    "address=/apps.test/10.0.0.80": ["x.apps.test A", "apps.test A", "x.apps.test AAAA", "other.example A"],
    "address=/ads.example/": ["ads.example A", "x.ads.example AAAA", "other.example A"],
    "address=/ads.example/#": ["ads.example A", "x.ads.example A", "x.ads.example AAAA"],
    "host-record=db.test,10.0.0.5": ["db.test A", "5.0.0.10.in-addr.arpa PTR", "www.example A"],
    "txt-record=a.test,words": ["a.test TXT"],
    "srv-host=_ldap._tcp.test,dc.test,389": ["_ldap._tcp.test SRV"],
    "mx-host=test,mail.test,10": ["test MX"],
    "ptr-record=5.0.0.10.in-addr.arpa,db.test": ["5.0.0.10.in-addr.arpa PTR"],
    "caa-record=test,0,issue,ca.test": ["test CAA"],
    "naptr-record=test,1,2,u,E2U+sip,!^.*$!sip:a@test!": ["test NAPTR"],
    "dns-rr=test,65280,01:23": ["test TYPE65280"],
    "domain-needed": ["short A", "www.example A"],
    "bogus-priv": ["7.0.0.10.in-addr.arpa PTR"],
    "bogus-nxdomain=203.0.113.1": ["www.example A", "other.example A"],
    "alias=203.0.113.1,10.0.0.1": ["www.example A", "other.example A"],
    "filter-A": ["www.example A", "www.example AAAA"],
    "filter-AAAA": ["www.example A", "www.example AAAA"],
    "filter-rr=HTTPS": ["www.example HTTPS", "www.example A"],
    "stop-dns-rebind": ["inner.example A", "public.example A"],
    "rebind-domain-ok=/corp.example/": ["nas.corp.example A"],
}
# Rows whose option does nothing alone in dnsmasq.
TOGETHER = {"rebind-domain-ok=/corp.example/": ["--stop-dns-rebind"]}
def rows():
    text = (REPOSITORY / "doc" / "migrate-dnsmasq.md").read_text()
    return dict(re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", text, re.M))


@contextlib.contextmanager
def dnsmasq(upstream, *options):
    """Asks a running dnsmasq: ask(name, type)"""
    port = free_port()
    words = [DNSMASQ, "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file=", "--user=",
             f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces", *options,
             f"--server={upstream.address.replace(':', '#')}"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        def ask(name, kind):
            with UdpClient(("127.0.0.1", port)) as client:
                client.send(question(name, kind))
                return client.receive()

        try:
            wait_until(lambda: is_bound(port), "dnsmasq listens")
            yield ask
        finally:
            process.terminate()
            process.wait(PATIENCE)


def is_bound(port):
    return f":{port:04X} 00000000:0000 07" in Path("/proc/net/udp").read_text()


def heard(answer):
    """What a client makes of it"""
    return dns.rcode.to_text(answer.rcode()), sorted(data(answer))


@pytest.mark.parametrize("option", CASES)
def test_a_row_of_the_table_does_what_dnsmasq_does(dnslet, upstream, option):
    source = upstream(from_records(*ZONE))
    corp = upstream(from_records("nas.corp.example. 300 IN A 203.0.113.77"))
    flags = shlex.split(rows()[option].replace("10.1.0.53", corp.address))
    server = dnslet(*flags, to=[source])
    same = "--" + option.replace("10.1.0.53", corp.address.replace(":", "#"))
    with dnsmasq(source, *TOGETHER.get(option, ()), same) as ask:
        for asked in CASES[option]:
            name, kind = asked.split()
            assert heard(server.query(name, kind)) == heard(ask(name, kind)), asked
