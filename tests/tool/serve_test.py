import hashlib
import os
import signal
import socket
import struct
import subprocess
import sys
import unittest

from support import PATIENCE, Case, await_event, events

# Says what this process was given: environment, descriptors, signals, process group. Python itself opens nothing more.
REPORT = r"""
import json, os, signal, sys
fds = []
for fd in range(4096):
    try:
        os.fstat(fd)
        fds.append(fd)
    except OSError:
        pass
print(json.dumps({"environment": dict(os.environ), "descriptors": fds, "group": os.getpgrp() == os.getpid(),
                  "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
                  "pipe_ignored": open("/proc/self/status").read().split("SigIgn:")[1].split()[0]}))
"""


class Streams(Case):
    def test_ten_mebibytes_there_and_back_are_the_same_bytes(self):
        data = os.urandom(10 << 20)
        with self.serving("cat"):
            done = self.connect(stdin=data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(hashlib.sha256(done.stdout).digest(), hashlib.sha256(data).digest())

    def test_ten_mebibytes_through_shared_memory(self):
        data = os.urandom(10 << 20)
        with self.serving("cat", options=["--shared-memory"]):
            done = self.connect("--shared-memory", stdin=data)
            pipe = self.connect(stdin=b"by the pipe")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(hashlib.sha256(done.stdout).digest(), hashlib.sha256(data).digest())
        self.assertEqual(pipe.stdout, b"by the pipe")

    def test_shared_memory_is_refused_where_it_is_not_allowed(self):
        with self.serving("cat") as server:
            done = self.connect("--shared-memory", stdin=b"x")
            log = server.log()
        self.assertEqual((done.returncode, done.stdout), (6, b""), (done.stderr, log))

    def test_ten_mebibytes_from_and_to_regular_files(self):
        data = os.urandom(10 << 20)
        (self.here / "in").write_bytes(data)
        with self.serving("cat"), open(self.here / "in", "rb") as source, open(self.here / "out", "wb") as sink:
            done = self.connect(stdin=source, stdout=sink)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.here / "out").read_bytes(), data)

    def test_input_that_cannot_be_waited_for(self):
        with self.serving("cat"), open("/dev/null", "rb") as nothing:
            done = self.connect(stdin=nothing)
        self.assertEqual((done.returncode, done.stdout), (0, b""), done.stderr)

    def test_answer_after_the_end_of_input(self):
        with self.serving("sha256sum"):
            done = self.connect(stdin=b"half-closed")
        self.assertEqual(done.stdout.split()[0].decode(), hashlib.sha256(b"half-closed").hexdigest())

    def test_no_input_and_no_output(self):
        with self.serving("true"):
            done = self.connect()
        self.assertEqual((done.returncode, done.stdout), (0, b""))

    def test_output_that_ends_before_the_input(self):
        # The peer's stdin stays open; the program's end alone ends it.
        ours, theirs = socket.socketpair()
        with self.serving("sh", "-c", "echo early; exec 1>&-; exit 3"), ours, theirs:
            done = self.connect(stdin=theirs)
        self.assertEqual((done.returncode, done.stdout), (3, b"early\n"))

    def test_both_ends_wrap_programs(self):
        with self.serving("sh", "-c", "read line; echo got $line; cat >/dev/null"):
            done = self.connect("--", "sh", "-c", f'echo "from $PENSTOCK_PEER_PID"; exec 1>&-; cat >{self.here}/heard; exit 5')
        self.assertEqual((done.returncode, done.stdout), (5, b""), done.stderr)
        self.assertRegex((self.here / "heard").read_text(), r"^got from \d+\n$")

    def test_shell_gets_its_terminal_back_as_it_was(self):
        # O_NONBLOCK is shared by all holders of an open file.
        read, write = os.pipe()
        with self.serving("cat"):
            os.write(write, b"x")
            os.close(write)
            self.connect(stdin=read)
        self.assertTrue(os.get_blocking(read))
        os.close(read)

    def test_many_peers_side_by_side(self):
        with self.serving("cat"):
            peers = [subprocess.Popen([self.tool, "connect", "x", "--directory", self.names], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(10)]
            for number, peer in enumerate(peers):
                peer.stdin.write(str(number).encode() * 1000)
                peer.stdin.flush()
            for number, peer in reversed(list(enumerate(peers))):
                self.assertEqual(peer.communicate(timeout=PATIENCE)[0], str(number).encode() * 1000)


class Status(Case):
    def test_exit_status_is_handed_on(self):
        for wanted in (0, 1, 7, 255):
            with self.subTest(wanted), self.serving("sh", "-c", f"exit {wanted}"):
                self.assertEqual(self.connect().returncode, wanted)

    def test_status_of_a_program_that_a_signal_ended(self):
        with self.serving("sh", "-c", "kill -9 $$"):
            self.assertEqual(self.connect().returncode, 128 + 9)

    def test_status_comes_after_all_output(self):
        with self.serving("sh", "-c", "head -c 3000000 /dev/zero; exit 9"):
            done = self.connect()
        self.assertEqual((done.returncode, len(done.stdout)), (9, 3000000))

    def test_reader_that_goes_away(self):
        with self.serving("sh", "-c", "yes"):
            peer = subprocess.Popen([self.tool, "connect", "x", "--directory", self.names], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(peer.stdout.read(2), b"y\n")
            peer.stdout.close()
            self.assertEqual(peer.wait(PATIENCE), 128 + signal.SIGPIPE)
            peer.stderr.close()

    def test_program_that_is_not_there(self):
        self.refused(self.run_tool("serve", "x", "--directory", self.names, "--", "no-such-program"), 3, "no-such-program")
        self.nothing_listens("x")
        self.refused(self.run_tool("connect", "x", "--directory", self.names, "--", "/no/such"), 3, "/no/such")


class Atk21Hygiene(Case):
    def report(self, env=None, options=(), pass_fds=()):
        import json
        with self.serving(sys.executable, "-I", "-S", "-c", REPORT, env=env, options=options, pass_fds=pass_fds):
            done = self.connect()
        return json.loads(done.stdout)

    def test_exactly_three_descriptors(self):
        # Ours are open and inheritable on purpose, low and high, and the server has listener, lock and epoll beside them.
        fds = [os.open("/etc/hostname", os.O_RDONLY) for _ in range(40)]
        found = self.report(pass_fds=fds)
        for fd in fds:
            os.close(fd)
        self.assertEqual(found["descriptors"], [0, 1, 2])

    def test_environment_is_the_declared_list_and_the_proof(self):
        env = {"PATH": os.environ["PATH"], "HOME": "/h", "TZ": "UTC", "SECRET": "s", "LD_PRELOAD": "", "PENSTOCK_PEER_UID": "0000",
               "PENSTOCK_PEER_FORGED": "yes", "WANTED": "w"}
        found = self.report(env=env, options=["--env", "WANTED", "--env", "PENSTOCK_PEER_FORGED", "--env", "MISSING"])["environment"]
        found.pop("LC_CTYPE", None)  # Python's own
        plain = {k: v for k, v in found.items() if not k.startswith("PENSTOCK_")}
        self.assertEqual(plain, {"PATH": env["PATH"], "HOME": "/h", "TZ": "UTC", "WANTED": "w"})
        proof = {k: v for k, v in found.items() if k.startswith("PENSTOCK_")}
        self.assertEqual(proof["PENSTOCK_PEER_UID"], str(os.geteuid()))
        self.assertEqual(proof["PENSTOCK_PEER_STRENGTH"], "pinned")
        self.assertEqual(proof["PENSTOCK_PEER_BINDING"], "process")
        self.assertEqual(proof["PENSTOCK_PEER_TRUST"], "os-identity")
        self.assertEqual(proof["PENSTOCK_ENDPOINT"], "x")
        self.assertEqual(proof["PENSTOCK_PEER_EXECUTABLE"], os.path.realpath(self.tool))
        self.assertRegex(proof["PENSTOCK_PEER_TRANSCRIPT"], r"^[0-9a-f]{64,128}$")
        self.assertGreater(int(proof["PENSTOCK_PEER_PID"]), 1)
        self.assertGreater(int(proof["PENSTOCK_PEER_PROCESS_KEY"]), 0)
        self.assertNotIn("PENSTOCK_PEER_KEY", proof)
        self.assertNotIn("PENSTOCK_PEER_FORGED", proof)

    def test_signals_and_group(self):
        found = self.report()
        self.assertTrue(found["group"])
        self.assertEqual(found["blocked"], 0)
        # Python ignores SIGPIPE and SIGXFSZ itself; nothing else may be ignored.
        self.assertEqual(int(found["pipe_ignored"], 16) & ~(1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)), 0)

    def test_transcript_names_the_channel_at_both_ends(self):
        with self.serving("sh", "-c", "echo $PENSTOCK_PEER_TRANSCRIPT"):
            done = self.connect("--", "sh", "-c", f"echo $PENSTOCK_PEER_TRANSCRIPT >{self.here}/ours; cat >{self.here}/theirs")
            again = self.connect()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.here / "ours").read_text(), (self.here / "theirs").read_text())
        self.assertNotEqual(again.stdout.decode(), (self.here / "ours").read_text())


class Ends(Case):
    """A program that says, by files, what it saw. It never ends by itself before its input does."""

    def start_peer(self, **more):
        return subprocess.Popen([self.tool, "connect", "x", "--directory", self.names], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def program(self, reads_input=True):
        # Its input is read by its own code: an end of input and SIGTERM are told apart. A signal that arrives just before a call that
        # waits interrupts none, and Python runs its handler when the call returns: the byte in the pipe ends the wait.
        return [sys.executable, "-I", "-S", "-c",
                "import os, select, signal\n"
                f"log = os.open({str(self.here / 'saw')!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)\n"
                "def term(*_):\n    os.write(log, b'TERM\\n'); os._exit(0)\n"
                "woken, wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)\n"
                "signal.set_wakeup_fd(wakes)\n"
                "signal.signal(signal.SIGTERM, term)\n"
                "os.write(1, b'ready\\n')\n"
                "while True:\n"
                f"    if 0 not in select.select([woken{', 0' if reads_input else ''}], [], [])[0]: continue\n"
                "    data = os.read(0, 65536)\n"
                "    if not data: break\n"
                "    os.write(log, b'bytes\\n')\n"
                "os.write(log, b'EOF\\n')\n"]

    def saw(self):
        return (self.here / "saw").read_text().splitlines()

    def test_peer_killed_in_the_middle_is_no_end_of_input(self):
        # ATK-26 at the level of a stream: what was cut must not look whole.
        with self.serving(*self.program(), options=["--audit", self.here / "audit"]) as server:
            peer = self.start_peer()
            self.assertEqual(peer.stdout.readline(), b"ready\n")
            peer.stdin.write(b"half")
            peer.stdin.flush()
            peer.kill()
            peer.communicate()
            closed = await_event(lambda: server.poll() is None, self.here / "audit", lambda e: e["kind"] == "channel_closed")
            self.assertEqual(closed["reason"], "truncated")
        self.assertEqual(self.saw()[-1], "TERM")
        self.assertNotIn("EOF", self.saw())

    def test_end_of_input_that_was_said_is_seen(self):
        with self.serving(*self.program()):
            peer = self.start_peer()
            peer.communicate(b"whole", timeout=PATIENCE)
            self.assertEqual(peer.returncode, 0)
        self.assertEqual(self.saw()[-1], "EOF")

    def test_sigterm_ends_programs_gives_peers_the_last_word_and_exits_with_0(self):
        with self.serving(*self.program()) as server:
            peer = self.start_peer()
            self.assertEqual(peer.stdout.readline(), b"ready\n")
            server.send_signal(signal.SIGTERM)
            self.assertEqual(peer.wait(PATIENCE), 0)  # what the program exited with on SIGTERM
            peer.communicate()
        self.assertEqual(self.saw(), ["TERM"])

    def test_requests_that_come_while_it_ends_change_nothing(self):
        with self.serving(*self.program()) as server:
            peer = self.start_peer()
            self.assertEqual(peer.stdout.readline(), b"ready\n")
            server.send_signal(signal.SIGTERM)
            self.assertEqual(peer.wait(PATIENCE), 0)
            peer.communicate()
            while server.poll() is None:
                server.send_signal(signal.SIGTERM)
        self.assertEqual(self.saw(), ["TERM"])

    def test_program_that_ignores_sigterm_is_killed(self):
        with self.serving("sh", "-c", 'trap "" TERM; echo ready; while :; do sleep 1000; done', options=["--grace", "2s"]) as server:
            peer = self.start_peer()
            self.assertEqual(peer.stdout.readline(), b"ready\n")
            server.send_signal(signal.SIGTERM)
            self.assertEqual(peer.wait(PATIENCE), 128 + signal.SIGKILL)
            peer.communicate()

    def test_server_that_is_killed_takes_its_programs_with_it(self):
        ready, theirs = os.pipe()
        # One that reads no input: the kernel closes a killed server's descriptors first, and an end of input would end the other.
        program = self.program(reads_input=False)
        server = subprocess.Popen([self.tool, "serve", "x", "--directory", self.names, "--ready-fd", str(theirs), "--", *program],
                                  stderr=subprocess.DEVNULL, pass_fds=(theirs,))
        os.close(theirs)
        with os.fdopen(ready, "rb") as line:
            line.readline()
        peer = self.start_peer()
        self.assertEqual(peer.stdout.readline(), b"ready\n")
        server.kill()
        server.wait()
        _, said = peer.communicate(timeout=PATIENCE)
        self.assertEqual(peer.returncode, 7, said)
        while not (self.here / "saw").exists() or not self.saw():
            os.sched_yield()
        self.assertEqual(self.saw(), ["TERM"])
        # What is left behind does not block a restart.
        with self.serving("cat"):
            self.assertEqual(self.connect(stdin=b"again").stdout, b"again")

    def test_as_many_peers_as_there_may_be(self):
        with self.serving("sh", "-c", "echo ready; cat >/dev/null", options=["--max-peers", "2", "--audit", self.here / "audit"]) as server:
            first, second = self.start_peer(), self.start_peer()
            for peer in (first, second):
                self.assertEqual(peer.stdout.readline(), b"ready\n")
            third = self.connect()
            self.refused(third, 6)
            refused = await_event(lambda: server.poll() is None, self.here / "audit", lambda e: e["kind"] == "peer_refused")
            self.assertEqual(refused["reason"], "limit_identity")
            first.communicate(b"")
            await_event(lambda: server.poll() is None, self.here / "audit", lambda e: e["kind"] == "channel_closed")
            self.assertEqual(self.connect().stdout, b"ready\n")
            second.communicate(b"")


class HostileServer(Case):
    """Someone of our own user who speaks no Penstock at the name: nothing is believed, everything ends."""

    def against(self, *script):
        listener = socket.socket(socket.AF_UNIX)
        path = str(self.names / "x.sock")
        listener.bind(path)
        os.chmod(path, 0o600)
        listener.listen()
        peer = subprocess.Popen([self.tool, "connect", "x", "--directory", self.names], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        connection, _ = listener.accept()
        with connection, listener:
            connection.recv(65536)
            for step in script:
                connection.sendall(step)
            connection.shutdown(socket.SHUT_WR)
            out, said = peer.communicate(timeout=PATIENCE)
        os.unlink(path)
        self.assertEqual(out, b"")
        return subprocess.CompletedProcess([], peer.returncode, out, said)

    header = struct.pack("<4sBBBBIIQQ", b"PNSK", 1, 1, 0, 0, 0, 48, 0, 0)

    def test_dies_in_the_middle_of_a_frame(self):
        self.refused(self.against(self.header + b"x" * 20), 6)

    def test_dies_in_the_middle_of_a_header(self):
        self.refused(self.against(self.header[:11]), 6)

    def test_says_nothing(self):
        self.refused(self.against(), 6)

    def test_answers_rubbish(self):
        self.refused(self.against(b"HTTP/1.1 200 OK\r\n\r\n" * 10), 7)

    def test_answers_with_the_wrong_keys(self):
        self.refused(self.against(self.header + bytes(range(48))), 6)


class HostileClient(Case):
    def test_dies_in_the_middle_of_its_first_frame_and_others_are_served(self):
        with self.serving("cat", options=["--audit", self.here / "audit"]) as server:
            for count in (0, 7, 32, 40):
                with socket.socket(socket.AF_UNIX) as raw:
                    raw.connect(str(self.names / "x.sock"))
                    raw.sendall(HostileServer.header[:count] + b"x" * max(0, count - 32))
            self.assertEqual(self.connect(stdin=b"still here").stdout, b"still here")
            refused = lambda: [e for e in events(self.here / "audit") if e["kind"] == "peer_refused"]
            while len(refused()) < 4:
                self.assertIsNone(server.poll())
                os.sched_yield()
            self.assertEqual({e["reason"] for e in refused()}, {"truncated"})


if __name__ == "__main__":
    unittest.main()
