import re
import subprocess
import unittest

from support import DOCS, WINDOWS, Case, posix_only

COMMANDS = ["demo", "serve", "connect", "call", "dde-gate", "keygen", "policy", "inspect", "doctor", "help"]
CODES = range(12)


class Usage(Case):
    def test_help_names_every_command_and_ends_well(self):
        done = self.run_tool("--help")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        for command in COMMANDS:
            self.assertRegex(done.stdout.decode(), rf"(?m)^  {command}  ")

    def test_each_command_has_help_with_usage_and_no_line_is_too_wide(self):
        for words in [[c] for c in COMMANDS] + [["policy", "check"], ["policy", "explain"]]:
            with self.subTest(words):
                done = self.run_tool(*words, "--help")
                text = done.stdout.decode()
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                self.assertIn(f"Usage: penstock {' '.join(words)}", text)
                self.assertLess(max(map(len, text.splitlines())), 125)
                self.assertNotIn("\x1b", text)
                if words != ["help"] and len(words) == 1:
                    self.assertEqual(self.run_tool("help", *words).stdout.decode(), text)

    def test_no_arguments_print_the_help(self):
        self.assertEqual(self.run_tool().stdout, self.run_tool("--help").stdout)

    def test_version(self):
        done = self.run_tool("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout.decode(), r"^penstock \d+\.\d+\.\d+\n$")

    def test_exit_codes_are_the_same_in_help_and_page(self):
        table = self.run_tool("help", "exit-codes").stdout.decode()
        page = (DOCS / "COMMAND.md").read_text()
        self.assertEqual([int(n) for n in re.findall(r"(?m)^ +(\d+)  \S", table)], list(CODES))
        self.assertEqual([int(n) for n in re.findall(r"(?m)^\| (\d+) \|", page)], list(CODES))

    def test_page_names_every_option(self):
        page = (DOCS / "COMMAND.md").read_text()
        for command in ["serve", "connect", "call", "dde-gate", "keygen", "policy explain", "inspect", "doctor", "demo"]:
            for option in re.findall(r"(?m)^  (?:-\w,)?(--[a-z-]+)", self.run_tool(*command.split(), "--help").stdout.decode()):
                if option != "--help":
                    self.assertIn(option, page, f"{command} {option}")

    def test_wrong_command_lines(self):
        for words in (["nonsense"], ["serve", "x", "--nonsense"], ["serve", "x"], ["serve", "x", "--"], ["connect", "x", "--"],
                      ["call", "x"], ["dde-gate"], ["policy"], ["policy", "check"], ["policy", "explain", "f"], ["help", "nonsense"],
                      ["policy", "explain", "f", "--pid", "1", "uid=0"], ["policy", "explain", "f", "--pid", "-1"],
                      ["connect", "x", "--scope", "galaxy"], ["connect", "x", "--deadline", "soon"],
                      ["connect", "x", "--deadline", "0s"], ["call", "x", "y", "--deadline", "99999999999999999999s"],
                      ["connect", "x", "--keys", "/nowhere"], ["call", "x", "y", "--data", "a", "--file", "b"],
                      ["serve", "x", "--max-peers", "0", "--", "cat"], ["serve", "x", "--grace", "-1s", "--", "cmd" if WINDOWS else "cat"]):
            with self.subTest(words):
                self.refused(self.run_tool(*words), 2)

    def test_names_may_be_those_of_commands(self):
        for name in COMMANDS[:2] if WINDOWS else COMMANDS:
            self.refused(self.run_tool("connect", name, *self.at()), 5, f"\\{name}" if WINDOWS else f"{name}.sock")

    def test_what_others_wrote_does_not_act_on_a_terminal(self):
        done = self.run_tool("connect", "x", "--scope", "\x1b]0;owned\x07\u202e")
        self.assertEqual(done.returncode, 2)
        self.assertNotIn(b"\x1b", done.stderr)
        self.assertNotIn("\u202e".encode(), done.stderr)

    @posix_only("a shell that closes descriptors")
    def test_closed_descriptors_are_not_taken_over(self):
        # Were 2 free, the first file opened would be it, and sentences would be written into it.
        done = subprocess.run(["sh", "-c", '"$0" policy check /nowhere/policy.toml 2>&- <&-; echo $?', self.tool],
                              stdout=subprocess.PIPE, timeout=60)
        self.assertEqual(done.stdout, b"3\n")


if __name__ == "__main__":
    unittest.main()
