# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Contract section 2: TCP clients, also slow, rude and many."""

import fcntl
import select
import socket
import struct
import termios
import time

import pytest
from harness import (PATIENCE, SCALE, SLOW, Later, TcpClient, data, question, timed, wait_until,
                     with_address)

HOSTS = "192.0.2.10 nas.test\n192.0.2.11 www.test\n"


def slow(seconds, address="192.0.2.1"):
    """Answers everything after `seconds`."""
    return lambda question: Later(seconds, with_address(address)(question))


def send_in_pieces(client, stream, size):
    """Each piece is a segment of its own: the server has read one before the next is written."""
    for begin in range(0, len(stream), size):
        client.socket.sendall(stream[begin:begin + size])
        wait_until(lambda: unsent(client.socket) == 0, "acknowledged segment")


def unsent(sock):
    """Bytes that the peer has not acknowledged"""
    return struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, b"\0" * 4))[0]


@pytest.mark.parametrize("size", [1, 3, 13])
def test_a_question_split_into_segments_is_answered(dnslet, size):
    server = dnslet("--no-rec", hosts=HOSTS)
    with TcpClient(server.address) as client:
        stream = client.frame(question("nas.test")) + client.frame(question("www.test"))
        send_in_pieces(client, stream, size)
        assert data(client.receive()) == ["192.0.2.10"]
        assert data(client.receive()) == ["192.0.2.11"]


def test_questions_merged_into_one_segment_are_all_answered(dnslet):
    server = dnslet("--no-rec", hosts=HOSTS)
    with TcpClient(server.address) as client:
        asked = [question("nas.test") for _ in range(7)]
        client.send(*asked)
        answers = [client.receive() for _ in asked]
    assert {answer.id for answer in answers} == {message.id for message in asked}


def test_a_segment_may_end_inside_the_length_of_the_next_question(dnslet):
    server = dnslet("--no-rec", hosts=HOSTS)
    with TcpClient(server.address) as client:
        first, second = client.frame(question("nas.test")), client.frame(question("www.test"))
        client.socket.sendall(first + second[:1])
        assert data(client.receive()) == ["192.0.2.10"]
        client.socket.sendall(second[1:])
        assert data(client.receive()) == ["192.0.2.11"]


def test_pipelined_questions_are_answered_as_they_get_ready(dnslet, upstream):
    server = dnslet(to=[upstream(slow(0.4))], hosts=HOSTS)
    with TcpClient(server.address) as client:
        late, early = question("late.example"), question("nas.test")
        client.send(late, early)
        assert [client.receive().id, client.receive().id] == [early.id, late.id]


def test_a_thousand_pipelined_questions_on_one_connection_are_all_answered(dnslet, upstream):
    server = dnslet(to=[upstream(with_address())], hosts=HOSTS)
    with TcpClient(server.address) as client:
        asked = [question(f"n{i}.example" if i % 4 == 0 else "nas.test") for i in range(1000)]
        for i, message in enumerate(asked):
            message.id = i
        client.send(*asked)
        assert {client.receive().id for _ in asked} == set(range(1000))


def test_an_idle_connection_is_closed_after_the_time_out(dnslet):
    server = dnslet("--no-rec", "--tcp-idle-timeout", 300, hosts=HOSTS)
    with TcpClient(server.address) as client:
        begin = time.monotonic()
        client.send(question("nas.test"))
        client.receive()
        assert client.is_closed(PATIENCE)
    assert 0.29 <= time.monotonic() - begin <= 0.3 + 0.5 * SCALE


def test_a_connection_that_never_asks_is_closed_too(dnslet):
    server = dnslet("--no-rec", "--tcp-idle-timeout", 200)
    with TcpClient(server.address) as silent, TcpClient(server.address) as half:
        half.socket.sendall(b"\0")
        assert silent.is_closed(PATIENCE) and half.is_closed(PATIENCE)


def test_questions_keep_a_connection_open(dnslet, upstream):
    server = dnslet("--tcp-idle-timeout", 400, to=[upstream(slow(0.25))])
    with TcpClient(server.address) as client:
        for i in range(4):  # a second in all
            client.send(question(f"n{i}.test"))
            assert data(client.receive()) == ["192.0.2.1"]


def test_a_connection_that_waits_for_its_answer_is_not_idle(dnslet, upstream):
    server = dnslet("--tcp-idle-timeout", 200, to=[upstream(slow(0.7))])
    with TcpClient(server.address) as client:
        client.send(question("www.test"))
        assert data(client.receive()) == ["192.0.2.1"]


def test_at_the_limit_the_longest_idle_connection_makes_room(dnslet, upstream):
    server = dnslet("--max-tcp-clients", 3, to=[upstream(slow(0.03))])
    clients = {}

    def ask(letter, name):
        client = clients.setdefault(letter, None) or TcpClient(server.address)
        clients[letter] = client
        client.send(question(name))
        return data(client.receive()) == ["192.0.2.1"]
    try:
        assert all(ask(letter, f"{letter}1.test") for letter in "abc")
        assert ask("a", "a2.test")  # now b is the longest idle one
        assert ask("d", "d1.test")
        assert clients["b"].is_closed(PATIENCE)
        assert all(ask(letter, f"{letter}3.test") for letter in "acd")
    finally:
        for client in clients.values():
            client.socket.close()


