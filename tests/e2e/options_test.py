# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 1: flags, variables, precedence, bad values."""

import os
import re
import socket

import pytest
from harness import free_port, only_rcode, run, with_address

# flag, variable, a value that differs from the default, how --print-config must show it
OPTIONS = [
    ("listen", "DNSMASQ_LISTEN", "127.0.0.3:5399", "127.0.0.3:5399"),
    ("nameservers", "DNSMASQ_SERVERS", "192.0.2.7:5398", "192.0.2.7:5398"),
    ("bootstrap", "DNSMASQ_BOOTSTRAP", "192.0.2.6", "192.0.2.6"),
    ("stubzones", "DNSMASQ_STUB", "a.test,b.test/192.0.2.9,c.test/[2001:db8::1]", "c.test"),
    ("search-domains", "DNSMASQ_SEARCH_DOMAINS", "a.test,lan", "a.test,lan"),
    ("ndots", "DNSMASQ_NDOTS", "5", "5"),
    ("fwd-ndots", "DNSMASQ_FWD_NDOTS", "2", "2"),
    ("hostsfile", "DNSMASQ_HOSTSFILE", "/dev/null", "/dev/null"),
    ("hostsfile-poll", "DNSMASQ_POLL", "37", "37"),
    ("rcache", "DNSMASQ_RCACHE", "1234", "1234"),
    ("rcache-ttl", "DNSMASQ_RCACHE_TTL", "77", "77"),
    ("rcache-neg-ttl", "DNSMASQ_RCACHE_NEG_TTL", "13", "13"),
    ("address", "DNSMASQ_ADDRESS", "nas.test=192.0.2.8", "nas.test"),
    ("record", "DNSMASQ_RECORD", "nas.test TXT x ; b.test A 192.0.2.8", "b.test A 192.0.2.8"),
    ("block", "DNSMASQ_BLOCK", "ads.test", "ads.test"),
    ("rebind-ok", "DNSMASQ_REBIND_OK", "corp.test", "corp.test"),
    ("blocklist", "DNSMASQ_BLOCKLIST", "/dev/null", "/dev/null"),
    ("allowlist", "DNSMASQ_ALLOWLIST", "/dev/null", "/dev/null"),
    ("list", "DNSMASQ_LIST", "ads=/dev/null cn=/dev/null@cn", "ads=/dev/null cn=/dev/null@cn"),
    ("filter", "DNSMASQ_FILTER", "aaaa", "aaaa"),
    ("upstream-timeout", "DNSMASQ_UPSTREAM_TIMEOUT", "2345", "2345"),
    ("upstream-retry", "DNSMASQ_UPSTREAM_RETRY", "456", "456"),
    ("max-inflight", "DNSMASQ_MAX_INFLIGHT", "99", "99"),
    ("max-tcp-clients", "DNSMASQ_MAX_TCP_CLIENTS", "33", "33"),
    ("tcp-idle-timeout", "DNSMASQ_TCP_IDLE_TIMEOUT", "1111", "1111"),
    ("allow", "DNSMASQ_ALLOW", "10.0.0.0/8", "10.0.0.0/8"),
    ("allow", "DNSMASQ_ALLOW", "private", "private"),
    ("user", "DNSMASQ_USER", "65534:65533", "65534:65533"),
    ("log-level", "DNSMASQ_LOG_LEVEL", "warning", "warning"),
    ("log-format", "DNSMASQ_LOG_FORMAT", "json", "json"),
    ("control", "DNSMASQ_CONTROL", "/run/dnslet/control", "/run/dnslet/control"),
    ("metrics-host", "DNSMASQ_METRICS_HOST", "Dnslet,a.test", "Dnslet,a.test"),
    ("metrics", "DNSMASQ_METRICS", "[::1]:9153", "[::1]:9153"),
]
SWITCHES = [("no-rec", "DNSMASQ_NOREC"), ("force-tcp", "DNSMASQ_FORCE_TCP"),
            ("enable-search", "DNSMASQ_ENABLE_SEARCH"), ("round-robin", "DNSMASQ_RR"),
            ("rebind-guard", "DNSMASQ_REBIND_GUARD"),
            ("systemd", "DNSMASQ_SYSTEMD"), ("verbose", "DNSMASQ_VERBOSE"), ("syslog", "DNSMASQ_SYSLOG")]
NAMES = [(flag, variable) for flag, variable, _, _ in OPTIONS] + SWITCHES + [
    ("resolv-conf", "DNSMASQ_RESOLV_CONF")]

