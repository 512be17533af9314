# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""--control: what an operator asks a running dnslet, by --dump-cache, --flush and --lists or by hand."""

import os
import re
import shutil
import signal
import socket
import stat
import threading
import time

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.zone
import pytest
from harness import SLOW, Dnslet, Later, TcpClient, command, data, question, run, timed, wait_until, with_address
from user_test import AS_ORDINARY, ORDINARY, needs_root, needs_setpriv

KEPT = ["--rcache", 1000, "--rcache-ttl", 3600, "--rcache-neg-ttl", 3600]
LEFT = re.compile(r"left=(-?\d+)")


@pytest.fixture
def path(open_folder):
    return open_folder / "control"


def everything(asked):
    if asked.name.startswith("no."):
        return asked.nxdomain()
    if asked.name.startswith("alias."):
        return asked.answer(f"{asked.name} 300 IN CNAME www.test.", "www.test. 200 IN A 192.0.2.1")
    if asked.name.startswith("text."):
        return asked.answer(rf'{asked.name} 300 IN TXT "a;b" "c\"d\200"', f"{asked.name} 9 IN MX 5 a\\;b.test.")
    return with_address("192.0.2.1", ttl=300)(asked)


@pytest.fixture
def source(upstream):
    return upstream(everything)


@pytest.fixture
def server(dnslet, source, path):
    return dnslet(*KEPT, "--control", path, to=[source])


def ask(path, *flags, wrapper=(), seconds=10):
    """--dump-cache and so on → (status, lines of standard output, standard error)"""
    result = run(*flags, env={"DNSMASQ_CONTROL": str(path)}, wrapper=wrapper, seconds=seconds)
    return result.returncode, result.stdout.splitlines(), result.stderr


def told(path, *flags, **how):
    status, lines, errors = ask(path, *flags, **how)
    assert (status, errors) == (0, "")
    return lines


def connect(path):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(str(path))  # waits while many do
    client.settimeout(10)
    return client


def exchange(path, line):
    """What comes back for these bytes, by hand"""
    with connect(path) as client:
        client.sendall(line)
        return read_all(client)


def read_all(client):
    answer = b""
    while piece := client.recv(65536):
        answer += piece
    return answer.decode()


def comments(lines):
    return [line for line in lines if line.startswith("; name=")]


def names(lines):
    return sorted(re.search(r"name=(\S+)", line).group(1) for line in comments(lines))


def test_a_dump_is_a_master_file_with_what_is_left_of_times(server, path):
    for name, rdtype in (("www.test", "A"), ("alias.test", "A"), ("no.test", "A"), ("text.test", "TXT"),
                         ("text.test", "MX")):
        server.query(name, rdtype)
    server.query("www.test", do=True)
    time.sleep(1.1)
    lines = told(path, "--dump-cache")
    assert lines[0] == "$ORIGIN ."
    [www] = [line for line in comments(lines) if "name=www.test" in line and " do" not in line]
    assert re.fullmatch(r"; name=www.test type=A rcode=NOERROR left=29[89]", www)
    [signed] = [line for line in comments(lines) if line.endswith(" do")]
    assert "name=www.test type=A" in signed
    [missing] = [line for line in comments(lines) if "rcode=NXDOMAIN" in line]
    assert "name=no.test type=A" in missing
    assert re.fullmatch(r"; \S+ \d+ IN SOA .*", lines[lines.index(missing) + 1])
    zone = dns.zone.from_text("\n".join(lines), origin=".", relativize=False, check_origin=False)
    assert str(zone.find_rdataset("alias.test.", "CNAME")[0]) == "www.test."
    assert str(zone.find_rdataset("text.test.", "MX")[0].exchange) == r"a\;b.test."
    assert zone.find_rdataset("text.test.", "TXT")[0].strings == (b"a;b", b'c"d\xc8')
    assert 297 <= zone.find_rdataset("alias.test.", "CNAME").ttl <= 299


def test_a_dump_of_a_name_and_of_a_zone(server, path):
    for name in ("a.test", "b.a.test", "c.b.a.test", "xa.test"):
        server.query(name)
    server.query("a.test", "AAAA")
    assert names(told(path, "--dump-cache", "A.test")) == ["a.test", "a.test"]
    assert names(told(path, "--dump-cache", "*.a.test")) == ["a.test", "a.test", "b.a.test", "c.b.a.test"]
    assert names(told(path, "--dump-cache=*.b.a.test")) == ["b.a.test", "c.b.a.test"]
    assert told(path, "--dump-cache", "nobody.test") == ["$ORIGIN ."]


