"""The sandbox as a program: its store page, its doors, its legacy messages, its memory."""
import base64
import html.parser
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stack_sandbox import ApiError, Sandbox  # noqa: E402


class Forms(html.parser.HTMLParser):
    """Forms with their fields, and the texts of role=status and role=alert."""

    def __init__(self, text):
        super().__init__()
        self.forms, self.ids, self.labels, self.controls = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if "id" in a:
            self.ids.append(a["id"])
        if tag == "form":
            self.forms.append((a["method"], a["action"], []))
        if tag == "label" and "for" in a:
            self.labels.append(a["for"])
        if tag in ("input", "select", "button") and self.forms:
            self.forms[-1][2].append((a.get("name"), a.get("value"), a.get("type", tag)))
        if tag in ("select",) or (tag == "input" and a.get("type") not in ("hidden", "radio",
                                                                        "checkbox")):
            self.controls.append(a.get("id"))


def form(fields):
    return urllib.parse.urlencode(fields).encode()


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Store(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.box = Sandbox()

    @classmethod
    def tearDownClass(cls):
        cls.box.stop()

    def page(self):
        status, headers, body = self.box.http("GET", "/")
        self.assertEqual(status, 200)
        return headers, body.decode()

    def test_page(self):
        headers, text = self.page()
        f = Forms(text)
        self.assertEqual(len([x for x in f.forms if x[1] == "/sandbox/subscribe"]), 5)
        self.assertEqual(len(f.ids), len(set(f.ids)), "ids are unique")
        for control in f.controls:
            self.assertIn(control, f.labels)
        self.assertIn("script-src 'self'", headers["Content-Security-Policy"])
        self.assertNotRegex(text, r"<script(?! src=\"/)|style=|https?://(?!127)")
        self.assertIn('lang="en"', text)
        for path, kind in ("/sandbox/store.css", "text/css"), ("/sandbox/store.js", "text/javasc"):
            status, headers, body = self.box.http("GET", path)
            self.assertEqual(status, 200)
            self.assertTrue(headers["Content-Type"].startswith(kind))
            self.assertGreater(len(body), 20)

    def subscribe(self, **fields):
        status, _, body = self.box.http("POST", "/sandbox/subscribe", form(fields), FORM)
        return status, body.decode()

    def test_hand_over(self):
        status, text = self.subscribe(product="acme", plan="enterprise", trial="1",
                                      account="121212121212")
        self.assertEqual(status, 200)
        (method, action, fields), = Forms(text).forms
        self.assertEqual((method, action), ("post", "http://127.0.0.1:9/marketplace/aws/acme"))
        sent = {n: v for n, v, kind in fields if kind == "hidden"}
        self.assertEqual(sent["x-amzn-marketplace-offer-type"], "free-trial")
        self.assertGreater(len(sent["x-amzn-marketplace-token"]), 200)
        self.assertEqual(fields[-1][2], "submit")
        self.assertIn("Continue to the seller", text)
        self.assertIn('<script src="/sandbox/store.js">', text)
        p = self.box.state()["purchases"][-1]
        self.assertEqual(sent["x-amzn-marketplace-agreement-id"], p["agreement_id"])
        self.assertEqual((p["plan"], p["trial"]), ("enterprise", True))
        status, text = self.subscribe(product="acme", plan="enterprise", trial="1",
                                      account="121212121212")
        self.assertEqual(status, 409)
        self.assertIn('role="alert"', text)

    def test_buttons(self):
        p = self.box.buy("acme", plan="starter")
        for action, fields in (("upgrade", {"plan": "enterprise"}), ("advisory", {}),
                               ("resolve", {}), ("expire-token", {}), ("renew", {})):
            status, headers, _ = self.box.http(
                "POST", "/sandbox/purchases/%s/%s" % (p["id"], action), form(fields), FORM)
            self.assertEqual(status, 303, action)
            self.assertTrue(headers["Location"].startswith("/?done=" + action))
        status, _, text = self.box.http("GET", headers["Location"].split("#")[0])
        self.assertIn(b'role="status">The contract was renewed.', text)
        new = [x for x in self.box.state()["purchases"]
               if x.get("previous_agreement_id") == p["agreement_id"]][0]
        self.assertEqual(new["plan"], "enterprise")
        status, _, text = self.box.http("POST", "/sandbox/purchases/%s/setup" % new["id"], b"",
                                        FORM)
        self.assertIn("x-amzn-marketplace-token", text.decode())
        self.box.http("POST", "/sandbox/purchases/%s/cancel" % new["id"], b"", FORM)
        self.assertEqual(self.box.api("GET", "purchases/" + new["id"])["status"], "CANCELLED")
        f = Forms(self.page()[1])
        self.assertIn(new["id"], f.ids)
        self.assertFalse([x for x in f.forms if "/%s/" % new["id"] in x[1]])

    def test_trouble_and_clock(self):
        for kind in "delay", "drop", "duplicate", "reorder":
            status, _, _ = self.box.http("POST", "/sandbox/trouble", form({"kind": kind}), FORM)
            self.assertEqual(status, 303)
        self.assertEqual([f["kind"] for f in self.box.api("DELETE", "faults") or []], [])
        before = self.box.state()["offset_ms"]
        self.box.http("POST", "/sandbox/clock", form({"by": 3600000}), FORM)
        self.assertEqual(self.box.state()["offset_ms"] - before, 3600000)
        self.box.api("POST", "clock", {"offset_ms": 0})

    def test_names_from_outside_are_escaped(self):
        self.box.http("GET", "/?done=%3Cscript%3E")
        status, text = self.subscribe(product="<b>", plan="x", account="<i>")
        self.assertEqual(status, 409)
        self.assertNotIn("<b>", text)

    def test_doors(self):
        host = self.box.url[7:]
        for headers, want in (({"Origin": "http://evil.example"}, 403),
                              ({"Origin": "null"}, 403),
                              ({"Sec-Fetch-Site": "cross-site"}, 403),
                              ({"Host": "evil.example"}, 421),
                              ({"Origin": "http://" + host}, 400)):
            status, _, _ = self.box.http("POST", "/sandbox/api/purchases", b'{"product":"zz"}',
                                         headers)
            self.assertEqual(status, want, headers)

    def test_api_refusals(self):
        for path, body, want in (("purchases", {"product": "none"}, 400),
                                 ("purchases", {"product": "plain", "plan": "none"}, 400),
                                 ("purchases", {"product": "plain", "account": "1"}, 400),
                                 ("purchases/p999/renew", {}, 404),
                                 ("faults", {"op": "x", "kind": "y"}, 400),
                                 ("clock", {}, 400), ("nothing", {}, 404)):
            with self.assertRaises(ApiError) as e:
                self.box.api("POST", path, body)
            self.assertEqual(e.exception.status, want, path)
        p = self.box.buy("plain", agreement="agmt-mine")
        self.assertEqual(p["agreement_id"], "agmt-mine")
        with self.assertRaises(ApiError) as e:
            self.box.buy("plain", agreement="agmt-mine")
        self.assertEqual(e.exception.status, 409)
        status, _, _ = self.box.http("POST", "/sandbox/api/purchases", b"{", {})
        self.assertEqual(status, 400)

    def test_ledger_tells_everything_in_order(self):
        first = self.box.ledger()[-1]["seq"]
        p = self.box.buy("plain")
        new = self.box.ledger(after=first)
        self.assertEqual([x["op"] for x in new], ["subscribe", "event", "event"])
        self.assertEqual({x["purchase"] for x in new}, {p["id"]})
        with open(self.box.path("ledger"), encoding="utf-8") as f:
            lines = [json.loads(x) for x in f]
        self.assertEqual([x["seq"] for x in lines], list(range(1, len(lines) + 1)))
        self.assertNotIn(p["token"], json.dumps(lines))
        self.assertNotIn(p["token"], json.dumps(self.box.state()))


class Legacy(unittest.TestCase):
    def test_signed_envelopes(self):
        for version in "1", "2":
            box = Sandbox(None, "--sns-signature-version", version)
            try:
                box.args += ["--sns-cert-file", box.path("sns.pem")]
                box.halt()
                box.start()
                self.one(box, version)
            finally:
                box.stop()

    def one(self, box, version):
        p = box.buy("oldc", account="131313131313", trial=True)
        status, _, pem = box.http("GET", "/SimpleNotificationService-sandbox.pem")
        with open(box.path("sns.pem"), "rb") as f:
            self.assertEqual(pem, f.read())
        labels = [m["label"] for m in box.state()["queue"]["messages"]]
        self.assertEqual(labels, ["subscribe-success", "entitlement-updated"])
        for action in labels:
            body = receive(box)
            self.assertEqual(body["SignatureVersion"], version)
            message = json.loads(body["Message"])
            self.assertEqual((message["action"], message["customer-identifier"]),
                             (action, p["customer_identifier"]))
            self.verify(box, body, version)
            if action == "subscribe-success":
                self.assertEqual(message["isFreeTrialTermPresent"], "true")
                self.assertIn("subscription-notification-code-oldc", body["TopicArn"])

    def verify(self, box, body, version):
        text = "".join("%s\n%s\n" % (k, body[k]) for k in
                       ("Message", "MessageId", "Timestamp", "TopicArn", "Type"))
        box.write("text", text)
        with open(box.path("sig"), "wb") as f:
            f.write(base64.b64decode(body["Signature"]))
        key = subprocess.run(["openssl", "x509", "-in", box.path("sns.pem"), "-pubkey", "-noout"],
                             capture_output=True, check=True).stdout.decode()
        box.write("key", key)
        subprocess.run(["openssl", "dgst", "-sha1" if version == "1" else "-sha256", "-verify",
                        box.path("key"), "-signature", box.path("sig"), box.path("text")],
                       check=True, capture_output=True)


def receive(box):
    """One message by the query protocol, signed by hand: this test needs no SDK."""
    import hashlib
    import hmac
    from stack_sandbox import KEY, SECRET
    body = form({"Action": "ReceiveMessage", "QueueUrl": box.queue})
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = stamp[:8] + "/us-east-1/sqs/aws4_request"
    canon = "POST\n/\n\nhost:%s\nx-amz-date:%s\n\nhost;x-amz-date\n%s" % (
        box.url[7:], stamp, hashlib.sha256(body).hexdigest())
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canon.encode()).hexdigest()))
    key = ("AWS4" + SECRET).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    sign = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    status, _, answer = box.http("POST", "/", body, dict(FORM, **{
        "X-Amz-Date": stamp, "Authorization": "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders="
        "host;x-amz-date, Signature=%s" % (KEY, scope, sign)}))
    assert status == 200, answer
    found = re.search(r"<Body>(.*?)</Body>", answer.decode(), re.S)
    return json.loads(html.unescape(found.group(1)))


