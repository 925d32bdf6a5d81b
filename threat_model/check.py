#!/usr/bin/python3
"""Holds threat_model/model.yaml against the tree: schema, requirements, code, tests, and what is generated from it.

    check.py [--root DIRECTORY] [--build DIRECTORY]   every mistake on a line of its own; exit status 1 when there is one
    check.py --self-test                              plants mistakes and wants each to be found
    check.py --suggest                                tests that bear an attack's id and do not stand in its row
    check.py --fill                                   writes these into model.yaml (then run render.py)

With --build the tests' names are also looked up in `ctest --show-only=json-v1`, so that a test which is written but not built counts as
missing.
"""
import argparse
import copy
import json
import pathlib
import re
import subprocess
import sys

import jsonschema
import yaml

HERE = pathlib.Path(__file__).resolve().parent
ATTACKS = [f"ATK-{n:02}" for n in range(1, 29)]
GTEST = re.compile(r"^\s*(?:TEST|TEST_F|TEST_P|TYPED_TEST|TYPED_TEST_P)\(\s*(\w+)\s*,\s*(\w+)\s*\)", re.M)
ADD_TEST = re.compile(r"\badd_test\(\s*NAME\s+([\w.]+)")
DEFINED = re.compile(r"^- \*\*(PS-[A-Z]+-\d{2})\.\*\*", re.M)
MENTIONED = re.compile(r"\bPS-[A-Z]+-\d{2}\b")


class Tree:
    """What the model is held against."""

    def __init__(self, root, build=None):
        self.root = root
        page = (root / "docs/PROTOCOL.md").read_text()
        self.defined = DEFINED.findall(page)
        self.mentioned = set(MENTIONED.findall(page))
        self.tests, self.cited = set(), {}
        self.elsewhere = set()  # what only the Windows build has: this build cannot tell whether it is built
        for path in sorted((root / "tests").rglob("*")):
            if path.suffix in (".cpp", ".hpp", ".py"):
                text = path.read_text()
                found = {f"{suite}.{name}" for suite, name in GTEST.findall(text)
                         if not (suite + name).startswith("DISABLED_") and not name.startswith("DISABLED_")}
                self.tests |= found
                if path.stem.endswith("_windows"):
                    self.elsewhere |= found
                for requirement in MENTIONED.findall(text):
                    self.cited.setdefault(requirement, path)
            if path.name == "CMakeLists.txt" or path.suffix == ".cmake":
                self.tests |= set(ADD_TEST.findall(path.read_text()))
        self.built = None if build is None else built_tests(build)

    def exists(self, path):
        return (self.root / path).is_file()


def built_tests(build):
    """Names as ctest prints them, without the decoration of parameterised tests."""
    listing = subprocess.run(["ctest", "--show-only=json-v1"], cwd=build, capture_output=True, text=True, check=True).stdout
    names = set()
    for test in json.loads(listing)["tests"]:
        parts = test["name"].split("/")
        dotted = [part for part in parts if "." in part]
        names.add(dotted[0] if dotted else parts[0])
    return names


def check_schema(model, _):
    schema = json.loads((HERE / "schema.json").read_text())
    for error in jsonschema.Draft7Validator(schema).iter_errors(model):
        path, row = list(error.absolute_path), model
        for at, step in enumerate(path):  # a row is known by its id, not by its place
            row = row[step]
            if isinstance(row, dict) and "id" in row:
                path[at] = row["id"]
        yield f"{'/'.join(map(str, path)) or 'model'}: {error.message}"


def rows(model):
    """(where it stands, row) of everything that may name code, tests or requirements."""
    for kind in ("claims", "attacks", "boundaries"):
        for row in model[kind]:
            yield row["id"], row


