# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""One list of metrics: what is served, doc/counters.md, the man page and the dashboard agree."""

import json
import re
import shutil
import subprocess

import pytest
from harness import PATIENCE, REPOSITORY, with_address
from metrics import get, parse

DASHBOARD = REPOSITORY / "docker" / "grafana-dashboard.json"


@pytest.fixture
def served(dnslet, upstream):
    """The text of a dnslet that has asked a server"""
    server = dnslet("--metrics", "127.0.0.1:0", to=[upstream(with_address())])
    server.query("a.example")
    return get(server)[1]


def described(text):
    """(name, type, labels, help) of each metric, in order"""
    labels = {}
    for name, *pairs in parse(text):
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        names = [label for label, _ in pairs if label != "le"]
        assert labels.setdefault(family, names) == names, "all samples of a metric have the same"
    found = re.findall(r"^# HELP (\w+) (.*)\n# TYPE \1 (\w+)$", text, re.M)
    return [(name, kind, ", ".join(labels[name]) or "–", about) for name, about, kind in found]


def test_the_documents_have_every_metric(served):
    text = (REPOSITORY / "doc" / "counters.md").read_text()
    table = re.search(r"<!-- metrics -->\n(.*)<!-- /metrics -->", text, re.S).group(1)
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+?) \| (.+?) \|$", table, re.M)
    assert rows == described(served)


def test_the_man_page_has_every_metric(served):
    text = (REPOSITORY / "man" / "dnslet.8").read_text()
    items = re.findall(r"^\.It Ic (dnslet_\w+)(?: No \((.+)\))?\n((?:(?!\.It |\.El).*\n)+)", text, re.M)
    found = [(name, labels or "–", plain(words)) for name, labels, words in items]
    assert found == [(name, labels, about + ".") for name, _, labels, about in described(served)]


def plain(words):
    """Text of mdoc without its macros"""
    joined = " ".join(words.split()).replace(".Fl -", "--")
    return re.sub(r" \.$", ".", joined)


def expressions():
    """(panel, expression) of the dashboard, its variables filled in"""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            filled = target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
            yield panel["title"], filled


def test_the_dashboard_shows_only_what_is_served(served):
    names = {name for name, *_ in parse(served)}
    labels = {label for _, *pairs in parse(served) for label, _ in pairs} | {"instance"}
    seen = set()
    for title, expression in expressions():
        assert "$" not in expression, title
        seen.update(re.findall(r"dnslet_\w+", expression))
        grouped = re.findall(r" by \(([^)]*)\)", expression)
        used = {label for group in grouped for label in group.split(", ")}
        used |= set(re.findall(r'[{,](\w+)=', expression))
        assert used <= labels, title
    assert seen <= names
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in seen}
    assert shown == families, "and all of it"


def test_the_dashboard_is_well_formed():
    dashboard = json.loads(DASHBOARD.read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    assert all(panel["description"] and panel["targets"] for panel in panels)
    cells = [(x, y) for panel in panels for place in [panel["gridPos"]]
             for x in range(place["x"], place["x"] + place["w"])
             for y in range(place["y"], place["y"] + place["h"])]
    assert len(set(cells)) == len(cells), "no two panels overlap"
    assert max(x for x, _ in cells) < 24


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool here")
def test_prometheus_understands_the_dashboard(tmp_path):
    rules = [{"record": f"panel_{i}", "expr": text} for i, (_, text) in enumerate(expressions())]
    path = tmp_path / "rules.json"  # JSON is YAML
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    result = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True,
                            timeout=PATIENCE * 4, check=False)
    assert result.returncode == 0 and f"{len(rules)} rules found" in result.stdout, result
