# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""What an executable says of itself."""

import subprocess


def is_static(program):
    """An executable that names no loader"""
    try:
        said = subprocess.run(["readelf", "-lW", program], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return said.returncode == 0 and "INTERP" not in said.stdout


def has_symbols(program):
    """Whether it can be debugged: it has not been stripped"""
    said = subprocess.run(["readelf", "-SW", program], capture_output=True, text=True, check=True)
    return ".symtab" in said.stdout
