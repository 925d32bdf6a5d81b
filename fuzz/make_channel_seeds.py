#!/usr/bin/python3
"""Writes the seeds of fuzz_handshake, fuzz_channel and fuzz_shared_memory, from the scripts that they read (see the .cpp files)."""
import pathlib
import struct

HERE = pathlib.Path(__file__).parent / "seeds"
MESSAGE, REQUEST, REPLY, CANCEL, REKEY, CLOSE = range(6)
MORE, CONTINUED = 1 << 3, 2 << 3


def write(target, name, data):
    folder = HERE / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(bytes(data))


def record(kind, body=b"", shape=0):
    return bytes([0, kind | shape]) + struct.pack("<H", len(body)) + body


def receive(size=4096):
    return bytes([7]) + struct.pack("<H", size)


def send(body):
    return bytes([9]) + struct.pack("<H", len(body)) + body


def request(number, name=b"a", body=b""):
    return record(REQUEST, struct.pack("<QB", number, len(name)) + name + body)


CALL, ANSWER, FORGET, REFRESH, END, CONGEST = bytes([10, 64]), bytes([11]), bytes([12]), bytes([13]), bytes([5]), bytes([6])

CHANNEL = {
    "messages": record(MESSAGE, b"hello") + receive() + send(b"world"),
    "chunks": record(MESSAGE, struct.pack("<Q", 12) + b"chunk", MORE) + record(MESSAGE, b"edbytes", CONTINUED) + receive(),
    "chunks_lie": record(MESSAGE, struct.pack("<Q", 5) + b"chunk", MORE) + receive(),
    "request": request(1) + receive() + ANSWER,
    "refused": request(1, b"forbidden") + receive() + receive(),
    "too_many": b"".join(request(n) for n in range(1, 8)) + receive() * 8,
    "call": CALL + record(REPLY, struct.pack("<QBI", 1, 0, 7) + b"body") + receive(),
    "call_forgotten": CALL + FORGET + record(REPLY, struct.pack("<QBI", 1, 0, 7)) + receive(),
    "call_unknown": record(REPLY, struct.pack("<QBI", 9, 0, 7)) + receive(),
    "cancel": request(1) + receive() + record(CANCEL, struct.pack("<Q", 1)) + receive() + ANSWER,
    "rekey": REFRESH + record(REKEY, b"\x01" + b"\x09" + bytes(31)) + receive() + send(b"x"),
    "epochs": record(MESSAGE, b"a", 0x40) + receive() + record(MESSAGE, b"b", 0x40) + receive(),
    "handles": record(MESSAGE, b"a", 0x80) + receive(),
    "close": record(CLOSE) + receive() + send(b"late"),
    "raw": bytes([4, 32]) + b"PNSK\x01\x10" + bytes(26) + receive(),
    "small_buffer": record(MESSAGE, b"longer than that") + receive(3) + receive(),
    "congested": CONGEST + send(b"z" * 4000) * 3 + CONGEST + send(b"y"),
    "truncated": record(MESSAGE, b"a") + END + receive() + receive(),
}
for name, script in CHANNEL.items():
    for role in (0, 1):
        write("fuzz_channel", f"{name}_{role}", bytes([role]) + script)


def frame(shape, body):
    return bytes([shape, len(body)]) + body


BASE_POINT = b"\x09" + bytes(31)
for suite in (1, 2):
    first = frame(0, bytes([1, suite, 1, 1]) + BASE_POINT)
    write("fuzz_handshake", f"responder_{suite}", bytes([0]) + first)
    write("fuzz_handshake", f"responder_confirm_{suite}", bytes([0]) + first + frame(2, bytes(32)))
    write("fuzz_handshake", f"low_order_{suite}", bytes([0]) + frame(0, bytes([1, suite, 1, 1]) + bytes(32)))
    write("fuzz_handshake", f"initiator_{suite}", bytes([1 | (suite - 1) << 1]) + frame(4, BASE_POINT + bytes(16)))
write("fuzz_handshake", "other_pattern", bytes([0]) + frame(0, bytes([2, 1, 1, 1]) + BASE_POINT))
write("fuzz_handshake", "other_process", bytes([0]) + frame(0x80, bytes([1, 1, 1, 1]) + BASE_POINT))


# fuzz_shared_memory: odd byte: the peer acts; even: we do.
def memory_record(kind, body=b"", handles=False):
    return bytes([1, 0, kind | (4 if handles else 0)]) + struct.pack("<H", len(body)) + body


TAKE = bytes([0, 0]) + struct.pack("<H", 4096)
PUT = bytes([0, 2]) + struct.pack("<H", 200) + b"p" * 200
FAR = struct.pack("<Q", 1 << 63)
MEMORY = {
    "honest": memory_record(0, b"hello") + TAKE + PUT,
    "long": memory_record(0, b"l" * 4000) + TAKE + memory_record(0, b"m" * 4000) + TAKE,
    "handle": memory_record(0, b"h", True) + TAKE,
    "buffer": memory_record(3, struct.pack("<QQ", 16, 1), True) + TAKE,
    "written_ahead": bytes([1, 3, 160]) + FAR + TAKE,
    "written_back": memory_record(0, b"a") + TAKE + bytes([1, 3, 0]) + TAKE,
    "taken_ahead": PUT + bytes([1, 4, 127]) + PUT * 30,
    "attachments": memory_record(0, b"a") + bytes([1, 5, 65]) + TAKE * 3,
    "wishes": bytes([1, 6, 1, 1]) + PUT + bytes([1, 6, 3, 3]) + PUT + TAKE,
    "flip": memory_record(0, b"abc") + bytes([1, 7, 35, 0, 1]) + TAKE,
    "bells": bytes([1, 8, 4]) + bytes(4) + bytes([0]) + bytes([0, 3, 1]) + TAKE,
    "garbage": bytes([1, 8, 3, 9, 9, 9, 0]) + bytes([0, 3, 1]) + TAKE,
    "end": memory_record(0, b"last") + bytes([1, 9, 255]) + TAKE * 3,
    "full": PUT * 40 + bytes([0, 3, 0]),
}
for name, script in MEMORY.items():
    write("fuzz_shared_memory", name, bytes([1]) + script)
