# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""getaddrinfo.c, built for each C library that is here."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("getaddrinfo.c")


def build_client(directory, name, compiler, *flags):
    program = directory / name
    subprocess.run([compiler, "-O1", "-o", str(program), str(SOURCE), *flags], check=True,
                   capture_output=True)
    return program


def glibc_compiler():
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if not compiler:
        return None
    macros = subprocess.run([compiler, "-dM", "-E", "-include", "features.h", "-x", "c",
                             "/dev/null"], capture_output=True, text=True, check=False).stdout
    return compiler if "__GLIBC__" in macros else None


def musl_compilers():
    """{version of musl: compiler}: Debian's package and the toolchain of static programs (MUSL)"""
    places = [shutil.which("musl-gcc"), os.environ.get("MUSL", "") + "/bin/musl-clang"]
    found = {}
    for compiler in filter(None, places):
        if os.path.exists(compiler):
            found.setdefault(musl_version(compiler), compiler)
    return found


def musl_version(compiler):
    """As the C library itself says: no header tells"""
    source = "int puts(const char*); extern const char __libc_version[];" \
             "int main(void) { return puts(__libc_version) < 0; }"
    with tempfile.TemporaryDirectory(prefix="dnslet-") as folder:
        program = f"{folder}/version"
        subprocess.run([compiler, "-static", "-x", "c", "-", "-o", program], input=source, text=True,
                       capture_output=True, check=True)
        return subprocess.run([program], capture_output=True, text=True, check=True).stdout.strip()


def addresses(text):
    """{(name, family): addresses} of what the client printed; none where it printed an error"""
    result = {}
    for line in text.splitlines():
        name, family, rest = (line + " ").split(" ", 2)
        result[name, family] = [] if "!" in rest else sorted(rest.split())
    return result