BAD = [
    ("listen", "DNSMASQ_LISTEN", "localhost:5300"),
    ("listen", "DNSMASQ_LISTEN", "127.0.0.1:65536"),
    ("listen", "DNSMASQ_LISTEN", "127.0.0.1:dns"),
    ("listen", "DNSMASQ_LISTEN", "[::1:53"),
    ("nameservers", "DNSMASQ_SERVERS", "dns..example"),
    ("nameservers", "DNSMASQ_SERVERS", "tls://192.0.2.1:0"),
    ("bootstrap", "DNSMASQ_BOOTSTRAP", "dns.example"),
    ("nameservers", "DNSMASQ_SERVERS", "192.0.2.1:53x"),
    ("nameservers", "DNSMASQ_SERVERS", "192.0.2.300"),
    ("stubzones", "DNSMASQ_STUB", "a.test"),
    ("stubzones", "DNSMASQ_STUB", "a.test/ns..test"),
    ("stubzones", "DNSMASQ_STUB", "a.test/192.0.2.1,ftp://192.0.2.2"),
    ("stubzones", "DNSMASQ_STUB", "a.test/192.0.2.1,192.0.2.300"),
    ("stubzones", "DNSMASQ_STUB", "/192.0.2.1"),
    ("search-domains", "DNSMASQ_SEARCH_DOMAINS", "a..test"),
    ("ndots", "DNSMASQ_NDOTS", "16"),
    ("ndots", "DNSMASQ_NDOTS", "-1"),
    ("fwd-ndots", "DNSMASQ_FWD_NDOTS", "few"),
    ("enable-search", "DNSMASQ_ENABLE_SEARCH", "maybe"),
    ("list", "DNSMASQ_LIST", "/dev/null"),
    ("hostsfile-poll", "DNSMASQ_POLL", "-1"),
    ("hostsfile-poll", "DNSMASQ_POLL", "often"),
    ("rcache", "DNSMASQ_RCACHE", "-5"),
    ("rcache", "DNSMASQ_RCACHE", "5x"),
    ("rcache", "DNSMASQ_RCACHE", "99999999999999999999999"),
    ("rcache-ttl", "DNSMASQ_RCACHE_TTL", "0"),
    ("rcache-neg-ttl", "DNSMASQ_RCACHE_NEG_TTL", "-1"),
    ("no-rec", "DNSMASQ_NOREC", "maybe"),
    ("force-tcp", "DNSMASQ_FORCE_TCP", "2"),
    ("address", "DNSMASQ_ADDRESS", "nas.test"),
    ("address", "DNSMASQ_ADDRESS", "nas.test=other.test"),
    ("address", "DNSMASQ_ADDRESS", "a..test=192.0.2.1"),
    ("record", "DNSMASQ_RECORD", "nas.test TXT"),
    ("record", "DNSMASQ_RECORD", "nas.test 192.0.2.1"),
    ("record", "DNSMASQ_RECORD", "@"),
    ("rebind-guard", "DNSMASQ_REBIND_GUARD", "maybe"),
    ("rebind-ok", "DNSMASQ_REBIND_OK", "a..test"),
    ("block", "DNSMASQ_BLOCK", "a..test"),
    ("block", "DNSMASQ_BLOCK", "/etc/ads.txt"),
    ("block", "DNSMASQ_BLOCK", "x" * 64 + ".test"),
    ("blocklist", "DNSMASQ_BLOCKLIST", "/etc/ads.txt,,/etc/more.txt"),
    ("allowlist", "DNSMASQ_ALLOWLIST", ",/etc/ads.txt"),
    ("filter", "DNSMASQ_FILTER", "mx"),
    ("log-level", "DNSMASQ_LOG_LEVEL", "trace"),
    ("upstream-timeout", "DNSMASQ_UPSTREAM_TIMEOUT", "0"),
    ("upstream-retry", "DNSMASQ_UPSTREAM_RETRY", "0"),
    ("upstream-retry", "DNSMASQ_UPSTREAM_RETRY", "1.5"),
    ("max-inflight", "DNSMASQ_MAX_INFLIGHT", "0"),
    ("max-tcp-clients", "DNSMASQ_MAX_TCP_CLIENTS", "0"),
    ("tcp-idle-timeout", "DNSMASQ_TCP_IDLE_TIMEOUT", "0"),
    ("allow", "DNSMASQ_ALLOW", "10.0.0.0/33"),
    ("allow", "DNSMASQ_ALLOW", "example.test"),
    ("systemd", "DNSMASQ_SYSTEMD", "maybe"),
    ("user", "DNSMASQ_USER", "no-such-user"),
    ("user", "DNSMASQ_USER", "root:root"),
    ("user", "DNSMASQ_USER", "1000:"),
    ("user", "DNSMASQ_USER", ":5"),
    ("user", "DNSMASQ_USER", "1:2:3"),
    ("user", "DNSMASQ_USER", "-1"),
    ("user", "DNSMASQ_USER", "+5"),
    ("user", "DNSMASQ_USER", "4294967295"),  # (uid_t)-1: no change, to the kernel
    ("user", "DNSMASQ_USER", "0:4294967295"),
    ("user", "DNSMASQ_USER", "99999999999999999999"),
]


