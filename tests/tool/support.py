"""What the tests of the command share. Nothing waits for time to pass: every wait is for a line, an end or an event."""
import atexit
import contextlib
import functools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

TOOL = os.environ["PENSTOCK"]
BROKER = os.environ["PENSTOCK_FILE_BROKER"]
DOCS = pathlib.Path(os.environ["PENSTOCK_DOCS"])
# The Windows build runs under Wine: the same tests, but for those of what only POSIX has. Starting a program costs half a second.
WINDOWS = TOOL.endswith(".exe")
RUNNER = [os.environ["PENSTOCK_RUNNER"]] if WINDOWS else []
ROOT = os.geteuid() == 0 and not WINDOWS
if WINDOWS:
    os.environ["LC_ALL"] = "C.UTF-8"  # what Wine makes an argument's letters of
NOBODY = 65534
DAEMON = 1
END = signal.SIGINT if WINDOWS else signal.SIGTERM  # Wine makes of SIGINT the Ctrl-C that asks a Windows program to end
PATIENCE = 120  # seconds until a hung process fails the test; never a pause

# Most sanitizers replace mlock(2) by nothing, so that no limit is ever met.
needs_mlock = unittest.skipIf(os.environ.get("PENSTOCK_SANITIZED"), "this sanitizer replaces mlock(2) by nothing")
needs_root = unittest.skipUnless(ROOT, "needs root, to act as several users")


def posix_only(reason):
    """Of a test, or of all tests of a case."""
    return unittest.skipIf(WINDOWS, f"POSIX alone: {reason}")


windows_only = unittest.skipUnless(WINDOWS, "Windows alone")


def user(number):
    """A user that is not this one, as rules name it."""
    return f"S-1-5-21-1-2-3-{number}" if WINDOWS else number


def as_user(uid, command):
    """The same command as another user, with no right left."""
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *command]


def policy(*rules):
    """A policy's text. Each rule is a dict of values that are TOML already, but for lists and plain text."""
    text = "version = 1\n"
    for rule in rules:
        text += "\n[[rule]]\n"
        for key in sorted(rule, key=lambda k: (k == "operations", k)):
            value = rule[key]
            text += f"{key} = {json.dumps(value)}\n"
    return text


def rule(name="peer", users=None, trust="os-identity", operations=("*",), **more):
    out = {"name": name, "trust": trust, "operations": list(operations), **more}
    if users is not None:
        out["users"] = list(users)
    return out


