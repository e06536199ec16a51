#!/usr/bin/python3
"""An HTTP peer that lies. Prints its port, serves until stdin closes.

The path says how: /drip /never /truncated /reset /status/<code> /redirect /big /header /garbage
/hang /echo /count /interim /flip... (each such path: 500 five times, then 200). --unix PATH serves
a socket besides.
"""
import argparse
import os
import socket
import struct
import sys
import threading
import time

counts = {}
lock = threading.Lock()


def read_request(conn):
    data = b""
    while b"\r\n\r\n" not in data:
        part = conn.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    want = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            want = int(value)
    while len(body) < want:
        part = conn.recv(65536)
        if not part:
            return None
        body += part
    return head, body


def answer(conn, status, body=b"", extra=b""):
    head = b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n%s\r\n" % (status, len(body), extra)
    conn.sendall(head + body)


def drip(conn):
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        conn.sendall(b"x")
        time.sleep(0.02)


def never(conn):
    conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        conn.sendall(b"x" * 65536)


def header(conn):
    conn.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        conn.sendall(b"X-A: " + b"y" * 8000 + b"\r\n")


def interim(conn):
    while True:
        conn.sendall(b"HTTP/1.1 102 Processing\r\nX-A: " + b"y" * 900 + b"\r\n\r\n")


def reset(conn):
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab")
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


LIES = {
    b"/drip": drip,
    b"/never": never,
    b"/header": header,
    b"/interim": interim,
    b"/reset": reset,
    b"/truncated": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":"),
    b"/chunked": lambda c: c.sendall(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n"),
    b"/garbage": lambda c: c.sendall(b"SSH-2.0-OpenSSH_9\r\n"),
    b"/empty": lambda c: None,
    b"/hang": lambda c: time.sleep(90),
    b"/big": lambda c: answer(c, 200, b"z" * 1000000),
    b"/redirect": lambda c: answer(c, 302, b"", b"Location: /echo\r\n"),
    b"/429": lambda c: answer(c, 429, b"slow down", b"Retry-After: 7\r\n"),
    b"/later": lambda c: answer(c, 503, b"", b"Retry-After: Fri, 01 Jan 2100 00:00:00 GMT\r\n"),
    b"/typed": lambda c: answer(c, 400, b"{}", b"x-amzn-ErrorType: Throttling:http://x/\r\n"
                                               b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"),
}


def serve(conn):
    keep = True
    try:
        while keep:
            got = read_request(conn)
            if not got:
                break
            head, body = got
            line = head.split(b"\r\n")[0].split(b" ")
            path = line[1]
            with lock:
                counts[path] = n = counts.get(path, 0) + 1
            if path in LIES:
                LIES[path](conn)
                keep = path in (b"/big", b"/redirect", b"/429")
            elif path.startswith(b"/status/"):
                answer(conn, int(path[8:]), b"status")
            elif path.startswith(b"/flip"):
                answer(conn, 500 if n <= 5 else 200, b"flip")
            elif path.startswith(b"/count"):
                with lock:
                    text = b"%d" % counts.get(path[6:], 0)
                answer(conn, 200, text)
            else:
                answer(conn, 200, head + b"\r\n\r\n" + body)
    except OSError:
        pass
    conn.close()


def accept(server):
    while True:
        conn, _ = server.accept()
        threading.Thread(target=serve, args=(conn,), daemon=True).start()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--unix")
    args = ap.parse_args()
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", 0))
    server.listen(64)
    threading.Thread(target=accept, args=(server,), daemon=True).start()
    if args.unix:
        local = socket.socket(socket.AF_UNIX)
        local.bind(args.unix)
        local.listen(8)
        threading.Thread(target=accept, args=(local,), daemon=True).start()
    print(server.getsockname()[1], flush=True)
    sys.stdin.read()
    os._exit(0)


main()
