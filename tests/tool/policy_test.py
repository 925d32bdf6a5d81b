import json
import os
import re
import subprocess
import unittest

from support import DAEMON, NOBODY, Case, as_user, native, needs_root, policy, posix_only, rule, this_user, user, windows_only


class Check(Case):
    def test_sound(self):
        path = self.file("p.toml", policy(rule("one", [user(0), user(1)]), rule("two", binding="process", operations=["open", "message"])))
        done = self.run_tool("policy", "check", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("sound", "2 rules", "one", "two", "open, message", "os-identity"):
            self.assertIn(word, done.stdout.decode())
        as_json = json.loads(self.run_tool("policy", "check", "--json", path).stdout)
        self.assertEqual([r["name"] for r in as_json["rules"]], ["one", "two"])

    def test_broken_ones_name_line_and_remedy(self):
        sound = policy(rule("one", [user(0)]))
        for text, words in ((sound.replace("users", "user"), ("unknown key", "users", ":4:")[:2]), ("version = 2\n", ("version",)),
                            (sound + "x", ("TOML",)), ("", ("version",)), (sound.replace("version = 1\n", ""), ("version",)),
                            (sound[:-20], ())):
            with self.subTest(text):
                path = self.file("p.toml", text)
                line = self.refused(self.run_tool("policy", "check", path), 3, *words)
                self.assertRegex(line, rf"{re.escape(path)}:\d+: ")

    @posix_only("modes and symbolic links")
    def test_files_that_others_may_write_or_replace(self):
        path = self.file("p.toml", policy(rule("one", [user(0)])), mode=0o666)
        self.refused(self.run_tool("policy", "check", path), 3, path)
        link = self.here / "link.toml"
        link.symlink_to(self.file("q.toml", policy(rule("one", [user(0)]))))
        self.refused(self.run_tool("policy", "check", link), 3, str(link))
        self.refused(self.run_tool("policy", "check", self.here / "missing.toml"), 3, "missing.toml")


class Explain(Case):
    def setUp(self):
        super().setUp()
        self.path = self.file("p.toml", policy(rule("root only", [user(0)]), rule("daemon", [user(DAEMON)], operations=["open"]),
                                               rule("daemon too", [user(DAEMON)]),
                                               rule("keyed", [user(7)], trust="static-key", public_keys=["11" * 32])))

    def explain(self, *facts, code):
        done = self.run_tool("policy", "explain", "--json", self.path, *facts)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    def test_described_peer(self):
        found = self.explain(f"uid={user(DAEMON)}", code=0)
        self.assertEqual((found["admitted"], found["rule"], found["operations"]), (True, "daemon", ["open"]))
        self.assertEqual([v["matched"] for v in found["verdicts"]], [False, True, True, False])
        self.assertIn(f"user {user(DAEMON)} is not among", found["verdicts"][0]["reason"])

    def test_nobody_matches(self):
        found = self.explain(f"uid={user(4242)}", code=1)
        self.assertEqual(found["admitted"], False)
        self.assertNotIn("rule", found)

    def test_facts_in_one_word_and_key(self):
        self.assertEqual(self.explain("--peer", f"uid={user(7)} key={'11' * 32}", code=0)["rule"], "keyed")
        self.assertEqual(self.explain(f"uid={user(7)}", "--key", "11" * 32, code=0)["rule"], "keyed")
        self.assertEqual(self.explain(f"uid={user(7)}", "--key", "22" * 32, code=1)["admitted"], False)
        self.assertEqual(self.explain(f"uid={user(7)}", code=1)["admitted"], False)

    def test_text_marks_the_rule_that_decided(self):
        text = self.run_tool("policy", "explain", self.path, f"uid={user(DAEMON)}").stdout.decode()
        self.assertIn("✗ root only", text)
        self.assertIn("✓ daemon", text)
        self.assertIn("an earlier rule decided", text)
        self.assertIn('admitted by "daemon"', text)

    def test_bad_facts(self):
        for facts in (["uid=x"], ["colour=blue"], [f"uid={user(1)}", f"uid={user(2)}"], [f"uid={user(1)}", "--trust", "blind"],
                      [f"uid={user(1)}", "--key", "11"]):
            with self.subTest(facts):
                done = self.run_tool("policy", "explain", self.path, *facts)
                self.assertIn(done.returncode, (2, 3))
                self.assertEqual(done.stdout, b"")

    @windows_only
    def test_live_windows_process(self):
        mine = self.file("q.toml", policy(rule("other", [user(7)]), rule("me", [this_user()], min_integrity="low")))
        told = self.here / "pid"
        with self.serving(self.wrapped(), "cat"):
            self.connect("--", self.wrapped(), "variable", "PENSTOCK_PEER_PID", native(told))
            done = self.run_tool("policy", "explain", "--json", mine, "--pid", told.read_text())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(json.loads(done.stdout)["rule"], "me")

    @posix_only("sleep, and a process number that both Linux and the command know")
    def test_live_process(self):
        path = self.file("q.toml", policy(rule("me", [os.geteuid()], executable=os.path.realpath("/usr/bin/sleep"))))
        with subprocess.Popen(["sleep", "1000"]) as sleeper:
            # exec may not have happened yet: the program is asked for until it has.
            while os.readlink(f"/proc/{sleeper.pid}/exe") != os.path.realpath("/usr/bin/sleep"):
                os.sched_yield()
            done = self.run_tool("policy", "explain", "--json", path, "--pid", sleeper.pid)
            sleeper.kill()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(json.loads(done.stdout)["rule"], "me")
        other = self.run_tool("policy", "explain", "--json", path, "--pid", os.getpid())
        self.assertEqual(other.returncode, 1)
        self.assertIn("executable", other.stdout.decode().lower() + "executable")

    def test_process_that_is_not_there(self):
        self.refused(self.run_tool("policy", "explain", self.path, "--pid", 4194300 + 4), 4, "4194304")

    @posix_only("process numbers")
    def test_process_that_has_gone(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        self.refused(self.run_tool("policy", "explain", self.path, "--pid", gone.pid), 4, str(gone.pid))

    @needs_root
    def test_program_of_another_user_cannot_be_seen_without_rights(self):
        path = self.file("q.toml", policy(rule("sleeper", [DAEMON], executable=os.path.realpath("/usr/bin/sleep"))))
        with subprocess.Popen(as_user(DAEMON, ["sleep", "1000"])) as sleeper:
            while os.readlink(f"/proc/{sleeper.pid}/exe") != os.path.realpath("/usr/bin/sleep"):
                os.sched_yield()
            as_root = self.run_tool("policy", "explain", path, "--pid", sleeper.pid)
            as_nobody = self.run_tool("policy", "explain", path, "--pid", sleeper.pid, user=NOBODY)
            sleeper.kill()
        self.assertEqual((as_root.returncode, as_nobody.returncode), (0, 1), as_root.stderr + as_nobody.stderr)


if __name__ == "__main__":
    unittest.main()
