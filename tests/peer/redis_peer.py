#!/usr/bin/python3
"""A Redis that lies: slow, half replies, every class of error, closes, floods.

usage: redis_peer.py SOCKET MODE [ARGUMENT]

It understands enough of RESP2 to find the commands. PING and AUTH are answered well unless the mode
says otherwise; every other command gets what the mode stands for. An honest answer is one row
{"echo": last argument of the command}. Prints "ready" when it listens; ends with its stdin.
"""
import os
import socket
import sys
import threading
import time


def commands(conn):
    """Yields lists of byte strings; ends when the peer is gone."""
    data = b""

    def more():
        nonlocal data
        got = conn.recv(65536)
        if not got:
            raise EOFError
        data += got

    def line():
        nonlocal data
        while b"\r\n" not in data:
            more()
        head, data = data.split(b"\r\n", 1)
        return head

    try:
        while True:
            args = []
            for _ in range(int(line()[1:])):
                size = int(line()[1:])
                while len(data) < size + 2:
                    more()
                args.append(data[:size])
                data = data[size + 2:]
            yield args
    except (EOFError, OSError, ValueError):
        return


def bulk(text):
    return b"$%d\r\n%s\r\n" % (len(text), text)


def honest(args):
    return b"*1\r\n*2\r\n" + bulk(b"echo") + bulk(args[-1])


def drip(conn, data):
    for i in range(len(data)):
        conn.sendall(data[i:i + 1])
        time.sleep(0.0005)


class Peer:
    def __init__(self, mode, argument):
        self.mode, self.argument, self.seen = mode, argument, 0

    def greeting(self, args):
        if args[0] == b"AUTH":
            if self.mode == "badauth":
                return b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
            return b"+OK\r\n"
        if self.mode == "badping":
            return b"-NOAUTH Authentication required.\r\n"
        if self.mode == "loading":
            return b"-LOADING Redis is loading the dataset in memory\r\n"
        return b"+PONG\r\n"

    def answer(self, conn, args):
        """False closes the connection."""
        self.seen += 1
        mode, first = self.mode, self.seen == 1
        if mode in ("error", "loading"):
            conn.sendall(b"-" + self.argument.encode() + b"\r\n")
        elif mode == "raw":
            conn.sendall(self.argument.encode().decode("unicode_escape").encode("latin-1"))
        elif mode == "drip":
            drip(conn, honest(args))
        elif mode == "half":
            conn.sendall(honest(args)[:-5])
            time.sleep(60)
        elif mode == "close":
            return False
        elif mode == "halfclose":
            conn.sendall(honest(args)[:-5])
            return False
        elif mode == "late" and first:
            time.sleep(float(self.argument))
            conn.sendall(honest(args))
        elif mode == "silent":
            time.sleep(60)
        elif mode == "flood":
            conn.sendall(b"$2000000000\r\n")
            while True:
                conn.sendall(b"x" * 65536)
        elif mode == "unasked":
            conn.sendall(honest(args) + honest([b"nobody asked"]))
        elif mode == "noscript" and (self.argument == "always" or args[0] == b"EVALSHA"):
            conn.sendall(b"-NOSCRIPT No matching script. Please use EVAL.\r\n")
        elif mode == "wait" and args[0] == b"WAIT":
            conn.sendall(b":%d\r\n" % int(self.argument))
        else:
            conn.sendall(honest(args))
        return True

    def serve(self, conn):
        try:
            if self.mode == "mute":
                time.sleep(60)
            for args in commands(conn):
                if args[0] in (b"PING", b"AUTH"):
                    conn.sendall(self.greeting(args))
                elif not self.answer(conn, args):
                    break
        except OSError:
            pass
        conn.close()


def main():
    path, mode = sys.argv[1:3]
    peer = Peer(mode, sys.argv[3] if len(sys.argv) > 3 else "")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)

    def accept():
        while True:
            conn, _ = listener.accept()
            threading.Thread(target=peer.serve, args=(conn,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    os.write(1, b"ready\n")
    sys.stdin.read()
    os.unlink(path)


main()
