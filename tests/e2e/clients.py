# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Questions, and the clients that ask them over UDP and TCP."""

import select
import socket
import struct
import time

import dns.flags
import dns.message
import dns.rdatatype

from basics import PATIENCE, family_of


def question(name, rdtype="A", rdclass="IN", *, rd=True, ad=False, cd=False, edns=False, do=False,
             payload=1232, options=()):
    """A query message. EDNS goes along if asked for, or if `do` or `options` need it."""
    flags = (dns.flags.RD if rd else 0) | (dns.flags.AD if ad else 0) | (dns.flags.CD if cd else 0)
    message = dns.message.make_query(name, rdtype, rdclass, flags=flags)
    if edns or do or options:
        message.use_edns(0, dns.flags.DO if do else 0, payload, options=list(options))
    return message


def parse(wire):
    """A message with one record per RRset: order, duplicates and each TTL stay visible."""
    return dns.message.from_wire(wire, one_rr_per_rrset=True)


def records(section):
    """[(owner, ttl, type, rdata)] in the order of the packet, names in lower case"""
    return [(str(rrset.name).lower(), rrset.ttl, dns.rdatatype.to_text(rrset.rdtype), rd.to_text())
            for rrset in section for rd in rrset]


def data(message):
    """The rdata texts of the answer section, in order"""
    return [record[3] for record in records(message.answer)]


def ttls(message):
    return [record[1] for record in records(message.answer)]


def _wire(message):
    return message if isinstance(message, (bytes, bytearray)) else message.to_wire()


class UdpClient:
    """An unconnected socket: `source` tells where the last answer came from."""

    def __init__(self, address, bind=None):
        self.address = address
        self.socket = socket.socket(family_of(address[0]), socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        if bind:
            self.socket.bind((bind, 0))
        self.source = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, message):
        self.socket.sendto(_wire(message), self.address)

    def receive_wire(self, seconds=PATIENCE):
        assert select.select([self.socket], [], [], seconds)[0], f"no answer within {seconds} s"
        wire, source = self.socket.recvfrom(65535)
        self.source = source[:2]
        return wire

    def receive(self, seconds=PATIENCE):
        return parse(self.receive_wire(seconds))


class TcpClient:
    def __init__(self, address, bind=None, receive_buffer=None):
        self.socket = socket.socket(family_of(address[0]), socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if bind:
            self.socket.bind((bind, 0))
        self.socket.settimeout(PATIENCE)
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @staticmethod
    def frame(message):
        wire = _wire(message)
        return struct.pack("!H", len(wire)) + wire

    def send(self, *messages):
        """All of them in one segment"""
        self.socket.sendall(b"".join(map(self.frame, messages)))

    def _fill(self, size):
        while len(self.buffer) < size:
            piece = self.socket.recv(65536)
            if not piece:
                return False
            self.buffer += piece
        return True

    def receive_wire(self, seconds=PATIENCE):
        """One message; None at the end of the stream."""
        self.socket.settimeout(seconds)
        if not self._fill(2):
            return None
        size = 2 + struct.unpack("!H", self.buffer[:2])[0]
        assert self._fill(size), "the stream ended inside a message"
        wire, self.buffer = self.buffer[2:size], self.buffer[size:]
        return wire

    def receive(self, seconds=PATIENCE):
        wire = self.receive_wire(seconds)
        assert wire is not None, "closed instead of answered"
        return parse(wire)

    def is_closed(self, seconds=0.0):
        """True if the server ends the connection within `seconds`."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1, socket.MSG_PEEK) == b""
        except (BlockingIOError, socket.timeout):
            return False
        except ConnectionError:
            return True


def ask_at_once(address, count):
    """The answers for n0.test, n1.test, …, asked over one UDP socket without waiting, as they come"""
    with UdpClient(address) as client:
        for i in range(count):
            client.send(question(f"n{i}.test"))
        return [client.receive(PATIENCE) for _ in range(count)]


def udp_burst(address, messages, window=50, seconds=PATIENCE * 4):
    """Asks all over one UDP socket, `window` at a time; {id: answer}."""
    waiting, answers = {}, {}
    queue = list(messages)
    with UdpClient(address) as client:
        end = time.monotonic() + seconds
        while queue or waiting:
            while queue and len(waiting) < window:
                message = queue.pop(0)
                waiting[message.id] = message
                client.send(message)
            answer = client.receive(max(0.0, end - time.monotonic()))
            assert waiting.pop(answer.id, None) is not None, "an answer to nothing that was asked"
            answers[answer.id] = answer
    return answers
