#!/usr/bin/python3
"""Counts single tests where ctest has one entry for each GoogleTest program, as in the Windows build.

    gtest_counts.py count BUILD JUNIT COUNTS NAMES   prints what skipped itself; writes "passed failed skipped" to COUNTS and the
                                                     names of the test bodies that ran to NAMES
    gtest_counts.py both JUNIT NAMES                 prints how many bodies ran in both: JUNIT is of a build where each test is
                                                     an entry of ctest
    gtest_counts.py --self-test

An entry of ctest that asks GoogleTest for an XML file (GTEST_OUTPUT or --gtest_output) counts as the tests of that file. What
ended without writing it, or badly although each of its tests passed, is one failure more.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

BODY = re.compile(r"^(?:[a-z]+\.(?=[^.]+\.))?(?:\w+/)?(?P<suite>[A-Za-z_]\w*)(?:/[^.]*)?\.(?P<test>\w+)(?:/.*)?$", re.S)


def body(name):
    """`Instance/Suite.Test/3` is the body `Suite.Test`, whichever parameter it ran with; None for what is no GoogleTest's name."""
    match = BODY.match(name)
    return f"{match['suite']}.{match['test']}" if match else None


def xml_of(entry):
    """Where this entry of `ctest --show-only=json-v1` has GoogleTest write to, or None."""
    properties = {each["name"]: each["value"] for each in entry.get("properties", [])}
    for word in entry.get("command", []) + properties.get("ENVIRONMENT", []):
        # Wine shows the root of this system as Z:. Without a drive GoogleTest takes a path as relative.
        match = re.match(r"(?:--gtest_output|GTEST_OUTPUT)=xml:(?P<drive>[A-Za-z]:(?=[/\\]))?(?P<path>.+)", word)
        if match:
            path = match["path"].replace("\\", "/")
            return pathlib.Path(path) if match["drive"] else pathlib.Path(properties.get("WORKING_DIRECTORY", "."), path.lstrip("/"))
    return None


def outcome(case):
    """passed, failed or skipped, of a test case in ctest's JUnit. One whose program is missing did not skip itself: it failed."""
    if case.get("status") == "disabled":
        return "skipped", "disabled"
    skipped = case.find("skipped")
    if skipped is not None:
        message = skipped.get("message", "")
        return ("skipped" if message.startswith("SKIP_") else "failed"), message
    return ("passed" if case.get("status") == "run" and case.find("failure") is None else "failed"), ""


def gtest_outcomes(path):
    """(name, outcome, reason) of each test in what GoogleTest wrote."""
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None:
            yield name, "failed", ""
        elif case.get("status") == "notrun":
            yield name, "skipped", "disabled"
        elif case.get("result") == "skipped" or skipped is not None:
            message = skipped.get("message", "") if skipped is not None else ""
            yield name, "skipped", message.strip().splitlines()[-1] if message.strip() else ""
        else:
            yield name, "passed", ""


def count(junit, entries):
    """(counts, names of bodies that ran, lines to print)"""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    ran, lines = set(), []
    files = {entry["name"]: xml_of(entry) for entry in entries}
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        name, (result, reason) = case.get("name"), outcome(case)
        single = [(name, result, reason)]
        file = files.get(name)
        if file and result != "skipped":
            try:
                single = list(gtest_outcomes(file))
            except (OSError, ElementTree.ParseError) as fault:
                single = [(name, "failed", "")]
                lines.append(f"  failed  {name}: its tests are not counted, {fault}")
            if not single:
                single = [(name, "failed", "")]
                lines.append(f"  failed  {name}: it has no test")
            if result == "failed" and all(each != "failed" for _, each, _ in single):
                single.append((name, "failed", ""))
                lines.append(f"  failed  {name}: the program ended badly although each of its tests that ran passed")
        for one, each, why in single:
            counts[each] += 1
            if each == "skipped":
                lines.append(f"  skipped {one}: {why}")
            elif each == "failed" and one != name:
                lines.append(f"  failed  {one}")
            if each != "skipped" and one != name:
                ran.add(body(one))
    return counts, sorted(ran - {None}), lines


