# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""--metrics before the real Prometheus of the distribution."""

import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest
from basics import end_process
from harness import PATIENCE, SCALE, free_port, wait_until, with_address
from metrics import Scrape, get, metrics_address

CONFIG = """global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: dnslet
    static_configs:
      - targets: ["{target}"]
"""

needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool here")
needs_prometheus = pytest.mark.skipif(not shutil.which("prometheus"), reason="no prometheus here")


@pytest.fixture
def server(dnslet, upstream):
    server = dnslet("--metrics", "127.0.0.1:0", "--rcache", 10, to=[upstream(with_address())])
    server.query("a.example"), server.query("a.example")
    return server


class Prometheus:
    """`with Prometheus(directory, target) as prometheus:`; it may not answer yet."""

    def __init__(self, directory, target):
        self.port = free_port()
        config = directory / "prometheus.yml"
        config.write_text(CONFIG.format(target=target))
        self.log = directory / "prometheus.log"
        self.words = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory}/tsdb",
                      f"--web.listen-address=127.0.0.1:{self.port}"]

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.words, stdout=log, stderr=log)
        return self

    def __exit__(self, *_):
        end_process(self.process)

    def ask(self, page, **parameters):
        """The data of an answer, or nothing as long as it does not answer"""
        url = f"http://127.0.0.1:{self.port}/api/v1/{page}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as response:
                return json.load(response)["data"]
        except OSError:
            assert self.process.poll() is None, self.log.read_text()
            return None

    def value(self, query):
        data = self.ask("query", query=query)
        return float(data["result"][0]["value"][1]) if data and data["result"] else None


@needs_promtool
def test_promtool_finds_nothing_to_complain_about(server):
    result = subprocess.run(["promtool", "check", "metrics"], input=get(server)[1], text=True,
                            capture_output=True, timeout=PATIENCE * 4, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@needs_prometheus
def test_prometheus_scrapes_it(server, tmp_path):
    target = "%s:%d" % metrics_address(server)
    with Prometheus(tmp_path, target) as prometheus:
        wait_until(lambda: prometheus.value("dnslet_questions_total{type='A',transport='udp'}") == 2,
                   "a scrape", 20 * SCALE)
        [state] = prometheus.ask("targets")["activeTargets"]
        assert (state["health"], state["lastError"]) == ("up", "")
        assert prometheus.value("up{job='dnslet'}") == 1
        assert prometheus.value("sum(dnslet_answers_total{source='cache'})") == 1
        assert prometheus.value("count(dnslet_upstream_latency_seconds_bucket)") == 14

        series = prometheus.ask("series", **{"match[]": "{job='dnslet',__name__=~'dnslet_.+'}"})
        assert len(series) == len(Scrape(server).samples)
        kinds = {name: entry[0]["type"] for name, entry in prometheus.ask("metadata").items()}
        assert kinds["dnslet_questions_total"] == "counter"
        assert kinds["dnslet_upstream_latency_seconds"] == "histogram"
