import json
import os
import struct
import unittest

from support import WINDOWS, Case, native

HANDSHAKE, MESSAGE = 0x01, 0x10


def frame(kind, sequence, payload, epoch=0, flags=0, magic=b"PNSK"):
    return struct.pack("<4sBBBBIIQQ", magic, 1, kind, flags, 0, epoch, len(payload), sequence, 0 if kind == HANDSHAKE else 5) + payload


class Inspect(Case):
    good = frame(HANDSHAKE, 0, b"x" * 36) + frame(MESSAGE, 0, b"y" * 80) + frame(MESSAGE, 1, b"z" * 16)

    def test_standard_input_as_json(self):
        done = self.run_tool("inspect", "--json", stdin=self.good)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([line["type"] for line in lines], ["handshake", "message", "message"])
        self.assertEqual([line["offset"] for line in lines], [0, 68, 180])

    def test_file_as_text(self):
        path = self.here / "r.bin"
        path.write_bytes(self.good)
        done = self.run_tool("inspect", path)
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (0, 3), done.stderr)

    def test_cut_off_or_wrong(self):
        for stream in (self.good[:-1], self.good + b"P", frame(MESSAGE, 0, b"", magic=b"NOPE"), frame(0x77, 0, b"y" * 80)):
            with self.subTest(stream):
                done = self.run_tool("inspect", "--json", stdin=stream)
                self.assertEqual(done.returncode, 1)
                self.assertNotEqual(json.loads(done.stdout.splitlines()[-1])["error"], "none")

    def test_nothing_is_nothing(self):
        done = self.run_tool("inspect", stdin=b"")
        self.assertEqual((done.returncode, done.stdout), (0, b""))

    def test_unreadable(self):
        self.refused(self.run_tool("inspect", self.here / "missing"), 9, "missing")
        self.refused(self.run_tool("inspect", self.here), 9, native(self.here))

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            self.refused(self.run_tool("inspect", stdin=self.good * 100, stdout=full), 9, "isk" if WINDOWS else "No space left")

    def test_a_long_recording(self):
        done = self.run_tool("inspect", "--json", stdin=self.good[:68] + b"".join(frame(MESSAGE, n, os.urandom(1000)) for n in range(5000)))
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (0, 5001))


if __name__ == "__main__":
    unittest.main()
