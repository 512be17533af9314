# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Reads what --metrics serves, without trusting it: a parser of Prometheus' text format."""

import http.client
import re

from basics import PATIENCE, split_address, wait_until

SAMPLE = re.compile(r'(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)')


def metrics_address(server):
    """(host, port) of --metrics, which may have been port 0"""
    line = server.wait_log(r"metrics are served ")
    return split_address(re.search(r'address=(\S+)|"address":"(\S+?)"', line).group(1))


def get(server, path="/metrics", method="GET"):
    """(status, text)"""
    connection = http.client.HTTPConnection(*metrics_address(server), timeout=PATIENCE)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def parse(text):
    """(name, (label, value)...) -> number"""
    samples = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = SAMPLE.fullmatch(line).groups()
        key = (name, *LABEL.findall(labels or ""))
        assert key not in samples, f"twice: {line}"
        samples[key] = float(value)
    return samples


class Scrape:
    """All samples of one moment"""

    def __init__(self, server):
        status, text = get(server)
        assert status == 200, text
        self.samples = parse(text)

    def total(self, name, /, **labels):
        """The sum of the samples with these labels"""
        found = [value for (sample, *pairs), value in self.samples.items()
                 if sample == name and set(labels.items()) <= set(pairs)]
        assert found, f"no {name} {labels}"
        return sum(found)


def wait_total(server, count, name, /, **labels):
    wait_until(lambda: Scrape(server).total(name, **labels) == count, f"{name} {labels} {count}")