def test_a_dump_tells_for_whom_an_answer_is(dnslet, source, path):
    server = dnslet(*KEPT, "--control", path, "--client-subnet", "client/24/56", "--rule",
                    "zone:ruled.test -> pass ttl:60-90", "--rule", f"zone:other.test -> ask {source.address}",
                    to=[source])
    for name in ("a.ruled.test", "a.other.test"):
        server.query(name)
    lines = comments(told(path, "--dump-cache"))
    assert any("name=a.ruled.test" in line and "ttl=60-90" in line and "left=90" in line for line in lines)
    assert any("name=a.other.test" in line and " servers=" in line for line in lines)


def test_a_dump_tells_what_a_search_has_found(dnslet, source, path):
    server = dnslet(*KEPT, "--control", path, "--enable-search", "--search-domains", "found.test", to=[source])
    server.query("short")
    lines = told(path, "--dump-cache", "short")
    assert comments(lines) == ["; name=short type=A rcode=NOERROR left=300 searched"]
    assert lines[2:] == ["short 300 IN CNAME short.found.test", "short.found.test 300 IN A 192.0.2.1"]


def test_what_has_ended_is_told_where_it_may_still_be_used(dnslet, upstream, path):
    source = upstream(with_address(ttl=1))
    server = dnslet(*KEPT, "--rcache-stale", 3600, "--control", path, to=[source])
    server.query("a.test")
    time.sleep(2.1)
    [line] = comments(lines := told(path, "--dump-cache"))
    assert int(LEFT.search(line).group(1)) < 0
    assert "a.test 0 IN A 192.0.2.1" in lines
    assert told(path, "--flush", "a.test") == ["answers flushed: 1"]
    source.stop()
    assert data(server.query("a.test")) == []


def test_a_flush_empties_the_cache(server, source, path):
    for i in range(50):
        server.query(f"n{i}.test")
    assert told(path, "--flush") == ["answers flushed: 50"]
    assert told(path, "--dump-cache") == ["$ORIGIN ."]
    server.query("n1.test")
    assert len(source.questions) == 51
    assert server.wait_log("info as --control was asked: flush answers=50")


def test_a_flush_of_a_name_takes_all_its_types_and_nothing_else(server, source, path):
    for name in ("a.test", "b.a.test", "xa.test"):
        for rdtype in ("A", "AAAA", "TXT"):
            server.query(name, rdtype)
    server.query("a.test", cd=True)
    assert told(path, "--flush", "a.test") == ["answers flushed: 4"]
    assert set(names(told(path, "--dump-cache"))) == {"b.a.test", "xa.test"}
    assert told(path, "--flush", "*.a.test") == ["answers flushed: 3"]
    assert set(names(told(path, "--dump-cache"))) == {"xa.test"}
    assert server.wait_log(r"info as --control was asked: flush \*\.a\.test answers=3")
    before = len(source.questions)
    server.query("a.test"), server.query("xa.test")
    assert len(source.questions) == before + 1


def test_a_failure_is_forgotten_too(dnslet, upstream, path):
    source = upstream(lambda q: q.answer(rcode="SERVFAIL"))
    server = dnslet(*KEPT, "--control", path, to=[source])
    server.query("a.test")
    before = len(source.questions)
    told(path, "--flush", "a.test")
    server.query("a.test")
    assert len(source.questions) > before


def test_what_is_under_way_at_a_flush_is_kept_fresh(dnslet, upstream, path):
    source = upstream(lambda q: Later(0.5, with_address("192.0.2.2", ttl=300)(q)))
    server = dnslet(*KEPT, "--control", path, to=[source])
    with TcpClient(server.address) as client:
        client.send(question("a.test"))
        wait_until(lambda: source.questions, "the question upstream")
        told(path, "--flush")
        assert data(client.receive()) == ["192.0.2.2"]
    assert names(told(path, "--dump-cache")) == ["a.test"]


def test_several_workers_share_what_is_told_and_flushed(dnslet, source, path):
    server = dnslet("--rcache", 20000, "--rcache-ttl", 3600, "--threads", 4, "--control", path, to=[source])
    wanted = sorted(f"n{i}.test" for i in range(400))
    for name in wanted:
        server.query(name)
    assert names(told(path, "--dump-cache")) == wanted
    assert told(path, "--flush", "*.test") == ["answers flushed: 400"]


