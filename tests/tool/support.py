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
ROOT = os.geteuid() == 0
NOBODY = 65534
DAEMON = 1
PATIENCE = 120  # seconds until a hung process fails the test; never a pause

# Most sanitizers replace mlock(2) by nothing, so that no limit is ever met.
needs_mlock = unittest.skipIf(os.environ.get("PENSTOCK_SANITIZED"), "this sanitizer replaces mlock(2) by nothing")
needs_root = unittest.skipUnless(ROOT, "needs root, to act as several users")


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
def small(program):
    """The program without what only debuggers read, a hundred times its size; made once, and linked into each test's directory."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="penstock-tool-", dir="/tmp"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    copy = place / pathlib.Path(program).name
    subprocess.run(["strip", "--strip-debug", "-o", copy, program], check=True)
    copy.chmod(0o755)
    return copy


class Case(unittest.TestCase):
    """Each test has a directory of its own, which other users may enter but not write."""

    def setUp(self):
        self.here = pathlib.Path(tempfile.mkdtemp(prefix="penstock-tool-", dir="/tmp"))
        self.here.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.here, ignore_errors=True)
        self.names = self.here / "names"
        self.names.mkdir(mode=0o755)
        # The build tree may be where other users cannot go.
        self.tool = self.place(small(TOOL))
        self.broker = self.place(small(BROKER))

    def place(self, program):
        path = self.here / program.name
        os.link(program, path)
        return str(path)

    def file(self, name, text, mode=0o644):
        path = self.here / name
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def run_tool(self, *arguments, user=None, stdin=b"", env=None, prefix=(), **more):
        command = [self.tool, *map(str, arguments)]
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
        self.assertFalse((self.names / f"{name}.sock").exists(), "the socket is still there")

    @contextlib.contextmanager
    def serving(self, *program, name="x", options=(), user=None, env=None, pass_fds=(), prefix=()):
        """`penstock serve`, from its ready line on; ended with SIGTERM unless the test did so."""
        ready, theirs = os.pipe()
        command = [self.tool, "serve", name, "--directory", str(self.names), "--ready-fd", str(theirs), *map(str, options),
                   "--", *program]
        if user is not None:
            command = as_user(user, command)
        command = [*prefix, *command]
        log = open(self.here / f"{name}.log", "wb+")
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=env,
                                  pass_fds=(theirs, *pass_fds))
        os.close(theirs)
        server.log = lambda: (self.here / f"{name}.log").read_text()
        try:
            with os.fdopen(ready, "rb") as line:
                self.assertEqual(line.readline(), b"ready\n", server.log())
            yield server
        finally:
            if server.poll() is None:
                server.send_signal(signal.SIGTERM)
            try:
                server.wait(PATIENCE)
            finally:
                server.kill()
                server.wait()
                server.stdout.close()
                log.close()
        self.assertEqual(server.returncode, 0, server.log())
        self.nothing_listens(name)

    def connect(self, *arguments, name="x", **more):
        return self.run_tool("connect", name, "--directory", self.names, *arguments, **more)


def events(path):
    """The events of an audit file."""
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]


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
