# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""The zone that nsd serves in the tests, and the questions to ask about it."""

ZONE = "e2e.test"

_HEAD = r"""
$ORIGIN e2e.test.
$TTL 300
@         3600 IN SOA   ns1 hostmaster 2026010101 7200 3600 1209600 60
@              IN NS    ns1
@              IN NS    ns2
ns1            IN A     192.0.2.1
ns1            IN AAAA  2001:db8::1
ns2            IN A     192.0.2.2
www            IN A     192.0.2.10
www            IN AAAA  2001:db8::10
multi     120  IN A     192.0.2.21
multi     120  IN A     192.0.2.22
multi     120  IN A     192.0.2.23
@              IN MX    10 mail1
@              IN MX    20 mail2
mail1          IN A     192.0.2.31
mail2          IN A     192.0.2.32
mail2          IN AAAA  2001:db8::32
text           IN TXT   "plain" "two strings" "quote \" backslash \\ byte \200"
text           IN TXT   ""
_sip._tcp      IN SRV   10 60 5060 www
_sip._tcp      IN SRV   20 10 5061 multi
alias          IN CNAME www
chain1     50  IN CNAME chain2
chain2     40  IN CNAME chain3
chain3     30  IN CNAME multi
outside        IN CNAME elsewhere.example.
dangling       IN CNAME nothing
svc            IN HTTPS 1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.10 ipv6hint=2001:db8::10
unknown        IN TYPE65280 \# 12 0a000001c00cffee00112233
@              IN CAA   0 issue "ca.example"
loc            IN NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:info@e2e.test!" .
ssh            IN SSHFP 1 1 123456789abcdef67890123456789abcdef67890
tlsa           IN TLSA  3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971
sub            IN NS    ns.sub
ns.sub         IN A     192.0.2.53
*.wild         IN A     192.0.2.77
MiXeD          IN A     192.0.2.78
"""

# 60 kB in one RRset, 900 bytes in another: too large for 512, small enough for 1232
ZONE_TEXT = _HEAD + "".join(
    f'big 300 IN TXT "{i:03d} {"x" * 240}"\n' for i in range(235)) + "".join(
    f'medium 300 IN TXT "{i:02d} {"y" * 80}"\n' for i in range(9))

QUESTIONS = [
    ("www", "A"), ("www", "AAAA"), ("multi", "A"), ("@", "MX"), ("text", "TXT"),
    ("_sip._tcp", "SRV"), ("alias", "A"), ("alias", "AAAA"), ("alias", "CNAME"), ("chain1", "A"),
    ("chain1", "TXT"), ("outside", "A"), ("dangling", "A"), ("svc", "HTTPS"),
    ("unknown", "TYPE65280"), ("@", "NS"), ("@", "SOA"), ("@", "CAA"), ("loc", "NAPTR"),
    ("ssh", "SSHFP"), ("tlsa", "TLSA"), ("a.b.wild", "A"), ("a.wild", "AAAA"),
    ("nothing", "A"), ("www", "MX"), ("mixed", "A"), ("medium", "TXT"), ("big", "TXT"),
    ("@", "ANY"),
]


def absolute(name):
    return ZONE + "." if name == "@" else f"{name}.{ZONE}."