def test_what_was_flushed_does_not_come_back_from_the_file(dnslet, source, path, open_folder):
    file = open_folder / "kept"
    flags = [*KEPT, "--control", path, "--cache-file", file]
    server = dnslet(*flags, to=[source])
    server.query("a.test"), server.query("b.test")
    server.stop(limit=1)
    server = dnslet(*flags, to=[source])
    server.wait_log("cache file read")
    before = file.stat().st_ino
    assert told(path, "--flush", "a.test") == ["answers flushed: 1"]
    wait_until(lambda: file.stat().st_ino != before, "another file")
    server.kill()
    dnslet(*flags, to=[source]).wait_log("cache file read.*answers=1")
    assert names(told(path, "--dump-cache")) == ["b.test"]


def test_lists_and_rules_are_listed_with_their_files(dnslet, source, path, tmp_path):
    files = {"ads": "ads.test\n# nothing\n||more.test^\n", "ok": "ok.test\n", "nets": "10.0.0.0/8\na.test\n",
             "rules": "# none\nzone:x.test -> block\nzone:y.test -> block\n",
             "records": "nas.test 60 TXT x\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    server = dnslet("--control", path, "--blocklist", tmp_path / "ads", "--allowlist", tmp_path / "ok",
                    "--list", f"inner={tmp_path / 'nets'}", "--rule", "list:inner -> block",
                    "--rule", f"@{tmp_path / 'rules'}", "--record", f"@{tmp_path / 'records'}",
                    "--record", "b.test TXT y", to=[source], hosts="192.0.2.7 nas.test other.test\n")
    lines = told(path, "--lists")
    times = {re.search(r" loaded=(\S+)$", line).group(1) for line in lines}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text) for text in times)
    assert [line.rpartition(" loaded=")[0] for line in lines] == [
        f"hostsfile file={tmp_path / 'hosts'} entries=2",
        f"blocklist file={tmp_path / 'ads'} entries=2", f"allowlist file={tmp_path / 'ok'} entries=1",
        f"list inner file={tmp_path / 'nets'} entries=2",
        "record entries=1", f"record file={tmp_path / 'records'} entries=1",
        "rule entries=1", f"rule file={tmp_path / 'rules'} entries=2"]
    (tmp_path / "ads").write_text("one.test\ntwo.test\nthree.test\nfour.test\n")
    server.send_signal(signal.SIGHUP)
    server.wait_log("reloaded")
    assert any(f"blocklist file={tmp_path / 'ads'} entries=4" in line for line in told(path, "--lists"))


def test_without_any_list_there_is_nothing_to_list(server, path):
    assert told(path, "--lists") == []


# The socket.


def test_the_socket_is_its_owners_alone_and_goes_at_the_end(server, path):
    mode = path.lstat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    server.stop()
    assert not path.exists()


def test_a_socket_of_a_dead_dnslet_is_replaced(dnslet, source, path):
    dnslet("--control", path, to=[source]).kill()
    assert path.exists()
    dnslet("--control", path, to=[source])
    assert told(path, "--lists") == []


def test_a_living_one_keeps_its_socket(server, source, path):
    result = run("--listen", "127.0.0.1:0", "--nameservers", source.address, "--control", path)
    assert result.returncode == 1
    assert "--control (DNSMASQ_CONTROL): cannot listen at" in result.stderr
    assert "another process listens there" in result.stderr
    assert told(path, "--lists") == []


@pytest.mark.parametrize("make", [lambda path: path.write_text("mine"), lambda path: path.mkdir(),
                                  lambda path: path.symlink_to("nowhere"), os.mkfifo])
def test_nothing_else_is_replaced(source, path, make):
    make(path)
    result = run("--listen", "127.0.0.1:0", "--nameservers", source.address, "--control", path)
    assert result.returncode == 1 and "it is no socket" in result.stderr
    assert os.path.lexists(path)
    assert not path.is_file() or path.read_text() == "mine"


def test_a_socket_that_is_not_ours_any_more_stays_at_the_end(server, path):
    path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(path))
        server.stop()
        assert path.exists()


@pytest.mark.parametrize("bad", ["/" + "x" * 107, ""])
def test_a_path_that_does_not_fit(bad):
    result = run("--no-rec", f"--control={bad}")
    assert result.returncode == 2 and "--control: " in result.stderr


def test_a_folder_that_is_not_there(open_folder):
    result = run("--no-rec", "--listen=127.0.0.1:0", "--control", open_folder / "none" / "socket")
    assert result.returncode == 1 and "no such file or directory" in result.stderr


