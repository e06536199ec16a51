"""Inbound events through the real front, sandbox and all, with the shipped Redis users: each
transport takes a genuine one, refuses a forged one, and a fast storm of repetitions is one event.
The keys are made with the openssl program; what the worker would publish is written by the test."""
import base64
import concurrent.futures
import hashlib
import http.client
import json
import os
import re
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "peer"))
import fcgi_peer  # noqa: E402
import front_rig  # noqa: E402
from stack_redis import Redis  # noqa: E402

TID = "aaaaaaaa-0000-4000-8000-000000000001"
APP = "bbbbbbbb-0000-4000-8000-000000000002"
MARKETPLACE = "20e940b3-4c77-4b0b-9a53-9e16a1b010a7"
PATH = "/marketplace/hooks/azure/micro"
CONFIG = """
marketplaces:
  - {{name: micro, cloud: azure, product: M, plans: {{a: {{deployment_template: t}}}},
     azure: {{offer_id: o1, tenant_id: %s, client_id: %s, client_secret_file: /s}}}}
deployment_templates:
  t: {{engine: process, command: [/bin/true]}}
deploy: {{endpoint: "https://apps.example/t/{{tenant}}/"}}
secrets: {{seal_public_file: {dir}/seal.pub}}
redis: {{socket: {dir}/redis.sock, front_user: front, front_password_file: {dir}/front.pass}}
front:
  public_url: https://buy.example
  threads: 8
{extra}
""" % (TID, APP)
ABSENT = front_rig.missing("redis-server", "openssl")


def b64(data):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    def __init__(self, directory, kid):
        self.path, self.kid = "%s/%s.pem" % (directory, kid), kid
        self.openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out",
                     self.path)

    @staticmethod
    def openssl(*args, data=None):
        return subprocess.run([front_rig.which("openssl"), *args], input=data, check=True,
                              capture_output=True, timeout=60).stdout

    def jwk(self):
        text = self.openssl("rsa", "-in", self.path, "-noout", "-modulus").decode()
        n = bytes.fromhex(text.strip().split("=", 1)[1])
        return {"kty": "RSA", "use": "sig", "kid": self.kid, "n": b64(n), "e": "AQAB"}

    def token(self, **change):
        now = int(time.time())
        claims = {"iss": "https://login.microsoftonline.com/%s/v2.0" % TID, "aud": APP,
                  "tid": TID, "azp": MARKETPLACE, "ver": "2.0", "iat": now, "nbf": now,
                  "exp": now + 3600}
        claims.update(change)
        head = b64({"alg": "RS256", "typ": "JWT", "kid": self.kid})
        text = "%s.%s" % (head, b64(claims))
        sig = self.openssl("dgst", "-sha256", "-sign", self.path, data=text.encode())
        return "Bearer %s.%s" % (text, b64(sig))


TEST = [0]


def event(operation, action="Renew"):
    """Of this test alone: the front remembers what it has stored."""
    operation = "%d-%s" % (TEST[0], operation)
    return json.dumps({"id": operation, "action": action, "subscriptionId": "s"}).encode()


@unittest.skipIf(ABSENT, "missing: " + ", ".join(ABSENT))
class Hooks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.config, front_rig.CONFIG = front_rig.CONFIG, CONFIG
        cls.rig = front_rig.Rig()
        cls.addClassCleanup(cls.end)
        cls.redis_server(cls.rig.dir)
        cls.ours, cls.other = Key(cls.rig.dir, "k1"), Key(cls.rig.dir, "k2")
        cls.admin = Redis(cls.rig.dir + "/redis.sock", "admin", "admin-pw")
        cls.admin("HSET", "{p0}:meta", "schema", "1", "shards", "1", "installation", "t")
        cls.front = cls.rig.front()

    @classmethod
    def end(cls):
        front_rig.CONFIG = cls.config
        cls.rig.close()

    @classmethod
    def redis_server(cls, directory):
        with open(os.path.join(front_rig.ROOT, "share/redis/users.acl"), encoding="utf-8") as f:
            users = re.sub(r"(?m)^(user (\w+) on) #0+",
                           lambda m: "%s #%s" % (m[1], hashlib.sha256(
                               (m[2] + "-pw").encode()).hexdigest()), f.read())
        with open(directory + "/users.acl", "w", encoding="utf-8") as f:
            f.write(users + "user admin on >admin-pw ~* &* +@all\n")
        with open(directory + "/front.pass", "w", encoding="ascii") as f:
            f.write("front-pw")
        os.chmod(directory + "/front.pass", 0o600)
        p = subprocess.Popen([front_rig.which("redis-server"), "--port", "0", "--unixsocket",
                              directory + "/redis.sock", "--dir", directory, "--save", "",
                              "--aclfile", directory + "/users.acl", "--logfile", "redis.log"],
                             stdin=subprocess.DEVNULL)
        cls.rig.started.append(p)
        front_rig.until(lambda: front_rig.answers(directory + "/redis.sock"), "redis-server")

    def setUp(self):
        TEST[0] += 1
        for key in self.admin("KEYS", "*"):
            if key != "{p0}:meta":
                self.admin("DEL", key)
        self.publish(self.ours)

    def publish(self, *keys):
        self.admin("HSET", "{p0}:keys:azure/micro", "keys",
                   json.dumps({"keys": [k.jwk() for k in keys]}), "fetched",
                   int(time.time() * 1000), "ttl", "86400000")

    def post(self, authorization, body, address=None):
        more = {"HTTP_AUTHORIZATION": authorization} if authorization else {}
        return fcgi_peer.ask(address or self.rig.sock, PATH, method="POST", body=body,
                             CONTENT_TYPE="application/json", **more)

    def stored(self):
        return [self.admin("HGET", k, "raw") for k in self.admin("KEYS", "{p0}:e:*")]

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
