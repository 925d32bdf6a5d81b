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
    (r"crypto/new_file", r"permission_denied|code_of", "a directory that passed its check and still cannot be written: a read-only file system; not tested"),
    (r"crypto/secret_pages", r"Failure\($", "tested under a lowered RLIMIT_MEMLOCK (tests/tool/bad_input_test.py), in another user's process, which leaves no profile"),
    (r"crypto/trusted_file", r"grew while", "its owner would have to write while it is read: a matter of timing"),
    (r"protocol/async_receive", r"invalid_argument", "a caller's mistake: two receives at once; refused before anything happens"),
    (r"protocol/async_receive", r"would_block", "a message would have to arrive in part between two calls: a matter of timing"),
    (r"protocol/async_receive", r"begun\.error", "passes on an error whose source is tested"),
    (r"protocol/audit_(file|sink)", r"audit_unavailable", "memory would have to run out; a full disk gives the same error and is tested"),
    (r"protocol/channel\.cpp", r"Error::closed", "a caller's mistake: a channel that was moved from"),
    (r"protocol/(channel_receive|handshake)\.cpp", r"default:", "unreachable by construction: the type was checked before; fails closed"),
    (r"protocol/(connect|handshake|listener_core)\.cpp", r"Failure\(Error::invalid_argument", "a caller's mistake, refused before anything is opened"),
    (r"protocol/connect", r"cancelled", "cancelled while connecting; the deadline takes the same path and is tested"),
    (r"protocol/handshake\.cpp", r"sender->pid", "kernels before 6.9 (no pidfs), which were not run"),
    (r"protocol/handshake_driver", r"peer_changed", "two processes that write one frame together; Atk05 tests whole frames of another process"),
    (r"protocol/policy_users", r"policy_invalid", "the machine's user database would have to fail, or hold an entry of over 1 MiB"),
    (r"protocol/single_instance", r"too busy to take a conversation", "over DDE alone, which is Windows'"),
    (r"protocol/single_instance", r"deadline_exceeded|cancelled", "tested in processes of their own (SingleInstance.*, the example's), which end without leaving a profile"),
    (r"transports/dde/conversation\.cpp", r"frame_malformed", "unreachable by construction: chunks are decoded by kind; fails closed"),
    (r"transports/dde/conversation\.hpp", r"distrust", "only the Windows edge says it (Atk16Dde.AHandleOfOursThatALiarNamesStaysOpen)"),
    (r"transports/endpoint_linux", r"Failure\($", "needs a process of no login session; tested in one (SingleInstance.Atk23WithoutASession…), which leaves no profile"),
    (r"transports/directory", r"Failure\($", "needs a machine without /proc"),
    (r"transports/endpoint_linux", r"invalid_argument", "unreachable by construction: a value outside the enumeration"),
    (r"transports/inherited", r"F_SETFD", "fcntl(2) would have to fail on a descriptor that was just read from"),
    (r"transports/name_claim", r"keeps being removed", "somebody trusted would have to remove the lock file eight times, each between two calls"),
    (r"transports/os_peer", r"peer_gone", "the socket would have to lose its peer between accept(2) and the query: a matter of timing"),
    (r"transports/pipe_connect", r"deadline_exceeded", "a backlog that stays full until the deadline"),
    (r"transports/pipe_connect", r"socket_unsafe", "a datagram socket at the name; files, links and dead sockets at the name are tested"),
    (r"transports/pipe_listener", r"Failure\(code", "somebody trusted would have to take the name between its check and bind(2): a matter of timing"),
    (r"transports/spawn", r"Failure\(code", "the limit on processes, or a kernel before 5.11"),
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
