# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""An upstream server that does what a test tells it, over UDP and TCP on one port.

A handler gets a Question and returns what to send: a message or bytes, None for silence, Later(…)
for an answer after a while, Raw(…) for bytes of a TCP stream, CLOSE or RESET to end a TCP
connection, or a list of these.
"""

import asyncio
import socket
import struct
import threading
from dataclasses import dataclass, field
from time import monotonic

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from basics import PATIENCE, bind_both, free_port, join_address, wait_until

CLOSE = object()
RESET = object()
SOA = "{zone} {ttl} IN SOA ns.test. hostmaster.test. 1 3600 600 86400 {minimum}"


@dataclass(frozen=True)
class Later:
    seconds: float
    reply: object


@dataclass(frozen=True)
class Raw:
    """Sent as it is, without a length in front"""

    stream: bytes


@dataclass
class Question:
    """One question as it arrived"""

    wire: bytes
    transport: str  # "udp" or "tcp"
    source: tuple
    time: float = field(default_factory=monotonic)

    def __post_init__(self):
        self.message = dns.message.from_wire(self.wire)
        self.id = self.message.id
        self.port = self.source[1]
        self.name = str(self.message.question[0].name).lower()
        self.type = dns.rdatatype.to_text(self.message.question[0].rdtype)

    def answer(self, *answer, rcode="NOERROR", authority=(), additional=(), aa=False, ad=False,
               tc=False, ede=None, edns=True):
        """A reply of records written as "name ttl IN type rdata"."""
        reply = dns.message.make_response(self.message, recursion_available=True)
        reply.set_rcode(dns.rcode.from_text(rcode))
        wanted = {dns.flags.AA: aa, dns.flags.AD: ad, dns.flags.TC: tc}
        reply.flags |= sum(flag for flag, on in wanted.items() if on)
        reply.answer = rrsets(answer)
        reply.authority = rrsets(authority)
        reply.additional = rrsets(additional)
        if not edns:
            reply.use_edns(False)
        elif ede is not None:
            reply.use_edns(0, options=[dns.edns.EDEOption(*ede)])
        return reply

    def nxdomain(self, minimum=300, soa_ttl=300):
        return self.answer(rcode="NXDOMAIN", authority=[soa(self.name, soa_ttl, minimum)])

    def nodata(self, minimum=300, soa_ttl=300):
        return self.answer(authority=[soa(self.name, soa_ttl, minimum)])


def soa(name, ttl=300, minimum=300):
    return SOA.format(zone=name.rstrip(".").rpartition(".")[2] + ".", ttl=ttl, minimum=minimum)


def rrsets(lines):
    """One RRset per line, so that the order stays as written"""
    result = []
    for line in lines:
        name, ttl, _, rdtype, rdata = line.split(None, 4)
        result.append(dns.rrset.from_text(name, int(ttl), "IN", rdtype, rdata))
    return result


# Handlers that many tests use.

def with_address(address="192.0.2.1", ttl=300):
    """Every name has this one IPv4 address and nothing else."""
    def handler(question):
        if question.type != "A":
            return question.nodata()
        return question.answer(f"{question.name} {ttl} IN A {address}")
    return handler


def slow_is_late(seconds):
    """Like with_address(), but names with "slow" in them wait for `seconds`."""
    def handler(question):
        found = with_address()(question)
        return Later(seconds, found) if "slow" in str(question.name) else found
    return handler


def only_rcode(rcode):
    return lambda question: question.answer(rcode=rcode)


def silent(_):
    return None


def from_records(*lines):
    """A small zone: records by owner and type, CNAMEs followed; the rest is NODATA, NXDOMAIN."""
    table = {}
    for line in lines:
        name, _, _, rdtype, _ = line.split(None, 4)
        table.setdefault((name.lower(), rdtype), []).append(line)
    names = {name for name, _ in table}

    def handler(question):
        found, name = [], question.name
        while (name, question.type) not in table and (name, "CNAME") in table:
            found += table[name, "CNAME"]
            name = found[-1].split()[-1].lower()
        found += table.get((name, question.type), [])
        if found:
            return question.answer(*found)
        return question.nodata() if name in names else question.nxdomain()
    return handler


def _stream(reply):
    """What goes into a TCP connection"""
    if isinstance(reply, Raw):
        return reply.stream
    wire = reply if isinstance(reply, bytes) else reply.to_wire(max_size=65535)
    return struct.pack("!H", len(wire)) + wire


class FakeUpstream:
    """`with FakeUpstream(handler) as upstream:`. The handler may be replaced at any time. stop()
    makes the port refuse, start() brings it back on the same port."""

    def __init__(self, handler, host="127.0.0.1", port=None):
        self.handler = handler
        self.host = host
        self.port = port or free_port(host)
        self.questions = []
        self.errors = []
        self.running = False

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if kind is None:
            assert not self.errors, self.errors

    @property
    def address(self):
        return join_address(self.host, self.port)

    def start(self):
        self.udp, self.tcp = bind_both(self.host, self.port)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.tcp.listen(512)
        self.connections = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.running = True
        self.thread.start()

    def stop(self):
        if not self.running:
            return
        self.running = False
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE)
        self.udp.close()
        self.tcp.close()

    def asked(self, name=None, rdtype=None):
        """The questions so far, or those for one name (and type)"""
        return [q for q in list(self.questions)
                if (name is None or q.name == name.lower().rstrip(".") + ".")
                and (rdtype is None or q.type == rdtype)]

    def wait_asked(self, count, name=None, seconds=PATIENCE):
        wait_until(lambda: len(self.asked(name)) >= count, f"{count} questions upstream", seconds)
        return self.asked(name)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.udp.setblocking(False)
        self.tcp.setblocking(False)
        self.loop.add_reader(self.udp, self._read_udp)
        self.loop.add_reader(self.tcp, self._accept)
        self.loop.run_forever()
        for connection in self.connections:
            connection.close()
        self.loop.close()

    def _read_udp(self):
        for _ in range(64):
            try:
                wire, source = self.udp.recvfrom(65535)
            except OSError:
                return
            self._receive(wire, "udp", source, lambda reply, to=source: self._send_udp(reply, to))

    def _send_udp(self, reply, source):
        wire = reply if isinstance(reply, bytes) else reply.to_wire(max_size=65535)
        if not isinstance(reply, bytes) and len(wire) > max(512, reply.request_payload):
            cut = dns.message.from_wire(wire)
            cut.answer, cut.authority, cut.additional = [], [], []
            cut.flags |= dns.flags.TC
            wire = cut.to_wire()
        try:
            self.udp.sendto(wire, source)
        except OSError:
            pass  # the one who asked is gone

    def _accept(self):
        try:
            connection, source = self.tcp.accept()
        except OSError:
            return
        connection.setblocking(False)
        self.connections.add(connection)
        self.loop.add_reader(connection, self._read_tcp, connection, source, bytearray())

    def _close(self, connection):
        self.connections.discard(connection)
        if connection.fileno() >= 0:
            self.loop.remove_reader(connection)
        connection.close()

    def _read_tcp(self, connection, source, buffer):
        try:
            piece = connection.recv(65536)
        except OSError:
            piece = b""
        if not piece:
            return self._close(connection)
        buffer += piece
        self._take_frames(connection, source, buffer)

    def _take_frames(self, connection, source, buffer):
        while len(buffer) >= 2 and len(buffer) >= 2 + struct.unpack("!H", buffer[:2])[0]:
            size = 2 + struct.unpack("!H", buffer[:2])[0]
            wire = bytes(buffer[2:size])
            del buffer[:size]
            self._receive(wire, "tcp", source, lambda reply: self._send_tcp(reply, connection))

    def _send_tcp(self, reply, connection):
        if reply is RESET and connection.fileno() >= 0:
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        if reply is CLOSE or reply is RESET:
            return self._close(connection)
        try:
            connection.setblocking(True)
            connection.sendall(_stream(reply))
            connection.setblocking(False)
        except OSError:
            self._close(connection)

    def _receive(self, wire, transport, source, send):
        try:
            question = Question(wire, transport, source[:2])
            self.questions.append(question)
            reply = self.handler(question)
        except Exception as error:  # a test's handler or an unreadable question
            self.errors.append(f"{type(error).__name__}: {error} for {wire.hex()}")
            return
        for item in reply if isinstance(reply, list) else [reply]:
            self._schedule(item, send)

    def _schedule(self, reply, send):
        if isinstance(reply, Later):
            self.loop.call_later(reply.seconds, self._schedule, reply.reply, send)
        elif reply is not None:
            send(reply)