def serve(*flags, env=None, listen=True):
    """Runs with everything else in order, so that only the value under test can be the reason."""
    rest = ["--listen", "127.0.0.1:0"] if listen else []
    return run(*flags, *rest, "--nameservers=192.0.2.1", "--resolv-conf=/dev/null", env=env)


def assert_refused(result, *words):
    assert result.returncode == 2, result
    assert result.stderr.count("\n") == 1 and result.stderr.endswith("\n"), result.stderr
    for word in words:
        assert word in result.stderr, (word, result.stderr)
    assert "ready" not in result.stdout


@pytest.mark.parametrize("flag,variable,value", BAD)
def test_a_bad_flag_is_one_line_that_names_flag_and_value(flag, variable, value):
    first = [f"--{flag}={value}"]
    if flag == "nameservers":
        result = run(*first, "--listen=127.0.0.1:0", "--resolv-conf=/dev/null")
    else:
        result = serve(*first, listen=flag != "listen")
    assert_refused(result, f"--{flag}", value)


@pytest.mark.parametrize("flag,variable,value", BAD)
def test_a_bad_variable_is_one_line_that_names_variable_and_value(flag, variable, value):
    if flag == "nameservers":
        result = run("--listen=127.0.0.1:0", "--resolv-conf=/dev/null", env={variable: value})
    else:
        result = serve(env={variable: value}, listen=flag != "listen")
    assert_refused(result, variable, value)


@pytest.mark.parametrize("flag", ["--listen=localhost:5300", "--metrics=localhost:9153",
                                  "--bootstrap=dns.example"])
def test_a_name_in_place_of_an_address_gets_an_error_that_says_so(flag):
    result = run(flag, "--resolv-conf=/dev/null")
    assert_refused(result, flag.partition("=")[2].partition(":")[0])
    assert re.search(r"\baddress", result.stderr), result.stderr


@pytest.mark.parametrize("flag", ["--no-such-flag", "-x", "--rcach=5"])
def test_an_unknown_flag_is_refused_by_name(flag):
    assert_refused(serve(flag), flag.lstrip("-").partition("=")[0])


def test_a_flag_without_its_value_is_refused():
    assert_refused(run("--rcache"), "rcache")


def test_a_word_that_belongs_to_no_flag_is_refused():
    assert_refused(serve("stray"), "stray")


def test_no_nameserver_at_all_says_what_to_set():
    result = run("--listen=127.0.0.1:0", "--resolv-conf=/dev/null")
    assert_refused(result, "--nameservers")


def test_an_unreadable_hosts_file_stops_the_start(tmp_path):
    missing = tmp_path / "missing"
    result = serve("--hostsfile", missing)
    assert result.returncode == 2
    assert str(missing) in result.stderr and "--hostsfile (DNSMASQ_HOSTSFILE)" in result.stderr
    assert "ready" not in result.stdout


@pytest.mark.parametrize("address,reason", [("127.0.0.1", "in use"),
                                            ("198.51.100.77", "cannot assign|not available")])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_port_that_cannot_be_bound_tells_address_reason_and_remedy(address, reason, transport):
    port = free_port()
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", port))
        if transport == "tcp":
            other.listen()
        result = serve(f"--listen={address}:{port}", listen=False)
    assert result.returncode == 1, result
    assert f"{address}:{port}" in result.stderr
    assert re.search(reason, result.stderr.lower())
    assert "--listen" in result.stderr, "no remedy"
    assert "ready" not in result.stdout


def test_help_shows_every_variable_beside_its_flag_in_80_columns():
    whole = run("--help-all")
    assert (whole.returncode, whole.stderr) == (0, "")
    assert all(len(line) <= 80 for line in whole.stdout.splitlines())
    for name, variable in NAMES:
        assert re.search(rf"^.* --{name}\b.* {variable}$", whole.stdout, re.M), name


