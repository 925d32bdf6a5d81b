"""Bad input: each kind gets a sentence that says what is wrong and what to do, its exit code, and leaves nothing behind."""
import os
import subprocess
import unittest

from support import NOBODY, WINDOWS, Case, needs_mlock, needs_root, policy, posix_only, rule, this_user

# Any that is there: none of these tests starts it.
PROGRAM = "cmd" if WINDOWS else "cat"


class BadInput(Case):
    def both(self, code, *words, options=(), name="x", directory=None):
        """serve and connect alike; nothing is left in the directory of names but a lock file, which stays by design."""
        def standing():
            return sorted(name for name in os.listdir(self.names) if not name.endswith(".lock"))
        before = standing()
        where = ["--directory", directory] if directory else self.at()
        for command, tail in (("serve", ["--", PROGRAM]), ("connect", [])):
            with self.subTest(command):
                done = self.run_tool(command, name, *where, *options, *tail)
                self.refused(done, code, *words)
                self.assertEqual(done.stdout, b"")
        self.assertEqual(standing(), before)

    def test_broken_policy(self):
        path = self.file("p.toml", "version = 1\n[[rule]]\nname = \"x\"\nuser = 3\n")
        self.both(3, f"{path}:4", "users", options=["--policy", path])

    def test_policy_that_is_not_there(self):
        self.both(3, "nowhere.toml", options=["--policy", self.here / "nowhere.toml"])

    @posix_only("modes")
    def test_policy_that_others_may_write(self):
        path = self.file("p.toml", policy(rule(users=[this_user()])), mode=0o664)
        self.both(3, path, "chmod", options=["--policy", path])

    def test_name_too_long_or_wrong(self):
        for name in ("n" * 65, "", "a/b", "..", ".x", "a b", "ä", "a\\b"):
            with self.subTest(name):
                self.both(2, name=name)

    @posix_only("Windows pipes stand in no directory")
    def test_directory_that_others_may_write(self):
        self.names.chmod(0o777)
        self.both(3, str(self.names), "chmod go-w")

    @posix_only("Windows pipes stand in no directory")
    def test_directory_that_is_not_there(self):
        for command, tail, code, words in (("serve", ["--", "cat"], 3, ["make it", "doctor"]), ("connect", [], 5, ["start the listener"])):
            done = self.run_tool(command, "x", "--directory", self.here / "missing", *tail)
            self.refused(done, code, "missing", *words)

    @needs_root
    def test_runtime_directory_that_is_not_there(self):
        done = self.run_tool("serve", "x", "--", "cat", user=NOBODY, env={"XDG_RUNTIME_DIR": ""})
        self.refused(done, 3, "/run/user/65534", "make it", "doctor")

    @posix_only("Windows pipes stand in no directory")
    def test_directory_that_is_a_link_or_relative(self):
        link = self.here / "link"
        link.symlink_to(self.names)
        self.both(3, "symbolic link", directory=link)
        self.both(2, directory="names")

    def test_missing_and_broken_and_open_keys(self):
        path = self.file("p.toml", policy(rule(users=[this_user()], trust="static-key", public_keys=["11" * 32])))
        self.both(3, "missing.key", options=["--policy", path, "--keys", self.here / "missing.key"])
        broken = self.file("broken.key", "penstock-private-key-v1 0123\n", mode=0o600)
        self.both(3, "broken.key", options=["--policy", path, "--keys", broken])
        if WINDOWS:
            return  # what others may read is in tests/crypto
        self.run_tool("keygen", "--out", self.here / "open.key")
        (self.here / "open.key").chmod(0o644)
        self.both(3, "open.key", options=["--policy", path, "--keys", self.here / "open.key"])

    def test_rule_asks_for_keys_and_there_are_none(self):
        path = self.file("p.toml", policy(rule(users=[this_user()], trust="static-key", public_keys=["11" * 32])))
        self.refused(self.run_tool("serve", self.name("x"), *self.at(), "--policy", path, "--", PROGRAM), 2, "keygen")
        self.nothing_listens("x")

    def test_audit_file_that_cannot_be_or_is_open_to_others(self):
        if not WINDOWS:
            unsafe = self.file("open.audit", "", mode=0o666)
            self.both(3, "open.audit", options=["--audit", unsafe])
        self.both(3, "missing", options=["--audit", self.here / "missing" / "audit"])
        self.both(3, options=["--audit", self.here])

    @needs_root
    def test_audit_file_that_this_user_may_not_write(self):
        audit = self.file("audit", "", mode=0o600)
        os.chown(self.names, NOBODY, NOBODY)
        done = self.run_tool("serve", "x", "--directory", self.names, "--audit", audit, "--", "cat", user=NOBODY)
        self.refused(done, 3, "audit")
        self.assertEqual(os.listdir(self.names), [])

    @posix_only("limits of a process")
    def test_audit_file_that_may_not_grow(self):
        # As a full disk: the first event cannot be kept, so nothing starts (ATK-28).
        done = self.run_tool("serve", "x", "--directory", self.names, "--audit", self.here / "audit", "--", "cat",
                             prefix=["prlimit", "--fsize=10"])
        self.refused(done, 3)
        self.nothing_listens("x")
        self.assertEqual((self.here / "audit").read_bytes(), b"")

    @needs_root
    def test_full_disk_under_the_audit_file_refuses_new_peers(self):
        script = f"""
          set -e
          mount -t tmpfs -o size=8k tmpfs {self.names}
          chmod 755 {self.names}
          {self.tool} serve x --directory {self.names} --audit {self.names}/audit --ready-fd 1 -- cat >{self.here}/ready 2>/dev/null &
          while ! [ -s {self.here}/ready ]; do kill -0 $!; done
          echo first | {self.tool} connect x --directory {self.names} 2>/dev/null
          dd if=/dev/zero of={self.names}/fill bs=1k 2>/dev/null || :
          size=0
          while [ $size != $(stat -c %s {self.names}/audit) ]; do
            size=$(stat -c %s {self.names}/audit)
            status=0
            echo more | {self.tool} connect x --directory {self.names} >{self.here}/more 2>{self.here}/said || status=$?
          done
          echo status $status
          tail -c 1 {self.names}/audit | od -An -c
          kill $!
          wait $! || echo server $?
        """
        done = subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", script], capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        # The last one was refused, got no byte, and no half line stays.
        self.assertEqual(done.stdout.decode().split(), ["first", "status", "6", "\\n"], done.stderr)
        self.assertEqual((self.here / "more").read_bytes(), b"")

    @posix_only("programs of a shell")
    def test_full_disk_under_standard_output(self):
        with self.serving("sh", "-c", "head -c 1000000 /dev/zero"), open("/dev/full", "wb") as full:
            self.refused(self.connect(stdout=full), 9, "disk is full")

    @needs_mlock
    @posix_only("limits of a process")
    def test_memory_that_cannot_be_locked(self):
        if os.geteuid() == 0:
            os.chown(self.names, NOBODY, NOBODY)
        user = NOBODY if os.geteuid() == 0 else None
        done = self.run_tool("serve", "x", "--directory", self.names, "--", "cat", user=user, prefix=["prlimit", "--memlock=0:0"])
        self.refused(done, 3, "RLIMIT_MEMLOCK")

    def test_name_that_is_in_use(self):
        if WINDOWS:
            with self.serving("cmd", "/c", "exit 3"):
                self.refused(self.run_tool("serve", self.name("x"), "--", "cmd"), 3, self.name("x"))
                self.assertEqual(self.connect().returncode, 3)
            return
        with self.serving("cat"):
            before = os.stat(self.names / "x.sock")
            self.refused(self.run_tool("serve", "x", "--directory", self.names, "--", "cat"), 3, "x.lock")
            after = os.stat(self.names / "x.sock")
            self.assertEqual((before.st_ino, before.st_dev), (after.st_ino, after.st_dev))
            self.assertEqual(self.connect(stdin=b"alive").stdout, b"alive")

    @posix_only("Windows pipes stand in no directory")
    def test_something_else_stands_at_the_name(self):
        (self.names / "x.sock").write_text("a file")
        self.both(3, "x.sock")
        self.assertEqual((self.names / "x.sock").read_text(), "a file")


if __name__ == "__main__":
    unittest.main()
