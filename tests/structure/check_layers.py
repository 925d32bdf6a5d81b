#!/usr/bin/python3
"""The rules of the repository that a compiler does not check.

    check_layers.py ROOT              layers, platform conditions, file lengths, public headers, machine paths, errors
    check_layers.py --self-test ROOT  plants each violation in memory and shows that it is found

Layers: crypto <- transports <- protocol <- tool (tests/structure/layers.py holds the table). Exit code 1 on any fault.
"""
import argparse
import pathlib
import re
import sys

import layers

SKIPPED_DIRECTORIES = {".git", ".cache", "__pycache__"}
# Directories that exist on someone's machine and nowhere else. Built from names, so that this file passes its own test.
MACHINE_ROOTS = ("home", "root", "Users", "work", "workspace", "builds", "mnt")
MACHINE_PATH = re.compile(r"(?<![\w.$})>~*/-])/(?:" + "|".join(MACHINE_ROOTS) + r")/[\w.-]+")
SCRATCH_PATH = re.compile(r"(?<![\w.$})-])/tmp/[a-z0-9]/")
DOC_EXCEPTIONS = re.compile(r"/home/(?:user|alice|bob|app)\b")


def repository_files(root):
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if SKIPPED_DIRECTORIES & set(relative.parts) or relative.parts[0].startswith("build") or not path.is_file() or path.is_symlink():
            continue
        yield relative.as_posix(), path


def text_faults(text, root):
    """Paths of one machine, in any text file: this checkout's own, or those of anybody's home."""
    own = str(root) + "/" if len(root.parts) > 2 else None
    for number, line in enumerate(text.splitlines(), 1):
        if own and own in line:
            yield number, "the absolute path of this checkout"
            continue
        for pattern in (MACHINE_PATH, SCRATCH_PATH):
            match = pattern.search(line)
            if match and not DOC_EXCEPTIONS.match(match.group(0)):
                yield number, f"{match.group(0)} is a path of one machine"


def error_faults(sources):
    """Enumerators of Error that no layer ever returns: a refusal that is promised and never made."""
    header = sources.get("include/penstock/error.hpp", "")
    body = re.search(r"enum class Error\s*\{(.*?)\n\};", header, re.S)
    if not body:
        return ["include/penstock/error.hpp: no `enum class Error` found"]
    code = re.sub(r"//[^\n]*", "", body.group(1))
    names = re.findall(r"^\s*(\w+)\s*=\s*\d+", code, re.M)
    users = "\n".join(text for path, text in sources.items()
                      if path.split("/")[0] in ("crypto", "transports", "protocol", "tool")
                      and not re.search(r"/(error\w*|closed_table)\.[ch]pp$", path))
    used = set(re.findall(r"\bError::(\w+)", users))
    unknown = sorted(used - set(names))
    return ([f"Error::{name} is never returned by crypto/, transports/, protocol/ or tool/" for name in names
             if name != "none" and name not in used]
            + [f"Error::{name} is used and not in include/penstock/error.hpp" for name in unknown])


def check(root):
    faults, sources = [], {}
    for name, path in repository_files(root):
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        faults += [f"{name}:{number}: {fault}" for number, fault in text_faults(text, root)]
        if path.suffix in layers.SUFFIXES and layers.area_of(name):
            sources[name] = text
            faults += [f"{name}:{number}: {fault}" for number, fault in layers.file_faults(name, text)]
    return faults, error_faults(sources), len(sources)


