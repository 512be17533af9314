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
