"""serve, connect and call of the Windows build: the same promises as in serve_test.py and call_test.py, with fewer processes."""
import hashlib
import os
import subprocess
import unittest

from support import END, PATIENCE, RUNNER, Case, await_event, native, policy, rule, this_user


class Wrapping(Case):
    def setUp(self):
        super().setUp()
        self.program = self.wrapped()

    def call(self, *arguments, **more):
        return self.run_tool("call", self.name("x"), *arguments, **more)

    def start_peer(self):
        return subprocess.Popen([*RUNNER, self.tool, "connect", self.name("x")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)


class Streams(Wrapping):
    def test_bytes_there_and_back_are_the_same(self):
        data = os.urandom(3 << 20) + b"\r\n\x1a\n" * 100  # nothing of it is a line's end or an end of file
        with self.serving(self.program, "cat"):
            done = self.connect(stdin=data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(hashlib.sha256(done.stdout).digest(), hashlib.sha256(data).digest())

    def test_from_and_to_regular_files(self):
        data = os.urandom(1 << 20)
        (self.here / "in").write_bytes(data)
        with self.serving(self.program, "cat"), open(self.here / "in", "rb") as source, open(self.here / "out", "wb") as sink:
            done = self.connect(stdin=source, stdout=sink)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.here / "out").read_bytes(), data)

    def test_several_peers_side_by_side(self):
        with self.serving(self.program, "cat"):
            peers = [self.start_peer() for _ in range(4)]
            for number, peer in enumerate(peers):
                peer.stdin.write(str(number).encode() * 1000)
                peer.stdin.flush()
            for number, peer in reversed(list(enumerate(peers))):
                self.assertEqual(peer.communicate(timeout=PATIENCE)[0], str(number).encode() * 1000)

    def test_connect_wraps_a_program_too(self):
        heard = self.here / "heard"
        with self.serving(self.program, "exit", "0"):
            done = self.connect("--", self.program, "watch", native(heard))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(heard.read_text().split(), ["EOF"])


class Status(Wrapping):
    def test_exit_status_is_handed_on(self):
        for wanted, handed_on in ((["exit", "7"], 7), (["exit", "4711"], 255), (["fault"], 128 + 11)):
            with self.subTest(wanted), self.serving(self.program, *wanted):
                self.assertEqual(self.connect().returncode, handed_on)

    def test_programs_that_are_not_there_or_are_batch_files(self):
        self.refused(self.run_tool("serve", "x", "--", "no-such-program"), 3, "no-such-program")
        batch = self.file("x.bat", "echo hello\r\n")
        self.refused(self.run_tool("connect", "x", "--", batch), 3, "batch file")

    def test_no_directory(self):
        self.refused(self.run_tool("connect", "x", "--directory", self.names), 2, "directory")


class Atk21Hygiene(Wrapping):
    def variable(self, name, *options, **environment):
        with self.serving(self.program, "variable", name, options=options, env={**os.environ, **environment}):
            return self.connect().stdout.decode()

    def test_environment_is_the_declared_list_and_the_proof(self):
        self.assertEqual(self.variable("PENSTOCK_PEER_UID", PENSTOCK_PEER_UID="forged"), this_user())
        # Names of variables do not differ by case here: this one would stand for the proof.
        self.assertEqual(self.variable("PENSTOCK_PEER_KEY", "--env", "penstock_peer_key", PENSTOCK_PEER_KEY="forged"), "(not set)")
        self.assertEqual(self.variable("SECRET", SECRET="s"), "(not set)")
        self.assertEqual(self.variable("WANTED", "--env", "WANTED", WANTED="w"), "w")
        self.assertEqual(self.variable("PENSTOCK_PEER_STRENGTH"), "pinned")


class Ends(Wrapping):
    def saw(self):
        path = self.here / "saw"
        return path.read_text().split() if path.exists() else []

    def watching(self, *options):
        return self.serving(self.program, "watch", native(self.here / "saw"), options=options)

    def test_peer_killed_in_the_middle_is_no_end_of_input(self):
        # ATK-26 at the level of a stream: what was cut must not look whole.
        with self.watching("--audit", self.here / "audit") as server:
            peer = self.start_peer()
            self.assertEqual(peer.stdout.readline(), b"ready\n")
            peer.stdin.write(b"half")
            peer.stdin.flush()
            while not self.saw():
                os.sched_yield()
            peer.kill()
            peer.communicate()
            closed = await_event(lambda: server.poll() is None, self.here / "audit", lambda e: e["kind"] == "channel_closed")
            self.assertEqual(closed["reason"], "truncated")
        self.assertEqual(self.saw(), ["bytes"])

    def test_end_of_input_that_was_said_is_seen(self):
        with self.watching():
            self.assertEqual(self.connect(stdin=b"whole").returncode, 0)
        self.assertEqual(self.saw()[-1], "EOF")

    def test_asked_to_end_it_ends_programs_and_gives_peers_the_last_word(self):
        with self.watching() as server:
            peer = self.start_peer()
            self.assertEqual(peer.stdout.readline(), b"ready\n")
            server.send_signal(END)
            self.assertEqual(peer.wait(PATIENCE), 128 + 15)
            peer.communicate()
        self.assertEqual(self.saw(), [])


class Call(Wrapping):
    def test_answers(self):
        only = self.file("p.toml", policy(rule("me", [this_user()], operations=["exit-status"])))
        with self.serving(self.program, "exit", "3", options=["--policy", only]):
            done = self.call("exit-status", "--data", "")
            self.assertEqual((done.returncode, done.stdout), (0, b"exited 3"), done.stderr)
            self.refused(self.call("nonsense", "--data", ""), 11)
        self.refused(self.call("exit-status", "--data", ""), 5)

    def test_other_operations_and_requests_of_any_origin(self):
        with self.serving(self.program, "cat"):
            for how in ({"stdin": b"x" * 100000}, {}):
                done = self.call("nonsense", *([] if how else ["--file", self.file("r", "x")]), **how)
                self.assertEqual((done.returncode, b"only exit-status" in done.stdout), (1, True), done.stderr)
            self.refused(self.call("nonsense", "--file", self.here / "missing"), 9, "missing")


if __name__ == "__main__":
    unittest.main()
