#!/usr/bin/python3
"""Says which tests failed, and the end of what each printed: scripts/test ends with it, where a reader of a long log looks first.

    failed_tests.py STAGE JUNIT [LOG]    STAGE's failures in what ctest wrote to JUNIT. Where that names none, the end of LOG
                                         (a build that broke, a check that is no test)
    failed_tests.py --self-test

Prints at most LINES lines of a test and OF_ALL of a stage; what is longer is in the stage's output above.
"""
import pathlib
import re
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

from gtest_counts import outcome

LINES = 20
OF_ALL = 40

RUN = re.compile(r"^\[ RUN      \] (\S+)")
FAILED = re.compile(r"^\[  FAILED  \] (\S+?),?(?: .*)?$")
ENDED = re.compile(r"^\[(?:       OK |  SKIPPED )\] ")


def failed_entries(junit):
    """(name, output) of each entry of ctest that failed."""
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        result, message = outcome(case)
        if result != "failed":
            continue
        failure = case.find("failure")
        how = failure.get("message", "") if failure is not None else ""
        # "Failed" says nothing; "Timeout" and the like do.
        yield case.get("name") + (f" ({how})" if how not in ("", "Failed") else ""), case.findtext("system-out") or message


def failed_bodies(output):
    """(name, lines) of each GoogleTest test in `output` that failed, or was running when the program ended."""
    name, lines = None, []
    for line in output.splitlines():
        begun, failed = RUN.match(line), FAILED.match(line)
        if begun:
            name, lines = begun[1], []
        elif name and failed and failed[1] == name:
            yield name, lines
            name = None
        elif ENDED.match(line):
            name = None
        elif name:
            lines.append(line)
    if name:
        yield f"{name} (did not end)", lines


def end_of(lines):
    lines = [line for line in lines if line.strip()]
    return ([f"… {len(lines) - LINES} lines more"] if len(lines) > LINES else []) + lines[-LINES:]


def report(stage, junit, log):
    """The lines to print."""
    found = []
    if junit.exists() and junit.stat().st_size:
        for entry, output in failed_entries(junit):
            bodies = list(failed_bodies(output))
            # A program that has one test an entry is named once.
            found += [(entry if entry.endswith(name) else f"{entry}: {name}", lines) for name, lines in bodies] or [(entry, output.splitlines())]
    if not found:
        found = [("no test is to blame; the stage's output ended", log.read_text(errors="replace").splitlines() if log and log.exists() else [])]
    printed, budget = [], OF_ALL
    for name, lines in found:
        shown = end_of(lines) if budget > 0 else []
        budget -= len(shown)
        printed += [f"FAILED  {stage}: {name}"] + [f"    {line}" for line in shown]
    return printed


def self_test():
    failures = 0

    def expect(title, ok):
        nonlocal failures
        failures += not ok
        print(f"{'ok  ' if ok else 'FAIL'} {title}")

    output = ("[ RUN      ] A.Good\n[       OK ] A.Good (1 ms)\n[ RUN      ] A.Bad\na.cpp:3: Failure\n[  FAILED  ] A.Bad (2 ms)\n"
              "[ RUN      ] A.Bad/1\nb.cpp:4: Failure\n[  FAILED  ] A.Bad/1, where GetParam() = 1 (0 ms)\n"
              "[ RUN      ] A.Skips\n[  SKIPPED ] A.Skips (0 ms)\n[  FAILED  ] A.Bad\n[ RUN      ] A.Crashes\nlast words\n")
    bodies = list(failed_bodies(output))
    expect(f"bodies {bodies}", bodies == [("A.Bad", ["a.cpp:3: Failure"]), ("A.Bad/1", ["b.cpp:4: Failure"]),
                                          ("A.Crashes (did not end)", ["last words"])])
    expect("a long output is cut at its beginning", end_of([str(number) for number in range(LINES + 2)])[:2] == ["… 2 lines more", "2"])
    with tempfile.TemporaryDirectory() as directory:
        junit, log = pathlib.Path(directory, "junit.xml"), pathlib.Path(directory, "log")
        junit.write_text('<testsuite><testcase name="good" status="run"><system-out>[ RUN      ] A.Good</system-out></testcase>'
                         '<testcase name="x.A.Bad" status="fail"><failure message="Failed"/><system-out>[ RUN      ] A.Bad\nwhy\n[  FAILED  ] A.Bad (1 ms)</system-out></testcase>'
                         '<testcase name="program" status="fail"><failure/><system-out>[ RUN      ] B.Bad\nwhy\n</system-out></testcase>'
                         '<testcase name="script" status="fail"><failure message="Timeout"/><system-out>said this</system-out></testcase>'
                         '<testcase name="missing" status="notrun"><skipped message="Unable to find executable"/></testcase>'
                         '<testcase name="skips" status="notrun"><skipped message="SKIP_RETURN_CODE=4"/></testcase></testsuite>')
        printed = report("stage", junit, log)
        expect(f"printed {printed}", printed == ["FAILED  stage: x.A.Bad", "    why", "FAILED  stage: program: B.Bad (did not end)", "    why",
                                                 "FAILED  stage: script (Timeout)", "    said this", "FAILED  stage: missing", "    Unable to find executable"])
        log.write_text("ninja: error\n")
        junit.write_text("<testsuite/>")
        expect("a stage without a failed test shows how its output ended", report("s", junit, log)[1:] == ["    ninja: error"])
        expect("so does one that wrote nothing", report("s", pathlib.Path(directory, "none"), log)[1:] == ["    ninja: error"])
        junit.write_text("<testsuite>" + "".join(f'<testcase name="t{each}" status="fail"><failure/><system-out>' + "line\n" * 30 +
                                                 "</system-out></testcase>" for each in range(20)) + "</testsuite>")
        printed = report("s", junit, log)
        expect(f"of many failures all are named, in {len(printed)} lines", sum(line.startswith("FAILED") for line in printed) == 20
               and len(printed) <= OF_ALL + LINES + 1 + 20)
    return 1 if failures else 0


def main(words):
    if words == ["--self-test"]:
        return self_test()
    if len(words) not in (2, 3):
        raise SystemExit(__doc__)
    print("\n".join(report(words[0], pathlib.Path(words[1]), pathlib.Path(words[2]) if len(words) == 3 else None)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