def test_help_fits_a_screen_and_tells_how_to_see_the_rest():
    for flag in ("--help", "-h", "-help"):
        result = run(flag)
        assert (result.returncode, result.stderr) == (0, "")
        lines = result.stdout.splitlines()
        assert len(lines) <= 50
        assert set(lines) - set(run("--help-all").stdout.splitlines()) == {
            "The options used most; --help-all prints all of them."}
        for name in ("listen", "nameservers", "hostsfile", "rcache", "default-resolver", "help-all"):
            assert re.search(rf"^.* --{name}\b", result.stdout, re.M), name


def test_version_is_one_line_with_the_libraries_and_their_versions():
    for flag in ("--version", "-v"):
        result = run(flag)
        assert (result.returncode, result.stderr) == (0, "")
        libraries = r"libuv [\d.]+, c-ares [\d.]+"
        more = r", OpenSSL [\d.]+, nghttp2 [\d.]+(, nghttp3 [\d.]+)?, hiredis [\d.]+"
        full, least = (rf"{name} \S*\w\S* \({those}\)\n"
                       for name, those in (("dnslet", libraries + more), ("dnslet-min", libraries)))
        assert re.fullmatch(f"{full}|{least}", result.stdout), result.stdout


def test_a_short_flag_that_does_not_exist_is_named_as_it_was_spelled():
    result = serve("-c")
    assert result.stderr == "dnslet: unknown flag '-c', see --help-all\n"


def warnings_of(tmp_path, *flags, env=None):
    # The missing file ends it at once, behind the warnings.
    lines = serve(*flags, "--hostsfile", tmp_path / "missing", env=env).stderr.splitlines()
    return [line for line in lines if line.startswith("dnslet: warning: ")]


@pytest.mark.parametrize("flags,env,words", [
    ([], {"DNSMASQ_SERVER": "192.0.2.1"}, ["DNSMASQ_SERVER'", "DNSMASQ_SERVERS?"]),
    ([], {"DNSMASQ_NONSENSE": "1"}, ["DNSMASQ_NONSENSE", "--help-all"]),
    (["--search-domains=a.test"], {}, ["--search-domains", "no effect", "--enable-search"]),
    ([], {"DNSMASQ_NDOTS": "2"}, ["DNSMASQ_NDOTS", "no effect", "--enable-search"]),
    (["--rcache-ttl=9"], {}, ["--rcache-ttl", "no effect", "--rcache"]),
    (["--rcache-stale=9"], {}, ["--rcache-stale", "no effect", "--rcache"]),
    (["--rcache-stale-first"], {}, ["--rcache-stale-first", "no effect", "--rcache-stale (DNSMASQ_RCACHE_STALE)"]),
    (["--rcache=9", "--rcache-stale-first"], {}, ["--rcache-stale-first", "no effect", "--rcache-stale "]),
    (["--rcache=1", "--rcache=2"], {}, ["--rcache ", "more than once", "'2'"]),
    (["-p", "53"], {}, ["-p", "53", "--listen"])])
def test_what_is_hardly_meant_is_one_warning(tmp_path, flags, env, words):
    [warning] = warnings_of(tmp_path, *flags, env=env)
    for word in words:
        assert word in warning, (word, warning)


@pytest.mark.parametrize("env", [
    {"DNSMASQ_SERVER": ""}, {"DNSMASQ_SERVICE_HOST": "10.0.0.1", "DNSMASQ_PORT": "udp://10.0.0.1:53",
                             "DNSMASQ_PORT_53_UDP_PORT": "53", "DNSMASQ_SERVICE_PORT_DNS": "53"}])
def test_variables_that_are_empty_or_made_by_kubernetes_are_not_warned_of(tmp_path, env):
    assert warnings_of(tmp_path, env=env) == []


def test_a_flag_that_takes_a_list_and_is_given_again_adds_to_it():
    for name, first, second in [("nameservers", "192.0.2.1", "192.0.2.2"), ("block", "a.test", "b.test"),
                                ("listen", "127.0.0.3:5399", "127.0.0.4:5399"),
                                ("search-domains", "a.test", "b.test")]:
        others = [] if name == "nameservers" else ["--nameservers=192.0.2.1"]
        both = shown(name, *others, f"--{name}={first}", f"--{name}={second}",
                     env={"DNSMASQ_" + name.upper(): "192.0.2.3"} if name == "listen" else None)
        assert both == shown(name, *others, f"--{name}={first},{second}")
        assert f"{first},{second}" in both


