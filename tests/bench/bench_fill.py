"""Orders and registrations in great number. One of each is made by the scripts, as buyers and the
worker make them; the rest are copies of those records under other names, written directly: this is
the one place that does, because a benchmark needs 100,000 of them in a second."""
import base64
import hashlib
import hmac
import os
import secrets

import stack_redis
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
BATCH = 1000


def secret():
    """(id, what is stored of it)"""
    part = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return "0." + part, hashlib.sha256(part.encode()).hexdigest()


def token(registration):
    """What the form of a registration carries (fcgi/pages/reg.c)."""
    mac = hmac.new(registration.split(".")[1].encode(), b"lastmile registration form", "sha256")
    return base64.urlsafe_b64encode(mac.digest()).decode().rstrip("=")


def name(kind, n):
    return "%s0-%s" % (kind, "".join(secrets.choice(LETTERS) for _ in range(n)))


def order_id():
    return name("o", 26)


def tenant_id():
    return name("t", 20)


def encode(words):
    out = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode()
        out.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(out)


class Fill:
    """redis: a stack_redis.Redis that may do everything."""

    def __init__(self, redis):
        self.redis = redis
        self.shas = {}

    def script(self, script, *args):
        if script not in self.shas:
            self.shas[script] = self.redis("SCRIPT", "LOAD", stack_redis.script_text(script))
        rows = self.redis("EVALSHA", self.shas[script], 1, "{p0}:meta", *args)
        return [dict(zip(r[::2], r[1::2])) for r in rows]

    def init(self):
        self.script("init", 1, "bench", 1)

    def many(self, commands):
        batch = []
        for command in commands:
            batch.append(encode(command))
            if len(batch) == BATCH:
                self.send(batch)
                batch = []
        self.send(batch)

    def send(self, batch):
        self.redis.s.sendall(b"".join(batch))
        for _ in batch:
            self.redis.read()

    def hash(self, key):
        flat = self.redis("HGETALL", "{p0}:" + key)
        return dict(zip(flat[::2], flat[1::2]))

    def upsert(self, order, tenant, market, plan):
        facts = {"channel": "aws", "product": market, "plan": plan, "contract": "ACTIVE",
                 "purchase": "lic-" + order, "license": "lic-" + order, "account": "123456784135",
                 "product_code": "code", "quantity": "1", "confirmed": "1", "tid": tenant}
        self.script("order_upsert", order, 1000, *[w for kv in facts.items() for w in kv])

    @staticmethod
    def put(kind, key, fields, **changed):
        fields = dict(fields, **changed)
        return ["HSET", "{p0}:%s:%s" % (kind, key)] + [w for kv in fields.items() for w in kv]

    def statuses(self, n, market, plan):
        """Orders that are being provisioned; their capabilities."""
        order, tenant = order_id(), tenant_id()
        first, stored = secret()
        self.upsert(order, tenant, market, plan)
        self.script("order_place", order, stored, 86400000, '{"company":"Acme"}',
                    "ann@example.com", 1800000)
        task = [t for t in self.script("task_claim", "bench", "seed", 30000, 10, 5, "deploy")[1:]
                if t["subject"] == order][0]
        for state in ("IDENTIFIED", "PROVISIONING"):
            self.script("order_write", task["id"], task["token"], order, "o.fulfilment", state,
                        "o.step", "3", "o.pct", "40", "o.msg", "provisioning")
        o, caps, commands = self.hash("o:" + order), [first], []
        for _ in range(n - 1):
            cap, stored = secret()
            other = order_id()
            caps.append(cap)
            commands.append(self.put("o", other, o, id=other, tenant=tenant_id()))
            commands.append(["HSET", "{p0}:s:" + stored, "order", other])
        self.many(commands)
        return caps

    def registrations(self, n, market, plan):
        """Resolved registrations with their orders: (id, stored form) of each."""
        order, tenant = order_id(), tenant_id()
        _, stored = secret()
        self.upsert(order, tenant, market, plan)
        self.script("land", stored, "aws", market, "sealed", 86400000, "")
        task = [t for t in self.script("task_claim", "bench", "seed", 30000, 10, 5, "market")[1:]
                if t["subject"] == stored][0]
        self.script("reg_resolved", task["id"], task["token"], stored, order, 0, "plan", plan,
                    "plan_title", plan, "account_masked", "********4135", "quantity", "1")
        r, o, made, commands = self.hash("r:" + stored), self.hash("o:" + order), [], []
        for _ in range(n):
            reg, stored = secret()
            other = order_id()
            made.append((reg, stored))
            commands.append(self.put("r", stored, r, order=other))
            commands.append(self.put("o", other, o, id=other, tid=tenant_id()))
        self.many(commands)
        return made

    def peer_tenants(self, ids):
        self.many(["HSET", "tenant:" + i, "state", "provisioning", "step", "3", "pct", "40", "msg",
                   "Your environment is being created", "endpoint", "", "updated",
                   "1763860000000"] for i in ids)
