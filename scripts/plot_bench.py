#!/usr/bin/env python3
"""Draws a benchmark run as one SVG of small charts.   usage: plot_bench.py FILE.csv FILE.svg"""
import math
import os
import sys
from xml.sax.saxutils import escape

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bench_data import CHANNELS, SIZE_NAMES, SIZES, Results

MIB = 1 << 20
WIDTH, HEIGHT = 1200, 1298
COLUMN, ROW = 392, 398
LEFT, TOP = 12, 96
TEXT_WIDTH = 7.4  # of one character, on average

# One hue for each family, so that the eye finds Penstock in every chart.
FAMILIES = {
    "raw": ("#8a8f98", "raw socket, unprotected"),
    "penstock": ("#1673d1", "Penstock"),
    "tls": ("#d9822b", "TLS 1.3, both ends with certificates"),
    "zmq": ("#c23b5a", "ZeroMQ CURVE"),
    "grpc": ("#7e57c2", "gRPC local, unencrypted"),
    "cipher": ("#2f9e8f", "cipher alone"),
}
FAMILY_OF = {"raw": "raw", "raw-batched": "raw", "tls13": "tls", "zmq-curve": "zmq", "grpc-local": "grpc",
             "raw-memory": "raw", "raw-futex": "raw", "boost-queue": "raw",
             "libsodium-seal": "cipher", "openssl-seal": "cipher"}

# Title, what is better, unit, divisor, rows: (label, key of the value).
PANELS = [
    ("Round trip of 64 B", "less is better", "µs", 1, "rtt", 64, "p50_us", [
        ("raw", "raw"), ("Penstock, blocking", "penstock"), ("Penstock, polling", "penstock-latency"),
        ("Penstock, ChaCha", "penstock-chacha"), ("Penstock, Asio", "penstock-asio"), ("TLS 1.3", "tls13"),
        ("ZeroMQ CURVE", "zmq-curve"), ("gRPC", "grpc-local")]),
    ("Messages of 64 B, one way", "more is better", "million/s", 1e6, "oneway", 64, "per_second", [
        ("raw, 64 KiB writes", "raw-batched"), ("raw", "raw"), ("Penstock, Asio", "penstock-asio"),
        ("Asio, ChaCha", "penstock-asio-chacha"), ("Penstock, blocking", "penstock"), ("TLS 1.3", "tls13"),
        ("ZeroMQ CURVE", "zmq-curve"), ("gRPC", "grpc-local")]),
    ("Messages of 1 MiB, one way", "more is better", "GB/s", 1, "oneway", MIB, "gigabytes_per_second", [
        ("raw", "raw"), ("Penstock, AES", "penstock-asio"), ("Penstock, ChaCha", "penstock-asio-chacha"), ("TLS 1.3, AES", "tls13"),
        ("ZeroMQ CURVE", "zmq-curve"), ("gRPC", "grpc-local"), ("libsodium AES alone", "libsodium-seal"),
        ("OpenSSL AES alone", "openssl-seal")]),
    ("Set-ups", "more is better", "per second", 1, "setup", 0, "per_second", [
        ("raw", "raw"), ("Penstock NN", "penstock-nn"), ("Penstock XX", "penstock-xx"), ("TLS 1.3 mutual", "tls13"),
        ("ZeroMQ CURVE", "zmq-curve"), ("gRPC", "grpc-local")]),
    ("Server memory of an idle connection", "less is better", "KiB", 1024, "memory", 0, "bytes_per_connection", [
        ("raw", "raw"), ("Penstock, blocking", "penstock"), ("Penstock XX", "penstock-xx"), ("Penstock, Asio", "penstock-asio"),
        ("TLS 1.3", "tls13"), ("ZeroMQ CURVE", "zmq-curve"), ("gRPC", "grpc-local")]),
]

MEMORY_PANEL = (
    "64 B through shared memory and back", "less is better", "µs", 1, "rtt", 64, "p50_us", [
        ("raw, spinning", "raw-memory"), ("Penstock, spinning", "penstock-shm-spin"), ("Penstock, adaptive", "penstock-shm-adaptive"),
        ("raw, futex", "raw-futex"), ("Penstock, blocking", "penstock-shm"), ("Boost queue", "boost-queue")])

