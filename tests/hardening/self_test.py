#!/usr/bin/python3
"""Shows that check_hardening can say no: a small program is compiled hardened, then once for each property without it.

    self_test.py --cxx COMPILER --compiler-id GNU|Clang
"""
import argparse
import pathlib
import platform
import struct
import subprocess
import sys
import tempfile

import check_hardening
import elf

PROGRAM = r"""
#include <cstdio>
#include <cstring>
#include <unistd.h>
int main(int count, char** words) {
  char text[64];
  std::strcpy(text, words[count - 1]);
  if (read(0, text, static_cast<unsigned>(count)) < 0) return 1;
  return std::fprintf(stdout, "%s %d\n", text, count) < 0;
}
"""
COMPILE = ["-std=c++20", "-O2", "-fPIE", "-fstack-protector-strong", "-fstack-clash-protection", "-fcf-protection=full",
           "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3", "-D_GLIBCXX_ASSERTIONS", "-Werror"]
LINK = ["-pie", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack", "-Wl,-z,separate-code"]

# What is given up -> (flags taken out, flags put in, the fault that must be found)
LINKED = {
    "-no-pie": (["-fPIE", "-pie"], ["-fno-pie", "-no-pie"], "pie"),
    "-z norelro": (["-Wl,-z,relro"], ["-Wl,-z,norelro"], "relro"),
    "-z lazy": (["-Wl,-z,now"], ["-Wl,-z,lazy"], "bind-now"),
    "-z execstack": (["-Wl,-z,noexecstack"], ["-Wl,-z,execstack"], "noexecstack"),
    "a run path": ([], ["-Wl,-rpath,/opt/somewhere"], "no-rpath"),
    "text relocations": (["-fPIE"], ["-fno-pie", "-mcmodel=large", "-Wl,-z,notext"], "no-textrel"),
    "no stack protector": (["-fstack-protector-strong"], ["-fno-stack-protector"], "stack-protector"),
    "no FORTIFY": (["-D_FORTIFY_SOURCE=3"], [], "fortify"),
}
X86_ONLY = ("text relocations",)


def make_code_writable(path):
    """No linker flag does this to a program that still loads shared libraries, so the program header is changed."""
    data = bytearray(path.read_bytes())
    offset, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    for at in range(offset, offset + size * count, size):
        kind, flags = struct.unpack_from("<II", data, at)
        if kind == 1 and flags & 1:  # PT_LOAD, PF_X
            struct.pack_into("<I", data, at + 4, flags | 2)
    path.write_bytes(data)


class Case:
    def __init__(self, cxx, compiler_id, directory):
        self.cxx, self.gnu, self.directory = cxx, compiler_id == "GNU", pathlib.Path(directory)
        (self.directory / "program.cpp").write_text(PROGRAM)

    def build(self, compile_flags, link_flags):
        target, output = self.directory / "program", self.directory / "program.o"
        for command in ([self.cxx, *compile_flags, "-c", self.directory / "program.cpp", "-o", output],
                        [self.cxx, *link_flags, output, "-o", target]):
            subprocess.run(list(map(str, command)), check=True)
        binary = elf.Elf(target)
        return elf.linked_faults(binary) + elf.fortify_faults(binary, self.gnu) + elf.object_faults(str(output), binary.machine())

    def without(self, out, extra):
        keep = lambda flags: [flag for flag in flags if flag not in out]
        compile_extra = [flag for flag in extra if not flag.startswith("-Wl,") and flag != "-no-pie"]
        link_extra = [flag for flag in extra if flag.startswith("-Wl,") or flag == "-no-pie"]
        return self.build(keep(COMPILE) + compile_extra, keep(LINK) + link_extra)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cxx", required=True)
    parser.add_argument("--compiler-id", required=True)
    options = parser.parse_args()
    x86 = platform.machine() == "x86_64"
    if not x86:
        COMPILE.remove("-fcf-protection=full")
    failures = checks = 0

    def expect(title, ok, found):
        nonlocal failures, checks
        checks += 1
        failures += not ok
        print(f"{'ok  ' if ok else 'FAIL'} {title}: {', '.join(found) if found else 'no fault found'}")

    with tempfile.TemporaryDirectory() as directory:
        case = Case(options.cxx, options.compiler_id, directory)
        found = case.build(COMPILE, LINK)
        expect("hardened program is accepted", not found, found)
        for title, (out, extra, fault) in LINKED.items():
            if x86 or title not in X86_ONLY:
                found = case.without(out, extra)
                expect(f"{title} is refused", fault in found, found)
        case.build(COMPILE, LINK)
        make_code_writable(case.directory / "program")
        found = elf.linked_faults(elf.Elf(case.directory / "program"))
        expect("a writable code segment is refused", "writable-code" in found, found)
        if x86:
            found = case.without(["-fcf-protection=full"], ["-fcf-protection=none"])
            expect("no control-flow protection is refused", "cf-protection" in found, found)
        if case.gnu:
            found = case.without(["-D_FORTIFY_SOURCE=3"], [])
            expect("plain fprintf is refused", "unfortified-fprintf" in found, found)

    good = COMPILE
    expect("the flags are accepted", not check_hardening.flag_faults(good, x86), [])
    for flag in check_hardening.FLAGS + (check_hardening.X86_FLAGS if x86 else ()):
        found = check_hardening.flag_faults([other for other in good if other != flag], x86)
        expect(f"flags without {flag} are refused", bool(found), found)
    for flag in check_hardening.FORBIDDEN:
        found = check_hardening.flag_faults(good + [flag], x86)
        expect(f"flags with {flag} are refused", bool(found), found)
    print(f"{checks} checks, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
