# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 4: what hosts files and static records answer."""

import re

import pytest
from harness import data, records, ttls, with_address

NOERROR, NXDOMAIN, REFUSED = 0, 3, 5


@pytest.fixture
def source(upstream):
    """Whatever is forwarded gets an address that no hosts file has."""
    return upstream(with_address("198.51.100.1"))


def test_addresses_of_both_families_have_ttl_10(dnslet):
    server = dnslet("--no-rec", hosts="192.0.2.10 nas.test\n2001:db8::10 nas.test\n")
    four, six = server.query("nas.test"), server.query("nas.test", "AAAA")
    assert records(four.answer) == [("nas.test.", 10, "A", "192.0.2.10")]
    assert records(six.answer) == [("nas.test.", 10, "AAAA", "2001:db8::10")]


def test_any_number_of_names_shares_a_line(dnslet):
    names = [f"n{i}.test" for i in range(200)]
    server = dnslet("--no-rec", hosts="192.0.2.10 " + " ".join(names) + "\n")
    assert all(data(server.query(name)) == ["192.0.2.10"] for name in names[::20])
    assert data(server.query(names[-1])) == ["192.0.2.10"]


def test_all_addresses_come_in_file_order(dnslet):
    order = ["192.0.2.30", "192.0.2.10", "192.0.2.20", "192.0.2.5"]
    lines = "".join(f"{address} nas.test\n2001:db8::1 other.test\n" for address in order)
    assert data(dnslet("--no-rec", hosts=lines).query("nas.test")) == order


def test_names_compare_without_case(dnslet):
    server = dnslet("--no-rec", hosts="192.0.2.10 Nas.TEST\n")
    assert data(server.query("nas.test")) == data(server.query("NAS.test")) == ["192.0.2.10"]


@pytest.mark.parametrize("hosts", [
    "192.0.2.10\tnas.test\t\tother.test\n",
    "  192.0.2.10   nas.test other.test  \n",
    "192.0.2.10 nas.test other.test",
    "192.0.2.10 nas.test other.test\r\n192.0.2.11 x.test\r\n",
    "192.0.2.10 nas.test other.test\r",
    "\ufeff192.0.2.10 nas.test other.test\n",
    "# head\n\n   # indented\n192.0.2.10 nas.test other.test # tail\n",
    "192.0.2.10 nas.test other.test#tail\n",
    "192.0.2.10 nas.test. other.test.\n",
    "\n\r\n\t\n192.0.2.10 nas.test other.test\n",
], ids=["tabs", "blanks", "no final newline", "CRLF", "CR at the end", "BOM", "comments",
        "comment without blank", "trailing dots", "empty lines"])
def test_every_usual_form_of_a_hosts_file_is_read(dnslet, hosts):
    server = dnslet("--no-rec", hosts=hosts)
    for name in ("nas.test", "other.test"):
        assert data(server.query(name)) == ["192.0.2.10"]
    assert not server.log(" warn")


def test_a_wildcard_matches_at_any_depth_but_not_its_own_domain(dnslet, source):
    server = dnslet(to=[source], hosts="192.0.2.10 *.db.local\n")
    for name in ("a.db.local", "a.b.c.d.db.local", "*.db.local", "A.DB.local"):
        answer = server.query(name)
        assert data(answer) == ["192.0.2.10"]
        assert records(answer.answer)[0][0] == name.lower() + "."
    for name in ("db.local", "xdb.local", "a.xdb.local", "local"):
        assert data(server.query(name)) == ["198.51.100.1"]


def test_an_exact_entry_beats_the_wildcard(dnslet, source):
    server = dnslet(to=[source], hosts="192.0.2.10 *.db.local\n192.0.2.20 one.db.local\n")
    assert data(server.query("one.db.local")) == ["192.0.2.20"]
    assert data(server.query("two.db.local")) == ["192.0.2.10"]


def test_an_exact_entry_hides_the_wildcard_for_the_other_family_too(dnslet, source):
    server = dnslet(to=[source], hosts="2001:db8::10 *.db.local\n192.0.2.20 one.db.local\n")
    answer = server.query("one.db.local", "AAAA")
    assert (answer.rcode(), data(answer)) == (NOERROR, [])
    assert data(server.query("two.db.local", "AAAA")) == ["2001:db8::10"]


def test_the_longest_wildcard_wins_whatever_the_order(dnslet):
    server = dnslet("--no-rec", hosts="192.0.2.2 *.b.local\n192.0.2.1 *.local\n"
                                      "192.0.2.3 *.a.b.local\n192.0.2.4 *.z.a.b.local\n")
    assert data(server.query("x.local")) == ["192.0.2.1"]
    assert data(server.query("x.b.local")) == ["192.0.2.2"]
    assert data(server.query("a.b.local")) == ["192.0.2.2"]
    assert data(server.query("x.y.a.b.local")) == ["192.0.2.3"]


