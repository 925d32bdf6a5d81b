#!/usr/bin/python3
"""Installs into a scratch prefix, then builds and runs programs against it as a user would.

    check_install.py --build DIR --source DIR --scratch DIR --cxx COMPILER [--tool]

By find_package and by pkg-config (with and without --static): tests/install/consumer/smoke.cpp, and the examples that
docs/EMBEDDING.md shows. Where the page has `server` and `client`, they are run against one another.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

WAIT = 60  # seconds; a limit for what hangs, not a measure


def run(*command, **options):
    command = [str(word) for word in command]
    print("+ " + " ".join(command), flush=True)
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1200, **options)
    if done.returncode != 0:
        raise SystemExit(f"{done.stdout}\nfailed with {done.returncode}: {' '.join(command)}")
    return done.stdout


def expect_files(prefix, tool):
    wanted = ["include/penstock/channel.hpp", "include/penstock/error.hpp", "share/doc/penstock/LICENSE",
              "lib*/**/libpenstock.*", "lib*/**/PenstockConfig.cmake", "lib*/**/PenstockConfigVersion.cmake",
              "lib*/**/PenstockTargets.cmake", "lib*/**/penstock.pc"] + (["bin/penstock"] if tool else [])
    missing = [pattern for pattern in wanted if not list(prefix.glob(pattern))]
    if missing:
        raise SystemExit(f"not installed: {', '.join(missing)}")
    internal = [path for path in prefix.glob("include/**/*") if path.is_file() and path.parent.name != "penstock"]
    if internal:
        raise SystemExit(f"installed, but not public: {internal}")


def expect_relocatable(prefix, source, build):
    """What is installed must not point back into the source or build tree."""
    for path in [*prefix.glob("lib*/**/*.cmake"), *prefix.glob("lib*/**/*.pc")]:
        text = path.read_text()
        for place in (source, build):
            if str(place) + "/" in text.replace(str(prefix), ""):
                raise SystemExit(f"{path} points into {place}")


def listens(process):
    """Whether a Unix socket of this process takes connections: proc(5), with the flag __SO_ACCEPTCON of the kernel."""
    try:
        held = {os.readlink(entry) for entry in pathlib.Path(f"/proc/{process.pid}/fd").iterdir()}
    except FileNotFoundError:  # one that was closed meanwhile, or the process: the next look tells
        return False
    rows = [line.split() for line in pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]]
    return any(f"socket:[{row[6]}]" in held and int(row[3], 16) & 0x10000 for row in rows)


def wait_until_it_listens(server):
    while not listens(server):
        if server.poll() is not None:
            raise SystemExit(f"the example server ended with {server.returncode} before it listened:\n{server.communicate()[0]}")
        os.sched_yield()


def run_pair(directory):
    """The two example programs, in a runtime directory of their own."""
    with tempfile.TemporaryDirectory(prefix="penstock-") as runtime:
        environment = {**os.environ, "XDG_RUNTIME_DIR": runtime}
        server = subprocess.Popen([directory / "server"], env=environment, text=True, cwd=runtime,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            wait_until_it_listens(server)
            print(run(directory / "client", env=environment, cwd=runtime))
            if server.wait(WAIT) != 0:  # it serves one peer
                raise SystemExit(f"the example server ended with {server.returncode}:\n{server.communicate()[0]}")
        finally:
            server.kill()
            server.communicate()


def run_programs(directory, programs):
    print(run(directory / "smoke"))
    if {"server", "client"} <= set(programs):
        run_pair(directory)


def by_find_package(options, prefix, examples, programs):
    build = options.scratch / "find_package"
    run("cmake", "-S", options.source / "tests/install/consumer", "-B", build, "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={options.cxx}",
        f"-DCMAKE_PREFIX_PATH={prefix}", f"-DPENSTOCK_PREFIX={prefix}", f"-DEXAMPLES={examples}", "-DCMAKE_BUILD_TYPE=Release",
        *([f"-DCMAKE_CXX_COMPILER_LAUNCHER={shutil.which('ccache')}"] if shutil.which("ccache") else []))
    run("cmake", "--build", build, "-j", "2")
    run_programs(build, programs)


def by_pkg_config(options, prefix, programs):
    pc = next(iter(prefix.glob("lib*/**/penstock.pc")))
    environment = {**os.environ, "PKG_CONFIG_PATH": str(pc.parent)}
    for extra in ([], ["--static"]):
        flags = run("pkg-config", *extra, "--cflags", "--libs", "penstock", env=environment).split()
        build = options.scratch / ("pkg-config" + "".join(extra))
        build.mkdir()
        if extra:  # the static link line differs only in libraries: one program shows it
            programs = {"smoke": programs["smoke"]}
        for name, source in programs.items():
            run(options.cxx, "-std=c++20", "-O1", source, *flags, "-o", build / name)
        run_programs(build, programs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("build", "source", "scratch"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--cxx", required=True)
    parser.add_argument("--tool", action="store_true")
    options = parser.parse_args()
    shutil.rmtree(options.scratch, ignore_errors=True)
    prefix, examples = options.scratch / "prefix", options.scratch / "examples"
    examples.mkdir(parents=True)

    run("cmake", "--install", options.build, "--prefix", prefix)
    expect_files(prefix, options.tool)
    expect_relocatable(prefix, options.source, options.build)
    if options.tool:
        print(run(prefix / "bin/penstock", "--version"))

    page = options.source / "docs/EMBEDDING.md"
    if page.exists():
        run(sys.executable, options.source / "scripts/extract_examples.py", page, examples, "--require", "server", "--require", "client")
    programs = {path.stem: path for path in [options.source / "tests/install/consumer/smoke.cpp", *examples.glob("*.cpp")]}
    by_find_package(options, prefix, examples, programs)
    by_pkg_config(options, prefix, programs)
    print(f"installed, and built and ran {', '.join(sorted(programs))} by find_package and by pkg-config")
    return 0


if __name__ == "__main__":
    sys.exit(main())
