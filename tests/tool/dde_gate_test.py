"""dde-gate without DDE: its file, by --check, on every platform. What it does with windows is dde_gate_test_windows.cpp's."""
import os
import re
import unittest

from support import DOCS, Case, posix_only

FILE = """version = 1
application = "Notes"
topic = "System"
endpoint = "notes"
rate = { per_second = 5, burst = 10 }
[[command]]
name = "open"
arguments = [{ name = "file", kind = "path", max_length = 260 }]
"""


class Check(Case):
    def check(self, text, **more):
        return self.run_tool("dde-gate", "--config", self.file("gate.toml", text, **more), "--check")

    def test_says_what_would_pass(self):
        done = self.check(FILE)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        said = done.stdout.decode().replace("\r", "")
        for words in ('application "Notes", topic "System"', "forwards to user:notes, 5000 ms", "at most 5 commands a second, 10 at once",
                      "[open(file)]  as dde/open", "file: an absolute path, at most 260 bytes"):
            self.assertIn(words, said)

    def test_the_pages_example_is_sound(self):
        page = (DOCS / "DDE.md").read_text()
        (example,) = re.findall(r"(?s)```toml\n(.*?)```", page)
        done = self.check(example)
        self.assertEqual(done.returncode, 0, done.stderr)
        for words in ("session:notes", "[open(file, line)]  as dde/open", "[show(how, title)]  as window/show",
                      'how: one of "small", "large"'):
            self.assertIn(words, done.stdout.decode())

    def test_a_mistake_is_named_with_its_line(self):
        self.refused(self.check(FILE.replace('"path"', '"file"')), 3, "gate.toml:8: ", '"file" is not known here')
        self.refused(self.check(FILE + "colour = 1\n"), 3, "gate.toml:9: ", "unknown key")
        self.refused(self.check(""), 3, "gate.toml:1: ", "version = 1")

    def test_a_file_that_is_not_there(self):
        self.refused(self.run_tool("dde-gate", "--config", self.here / "missing", "--check"), 3, "missing")

    @posix_only("modes")
    def test_a_file_that_others_may_write_is_not_read(self):
        # ATK-28: whoever writes it says what passes.
        self.refused(self.check(FILE, mode=0o666), 3, "gate.toml")
        os.symlink(self.here / "gate.toml", self.here / "link.toml")
        self.refused(self.run_tool("dde-gate", "--config", self.here / "link.toml", "--check"), 3, "link.toml")

    @posix_only("there DDE is")
    def test_without_windows_it_refuses_and_says_what_to_do(self):
        self.refused(self.run_tool("dde-gate", "--config", self.file("gate.toml", FILE)), 3, "Windows", "--check")


if __name__ == "__main__":
    unittest.main()
