"""Messages, descriptors, fresh secrets and the end of a channel: sections 7.3 to 10 of docs/PROTOCOL.md, from that page alone."""
import os
import re
import struct
from collections import namedtuple

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from second_implementation import (CANCEL, CLOSE, CONTINUED, MESSAGE, MORE, RECORD, REKEY, REPLY, REQUEST, Refused, handshake, need,
                                   public, x25519)

Incoming = namedtuple("Incoming", "kind id operation outcome status body handles")
OPERATION = re.compile(rb"[A-Za-z0-9._/-]{1,64}")


class Closed(Exception):
    """The peer's close record."""


class Channel:
    def __init__(self, connection, initiator, *how, **keys):
        self.connection, self.initiator = connection, initiator
        self.sending, self.receiving, (self.peer_max_message, self.peer_max_handles) = handshake(connection, initiator, *how, **keys)
        self.offered, self.last_call, self.last_request, self.assembling = None, 0, 0, None
        self.refreshed = 0

    def record(self, kind, plain, flags=0, handles=()):
        self.connection.write(self.sending.seal(kind, plain, flags, len(handles)), handles)

    # --- sending (section 8) -------------------------------------------------------------------------------------------
    def send(self, kind, head=b"", body=b"", handles=()):
        assert len(body) <= self.peer_max_message and len(handles) <= self.peer_max_handles
        if len(head) + len(body) <= RECORD:
            return self.record(kind, head + body, 0, handles)
        head += struct.pack("<Q", len(body))
        at = RECORD - len(head)
        self.record(kind, head + body[:at], MORE, handles)
        while at < len(body):
            part = body[at:at + RECORD]
            at += len(part)
            self.record(kind, part, CONTINUED | (MORE if at < len(body) else 0))

    def message(self, body, handles=()):
        self.send(MESSAGE, b"", body, handles)

    def request(self, operation, body=b"", handles=()):
        self.last_call += 1
        self.send(REQUEST, struct.pack("<QB", self.last_call, len(operation)) + operation, body, handles)
        return self.last_call

    def reply(self, number, status, body=b"", handles=()):
        self.send(REPLY, struct.pack("<QBI", number, 0, status), body, handles)

    def cancel(self, number):
        self.record(CANCEL, struct.pack("<Q", number))

    def close(self):
        self.record(CLOSE, b"")
        self.connection.sock.close()

    # --- a fresh secret (section 7.3) ----------------------------------------------------------------------------------
    def refresh(self):
        if not self.initiator:
            return self.record(REKEY, b"\0")
        if self.offered is None:
            self.offered = X25519PrivateKey.generate()
            self.record(REKEY, b"\1" + public(self.offered))

    def on_rekey(self, step):
        if step == b"\0" and self.initiator:
            return self.refresh()
        need(len(step) == 33 and step[0] == (2 if self.initiator else 1), "message_malformed")
        if self.initiator:
            need(self.offered is not None, "message_malformed")
            own, self.offered = self.offered, None
        else:
            own = X25519PrivateKey.generate()
        need(self.receiving.waiting is None, "epoch_wrong")
        dh = x25519(own, step[1:])
        if not self.initiator:
            self.record(REKEY, b"\2" + public(own))  # still in the present epoch
        self.receiving.waiting = dh
        self.sending.enter(dh)  # the next record is in a fresh epoch
        self.refreshed += 1

    # --- receiving -----------------------------------------------------------------------------------------------------
    def claim(self, count):  # PS-FD-03
        arrived, self.connection.arrived = self.connection.arrived, []
        if len(arrived) != count:
            for fd in arrived:
                os.close(fd)
            raise Refused("handles_mismatch")
        return arrived

    def receive(self):
        """The next whole message, request, reply or cancel."""
        while True:
            header, plain = self.receiving.open(*self.connection.read_frame())
            handles = self.claim(header.handles)
            if header.kind == REKEY:
                self.on_rekey(plain)
            elif header.kind == CLOSE:
                need(plain == b"", "message_malformed")
                raise Closed
            elif header.kind == CANCEL:
                need(len(plain) == 8, "message_malformed")
                return Incoming(CANCEL, struct.unpack("<Q", plain)[0], b"", 0, 0, b"", handles)
            else:
                need(header.kind in (MESSAGE, REQUEST, REPLY), "frame_malformed")
                done = self.chunk(header, plain, handles)
                if done is not None:
                    return done

    def chunk(self, header, plain, handles):
        more = bool(header.flags & MORE)
        if header.flags & CONTINUED:
            need(self.assembling is not None and self.assembling[0].kind == header.kind and plain, "message_malformed")
            need(header.handles == 0, "message_malformed")
            first, body, total = self.assembling
            body += plain
        else:
            need(self.assembling is None, "message_malformed")
            first, body, total = self.first(header, plain, more, handles)
        need(len(body) < total if more else len(body) == total, "message_malformed")
        self.assembling = (first, body, total) if more else None
        return None if more else first._replace(body=body)

    def first(self, header, plain, more, handles):
        number, operation, outcome, status, at = 0, b"", 0, 0, 0
        if header.kind == REQUEST:
            number, size = struct.unpack_from("<QB", plain)
            operation, at = plain[9:9 + size], 9 + size
            need(OPERATION.fullmatch(operation), "message_malformed")
            need(number > self.last_request, "message_malformed")
            self.last_request = number
        if header.kind == REPLY:
            number, outcome, status = struct.unpack_from("<QBI", plain)
            at = 13
            need(outcome <= 2 and 1 <= number <= self.last_call, "call_unknown")
        total = len(plain) - at
        if more:
            total, = struct.unpack_from("<Q", plain, at)
            at += 8
        need(total <= 1 << 20, "message_too_large")
        return Incoming(header.kind, number, operation, outcome, status, b"", handles), plain[at:], total

    def await_reply(self, number):
        incoming = self.receive()
        need(incoming.kind == REPLY and incoming.id == number, f"expected the reply to {number}, got {incoming}")
        return incoming


def serve(channel):
    """Echoes messages, reverses what it is asked to, and changes its key often, until the peer closes."""
    turn = 0
    try:
        while True:
            incoming = channel.receive()
            turn += 1
            if turn % 3 == 0:
                channel.sending.enter()
            if turn == 4:
                channel.refresh()  # the responder asks; the library offers
            if incoming.kind == MESSAGE:
                channel.message(incoming.body)
            elif incoming.operation == b"reverse":
                channel.reply(incoming.id, 42, incoming.body[::-1])
            else:
                channel.send(REPLY, struct.pack("<QBI", incoming.id, 1, 0))  # PS-MSG-08: refused
    except Closed:
        return
