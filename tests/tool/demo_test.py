"""The demo itself, and that it judges: each patched copy takes away one reason for a refusal, or bends one proof."""
import functools
import glob
import json
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

from support import NOBODY, PATIENCE, ROOT, RUNNER, WINDOWS, Case, as_user, drive_c, needs_root, posix_only

TOOL_NAME, BROKER_NAME = ("penstock.exe", "penstock-file-broker.exe") if WINDOWS else ("penstock", "penstock-file-broker")
FOUR = ["impostor", "squatter", "relay", "replayer"]


@functools.cache
def windows_temporary():
    """The directory where the demo makes its own. No other is looked through: tests beside this one come and go there."""
    told = subprocess.run([*RUNNER, "cmd", "/c", "echo %TEMP%"], stdin=subprocess.DEVNULL, capture_output=True, check=True, text=True)
    return drive_c() / told.stdout.strip().removeprefix("C:\\").replace("\\", "/")


def leftovers():
    if WINDOWS:
        return set(glob.glob(str(windows_temporary() / "penstock-demo-*")))
    return set(glob.glob("/tmp/penstock-demo-*") + glob.glob("/var/tmp/penstock-demo-*") + glob.glob("/run/penstock-demo-*"))


class Demo(Case):
    def setUp(self):
        super().setUp()
        self.before = leftovers()

    def tearDown(self):
        self.assertEqual(leftovers() - self.before, set(), "the demo left something behind")

    def install(self, patch_tool=None, patch_broker=None):
        """Both programs side by side, with some bytes exchanged for as many others."""
        place = self.here / "installed"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(mode=0o755)
        for source, name, patch in ((self.tool, TOOL_NAME, patch_tool), (self.broker, BROKER_NAME, patch_broker)):
            program = pathlib.Path(source).read_bytes()
            for old, new in patch or []:
                self.assertEqual(len(old), len(new))
                self.assertIn(old, program)
                program = program.replace(old, new)
            (place / name).write_bytes(program)
            (place / name).chmod(0o755)
        return [*RUNNER, str(place / TOOL_NAME)]

    def play(self, tool, user=None, code=0):
        command = [*tool, "demo", "--json"]
        done = subprocess.run(as_user(user, command) if user else command, capture_output=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        found = json.loads(done.stdout)
        self.assertEqual(found["good"], code == 0)
        return found

    def check_good(self, found, attempts):
        self.assertTrue(found["main_job"]["done"])
        self.assertEqual(list(dict.fromkeys(a["attacker"] for a in found["attempts"])), FOUR)
        self.assertEqual(len(found["attempts"]), attempts)
        self.assertTrue(all(a["refused"] and a["reason"] and a["noticed_by"] for a in found["attempts"]))
        saw = found["main_job"]
        self.assertEqual(saw["helper_saw"]["transcript"], saw["application_saw"]["transcript"])
        self.assertEqual(saw["helper_saw"]["peer"]["uid"], found["application_user"])
        self.assertEqual(saw["application_saw"]["peer"]["uid"], found["helper_user"])

    @needs_root
    def test_root_helper_and_application_as_nobody(self):
        found = self.play(self.install())
        self.assertEqual((found["as_root"], found["helper_user"], found["application_user"]), (True, 0, NOBODY))
        self.check_good(found, 7)

    def test_without_root(self):
        found = self.play(self.install(), user=NOBODY if ROOT else None)
        self.assertEqual((found["as_root"], found["helper_user"]), (False, found["application_user"]))
        self.check_good(found, 6)

    @posix_only("the same as without root, and it takes half a minute under Wine")
    def test_text_says_all_of_it_without_colours(self):
        done = subprocess.run([*self.install(), "demo"], capture_output=True, timeout=PATIENCE)
        text = done.stdout.decode()
        self.assertEqual((done.returncode, done.stderr), (0, b""), text)
        self.assertNotIn("\x1b", text)
        for word in ["The main job was done, and all four attackers were refused.", "transcript", "peer_refused", "handshake_failed",
                     "name_in_use", "sent 0 bytes", *FOUR]:
            self.assertIn(word, text)
        self.assertNotIn("NOT SO", text)

    def bad(self, attacker=None, **patches):
        found = self.play(self.install(**patches), code=1)
        fallen = {a["attacker"] for a in found["attempts"] if not a["refused"]}
        if attacker:
            self.assertIn(attacker, fallen)
        return found

    @posix_only("how the demo judges is the same code; half a minute each under Wine")
    def test_rule_that_names_no_program_lets_the_impostor_in_and_is_noticed(self):
        self.bad("impostor", patch_tool=[(b'executable = "', b'#xecutable = "')])

    @needs_root
    def test_rule_that_names_no_user_lets_the_impostor_in_and_is_noticed(self):
        self.bad("impostor", patch_tool=[(b"\nusers = [", b"\n#sers = [")])

    @posix_only("how the demo judges is the same code; half a minute each under Wine")
    def test_application_that_sends_a_byte_to_the_squatter_is_noticed(self):
        # The squatter's report says something else than 0.
        self.bad("squatter", patch_broker=[(b" received=", b" receiver=")])

    @posix_only("how the demo judges is the same code; half a minute each under Wine")
    def test_relay_that_passed_nothing_on_proves_nothing(self):
        self.bad("relay", patch_broker=[(b" to_helper=", b" to_helpeX=")])

    @posix_only("how the demo judges is the same code; half a minute each under Wine")
    def test_replayer_that_sent_nothing_proves_nothing(self):
        self.bad("replayer", patch_broker=[(b" descriptors=", b" descriptorX=")])

    def test_program_of_the_demo_is_missing(self):
        tool = self.install()
        os.unlink(self.here / "installed" / BROKER_NAME)
        done = subprocess.run([*tool, "demo"], capture_output=True, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stdout), (3, b""))
        self.assertIn(b"penstock-file-broker", done.stderr)

    def test_interrupted_it_removes_everything_and_ends_its_processes(self):
        tool = self.install()
        process = subprocess.Popen([*tool, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        self.assertTrue(process.stdout.readline())  # the stage is built and the helper about to start
        stage = (leftovers() - self.before).pop()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        self.assertNotEqual(process.returncode, 0)
        self.assertFalse(os.path.exists(stage))
        if WINDOWS:
            return
        for entry in glob.glob("/proc/[0-9]*/exe"):
            try:
                self.assertFalse(os.readlink(entry).startswith(stage), entry)
            except OSError:
                pass

    @posix_only("/dev/full")
    def test_full_disk_under_its_output(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([*self.install(), "demo"], stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE)
        self.assertEqual(done.returncode, 9)


if __name__ == "__main__":
    unittest.main()
