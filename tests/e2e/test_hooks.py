"""Inbound events through the real front, sandbox and all, with the shipped Redis users: each
transport takes a genuine one, refuses a forged one, and a storm of repetitions is one event."""
import concurrent.futures
import http.client
import json
import os
import subprocess
import unittest

import front_rig
import hook_rig
from hook_rig import ABSENT, APP, MARKETPLACE, PATH, event, fcgi_peer


@unittest.skipIf(ABSENT, "missing: " + ", ".join(ABSENT))
class Hooks(hook_rig.HookCase):
    def check(self, address=None):
        token = self.ours.token()
        for _ in range(2):
            answer = self.post(token, event("op1"), address)
            self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(self.stored(), [event("op1").decode()])
        for bad in (None, "Bearer x", "Basic eA==", self.ours.token(aud=MARKETPLACE),
                    self.ours.token(azp=APP), self.ours.token(exp=1), self.other.token(),
                    token[:-4] + "AAAA"):
            answer = self.post(bad, event("op2"), address)
            self.assertEqual(answer.status, 401, bad)
            self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")
            self.assertEqual(json.loads(answer.body)["type"],
                             "https://buy.example/marketplace/api/problems/not_genuine")
        self.assertEqual(self.post(token, b"{", address).status, 400)
        self.assertEqual(len(self.stored()), 1)
        self.assertEqual(self.admin("ZRANGE", "{p0}:ready:market", "0", "-1"),
                         ["event:" + self.admin("KEYS", "{p0}:e:*")[0].split(":")[2]])

    def test_records(self):
        self.check()

    def test_fcgi2(self):
        front = self.rig.front("--transport", "fcgi2", listen=self.rig.dir + "/two.sock",
                               log="two.log")
        try:
            self.check(self.rig.dir + "/two.sock")
        finally:
            front.stop()

    def test_cgi(self):
        """A process per request: it reads the keys each time."""
        body = event("op1")
        env = dict(fcgi_peer.variables(PATH, "POST", body, CONTENT_TYPE="application/json"),
                   HTTP_AUTHORIZATION=self.ours.token())
        command = [front_rig.FRONT, "--transport", "cgi", "--config", self.rig.dir + "/front.yaml"]
        for authorization, want in ((env["HTTP_AUTHORIZATION"], b"200"), ("Bearer x", b"401")):
            env["HTTP_AUTHORIZATION"] = authorization
            done = subprocess.run(command, env=env, input=body, capture_output=True, timeout=30,
                                  check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout.split()[1], want)
        self.assertEqual(self.stored(), [body.decode()])

    def test_storm(self):
        token, body = self.ours.token(), event("op5", "Unsubscribe")
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: self.post(token, body).status, range(500)))
        self.assertEqual(answers, [200] * 500)
        self.assertEqual(self.stored(), [body.decode()])

    @unittest.skipUnless(front_rig.which("nginx"), "missing: nginx")
    def test_nginx(self):
        """The header arrives through a real web server, and its answer leaves by it."""
        address = self.rig.nginx().split("//")[1]
        os.chmod(self.rig.sock, 0o666)
        self.through(address)

    @unittest.skipUnless(front_rig.which("apache2"), "missing: apache2")
    def test_apache(self):
        """Apache hands the header on only where it is told to, as the shipped file does."""
        with open(os.path.join(front_rig.ROOT, "apache/lastmile.conf"), encoding="utf-8") as f:
            self.assertIn("CGIPassAuth On", f.read())
        plain = front_rig.APACHE
        front_rig.APACHE += '<Location "/marketplace/">\n    CGIPassAuth On\n</Location>\n'
        try:
            self.through(self.rig.apache().split("//")[1])
        finally:
            front_rig.APACHE = plain

    def through(self, address):
        for token, want in ((self.ours.token(), 200), (self.other.token(), 401), (None, 401)):
            c = http.client.HTTPConnection(address, timeout=20)
            headers = {"Content-Type": "application/json"}
            if token:
                headers["Authorization"] = token
            c.request("POST", PATH, event("op1"), headers)
            self.assertEqual(c.getresponse().status, want)
            c.close()
        self.assertEqual(self.stored(), [event("op1").decode()])

    @unittest.skipUnless(front_rig.sandboxed(), "a build without the sandbox")
    def test_still_shut_in(self):
        """Verifying needed nothing that the sandbox forbids: no child died."""
        token = self.ours.token()
        for i in range(20):
            self.assertEqual(self.post(token, event("op%d" % i)).status, 200)
        self.assertEqual(self.front.count("front.child_died"), 0)
        hardened = [e for e in self.front.events() if e["event"] == "front.hardened"]
        self.assertTrue(hardened and all("kill" in e["seccomp"] for e in hardened))


if __name__ == "__main__":
    unittest.main()
