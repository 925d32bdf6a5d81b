#!/usr/bin/python3
"""The example as a person uses it: real starts, one after the other."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["PENSTOCK_SINGLE_INSTANCE"]
PATIENCE = 60  # seconds until a hung process fails the test; never a pause


class Example(unittest.TestCase):
    def setUp(self):
        self.here = pathlib.Path(tempfile.mkdtemp(prefix="penstock-"))
        self.addCleanup(shutil.rmtree, self.here, ignore_errors=True)
        self.names = self.here / "names"
        self.names.mkdir(mode=0o700)
        self.program = self.copy("program")

    def copy(self, name):
        """A file of its own, which nobody else may replace."""
        shutil.copyfile(PROGRAM, self.here / name)
        (self.here / name).chmod(0o755)
        return self.here / name

    def start(self, *words, program=None, scope="user", **more):
        process = subprocess.Popen([program or self.program, "--scope", scope, "--directory", self.names, *words], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        process.kill()
        process.communicate()

    def run_start(self, *words, **more):
        process = self.start(*words, **more)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    def first(self, *words, **more):
        process = self.start(*words, **more)
        self.assertEqual(process.stdout.readline(), f"first {process.pid}\n")
        self.assertIn("open ", process.stdout.readline())
        return process

    def test_words_directory_and_status_arrive(self):
        first = self.first("--environment", "CHOSEN", env={"CHOSEN": "own"})
        answer = self.run_start("a", "b c", "--status", "7", "--environment", "CHOSEN", "--environment", "OTHER", cwd="/",
                                env={"CHOSEN": "x y", "OTHER": "z", "HOME": "/nowhere"})
        self.assertEqual(answer, (7, "", ""))
        self.assertEqual(first.stdout.readline(), "open / a b c CHOSEN=x y\n")
        self.assertEqual(self.run_start("--quit")[0], 0)
        self.assertEqual(first.wait(PATIENCE), 0)
        self.assertFalse((self.names / "org.example.single-instance.sock").exists())

    def test_an_answer_may_come_later(self):
        first = self.first()
        waiting = self.start("--wait", "essay")
        self.assertIn("essay", first.stdout.readline())
        self.assertIsNone(waiting.poll())
        self.assertEqual(self.run_start("--done", "--status", "5")[0], 5)
        self.assertEqual(waiting.wait(PATIENCE), 5)

    def test_one_that_is_asked_to_end_drops_who_waits(self):
        first = self.first()
        waiting = self.start("--wait", "essay")
        self.assertIn("essay", first.stdout.readline())
        first.send_signal(signal.SIGTERM)
        self.assertEqual(waiting.communicate(timeout=PATIENCE)[1].count("no answer"), 1)
        self.assertEqual((waiting.returncode, first.wait(PATIENCE)), (3, 0))

    def test_killed_while_another_waits_the_other_takes_over(self):
        first = self.first()
        waiting = self.start("--wait", "essay")
        self.assertIn("essay", first.stdout.readline())
        first.kill()
        self.assertEqual(waiting.stdout.readline(), f"first {waiting.pid}\n")
        self.assertIn("essay", waiting.stdout.readline())
        self.assertEqual(self.run_start("next")[0], 0)
        self.assertIn("next", waiting.stdout.readline())

    def test_stopped_it_hangs_and_no_second_one_runs_beside_it(self):
        first = self.first()
        first.send_signal(signal.SIGSTOP)
        status, out, err = self.run_start("x", "--patience", "300")
        self.assertEqual((status, out), (3, ""))
        self.assertIn("hangs", err)
        first.send_signal(signal.SIGCONT)
        self.assertEqual(self.run_start("y")[0], 0)

    def test_atk01_another_program_of_this_user_is_not_told_a_word_where_the_program_is_asked_for(self):
        first = self.first(program=self.copy("other program"))
        status, out, err = self.run_start("--same-program", "secret")
        self.assertEqual((status, out), (3, ""))
        self.assertIn("executable", err)
        self.assertEqual(self.run_start("plain")[0], 0)
        self.assertIn("plain", first.stdout.readline())

    def test_same_program_meets_itself(self):
        first = self.first("--same-program")
        self.assertEqual(self.run_start("--same-program", "word"), (0, "", ""))
        self.assertIn("word", first.stdout.readline())
        self.assertEqual(self.run_start("word", program=self.copy("other program"))[0], 3)

    def test_another_carrier_is_refused(self):
        for carrier, other in (("pipe", "shared-memory"), ("shared-memory", "pipe")):
            first = self.first("--carrier", carrier)
            status, _, err = self.run_start("--carrier", other)
            self.assertEqual(status, 3)
            self.assertIn("carrier", err)
            self.assertEqual(self.run_start("--carrier", carrier, "--quit")[0], 0)
            self.assertEqual(first.wait(PATIENCE), 0)


if __name__ == "__main__":
    unittest.main()
