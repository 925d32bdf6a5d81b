import os
import pty
import signal
import subprocess
import unittest

from support import Case, policy, rule


class Call(Case):
    def call(self, *arguments, **more):
        return self.run_tool("call", "x", *arguments, "--directory", self.names, **more)

    def test_answer_goes_to_standard_output(self):
        with self.serving("sh", "-c", "exit 3"):
            done = self.call("exit-status", "--data", "")
        self.assertEqual((done.returncode, done.stdout), (0, b"exited 3"), done.stderr)

    def test_status_that_is_not_0(self):
        with self.serving("cat"):
            done = self.call("nonsense", "--data", "x")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"only exit-status", done.stdout)
        self.assertIn(b"status 1", done.stderr)

    def test_request_from_file_and_standard_input(self):
        with self.serving("cat"):
            self.assertEqual(self.call("nonsense", "--file", self.file("r", "x")).returncode, 1)
            self.assertEqual(self.call("nonsense", stdin=b"x" * 1000000).returncode, 1)
            self.refused(self.call("nonsense", "--file", self.here / "missing"), 9, "missing")
            self.refused(self.call("nonsense", stdin=b"x" * ((16 << 20) + 1)), 11, "16 MiB")

    def test_operation_that_policy_does_not_allow(self):
        only = self.file("p.toml", policy(rule("me", [os.geteuid()], operations=["message"])))
        with self.serving("cat", options=["--policy", only]):
            self.refused(self.call("exit-status", "--data", ""), 11)

    def test_what_takes_long_says_so_on_a_terminal(self):
        for command in (["call", "x", "exit-status", "--data", ""], ["connect", "x"]):
            with self.subTest(command[0]), self.serving("true") as server:
                server.send_signal(signal.SIGSTOP)
                screen, theirs = pty.openpty()
                caller = subprocess.Popen([self.tool, *command, "--directory", str(self.names), "--deadline", "2m"],
                                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs)
                os.close(theirs)
                said = b""
                while b"waiting for user:x" not in said:
                    said += os.read(screen, 1000)
                server.send_signal(signal.SIGCONT)
                self.assertEqual(caller.wait(), 0)
                # The line is taken away again.
                while not said.endswith(b"\r"):
                    said += os.read(screen, 1000)
                os.close(screen)
                caller.stdout.close()

    def test_operation_that_has_no_name(self):
        with self.serving("cat"):
            self.refused(self.call("no such name", "--data", ""), 2)

    def test_deadline(self):
        with self.serving("sh", "-c", "cat >/dev/null"):
            self.refused(self.call("exit-status", "--data", "", "--deadline", "200ms"), 8)

    def test_nobody_listens(self):
        self.refused(self.call("x", "--data", ""), 5, "x.sock")

    def test_full_disk(self):
        with self.serving("true"), open("/dev/full", "wb") as full:
            self.refused(self.call("exit-status", "--data", "", stdout=full), 9, "No space left")


if __name__ == "__main__":
    unittest.main()
