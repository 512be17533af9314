# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""A message bus of its own, and on it somebody who says what systemd-resolved would say of links
(org.freedesktop.resolve1(5))."""

import shutil
import socket
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from basics import PATIENCE, end_process, wait_until

CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"""
SERVICE = "org.freedesktop.resolve1"
MANAGER = "/org/freedesktop/resolve1"


def why_not():
    """Why there is no such bus here; None if there can be one"""
    if not shutil.which("dbus-daemon"):
        return "dbus-daemon is not installed"
    return None if find_spec("jeepney") else "jeepney is not installed"


class Bus:
    """`with Bus() as bus:` has it run at bus.address."""

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="dnslet-bus-"))  # a socket's path is short
        self.directory.chmod(0o755)
        self.path = self.directory / "bus"
        self.address = f"unix:path={self.path}"
        self.environment = {"DBUS_SYSTEM_BUS_ADDRESS": self.address}
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory)

    def start(self):
        configuration = self.directory / "bus.conf"
        configuration.write_text(CONFIGURATION.format(path=self.path))
        self.path.unlink(missing_ok=True)
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--nopidfile"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self.path.exists, f"dbus-daemon: {self.directory}/log", PATIENCE * 2)

    def stop(self):
        if self.process:
            end_process(self.process)
        self.process = None


@dataclass
class Link:
    """servers: "10.0.0.1:5353#dns.test", in brackets where it is IPv6; a domain with ~ in front is
    for routing only"""

    servers: list = field(default_factory=list)
    domains: list = field(default_factory=list)
    default: bool = False
    tls: str = "no"
    scopes: int = 1

    def parts(self):
        for server in self.servers:
            place, _, name = server.partition("#")
            host, _, port = place.rpartition(":")
            host = host.strip("[]")
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            yield int(family), socket.inet_pton(family, host), int(port), name

    def domain_parts(self):
        return [(domain.lstrip("~"), domain.startswith("~")) for domain in self.domains]


def manager_properties(links):
    """By link, those of index 0 for all of the system"""
    servers = [(index, *part) for index, link in links.items() for part in link.parts()]
    domains = [(index, *part) for index, link in links.items() for part in link.domain_parts()]
    return {"LLMNRHostname": ("s", "here"),
            "DNS": ("a(iiay)", [server[:3] for server in servers]),
            "DNSEx": ("a(iiayqs)", servers),
            "Domains": ("a(isb)", domains),
            "DNSOverTLS": ("s", links[0].tls if 0 in links else "no")}


def link_properties(link):
    return {"ScopesMask": ("t", link.scopes), "DefaultRoute": ("b", link.default),
            "DNSOverTLS": ("s", link.tls)}


class Resolve1:
    """`with Resolve1(bus, {index: Link(…)}) as resolve1:` owns the name; tell({…}) says it anew."""

    def __init__(self, bus, links):
        self.bus = bus
        self.links = links
        self.change = lambda path, properties: properties  # for a test that wants other ones
        self.silent = False
        self.signals = True
        self.calls = 0

    def __enter__(self):
        from jeepney import message_bus  # pylint: disable=import-outside-toplevel
        from jeepney.io.blocking import open_dbus_connection  # pylint: disable=import-outside-toplevel
        self.connection = open_dbus_connection(bus=self.bus.address)
        self.connection.send_and_get_reply(message_bus.RequestName(SERVICE), timeout=PATIENCE)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join(PATIENCE)
        self.connection.close()

    def tell(self, links):
        from jeepney import DBusAddress, new_signal  # pylint: disable=import-outside-toplevel
        self.links = links
        if not self.signals:
            return
        emitter = DBusAddress(MANAGER, interface="org.freedesktop.DBus.Properties")
        self.connection.send(new_signal(emitter, "PropertiesChanged", "sa{sv}as",
                                        (SERVICE + ".Manager", {}, ["DNS", "Domains"])))

    def _serve(self):
        from jeepney import HeaderFields, MessageType  # pylint: disable=import-outside-toplevel
        while not self.ended.is_set():
            try:
                message = self.connection.receive(timeout=0.05)
            except TimeoutError:
                continue
            except (OSError, EOFError):  # the bus is gone
                return
            if message.header.message_type == MessageType.method_call:
                self.calls += 1
                if not self.silent:
                    self._answer(message, message.header.fields[HeaderFields.path])

    def _answer(self, message, path):
        from jeepney import new_error, new_method_return  # pylint: disable=import-outside-toplevel
        if path == MANAGER:
            properties = manager_properties(self.links)
        else:
            number = path.rpartition("/")[2]
            assert number.startswith("_3"), path
            link = self.links.get(int(number[2:]))
            if link is None:
                error = "org.freedesktop.DBus.Error.UnknownObject"
                self.connection.send(new_error(message, error, "s", ("no such link",)))
                return
            properties = link_properties(link)
        properties = self.change(path, properties)
        self.connection.send(new_method_return(message, "a{sv}", (properties,)))
