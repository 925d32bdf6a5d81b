#!/usr/bin/python3
"""The model of a DDE conversation (dde.pml), every configuration of it: SPIN searches all states, or finds the error that was put in.

    check_dde.py [--jobs N] [--spin PROGRAM] [WORD...]

WORD...  only configurations whose title has one of these words.

Needs spin and gcc. As check_ring.py: a clean configuration passes when the search was complete and found nothing; a mutated one when SPIN
found an error of the expected kind. Exit code 1 when one does not pass.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import sys
import tempfile

from check_ring import Failed, judge, run

HERE = pathlib.Path(__file__).resolve().parent
DEPTH = 1_000_000  # far more than is needed; a search that is cut off fails
MEMORY = 1800      # MiB, for one verifier

# What an error is told by: the text of the assertion that fails.
STUCK = "below[1]=="           # everything stands still, and something was not delivered
WAITS = "state["               # everything stands still, and an end waits for an answer
DOUBLED = "taken[me]&(1<<n)"   # one datagram twice
AFTER = "by_us["               # something is delivered after this end's goodbye
GOODBYE = "goodbyes["          # a second TERMINATE
KEPT = "memory["               # memory is left
OVERFLOW = "nfull"             # more is posted than there is a bound for

CLEAN = [
    ("one way", "SEND_A=4"),
    ("one way, three chunks each", "SEND_A=3 CHUNKS=3"),
    ("one way, a wider window", "SEND_A=5 WINDOW=4 STEP=2 ROOM=3"),
    ("one way, told as late as may be", "SEND_A=4 WINDOW=2 STEP=2"),
    ("both ways", "SEND_A=2 SEND_B=2"),
    ("both ways, one chunk each", "SEND_A=4 SEND_B=4 CHUNKS=1"),
    ("goodbye of the sender", "SEND_A=3 TERMINATES=1"),
    ("goodbye of the receiver", "SEND_A=3 TERMINATES=2"),
    ("goodbye of both, both ways", "SEND_A=2 SEND_B=2 CHUNKS=1 TERMINATES=3"),
    ("death", "SEND_A=3 DEATH"),
    ("death and goodbye, both ways", "SEND_A=2 SEND_B=2 CHUNKS=1 DEATH TERMINATES=3"),
    ("a post that reorders", "SEND_A=3 WINDOW=3 REORDERS=3"),
    ("a post that doubles", "SEND_A=3 DUPLICATES=2"),
    ("a post that reorders and doubles", "SEND_A=3 WINDOW=3 REORDERS=2 DUPLICATES=1"),
]
MUTATED = [
    ("the sender is not told what was taken", "SEND_A=4 MUTATE_NO_NOTICE", STUCK),
    ("told later than the window is wide", "SEND_A=4 WINDOW=2 STEP=3", STUCK),
    ("acknowledgements free nothing", "SEND_A=4 MUTATE_ACK_FREES_NOTHING", STUCK),
    ("acknowledged only when it was taken", "SEND_A=2 CHUNKS=3 MUTATE_ACK_WHEN_TAKEN", STUCK),
    ("a goodbye is not answered", "SEND_A=2 TERMINATES=1 MUTATE_NO_ANSWER", WAITS),
    ("a goodbye is answered by who said one", "SEND_A=2 TERMINATES=3 MUTATE_ANSWERS_ALWAYS", GOODBYE),
    ("something is heard after goodbye", "SEND_A=2 CHUNKS=1 TERMINATES=2 MUTATE_HEARS_AFTER_GOODBYE", AFTER),
    ("memory is kept at the end", "SEND_A=3 TERMINATES=3 MUTATE_KEEPS_MEMORY", KEPT),
    ("memory is kept when the other end dies", "SEND_A=3 DEATH MUTATE_KEEPS_MEMORY", KEPT),
    ("chunks that were seen are taken again", "SEND_A=3 CHUNKS=1 DUPLICATES=1 MUTATE_NO_REPLAY_CHECK", DOUBLED),
]


def check(spin, options, expected, directory):
    """Returns (states, what is wrong)."""
    run([spin, "-a", *("-D" + word for word in options.split()), str(HERE / "dde.pml")], directory)
    run(["gcc", "-O1" if expected is None else "-O0", "-w", "-DNOFAIR", f"-DMEMLIM={MEMORY}", "-DSAFETY", "-o", "pan", "pan.c"], directory)
    output = run(["./pan", f"-m{DEPTH}", "-w20"], directory)
    states = re.search(r"(\d+(?:\.\d+)?(?:e\+\d+)?) states, stored", output)
    return int(float(states.group(1))) if states else 0, judge(output, expected, False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--spin", default="spin", help="the program")
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    wanted = [(title, options, None) for title, options in CLEAN] + MUTATED
    if arguments.words:
        wanted = [entry for entry in wanted if any(word in entry[0] for word in arguments.words)]
    if not wanted:
        parser.error("no configuration has such a word in its title")
    with tempfile.TemporaryDirectory(prefix="penstock-model-") as scratch:

        def one(number):
            directory = pathlib.Path(scratch) / f"{number:02}"
            directory.mkdir()
            try:
                return check(arguments.spin, wanted[number][1], wanted[number][2], directory)
            except Failed as failure:
                return 0, str(failure)

        bad = 0
        print(f"{'configuration':43} {'states':>9}  result")
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            for (title, _, expected), (states, wrong) in zip(wanted, pool.map(one, range(len(wanted)))):
                bad += wrong is not None
                print(f"{title:43} {states:9}  {wrong or ('found: ' + expected if expected else 'holds')}", flush=True)
    print(f"{len(wanted)} configurations, {bad} bad")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