def self_test(root):
    long_file = "int x;\n" * (layers.LINE_LIMIT + 1)
    bad = [
        ("crypto/a.cpp", '#include "transports/carrier.hpp"\n'),
        ("crypto/a.cpp", '#include "penstock/channel.hpp"\n'),
        ("crypto/a.hpp", '#  include "protocol/session.hpp"\n'),
        ("transports/a.cpp", '#include "protocol/wire.hpp"\n'),
        ("protocol/a.cpp", '#include "tool/commands.hpp"\n'),
        ("protocol/a.cpp", '#include "tests/support/pair.hpp"\n'),
        ("tool/a.cpp", '#include "bench/timer.hpp"\n'),
        ("examples/broker/a.cpp", '#include "tests/support/pair.hpp"\n'),
        ("bench/a.cpp", '#include "tests/support/pair.hpp"\n'),
        ("protocol/a.cpp", '#include "session.hpp"\n'),
        ("examples/broker/a.cpp", '#include "protocol/session.hpp"\n'),
        ("protocol/a.cpp", "#ifdef _WIN32\n#endif\n"),
        ("protocol/a.cpp", "#if defined(__linux__) && 1\n#endif\n"),
        ("include/penstock/channel.hpp", '#include "protocol/session.hpp"\n'),
        ("include/penstock/channel.hpp", "#include <nlohmann/json.hpp>\n"),
        ("include/penstock/error.hpp", '#include "penstock/channel.hpp"\n'),
        ("include/penstock/channel.hpp", "#include <fmt/format.h>\n"),
        ("include/penstock/surprise.hpp", "\n"),
        ("protocol/a.cpp", long_file),
        ("include/platform/linux/penstock/native.hpp", '#include "penstock/channel.hpp"\n'),
        ("include/platform/windows/penstock/native.hpp", '#include "crypto/secret.hpp"\n'),
        ("include/platform/windows/penstock/native.hpp", "#include <fmt/format.h>\n"),
        ("include/platform/windows/penstock/surprise.hpp", "\n"),
        ("include/platform/linux/native.hpp", "\n"),
        ("include/platform/linux/penstock/deeper/native.hpp", "\n"),
    ]
    good = [
        ("crypto/a.cpp", '#include "crypto/aead.hpp"\n#include "penstock/result.hpp"\n#include <sodium.h>\n'),
        ("transports/a.cpp", '#include "crypto/secret.hpp"\n#include "penstock/identity.hpp"\n'),
        ("protocol/a.cpp", '#include "transports/carrier.hpp"\n#include "penstock/channel.hpp"\n'),
        ("tool/a.cpp", '#include "protocol/header.hpp"\n'),
        ("tests/crypto/a.cpp", '#include "crypto/aead.hpp"\n#include "helpers.hpp"\n'),
        ("tests/tool/a.cpp", '#include "examples/broker/vault.hpp"\n'),
        ("transports/pipe_linux.cpp", "#ifdef __linux__\n#endif\n"),
        ("include/platform/windows/penstock/native.hpp", '#include "penstock/error.hpp"\n#include <cstdint>\n'),
        ("include/platform/linux/penstock/native.hpp", "#ifdef __linux__\n#endif\n"),
        ("include/penstock/handle.hpp", '#include <penstock/native.hpp>\n'),
        ("transports/a.cpp", '#include "penstock/native.hpp"\n'),
        ("protocol/a.cpp", "int x;\n" * layers.LINE_LIMIT),
    ]
    header = "enum class Error {\n  none = 0,\n  lost = 1,  ///< why\n  kept = 2,\n};\n"
    use = "return Error::kept;"
    checks = [(f"{path}: {text.splitlines()[0] if text.strip() else 'new header'}", bool(layers.file_faults(path, text))) for path, text in bad]
    checks += [(f"accepts {path}: {text.splitlines()[0]}", not layers.file_faults(path, text)) for path, text in good]
    checks += [(f"finds /{name}/…", bool(list(text_faults(f'open("/{name}/someone/x")', root)))) for name in MACHINE_ROOTS]
    checks += [
        ("finds a scratch path", bool(list(text_faults("cd /tmp/" + "w/build", root)))),
        ("finds this checkout", len(root.parts) <= 2 or bool(list(text_faults(f"see {root}/x", root)))),
        ("accepts relative and system paths", not list(text_faults("tests/home/x ../work/y /run/penstock /usr/bin/env", root))),
        ("finds an error that nobody returns", any("lost" in fault for fault in error_faults(
            {"include/penstock/error.hpp": header, "protocol/a.cpp": use}))),
        ("accepts errors that are returned", not error_faults(
            {"include/penstock/error.hpp": header, "protocol/a.cpp": use, "crypto/b.cpp": "return Error::lost;"})),
    ]
    for title, ok in checks:
        print(f"{'ok  ' if ok else 'FAIL'} {title}")
    failed = sum(not ok for _, ok in checks)
    print(f"{len(checks)} checks, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    root = options.root.resolve()
    if options.self_test:
        return self_test(root)
    faults, errors, count = check(root)
    for fault in faults + errors:
        print(fault)
    print(f"{count} source files checked: {len(faults) + len(errors)} faults")
    return 1 if faults or errors or not count else 0


if __name__ == "__main__":
    sys.exit(main())
