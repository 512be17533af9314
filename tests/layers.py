"""Proves that includes point down only: base <- dns <- policy, base, dns/wire.h and dns/hash.h <- io <- upstream,
policy and io <- config, all of these <- serve <- report <- app.

Also keeps the libraries in their places: libuv and c-ares in io and upstream, OpenSSL in io/tls and io/quic, nghttp2 in
io/http2, nghttp3 in io/http3, hiredis in io/redis_hiredis, TRE in policy/name_expression.cc, libsystemd in io/sd_bus.h,
netlink in io/netlink, io/sets_netlink and io/interfaces, and what depends on the version of c-ares in one
file. Prints every line that breaks a rule; exit status 1.
"""

import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "src"

# Layer -> what its files may include: a layer, or one header of it.
MAY_INCLUDE = {
    "base": ["base/"],
    "dns": ["base/", "dns/"],
    "policy": ["base/", "dns/", "policy/"],
    "config": ["base/", "dns/", "policy/", "io/", "config/"],
    "io": ["base/", "dns/wire.h", "dns/hash.h", "io/"],
    "upstream": ["base/", "dns/", "io/", "upstream/"],
    "serve": ["base/", "dns/", "policy/", "io/", "config/", "upstream/", "serve/"],
    "report": ["base/", "dns/", "policy/", "io/", "config/", "upstream/", "serve/", "report/"],
    "app": [""],  # everything
}

# Library header -> the only files that may include it.
LIBRARY_PLACES = {
    r"uv\.h|uv/.*": r"(io|upstream)/.*",
    r"ares\.h|ares_.*": r"(io|upstream)/.*",
    r"openssl/.*": r"io/(tls_(openssl|handshakes|server|stream|certificates)|quic_\w+)\.(cc|h)",
    r"nghttp2/.*": r"io/http2_(client\.cc|requests\.cc|session\.h)",
    r"nghttp3/.*": r"io/http3_\w+\.(cc|h)",
    r"hiredis/.*": r"io/redis_hiredis\.cc",
    r"tre/.*|regex\.h": r"policy/name_expression\.cc",
    r"systemd/.*": r"io/sd_bus\.h",
    r"linux/netfilter/.*|linux/(rt)?netlink\.h": r"io/((sets_)?netlink|interfaces)\.cc",
    r"netpacket/.*|linux/filter\.h": r"io/(interfaces|packet_socket)\.cc",
}

INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)[">]')


def include_faults(name, kind, target):
    layer = name.split("/")[0]
    if kind == '"':
        if not (SOURCE / target).is_file():
            yield f"{target} is no header of src: write layer/name.h"
        elif not any(target.startswith(allowed) for allowed in MAY_INCLUDE[layer]):
            yield f"{layer} must not include {target}"
        return
    for library, places in LIBRARY_PLACES.items():
        if re.fullmatch(library, target) and not re.fullmatch(places, name):
            yield f"<{target}> belongs in {places} only"


def faults():
    version_users = set()
    for path in sorted(SOURCE.rglob("*.*")):
        name = path.relative_to(SOURCE).as_posix()
        if name.split("/")[0] not in MAY_INCLUDE or name.count("/") != 1:
            yield f"{name}: not in one of the folders {', '.join(MAY_INCLUDE)}"
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            for fault in include_faults(name, *match.groups()) if match else ():
                yield f"{name}:{number}: {fault}"
            if "ARES_VERSION" in line:
                version_users.add(name)
    if len(version_users) > 1:
        yield f"ARES_VERSION is used in {', '.join(sorted(version_users))}: one file is enough"


def main():
    found = list(faults())
    for fault in found:
        print(f"layers: src/{fault}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