def test_a_server_given_by_a_second_flag_is_asked(dnslet, upstream):
    dead, server = f"127.0.0.1:{free_port()}", upstream(with_address())
    running = dnslet("--nameservers", dead, "--nameservers", server.address)
    assert running.query("a.test").answer and server.questions


def test_a_bootstrap_server_that_is_dnslet_itself_is_refused():
    port = free_port()
    result = run(f"--listen=127.0.0.1:{port}", f"--bootstrap=127.0.0.1:{port}",
                 "--nameservers=192.0.2.1", "--resolv-conf=/dev/null")
    assert result.returncode == 2
    assert "--bootstrap (DNSMASQ_BOOTSTRAP)" in result.stderr and "itself" in result.stderr


@pytest.mark.parametrize("by_file", [False, True])
def test_a_domain_that_stands_in_the_search_list_twice_is_asked_once(dnslet, upstream, tmp_path,
                                                                     by_file):
    server = upstream(only_rcode("NXDOMAIN"))
    file = tmp_path / "resolv.conf"
    file.write_text("search a.test . A.test. b.test a.test\n" if by_file else "")
    flags = [] if by_file else ["--search-domains", "a.test,.,A.test.", "-s", "b.test,a.test"]
    running = dnslet("--enable-search", *flags, to=[server], resolv_conf=file)
    running.query("host")
    assert [q.name for q in server.questions] == ["host.a.test.", "host.b.test.", "host."]


def test_a_dot_as_the_search_list_is_an_empty_one(dnslet, upstream, tmp_path):
    server = upstream(only_rcode("NXDOMAIN"))
    file = tmp_path / "resolv.conf"
    file.write_text("search file.test\n")
    running = dnslet("--enable-search", "--search-domains", ".", to=[server], resolv_conf=file)
    running.query("host")
    assert [q.name for q in server.questions] == ["host."], server.questions


def shown(name, *flags, env=None):
    """The line of --print-config for one option"""
    result = run("--print-config", *flags, env={"DNSMASQ_RESOLV_CONF": "/dev/null", **(env or {})})
    assert (result.returncode, result.stderr) == (0, ""), result
    found = re.findall(rf"^\s*(?:--)?{name}\b(?!-).*$", result.stdout, re.M)
    assert len(found) <= 1, found
    return found[0] if found else ""


@pytest.mark.parametrize("name,variable,value,text", OPTIONS)
def test_print_config_shows_the_value_of_flag_and_variable(name, variable, value, text):
    others = [] if name == "nameservers" else ["--nameservers=192.0.2.1"]
    assert text not in shown(name, *others)
    by_flag = shown(name, *others, f"--{name}={value}")
    by_two_words = shown(name, *others, f"--{name}", value)
    by_variable = shown(name, *others, env={variable: value})
    assert text in by_flag and text in by_variable
    assert by_flag == by_two_words
    assert by_flag != by_variable, "where the value came from is missing"


def test_print_config_shows_what_holds_where_nobody_set_it():
    basis = "--nameservers=192.0.2.1"
    assert shown("ndots", basis) == "ndots = 1  (default)"
    assert shown("force-tcp", basis) == "force-tcp = false  (default)"
    processors = len(os.sched_getaffinity(0))
    assert shown("threads", basis, "--multithreading") == f"threads = {processors}  (default)"
    assert shown("threads", basis, "--threads=0") == f"threads = {processors}  (--threads)"


@pytest.mark.parametrize("short,name,value", [
    ("-l", "listen", "127.0.0.3:5399"), ("-n", "nameservers", "192.0.2.7:5398"),
    ("-f", "hostsfile", "/dev/null"), ("-p", "hostsfile-poll", "37"), ("-r", "rcache", "1234"),
    ("-z", "stubzones", "a.test/192.0.2.9"), ("-s", "search-domains", "a.test"),
    ("-rcache", "rcache", "1234"), ("-listen", "listen", "127.0.0.3:5399"),
    ("-hostsfile-poll", "hostsfile-poll", "37"), ("-upstream-retry", "upstream-retry", "456")])
def test_short_flags_and_single_dash_spellings_work(short, name, value):
    others = [] if name == "nameservers" else ["--nameservers=192.0.2.1"]
    assert value in shown(name, *others, short, value)


