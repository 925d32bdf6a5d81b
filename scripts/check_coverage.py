#!/usr/bin/python3
"""Lists every error branch of crypto/, transports/ and protocol/ that no test has taken, with the reason why not.

    check_coverage.py COVERAGE.lcov [--strict]

An error branch is a line that returns an Error, a Failure or another result's error(). Its reason is looked up in REASONS, by the
text of the line and its file. What has no reason yet is listed as such, and counted; with --strict that is a failure.
The list is written beside the lcov file, as uncovered.md.
"""
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ERROR_LINE = re.compile(r"\breturn\b.*(Error::|Failure\(|\.error\(\)|error_of|os_failure)|\bfail(ed)?[<(]")

# (file, line) patterns, first match wins.
REASONS = [
    (r"crypto/", r"initialise|sodium|madvise|mprotect|randombytes", "libsodium or the kernel would have to fail at start-up"),
    (r".", r"resource_exhausted|memory_unlocked|out_of_memory", "the machine would have to run out in the middle; the same error is tested at its source"),
    (r".", r"io_error|error_of\(|errno", "a system call would have to fail in a way that nothing outside the kernel can bring about"),
    (r".", r"Error::internal", "unreachable by construction; stands there so that a mistake fails closed"),
    (r".", r"unsupported", "needs a kernel that lacks what this one has"),
    (r".", r"return [\w.>*()-]+\.error\(\);|; !\w+\) return \w+(\.error\(\))?;|failed<", "passes on an error whose source is tested"),
]


def uncovered_lines(lcov):
    """{file: {line numbers never executed}}, a line counting as executed when any instantiation ran it."""
    hits = collections.defaultdict(lambda: collections.defaultdict(int))
    name = None
    for row in lcov.read_text().splitlines():
        if row.startswith("SF:"):
            name = pathlib.Path(row[3:])
        elif row.startswith("DA:"):
            number, count = row[3:].split(",")[:2]
            hits[name][int(number)] = max(hits[name][int(number)], int(count))
    return {name: sorted(n for n, count in lines.items() if count == 0) for name, lines in hits.items()}


def reason_for(name, text):
    for file_pattern, line_pattern, reason in REASONS:
        if re.search(file_pattern, name) and re.search(line_pattern, text):
            return reason
    return None


def main(arguments):
    lcov = pathlib.Path(arguments[0])
    listed, without = [], 0
    for path, numbers in sorted(uncovered_lines(lcov).items()):
        lines = path.read_text().splitlines()
        name = str(path.resolve().relative_to(ROOT))
        for number in numbers:
            text = lines[number - 1].strip()
            if not ERROR_LINE.search(text):
                continue
            reason = reason_for(name, text)
            without += reason is None
            listed.append(f"| {name}:{number} | `{text.replace('|', chr(92) + '|')}` | {reason or '**no reason yet**'} |")
    page = lcov.with_name("uncovered.md")
    page.write_text("| where | error branch that no test takes | why not |\n|---|---|---|\n" + "\n".join(listed) + "\n")
    print(f"{len(listed)} error branches were not taken by any test, {without} of them have no reason yet: {page}")
    return 1 if without and "--strict" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
