# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""A real authoritative server: nsd of the distribution with one zone."""

import shutil
import subprocess
from pathlib import Path

import dns.exception
import dns.message
import dns.query

from basics import PATIENCE, end_process, free_port, join_address, wait_until

CONFIG = """server:
  ip-address: 127.0.0.1@{port}
  server-count: 1
  username: ""
  database: ""
  zonesdir: "{directory}"
  zonelistfile: "{directory}/zone.list"
  xfrdfile: "{directory}/xfrd.state"
  xfrdir: "{directory}"
  pidfile: "{directory}/nsd.pid"
  logfile: "{directory}/nsd.log"
  rrl-ratelimit: 0
  round-robin: no
{tls}remote-control:
  control-enable: no
zone:
  name: "{zone}"
  zonefile: "zone"
"""


TLS = """  ip-address: 127.0.0.1@{port}
  tls-port: {port}
  tls-service-key: "{certificate.key}"
  tls-service-pem: "{certificate.chain}"
"""


def nsd_program():
    """nsd lives in /usr/sbin, which an ordinary user's PATH lacks."""
    return shutil.which("nsd") or shutil.which("nsd", path="/usr/sbin:/sbin")


class Nsd:
    """`with Nsd(directory, "e2e.test", zone_text) as server:` answers when the block begins.

    With a `certificate` also over TLS, on `tls_port`."""

    host = "127.0.0.1"

    def __init__(self, directory, zone, text, certificate=None):
        self.directory = Path(directory)
        self.zone = zone
        self.port = free_port()
        self.config = self.directory / "nsd.conf"
        (self.directory / "zone").write_text(text)
        self.tls_port = free_port()
        tls = TLS.format(port=self.tls_port, certificate=certificate) if certificate else ""
        self.config.write_text(CONFIG.format(port=self.port, directory=directory, zone=zone, tls=tls))

    @property
    def address(self):
        return join_address(self.host, self.port)

    def __enter__(self):
        self.process = subprocess.Popen([nsd_program(), "-d", "-c", str(self.config)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        try:
            wait_until(self._answers, f"nsd: {self.directory}/nsd.log", PATIENCE * 2)
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        end_process(self.process)

    def _answers(self):
        assert self.process.poll() is None, (self.directory / "nsd.log").read_text()
        try:
            query = dns.message.make_query(self.zone, "SOA")
            return dns.query.tcp(query, self.host, 0.5, self.port).answer
        except (OSError, dns.exception.DNSException):
            return False