@needs_root
def test_it_is_the_socket_of_the_user_that_dnslet_becomes(dnslet, source, path):
    path.parent.chmod(0o1777)
    server = dnslet("--user", ORDINARY, "--control", path, to=[source])
    assert path.lstat().st_uid == ORDINARY and stat.S_IMODE(path.lstat().st_mode) == 0o600
    assert told(path, "--lists") == []
    server.stop()
    assert not path.exists()


@needs_setpriv
def test_where_it_may_not_be_given_away_it_stays_roots(dnslet, source, path):
    dnslet("--user", ORDINARY, "--control", path, to=[source], wrapper=["setpriv", "--bounding-set=-chown"])
    assert path.lstat().st_uid == 0
    assert told(path, "--lists") == []


@needs_setpriv
def test_root_and_its_own_user_may_ask_and_others_not(dnslet, source, path, open_folder, monkeypatch):
    *words, program = command()
    shutil.copy(program, open_folder / "dnslet")
    monkeypatch.setenv("DNSLET", " ".join([*words, str(open_folder / "dnslet")]))
    dnslet("--user", ORDINARY, "--control", path, to=[source])
    assert told(path, "--lists", wrapper=AS_ORDINARY) == []
    stranger = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
    status, lines, errors = ask(path, "--lists", wrapper=stranger)
    assert (status, lines) == (1, []) and "permission denied" in errors
    path.chmod(0o666)
    status, lines, errors = ask(path, "--flush", wrapper=stranger)
    assert (status, lines) == (1, []) and "may this user ask it?" in errors


# Those who ask.


def test_the_flags_need_to_know_whom_to_ask(path):
    for flag in ("--dump-cache", "--flush", "--lists"):
        result = run(flag)
        assert result.returncode == 2 and "--control (DNSMASQ_CONTROL)" in result.stderr
        status, lines, errors = ask(path, flag)
        assert (status, lines) == (1, []) and "no such file or directory" in errors


@pytest.mark.parametrize("flags", [["--flush", "a..test"], ["--dump-cache", "*."], ["--lists=maybe"],
                                   ["--flush", " "], ["--flush", "\n"], ["--dump-cache", "\t"],
                                   ["--flush", "a.test", "b.test"], ["--lists", "ads"]])
def test_what_nobody_can_ask(path, flags):
    status, lines, errors = ask(path, *flags)
    assert (status, lines) == (2, []) and errors.startswith("dnslet: ")


@pytest.mark.parametrize("flags", [["--flush", "a.test", "--dump-cache", "b.test"], ["--lists", "--flush"],
                                   ["--dump-cache", "--lists"], ["--explain", "a.test", "--flush"],
                                   ["--healthcheck", "--lists"], ["--explain", "a.test", "--healthcheck"]])
def test_one_thing_is_asked_at_a_time(path, flags):
    done = run("--control", path, *flags)
    assert done.returncode == 2 and not done.stdout
    assert "--dump-cache, --flush and --lists are done one at a time; run it once for each" in done.stderr


def test_what_is_asked_again_is_asked_once(path):
    done = run("--control", path, "--flush", "a.test", "--flush", "b.test")
    assert done.returncode == 1 and "can't be asked" in done.stderr
    done = run("--healthcheck", "--healthcheck", "--listen", "127.0.0.1:1")
    assert done.returncode == 1 and done.stdout.startswith("unhealthy")


@pytest.mark.parametrize("flag", ["--dump-cache", "--lists"])
def test_what_can_not_be_written_is_a_failure(dnslet, path, flag):
    server = dnslet("--no-rec", "--control", path, *KEPT, hosts="192.0.2.1 a.test\n")
    assert data(server.query("a.test")) == ["192.0.2.1"]
    done = run("--control", path, flag, wrapper=["sh", "-c", 'exec "$@" >/dev/full', "sh"])
    assert done.returncode == 1 and "its answer can't be written" in done.stderr


def test_an_error_is_one_object_where_the_log_is_json(path):
    status, lines, errors = ask(path, "--flush", "--log-format=json")
    assert (status, lines) == (1, []) and errors.startswith('{"time":"')


def test_somebody_silent_is_given_up(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
        silent.bind(str(path))
        silent.listen()
        (status, lines, errors), took = timed(lambda: ask(path, "--flush"))
        assert (status, lines) == (1, []) and "has said nothing for 2 seconds" in errors
        assert took < 5


@pytest.mark.parametrize("answer,errors", [(b"half\n", "broken off"), (b"", "has said nothing"), (b"ok", "broken off"),
                                           (b"a\nerror: no \x1b[31m\n", "dnslet: no \\x1b[31m")])
def test_an_answer_that_is_not_whole_is_a_failure(path, answer, errors):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(path))
        other.listen()

        def serve():
            client, _ = other.accept()
            with client:
                client.recv(100)
                client.sendall(answer)
        thread = threading.Thread(target=serve)
        thread.start()
        status, _, said = ask(path, "--flush")
        thread.join()
        assert status == 1 and errors in said


