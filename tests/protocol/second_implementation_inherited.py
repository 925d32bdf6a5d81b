#!/usr/bin/python3
"""The inherited carrier of docs/PROTOCOL.md (section 2.2), from that page alone: as the launching end, and, run as a program by the library, as the
launched one."""
import fcntl
import os
import socket
import subprocess
import sys

import second_implementation as si
from second_implementation_channel import Channel, serve


def as_launcher(peer, suite, converse, finish):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    for sock in (ours, theirs):
        for option in (si.SO_PASSCRED, si.SO_PASSPIDFD):
            sock.setsockopt(socket.SOL_SOCKET, option, 1)
    secret = os.urandom(32)
    reader, writer = os.pipe()
    os.write(writer, secret)
    os.close(writer)
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(5)]  # so that subprocess's own pipe is neither 3 nor 4
    sources = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (theirs.fileno(), reader)]

    def place():
        os.dup2(sources[0], 3)
        os.dup2(sources[1], 4)
    process = subprocess.Popen([peer, "adopt"], env={"PENSTOCK_LAUNCH": "3,4"}, pass_fds=(3, 4), preexec_fn=place,
                               stdout=subprocess.PIPE, text=True)
    for fd in (*held, *sources, reader, theirs.detach()):
        os.close(fd)
    ours.settimeout(30)
    connection = si.Connection(ours, os.geteuid(), child=os.pidfd_open(process.pid))
    channel = Channel(connection, True, "NNpsk0", suite, None, "", psk=secret)
    converse(channel)
    channel.refresh()
    converse(channel)
    channel.close()
    finish(process, "closed_by_peer")


def as_launched(peer, suite):
    return subprocess.Popen([peer, "launch", sys.executable, os.path.abspath(__file__), "aes" if suite.aes else "chacha"],
                            stdout=subprocess.PIPE, text=True)


def main():
    si.need(os.environ.pop("PENSTOCK_LAUNCH", None) == "3,4", "not launched")  # PS-CAR-15
    open_now = {int(fd) for fd in os.listdir("/proc/self/fd")}
    si.need(open_now <= {0, 1, 2, 3, 4, max(open_now)}, f"descriptors {open_now}: more than was promised")  # the last is the listing's own
    secret = os.read(4, 33)
    si.need(len(secret) == 32 and os.read(4, 1) == b"", "no launch secret")
    os.close(4)
    os.set_inheritable(3, False)
    sock = socket.socket(fileno=3)
    connection = si.Connection(sock, os.geteuid())
    serve(Channel(connection, False, "NNpsk0", si.Suite(sys.argv[1]), None, "", psk=secret))
    return 0


if __name__ == "__main__":
    sys.exit(main())
