"""The worked example: what its own rule opens, and what it never does."""
import contextlib
import json
import os
import subprocess
import unittest

from support import END, NOBODY, PATIENCE, ROOT, RUNNER, WINDOWS, Case, as_user, native, needs_root, policy, posix_only, rule, this_user, windows_only

MANY = 4 if WINDOWS else 12


class Broker(Case):
    def setUp(self):
        super().setUp()
        self.vault = self.here / "vault"
        (self.vault / "docs" / "deep").mkdir(parents=True)
        (self.here / "secret").write_text("outside")
        (self.vault / "one.txt").write_text("one")
        (self.vault / "two.txt").write_text("two")
        (self.vault / "docs" / "deep" / "three.txt").write_text("three")
        (self.vault / "docs" / "ümläut.txt").write_text("four")
        if not WINDOWS:
            self.furnish_posix()
        self.client_uid = NOBODY if ROOT else this_user()
        program = native(self.broker) if WINDOWS else os.path.realpath(self.broker)
        self.helper_policy = self.file("helper.toml", policy(rule("app", [self.client_uid], executable=program, operations=["open"])))
        self.app_policy = self.file("app.toml", policy(rule("helper", [this_user()], operations=["message"])))

    def furnish_posix(self):
        (self.vault / "docs" / "link").symlink_to(self.here / "secret")
        (self.vault / "docs" / "up").symlink_to("..")
        (self.vault / "docs" / "inner").symlink_to("deep/three.txt")
        os.mkfifo(self.vault / "docs" / "fifo")
        self.vault.chmod(0o700)

    def where(self, policy_file):
        return ["--name", self.name("file-broker"), "--scope", "machine", *self.at(), "--policy", policy_file]

    @contextlib.contextmanager
    def helper(self):
        process = subprocess.Popen([*RUNNER, self.broker, "serve", *self.where(self.helper_policy), "--root", native(self.vault), "--allow", "one.txt",
                                    "--allow", "docs/*", "--allow", "missing", "--audit", "-"], stderr=subprocess.PIPE, text=True)
        try:
            self.assertEqual(json.loads(process.stderr.readline())["kind"], "listener_started")
            yield process
        finally:
            process.send_signal(END)
            process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0)
        self.assertFalse((self.names / "file-broker.sock").exists())

    def read(self, path):
        command = [*RUNNER, self.broker, "read", *self.where(self.app_policy), path]
        if ROOT:
            command = as_user(self.client_uid, command)
        return subprocess.run(command, capture_output=True, timeout=PATIENCE)

    def test_opens_what_its_rule_names(self):
        with self.helper():
            for path, text in (("one.txt", b"one"), ("docs/deep/three.txt", b"three"), ("docs/ümläut.txt", b"four"),
                               ("docs/deep/../deep/three.txt", b"three")):
                with self.subTest(path):
                    done = self.read(path)
                    self.assertEqual((done.returncode, done.stdout), (0, text), done.stderr)

    @windows_only
    def test_opens_nothing_else_here_either(self):
        (self.vault / "docs" / "plain").write_text("plain")
        with self.helper():
            for path, words in (("two.txt", b"does not name"), ("ONE.TXT", b"does not name"), ("missing", b"no such file"),
                                ("docs/../../secret", b"leads out"), ("docs/../two.txt", b"leads out"), ("docs/deep", b"not a regular file"),
                                ("docs/plain/x", b"no such file"), ("C:/Windows/win.ini", b"no path"), ("/Windows/win.ini", b"no path"),
                                ("docs\\plain", b"no path"), ("docs/plain:stream", b"no path"), ("docs/plain.", b"no path"),
                                ("docs/plain ", b"no path"), ("docs/NUL", b"no path"), ("docs/com1.txt", b"no path"), ("docs/pl*", b"no path")):
                with self.subTest(path):
                    done = self.read(path)
                    self.assertEqual((done.returncode, done.stdout), (1, b""), done.stderr)
                    self.assertIn(words, done.stderr)

    @posix_only("links, FIFOs, and names that are no text")
    def test_opens_nothing_else(self):
        with self.helper():
            for path, words in (("two.txt", b"does not name"), ("./one.txt", b"does not name"), ("missing", b"no such file"),
                                ("docs/../../secret", b"leads out"), ("docs/../two.txt", b"leads out"), ("docs/link", b"leads out"),
                                ("docs/up/two.txt", b"leads out"), ("docs/inner", b"leads out"), ("docs/fifo", b"not a regular file"),
                                ("docs/deep", b"not a regular file"), ("docs/", None), ("docs/one.txt/x", b"no such file"),
                                ("/etc/hostname", b"no path"), ("docs/\x01", b"no path"), ("docs/" + "x" * 1024, b"no path"),
                                (b"docs/\xc0\xae\xc0\xae", b"no path"), (b"docs/\xff", b"no path")):
                with self.subTest(path):
                    done = self.read(path)
                    self.assertEqual((done.returncode, done.stdout), (1, b""), done.stderr)
                    if words:
                        self.assertIn(words, done.stderr)

    def test_through_the_command(self):
        # Another program of the right user: the rule names this example's program.
        with self.helper():
            done = self.run_tool("call", self.name("file-broker"), "open", "--data", "one.txt", *self.where(self.app_policy)[2:],
                                 user=self.client_uid if ROOT else None)
            self.refused(done, 6)

    def test_serves_several_at_once(self):
        with self.helper():
            command = [*RUNNER, self.broker, "read", *self.where(self.app_policy), "one.txt"]
            if ROOT:
                command = as_user(self.client_uid, command)
            many = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(MANY)]
            self.assertEqual([p.communicate(timeout=PATIENCE)[0] for p in many], [b"one"] * MANY)

    @needs_root
    def test_application_cannot_read_it_by_itself(self):
        done = subprocess.run(as_user(NOBODY, ["cat", str(self.vault / "one.txt")]), capture_output=True)
        self.assertNotEqual(done.returncode, 0)

    def test_usage(self):
        self.assertEqual(subprocess.run([*RUNNER, self.broker], capture_output=True).returncode, 2)
        self.assertEqual(subprocess.run([*RUNNER, self.broker, "--help"], capture_output=True).returncode, 0)
        without_path = subprocess.run([*RUNNER, self.broker, "read", *self.where(self.app_policy)], capture_output=True)
        self.assertEqual(without_path.returncode, 2)


if __name__ == "__main__":
    unittest.main()
