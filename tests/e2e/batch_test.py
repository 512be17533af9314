# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Answers to questions that came together leave together, in one system call."""

import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from harness import SLOW, UdpClient, data, question

BURST = 32


@pytest.mark.skipif(SLOW or os.geteuid() != 0 or not shutil.which("strace"),
                    reason="needs root and strace, and no sanitizers")
@pytest.mark.parametrize("listen", ["127.0.0.1:0", "0.0.0.0:0"])
def test_a_burst_costs_one_system_call(dnslet, tmp_path, listen):
    """On the wildcard the kernel is told the source address of each answer, too."""
    trace = tmp_path / "trace"
    server = dnslet("--no-rec", hosts="192.0.2.10 nas.test\n", listen=listen,
                    wrapper=["strace", "-f", "-qq", "-e", "trace=sendto,sendmsg,sendmmsg", "-o",
                             str(trace)])
    pid = int(Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()[0])
    with UdpClient(("127.0.0.1", server.port)) as client:
        os.kill(pid, signal.SIGSTOP)
        for _ in range(BURST):
            client.send(question("nas.test"))
        os.kill(pid, signal.SIGCONT)
        for _ in range(BURST):
            assert data(client.receive()) == ["192.0.2.10"]
    os.kill(pid, signal.SIGTERM)
    server.process.wait(10)
    server.kill()
    # Those to the kernel itself ask for the addresses of this host.
    calls = re.findall(r"^\d+ +(\w+)\((?!.*(?:AF_NETLINK|nlmsg_)).*= (\d+)", trace.read_text(), re.M)
    assert calls == [("sendmmsg", str(BURST))]
