#!/usr/bin/python3
"""An SMTP server without TLS. Prints its port, serves until stdin closes.

The recipient decides: defer@ 451, refuse@ 550, full@ 452 after DATA, hang@ silence, cut@ closes
after DATA. wait@ is told to go on only once OUT.go is there, and OUT.data then says "asked",
"mail" or "left". The last accepted mail goes to --out.
"""
import argparse
import os
import socket
import sys
import threading
import time


def note(path, text):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)


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
                    time.sleep(90)
                say({"defer": "451 later", "refuse": "550 never"}.get(rcpt, "250 ok"))
            elif verb == "DATA":
                if rcpt == "wait":
                    note(out + ".data", "asked")
                    while not os.path.exists(out + ".go"):
                        time.sleep(0.01)
                try:
                    say("354 go")
                except OSError:
                    pass  # what was sent before is there to be read
                body = []
                while True:
                    part = f.readline()
                    if part in (b".\r\n", b""):
                        break
                    body.append(part)
                if rcpt == "wait":
                    note(out + ".data", "mail" if part else "left")
                if not part:
                    break
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
