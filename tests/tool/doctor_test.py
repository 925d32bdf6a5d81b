import json
import resource
import unittest

from support import NOBODY, WINDOWS, Case, needs_mlock, needs_root, posix_only, windows_only

IDS = ["windows", "peer-process-handle", "message-sender", "first-instance", "memory-lock", "aes", "names", "scope-user", "scope-machine",
       "scope-session", "own-identity", "session", "integrity", "signatures", "debugging"] if WINDOWS else [
       "peer-process-handle", "process-number", "message-sender", "wipe-on-fork", "memory-lock", "aes", "scope-user", "scope-machine",
       "scope-session", "proc", "user-namespace", "peer-program", "program-rules", "ptrace-scope"]


class Doctor(Case):
    def examine(self, **more):
        done = self.run_tool("doctor", "--json", **more)
        self.assertEqual(done.stderr, b"")
        found = json.loads(done.stdout)
        self.assertEqual([one["id"] for one in found["findings"]], IDS)
        lacking = [one for one in found["findings"] if one["state"] == "lacking"]
        self.assertEqual(found["lacking"], len(lacking))
        self.assertEqual(done.returncode, 1 if lacking else 0)
        for one in lacking:
            self.assertTrue(one["meaning"] and one["remedy"], one)
        return {one["id"]: one for one in found["findings"]}

    def test_everything_is_looked_at(self):
        self.examine()

    def test_who_seals_large_records_is_said(self):
        aes = self.examine()["aes"]
        if aes["state"] == "proven":
            self.assertRegex(aes["found"], r"^the suite 25519_AESGCM_SHA256 is used(; records of \d+ bytes and more by OpenSSL 3\..*)?$")

    @windows_only
    def test_wine_is_named_and_so_is_what_it_does_not_prove(self):
        found = self.examine()
        self.assertEqual((found["windows"]["state"], found["first-instance"]["state"]), ("note", "note"))
        self.assertIn(found["message-sender"]["state"], ("proven", "note"), found["message-sender"])
        self.assertIn("Wine", found["windows"]["found"])
        self.assertIn("never proven", found["windows"]["meaning"])
        for proven in ("peer-process-handle", "memory-lock", "scope-user", "scope-machine", "scope-session", "session"):
            self.assertEqual(found[proven]["state"], "proven", found[proven])

    @posix_only("runtime directories")
    def test_runtime_directory_is_judged_by_what_it_is(self):
        good = self.here / "runtime"
        good.mkdir(mode=0o700)
        found = self.examine(env={"XDG_RUNTIME_DIR": str(good)})
        self.assertEqual(found["scope-user"]["state"], "proven")
        self.assertIn(str(good), found["scope-user"]["found"])
        good.chmod(0o777)
        found = self.examine(env={"XDG_RUNTIME_DIR": str(good)})
        self.assertEqual(found["scope-user"]["state"], "lacking")
        self.assertIn("chmod go-w", found["scope-user"]["found"])
        found = self.examine(env={"XDG_RUNTIME_DIR": "/nowhere/at/all"})
        self.assertEqual(found["scope-user"]["state"], "lacking")

    @needs_root
    def test_memory_that_cannot_be_locked(self):
        limited = ["prlimit", "--memlock=0:0"]
        found = self.examine(user=NOBODY, prefix=limited)
        self.assertEqual(found["memory-lock"]["state"], "lacking")
        self.assertIn("LimitMEMLOCK", found["memory-lock"]["remedy"])

    @needs_root
    @needs_mlock
    def test_how_many_channels_fit(self):
        few = self.examine(user=NOBODY, prefix=["prlimit", f"--memlock={512 * 1024}:{512 * 1024}"])["memory-lock"]
        enough = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
        if enough < 4 << 20 and enough != resource.RLIM_INFINITY:
            self.skipTest("the limit of this machine is too low, and cannot be raised here")
        enough = 64 << 20 if enough == resource.RLIM_INFINITY else enough
        many = self.examine(user=NOBODY, prefix=["prlimit", f"--memlock={enough}:{enough}"])["memory-lock"]
        self.assertEqual((few["state"], many["state"]), ("lacking", "proven"))
        self.assertIn("512 KiB", few["found"])

    @needs_root
    def test_unprivileged_user_sees_less(self):
        self.assertEqual(self.examine()["peer-program"]["state"], "proven")
        self.assertEqual(self.examine(user=NOBODY)["peer-program"]["state"], "note")

    def test_text(self):
        text = self.run_tool("doctor").stdout.decode()
        self.assertIn("What this machine can prove", text)
        self.assertNotIn("\x1b", text)


if __name__ == "__main__":
    unittest.main()
