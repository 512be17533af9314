# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""How records are written by --explain and in the query log, held against dig."""

import re
import shutil
import subprocess

import dns.rdatatype
import pytest
from harness import PATIENCE, Dnslet, Nsd, run

ZONE = "text.test"
KEY = ("oJMRESz5E4gYzS/q6XDrvU1qMPYIjCWzJaOau8XNEZeqCYKD5ar0IRd8KqXXFJkqmVfRvMGPmM1x8fGAa2XhSA==")
RECORDS = [  # type and RDATA as a zone file has them
    "A 192.0.2.1", "AAAA 2001:db8::1", "CNAME a.b.text.test.",
    "PTR host.text.test.", "MX 10 mail.text.test.", "MX 0 .", "TXT \"v=spf1 -all\"",
    "TXT \"a\" \"\" \"b \\\" \\\\ ; \\009\\200\"", "TXT \"" + "x" * 255 + "\" \"y\"",
    "SRV 1 2 5060 sip.text.test.", "NAPTR 100 10 \"S\" \"SIP+D2U\" \"!^.*$!sip:i@x!\" _sip.text.test.",
    "DNAME other.text.test.", "HINFO \"PC\" \"Linux 6\"", "RP mail.text.test. txt.text.test.",
    "AFSDB 1 afs.text.test.", "RT 2 relay.text.test.", "KX 1 kx.text.test.", "X25 \"311061700956\"",
    "SSHFP 4 2 " + "AB" * 32, "TLSA 3 1 1 " + "0F" * 32, "SMIMEA 3 0 0 00FF",
    "DS 12345 13 2 " + "C0" * 32, "CDS 12345 13 2 " + "C0" * 32, "CDNSKEY 257 3 13 " + KEY,
    "DNSKEY 257 3 13 " + KEY,
    "RRSIG A 13 3 3600 20300101000000 20260102030405 12345 text.test. " + KEY,
    "RRSIG TYPE65280 8 2 0 19700101000001 20801231235959 1 . " + KEY,
    "NSEC b.text.test. A MX RRSIG NSEC TYPE1234 CAA", "NSEC3PARAM 1 0 10 AABB", "NSEC3PARAM 1 0 0 -",
    "CAA 0 issue \"letsencrypt.org; a=b\"", "CAA 128 iodef \"mailto:x@text.test\"",
    "URI 10 1 \"ftp://ftp.text.test/public\"", "OPENPGPKEY " + KEY, "EUI48 00-00-5e-00-53-2a",
    "EUI64 00-00-5e-ef-10-00-00-2a", "DHCID " + KEY, "CSYNC 66 3 A NS AAAA",
    "HTTPS 0 pool.text.test.", "HTTPS 1 . alpn=\"h2,h3\" port=8443 ipv4hint=192.0.2.1,192.0.2.2",
    "HTTPS 16 a.text.test. mandatory=alpn,ech alpn=h3 no-default-alpn port=1 ech=AEP+DQA= "
    "ipv6hint=2001:db8::1,2001:db8::2 key667=\"hi there\"",
    "SVCB 1 b.text.test. alpn=dot port=853", "ZONEMD 2018031500 1 1 " + "FE" * 48,
    "TYPE65280 \\# 5 0A0B0C0D0E", "LOC 52 22 23.000 N 4 53 32.000 E -2m 0m",
    "SPF \"v=spf1 -all\"", "APL 1:192.0.2.1/32",
]
UNASKED = [  # what no server gives to who asks for it, but an attentive fake
    "NS ns.Sub.text.test.", "NSEC3 1 1 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A RRSIG",
    "NSEC3 1 0 12 AABBCCDD 2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S",
]
NO_TEXT = ("LOC", "APL")  # written in the form of RFC 3597
SOA = f"{ZONE}. 300 IN SOA ns.{ZONE}. root.{ZONE}. 1 7200 3600 1209600 300\n{ZONE}. 300 IN NS ns.{ZONE}.\n"


@pytest.fixture(scope="module")
def nsd(tmp_path_factory):
    lines = [f"r{i}.{ZONE}. 300 IN {record}" for i, record in enumerate(RECORDS)]
    with Nsd(tmp_path_factory.mktemp("nsd"), ZONE, SOA + "\n".join(lines) + "\n") as server:
        yield server


def normal(text):
    """Without what people may write or leave: final dots, case of names and hex, quotes of parameters"""
    words = re.findall(r'[^\s"]*"(?:[^"\\]|\\.)*"|\S+', text)
    plain = []
    for word in words:
        if re.match(r"^[a-z0-9-]+=", word):
            word = word.replace('"', "")
        plain.append(word if word.startswith('"') else word.lower())
    return [word if word in (".", "\\#") else word.rstrip(".") for word in plain]


def dig(server, name, rdtype, *words):
    if not shutil.which("dig"):
        pytest.skip("dig is not installed")
    done = subprocess.run(["dig", "@127.0.0.1", "-p", server.address.rpartition(":")[2], "+norec", "+noall", "+answer",
                           "+nosplit", *words, name, rdtype],
                          text=True, capture_output=True, timeout=PATIENCE, check=True)
    lines = [line.split(None, 4) for line in done.stdout.splitlines() if not line.startswith(";")]
    return [line[4] if len(line) > 4 else "" for line in lines if line[3] in (rdtype, f"TYPE{int(dns.rdatatype.from_text(rdtype))}")]


def told(server, name, rdtype):
    ended = run("--explain", name, rdtype, "--nameservers", server.address)
    rows = [line.split(None, 3) for line in ended.stdout.splitlines() if line.startswith("    ")]
    return [row[3] for row in rows if row[0] == name and row[2] == rdtype]


@pytest.mark.parametrize("number", range(len(RECORDS)), ids=[r.split()[0] for r in RECORDS])
def test_a_record_is_written_as_dig_writes_it(nsd, number):
    name, rdtype = f"r{number}.{ZONE}", RECORDS[number].split()[0]
    unknown = ["+unknownformat"] if rdtype in NO_TEXT else []
    expected = dig(nsd, name, rdtype, *unknown)
    assert expected, "dig shows nothing"
    assert [normal(text) for text in told(nsd, name, rdtype)] == [normal(text) for text in expected]


@pytest.mark.parametrize("record", UNASKED)
def test_a_record_of_a_fake_server_is_written_as_dig_writes_it(upstream, record):
    source = upstream(lambda q: q.answer(f"{q.name} 300 IN {record}"))
    name, rdtype = "2t7b4g4vsa5smi47k61mv5bv1a22bojr.test", record.split()[0]
    expected = dig(source, name, rdtype)
    assert expected
    assert [normal(text) for text in told(source, name, rdtype)] == [
        normal(text) for text in expected]


def test_a_soa_is_written_with_its_names(nsd):
    assert told(nsd, ZONE, "SOA") == [f"ns.{ZONE} root.{ZONE} 1 7200 3600 1209600 300"]


def test_the_query_log_writes_records_of_all_types(nsd, tmp_path):
    with Dnslet("--nameservers", nsd.address, "--verbose", directory=tmp_path) as server:
        for text, rdtype in (("10 mail.text.test", "MX"), ("1 2 5060 sip.text.test", "SRV"),
                             ("\\# 5 0A0B0C0D0E", "TYPE65280"), ("0 pool.text.test", "HTTPS")):
            number = next(i for i, record in enumerate(RECORDS) if record.startswith(rdtype))
            server.query(f"r{number}.{ZONE}", rdtype)
            line = server.wait_log(f"name=r{number}.{ZONE} ")
            assert text.replace("\\", "\\\\") in line or text in line
