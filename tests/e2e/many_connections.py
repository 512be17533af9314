# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""many_connections.py PORT COUNT: opens that many TCP connections to 127.0.0.1 and says nothing on
them, while it asks on another one now and then. Prints JSON: how many were opened, how often the
busy one was answered, and for the others, in the order of opening, which are still open.

A process of its own, so that it does not take turns with whoever measures."""

import json
import resource
import socket
import sys

from clients import TcpClient, question

NEEDED = 200  # descriptors besides the connections


def raise_limit(count):
    """How many connections may be open at once"""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + NEEDED
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft - NEEDED


def is_open(connection):
    """Whether the server has not closed its side"""
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def main():
    address, count = ("127.0.0.1", int(sys.argv[1])), int(sys.argv[2])
    most = raise_limit(count)
    connections, forgotten, answered = [], 0, 0
    with TcpClient(address) as busy:
        for i in range(count):
            connections.append(socket.create_connection(address))
            if len(connections) - forgotten > most:
                connections[forgotten].close()
                forgotten += 1
            if i % 50 == 0:
                busy.send(question("busy.bench.test"))
                answered += len(busy.receive().answer)
        print(json.dumps({"opened": count, "busy_answers": answered, "forgotten": forgotten,
                          "open": [is_open(each) for each in connections[forgotten:]]}), flush=True)
        sys.stdin.read()  # whoever started this looks at dnslet meanwhile


if __name__ == "__main__":
    main()