def test_a_wildcard_has_several_addresses_of_both_families(dnslet, source):
    server = dnslet(to=[source],
                    hosts="192.0.2.2 *.local\n2001:db8::1 *.local\n192.0.2.1 *.local\n")
    assert data(server.query("x.local")) == ["192.0.2.2", "192.0.2.1"]
    assert data(server.query("x.local", "AAAA")) == ["2001:db8::1"]


def test_ptr_gives_the_first_name_of_the_file(dnslet, source):
    server = dnslet(to=[source], hosts="192.0.2.10 first.test second.test\n192.0.2.10 third.test\n"
                                       "2001:db8::10 six.test other.test\n")
    four = server.query("10.2.0.192.in-addr.arpa", "PTR")
    assert (data(four), ttls(four)) == (["first.test."], [10])
    reverse = "0.1.0.0." + "0.0.0.0." * 5 + "8.b.d.0.1.0.0.2.ip6.arpa"
    for name in (reverse, reverse.upper()):
        assert data(server.query(name, "PTR")) == ["six.test."]
    assert not source.questions


@pytest.mark.parametrize("name", ["11.2.0.192.in-addr.arpa", "2.0.192.in-addr.arpa",
                                  "010.2.0.192.in-addr.arpa", "x.10.2.0.192.in-addr.arpa"])
def test_other_reverse_names_are_forwarded(dnslet, source, name):
    dnslet(to=[source], hosts="192.0.2.10 first.test\n").query(name, "PTR")
    assert [q.name for q in source.questions] == [name + "."]


@pytest.mark.parametrize("rdtype", ["MX", "TXT", "HTTPS", "SRV", "TYPE65280", "NS"])
def test_other_types_of_a_known_name_are_forwarded(dnslet, source, rdtype):
    server = dnslet(to=[source], hosts="192.0.2.10 nas.test *.db.local\n")
    for name in ("nas.test", "x.db.local"):
        server.query(name, rdtype)
    assert [(q.name, q.type) for q in source.questions] == [("nas.test.", rdtype),
                                                            ("x.db.local.", rdtype)]


def test_a_name_that_is_only_like_a_known_one_is_forwarded(dnslet, source):
    server = dnslet(to=[source], hosts="192.0.2.10 nas.test\n")
    for name in ("xnas.test", "nas.testx", "www.nas.test", "nas", "test"):
        assert data(server.query(name)) == ["198.51.100.1"]


def test_addresses_on_the_command_line(dnslet, source):
    server = dnslet("--address", "one.test=192.0.2.1,2001:db8::1,192.0.2.2",
                    "--address", "*.wild.test=192.0.2.3", to=[source],
                    hosts="192.0.2.99 one.test exact.wild.test\n")
    assert data(server.query("one.test")) == ["192.0.2.1", "192.0.2.2"]
    assert ttls(server.query("one.test")) == [10, 10]
    assert data(server.query("one.test", "AAAA")) == ["2001:db8::1"]
    assert data(server.query("a.b.wild.test")) == ["192.0.2.3"]
    answer = server.query("a.b.wild.test", "AAAA")
    assert (answer.rcode(), data(answer)) == (NOERROR, [])
    assert not source.questions


def test_addresses_in_the_variable_are_separated_by_blanks(dnslet):
    server = dnslet("--no-rec", env={"DNSMASQ_ADDRESS": "a.test=192.0.2.1,192.0.2.2 b.test=::1"})
    assert data(server.query("a.test")) == ["192.0.2.1", "192.0.2.2"]
    assert data(server.query("b.test", "AAAA")) == ["::1"]


def test_several_files_and_a_directory(dnslet, tmp_path):
    directory = tmp_path / "hosts.d"
    directory.mkdir()
    for i, path in enumerate([tmp_path / "a", tmp_path / "b", directory / "c", directory / "d"]):
        path.write_text(f"192.0.2.{i} n{i}.test\n")
    by_flags = dnslet("--no-rec", "-f", tmp_path / "a", "--hostsfile", tmp_path / "b",
                      "--hostsfile", directory)
    by_variable = dnslet("--no-rec", env={
        "DNSMASQ_HOSTSFILE": f"{tmp_path / 'a'},{tmp_path / 'b'},{directory}"})
    for server in (by_flags, by_variable):
        assert [data(server.query(f"n{i}.test")) for i in range(4)] == [
            [f"192.0.2.{i}"] for i in range(4)]


def test_an_unreadable_line_is_skipped_with_one_warning_of_file_and_line(dnslet, tmp_path):
    server = dnslet("--no-rec", hosts="192.0.2.1 a.test\n# comment\nnot.an.address b.test\n"
                                      "192.0.2.2 c.test\n")
    assert data(server.query("a.test")) == ["192.0.2.1"]
    assert data(server.query("c.test")) == ["192.0.2.2"]
    (line,) = server.log(" warn")
    assert names_line(line, tmp_path / "hosts", 3)


def names_line(text, path, number):
    assert str(path) in text, text
    rest = text.split(" ", 1)[1].replace(str(path), "PATH")
    return re.search(rf"(?<!\d){number}(?!\d)", rest)


@pytest.mark.parametrize("line", ["192.0.2.300 b.test", "192.0.2.1 " + "x" * 64,
                                  "192.0.2.1 a..b", "::g b.test", "192.0.2 b.test",
                                  "\x00\x01\x02"])
