# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""A shared cache: a real Redis (or Valkey), and one that does what a test says."""

import contextlib
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

from basics import end_process, free_port, wait_until
from fake_upstream import Later

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")


def command(*words):
    """A command, or a list, as bytes"""
    pieces = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(pieces) + b"".join(b"$%d\r\n%s\r\n" % (len(piece), piece)
                                               for piece in pieces)


class Replies:
    """What comes over a connection, piece by piece"""

    def __init__(self, connection):
        self.file = connection.makefile("rb")

    def next(self):
        """The next reply or command; b"" at the end"""
        line = self.file.readline().rstrip()
        if not line:
            return b""
        kind, rest = line[:1], line[1:]
        if kind == b"*":
            return [self.next() for _ in range(int(rest))]
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        return rest


class Redis:
    """`with Redis(folder, "--maxmemory", "2mb") as redis:` listens on `port` and at `socket`."""

    def __init__(self, folder, *words, tls=None, port=None):
        self.port = port or free_port()
        self.socket = folder / "redis.sock"
        self.words = [PROGRAM, "--port", "0" if tls else str(self.port), "--unixsocket",
                      str(self.socket), "--save", "", "--appendonly", "no", "--dir", str(folder),
                      "--bind", "127.0.0.1", *words]
        if tls:
            self.words += ["--tls-port", str(self.port), "--tls-cert-file", str(tls.chain),
                           "--tls-key-file", str(tls.key), "--tls-auth-clients", "no"]
        self.url = f"{'rediss' if tls else 'redis'}://127.0.0.1:{self.port}"

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._answers, "redis-server")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)
        end_process(self.process)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def _answers(self):
        with contextlib.suppress(OSError):
            return self.ask("PING") not in (b"", None)
        return False

    def ask(self, *words, password=None):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.socket))
            if password:
                connection.sendall(command("AUTH", password))
            connection.sendall(command(*words))
            replies = Replies(connection)
            return (password and replies.next(), replies.next())[1]

    def keys(self):
        return sorted(self.ask("KEYS", "*"))


class FakeRedis:
    """`with FakeRedis(handler) as redis:` answers each command with the bytes that
    `handler(words)` returns, or those of a Later; None: not at all. Keeps all `commands`."""

    def __init__(self, handler, host="127.0.0.1", port=0, tls=None, far=0):
        self.handler = handler
        self.far = far  # seconds until a connection is taken
        self.tls = tls and ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if tls:
            self.tls.load_cert_chain(tls.chain, tls.key)
        self.place = (host, port)
        self.commands = []
        self.connections = []

    def __enter__(self):
        self.listener = socket.create_server(self.place)
        self.port = self.listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.close_all()

    def close_all(self):
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        time.sleep(self.far)
        with contextlib.suppress(OSError, ValueError):
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            replies = Replies(connection)
            while words := replies.next():
                self.commands.append(words)
                answer = self.handler(words)
                if isinstance(answer, Later):
                    threading.Timer(answer.seconds, connection.sendall, [answer.reply]).start()
                elif answer is not None:
                    connection.sendall(answer)
        connection.close()

    def asked(self, name):
        return [words for words in self.commands if words[0] == name]


def store(values=None):
    """A handler that is a small Redis"""
    values = {} if values is None else values

    def handler(words):
        if words[0] == b"GETRANGE":
            value = values.get(words[1], b"")[int(words[2]):int(words[3]) + 1]
            return b"$%d\r\n%s\r\n" % (len(value), value)
        if words[0] == b"SET":
            values[words[1]] = words[2]
            return b"+OK\r\n"
        return b"+PONG\r\n"
    return handler
