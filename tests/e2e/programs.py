# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Programs in C that tests build for themselves, and dnslet under one of them."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from basics import PATIENCE
from harness import command, environment


def build(directory, source, compiler, *flags):
    program = directory / source.replace(".c", "")
    subprocess.run([compiler, "-O1", "-o", str(program), str(Path(__file__).with_name(source)),
                    *flags], check=True, capture_output=True)
    return program


def c_compiler():
    """None: there is none"""
    return next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)


def run_and_kill(kill_at, file, number, *flags, when="ready:"):
    """Starts dnslet, asks it to end as soon as it says this, and kills it at the system call with
    this number that touches the file. Whether it was killed."""
    words = [kill_at, number, file, *command(), *flags]
    env = environment({"ASAN_OPTIONS": "detect_leaks=0"})  # which can't look at a traced process
    with subprocess.Popen(list(map(str, words)), env=env, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as tracer:
        for line in tracer.stdout:
            if when not in line:
                continue
            children = Path(f"/proc/{tracer.pid}/task/{tracer.pid}/children").read_text().split()
            for child in children:
                os.kill(int(child), signal.SIGTERM)
        _, errors = tracer.communicate(timeout=PATIENCE * 4)
    assert tracer.returncode in (0, 137), errors
    return tracer.returncode == 137
