"""A mail server that delivers into a list (and a directory), on loopback, in a thread.

It knows as much SMTP (RFC 5321) as a test needs: EHLO, MAIL, RCPT, DATA, RSET, QUIT. Faults:
`refuse` = a number of messages still to be refused with 451.
"""
import email
import email.policy
import os
import socketserver
import threading


class _Session(socketserver.StreamRequestHandler):
    timeout = 20

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def read_message(self):
        """None: the client left before the last line, so it is no message (RFC 5321, 4.1.1.4)."""
        lines = []
        while True:
            line = self.rfile.readline(65536)
            if not line:
                return None
            if line in (b".\r\n", b".\n"):
                break
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    def handle(self):
        sink, rcpt = self.server.sink, []
        self.say("220 sink ESMTP")
        while True:
            try:
                line = self.rfile.readline(4096).decode("latin-1").strip()
            except OSError:
                return  # silent for too long, or gone
            verb = line[:4].upper()
            if not line or verb == "QUIT":
                self.say("221 bye")
                return
            if verb == "RCPT":
                rcpt.append(line.split(":", 1)[1].strip().strip("<>"))
                self.say("250 ok")
            elif verb == "DATA":
                self.say("354 go on")
                message = self.read_message()
                if message is None:
                    return
                self.say(sink.take(message, rcpt))
                rcpt = []
            elif verb in ("EHLO", "HELO", "MAIL", "RSET", "NOOP"):
                self.say("250 ok")
            else:
                self.say("502 unknown")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that go away or stay silent are part of what is tested."""


class MailSink:
    def __init__(self, directory=None, port=0):
        self.directory, self.messages, self.refuse = directory, [], 0
        self.arrived = threading.Condition()
        self.server = _Server(("127.0.0.1", port), _Session)
        self.server.sink = self
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def take(self, raw, rcpt):
        with self.arrived:
            if self.refuse > 0:
                self.refuse -= 1
                return "451 not now"
            message = email.message_from_bytes(raw, policy=email.policy.default)
            self.messages.append((rcpt, message))
            if self.directory:
                name = os.path.join(self.directory, "%03d.eml" % len(self.messages))
                with open(name, "wb") as f:
                    f.write(raw)
            self.arrived.notify_all()
        return "250 taken"

    def wait(self, match, seconds=30):
        """First message for which match(rcpt, message) holds, or None."""
        def find():
            return next((m for m in self.messages if match(*m)), None)
        with self.arrived:
            self.arrived.wait_for(find, timeout=seconds)
            return find()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