def check_references(model, tree):
    for where, row in rows(model):
        for path in row.get("code", []):
            if not tree.exists(path):
                yield f"{where}: there is no file {path}"
        for requirement in row.get("requirements", []):
            if requirement not in tree.defined:
                yield f"{where}: docs/PROTOCOL.md has no {requirement}"
        yield from check_tests(where, row.get("tests", []), tree)
    for requirement, entry in model["requirements"].items():
        if requirement not in tree.defined:
            yield f"requirements: docs/PROTOCOL.md has no {requirement}"
        yield from check_tests(requirement, entry if isinstance(entry, list) else [], tree)


def check_tests(where, tests, tree):
    for test in tests:
        if test not in tree.tests:
            yield f"{where}: there is no test {test}"
        elif tree.built is not None and test not in tree.built and test not in tree.elsewhere:
            yield f"{where}: the test {test} is written, but this build does not run it"


def check_attacks(model, _):
    ids = [row["id"] for row in model["attacks"]]
    if ids != ATTACKS:
        missing, extra = sorted(set(ATTACKS) - set(ids)), sorted(set(ids) - set(ATTACKS))
        yield f"attacks: each of ATK-01 … ATK-28 once and in order (missing {missing}, unknown {extra})"
    actors = {actor["id"] for actor in model["actors"]}
    for row in model["attacks"]:
        if row["status"] == "tested" and not row["tests"]:
            yield f"{row['id']}: neither a test nor a written reason"
        for actor in set(row["actors"]) - actors:
            yield f"{row['id']}: there is no actor {actor}"


def check_requirements(model, tree):
    for requirement in sorted({r for r in tree.defined if tree.defined.count(r) > 1}):
        yield f"docs/PROTOCOL.md defines {requirement} twice"
    for requirement in sorted(tree.mentioned - set(tree.defined)):
        yield f"docs/PROTOCOL.md mentions {requirement}, which it does not define"
    for requirement, path in sorted(tree.cited.items()):
        if requirement not in tree.defined:
            yield f"{path.name} cites {requirement}, which docs/PROTOCOL.md does not define"
    covered = set(tree.cited)
    for row in model["attacks"]:
        if row["tests"]:
            covered |= set(row["requirements"])
    covered |= set(model["requirements"])
    for requirement in tree.defined:
        if requirement not in covered:
            yield f"{requirement} is cited by no test, mapped by no row, and has no written reason (model.yaml, requirements)"


def check_diagram(model, _):
    nodes = {node["id"] for zone in model["diagram"]["zones"] for node in zone["nodes"]}
    boundaries = {row["id"] for row in model["boundaries"]}
    shown = set()
    for flow in model["diagram"]["flows"]:
        for end in (flow["from"], flow["to"]):
            if end not in nodes:
                yield f"diagram: there is no node {end}"
        if "boundary" in flow:
            shown.add(flow["boundary"])
    for boundary in sorted(shown - boundaries):
        yield f"diagram: there is no boundary {boundary}"


def check_generated(model, tree):
    import render
    for path, text in render.outputs(model).items():
        if not tree.exists(path) or (tree.root / path).read_text() != text:
            yield f"{path} is not what model.yaml makes of it: run threat_model/render.py"


CHECKS = (check_schema, check_references, check_attacks, check_requirements, check_diagram, check_generated)


def mistakes(model, tree, checks=CHECKS):
    found = list(check_schema(model, tree))
    if found:  # nothing else can be asked of a model of another shape
        return found
    return [mistake for check in checks if check is not check_schema for mistake in check(model, tree)]


def covered_once(model):
    """A requirement that stands in its own list of tests and in no attack's."""
    of_attacks = {name for row in model["attacks"] for name in row["requirements"]}
    return next(name for name, tests in model["requirements"].items() if name not in of_attacks and isinstance(tests, list))


