"""A second implementation of docs/PROTOCOL.md, written from that page alone: keys, frames and channels of both roles.

It shares no code with the library and is no product: it exists so that the page is known to be complete. Numbers in comments are the
page's requirements. Its checks are second_implementation_check.py.
"""
import array
import hashlib
import hmac
import os
import socket
import struct
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PATTERNS = {"NN": 1, "XX": 2, "NNpsk0": 3}
SUITES = {"25519_AESGCM_SHA256": 1, "25519_ChaChaPoly_BLAKE2b": 2}
SCOPES = {"session": 0, "user": 1, "machine": 2}
HANDSHAKE, CONFIRM, MESSAGE, REQUEST, REPLY, CANCEL, REKEY, CLOSE = 0x01, 0x02, 0x10, 0x11, 0x12, 0x13, 0x20, 0x2F
NAMES = {"confirm": CONFIRM, "message": MESSAGE, "request": REQUEST, "reply": REPLY, "cancel": CANCEL, "rekey": REKEY, "close": CLOSE}
MORE, CONTINUED, FRESH = 1, 2, 4
RECORD, CONTROL = 65536, 1024  # plaintext
RULES = {HANDSHAKE: (0, 0, 1, 1024), CONFIRM: (0, 0, 16, CONTROL + 16), MESSAGE: (7, 16, 16, RECORD + 16),
         REQUEST: (7, 16, 16, RECORD + 16), REPLY: (7, 16, 16, RECORD + 16), CANCEL: (FRESH, 0, 16, CONTROL + 16),
         REKEY: (FRESH, 0, 16, CONTROL + 16), CLOSE: (FRESH, 0, 16, CONTROL + 16)}
SO_PASSCRED, SO_PEERCRED, SO_PASSPIDFD, SO_PEERPIDFD, SCM_CREDENTIALS, SCM_PIDFD = 16, 17, 76, 77, 2, 4


class Refused(Exception):
    """Something the page tells to close for."""


def need(condition, reason):
    if not condition:
        raise Refused(reason)


# --- Noise and keys (sections 5 and 6) --------------------------------------------------------------------------------

class Suite:
    def __init__(self, name):
        self.name, self.aes = name, "AESGCM" in name
        self.hash = hashlib.sha256 if self.aes else hashlib.blake2b  # blake2b: 64 bytes, block 128

    def hmac(self, key, data):
        return hmac.new(key, data, self.hash).digest()

    def hkdf(self, chaining, data, outputs):
        temp, out, last = self.hmac(chaining, data), [], b""
        for i in range(outputs):
            last = self.hmac(temp, last + bytes([i + 1]))
            out.append(last)
        return out

    def nonce(self, number):
        return bytes(4) + number.to_bytes(8, "big" if self.aes else "little")  # PS-KEY-02

    def seal(self, key, number, associated, plain):
        return (AESGCM if self.aes else ChaCha20Poly1305)(key).encrypt(self.nonce(number), plain, associated)

    def open(self, key, number, associated, sealed):
        try:
            return (AESGCM if self.aes else ChaCha20Poly1305)(key).decrypt(self.nonce(number), sealed, associated)
        except InvalidTag:
            raise Refused("record_forged") from None

    def rekey(self, key, dh=None):
        following = self.seal(key, 2**64 - 1, b"", bytes(32))[:32]  # PS-KEY-04
        return following if dh is None else self.hkdf(following, dh, 2)[0][:32]  # PS-KEY-05


def public(private):
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def x25519(private, theirs):
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(theirs))
    except ValueError:
        raise Refused("handshake_failed") from None  # PS-HS-08


