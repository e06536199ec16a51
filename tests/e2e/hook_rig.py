"""A front alone with its Redis, for tests of inbound events: the shipped Redis users, keys made
with the openssl program, key sets published as the worker would."""
import base64
import hashlib
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

TID = "8f4a0000-0000-4000-8000-00000000000a"
APP = "8f4a0000-0000-4000-8000-00000000000b"
PUSH_AUDIENCE = "https://buy.example/marketplace/hooks/gcp/google"
PUSH_ACCOUNT = "lastmile@acme-public.iam.gserviceaccount.com"
MARKETPLACE = "20e940b3-4c77-4b0b-9a53-9e16a1b010a7"
PATH = "/marketplace/hooks/azure/micro"
CONFIG = """
marketplaces:
  - {{name: micro, cloud: azure, product: M, plans: {{a: {{deployment_template: t}}}},
     azure: {{offer_id: o1, tenant_id: %s, client_id: %s, client_secret_file: /s}}}}
  - {{name: google, cloud: gcp, product: G, plans: {{a: {{deployment_template: t}}}},
     gcp: {{provider_id: acme-public, product_name: g, audiences: [buy.example],
     push_audience: "%s", push_account: %s}}}}
deployment_templates:
  t: {{engine: process, command: [/bin/true]}}
deploy: {{endpoint: "https://apps.example/t/{{tenant}}/"}}
secrets: {{seal_public_file: {dir}/seal.pub}}
redis:
  socket: {dir}/redis.sock
  connect_timeout: 8s
  command_timeout: 8s
  front_user: front
  front_password_file: {dir}/front.pass
front:
  public_url: https://buy.example
  threads: 8
{extra}
""" % (TID, APP, PUSH_AUDIENCE, PUSH_ACCOUNT)
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


class HookCase(unittest.TestCase):
    """A front with its Redis; every test starts with the published key of `ours`."""

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
        self.publish_text("azure/micro", json.dumps({"keys": [k.jwk() for k in keys]}))

    def publish_text(self, product, text):
        """What the worker does; read by the front within three seconds where it matters."""
        self.admin("HSET", "{p0}:keys:" + product, "keys", text, "fetched",
                   int(time.time() * 1000), "ttl", "86400000")

    def post(self, authorization, body, address=None):
        more = {"HTTP_AUTHORIZATION": authorization} if authorization else {}
        return fcgi_peer.ask(address or self.rig.sock, PATH, method="POST", body=body,
                             CONTENT_TYPE="application/json", **more)

    def stored(self):
        return [self.admin("HGET", k, "raw") for k in self.admin("KEYS", "{p0}:e:*")]
