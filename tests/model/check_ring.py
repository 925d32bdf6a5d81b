#!/usr/bin/python3
"""The model of the ring (ring.pml), every configuration of it: SPIN searches all states, or finds the error that was put in.

    check_ring.py [--jobs N] [--spin PROGRAM] [--keep DIRECTORY] [WORD...]

WORD...  only configurations whose title has one of these words.
--keep   leaves the verifiers there, with the trail of each error: `spin -t -p -g -k ring.pml.trail ring.pml` with the printed options.

Needs spin and gcc. A clean configuration passes when the search was complete and found nothing; a mutated one when SPIN found an error
of the expected kind. docs/MODEL.md says what each of them is about. Exit code 1 when one does not pass.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
DEPTH = {False: 5_000, True: 100_000}  # far more than is needed, without and with a hostile end; a search that is cut off fails
MEMORY = 1800        # MiB, for one verifier
SECONDS = 300        # for one program

# What an error is told by: the text of the assertion that fails, or the cycle.
ASLEEP = "asleep[0]"                  # everything stands still, and an end sleeps though it has something to do
ORDER = "cell["                       # a byte that is not the next one
LOOP = "wants_data<60"                # no end to lying down
COUNTED = "rung_"                     # more bells than there is reason for
LEFT = "own[me].taken==own[(1-me)]"   # the end is told before everything was delivered
OUTSIDE = "k<=2"                      # more bytes than the ring has
OVERFLOW = "n<=2"                     # likewise, when writing
BELLS = "bells["                      # unread bells
CYCLE = "non-progress cycle"

ONE_WAY = "HEARS SEND_A=4"
WIDE = "HEARS CAPACITY=4"
BOTH = "HEARS SEQUENTIAL SEND_A=3 SEND_B=1"
HOSTILE_WRITER = "HEARS HOSTILE SOCKET=1 ALWAYS_READ SEND_A=0"  # writes to us; we read
HOSTILE_READER = "HEARS HOSTILE SOCKET=1 SEND_A=4"

# (title, options, expected). The last word NP: look for cycles without progress (no end works without input for ever).
CLEAN = [
    ("one way, wishes stand or not", ONE_WAY + " MAY_WITHDRAW_OR_NOT"),
    ("one way, fences in pairs as C++ has them", "HEARS SEND_A=4 FENCE_PAIRS GREEDY"),
    ("one way, fences in pairs, any sizes", "HEARS SEND_A=3 FENCE_PAIRS"),
    ("one way, capacity 4", WIDE + " SEND_A=5 GREEDY MAY_WITHDRAW_OR_NOT"),
    ("one way, capacity 4, any sizes", WIDE + " SEND_A=6 SEQUENTIAL"),
    ("one way, bells counted", WIDE + " SEND_A=6 SEQUENTIAL COUNT"),
    ("one way, waits that time out", "HEARS SEND_A=3 TIMEOUTS=1 ALWAYS_READ"),
    ("one way, a socket for one bell", ONE_WAY + " SOCKET=1"),
    ("one way, a reader that stops", WIDE + " SEND_A=5 SEQUENTIAL PAUSE"),
    ("one way, then idle: no work", "HEARS SEND_A=3 ALWAYS_READ NP"),
    ("both ways, store buffers", "HEARS SEND_A=2 SEND_B=1 GREEDY"),
    ("both ways, 2 + 2, any sizes", "HEARS SEQUENTIAL SEND_A=2 SEND_B=2"),
    ("both ways, 3 + 2", "HEARS SEQUENTIAL SEND_A=3 SEND_B=2 GREEDY WITHDRAWS"),
    ("both ways, waits that time out", "HEARS SEQUENTIAL SEND_A=2 SEND_B=2 GREEDY TIMEOUTS=1"),
    ("both ways, readers that stop", "HEARS SEQUENTIAL SEND_A=2 SEND_B=2 GREEDY PAUSE"),
    ("death, one way", "HEARS SEND_A=3 DEATH ALWAYS_READ"),
    ("death, both ways", "HEARS SEQUENTIAL SEND_A=2 SEND_B=1 DEATH"),
    ("hostile writer", HOSTILE_WRITER + " NP"),
    ("hostile reader", HOSTILE_READER + " NP"),
]
MUTATED = [
    ("no fence after written", ONE_WAY + " MUTATE_NO_FENCE_AFTER_WRITTEN", ASLEEP),
    ("no fence after wants_data", ONE_WAY + " MUTATE_NO_FENCE_AFTER_WANTS_DATA", ASLEEP),
    ("no fence after taken", ONE_WAY + " MUTATE_NO_FENCE_AFTER_TAKEN", ASLEEP),
    ("no fence after wants_room", ONE_WAY + " MUTATE_NO_FENCE_AFTER_WANTS_ROOM", ASLEEP),
    ("no second look for data", ONE_WAY + " MUTATE_NO_RECHECK_OF_DATA", ASLEEP),
    ("no second look for room", ONE_WAY + " MUTATE_NO_RECHECK_OF_ROOM", ASLEEP),
    ("a bell once only", ONE_WAY + " MUTATE_RING_ONCE", ASLEEP),
    ("a bell for every write", ONE_WAY + " SEQUENTIAL COUNT MUTATE_RING_ALWAYS", COUNTED),
    ("lying down again with the same number", ONE_WAY + " MUTATE_SAME_NUMBER", ASLEEP),
    ("half only in the reader", WIDE + " SEND_A=5 SEQUENTIAL PAUSE MUTATE_HALF_ONLY_IN_READER", ASLEEP),
    ("half only in the writer", WIDE + " SEND_A=6 SEQUENTIAL COUNT MUTATE_HALF_ONLY_IN_WRITER", COUNTED),
    ("bells heard in passing, nobody told", BOTH + " MUTATE_HEARD_IN_PASSING", ASLEEP),
    ("bells not read", ONE_WAY + " MUTATE_BELLS_NOT_READ", LOOP),
    ("bells not read, hostile writer", HOSTILE_WRITER + " MUTATE_BELLS_NOT_READ NP", CYCLE),
    ("published before it is there", ONE_WAY + " MUTATE_PUBLISH_FIRST", ORDER),
    ("given back before it is copied", ONE_WAY + " MUTATE_TAKE_FIRST", ORDER),
    ("end of file without draining", BOTH + " DEATH MUTATE_NO_DRAIN", LEFT),
    ("`written` believed", HOSTILE_WRITER + " MUTATE_WRITTEN_BELIEVED", OUTSIDE),
    ("`written` read twice", HOSTILE_WRITER + " MUTATE_READ_TWICE", OUTSIDE),
    ("`taken` believed", HOSTILE_READER + " MUTATE_TAKEN_BELIEVED", OVERFLOW),
    ("claim: a bound on unread bells", "HEARS SEQUENTIAL SEND_A=4 SOCKET=8 BELLS_AT_MOST=3", BELLS),
]


class Failed(Exception):
    pass


def run(command, directory):
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=SECONDS, check=False)
    except FileNotFoundError as error:
        raise Failed(f"{error.filename} is not installed; scripts/setup test installs it") from error
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{command[0]} took more than {SECONDS} s") from error
    if done.returncode != 0:
        raise Failed(f"{command[0]}: {(done.stdout + done.stderr).strip()[-600:]}")
    return done.stdout


def judge(output, expected, cycles):
    """What is wrong with this run, or None."""
    errors = re.search(r"errors: (\d+)", output)
    if not errors or "bit statespace" in output.lower():
        return "no complete search"
    found = re.search(r"^pan:1: (.*?) \(at depth", output, re.M)
    if expected:
        if errors.group(1) == "0":
            return "no error was found"
        if not found or expected not in found.group(1):
            return f"another error was found: {found.group(1) if found else '?'}"
        return None
    for word in ("max search depth too small", "Search not completed", "out of memory", "truncated"):
        if word in output:
            return word
    if cycles and not re.search(r"non-progress cycles\s+\+", output):
        return "no search for cycles"
    return None if errors.group(1) == "0" else f"error: {found.group(1) if found else '?'}"


def check(spin, options, expected, directory):
    """Returns (states, depth, what is wrong)."""
    words = options.split()
    cycles = words[-1] == "NP"
    if cycles:
        words.pop()
    # SPIN looks for #include beside the file, and writes where it is started.
    run([spin, "-a", *("-D" + word for word in words), str(HERE / "ring.pml")], directory)
    # Nearly all of them take longer to compile than to run.
    hostile = "HOSTILE" in words
    flags = ["-O2" if hostile and not expected else "-O0", "-w", "-DNOFAIR", f"-DMEMLIM={MEMORY}", "-DNP" if cycles else "-DSAFETY"]
    run(["gcc", *flags, "-o", "pan", "pan.c"], directory)
    output = run(["./pan", f"-m{DEPTH[hostile]}", "-w20", *(["-l"] if cycles else [])], directory)
    states = re.search(r"(\d+(?:\.\d+)?(?:e\+\d+)?) states, stored", output)
    depth = re.search(r"depth reached (\d+)", output)
    return (int(float(states.group(1))) if states else 0, int(depth.group(1)) if depth else 0, judge(output, expected, cycles))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--spin", default="spin", help="the program")
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    wanted = [(title, options, None) for title, options in CLEAN] + MUTATED
    if arguments.words:
        wanted = [entry for entry in wanted if any(word in entry[0] for word in arguments.words)]
    if not wanted:
        parser.error("no configuration has such a word in its title")

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="penstock-model-") as scratch:
        root = arguments.keep.resolve() if arguments.keep else pathlib.Path(scratch)

        def one(number):
            directory = root / f"{number:02}"
            directory.mkdir(parents=True, exist_ok=True)
            begun = time.monotonic()
            try:
                states, depth, wrong = check(arguments.spin, wanted[number][1], wanted[number][2], directory)
            except Failed as failure:
                states, depth, wrong = 0, 0, str(failure)
            return states, depth, wrong, time.monotonic() - begun

        bad = 0
        print(f"{'configuration':43} {'states':>9} {'depth':>7} {'s':>5}  result")
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            for (title, options, expected), (states, depth, wrong, seconds) in zip(wanted, pool.map(one, range(len(wanted)))):
                result = "FAILED: " + wrong if wrong else "error found, as it must be" if expected else "complete, no error"
                print(f"{title:43} {states:9} {depth:7} {seconds:5.1f}  {result}", flush=True)
                if wrong:
                    bad += 1
                    print(f"  options: {' '.join('-D' + word for word in options.split() if word != 'NP')}")
    print(f"{len(wanted)} configurations, {bad} failed, {time.monotonic() - started:.1f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