@pytest.mark.parametrize("flag", ["-search", "--search", "-a", "--append-search-domains"])
def test_old_spellings_of_enable_search_work(flag):
    basis = ["--nameservers=192.0.2.1"]
    assert shown("enable-search", *basis, flag) == shown("enable-search", *basis, "--enable-search")
    assert shown("enable-search", *basis, flag) != shown("enable-search", *basis)


@pytest.mark.parametrize("flags,env,old,new", [
    (["-a"], {}, "-a", "--enable-search"),
    (["--append-search-domains"], {}, "--append-search-domains", "--enable-search"),
    ([], {"DNSMASQ_APPEND": "true"}, "DNSMASQ_APPEND", "DNSMASQ_ENABLE_SEARCH"),
    ([], {"DNSMASQ_SEARCH": "a.test"}, "DNSMASQ_SEARCH", "DNSMASQ_SEARCH_DOMAINS")])
def test_a_deprecated_spelling_is_warned_of_with_the_one_to_use(tmp_path, flags, env, old, new):
    # The missing file ends it at once, behind the warnings.
    lines = serve(*flags, "--hostsfile", tmp_path / "missing", env=env).stderr.splitlines()
    warnings = [line for line in lines if "is deprecated:" in line]
    assert warnings == [f"dnslet: warning: {old} is deprecated: use {new}"]


def test_the_flag_wins_over_the_variable_and_the_variable_over_the_default():
    basis = ["--nameservers=192.0.2.1"]
    assert "1234" in shown("rcache", *basis, "--rcache=1234", env={"DNSMASQ_RCACHE": "4321"})
    assert "4321" in shown("rcache", *basis, env={"DNSMASQ_RCACHE": "4321"})
    assert "60" in shown("rcache-ttl", *basis)
    assert "4321" in shown("rcache-ttl", *basis, env={"DNSMASQ_RCACHE_TTL": "4321"})


def test_the_flag_wins_over_resolv_conf(tmp_path):
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 192.0.2.44\n")
    read = [f"--resolv-conf={file}"]
    assert "192.0.2.44" in shown("nameservers", *read)
    assert "192.0.2.44" not in shown("nameservers", *read, "--nameservers=192.0.2.55")
    assert "192.0.2.66" in shown("nameservers", *read, env={"DNSMASQ_SERVERS": "192.0.2.66"})


def test_an_empty_variable_counts_as_unset():
    basis = ["--nameservers=192.0.2.1"]
    for name, variable, _, _ in OPTIONS:
        if name != "nameservers":
            assert shown(name, *basis, env={variable: ""}) == shown(name, *basis), variable
    for name, variable in SWITCHES:
        assert shown(name, *basis, env={variable: ""}) == shown(name, *basis), variable


@pytest.mark.parametrize("name,variable", SWITCHES)
def test_switches_take_every_spelling_of_true_and_false(name, variable):
    def lines(words):
        basis = ["--nameservers=192.0.2.1"]
        flags = {shown(name, *basis, f"--{name}={word}") for word in words}
        variables = {shown(name, *basis, env={variable: word}) for word in words}
        assert len(flags) == 1 and len(variables) == 1, (flags, variables)
        return flags.pop()
    true = lines(["true", "1", "t", "yes", "on", "TRUE", "Yes", "oN", "T"])
    false = lines(["false", "0", "f", "no", "off", "FALSE", "No", "OFF", "F"])
    assert true != false
    assert shown(name, "--nameservers=192.0.2.1", f"--{name}") == true


def test_healthcheck_tells_whether_dnslet_answers_over_udp_and_tcp(dnslet, upstream):
    server = upstream(with_address())
    address = f"127.0.0.1:{free_port()}"
    check = ["--healthcheck", f"--listen={address}", f"--nameservers={server.address}",
             "--resolv-conf=/dev/null"]
    assert run(*check, seconds=20).returncode == 1
    running = dnslet(to=[server], listen=address)
    assert run(*check, seconds=20).returncode == 0
    running.stop()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as only_tcp:
        only_tcp.bind(running.address)
        only_tcp.listen()
        assert run(*check, seconds=20).returncode == 1


def test_nothing_on_disk_is_touched_when_an_option_is_bad(tmp_path):
    file = tmp_path / "resolv.conf"
    result = run("--listen=127.0.0.1:0", f"--resolv-conf={file}", "--nameservers=192.0.2.1",
                 "--rcache=bad")
    assert result.returncode == 2
    assert not file.exists()
