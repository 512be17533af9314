#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Draws doc/dashboard.svg: docker/grafana-dashboard.json as it shows two minutes of a dnslet at work.

    dashboard.py [--build FOLDER] [--seconds N] [FILE]

The real Prometheus reads /metrics each second and is asked for the panels' own expressions; no number
is made up. Meanwhile the load generators ask for kept names, for new ones and for hosts, and the preferred
one of two upstream servers stands still from one third of the time to one half. It needs prometheus, and
`make bench` or `make e2e` to have built the generators.
"""

import argparse
import contextlib
import json
import math
import random
import signal
import socket
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from datetime import datetime, timezone
from pathlib import Path
from xml.sax.saxutils import escape

from servers import Bound, Process, bench_name, free_port, question, wait_for_answer

ROOT = Path(__file__).resolve().parents[2]
STEP = 3  # seconds between two points
PORTS = (5301, 5302, 9153)  # of the servers and of /metrics: they are in the picture
ROWS = 28  # of Grafana's units of height: what is below is left out
UNIT_X, UNIT_Y = 40, 20
COLOURS = ("#3f8f3a", "#c98a00", "#3b78c4", "#d0521b", "#c4304a", "#8650b8", "#00838f", "#8d6e63")
STYLE = """
    .page { fill: #f4f5f5 } .panel { fill: #ffffff; stroke: #dcdee0 } .grid { stroke: #e4e6e8; fill: none }
    text { font: 9px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #5b6066 }
    .title { font-size: 9px; font-weight: 600; fill: #24292e } .value { font-size: 24px; fill: #2b7a2b }
    .mid { text-anchor: middle } .end { text-anchor: end } .line { fill: none; stroke-width: 1.3 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #111217 } .panel { fill: #181b1f; stroke: #2b2f36 } .grid { stroke: #2b2f36 }
      text { fill: #9fa7b3 } .title { fill: #e3e6ea } .value { fill: #73bf69 }
    }"""
PROMETHEUS = """global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs: [{{job_name: dnslet, static_configs: [{{targets: ["{target}"]}}]}}]
"""


class Prometheus(Process):
    def __init__(self, folder, target):
        self.port = free_port()
        (folder / "prometheus.yml").write_text(PROMETHEUS.format(target=target))
        super().__init__(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
                          f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=error"])

    def ask(self, expression, begin, end):
        """[(labels, [(time, value)])] of this expression"""
        query = urllib.parse.urlencode({"query": expression, "start": begin, "end": end, "step": STEP})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query_range?{query}", timeout=20) as answer:
            found = json.load(answer)["data"]["result"]
        return [(each["metric"], [(float(at), float(value)) for at, value in each["values"]]) for each in found]


class OtherQuestions(threading.Thread):
    """What the generators of load do not ask: AAAA, HTTPS, names that do not exist, over TCP too"""

    def __init__(self, port, seconds):
        super().__init__(daemon=True)
        self.port, self.end = port, time.monotonic() + seconds

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", self.port))
            while time.monotonic() < self.end:
                for _ in range(8):
                    client.send(self.any_question())
                if random.random() < 0.3:
                    self.over_tcp()
                time.sleep(0.02)

    def any_question(self):
        letter, kind = random.choice((("n", 28), ("n", 28), ("n", 65), ("x", 1), ("x", 28)))
        packet = question(bench_name(random.randrange(3000), letter))
        return packet[:-4] + bytes([0, kind, 0, 1])

    def over_tcp(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 2) as client:
            packet = self.any_question()
            client.send(len(packet).to_bytes(2, "big") + packet)
            client.recv(512)


def observe(build, seconds):
    """Runs dnslet under load; returns the panels of the dashboard with the series of their expressions"""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        names = (f"10.0.0.{i % 250 + 1} {bench_name(i, 'h')}\n" for i in range(1000))
        (folder / "hosts").write_text("".join(names))
        first, second = (stack.enter_context(Bound([build / "bench" / "stub_upstream", number])) for number in PORTS[:2])
        port, metrics = free_port(), PORTS[2]
        words = f"--listen 127.0.0.1:{port} --nameservers 127.0.0.1:{first.port},127.0.0.1:{second.port} --rcache 8000 " \
                f"--rcache-ttl 60 --rcache-stale 3600 --hostsfile {folder}/hosts --metrics 127.0.0.1:{metrics}"
        stack.enter_context(Process([build / "dnslet", *words.split()]))
        wait_for_answer(port, bench_name(1, "h"))
        prometheus = stack.enter_context(Prometheus(folder, f"127.0.0.1:{metrics}"))
        for settings in ("rate=1200 names=4000", "rate=150 first=10000", "rate=300 names=1000 hosts=1"):
            stack.enter_context(Process([build / "bench" / "load", "paced", f"port={port}", f"seconds={seconds}",
                                         "window=1024", *settings.split()]))
        OtherQuestions(port, seconds).start()
        time.sleep(seconds / 3)
        first.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds / 6)
        first.process.send_signal(signal.SIGCONT)
        time.sleep(seconds / 2)
        end = time.time() - 2
        panels = json.loads((ROOT / "docker" / "grafana-dashboard.json").read_text())["panels"]
        for panel in panels:
            panel["series"] = [
                (legend(target["legendFormat"], labels), points) for target in panel["targets"]
                for labels, points in prometheus.ask(filled(target["expr"]), end - seconds + 12, end)]
        return panels


def filled(expression):
    return expression.replace("$__rate_interval", "5s").replace("$instance", ".*")


def legend(pattern, labels):
    for name, value in labels.items():
        pattern = pattern.replace("{{%s}}" % name, value)
    return pattern


def number(value, unit):
    """As Grafana writes it, with three digits"""
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "s":
        return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms" if value >= 1e-3 else f"{value * 1e6:.3g} µs"
    if unit == "bytes":
        return f"{value / 1024:.4g} KiB" if value < 2**20 else f"{value / 2**20:.3g} MiB"
    if value >= 1000:
        return f"{value / 1000:.3g} k"
    return f"{value:.3g}"


def ceiling(value):
    """The next number that a scale of four parts ends well with"""
    if value <= 0:
        return 1
    power = 10 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 1.2, 1.6, 2, 3, 4, 6, 8, 10) if factor * power >= value)


def draw_text(kind, x, y, words):
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(words)}</text>'


def draw_stat(panel, unit, box):
    x, y, width, height = box
    points = panel["series"][0][1] if panel["series"] else []
    last = number(points[-1][1], unit) if points else "–"
    return [draw_text("value mid", x + width / 2, y + height / 2 + 16, last)]


def bends(points):
    """The points without those that lie on a level between two others"""
    kept = [point for before, point, after in zip([None, *points], points, [*points[1:], None])
            if not (before and after and before[1] == point[1] == after[1])]
    return " ".join(f"{x},{y}" for x, y in kept)


def draw_lines(panel, unit, box):
    x, y, width, height = box
    left, top, right, bottom = x + 46, y + 26, x + width - 8, y + height - 42
    series = [(name, [point for point in points if math.isfinite(point[1])]) for name, points in panel["series"]]
    series = sorted((each for each in series if each[1]), key=lambda each: -max(value for _, value in each[1]))
    if not series:
        return [draw_text("mid", x + width / 2, y + height / 2, "No data")]
    begin = min(points[0][0] for _, points in series)
    span = max(points[-1][0] for _, points in series) - begin or 1
    top_value = ceiling(max(value for _, points in series for _, value in points))
    top_value = min(top_value, 1) if unit == "percentunit" else top_value
    drawn = []
    for part in range(3):
        at = bottom - (bottom - top) * part / 2
        drawn.append(f'<path class="grid" d="M{left:g},{at:g}H{right:g}"/>')
        drawn.append(draw_text("end", left - 4, at + 3, number(top_value * part / 2, unit) if part else "0"))
    for part in range(4):
        drawn.append(draw_text("mid", left + 10 + (right - left - 20) * part / 3, bottom + 12,
                               f"{int(span * part / 3) // 60}:{int(span * part / 3) % 60:02}"))
    label_at, label_row, seen = left, 0, set()
    for index, (name, points) in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        places = bends([(round(left + (right - left) * (at - begin) / span), round(bottom - (bottom - top) * value / top_value))
                        for at, value in points])
        if places not in seen:
            drawn.append(f'<polyline class="line" stroke="{colour}" points="{places}"/>')
            seen.add(places)
        wide = 5.6 * len(name) + 20
        if label_at + wide > right and label_row == 0:
            label_at, label_row = left, 11
        if label_at + wide <= right:
            drawn.append(f'<rect fill="{colour}" x="{label_at:g}" y="{bottom + 20 + label_row:g}" width="6" height="2"/>')
            drawn.append(draw_text("small", label_at + 9, bottom + 24 + label_row, name))
            label_at += wide
    return drawn


def draw(panels, version):
    shown = [panel for panel in panels if panel["gridPos"]["y"] < ROWS]
    width, height = 24 * UNIT_X + 8, ROWS * UNIT_Y + 34
    day = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    title = "The dashboard for Grafana, drawn from real numbers"
    about = f"{version}, {day}: 2,000 questions a second; the preferred server stands still for a sixth of the time"
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
             f'aria-labelledby="title desc">', f'<title id="title">{title}</title>', f'<desc id="desc">{escape(about)}</desc>',
             f"<style>{STYLE}\n</style>", f'<rect class="page" width="{width}" height="{height}" rx="6"/>',
             draw_text("title", 10, 19, about)]
    for panel in shown:
        place = panel["gridPos"]
        box = place["x"] * UNIT_X + 6, place["y"] * UNIT_Y + 30, place["w"] * UNIT_X - 4, place["h"] * UNIT_Y - 4
        parts.append('<rect class="panel" x="{}" y="{}" width="{}" height="{}" rx="3"/>'.format(*box))
        parts.append(draw_text("title", box[0] + 8, box[1] + 15, panel["title"]))
        unit = panel["fieldConfig"]["defaults"].get("unit")
        parts += (draw_stat if panel["type"] == "stat" else draw_lines)(panel, unit, box)
    return "\n".join([*parts, "</svg>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("file", nargs="?", type=Path, default=ROOT / "doc" / "dashboard.svg")
    words = parser.parse_args()
    panels = observe(words.build, words.seconds)
    version = next(name for panel in panels if panel["title"] == "Versions and reloads" for name, _ in panel["series"])
    words.file.write_text(draw(panels, "dnslet " + version), encoding="utf-8")


if __name__ == "__main__":
    main()