STYLE = """
  .page { fill: #ffffff } .card { fill: #f5f6f8 } .text { fill: #1d2127 } .quiet { fill: #5d6570 }
  .grid { stroke: #d5d9df; stroke-width: 1 }
  text { font-family: 'DejaVu Sans', Verdana, 'Segoe UI', sans-serif; font-size: 12.5px }
  .title { font-size: 23px; font-weight: bold } .head { font-size: 15px; font-weight: bold } .bold { font-weight: bold }
  @media (prefers-color-scheme: dark) {
    .page { fill: #14171b } .card { fill: #1f242a } .text { fill: #e8eaed } .quiet { fill: #a4acb7 }
    .grid { stroke: #3a414b }
  }
"""


def family(contender):
    return FAMILY_OF.get(contender, "penstock")


def colour(contender):
    return FAMILIES[family(contender)][0]


def short(value):
    if value >= 10_000:
        return f"{value / 1000:.0f} k"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 9.95 else f"{value:.2f}"


class Drawing:
    def __init__(self):
        self.parts = []

    def text(self, x, y, content, kind="text", anchor="start"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(content)}</text>')

    def box(self, x, y, width, height, kind=None, fill=None, radius=0):
        look = f'class="{kind}"' if kind else f'fill="{fill}"'
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius}" {look}/>')

    def line(self, x1, y1, x2, y2):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="grid"/>')

    def path(self, points, stroke, dashed=False):
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(f'<polyline points="{joined}" fill="none" stroke="{stroke}" stroke-width="2.5"{dash}/>')
        for x, y in points:
            self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{stroke}"/>')

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
                       f'width="{WIDTH}" height="{HEIGHT}" role="img">\n<style>{STYLE}</style>\n')
            file.write("\n".join(self.parts) + "\n</svg>\n")


class Log:
    """A logarithmic axis over whole decades' parts: starts and ends at 1, 2 or 5 times a power of ten."""

    def __init__(self, values, start, length):
        low, high = min(values) * 0.7, max(values) * 1.05
        steps = [m * 10.0**e for e in range(-4, 9) for m in (1, 2, 5)]
        self.low = max(step for step in steps if step <= low)
        self.high = min(step for step in steps if step >= high)
        self.start, self.length = start, length

    def at(self, value):
        part = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + part * self.length

    def ticks(self):
        return [10.0**e for e in range(-4, 9) if self.low <= 10.0**e <= self.high]


def tick_name(value):
    return f"{value / 1000:g} k" if value >= 1000 else f"{value:g}"


def bars(draw, results, x, y, panel):
    title, better, unit, divisor, measure, size, metric, rows = panel
    values = []
    for label, contender in rows:
        value = results.median("seal" if family(contender) == "cipher" else measure, size, contender, metric)
        if value is not None:
            values.append((label, contender, max(value / divisor, 0.01)))
    draw.box(x, y, COLUMN - 12, ROW - 12, kind="card", radius=8)
    draw.text(x + 16, y + 28, title, "text head")
    draw.text(x + 16, y + 48, f"{unit}, {better}, logarithmic", "quiet")
    if not values:
        draw.text(x + 16, y + 90, "not measured", "quiet")
        return
    left, width = x + 172, COLUMN - 12 - 172 - 62
    top, step = y + 66, (ROW - 12 - 66 - 34) / len(values)
    axis = Log([value for _, _, value in values], left, width)
    for tick in axis.ticks():
        draw.line(axis.at(tick), top, axis.at(tick), y + ROW - 44)
        draw.text(axis.at(tick), y + ROW - 26, tick_name(tick), "quiet", "middle")
    for at, (label, contender, value) in enumerate(values):
        middle = top + step * (at + 0.5)
        ours = family(contender) == "penstock"
        draw.text(left - 8, middle + 4, label, "text bold" if ours else "text", "end")
        draw.box(left, middle - min(step * 0.36, 13), axis.at(value) - left, 2 * min(step * 0.36, 13),
                 fill=colour(contender), radius=2)
        draw.text(axis.at(value) + 6, middle + 4, short(value), "text bold" if ours else "text")