def planted(model):
    """(what was planted, a model with it, what must be said)."""
    def plant(what, wanted, change):
        bad = copy.deepcopy(model)
        change(bad)
        return what, bad, wanted

    def attack(bad, number):
        return next(row for row in bad["attacks"] if row["id"] == number)
    yield plant("a test that does not exist", "there is no test Atk18.NeverWritten",
                lambda bad: attack(bad, "ATK-18")["tests"].append("Atk18.NeverWritten"))
    yield plant("a ctest name that does not exist", "there is no test second_thoughts",
                lambda bad: bad["claims"][0]["tests"].append("second_thoughts"))
    yield plant("a requirement that does not exist", "has no PS-REC-99", lambda bad: attack(bad, "ATK-18")["requirements"].append("PS-REC-99"))
    yield plant("a file that does not exist", "there is no file protocol/hope.cpp",
                lambda bad: attack(bad, "ATK-18")["code"].append("protocol/hope.cpp"))
    yield plant("an attack without tests", "ATK-18", lambda bad: attack(bad, "ATK-18").update(tests=[]))
    yield plant("a planned attack without a reason", "'reason' is a required property", lambda bad: attack(bad, "ATK-16").update(status="planned"))
    yield plant("a missing attack", "is too short", lambda bad: bad["attacks"].pop())
    yield plant("attacks out of order", "in order", lambda bad: bad["attacks"].reverse())
    yield plant("an unknown field", "Additional properties", lambda bad: attack(bad, "ATK-18").update(severity="high"))
    yield plant("an unknown actor", "no actor ghost", lambda bad: attack(bad, "ATK-18")["actors"].append("ghost"))
    yield plant("a requirement that nothing covers", f"{covered_once(model)} is cited by no test",
                lambda bad: bad["requirements"].pop(covered_once(model)))
    yield plant("a flow to nowhere", "there is no node nowhere", lambda bad: bad["diagram"]["flows"][0].update(to="nowhere"))
    yield plant("a change that was not rendered", "run threat_model/render.py",
                lambda bad: attack(bad, "ATK-18").update(residual="Something else is left over"))


def self_test(model, tree):
    unfound = []
    tree.cited.pop(covered_once(model), None)
    for what, bad, wanted in planted(model):
        found = mistakes(bad, tree)
        if not any(wanted in mistake for mistake in found):
            unfound.append(f"planted {what}; wanted a line with {wanted!r}, got {found[:3]}")
    return unfound


def missing_tests(model, tree):
    """{attack: tests that bear its id and do not stand in its row}"""
    found = {}
    for row in model["attacks"]:
        mark = row["id"].replace("ATK-", "Atk")
        if missing := sorted(test for test in tree.tests if mark in test and test not in row["tests"]):
            found[row["id"]] = missing
    return found


def fill(text, missing):
    """model.yaml with more tests in its rows; everything else stays as it was written."""
    out, attack = [], None
    for line in text.splitlines(keepends=True):
        if start := re.match(r"  - id: (\S+)", line):
            attack = start.group(1)
        if line.startswith("    tests: [") and attack in missing:
            old = line.strip().removeprefix("tests: [").removesuffix("]")
            line = "    tests: [" + ", ".join(([old] if old else []) + missing[attack]) + "]\n"
        out.append(line)
    return "".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=HERE.parent)
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--suggest", action="store_true")
    parser.add_argument("--fill", action="store_true")
    arguments = parser.parse_args()
    sys.path.insert(0, str(HERE))
    model = yaml.safe_load((HERE / "model.yaml").read_text())
    tree = Tree(arguments.root, arguments.build)
    if arguments.suggest or arguments.fill:
        missing = missing_tests(model, tree)
        for attack, tests in missing.items():
            print("\n".join(f"{attack}: {test}" for test in tests))
        if arguments.fill:
            (HERE / "model.yaml").write_text(fill((HERE / "model.yaml").read_text(), missing))
        return 0
    found = self_test(model, tree) if arguments.self_test else mistakes(model, tree)
    for mistake in found:
        print(mistake)
    print(f"{len(model['attacks'])} attacks, {len(tree.defined)} requirements, {len(tree.tests)} tests: {len(found)} mistakes")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
