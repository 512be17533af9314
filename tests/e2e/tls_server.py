# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Certificates of a test's own, and an upstream server that speaks DNS over TLS with them."""

import base64
import hashlib
import os
import re
import socket
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from basics import PATIENCE
from fake_upstream import FakeUpstream
from harness import run

FAKETIME = [path for pattern in ("/usr/lib/faketime/libfaketime.so.1", "/usr/lib/*/faketime/libfaketime.so.1")
            for path in Path("/").glob(pattern[1:])]

VERSION = run("--version").stdout
HAS_TLS = not VERSION.startswith("dnslet-min")
OPENSSL = re.search(r"OpenSSL (\d+)\.(\d+)", VERSION)
HAS_QUIC = OPENSSL is not None and (int(OPENSSL[1]), int(OPENSSL[2])) >= (3, 5)
HAS_HTTP3 = "nghttp3" in VERSION

KEYS = {"rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        "ed25519": ["-algorithm", "ED25519"]}


def openssl(*words, day=0):
    """Runs openssl, on another day than today where that is asked for."""
    env = dict(os.environ)
    if day:
        env.update(LD_PRELOAD=str(FAKETIME[0]), FAKETIME=f"{day:+d}d")
    return subprocess.run(["openssl", *map(str, words)], env=env, capture_output=True, timeout=PATIENCE,
                          check=True).stdout


@dataclass(frozen=True)
class Certificate:
    chain: Path
    key: Path

    @property
    def flags(self):
        """dnslet's, for clients over TLS and HTTPS"""
        return ("--tls-cert", self.chain, "--tls-key", self.key)

    @property
    def pin(self):
        """The SHA-256 of its key, as --tls-pin has it"""
        der = openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")
        return base64.b64encode(hashlib.sha256(der).digest()).decode()


def trusting(certificate, protocols=("dot",), **versions):
    """A client's context that holds the listener's own certificate for the only root"""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificate.chain)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if protocols:
        context.set_alpn_protocols(list(protocols))
    for name, version in versions.items():
        setattr(context, name, version)
    return context


class Authority:
    """Signs certificates; its own is the file `root`."""

    def __init__(self, folder, name="root"):
        self.folder, self.name, self.issued = folder, name, 0
        self.root = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"
        openssl("genpkey", *KEYS["p256"], "-out", self.key)
        openssl("req", "-x509", "-key", self.key, "-subj", f"/CN={name} of a test", "-days", 3650,
                "-out", self.root, day=-1000 if FAKETIME else 0)

    def issue(self, *names, key="p256", day=0, days=90, alone=False, subject="a server"):
        """A certificate for names and addresses; `alone`: signed by itself."""
        self.issued += 1
        stem = self.folder / f"{self.name}-{self.issued}"
        private, request, signed = (stem.with_suffix(end) for end in (".key", ".csr", ".pem"))
        kinds = [("IP:" if name.replace(".", "").isdigit() or ":" in name else "DNS:") + name for name in names]
        openssl("genpkey", *KEYS[key], "-out", private)
        openssl("req", "-new", "-key", private, "-subj", f"/CN={subject}", "-out", request)
        extensions = stem.with_suffix(".ext")
        extensions.write_text(f"subjectAltName={','.join(kinds)}\n" if kinds else "basicConstraints=CA:FALSE\n")
        signer = ["-signkey", private] if alone else ["-CA", self.root, "-CAkey", self.key, "-CAcreateserial"]
        openssl("x509", "-req", "-in", request, *signer, "-days", days, "-extfile", extensions,
                "-out", signed, day=day)
        return Certificate(signed, private)


class TlsUpstream(FakeUpstream):
    """FakeUpstream whose TCP is TLS; `handshakes` has True for each one that was resumed."""

    def __init__(self, handler, certificate, versions=(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3), **how):
        super().__init__(handler, **how)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.chain, certificate.key)
        self.context.minimum_version, self.context.maximum_version = versions
        self.context.set_alpn_protocols(["dot"])
        self.accepted = 0
        self.handshakes = []
        self.failures = []
        self.names = []
        self.context.sni_callback = lambda _, name, __: self.names.append(name)

    def url(self, name=None):
        return f"tls://{self.address}" + (f"#{name}" if name else "")

    def _accept(self):
        try:
            connection, source = self.tcp.accept()
        except OSError:
            return
        self.accepted += 1
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or a reset takes answers along
        secure = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self.connections.add(secure)
        self.loop.add_reader(secure, self._shake_hands, secure, source)

    def _shake_hands(self, connection, source):
        try:
            connection.do_handshake()
        except ssl.SSLWantReadError:
            return
        except OSError as error:
            self.failures.append(str(error))
            self._close(connection)
            return
        self.handshakes.append(connection.session_reused)
        self.loop.remove_reader(connection)
        buffer = bytearray()
        self.loop.add_reader(connection, self._read_tcp, connection, source, buffer)
        self._read_tcp(connection, source, buffer)

    def _pieces(self, connection):
        """What has come, until there is no more for now, or the connection has ended"""
        while connection.fileno() >= 0:
            try:
                piece = connection.recv(65536)
            except ssl.SSLWantReadError:
                return
            except OSError:
                piece = b""
            if not piece:
                self._close(connection)
                return
            yield piece

    def _read_tcp(self, connection, source, buffer):
        for piece in self._pieces(connection):
            buffer += piece
            self._take_frames(connection, source, buffer)
