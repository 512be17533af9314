# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""stalled_handshakes.py PORT COUNT: opens that many TCP connections to 127.0.0.1, one after the
other, which begin a handshake of TLS and do not go on: a third of them with nothing, a third with
half a ClientHello, a third with a whole one, whose answer nobody reads. At most 512 of them are
open at once. Prints JSON: how many were opened.

A process of its own, so that it does not take turns with whoever measures."""

import collections
import json
import socket
import ssl
import sys

AT_ONCE = 512


def client_hello(name="dns.test", protocols=("dot", "h2")):
    """The bytes with which a client begins"""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(list(protocols))
    outgoing = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake with nobody")


def main():
    address, count = ("127.0.0.1", int(sys.argv[1])), int(sys.argv[2])
    hello = client_hello()
    beginnings = (b"", hello[:len(hello) // 2], hello)
    connections = collections.deque()
    for number in range(count):
        connections.append(socket.create_connection(address))
        connections[-1].sendall(beginnings[number % len(beginnings)])
        if len(connections) > AT_ONCE:
            connections.popleft().close()
    print(json.dumps({"opened": count}), flush=True)
    sys.stdin.read()  # whoever started this looks at dnslet meanwhile


if __name__ == "__main__":
    main()
