"""What readelf says of one ELF file, and the properties a hardened binary must have."""
import re
import subprocess


def readelf(path, *options):
    run = subprocess.run(["readelf", "-W", *options, path], capture_output=True, text=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    if run.returncode != 0:
        raise SystemExit(f"readelf cannot read {path}: {run.stderr.strip()}")
    return run.stdout


class Elf:
    def __init__(self, path):
        self.path = str(path)
        self.header = readelf(self.path, "-h")
        self.segments = readelf(self.path, "-l")
        self.dynamic = readelf(self.path, "-d")
        self.notes = readelf(self.path, "-n")
        self.undefined = set(re.findall(r"\bUND\s+([^\s@]+)", readelf(self.path, "--dyn-syms")))

    def machine(self):
        return re.search(r"Machine:\s+(.+)", self.header).group(1).strip()


def cet_marked(notes):
    return bool(re.search(r"x86 feature:.*\bIBT\b", notes) and re.search(r"x86 feature:.*\bSHSTK\b", notes))


# FORTIFY replaces these always, whatever it knows of the buffer (GCC; clang's FORTIFY has no checked printf family).
# For memcpy, read and the like, an unchecked call only means that the size is not known, so nothing follows from it.
ALWAYS_FORTIFIED = {"printf", "fprintf", "vprintf", "vfprintf", "dprintf", "vdprintf", "syslog", "vsyslog",
                    "longjmp", "_longjmp", "siglongjmp"}
COMMON_CHECKED = re.compile(r"^__\w+_chk$")


def linked_faults(elf):
    """Names of the properties that a linked program lacks, whoever compiled its parts."""
    faults = []
    if "DYN (" not in elf.header or "INTERP" not in elf.segments or not re.search(r"FLAGS_1\).*\bPIE\b", elf.dynamic):
        faults.append("pie")
    if not re.search(r"^\s+GNU_RELRO\b", elf.segments, re.M):
        faults.append("relro")
    if not re.search(r"BIND_NOW|FLAGS_1\).*\bNOW\b", elf.dynamic):
        faults.append("bind-now")
    stack = re.search(r"^\s+GNU_STACK\s+(?:0x\S+\s+){5}(.*?)\s+0x", elf.segments, re.M)
    if not stack or "E" in stack.group(1):
        faults.append("noexecstack")
    for flags in re.findall(r"^\s+LOAD\s+(?:0x\S+\s+){5}(.*?)\s+0x", elf.segments, re.M):
        if "W" in flags and "E" in flags:
            faults.append("writable-code")
    if re.search(r"\((RPATH|RUNPATH)\)", elf.dynamic):
        faults.append("no-rpath")
    if re.search(r"\(TEXTREL\)|FLAGS\).*\bTEXTREL\b", elf.dynamic):
        faults.append("no-textrel")
    if "__stack_chk_fail" not in elf.undefined:
        faults.append("stack-protector")
    return faults


def fortify_faults(elf, compiler_is_gnu):
    """For a program that is large enough to have checked calls, and has no unfortified static library in it."""
    faults = []
    if not any(COMMON_CHECKED.match(name) and name != "__stack_chk_fail" for name in elf.undefined):
        faults.append("fortify")
    if compiler_is_gnu:
        faults += [f"unfortified-{name}" for name in sorted(elf.undefined & ALWAYS_FORTIFIED)]
    return faults


def object_faults(path, machine):
    """Control-flow protection is read from our object files: Debian 12's own start-up objects (Scrt1.o, crti.o) do
    not carry the mark, so the linker has to drop it from every linked program."""
    if "X86-64" in machine and not cet_marked(readelf(path, "-n")):
        return ["cf-protection"]
    return []
