# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Real servers over TLS and HTTPS in front of a real authoritative one: dnsdist and unbound of the
distribution."""

import shutil
import socket
import ssl
import subprocess
from pathlib import Path

from basics import PATIENCE, end_process, free_port, wait_until

DNSDIST = """setSecurityPollSuffix("")
setLocal("127.0.0.1:{plain}")
addTLSLocal("127.0.0.1:{tls}", "{certificate.chain}", "{certificate.key}")
addDOHLocal("127.0.0.1:{https}", "{certificate.chain}", "{certificate.key}", {{"/dns-query"}})
newServer{{address="{behind}", tcpOnly=true, healthCheckMode="up"}}
"""

UNBOUND = """server:
  directory: "{directory}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: "{directory}/unbound.log"
  do-daemonize: no
  num-threads: 1
  module-config: "iterator"
  do-not-query-localhost: no
  rrset-roundrobin: no
  minimal-responses: no
  local-zone: "test." transparent
  interface: 127.0.0.1@{plain}
  interface: 127.0.0.1@{tls}
  interface: 127.0.0.1@{https}
  tls-port: {tls}
  https-port: {https}
  tls-service-key: "{certificate.key}"
  tls-service-pem: "{certificate.chain}"
remote-control:
  control-enable: no
stub-zone:
  name: "{zone}"
  stub-addr: {stub}
"""


def found(program):
    """They live in /usr/sbin, which an ordinary user's PATH lacks."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")


class EncryptedServer:
    """`with Dnsdist(directory, nsd, certificate) as server:` answers when the block begins; its
    `urls` are "tls" and "https"; `plain` is its port without them."""

    program = None

    def __init__(self, directory, nsd, certificate):
        self.directory = Path(directory)
        self.tls, self.https, self.plain = free_port(), free_port(), free_port()
        self.config = self.directory / f"{self.program}.conf"
        self.config.write_text(self.configuration(nsd, certificate))
        self.urls = {"tls": f"tls://127.0.0.1:{self.tls}#ns.test",
                     "https": f"https://127.0.0.1:{self.https}/dns-query#ns.test"}

    def __enter__(self):
        with open(self.directory / "output", "wb") as output:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            for port in (self.tls, self.https):
                wait_until(lambda port=port: self._shakes_hands(port), f"{self.program}: {self.directory}/output",
                           PATIENCE * 2)
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        end_process(self.process)

    def _shakes_hands(self, port):
        assert self.process.poll() is None, (self.directory / "output").read_text()
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with socket.create_connection(("127.0.0.1", port), 0.5) as plain, context.wrap_socket(plain):
                return True
        except OSError:
            return False


class Dnsdist(EncryptedServer):
    program = "dnsdist"

    def configuration(self, nsd, certificate):
        return DNSDIST.format(plain=self.plain, tls=self.tls, https=self.https, certificate=certificate,
                              behind=nsd.address)

    def command(self):
        return [found("dnsdist"), "--supervised", "--disable-syslog", "-C", self.config]


class Unbound(EncryptedServer):
    program = "unbound"

    def configuration(self, nsd, certificate):
        return UNBOUND.format(directory=self.directory, plain=self.plain, tls=self.tls, https=self.https, certificate=certificate,
                              zone=nsd.zone, stub=nsd.address.replace(":", "@"))

    def command(self):
        return [found("unbound"), "-d", "-p", "-c", self.config]
