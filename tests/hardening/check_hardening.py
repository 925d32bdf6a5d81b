#!/usr/bin/python3
"""Reads the built binaries back: is what the flags promise really in them?

    check_hardening.py --source DIR --build DIR [--tool FILE] --compiler-id GNU|Clang [--list FILE]

--list names a file with one executable a line (cmake writes executables.txt); those that are not built are skipped
and named. --tool is the executable whose libc calls are looked at for FORTIFY. Exit code 1 on any fault.
"""
import argparse
import json
import pathlib
import shlex
import sys

import elf

OURS = ("crypto", "transports", "protocol", "tool", "examples", "tests", "fuzz", "bench")
FLAGS = ("-D_GLIBCXX_ASSERTIONS", "-D_FORTIFY_SOURCE=3", "-fstack-protector-strong", "-fstack-clash-protection", "-Werror")
X86_FLAGS = ("-fcf-protection=full",)
# What a later flag may not take back.
FORBIDDEN = ("-fno-stack-protector", "-fno-stack-clash-protection", "-fcf-protection=none", "-D_FORTIFY_SOURCE=0", "-Wno-error", "-w",
             "-fno-pie", "-fno-PIE", "-U_GLIBCXX_ASSERTIONS")


def flag_faults(flags, x86):
    missing = [f"missing {flag}" for flag in FLAGS + (X86_FLAGS if x86 else ()) if flag not in flags]
    if not {"-fPIC", "-fPIE"} & set(flags):
        missing.append("missing -fPIE or -fPIC")
    return missing + [f"has {flag}" for flag in FORBIDDEN if flag in flags]


def our_commands(build, source):
    """(source file, flags, object file) of everything in compile_commands.json that lies in our directories."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if build.resolve() in file.parents or not any((source / area).resolve() in file.parents for area in OURS):
            continue
        flags = entry["arguments"] if "arguments" in entry else shlex.split(entry["command"])
        output = entry.get("output") or flags[flags.index("-o") + 1]
        yield file, flags, pathlib.Path(entry["directory"], output)


def check_compilation(build, source, report):
    commands = list(our_commands(build, source))
    built = [output for _, _, output in commands if output.exists()]
    if not built:
        report(build, "compile_commands.json names no object file of ours that is built: there is nothing to check")
        return len(commands), 0
    machine = elf.Elf(built[0]).machine()
    for file, flags, _ in commands:
        for fault in flag_faults(flags, x86="X86-64" in machine):
            report(file, fault)
    for output in built:
        for fault in elf.object_faults(str(output), machine):
            report(output, fault)
    return len(commands), len(built)


def check_binaries(paths, tool, compiler_id, report):
    seen = 0
    for path in paths:
        if not path.exists():
            print(f"skipped, not built: {path.name}")
            continue
        seen += 1
        binary = elf.Elf(path)
        faults = elf.linked_faults(binary)
        if tool and path == tool:
            faults += elf.fortify_faults(binary, compiler_id == "GNU")
        for fault in faults:
            report(path, fault)
    if not seen:
        report("executables", "none is built: there is nothing to check")
    return seen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--list", type=pathlib.Path, required=True)
    parser.add_argument("--tool", type=pathlib.Path)
    parser.add_argument("--compiler-id", required=True)
    options = parser.parse_args()

    faults = []

    def report(where, what):
        faults.append(f"{where}: {what}")

    sources, objects = check_compilation(options.build, options.source, report)
    paths = [pathlib.Path(line) for line in options.list.read_text().splitlines() if line]
    binaries = check_binaries(paths, options.tool, options.compiler_id, report)
    for fault in faults:
        print(fault)
    print(f"{sources} sources, {objects} objects, {binaries} binaries checked: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
