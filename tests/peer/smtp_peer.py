#!/usr/bin/python3
"""An SMTP server without TLS. Prints its port, serves until stdin closes.

The recipient decides: defer@ 451, refuse@ 550, full@ 452 after DATA, hang@ silence, cut@ closes
after DATA. The last accepted mail goes to --out.
"""
import argparse
import os
import socket
import sys
import threading
import time


def serve(conn, out):
    f = conn.makefile("rb")

    def say(text):
        conn.sendall(text.encode() + b"\r\n")

    rcpt = ""
    log = []
    try:
        say("220 peer ESMTP")
        while True:
            line = f.readline().decode().strip()
            if not line:
                break
            log.append(line)
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                conn.sendall(b"250-peer\r\n250-SIZE 1000000\r\n250 AUTH PLAIN\r\n")
            elif verb == "AUTH":
                if len(line.split(" ")) == 2:
                    say("334 ")
                    f.readline()
                say("235 welcome")
            elif verb == "RCPT":
                rcpt = line.split("<")[1].split("@")[0]
                if rcpt == "hang":
                    time.sleep(30)
                say({"defer": "451 later", "refuse": "550 never"}.get(rcpt, "250 ok"))
            elif verb == "DATA":
                say("354 go")
                body = []
                while True:
                    part = f.readline()
                    if part in (b".\r\n", b""):
                        break
                    body.append(part)
                if rcpt == "cut":
                    break
                if rcpt == "full":
                    say("452 full")
                    continue
                with open(out, "wb") as o:
                    o.write("\n".join(log).encode() + b"\n--\n" + b"".join(body))
                say("250 queued")
            elif verb == "QUIT":
                say("221 bye")
                break
            else:
                say("250 ok")
    except (OSError, IndexError):
        pass
    f.close()
    conn.close()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--out", required=True)
    args = ap.parse_args()
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(16)
    print(server.getsockname()[1], flush=True)

    def loop():
        while True:
            conn, _ = server.accept()
            threading.Thread(target=serve, args=(conn, args.out), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


main()