class Program(unittest.TestCase):
    def test_command_line(self):
        box = Sandbox()
        try:
            for command, why in (
                    (box.command("0.0.0.0:0"), "only 127.0.0.1"),
                    (box.command("127.0.0.1:x"), "port"),
                    (box.command() + ["--sns-signature-version", "3"], "1 or 2"),
                    (box.command() + ["--nonsense"], "usage"),
                    (box.command()[:3], "usage"),
                    (box.command(box.url[7:]), "cannot listen")):
                r = subprocess.run(command, capture_output=True, text=True, timeout=20)
                self.assertIn(r.returncode, (1, 2), command)
                self.assertIn(why, r.stderr)
                self.assertEqual(r.stdout, "")
            os.chmod(box.path("secret"), 0o644)
            r = subprocess.run(box.command(), capture_output=True, text=True, timeout=20)
            self.assertEqual(r.returncode, 2)
        finally:
            box.stop()

    def test_stops_at_once_whatever_is_going_on(self):
        box = Sandbox()
        try:
            ask = b"Action=AssumeRoleWithWebIdentity&WebIdentityToken=abcd" \
                  b"&RoleArn=arn:aws:iam::123456512334:role/pod&RoleSessionName=pod"
            for kind in "never-ending", "timeout-before", "slow":
                box.fault("AssumeRoleWithWebIdentity", kind, ms=60000)

            def call():
                try:
                    box.http("POST", "/", ask, FORM)
                except Exception:
                    pass
            threads = [threading.Thread(target=call) for _ in range(3)]
            for t in threads:
                t.start()
            idle = socket.create_connection(box.url[7:].split(":"))
            end = time.monotonic() + 30
            while box.state()["faults"] and time.monotonic() < end:
                time.sleep(0.02)
            self.assertEqual(box.halt(), 0)
            for t in threads:
                t.join(60)
                self.assertFalse(t.is_alive())
            idle.close()
        finally:
            box.stop()

    def test_remembers_across_a_kill(self):
        box = Sandbox()
        try:
            box.args += ["--state", box.path("state.json")]
            box.halt()
            box.start()
            p = box.buy("payg")
            box.advance(hours=1)
            before = box.state()
            box.halt(signal.SIGKILL)
            box.start()
            after = box.state()
            for key in "purchases", "tokens", "offset_ms", "queue":
                self.assertEqual(before[key], after[key], key)
            self.assertEqual(os.stat(box.path("state.json")).st_mode & 0o777, 0o600)
            self.assertEqual(box.act(p, "cancel")["status"], "CANCELLED")
            self.assertEqual(box.buy("payg")["id"], "p2")
            box.halt()
            box.write("state.json", '{"purchases":[{"id":"p1"}]}')
            r = subprocess.run(box.command(), capture_output=True, text=True, timeout=20)
            self.assertEqual(r.returncode, 2)
            self.assertIn("--state", r.stderr)
        finally:
            box.stop()


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
