#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Prints what static programs are made of, as an SPDX 2.3 document:

    packaging/sbom.py VERSION SOURCES FILE...

SOURCES has a line NAME PATH SHA256 for each tarball (`sources` in the folder of .ci/musl-sysroot).
A FILE whose name has "min" in it has the libraries of dnslet-min alone. SOURCE_DATE_EPOCH is the date."""

import hashlib
import json
import os
import re
import sys
import time
from pathlib import Path

# Of the libraries that end up in a program: their licence, and whether dnslet-min has them too.
LIBRARIES = {
    "llvm": ("Apache-2.0 WITH LLVM-exception", True), "musl": ("MIT", True), "libuv": ("MIT", True),
    "c-ares": ("MIT", True), "openssl": ("Apache-2.0", False), "nghttp2": ("MIT", False),
    "nghttp3": ("MIT", False), "hiredis": ("BSD-3-Clause", False)}
TOOLS = {"catch2"}  # of tests alone


def checksum(digest):
    return [{"algorithm": "SHA256", "checksumValue": digest}]


def package(name, version, licence, **more):
    return {"SPDXID": f"SPDXRef-{name}", "name": name, "versionInfo": version,
            "licenseConcluded": licence, "licenseDeclared": licence, "copyrightText": "NOASSERTION",
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False, **more}


def libraries(path):
    """{name: package}, of the lines of SOURCES"""
    found = {}
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        name, file, digest = line.split()
        if name in TOOLS:
            continue
        version = re.search(r"_([^_]+)\.orig\.", file)[1]
        found[name] = package(name, version, LIBRARIES[name][0], checksums=checksum(digest),
                              packageFileName=file.rsplit("/", 1)[1],
                              sourceInfo=f"the tarball that Debian has as pool/main/{file}")
    assert found.keys() == LIBRARIES.keys(), f"{path} has {sorted(found)}"
    return found


def program(path):
    digests = {name: hashlib.new(name, path.read_bytes()).hexdigest() for name in ("sha1", "sha256")}
    name = re.sub(r"[^A-Za-z0-9.-]", "-", path.name)
    return {"SPDXID": f"SPDXRef-File-{name}", "fileName": f"./{path.name}",
            "fileTypes": ["BINARY"], "licenseConcluded": "MIT", "licenseInfoInFiles": ["NOASSERTION"],
            "copyrightText": "NOASSERTION",
            "checksums": [{"algorithm": name.upper(), "checksumValue": value}
                          for name, value in digests.items()]}


def relation(subject, kind, other):
    return {"spdxElementId": subject, "relationshipType": kind, "relatedSpdxElement": other}


def document(version, sources, files):
    source = package("dnslet", version, "MIT")
    found = libraries(sources)
    programs = [program(Path(file)) for file in files]
    relations = [relation("SPDXRef-DOCUMENT", "DESCRIBES", source["SPDXID"])]
    for entry in programs:
        relations.append(relation(entry["SPDXID"], "GENERATED_FROM", source["SPDXID"]))
        relations += [relation(entry["SPDXID"], "STATIC_LINK", library["SPDXID"])
                      for name, library in found.items()
                      if LIBRARIES[name][1] or "min" not in entry["fileName"]]
    created = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))
    digest = hashlib.sha256("".join(entry["checksums"][1]["checksumValue"]
                                    for entry in programs).encode()).hexdigest()
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
            "name": f"dnslet-{version}",
            "documentNamespace": f"https://spdx.org/spdxdocs/dnslet-{version}-{digest[:32]}",
            "creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", created),
                             "creators": [f"Tool: dnslet-sbom-{version}"]},
            "packages": [source, *found.values()], "files": programs, "relationships": relations}


if __name__ == "__main__":
    print(json.dumps(document(sys.argv[1], sys.argv[2], sys.argv[3:]), indent=1))
