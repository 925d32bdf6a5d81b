#!/usr/bin/python3
"""Reads the programs for Windows back: is what the linker was asked for really in them?

    check_windows.py --source DIR --build DIR --list FILE     FILE has one executable a line (cmake writes executables.txt)
    check_windows.py --self-test --cxx COMPILER               shows that it can say no

Those that are not built are skipped and named. Exit code 1 on any fault.
"""
import argparse
import pathlib
import struct
import subprocess
import sys
import tempfile

import check_hardening
import pe

HARDENED = ["-Wl,--dynamicbase", "-Wl,--nxcompat", "-Wl,--high-entropy-va", "-static"]
# What is given up -> (flag taken out, flags put in, the fault that must be found). binutils 2.36 and later set the first three
# by themselves, so that leaving them out is not enough.
GIVEN_UP = {
    "--disable-dynamicbase": ("-Wl,--dynamicbase", ["-Wl,--disable-dynamicbase"], "dynamic-base"),
    "--disable-nxcompat": ("-Wl,--nxcompat", ["-Wl,--disable-nxcompat"], "nx-compat"),
    "--disable-high-entropy-va": ("-Wl,--high-entropy-va", ["-Wl,--disable-high-entropy-va"], "high-entropy-va"),
    "--disable-reloc-section": ("", ["-Wl,--disable-reloc-section"], "relocations"),
    "the compiler's DLLs": ("-static", [], "imports-libstdc++-6.dll"),
}

# -fstack-clash-protection and position independence are what this compiler does anyway.
FLAGS = ("-D_GLIBCXX_ASSERTIONS", "-D_FORTIFY_SOURCE=3", "-fstack-protector-strong", "-Werror")


def flag_faults(flags):
    return [f"missing {flag}" for flag in FLAGS if flag not in flags] + [f"has {flag}" for flag in check_hardening.FORBIDDEN if flag in flags]


def faults_of(path):
    try:
        return pe.linked_faults(pe.Pe(path.read_bytes()))
    except (ValueError, struct.error) as fault:
        return [f"unreadable: {fault}"]


def check(listed, commands):
    faults = [f"{file}: {fault}" for file, flags, _ in commands for fault in flag_faults(flags)]
    seen = 0
    for path in (pathlib.Path(line) for line in listed.read_text().splitlines() if line):
        if not path.exists():
            print(f"skipped, not built: {path.name}")
            continue
        seen += 1
        faults += [f"{path}: {fault}" for fault in faults_of(path)]
    print("\n".join(faults + [f"{len(commands)} sources, {seen} programs checked: {len(faults)} faults"]))
    return 1 if faults or not seen or not commands else 0


def self_test(cxx):
    checks = failures = 0

    def expect(title, ok, found):
        nonlocal checks, failures
        checks, failures = checks + 1, failures + (not ok)
        print(f"{'ok  ' if ok else 'FAIL'} {title}: {', '.join(found) if found else 'no fault found'}")

    with tempfile.TemporaryDirectory() as directory:
        source, program = pathlib.Path(directory, "program.cpp"), pathlib.Path(directory, "program.exe")
        source.write_text("#include <iostream>\nint main(int count, char**) { std::cout << count; }\n")
        subprocess.run([cxx, "-O1", "-c", source, "-o", f"{directory}/program.o"], check=True)

        def build(flags):
            subprocess.run([cxx, f"{directory}/program.o", *flags, "-o", program], check=True)
            return faults_of(program)

        for title, (out, extra, fault) in GIVEN_UP.items():
            found = build([flag for flag in HARDENED if flag != out] + extra)
            expect(f"{title} is refused", fault in found, found)
        found = build(HARDENED)
        expect("hardened program is accepted", not found, found)
        # No linker flag makes code writable, so the header of its section is changed.
        data = bytearray(program.read_bytes())
        for header in pe.Pe(data).section_headers:
            flags = struct.unpack_from("<I", data, header + 36)[0]
            if flags & 0x20000000:
                struct.pack_into("<I", data, header + 36, flags | 0x80000000)
        program.write_bytes(data)
        expect("a writable code section is refused", "writable-code" in faults_of(program), faults_of(program))
        program.write_bytes(data[:256])
        expect("a cut program is refused", faults_of(program)[0].startswith("unreadable"), faults_of(program))
        expect("a program that is none is refused", faults_of(source)[0].startswith("unreadable"), faults_of(source))
        empty = pathlib.Path(directory, "list")
        empty.write_text(f"{directory}/nothing.exe\n")
        expect("nothing built is refused", check(empty, [(source, FLAGS, program)]) == 1, [])
        empty.write_text(f"{program}\n")
        build(HARDENED)
        expect("a hardened program and its flags are accepted", check(empty, [(source, FLAGS, program)]) == 0, [])
    for flag in FLAGS:
        found = flag_faults([other for other in FLAGS if other != flag])
        expect(f"flags without {flag} are refused", bool(found), found)
    found = flag_faults(FLAGS + ("-fno-stack-protector",))
    expect("a flag taken back is refused", bool(found), found)
    print(f"{checks} checks, {failures} failed")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--list", type=pathlib.Path)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--cxx")
    options = parser.parse_args()
    if options.self_test and options.cxx:
        return self_test(options.cxx)
    if not (options.source and options.build and options.list):
        parser.error("--source, --build and --list are needed, or --self-test and --cxx")
    return check(options.list, list(check_hardening.our_commands(options.build, options.source)))


if __name__ == "__main__":
    sys.exit(main())
