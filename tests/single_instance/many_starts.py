#!/usr/bin/python3
"""Many starts of the example at once: one wins, and every other's command line reaches it, once.

    many_starts.py --program PROGRAM [--starts 200] [--rounds 5] [--carrier pipe|shared-memory|dde] [--kill] [--runner PROGRAM]

--runner starts programs of another system (Wine); --kill ends the first instance by SIGKILL once it has opened something: the rest must still all be opened, and one takes over.
Prints a line for each round, and exits with 1 at the first that is wrong.
"""
import argparse
import collections
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE = int(os.environ.get("PATIENCE", 120))  # seconds until what hangs is a failure; never a pause


class Round:
    def __init__(self, options, directory):
        self.options = options
        self.directory = pathlib.Path(directory)
        self.command = [options.runner, options.program] if options.runner else [options.program]
        # Windows' names stand in no directory: a name of this round's own, then.
        place = ["--name", f"org.example.{self.directory.name}"] if options.runner else ["--directory", directory]
        self.where = ["--scope", "user", *place, "--carrier", options.carrier, "--patience", str(1000 * PATIENCE)]

    def output(self, number):
        return self.directory / f"out-{number}"

    def start(self, number, gate):
        """A shell that waits at the gate, all of them together, and then becomes the program."""
        with open(self.output(number), "wb") as out:
            return subprocess.Popen(["/bin/sh", "-c", 'read -r _; exec "$@" </dev/null', "sh", *self.command, *self.where, f"start-{number}"],
                                    stdin=gate, stdout=out, stderr=out)

    def winners(self):
        """Those that said that they were first: their numbers."""
        return [n for n in range(self.options.starts) if self.output(n).read_text().startswith("first ")]

    def opened(self, winners):
        lines = (line for n in winners for line in self.output(n).read_text().splitlines())
        return collections.Counter(line.split()[-1] for line in lines if line.startswith("open "))

    def quit(self):
        done = subprocess.run([*self.command, *self.where, "--quit"], stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
        return done.returncode

    def run(self):
        """Whether all was well, and what was counted."""
        gate, opener = os.pipe()
        running = {n: self.start(n, gate) for n in range(self.options.starts)}
        os.close(gate)
        began = time.monotonic()
        os.close(opener)  # the end of its input lets every shell go on
        killed = None
        numbers = {process.pid: n for n, process in running.items()}
        statuses = {}
        try:
            if self.options.kill:
                killed = self.kill_first(running)
            while len(statuses) < self.options.starts - 1:
                self.await_one(numbers, running, statuses)
            last = next(n for n in running if n not in statuses)
            quit_status = self.quit()
            self.await_one(numbers, running, statuses)
        except TimeoutError:
            left = sorted(set(running) - set(statuses))
            for n in left:
                running[n].kill()
                running[n].wait()
            said = {n: self.output(n).read_text() for n in left}
            return False, f"still running after {PATIENCE} s: {said}"
        return self.judge(statuses, killed, quit_status, last, time.monotonic() - began)

    @staticmethod
    def await_one(numbers, running, statuses):
        pid, status = os.wait()
        n = numbers[pid]
        statuses[n] = running[n].returncode = os.waitstatus_to_exitcode(status)

    def kill_first(self, running):
        """The first that has opened another's start."""
        first = None
        while True:
            for n in running if first is None else [first]:
                text = self.output(n).read_text()
                first = n if text.startswith("first ") else first
                if text.count("open ") > 1:
                    running[n].kill()
                    return n
            os.sched_yield()

    def judge(self, statuses, killed, quit_status, last, seconds):
        winners = self.winners()
        opened = self.opened(winners)
        names = {f"start-{n}" for n in range(self.options.starts)}
        wrong = [f"start-{n} exited with {status}: {self.output(n).read_text()!r}" for n, status in statuses.items()
                 if status != (-signal.SIGKILL if n == killed else 0)]
        own = {f"start-{n}" for n in winners}
        once = sum(opened[name] == 1 for name in names - own)
        twice = sum(opened[name] > 1 for name in names)
        text = (f"{len(winners)} winner(s), {once} command lines of others delivered once, {twice} opened twice, "
                f"{len(wrong)} failed, {seconds:.1f} s")
        good = not wrong and quit_status == 0 and last in winners and names <= set(opened)
        if killed is None:
            good = good and len(winners) == 1 and once == self.options.starts - 1 and twice == 0
        else:
            # What the first had begun when it died may be begun once more, by whoever took over or was handed it.
            good = good and len(winners) == 2 and killed in winners
        return good, "; ".join([text, *wrong[:5]])


def too_long(*_):
    raise TimeoutError


def main():
    signal.signal(signal.SIGALRM, too_long)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--starts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--carrier", default="pipe")
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--runner")
    options = parser.parse_args()
    failed = 0
    for number in range(1, options.rounds + 1):
        with tempfile.TemporaryDirectory(prefix="penstock-") as directory:
            signal.alarm(PATIENCE)
            good, text = Round(options, directory).run()
            signal.alarm(0)
        print(f"round {number}/{options.rounds}, {options.starts} starts: {text}{'' if good else '  WRONG'}", flush=True)
        failed += not good
    print(f"{options.rounds - failed} of {options.rounds} rounds good")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