class Noise:
    MESSAGES = {"NN": (("e",), ("e", "ee")), "XX": (("e",), ("e", "ee", "s", "es"), ("s", "se")),
                "NNpsk0": (("psk", "e"), ("e", "ee"))}

    def __init__(self, pattern, suite, initiator, prologue, static=None, psk=None, ephemeral=None):
        self.pattern, self.suite, self.initiator = pattern, suite, initiator
        self.static, self.psk, self.ephemeral = static, psk, ephemeral or X25519PrivateKey.generate()
        self.remote_static = self.remote_ephemeral = self.key = None
        name, size = f"Noise_{pattern}_{suite.name}".encode(), suite.hash().digest_size
        self.h = name.ljust(size, b"\0") if len(name) <= size else suite.hash(name).digest()
        self.ck, self.n = self.h, 0
        self.mix_hash(prologue)

    def mix_hash(self, data):
        self.h = self.suite.hash(self.h + data).digest()

    def mix_key(self, data):
        self.ck, key = self.suite.hkdf(self.ck, data, 2)
        self.key, self.n = key[:32], 0

    def crypt(self, data, sealing):
        out = data
        if self.key is not None:
            out = (self.suite.seal if sealing else self.suite.open)(self.key, self.n, self.h, data)
            self.n += 1
        self.mix_hash(out if sealing else data)
        return out

    def token(self, token, take):
        """`take` is None when writing; else it gives the next bytes of the message."""
        out = b""
        if token == "e":
            e = out = public(self.ephemeral) if take is None else take(32)
            if take is not None:
                self.remote_ephemeral = e
            self.mix_hash(e)
            if "psk" in self.pattern:
                self.mix_key(e)
        elif token == "s":
            if take is None:
                out = self.crypt(public(self.static), True)
            else:
                self.remote_static = self.crypt(take(48), False)
        elif token == "psk":
            self.ck, mixed, key = self.suite.hkdf(self.ck, self.psk, 3)
            self.mix_hash(mixed)
            self.key, self.n = key[:32], 0
        else:  # the first letter is the initiator's key, the second the responder's
            own, theirs = (token[0], token[1]) if self.initiator else (token[1], token[0])
            self.mix_key(x25519(self.static if own == "s" else self.ephemeral,
                                self.remote_static if theirs == "s" else self.remote_ephemeral))
        return out

    def write(self, index):
        return b"".join(self.token(t, None) for t in self.MESSAGES[self.pattern][index]) + self.crypt(b"", True)

    def read(self, index, message):
        rest = [message]

        def take(size):
            taken, rest[0] = rest[0][:size], rest[0][size:]
            return taken
        for token in self.MESSAGES[self.pattern][index]:
            self.token(token, take)
        need(self.crypt(rest[0], False) == b"", "handshake_malformed")

    def split(self):
        first, second = self.suite.hkdf(self.ck, b"", 2)
        return first[:32], second[:32]


def preamble(pattern, suite, carrier, binding):
    return bytes([PATTERNS[pattern], SUITES[suite.name], carrier, binding])


def prologue(chosen, scope, name, initiator_number, responder_number):  # PS-PRO-01
    return (b"Penstock/1\x01" + chosen + bytes([0xFF if scope is None else SCOPES[scope], len(name)]) + name.encode()
            + struct.pack("<QQ", initiator_number, responder_number))


# --- frames and records (sections 4 and 7) -----------------------------------------------------------------------------

def encode(kind, length, flags=0, handles=0, epoch=0, sequence=0, when=0):
    return b"PNSK" + struct.pack("<BBBBIIQQ", 1, kind, flags, handles, epoch, length, sequence, when)


class Header:
    def __init__(self, raw):  # PS-HDR-01
        magic, version, self.kind, self.flags, self.handles, self.epoch, self.length, self.sequence, self.time = \
            struct.unpack("<4sBBBBIIQQ", raw)
        need(magic == b"PNSK", "frame_malformed")
        need(version == 1, "version_unsupported")
        need(self.kind in RULES, "frame_malformed")
        flags, handles, shortest, longest = RULES[self.kind]
        need(self.flags & ~flags == 0 and self.handles <= handles, "frame_malformed")
        need(not (self.flags & FRESH and self.epoch == 0) and self.sequence < 2**48, "frame_malformed")
        need(self.kind not in (HANDSHAKE, CONFIRM) or self.epoch == 0, "frame_malformed")
        need(self.kind != CONFIRM or self.sequence == 0, "frame_malformed")
        need(self.length >= shortest, "frame_malformed")
        need(self.length <= longest, "frame_too_large")


class Direction:
    """What both ends keep of one direction."""

    def __init__(self, suite, key):
        self.suite, self.key, self.epoch, self.fresh, self.sequence = suite, key, 0, False, 0
        self.waiting = None  # a fresh secret that the next fresh epoch uses
        self.used = False  # has this epoch's key sealed anything?

    def enter(self, dh=None):
        if not self.used and dh is None:
            return  # PS-KEY-06
        self.used = False
        self.key, self.epoch, self.fresh = self.suite.rekey(self.key, dh), self.epoch + 1, dh is not None

    def seal(self, kind, plain, flags=0, handles=0, when=None):
        when = time.clock_gettime_ns(time.CLOCK_MONOTONIC) if when is None else when
        head = encode(kind, len(plain) + 16, flags | (FRESH if self.fresh else 0), handles, self.epoch, self.sequence, when)
        Header(head)
        sealed = self.suite.seal(self.key, self.sequence, head, plain)
        self.sequence += 1
        self.used = True
        return head + sealed

    def open(self, head, body, now=None):  # PS-REC-02
        header = Header(head)
        need(header.kind != HANDSHAKE and len(body) == header.length, "frame_malformed")
        fresh, key, following = bool(header.flags & FRESH), self.key, header.epoch == self.epoch + 1
        if following:
            need(not fresh or self.waiting is not None, "epoch_wrong")
            key = self.suite.rekey(self.key, self.waiting if fresh else None)
        else:
            need(header.epoch == self.epoch and fresh == self.fresh, "epoch_wrong")
        plain = self.suite.open(key, header.sequence, head, body)
        need(header.sequence >= self.sequence, "record_replayed")
        need(header.sequence == self.sequence, "sequence_wrong")
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) if now is None else now
        need(-10**9 <= now - header.time <= 60 * 10**9, "record_stale")
        if following:
            self.key, self.epoch, self.fresh = key, header.epoch, fresh
            self.waiting = None if fresh else self.waiting
        self.sequence += 1
        return header, plain