def bodies_of_junit(junit):
    cases = ElementTree.parse(junit).getroot().iter("testcase")
    return {body(case.get("name")) for case in cases if outcome(case)[0] != "skipped"} - {None}


def self_test():
    failures = 0

    def expect(title, ok):
        nonlocal failures
        failures += not ok
        print(f"{'ok  ' if ok else 'FAIL'} {title}")

    for name, wanted in (("Suite.Test", "Suite.Test"), ("Each/Suite.Test/1.5/x", "Suite.Test"), ("Suite/0.Test", "Suite.Test"),
                         ("tool.usage", "tool.usage"), ("tool.Vault.Opens", "Vault.Opens"), ("structure", None), ("Ciphers/Record.Opens/ChaCha", "Record.Opens")):
        expect(f"{name} is the body {wanted}", body(name) == wanted)
    with tempfile.TemporaryDirectory() as directory:
        place = pathlib.Path(directory)
        (place / "good.xml").write_text('<testsuites><testsuite name="A"><testcase name="P" status="run" result="completed" classname="A"/>'
            '<testcase name="S" status="run" result="skipped" classname="A"><skipped message="a.cpp:1&#x0A;why"/></testcase>'
            '<testcase name="F" status="run" result="completed" classname="A"><failure message="x"/></testcase></testsuite></testsuites>')
        (place / "clean.xml").write_text('<testsuites><testsuite name="B"><testcase name="P/0" status="run" result="completed" '
            'classname="I/B"/></testsuite></testsuites>')
        (place / "ctest.xml").write_text('<testsuite><testcase name="good" status="fail"><failure/></testcase>'
            '<testcase name="bad_end" status="fail"><failure/></testcase><testcase name="no_xml" status="fail"><failure/></testcase>'
            '<testcase name="silent" status="run"/><testcase name="missing" status="notrun"><skipped message="Unable to find executable"/></testcase>'
            '<testcase name="check" status="run"/><testcase name="other" status="notrun"><skipped message="SKIP_RETURN_CODE=4"/></testcase></testsuite>')
        entry = lambda name, file: {"name": name, "command": ["wine", f"--gtest_output=xml:Z:{place}/{file}"]}
        entries = [entry("good", "good.xml"), entry("no_xml", "none.xml"), entry("silent", "none.xml"), {"name": "missing"}, {"name": "check"},
                   {"name": "bad_end", "command": ["wine"], "properties": [{"name": "ENVIRONMENT", "value": ["GTEST_OUTPUT=xml:clean.xml"]},
                    {"name": "WORKING_DIRECTORY", "value": str(place)}]}]
        counts, ran, lines = count(place / "ctest.xml", entries)
        expect(f"counts {counts}", counts == {"passed": 3, "failed": 5, "skipped": 2})
        expect(f"bodies {ran}", ran == ["A.F", "A.P", "B.P"])
        expect("the reason of a skip is printed", "  skipped A.S: why" in lines)
        (place / "linux.xml").write_text('<testsuite><testcase name="A.P" status="run"/><testcase name="J/B.P/two" status="run"/>'
            '<testcase name="A.F" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/></testcase></testsuite>')
        expect("bodies on both", len(bodies_of_junit(place / "linux.xml") & set(ran)) == 2)
    return 1 if failures else 0


def main(words):
    if words[:1] == ["count"] and len(words) == 5:
        build, junit, counts_file, names_file = words[1:]
        listed = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], capture_output=True, text=True, check=True)
        counts, ran, lines = count(junit, json.loads(listed.stdout)["tests"])
        print("\n".join(lines), end="\n" if lines else "")
        pathlib.Path(counts_file).write_text(f"{counts['passed']} {counts['failed']} {counts['skipped']}\n")
        pathlib.Path(names_file).write_text("".join(f"{name}\n" for name in ran))
    elif words[:1] == ["both"] and len(words) == 3:
        print(len(bodies_of_junit(words[1]) & set(pathlib.Path(words[2]).read_text().splitlines())))
    elif words == ["--self-test"]:
        return self_test()
    else:
        raise SystemExit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