@functools.cache
def drive_c():
    """Where Wine keeps its drive C:. Tests write there, since no other user may: what stands on Z: inherits the world's rights."""
    prefix = pathlib.Path(os.environ.get("PENSTOCK_WINEPREFIX") or pathlib.Path(RUNNER[0]).resolve().parent.parent / "build" / "wine")
    # Makes it where there is none, and keeps it running, so that each program starts in half a second.
    # (It may be kept by somebody else already. What stays running must not hold a pipe of ours.)
    subprocess.run([*RUNNER, "--keep"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return prefix / "drive_c"


def native(path):
    """A path as the program under test has it."""
    if not WINDOWS:
        return str(path)
    return "C:\\" + str(pathlib.Path(path).relative_to(drive_c())).replace("/", "\\")


@functools.cache
def this_user():
    """This user as rules and events name it."""
    if not WINDOWS:
        return os.geteuid()
    done = subprocess.run([*RUNNER, TOOL, "doctor", "--json"], stdin=subprocess.DEVNULL, capture_output=True)
    return json.loads(done.stdout)["user"]


@functools.cache
def small(program):
    """The program without what only debuggers read, a hundred times its size; made once, and linked into each test's directory."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="penstock-tool-", dir=drive_c() if WINDOWS else "/tmp"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    copy = place / pathlib.Path(program).name
    strip = "x86_64-w64-mingw32-strip" if WINDOWS else "strip"
    subprocess.run([strip, "--strip-debug", "-o", copy, program], check=True)
    copy.chmod(0o755)
    return copy


class Case(unittest.TestCase):
    """Each test has a directory of its own, which other users may enter but not write."""

    def setUp(self):
        self.here = pathlib.Path(tempfile.mkdtemp(prefix="penstock-tool-", dir=drive_c() if WINDOWS else "/tmp"))
        self.here.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.here, ignore_errors=True)
        self.names = self.here / "names"
        self.names.mkdir(mode=0o755)
        # The build tree may be where other users cannot go.
        self.tool = self.place(small(TOOL))
        self.broker = self.place(small(BROKER))

    def place(self, program):
        path = self.here / program.name
        if not path.exists():
            os.link(program, path)
        return str(path)

    def wrapped(self):
        """A program of the tests' own to be wrapped (wrapped_windows.cpp)."""
        return native(self.place(small(os.environ["PENSTOCK_WRAPPED"])))

    def file(self, name, text, mode=0o644):
        path = self.here / name
        path.write_text(text)
        path.chmod(mode)
        return native(path)

    def run_tool(self, *arguments, user=None, stdin=b"", env=None, prefix=(), **more):
        command = [*RUNNER, self.tool, *map(self.word, arguments)]
        if user is not None:
            command = as_user(user, command)
        command = [*prefix, *command]
        if "stdout" not in more:
            more["stdout"] = subprocess.PIPE
        if not hasattr(stdin, "fileno") and not isinstance(stdin, int):
            more["input"] = stdin
        else:
            more["stdin"] = stdin
        return subprocess.run(command, stderr=subprocess.PIPE, timeout=PATIENCE, env=env, **more)

    @staticmethod
    def word(argument):
        """An argument of the command; paths as the program has them."""
        return native(argument) if isinstance(argument, pathlib.Path) else str(argument)

    def at(self):
        """Options that say where names stand. Windows has one place for all of them, so that names tell tests apart."""
        return [] if WINDOWS else ["--directory", str(self.names)]

    def name(self, name):
        return f"{name}-{self.here.name[-8:]}" if WINDOWS else name

    def refused(self, done, code, *words):
        """One sentence for people with these words in it, this exit code, and no answer."""
        said = done.stderr.decode()
        self.assertEqual(done.returncode, code, said)
        # An instrumented build complains in its own words where its profile meets the same full disk.
        lines = [line for line in said.splitlines() if not line.startswith(("penstock: note:", "LLVM Profile "))]
        self.assertEqual(len(lines), 1, said)
        self.assertTrue(lines[0].startswith("penstock: "), said)
        for word in words:
            self.assertIn(word, lines[0])
        # What to do stands after the reason: a sentence of two halves.
        self.assertRegex(lines[0], r"[;:,.] ")
        return lines[0]

    def nothing_listens(self, name):
        if WINDOWS:
            return  # a name goes with the process that has it
        self.assertFalse((self.names / f"{name}.sock").exists(), "the socket is still there")

    @contextlib.contextmanager
    def serving(self, *program, name="x", options=(), user=None, env=None, pass_fds=(), prefix=()):
        """`penstock serve`, from its ready line on; ended with SIGTERM unless the test did so."""
        ready, theirs = os.pipe()
        command = [*RUNNER, self.tool, "serve", self.name(name), *self.at(), "--ready-fd", "1" if WINDOWS else str(theirs),
                   *map(self.word, options), "--", *program]
        if user is not None:
            command = as_user(user, command)
        command = [*prefix, *command]
        log = open(self.here / f"{name}.log", "wb+")
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs if WINDOWS else subprocess.PIPE, stderr=log, env=env,
                                  pass_fds=(theirs, *pass_fds))
        os.close(theirs)
        server.log = lambda: (self.here / f"{name}.log").read_text()
        try:
            with os.fdopen(ready, "rb") as line:
                self.assertEqual(line.readline(), b"ready\n", server.log())
            yield server
        finally:
            if server.poll() is None:
                server.send_signal(END)
            try:
                server.wait(PATIENCE)
            finally:
                server.kill()
                server.wait()
                if server.stdout:
                    server.stdout.close()
                log.close()
        self.assertEqual(server.returncode, 0, server.log())
        self.nothing_listens(name)

    def connect(self, *arguments, name="x", **more):
        return self.run_tool("connect", self.name(name), *self.at(), *arguments, **more)


def events(path):
    """The events of an audit file. Of a line that is being written only the beginning may be there yet."""
    return [json.loads(line) for line in pathlib.Path(path).read_bytes().split(b"\n")[:-1]]


def await_event(server_alive, path, wanted):
    """The first event for which `wanted` holds. Looks again whenever the file may have changed, as long as its writer lives."""
    while True:
        alive = server_alive()
        with contextlib.suppress(FileNotFoundError):
            for event in events(path):
                if wanted(event):
                    return event
        if not alive:
            raise AssertionError(f"the writer ended without the event: {path}")
        os.sched_yield()