def lines(draw, results, x, y, title, better, measure, metric, divisor, steps, step_names, series):
    draw.box(x, y, COLUMN - 12, ROW - 12, kind="card", radius=8)
    draw.text(x + 16, y + 28, title, "text head")
    draw.text(x + 16, y + 48, f"{better}, logarithmic", "quiet")
    measured = []
    for label, contender, dashed in series:
        values = [results.median(measure, step, contender, metric) for step in steps]
        if None not in values:
            measured.append((label, contender, dashed, [max(value / divisor, 0.01) for value in values]))
    if not measured:
        return
    bottom, top, left, width = y + ROW - 44, y + 66, x + 54, COLUMN - 12 - 54 - 90
    axis = Log([value for *_, values in measured for value in values], bottom, top - bottom)
    for tick in axis.ticks():
        draw.line(left, axis.at(tick), left + width, axis.at(tick))
        draw.text(left - 8, axis.at(tick) + 4, tick_name(tick), "quiet", "end")
    across = [left + width * at / (len(steps) - 1) for at in range(len(steps))]
    for at, name in zip(across, step_names):
        draw.text(at, bottom + 18, name, "quiet", "middle")
    ends = sorted(((axis.at(values[-1]), label, contender) for label, contender, _, values in measured))
    last = -math.inf
    for place, label, contender in ends:  # labels beside the lines' ends, pushed apart where they would touch
        last = max(place, last + 15)
        draw.text(left + width + 9, last + 4, label, "text bold" if family(contender) == "penstock" else "text")
    for label, contender, dashed, values in measured:
        draw.path([(at, axis.at(value)) for at, value in zip(across, values)], colour(contender), dashed)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    results = Results(sys.argv[1])
    draw = Drawing()
    draw.box(0, 0, WIDTH, HEIGHT, kind="page")
    draw.text(LEFT + 4, 38, "Penstock and others between two processes of one machine", "text title")
    at = LEFT + 4
    used = {family(name) for measure in ("rtt", "oneway", "setup", "memory", "seal") for name in results.contenders(measure)}
    for name, (fill, label) in FAMILIES.items():
        if name not in used:
            continue
        draw.box(at, 59, 14, 14, fill=fill, radius=3)
        draw.text(at + 20, 71, label, "text")
        at += 44 + TEXT_WIDTH * len(label)
    for place, panel in enumerate(PANELS):
        bars(draw, results, LEFT + COLUMN * (place % 3), TOP + ROW * (place // 3), panel)
    sizes = [SIZE_NAMES[size] for size in SIZES]
    lines(draw, results, LEFT + COLUMN * 2, TOP + ROW, "Round trip by size", "median µs, less is better", "rtt", "p50_us", 1, SIZES, sizes,
          [("raw", "raw", False), ("Penstock", "penstock", False), ("ChaCha", "penstock-chacha", True), ("TLS 1.3", "tls13", False),
           ("ZeroMQ", "zmq-curve", False), ("gRPC", "grpc-local", False)])
    # One listener and 1 to 1,000 channels: what passes, and what each costs.
    many = [("raw", "raw", False), ("Penstock", "penstock", False), ("in memory", "penstock-shm", True), ("TLS 1.3", "tls13", False),
            ("ZeroMQ", "zmq-curve", False)]
    counts = [str(count) for count in CHANNELS]
    lines(draw, results, LEFT, TOP + 2 * ROW, "64 B over many channels", "messages/s by channels, more is better", "many", "per_second", 1,
          CHANNELS, counts, many)
    lines(draw, results, LEFT + COLUMN, TOP + 2 * ROW, "Server memory of each of many", "KiB by channels, less is better", "many",
          "bytes_per_connection", 1024, CHANNELS, counts, many[1:])
    bars(draw, results, LEFT + COLUMN * 2, TOP + 2 * ROW, MEMORY_PANEL)
    draw.write(sys.argv[2])


if __name__ == "__main__":
    main()
