#!/usr/bin/env python3
"""Prints the tables and the verdict of a benchmark run.   usage: bench_report.py FILE.csv [--markdown]"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bench_data import CHANNELS, NAMES, SIZE_NAMES, SIZES, Results

MIB = 1 << 20
RTT = ("rtt", 64, "{}", "p50_us")
SMALL = ("oneway", 64, "{}", "per_second")
HANDOVER = ("handover", MIB, "{}", "p50_us")
LARGE = ("oneway", MIB, "{}", "gigabytes_per_second")


def of(key, contender):
    return tuple(contender if part == "{}" else part for part in key)


# What the project has set itself: text, the two numbers, at most or at least, the bound.
TARGETS = [
    ("64 B round trip: blocking / raw socket", of(RTT, "penstock"), of(RTT, "raw"), "<=", 1.25),
    ("64 B round trip: blocking / TLS 1.3", of(RTT, "penstock"), of(RTT, "tls13"), "<=", 0.7),
    ("64 B round trip: blocking / ZeroMQ CURVE", of(RTT, "penstock"), of(RTT, "zmq-curve"), "<=", 0.35),
    ("64 B round trip: latency profile / raw socket", of(RTT, "penstock-latency"), of(RTT, "raw"), "<=", 0.5),
    ("64 B round trip: latency profile / TLS 1.3", of(RTT, "penstock-latency"), of(RTT, "tls13"), "<=", 0.25),
    ("64 B one-way: messages a second", of(SMALL, "penstock-asio"), None, ">=", 2e6),
    ("64 B one-way: Penstock / TLS 1.3", of(SMALL, "penstock-asio"), of(SMALL, "tls13"), ">=", 6),
    ("64 B one-way: Penstock / ZeroMQ CURVE", of(SMALL, "penstock-asio"), of(SMALL, "zmq-curve"), ">=", 3),
    ("1 MiB one-way: Penstock / libsodium sealing alone", of(LARGE, "penstock-asio"),
     ("seal", MIB, "libsodium-seal", "gigabytes_per_second"), ">=", 0.65),
    ("1 MiB one-way: Penstock / TLS 1.3", of(LARGE, "penstock-asio"), of(LARGE, "tls13"), ">=", 1.0),
    ("set-ups a second: Penstock XX / TLS 1.3 mutual", ("setup", 0, "penstock-xx", "per_second"),
     ("setup", 0, "tls13", "per_second"), ">=", 3),
    ("server memory of an idle connection, KiB (blocking, NN)",
     ("memory", 0, "penstock", "bytes_per_connection"), 1024, "<=", 4),
    ("server memory of an idle connection, KiB (blocking, XX)",
     ("memory", 0, "penstock-xx", "bytes_per_connection"), 1024, "<=", 4),
    ("server memory of an idle connection, KiB (Asio, NN)",
     ("memory", 0, "penstock-asio", "bytes_per_connection"), 1024, "<=", 4),
    ("shared memory, 64 B round trip spinning, µs", of(RTT, "penstock-shm-spin"), None, "<=", 1.5),
    ("shared memory, 64 B round trip: blocking / raw futex", of(RTT, "penstock-shm"), of(RTT, "raw-futex"), "<=", 1.25),
    ("shared memory, 64 B one-way: messages a second", of(SMALL, "penstock-shm-spin"), None, ">=", 3e6),
    ("shared memory, 64 B one-way / ZeroMQ CURVE", of(SMALL, "penstock-shm-spin"), of(SMALL, "zmq-curve"), ">=", 4),
    ("shared memory, 64 B one-way / TLS 1.3", of(SMALL, "penstock-shm-spin"), of(SMALL, "tls13"), ">=", 8),
    ("shared memory, 1 MiB one-way / OpenSSL sealing alone", of(LARGE, "penstock-shm"),
     ("seal", MIB, "openssl-seal", "gigabytes_per_second"), ">=", 0.75),
    ("shared memory, 1 MiB one-way / TLS 1.3", of(LARGE, "penstock-shm"), of(LARGE, "tls13"), ">=", 1.6),
    ("pipe, 1 MiB one-way / TLS 1.3", of(LARGE, "penstock"), of(LARGE, "tls13"), ">=", 1.25),
    ("sealed buffer of 1 MiB / the same in records", of(HANDOVER, "penstock-buffer-adaptive"),
     of(HANDOVER, "penstock-shm-adaptive"), "<=", 0.1),
    ("sealed buffer: 64 MiB / 1 MiB", ("handover", 64 * MIB, "penstock-buffer-adaptive", "p50_us"),
     of(HANDOVER, "penstock-buffer-adaptive"), "<=", 1.5),
    ("100 idle channels, % of a core (rounded)", ("idle", 100, "penstock-shm-asio", "core_percent_server"), None, "<", 0.05),
]


def number(value):
    if value is None:
        return ""
    if value >= 1e6:
        return f"{value / 1e6:.2f} M"
    if value >= 1e4:
        return f"{value / 1e3:.0f} k"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


class Printer:
    def __init__(self, markdown):
        self.markdown = markdown

    def table(self, title, head, rows):
        print(f"\n### {title}\n" if self.markdown else f"\n{title}\n")
        rows = [head] + rows
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        for at, row in enumerate(rows):
            cells = [cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
            print("| " + " | ".join(cells) + " |" if self.markdown else "  " + "  ".join(cells))
            if at == 0:
                rule = ["-" * width for width in widths]
                print("|-" + "-|-".join(rule) + "-|" if self.markdown else "  " + "  ".join(rule))


def by_size(results, measure, cell):
    rows = []
    for name in results.contenders(measure):
        cells = [cell(name, size) for size in SIZES]
        rows.append([NAMES[name]] + cells)
    return rows


def report(results, printer):
    get = results.median
    sizes = [SIZE_NAMES[size] for size in SIZES]

    def p50_p99(name, size):
        p50, p99 = get("rtt", size, name, "p50_us"), get("rtt", size, name, "p99_us")
        return f"{number(p50)} / {number(p99)}" if p50 else ""

    def against_raw(measure, metric):
        def cell(name, size):
            ratio = results.ratio((measure, size, name, metric), (measure, size, "raw", metric))
            return f"{ratio:.2f}" if ratio else ""
        return cell

    printer.table("Round trip, µs: p50 / p99", [""] + sizes, by_size(results, "rtt", p50_p99))
    printer.table("Round trip, p50 as a multiple of the raw socket's (lower is better)", [""] + sizes,
                  by_size(results, "rtt", against_raw("rtt", "p50_us")))
    printer.table("One way, messages a second", [""] + sizes,
                  by_size(results, "oneway", lambda name, size: number(get("oneway", size, name, "per_second"))))
    printer.table("One way, GB/s (10^9 bytes)", [""] + sizes,
                  by_size(results, "oneway", lambda name, size: number(get("oneway", size, name, "gigabytes_per_second"))))
    printer.table("One way, messages a second as a multiple of the raw socket's (higher is better)", [""] + sizes,
                  by_size(results, "oneway", against_raw("oneway", "per_second")))

    def processor(measure):
        def cell(name, size):
            ends = [get(measure, size, name, f"cpu_us_{end}") for end in ("client", "server")]
            return " + ".join(number(end) for end in ends) if None not in ends else ""
        return cell

    printer.table("Processor time of one round trip, µs: client + server", [""] + sizes,
                  by_size(results, "rtt", processor("rtt")))
    printer.table("Processor time of one message one way, µs: sender + receiver", [""] + sizes,
                  by_size(results, "oneway", processor("oneway")))

    rows = [[NAMES[n], number(get("seal", MIB, n, "gigabytes_per_second"))] for n in results.contenders("seal")]
    printer.table("AES-256-GCM alone, one core, 64 KiB pieces", ["", "GB/s"], rows)

    rows = []
    for name in results.contenders("setup"):
        speed = get("setup", 0, name, "per_second")
        ratio = results.ratio(("setup", 0, name, "per_second"), ("setup", 0, "tls13", "per_second"))
        rows.append([NAMES[name], number(speed), number(1e6 / speed), f"{ratio:.2f}" if ratio else "",
                     processor("setup")(name, 0)])
    printer.table("Set-ups: connect, both proofs, a byte each way, close", ["", "a second", "µs each", "× TLS 1.3",
                                                                          "processor µs, client + server"], rows)

    rows = []
    for name in results.contenders("handover"):
        rows.append([NAMES[name]] + [number(get("handover", size, name, "p50_us")) for size in (MIB, 64 * MIB)])
    printer.table("Handed over, and its first and last byte read back: p50, µs", ["", "1 MiB", "64 MiB"], rows)

    for title, metric, unit in (("Channels on one listener: messages of 64 B a second, over all of them in turn", "per_second", 1),
                                ("Channels on one listener: memory of the server for each, rings included, KiB",
                                 "bytes_per_connection", 1024)):
        rows = [[NAMES[n]] + [number((get("many", count, n, metric) or 0) / unit) for count in CHANNELS]
                for n in results.contenders("many")]
        printer.table(title, [""] + [str(count) for count in CHANNELS], rows)

    rows = [[NAMES[n]] + [f"{get('idle', 100, n, f'core_percent_{end}'):.2f}" for end in ("client", "server")]
            for n in results.contenders("idle")]
    printer.table("100 channels over which nothing passes, 60 s: % of one core", ["", "client", "server"], rows)

    rows = [[NAMES[n], f"{get('memory', 0, n, 'bytes_per_connection') / 1024:.2f}"] for n in results.contenders("memory")]
    printer.table("Memory of the server's own for one idle connection (the kernel's part cannot be seen there)", ["", "KiB"], rows)


def verdict(results, printer):
    rows, missed = [], 0
    for text, ours, theirs, sense, bound in TARGETS:
        if theirs is None or isinstance(theirs, int):
            value = results.median(*ours)
            value = value / (theirs or 1) if value is not None else None
        else:
            value = results.ratio(ours, theirs)
        if value is None:
            rows.append([text, f"{sense} {number(bound)}", "not measured", ""])
            continue
        met = {"<=": value <= bound, "<": value < bound, ">=": value >= bound}[sense]
        missed += not met
        rows.append([text, f"{sense} {number(bound)}", number(value), "met" if met else "MISSED"])
    printer.table("Targets (ratios pair by pair within a round, then their median)", ["", "target", "measured", ""], rows)
    judged = sum(1 for row in rows if row[3])
    print(f"\n{judged - missed} of {judged} targets met, {missed} missed; {len(results.rounds)} rounds.")


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--markdown"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    results = Results(arguments[0])
    printer = Printer("--markdown" in sys.argv)
    report(results, printer)
    verdict(results, printer)


if __name__ == "__main__":
    main()