# --- the kernel's word (section 3) -------------------------------------------------------------------------------------

def process_key(pidfd):
    """PS-ID-01, or None where pidfds are not on pidfs."""
    other = os.eventfd(0)  # before pidfs, pidfds shared the one inode of all such descriptors
    try:
        pid, anonymous = os.fstat(pidfd), os.fstat(other)
        return pid.st_ino if (pid.st_dev, pid.st_ino) != (anonymous.st_dev, anonymous.st_ino) else None
    finally:
        os.close(other)
        os.close(pidfd)


def own_key():
    return process_key(os.pidfd_open(os.getpid()))


class Connection:
    """A connected socket whose peer is pinned. `child` is the pidfd of one that we made (PS-CAR-16)."""

    def __init__(self, sock, expected_uid, child=None):
        self.sock = sock
        self.uid = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, SO_PEERCRED, 12))[1]
        self.peer_key = process_key(sock.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD) if child is None else child)
        need(self.peer_key is not None and self.uid == expected_uid, "peer_refused")
        self.checking, self.arrived = True, []

    def read(self, size):
        data = b""
        while len(data) < size:
            part, control, flags, _ = self.sock.recvmsg(size - len(data), 1024, socket.MSG_CMSG_CLOEXEC)
            need(part, "truncated")
            need(not flags & socket.MSG_CTRUNC, "handles_limit")
            user = key = None
            for _, kind, value in control:
                if kind == SCM_CREDENTIALS:
                    user = struct.unpack("3i", value)[1]
                if kind == SCM_PIDFD:
                    key = process_key(struct.unpack("i", value)[0])
                if kind == socket.SCM_RIGHTS:
                    fds = array.array("i")
                    fds.frombytes(value)
                    self.arrived += fds
            need(not self.checking or (user == self.uid and key == self.peer_key), "peer_changed")  # PS-ID-05
            data += part
        return data

    def read_frame(self):
        head = self.read(32)
        return head, self.read(Header(head).length)

    def write(self, data, handles=()):
        if handles:  # PS-FD-02
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", handles))]
            data = data[self.sock.sendmsg([data], rights):]
        self.sock.sendall(data)


def handshake(connection, initiator, pattern, suite, scope, name, static=None, peer_static=None, psk=None):
    """Section 5. Returns the channel's two directions and the peer's parameters: (sending, receiving, (max message, max handles))."""
    chosen = preamble(pattern, suite, 2 if scope is None else 1, 1)
    ends = (own_key(), connection.peer_key) if initiator else (connection.peer_key, own_key())
    noise = Noise(pattern, suite, initiator, prologue(chosen, scope, name, *ends), static, psk)
    for index in range(len(Noise.MESSAGES[pattern])):
        extra = chosen if index == 0 else b""
        if (index % 2 == 0) == initiator:
            body = extra + noise.write(index)
            connection.write(encode(HANDSHAKE, len(body), sequence=index) + body)
            continue
        head, body = connection.read_frame()
        need(head == encode(HANDSHAKE, len(body), sequence=index), "handshake_malformed")  # PS-HS-03
        need(body.startswith(extra), "pattern_refused")
        noise.read(index, body[len(extra):])
        need(noise.remote_static in (None, peer_static), "peer_refused")  # PS-HS-09
    keys = noise.split()
    sending, receiving = (Direction(suite, key) for key in (keys if initiator else keys[::-1]))
    confirm = struct.pack("<QB7x", 1 << 20, 4)
    if initiator:
        connection.write(sending.seal(CONFIRM, confirm))
    header, theirs = receiving.open(*connection.read_frame())
    need(header.kind == CONFIRM and len(theirs) == 16 and theirs[9:] == bytes(7), "handshake_malformed")
    need(not connection.arrived, "handles_mismatch")
    if not initiator:
        connection.write(sending.seal(CONFIRM, confirm))
    connection.checking = False
    connection.sock.setsockopt(socket.SOL_SOCKET, SO_PASSCRED, 0)
    connection.sock.setsockopt(socket.SOL_SOCKET, SO_PASSPIDFD, 0)
    return sending, receiving, struct.unpack_from("<QB", theirs)
