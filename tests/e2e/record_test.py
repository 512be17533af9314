# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""--record: static records of any type, held against dnspython's reading of the same text."""

import shutil
import signal
import subprocess

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest
from harness import PATIENCE, data, run, ttls, with_address, wait_until

NOERROR, NXDOMAIN = 0, 3
KEY = "oJMRESz5E4gYzS/q6XDrvU1qMPYIjCWzJaOau8XNEZeqCYKD5ar0IRd8KqXXFJkqmVfRvMGPmM1x8fGAa2XhSA=="
RECORDS = [
    "A 192.0.2.1", "AAAA 2001:db8::1", "NS ns.text.test.", "CNAME a.b.text.test.", "PTR host.text.test.",
    "DNAME other.text.test.", "MX 10 mail.text.test.", "MX 0 .", 'TXT "v=spf1 -all"',
    r'TXT "a" "" "b \" \\ ; \009\200" plain', "SRV 1 2 5060 sip.text.test.",
    "SOA ns.text.test. root.text.test. 1 7200 3600 1209600 300",
    r'NAPTR 100 10 "S" "SIP+D2U" "!^.*$!sip:i@x!" _sip.text.test.', 'HINFO "PC" "Linux 6"',
    "RP mail.text.test. txt.text.test.", "SSHFP 4 2 " + "AB" * 32, "TLSA 3 1 1 " + "0F" * 32,
    "DS 12345 13 2 " + "C0" * 32, "DNSKEY 257 3 13 " + KEY,
    "RRSIG A 13 3 3600 20300101000000 20260102030405 12345 text.test. " + KEY,
    "NSEC b.text.test. A MX RRSIG NSEC TYPE1234 CAA", "NSEC3PARAM 1 0 10 AABB",
    "NSEC3 1 0 12 AABBCCDD 2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S A RRSIG",
    'CAA 0 issue "letsencrypt.org; a=b"', 'URI 10 1 "ftp://ftp.text.test/public"',
    "OPENPGPKEY " + KEY, "EUI48 00-00-5e-00-53-2a", "CSYNC 66 3 A NS AAAA",
    "TYPE65280 \\# 5 0A0B0C0D0E", "TYPE65281 \\# 0", "A \\# 4 C0000201",
    "HTTPS 0 pool.text.test.", 'HTTPS 1 . alpn="h2,h3" port=8443 ipv4hint=192.0.2.1,192.0.2.2',
    "HTTPS 16 a.text.test. mandatory=alpn,ech alpn=h3 no-default-alpn port=1 ech=AEP+DQA= "
    'ipv6hint=2001:db8::1,2001:db8::2 key667="hi there"',
    r'SVCB 16 foo.example.org. alpn="f\\\\oo\\,bar,h2"',
]


def wire_of(rdtype, text):
    return dns.rdata.from_text(dns.rdataclass.IN, rdtype, text).to_wire()


@pytest.mark.parametrize("record", RECORDS)
def test_the_wire_form_is_that_of_dnspython(dnslet, record):
    rdtype, _, text = record.partition(" ")
    server = dnslet("--no-rec", "--record", f"r.text.test 77 {record}")
    answer = server.query("r.text.test", rdtype)
    (rrset,) = answer.answer
    (rdata,) = rrset
    assert rrset.ttl == 77 and rrset.name == dns.name.from_text("r.text.test")
    assert rdata.to_wire() == wire_of(rdtype, text)


@pytest.fixture
def recorded(dnslet, upstream):
    """recorded(*records, flags=…) → dnslet with them, in front of a server that has 192.0.2.1 only"""
    source = upstream(with_address())

    def start(*records, flags=()):
        words = [word for record in records for word in ("--record", record)]
        return dnslet(*words, *flags, to=[source])
    start.source = source
    return start


def test_dig_reads_them(recorded):
    if not shutil.which("dig"):
        pytest.skip("dig is not installed")
    server = recorded("a.test TXT one ; a.test TXT \"two words\"", "_sip._udp.a.test SRV 1 2 5060 b.test")
    def dig(*words):
        done = subprocess.run(["dig", "@127.0.0.1", "-p", str(server.address[1]), "+short", *words],
                              text=True, capture_output=True, timeout=PATIENCE, check=True)
        return done.stdout.splitlines()
    assert dig("a.test", "TXT") == ['"one"', '"two words"']
    assert dig("_sip._udp.a.test", "SRV") == ["1 2 5060 b.test."]


