# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""sandbox.py CALL ERRNO [FIRST] PROGRAM…: runs a program that a system call is refused to, where FIRST
is a number only with that first argument (seccomp)."""

import ctypes
import os
import platform
import struct
import sys

CALLS = {  # of the architectures that are built for tests
    "x86_64": {"getrandom": 318, "epoll_create1": 291, "eventfd2": 290, "pipe2": 293, "socket": 41},
    "aarch64": {"getrandom": 278, "epoll_create1": 20, "eventfd2": 19, "pipe2": 59, "socket": 198},
}.get(platform.machine())
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7fff0000, 0x00050000
NUMBER, FIRST_ARGUMENT = 0, 16  # offsets in seccomp_data


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def refuse(call, code, first=None):
    steps = [(LOAD, 0, 0, NUMBER), (JUMP_EQUAL, 0, 1 if first is None else 3, CALLS[call])]
    if first is not None:
        steps += [(LOAD, 0, 0, FIRST_ARGUMENT), (JUMP_EQUAL, 0, 1, first)]
    steps += [(RETURN, 0, 0, REFUSE | code), (RETURN, 0, 0, ALLOW)]
    code_bytes = b"".join(struct.pack("HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(code_bytes, len(code_bytes))
    program = Program(len(steps), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0


def refusing(call, code, first=None):
    """A wrapper for harness.run() and Dnslet"""
    return [sys.executable, __file__, call, str(code), *([str(first)] if first is not None else [])]


if __name__ == "__main__":
    name, number, *rest = sys.argv[1:]
    argument = int(rest.pop(0)) if rest[0].isdigit() else None
    refuse(name, int(number), argument)
    os.execvp(rest[0], rest)
