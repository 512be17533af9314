# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Deadlines, waiting, addresses as text."""

import os
import random
import socket
import subprocess
import time

SLOW = os.environ.get("SLOW", "") not in ("", "0")
SCALE = 5 if SLOW else 1  # multiplies upper limits only, never dnslet's own times
PATIENCE = 5 * SCALE  # seconds to wait for something that must come


def wait_until(condition, what, seconds=PATIENCE):
    """Returns the first true value of `condition()`; fails after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.005)


def end_process(process):
    """Asks it to end, and makes it where it does not."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def timed(action):
    """(result of `action()`, seconds it took)"""
    begin = time.monotonic()
    return action(), time.monotonic() - begin


def split_address(text):
    """(host, port) of 127.0.0.1:53 or [::1]:53"""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def join_address(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def free_port(host="127.0.0.1"):
    """A port free for UDP and TCP, outside the range that the kernel hands out by itself: nobody
    else takes it while a server on it is being restarted."""
    while True:
        port = random.randint(10000, 32000)
        try:
            udp, tcp = bind_both(host, port)
        except OSError:
            continue
        udp.close()
        tcp.close()
        return port


def bind_both(host, port):
    """(UDP socket, TCP socket) on one port"""
    family = family_of(host)
    udp = socket.socket(family, socket.SOCK_DGRAM)
    tcp = socket.socket(family, socket.SOCK_STREAM)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        udp.bind((host, port))
        tcp.bind((host, port))
    except OSError:
        udp.close()
        tcp.close()
        raise
    return udp, tcp


def family_of(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET
