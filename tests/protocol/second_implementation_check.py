#!/usr/bin/python3
"""docs/PROTOCOL.md is complete: an implementation from the page alone reproduces its worked example and talks with the library.

    second_implementation_check.py --page docs/PROTOCOL.md --peer penstock_python_peer
"""
import argparse
import fcntl
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

import second_implementation as si
from second_implementation_channel import Channel, serve
from second_implementation_inherited import as_launched, as_launcher

SKIPPED = 77


def check(condition, text):
    if not condition:
        sys.exit(f"FAILED: {text}")


# --- (a) the worked example ---------------------------------------------------------------------------------------------

def sections(page):
    """[(title, [(name, value)])]: a value is text, or bytes where hex lines follow."""
    block = re.search(r"<!-- worked example begin -->\s*```text\n(.*?)```", page, re.S)
    check(block, "the page has no worked example")
    found = []
    for line in block.group(1).splitlines():
        if line.startswith("["):
            found.append((line.strip("[]"), []))
        elif line.startswith("    "):
            name, value = found[-1][1][-1]
            found[-1][1][-1] = (name, value + bytes.fromhex(line))
        elif " =" in line and not line.startswith("#"):
            name, value = line.split(" =", 1)
            found[-1][1].append((name, value.strip() or b""))
    return found


def payload_of(words):
    """The plaintext that a `seal` line describes in words."""
    rest = words.split('"')
    body, words = (rest[1].encode() if len(rest) == 3 else b""), rest[0].split()
    if words[0] == "confirm":
        return struct.pack("<QB7x", 16 << 20, 8)
    if words[0] == "request":
        return struct.pack("<QB", int(words[1]), len(words[2])) + words[2].encode() + body
    if words[0] == "reply":
        return struct.pack("<QBI", int(words[1]), 0, int(words[3])) + body
    if words[0] == "cancel":
        return struct.pack("<Q", int(words[1]))
    return body


class Replay:
    """Goes through one section, computing each output from the inputs above it."""

    def __init__(self, title, entries):
        self.title, self.entries, self.given = title, entries, dict(entries)
        _, pattern, *suite = self.given["noise"].split("_")
        self.pattern, self.suite = pattern, si.Suite("_".join(suite))
        self.ends, self.directions, self.dh, self.compared = {}, {}, None, 0

    def key(self, name):
        value = self.given.get(name)
        return X25519PrivateKey.from_private_bytes(value) if value else None

    def equal(self, name, computed):
        self.compared += 1
        check(computed == self.given[name], f"[{self.title}] {name}:\n  page     {self.given[name].hex()}\n  computed {computed.hex()}")

    def begin(self):
        endpoint = self.given["endpoint"].split()
        scope, name = (None, "") if endpoint == ["none"] else endpoint
        self.preamble = si.preamble(self.pattern, self.suite, 2 if scope is None else 1, 1)
        prologue = si.prologue(self.preamble, scope, name, int(self.given["initiator number"]), int(self.given["responder number"]))
        self.equal("prologue", prologue)
        for role in ("initiator", "responder"):
            static = self.key(f"{role} static private key")
            if static:
                self.equal(f"{role} static public key", si.public(static))
            self.ends[role[0]] = si.Noise(self.pattern, self.suite, role == "initiator", prologue, static,
                                          self.given.get("launch secret"), self.key(f"{role} ephemeral private key"))

    def handshake(self, index):
        writer, reader = ("i", "r") if index % 2 == 0 else ("r", "i")
        body = (self.preamble if index == 0 else b"") + self.ends[writer].write(index)
        self.equal(f"handshake {index}", si.encode(si.HANDSHAKE, len(body), sequence=index) + body)
        self.ends[reader].read(index, body[4 if index == 0 else 0:])

    def split(self):
        self.equal("handshake hash", self.ends["i"].h)
        check(self.ends["i"].split() == self.ends["r"].split(), "the two ends' keys differ")
        for who, key in zip("ir", self.ends["i"].split()):
            self.directions[who] = [si.Direction(self.suite, key) for _ in range(2)]  # the sealing end, the opening end

    def record(self, name):
        _, who, words, when = re.fullmatch(r"(seal) ([ir]) (.*) at (\d+)", name).groups()
        sealing, opening = self.directions[who]
        plain = payload_of(words)
        if words.startswith("rekey"):
            own = self.key(f"{words.split()[1]} private key")
            plain = (b"\1" if "offer" in words else b"\2") + si.public(own)
            self.dh = si.x25519(self.key("offer private key"), si.public(self.key("answer private key")))
        if "epoch 1" in words:  # the page's remark above it: an epoch without a fresh secret begins
            sealing.enter()
        self.equal(name, sealing.seal(si.NAMES[words.split()[0]], plain, when=int(when)))
        page = self.given[name]
        header, opened = opening.open(page[:32], page[32:], now=int(when))
        check(opened == plain, f"{name}: opened to something else")
        self.forge(opening, page, int(when))
        if "answer" in words:
            for sealing, opening in self.directions.values():
                opening.waiting = self.dh
                sealing.enter(self.dh)

    def forge(self, opening, frame, when):
        before = dict(vars(opening))
        for at in (0, 4, 6, 8, 16, 23, 24, 32, len(frame) - 1):
            forged = bytearray(frame)
            forged[at] ^= 0x40
            try:
                opening.open(bytes(forged[:32]), bytes(forged[32:]), now=when)
            except si.Refused:
                continue
            check(False, f"a frame with byte {at} changed was accepted")
        check(vars(opening) == before, "a forged frame changed the state")

    def run(self):
        for name, _ in self.entries:
            if name == "prologue":
                self.begin()
            elif name.startswith("handshake ") and name[10:].isdigit():
                self.handshake(int(name[10:]))
            elif name == "handshake hash":
                self.split()
            elif name.startswith("seal "):
                self.record(name)
        return self.compared


# --- (b) talking with the library ---------------------------------------------------------------------------------------

class Keys:
    """A key pair of ours, and one in a file for the library."""

    def __init__(self, directory, with_keys):
        self.own = self.peer_public = None
        self.arguments = []
        if with_keys:
            self.own, peer = X25519PrivateKey.generate(), os.urandom(32)
            self.peer_public = si.public(X25519PrivateKey.from_private_bytes(peer))
            path = pathlib.Path(directory, "peer.key")
            path.touch(mode=0o600)
            path.write_text(f"penstock-private-key-v1 {peer.hex()}\n")
            self.arguments = [str(path), si.public(self.own).hex()]


def finish(process, expected):
    out, _ = process.communicate(timeout=30)
    check(process.returncode == 0 and out.splitlines()[-1:] == [expected], f"the library said {out!r}, status {process.returncode}")


def as_connector(peer, directory, pattern, suite, keys):
    process = subprocess.Popen([peer, "listen", directory, "second", "aes" if suite.aes else "chacha", *keys.arguments],
                               stdout=subprocess.PIPE, text=True)
    first = process.stdout.readline()
    check(first == "listening\n", f"the library's listener said {first!r}")
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(30)
    for option in (si.SO_PASSCRED, si.SO_PASSPIDFD):
        sock.setsockopt(socket.SOL_SOCKET, option, 1)
    sock.connect(f"{directory}/second.sock")
    channel = Channel(si.Connection(sock, os.geteuid()), True, pattern, suite, "user", "second", static=keys.own,
                      peer_static=keys.peer_public)
    converse(channel)
    # A fresh secret that we offer, one that the library asks for, and epochs of our own in between.
    for turn in range(3):
        channel.refresh()
        converse(channel)
        check(channel.refreshed == 2 * turn + 1 and channel.sending.fresh, "the offered secret is not in use")
        channel.sending.enter()
        number = channel.request(b"refresh")
        channel.await_reply(number)
        converse(channel)
        check(channel.refreshed == 2 * turn + 2, "the secret that the library asked for is not in use")
    check(channel.receiving.epoch > 6, "the library has not changed its key by count")
    channel.close()
    finish(process, "closed_by_peer")


def converse(channel):
    channel.message(b"")
    check(channel.receive().body == b"", "empty echo")
    large = os.urandom(200 * 1024)
    channel.message(large)
    check(channel.receive().body == large, "echo of 200 KiB")
    replies = [channel.request(b"reverse", b"drawer"), channel.request(b"reverse", large)]
    for number, body in zip(replies, (b"reward", large[::-1])):
        reply = channel.await_reply(number)
        check((reply.outcome, reply.status, reply.body) == (0, 42, body), "reply")
    number = channel.request(b"forbidden", large)
    check(channel.await_reply(number).outcome == 1, "an operation outside the policy")
    number = channel.request(b"call-back", b"are you?")
    asked = channel.receive()
    check((asked.kind, asked.operation, asked.body) == (si.REQUEST, b"who", b"are you?"), "a call from the library")
    channel.reply(asked.id, 9, b"python")
    reply = channel.await_reply(number)
    check((reply.status, reply.body) == (9, b"python"), "a call inside a call")
    pass_descriptor(channel)


def pass_descriptor(channel):
    ours = os.memfd_create("ours")
    number = channel.request(b"descriptor", b"", [ours])
    reply = channel.await_reply(number)
    check(os.pread(ours, 99, 0) == b"from the library", "what the library wrote into our descriptor")
    check(len(reply.handles) == 1 and os.pread(reply.handles[0], 99, 0) == b"for the script", "the library's descriptor")
    os.close(ours)
    os.close(reply.handles[0])


def as_listener(peer, directory, pattern, suite, keys):
    lock = os.open(f"{directory}/second.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # PS-CAR-07
    listener = socket.socket(socket.AF_UNIX)
    listener.settimeout(30)
    for option in (si.SO_PASSCRED, si.SO_PASSPIDFD):
        listener.setsockopt(socket.SOL_SOCKET, option, 1)
    os.fchmod(listener.fileno(), 0o600)
    listener.bind(f"{directory}/second.sock")
    listener.listen()
    process = subprocess.Popen([peer, "connect", directory, "second", "aes" if suite.aes else "chacha", *keys.arguments],
                               stdout=subprocess.PIPE, text=True)
    sock, _ = listener.accept()
    sock.settimeout(30)
    channel = Channel(si.Connection(sock, os.geteuid()), False, pattern, suite, "user", "second", static=keys.own,
                      peer_static=keys.peer_public)
    try:
        serve(channel)
    except (si.Refused, OSError) as error:
        check(False, f"{error!r}; the library said: {process.communicate(timeout=30)[0]}")
    check(channel.refreshed == 3, f"{channel.refreshed} fresh secrets: the library offers two and is asked for one")
    finish(process, "done")
    os.unlink(f"{directory}/second.sock")
    os.close(lock)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--page", required=True)
    parser.add_argument("--peer")
    arguments = parser.parse_args()
    total = 0
    for title, entries in sections(pathlib.Path(arguments.page).read_text()):
        compared = Replay(title, entries).run()
        print(f"[{title}] {compared} values reproduced")
        total += compared
    check(total >= 38, f"only {total} values were compared")
    if not arguments.peer:
        return 0
    if si.own_key() is None:
        print("this kernel has no pidfs (Linux 6.9): nobody can be pinned, so the live part is skipped")
        return SKIPPED
    suites = [suite for suite in map(si.Suite, si.SUITES) if not suite.aes or "aes" in pathlib.Path("/proc/cpuinfo").read_text()]
    for pattern in ("NN", "XX"):
        for suite in suites:
            for role in (as_connector, as_listener):
                with tempfile.TemporaryDirectory() as directory:
                    role(arguments.peer, directory, pattern, suite, Keys(directory, pattern == "XX"))
                print(f"{pattern} {suite.name} {role.__name__}: talked with the library")
    for suite in suites:
        as_launcher(arguments.peer, suite, converse, finish)
        finish(as_launched(arguments.peer, suite), "done")
        print(f"NNpsk0 {suite.name} as_launcher, as_launched: talked with the library")
    return 0


if __name__ == "__main__":
    sys.exit(main())