def test_ttl_wildcards_and_the_rest_of_a_name(recorded):
    server = recorded("a.test 60 IN TXT x", "a.test AAAA 2001:db8::5", "*.w.test TXT wild",
                      "own.w.test TXT own")
    assert ttls(server.query("a.test", "TXT")) == [60]
    assert ttls(server.query("a.test", "AAAA")) == [10]
    nodata = server.query("a.test", "A")
    assert nodata.rcode() == NOERROR and not nodata.answer
    assert data(server.query("x.y.w.test", "TXT")) == ['"wild"']
    assert data(server.query("own.w.test", "TXT")) == ['"own"']
    assert not recorded.source.questions
    assert data(server.query("own.w.test", "A")) == ["192.0.2.1"]
    assert server.query("w.test", "TXT").rcode() == NOERROR
    assert len(recorded.source.questions) == 2


def test_records_and_address_add_up_and_have_reverse_names(recorded):
    server = recorded("a.test A 192.0.2.5", flags=["--address", "a.test=192.0.2.6"])
    assert data(server.query("a.test")) == ["192.0.2.5", "192.0.2.6"]
    for last in (5, 6):
        assert data(server.query(f"{last}.2.0.192.in-addr.arpa", "PTR")) == ["a.test."]


def test_what_does_not_fit_is_cut(recorded):
    server = recorded(*[f"big.test TXT {i:03}{'x' * 200}" for i in range(20)])
    cut = server.query("big.test", "TXT")
    assert cut.flags & 0x0200 and 0 < len(data(cut)) < 20
    assert len(data(server.query("big.test", "TXT", tcp=True))) == 20


def test_addresses_take_turns(recorded):
    server = recorded("a.test A 192.0.2.5", "a.test A 192.0.2.6", flags=["--round-robin"])
    firsts = [data(server.query("a.test"))[0] for _ in range(4)]
    assert firsts == ["192.0.2.5", "192.0.2.6"] * 2


def test_the_variable_and_the_log(dnslet, upstream):
    server = dnslet("--verbose", to=[upstream(with_address())], env={
        "DNSMASQ_RECORD": 'a.test TXT "x ; y"\nb.test MX 1 m.test ; c.test A 192.0.2.7\n'})
    assert data(server.query("a.test", "TXT")) == ['"x ; y"']
    assert data(server.query("b.test", "MX")) == ["1 m.test."]
    assert data(server.query("c.test")) == ["192.0.2.7"]
    assert "source=record" in server.wait_log("name=b.test ")


def test_explain_tells_them(upstream, tmp_path):
    (tmp_path / "resolv.conf").write_text("")
    ended = run("--explain", "a.test", "TXT", "--record", "*.test TXT x", "--resolv-conf",
                tmp_path / "resolv.conf", "--nameservers", upstream(with_address()).address)
    assert "--record    *.test has TXT\n" in ended.stdout
    assert 'a.test 10 TXT "x"' in ended.stdout and "source=record" in ended.stdout
    assert ended.returncode == 0


def test_a_file_is_read_and_followed(dnslet, upstream, tmp_path):
    path = tmp_path / "records"
    path.write_text("# ours\na.test TXT one # a comment\r\n\nb.test TXT \"# no comment\"\n")
    server = dnslet("--record", f"@{path}", "--record", "c.test TXT flag", to=[upstream(with_address())])
    assert data(server.query("a.test", "TXT")) == ['"one"']
    assert data(server.query("b.test", "TXT")) == ['"# no comment"']
    path.write_text("a.test TXT two\n")
    server.send_signal(signal.SIGHUP)
    server.wait_log("reloaded")
    assert data(server.query("a.test", "TXT")) == ['"two"']
    assert data(server.query("c.test", "TXT")) == ['"flag"']
    path.write_text("a.test TXT three\nb.test MX x\n")
    server.send_signal(signal.SIGHUP)
    line = server.wait_log("the records before stay")
    assert f"{path}, line 2: 'x' is not a number up to 65535" in line
    assert data(server.query("a.test", "TXT")) == ['"two"']
    path.unlink()
    server.send_signal(signal.SIGHUP)
    server.wait_log("cannot read .*the records before stay")
    assert data(server.query("a.test", "TXT")) == ['"two"']


