import os
import stat
import unittest

from support import Case, native, posix_only, windows_only


class Keygen(Case):
    def test_writes_both_files_and_prints_the_public_key(self):
        done = self.run_tool("keygen", "--out", self.here / "k")
        self.assertEqual(done.returncode, 0, done.stderr)
        public = done.stdout.decode().strip()
        self.assertRegex(public, r"^[0-9a-f]{64}$")
        self.assertEqual((self.here / "k.pub").read_text(), f"penstock-public-key-v1 {public}\n")
        self.assertNotIn((self.here / "k").read_text().split()[1], done.stdout.decode() + done.stderr.decode())

    @posix_only("modes")
    def test_nobody_else_reads_the_private_half(self):
        self.run_tool("keygen", "--out", self.here / "k")
        self.assertEqual(stat.S_IMODE(os.stat(self.here / "k").st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.here / "k.pub").st_mode), 0o644)

    @windows_only
    def test_names_may_have_any_letters(self):
        done = self.run_tool("keygen", "--out", self.here / "ключ ß.key")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.here / "ключ ß.key.pub").exists())

    def test_never_overwrites_either_file_and_leaves_no_half(self):
        for existing, other in (("k", "k.pub"), ("k.pub", "k")):
            with self.subTest(existing):
                path = self.here / existing
                path.write_text("precious")
                self.refused(self.run_tool("keygen", "--out", self.here / "k"), 2, existing)
                self.assertEqual(path.read_text(), "precious")
                self.assertFalse((self.here / other).exists())
                path.unlink()

    def test_directory_that_others_may_write(self):
        unsafe = self.here / "unsafe"
        unsafe.mkdir()
        unsafe.chmod(0o777)
        self.refused(self.run_tool("keygen", "--out", unsafe / "k"), 3, native(unsafe))
        self.assertEqual(os.listdir(unsafe), [])

    def test_two_runs_make_two_keys(self):
        keys = {self.run_tool("keygen", "--out", self.here / name).stdout for name in ("a", "b")}
        self.assertEqual(len(keys), 2)


if __name__ == "__main__":
    unittest.main()
