# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""What the static program promises (make static): its size, its memory, how soon it answers."""

import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from elf import is_static
from harness import SCALE, SLOW, command, environment, free_port, question, udp_burst, with_address
from tls_server import HAS_QUIC, HAS_TLS

KIB, MIB = 1024, 1024 * 1024
ANSWERS = 10_000

pytestmark = pytest.mark.skipif(SLOW or not is_static(command()[-1]),
                                reason="these are promises of the static program")


def test_it_is_small_and_needs_no_library():
    size = Path(command()[-1]).stat().st_size
    print(f"\n{size} bytes")
    assert size <= (5_500_000 if HAS_QUIC else 4_500_000 if HAS_TLS else 1_100_000)
    said = subprocess.run(["file", "-b", command()[-1]], capture_output=True, text=True,
                          check=True).stdout
    assert "statically linked" in said and ", stripped" in said


def test_it_takes_little_memory_idle_and_with_10000_answers(dnslet, upstream):
    server = dnslet("--rcache", ANSWERS, to=[upstream(with_address())])
    idle = server.resident()
    server.query("first.test")
    messages = []
    for i in range(ANSWERS):
        messages.append(question(f"host{i}.example.test"))
        messages[-1].id = i
    udp_burst(server.address, messages)
    server.send_signal(signal.SIGUSR1)
    server.wait_log(f"metric=dnslet_cache_entries .*value={ANSWERS}$")
    full = server.resident()
    print(f"\nidle {idle // KIB} KiB, with {ANSWERS} answers {full // KIB} KiB")
    library = 1.5 * MIB if HAS_TLS else 0
    assert idle <= 1.5 * MIB + library
    assert full <= 4 * MIB + library


def milliseconds_to_the_first_answer(directory):
    """From before the process exists, asked every 0.2 ms"""
    port = free_port()
    wire = question("nas.test").to_wire()
    words = [*command(), "--no-rec", "--address", "nas.test=192.0.2.10", "--listen",
             f"127.0.0.1:{port}", "--resolv-conf", directory / "resolv.conf"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", port))
        client.settimeout(0.0002)
        begin = time.monotonic()
        with subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL) as process:
            while True:  # ends with the process, if it does not answer
                assert process.poll() is None
                try:
                    client.send(wire)
                    if client.recv(512):
                        break
                except (TimeoutError, ConnectionRefusedError):
                    pass
            took = time.monotonic() - begin
            process.terminate()
    return took * 1000


def test_it_answers_within_5_ms_of_its_start(tmp_path):
    (tmp_path / "resolv.conf").write_text("")
    times = sorted(milliseconds_to_the_first_answer(tmp_path) for _ in range(20))
    print(f"\nfirst answer after {times[0]:.2f} ms, {times[10]:.2f} ms in the middle")
    assert times[0] < 5 * SCALE