# By hand, and hostile.


@pytest.mark.parametrize("line,answer", [
    (b"lists\n", "ok\n"), (b" lists \r\n", "ok\n"), (b"flush a.test\n", "answers flushed: 0\nok\n"),
    (b"\n", "error: '' is not dump-cache [NAME], flush [NAME] or lists\n"),
    (b"quit\n", "error: 'quit' is not dump-cache [NAME], flush [NAME] or lists\n"),
    (b"LISTS\n", "error: 'LISTS' is not dump-cache [NAME], flush [NAME] or lists\n"),
    (b"flush a.test b.test\n", "error: 'flush a.test b.test' is not dump-cache [NAME], flush [NAME] or lists\n"),
    (b"lists x\n", "error: 'lists x' is not dump-cache [NAME], flush [NAME] or lists\n"),
    (b"flush a..test\n", "error: 'a..test' is not a name, or *.NAME for it and all below it\n")])
def test_the_protocol_is_a_line_there_and_a_text_back(server, path, line, answer):
    assert exchange(path, line) == answer


def test_the_end_of_the_writing_side_is_the_end_of_a_line(server, path):
    with connect(path) as client:
        client.sendall(b"lists")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == "ok\n"


@pytest.mark.parametrize("garbage", [b"\0\xff\n", b"\x1b[31m\n", b"flush \0\n", b"flush " + b"a" * 300 + b"\n",
                                     b"flush \xc3\xa4.test\n", b"x" * 1_000_000])
def test_garbage_gets_an_error_in_one_printable_line(server, path, garbage):
    with connect(path) as client:
        try:
            client.sendall(garbage)
        except OSError:
            pass  # it has had enough
        try:
            answer = client.recv(65536).decode("ascii")
        except ConnectionResetError:
            answer = None
    assert answer is None and len(garbage) > 2048 or answer.startswith("error: ")
    assert answer is None or answer.endswith("\n") and answer[:-1].isprintable()
    assert told(path, "--lists") == []


def test_thousands_of_connections_leave_room_for_one_more(server, path):
    before = server.descriptors()
    clients = []
    try:
        for _ in range(1000):
            clients.append(connect(path))
        assert told(path, "--lists") == []
        assert server.descriptors() <= before + 8
        assert data(server.query("a.test")) == ["192.0.2.1"]
    finally:
        for client in clients:
            client.close()
    wait_until(lambda: server.descriptors() <= before + 1, "closed connections")  # a port to upstream


def test_connections_that_end_at_any_point(server, path):
    before = server.descriptors()
    for sent in (b"", b"fl", b"flush\n", b"dump-cache\n"):
        for _ in range(50):
            client = connect(path)
            client.sendall(sent)
            client.close()
    wait_until(lambda: server.descriptors() <= before, "closed connections")
    assert told(path, "--lists") == []


def test_who_does_not_read_costs_nothing_and_nobody_waits(dnslet, source, path):
    server = dnslet("--rcache", 20000, "--rcache-ttl", 3600, "--control", path, to=[source])
    with TcpClient(server.address) as client:
        for start in range(0, 20000, 200):
            for i in range(start, start + 200):
                client.send(question(f"a-name-of-some-length-{i}.test"))
            for _ in range(200):
                client.receive()
    before = server.resident()
    with connect(path) as lazy:
        lazy.sendall(b"dump-cache\n")
        time.sleep(0.3)
        used = server.cpu_seconds()
        lines = told(path, "--dump-cache")
        assert len(comments(lines)) == 20000
        assert data(server.query("a.test")) == ["192.0.2.1"]
        time.sleep(0.5)
        assert server.cpu_seconds() - used < 2
        assert SLOW or server.resident() - before < 4 << 20
        rest = read_all(lazy)
        assert rest.endswith("\nok\n") and rest.count("; name=") >= 20000


def test_it_is_there_by_the_variable_and_off_by_default(dnslet, source, path):
    dnslet(env={"DNSMASQ_CONTROL": str(path)}, to=[source])
    assert told(path, "--lists") == []
    assert "control = -  (default)" in run("--print-config", "--no-rec").stdout