def test_a_file_is_looked_at_now_and_then(dnslet, upstream, tmp_path):
    path = tmp_path / "records"
    path.write_text("a.test TXT one\n")
    server = dnslet("--record", f"@{path}", "--hostsfile-poll", 1, to=[upstream(with_address())])
    path.write_text("a.test TXT another\n")
    wait_until(lambda: data(server.query("a.test", "TXT")) == ['"another"'], "the new record")


@pytest.mark.parametrize("text, error", [
    ("a.test MX mail.test", "'mail.test' is not a number up to 65535; MX is written as NUMBER NAME"),
    ("a.test", "there is no type: write NAME [TTL] TYPE RDATA"),
    ("a.test FOO x", "'FOO' is not a type of records"),
    ("a.test A ::1", "'::1' is not an IPv4 address"),
    ("a.test CNAME b.test ; a.test A 192.0.2.1", "beside which a name has no other record"),
    ("a.test CNAME b.test ; b.test CNAME a.test", "leads back to it"),
    ("@/nowhere/records", "cannot read '/nowhere/records'"),
])
@pytest.mark.parametrize("way", ["flag", "variable"])
def test_what_is_wrong_is_told_at_the_start(text, error, way):
    words, env = (["--record", text], {}) if way == "flag" else ([], {"DNSMASQ_RECORD": text})
    ended = run("--listen", "127.0.0.1:0", "--no-rec", *words, env=env)
    assert ended.returncode == 2 and error in ended.stderr
    assert ended.stderr.startswith("dnslet: ") and "RECORD" in ended.stderr.upper()
    assert len(ended.stderr.splitlines()) == 1


def test_a_bad_line_of_a_file_is_named(tmp_path):
    path = tmp_path / "records"
    path.write_text("# fine\na.test TXT x\nb.test A 192.0.2.\n")
    ended = run("--listen", "127.0.0.1:0", "--no-rec", "--record", f"@{path}")
    assert ended.returncode == 2
    assert f"{path}, line 3: '192.0.2.' is not an IPv4 address" in ended.stderr


def test_an_address_beside_a_cname_is_refused():
    ended = run("--listen", "127.0.0.1:0", "--no-rec", "--record", "a.test CNAME b.test", "--address",
                "a.test=192.0.2.1")
    assert ended.returncode == 2 and "beside which a name has no other record" in ended.stderr


def test_print_config_shows_them():
    ended = run("--print-config", "--record", "a.test TXT x", "--record", "b.test TXT y")
    assert "a.test TXT x ; b.test TXT y" in ended.stdout


def test_a_record_that_no_message_holds_is_refused():
    ended = run("--listen", "127.0.0.1:0", "--no-rec", "--record", f"a.test TYPE65280 \\# 40000 {'00' * 40000}",
                "--record", "b.test TXT " + " ".join(["x" * 255] * 256))
    assert ended.returncode == 2 and "more bytes than a message holds" in ended.stderr


def test_a_large_record_is_answered_over_tcp(dnslet):
    server = dnslet("--no-rec", "--record", "b.test TXT " + " ".join(["x" * 255] * 250))
    assert len(data(server.query("b.test", "TXT", tcp=True, edns=True))) == 1
    assert server.query("b.test", "TXT").flags & 0x0200


def test_a_cname_is_answered_with_what_its_target_has(recorded):
    server = recorded("*.a.test CNAME b.test", "c.test 60 CNAME x.a.test", "b.test TXT text")
    for question, expected in (("A", ["b.test.", "192.0.2.1"]), ("TXT", ["b.test.", '"text"']),
                               ("CNAME", ["b.test."])):
        assert data(server.query("x.a.test", question)) == expected
    answer = server.query("c.test", "A")
    assert [(rrset.name.to_text(), rrset.ttl) for rrset in answer.answer][:2] == [("c.test.", 60), ("x.a.test.", 10)]
    assert data(answer) == ["x.a.test.", "b.test.", "192.0.2.1"]