def test_at_the_limit_a_connection_that_waits_for_its_answer_stays(dnslet, upstream):
    source = upstream(slow(0.7))
    server = dnslet("--max-tcp-clients", 2, to=[source])
    with TcpClient(server.address) as waiting, TcpClient(server.address) as idle:
        waiting.send(question("a.test"))
        source.wait_asked(1)
        idle.socket.sendall(b"\0")
        with TcpClient(server.address) as third:
            third.send(question("b.test"))
            assert idle.is_closed(PATIENCE)
            assert data(waiting.receive()) == data(third.receive()) == ["192.0.2.1"]


def test_where_all_wait_the_longest_waiting_one_makes_room(dnslet, upstream):
    source = upstream(slow(0.7))
    server = dnslet("--max-tcp-clients", 2, to=[source])
    clients = []
    try:
        for i in range(3):
            clients.append(TcpClient(server.address))
            clients[-1].send(question(f"n{i}.test"))
            source.wait_asked(i + 1)
        assert clients[0].is_closed(PATIENCE)
        assert all(data(client.receive()) == ["192.0.2.1"] for client in clients[1:])
    finally:
        for client in clients:
            client.socket.close()


def test_a_crowd_of_idle_connections_does_not_keep_new_clients_out(dnslet):
    server = dnslet("--no-rec", "--max-tcp-clients", 10, hosts=HOSTS)
    crowd = [TcpClient(server.address) for _ in range(60)]
    try:
        assert data(server.query("nas.test", tcp=True)) == ["192.0.2.10"]
        wait_until(lambda: sum(client.is_closed() for client in crowd) >= 50, "50 were closed")
    finally:
        for client in crowd:
            client.socket.close()


def test_a_half_closed_client_still_gets_its_answers(dnslet, upstream):
    server = dnslet(to=[upstream(slow(0.3))], hosts=HOSTS)
    with TcpClient(server.address) as client:
        client.send(question("www.example"), question("nas.test"))
        client.socket.shutdown(socket.SHUT_WR)
        assert data(client.receive()) == ["192.0.2.10"]
        assert data(client.receive()) == ["192.0.2.1"]
        assert client.receive_wire() is None


def test_a_client_that_resets_with_questions_open_harms_nobody(dnslet, upstream):
    server = dnslet(to=[upstream(slow(0.3))], hosts=HOSTS)
    for i in range(20):
        client = TcpClient(server.address)
        client.send(question(f"n{i}.example"), question(f"m{i}.example"))
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.close()
    # Asked last, so the answers to the resets have come and gone before this one.
    assert data(server.query("last.example", tcp=True)) == ["192.0.2.1"]
    assert data(server.query("nas.test", tcp=True)) == ["192.0.2.10"]


def flood(client, wire, limit):
    """Sends up to `limit` bytes of questions, until the server takes no more; returns the bytes."""
    stream, sent = wire * (1 + limit // len(wire)), 0
    client.socket.setblocking(False)
    while sent < limit and select.select([], [client.socket], [], 0.5)[1]:
        try:
            sent += client.socket.send(stream[sent:sent + 65536])
        except ConnectionError:
            break
    return sent


def test_a_client_that_never_reads_costs_no_memory_and_blocks_nobody(dnslet):
    """Every answer has 32 kB; all of them in memory would be more than 300 MB."""
    many = "".join(f"10.9.{i // 250}.{i % 250 + 1} many.test\n" for i in range(2000))
    server = dnslet("--no-rec", hosts=HOSTS + many)
    assert len(data(server.query("many.test", tcp=True))) == 2000
    before = server.resident()
    with TcpClient(server.address, receive_buffer=4096) as client:
        wire = client.frame(question("many.test"))
        sent = flood(client, wire, 10000 * len(wire))
        assert sent > 100 * len(wire)
        for _ in range(300):  # so many turns of the server's loop
            answer, seconds = timed(lambda: server.query("nas.test"))
            assert data(answer) == ["192.0.2.10"] and seconds < 0.5 * SCALE
        assert data(server.query("nas.test", tcp=True)) == ["192.0.2.10"]
        assert SLOW or server.resident() - before < 24 << 20


def test_a_client_that_reads_late_gets_every_answer(dnslet):
    """Pressure must slow the client down, not lose its answers."""
    many = "".join(f"10.9.{i // 250}.{i % 250 + 1} many.test\n" for i in range(500))
    server = dnslet("--no-rec", hosts=many)
    with TcpClient(server.address, receive_buffer=65536) as client:
        asked = [question("many.test") for _ in range(1000)]
        for i, message in enumerate(asked):
            message.id = i
        client.send(*asked)
        server.query("many.test")
        wires = [client.receive_wire() for _ in asked]
    assert sorted(int.from_bytes(wire[:2], "big") for wire in wires) == list(range(1000))
    assert {len(wire) for wire in wires} == {8000 + len(asked[0].to_wire())}


def test_an_answer_larger_than_a_datagram_comes_whole(dnslet):
    many = "".join(f"10.9.{i // 250}.{i % 250 + 1} many.test\n" for i in range(3000))
    server = dnslet("--no-rec", hosts=many)
    answer = server.query("many.test", tcp=True)
    assert len(data(answer)) == 3000
    assert data(answer)[:2] == ["10.9.0.1", "10.9.0.2"]