def test_every_kind_of_bad_line_is_skipped(dnslet, line, tmp_path):
    server = dnslet("--no-rec", hosts=f"192.0.2.7 a.test\n{line}\n192.0.2.8 z.test\n")
    assert data(server.query("a.test")) == ["192.0.2.7"]
    assert data(server.query("z.test")) == ["192.0.2.8"]
    assert [names_line(text, tmp_path / "hosts", 2) is not None for text in server.log(" warn")]


def test_ten_bad_lines_are_named_and_the_rest_counted(dnslet, tmp_path):
    hosts = "".join(f"192.0.2.1 n{i}.test\n" for i in range(100)) + "bad line\n" * 25
    warnings = dnslet("--no-rec", hosts=hosts).log(" warn")
    named = [[names_line(text, tmp_path / "hosts", number) is not None
              for number in range(101, 126)].count(True) for text in warnings]
    assert named[:10] == [1] * 10
    assert len(warnings) == 11
    assert names_line(warnings[10], tmp_path / "hosts", 15) or names_line(
        warnings[10], tmp_path / "hosts", 25)


# Other types of names that have an address here.

OWN = ["own.test", "x.wild.test", "static.test"]
OWN_FLAGS = ["--address", "static.test=192.0.2.3"]
OWN_HOSTS = "192.0.2.1 own.test\n192.0.2.2 *.wild.test\n"


@pytest.mark.parametrize("cache", [0, 100])
@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("rdtype", ["HTTPS", "TXT", "MX"])
def test_nxdomain_for_another_type_of_an_own_name_is_nodata(dnslet, upstream, name, rdtype, cache):
    server = dnslet("--rcache", cache, *OWN_FLAGS, hosts=OWN_HOSTS,
                    to=[upstream(lambda asked: asked.nxdomain())])
    for _ in range(2):
        answer = server.query(name, rdtype)
        assert (answer.rcode(), answer.answer) == (NOERROR, [])
        assert [record.rdtype for record in answer.authority] == [6]
    assert server.query("other.test", rdtype).rcode() == NXDOMAIN


@pytest.mark.parametrize("name", OWN)
def test_with_no_rec_another_type_of_an_own_name_is_nodata(dnslet, name):
    server = dnslet("--no-rec", *OWN_FLAGS, hosts=OWN_HOSTS)
    answer = server.query(name, "HTTPS")
    assert (answer.rcode(), answer.answer) == (NOERROR, [])
    assert server.query("other.test", "HTTPS").rcode() == REFUSED


def test_https_records_of_own_names_have_no_address_hints(dnslet, upstream):
    def handler(asked):
        return asked.answer(f"{asked.name} 60 IN HTTPS 1 . alpn=h2 ipv4hint=198.51.100.1 "
                            "ipv6hint=2001:db8::9")
    server = dnslet(*OWN_FLAGS, hosts=OWN_HOSTS, to=[upstream(handler)])
    for name in OWN:
        assert data(server.query(name, "HTTPS")) == ['1 . alpn="h2"']
    assert "ipv4hint" in data(server.query("other.test", "HTTPS"))[0]


def test_another_type_of_what_a_search_has_found_here_is_nodata(dnslet, upstream):
    source = upstream(lambda asked: asked.nxdomain())
    server = dnslet("--enable-search", "--search-domains", "a.test,b.test,c.test", to=[source],
                    hosts="192.0.2.1 db.b.test\n")
    assert data(server.query("db")) == ["db.b.test.", "192.0.2.1"]
    assert server.query("db", "TXT").rcode() == NOERROR
    assert [asked.name for asked in source.questions] == ["db.a.test.", "db.a.test.", "db.b.test."]


# `*` alone.

@pytest.mark.parametrize("star", ["hosts", "*", "#"])
def test_a_star_alone_is_every_name_that_nothing_else_has(dnslet, upstream, star):
    source, stub = upstream(lambda asked: asked.nxdomain()), upstream(with_address("192.0.2.7"))
    flags = [] if star == "hosts" else ["--address", f"{star}=192.0.2.9"]
    server = dnslet(*flags, "--block", "ads.test", "--stubzones", f"stub.test/{stub.address}",
                    to=[source],
                    hosts="192.0.2.1 own.test\n" + ("192.0.2.9 *\n" if star == "hosts" else ""))
    assert data(server.query("www.example")) == data(server.query("a")) == ["192.0.2.9"]
    answer = server.query("www.example", "AAAA")
    assert (answer.rcode(), answer.answer) == (NOERROR, [])
    assert data(server.query("own.test")) == ["192.0.2.1"]
    assert server.query("own.test", "AAAA").rcode() == NOERROR
    assert server.query("x.ads.test").rcode() == NXDOMAIN
    assert data(server.query("localhost")) == ["127.0.0.1"]
    assert data(server.query("x.stub.test")) == ["192.0.2.7"]
    assert not source.questions
    assert server.query("www.example", "TXT").rcode() == NOERROR
    assert len(source.questions) == 1
