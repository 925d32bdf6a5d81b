#!/usr/bin/env python3
"""Writes the seeds of fuzz_header and fuzz_record: `python3 fuzz/make_record_seeds.py` from anywhere.

The seeds are committed; run this again when the header or the script of fuzz_record.cpp changes.
"""
import pathlib
import struct

SEEDS = pathlib.Path(__file__).parent / "seeds"


def frame(kind, flags=0, handles=0, epoch=0, length=16, sequence=0, time=10**15, magic=b"PNSK", version=1):
    return magic + struct.pack("<BBBBIIQQ", version, kind, flags, handles, epoch, length, sequence, time) + bytes(length)


HEADERS = {
    "handshake": frame(0x01, length=96),
    "confirm": frame(0x02, length=32),
    "message": frame(0x10, length=80, sequence=5),
    "chunks": frame(0x10, flags=1, sequence=1) + frame(0x10, flags=3, sequence=2) + frame(0x10, flags=2, sequence=3),
    "request_handles": frame(0x11, handles=16, sequence=9),
    "reply_fresh": frame(0x12, flags=4, epoch=7, sequence=1 << 40),
    "cancel": frame(0x13, length=24, sequence=3),
    "rekey": frame(0x20, length=48, sequence=3),
    "close": frame(0x2F, length=16, sequence=4),
    "session": frame(0x01, length=48) + frame(0x01, length=96, sequence=2) + frame(0x02, length=32) +
    frame(0x10, sequence=1) + frame(0x10, flags=4, epoch=1, sequence=2) + frame(0x2F, flags=4, epoch=1, sequence=3),
    "cut": frame(0x10, length=80)[:70],
    "bad_magic": frame(0x10, magic=b"HTTP"),
    "bad_version": frame(0x10, version=2),
    "bad_type": frame(0x77),
    "bad_flags": frame(0x10, flags=0x80),
    "bad_handles": frame(0x10, handles=17),
    "bad_sequence": frame(0x10, sequence=1 << 48),
    "bad_length": struct.pack("<4sBBBBIIQQ", b"PNSK", 1, 0x10, 0, 0, 0, 65553, 0, 0),
}

SEAL, EXCHANGE, DELIVER, MUTATE, RAW, LATER, EARLIER, KEY, EXPECT, CRAFT = 0, 1, 2, 4, 6, 7, 8, 9, 10, 11
AES, REORDERED, BY_COUNT, BY_BYTES, BY_AGE = 1, 2, 4, 8, 16


def text(words, kind=0):
    return bytes([kind, len(words)]) + words


def exchange(words=b"hello", kind=0):
    return bytes([EXCHANGE]) + text(words, kind)


def seal(words=b"later", kind=0):
    return bytes([SEAL]) + text(words, kind)


def deliver(index):
    return bytes([DELIVER, index])


def mutate(index, how, at, rest=b""):
    return bytes([MUTATE, index, how]) + struct.pack("<H", at) + rest


def craft(epoch, lies, distance, time=None):
    wide = struct.pack("<Q" if lies & 4 else "<H", distance)
    return bytes([CRAFT, epoch, lies]) + wide + (struct.pack("<Q", time) if lies & 2 else b"")


def refresh():
    return bytes([EXPECT, KEY, 1])


REKEY = bytes([KEY, 0])
# 0x00 and 0xE1 choose "flip a bit": its lowest and its highest.
FORGERIES = b"".join(mutate(0, how, at) for at in (5, 6, 8, 16, 22, 24, 40, 50) for how in (0x00, 0xE1))

SCRIPTS = {
    "exchange": bytes([0]) + exchange() * 4 + exchange(b"", 3),
    "exchange_aes_prefix": bytes([AES]) + exchange(b"prefix and body", 0x80) * 3,
    "flags_and_handles": bytes([0]) + exchange(b"x", 0x35) + exchange(b"y", 0x0A),
    "by_count": bytes([BY_COUNT]) + exchange() * 10,
    "by_bytes": bytes([BY_BYTES]) + exchange(b"m" * 60) * 8,
    "by_age": bytes([BY_AGE]) + (exchange() + bytes([LATER, 0x88, 0x13])) * 4,
    "refresh": bytes([0]) + exchange() + refresh() + exchange() * 2 + REKEY + exchange() + refresh() + exchange(),
    "refresh_too_early": bytes([0]) + exchange() + bytes([KEY, 1]) + seal() + deliver(1) + bytes([EXPECT]) + deliver(1),
    "secret_waits": bytes([0, EXPECT]) + exchange() + REKEY + exchange() + bytes([KEY, 1]) + exchange() + bytes([EXPECT, EXPECT]),
    "replay": bytes([0]) + exchange() * 3 + deliver(0) + deliver(1) + deliver(2) + exchange(),
    "drop_and_reorder": bytes([0]) + seal() * 4 + deliver(1) + deliver(0) + deliver(3) + deliver(1) + deliver(2) + deliver(3),
    "forgeries": bytes([0]) + seal() + FORGERIES + deliver(0),
    "cut_extend_splice": bytes([0]) + seal(b"one") + seal(b"two") + mutate(0, 1, 20) + mutate(0, 1, 40) + mutate(0, 2, 3) +
    mutate(0, 4, 0, b"\x01") + mutate(0, 3, 32, b"12345678") + deliver(0) + deliver(1),
    "stale": bytes([0]) + seal() + bytes([LATER, 0x61, 0xEA]) + deliver(0) + bytes([EARLIER, 1, 0]) + deliver(0),
    "ahead": bytes([0]) + seal() + bytes([EARLIER, 0xE9, 0x03]) + deliver(0) + bytes([LATER, 1, 0]) + deliver(0),
    "raw": bytes([0, RAW]) + struct.pack("<H", 48) + frame(0x10) + exchange(),
    "reordered": bytes([REORDERED]) + seal() * 6 + b"".join(deliver(i) for i in (5, 0, 3, 3, 1, 4, 2, 0)),
    "reordered_epochs": bytes([REORDERED]) + seal() * 3 + REKEY + seal() * 3 + b"".join(deliver(i) for i in (1, 4, 0, 2, 3, 5, 1)),
    "reordered_window": bytes([REORDERED]) + exchange() + craft(0, 0, 8191) + craft(0, 8, 8192) + craft(0, 8, 8191) +
    craft(0, 0, 8192) + craft(0, 8, 8193) + craft(0, 8, 1) + craft(0, 0, 64) + craft(0, 8, 65),
    "reordered_old_key": bytes([REORDERED]) + exchange() * 2 + REKEY + exchange() * 2 + craft(0, 8, 3) + craft(1, 0, 5) +
    craft(0, 8, 4) + craft(0, 0, 0) + craft(1, 0, 8190) + craft(0, 8, 8192),
    "reordered_own_numbers": bytes([REORDERED]) + exchange() + seal() + REKEY + seal() + REKEY + seal() + deliver(1) +
    craft(0, 0, 6) + craft(1, 0, 5) + craft(2, 0, 3) + craft(1, 8, 14) + craft(1, 8, 9) + craft(2, 8, 5) + craft(0, 8, 15),
    "lies": bytes([0]) + exchange() + REKEY + exchange() + craft(1, 1, 0) + craft(0, 0, 0) + craft(1, 2, 0, 1 << 63) +
    craft(1, 4, (1 << 48) - 3) + refresh() + seal() + craft(2, 1, 0) + craft(2, 2, 0, 5) + craft(2, 0, 0),
}

for target, seeds in (("fuzz_header", HEADERS), ("fuzz_record", SCRIPTS)):
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in seeds.items():
        (folder / name).write_bytes(content)
