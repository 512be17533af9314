# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Real programs as clients over TLS and HTTPS: kdig, curl, unbound, Chromium."""

import contextlib
import http.server
import json
import shutil
import subprocess
import threading

import pytest
from harness import PATIENCE, UdpClient, data, free_port, question, wait_until, with_address

HOSTS = "192.0.2.10 nas.test\n"


def needs(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    return pytest.mark.skipif(bool(missing), reason=f"no {' and no '.join(missing)} here")


@pytest.fixture
def server(dnslet, certificate):
    found = dnslet(*certificate.flags, "--no-rec", "--verbose",
                   "--address=page.test=127.0.0.1", hosts=HOSTS, listen="tls://127.0.0.1:0,https://127.0.0.1:0")
    found.tls, found.https = found.addresses
    return found


@needs("kdig")
@pytest.mark.parametrize("flags", [["+tls"], ["+https"], ["+https-get"], ["+tls", "+padding", "+keepopen"],
                                   ["+tls", "+tls-sni=dns.test"]])
def test_kdig(server, authority, flags):
    port = (server.tls if "+tls" in flags else server.https)[1]
    done = subprocess.run(["kdig", "@127.0.0.1", "-p", str(port), *flags, f"+tls-ca={authority.root}",
                           "+tls-hostname=dns.test", "nas.test", "nas.test", "AAAA"],
                          capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert "192.0.2.10" in done.stdout
    assert done.stdout.count("status: NOERROR") == 2
    if "+padding" in flags:
        assert "Received 468 B" in done.stdout


@needs("curl")
@pytest.mark.parametrize("version", ["--http2", "--http1.1"])
def test_curl_gets_a_message(server, authority, version):
    port = server.https[1]
    done = subprocess.run(["curl", "-sS", version, "--cacert", authority.root, "--resolve",
                           f"dns.test:{port}:127.0.0.1", "-o", "/dev/null", "-w", "%{http_code} %{size_download} "
                           "%header{cache-control}",
                           f"https://dns.test:{port}/dns-query?dns=AAABAAABAAAAAAAAA25hcwR0ZXN0AAABAAE"],
                          capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stdout == "200 42 max-age=10"


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # pylint: disable=invalid-name
        body = b"<title>found</title><p>the page of the test"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def page():
    """A web server; its port"""
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    yield served.server_address[1]
    served.shutdown()
    thread.join()
    served.server_close()


@needs("curl")
def test_curl_finds_a_page_by_it(server, authority):
    with page() as port:
        done = subprocess.run(["curl", "-sS", "--cacert", authority.root, "--doh-insecure", "--doh-url",
                               f"https://127.0.0.1:{server.https[1]}/dns-query", f"http://page.test:{port}/"],
                              capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert "the page of the test" in done.stdout
    assert server.log("proto=https name=page.test type=A ")


UNBOUND = """
server:
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  interface: 127.0.0.1@{port}
  do-not-query-localhost: no
  module-config: "iterator"
  tls-cert-bundle: "{roots}"
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-tls-upstream: yes
  forward-addr: 127.0.0.1@{upstream}#dns.test
"""


@needs("unbound")
def test_unbound_forwards_to_it_over_tls(dnslet, certificate, authority, upstream, tmp_path):
    far = upstream(with_address("192.0.2.1"))
    behind = dnslet(*certificate.flags, to=[far], listen="tls://127.0.0.1:0")
    port, configuration = free_port(), tmp_path / "unbound.conf"
    configuration.write_text(UNBOUND.format(port=port, roots=authority.root, upstream=behind.port))
    process = subprocess.Popen(["unbound", "-d", "-c", configuration], stderr=subprocess.DEVNULL)
    try:
        with UdpClient(("127.0.0.1", port)) as client:
            def answered():
                client.send(question("first.example"))
                with contextlib.suppress(OSError, AssertionError):
                    return data(client.receive(0.5)) == ["192.0.2.1"]
            wait_until(answered, "unbound answers")
            for number in range(100):
                client.send(question(f"{number}.example"))
            assert {tuple(data(client.receive())) for _ in range(100)} == {("192.0.2.1",)}
    finally:
        process.terminate()
        process.wait(PATIENCE)


# None of its own requests, as far as it lets itself be told.
CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage"]


@needs("chromium", "certutil")
def test_chromium_finds_a_page_by_it(server, authority, tmp_path):
    profile, home = tmp_path / "profile", tmp_path / "home"
    profile.mkdir()
    (home / ".pki" / "nssdb").mkdir(parents=True)
    database = f"sql:{home}/.pki/nssdb"
    subprocess.run(["certutil", "-N", "--empty-password", "-d", database], check=True, timeout=PATIENCE)
    subprocess.run(["certutil", "-A", "-n", "root", "-t", "C,,", "-i", authority.root, "-d", database], check=True,
                   timeout=PATIENCE)
    (profile / "Local State").write_text(json.dumps({"dns_over_https": {
        "mode": "secure", "templates": f"https://127.0.0.1:{server.https[1]}/dns-query"}}))
    with page() as port:
        done = subprocess.run(["chromium", *CHROMIUM, f"--user-data-dir={profile}", "--dump-dom",
                               f"http://page.test:{port}/"], env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
                              capture_output=True, text=True, timeout=PATIENCE * 6, check=False)
    assert "the page of the test" in done.stdout, (done.stdout[-500:], server.lines[-9:])
    assert server.log("proto=https name=page.test type=A ")
