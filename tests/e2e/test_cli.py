#!/usr/bin/python3
"""lastmile, the operator's command, against a real Redis filled through the scripts.

usage: test_cli.py [--build DIR] [-v] [unittest arguments]
Golden outputs stand in tests/e2e/golden/cli/; UPDATE=1 writes them anew. What changes from run to
run (times, ages, event ids) is replaced before comparing.
"""

import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_redis

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOLDEN = os.path.join(ROOT, "tests", "e2e", "golden", "cli")
BUILD = os.environ.get("LASTMILE_BUILD") or os.path.join(ROOT, "build")
DEADLINE = 60
POINTS = ("store.operate.before", "store.operate.after")

CONFIG = """\
marketplace:
  provider: direct
  cloud: aws
  product: Acme Search
  product_code: prodcode1
  plans:
    starter:
      deployment_template: small
deployment_templates:
  small:
    engine: exec
    command: [/bin/true]
front:
  public_url: https://buy.acme.example
redis:
  socket: {dir}/redis.sock
secrets:
  seal_public_file: {dir}/seal.pub
  seal_secret_file: {dir}/seal.key
"""
HOSTILE = "Evil\x1b]0;owned\x07\u202eInc"


class Redis:
    """RESP over the unix socket, and the project's scripts by name."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "redis.sock")
        self.log = open(os.path.join(directory, "redis.log"), "wb")
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.path, "--dir", directory,
             "--appendonly", "yes", "--appendfsync", "always", "--save", ""],
            stdout=self.log, stderr=self.log)
        self.sock = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + DEADLINE
        while True:
            try:
                self.sock.connect(self.path)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
        self.file = self.sock.makefile("rb")

    def call(self, *words):
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            data = word if isinstance(word, bytes) else str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        self.sock.sendall(b"".join(parts))
        return self.reply()

    def reply(self):
        line = self.file.readline()[:-2]
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode()
        return [self.reply() for _ in range(int(rest))]

    def script(self, name, shard, *args):
        rows = self.call("EVAL", stack_redis.script_text(name), 1, "{p%d}:meta" % shard, *args)
        return [dict(zip(r[::2], r[1::2])) for r in rows]

    def stop(self):
        self.file.close()
        self.sock.close()
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.log.close()


def order(letters, shard=0):
    return "o%d-%s" % (shard, (letters + "a" * 26)[:26])


def tenant(letters, shard=0):
    return "t%d-%s" % (shard, (letters + "a" * 20)[:20])


A, B, C = order("alphaalpha"), order("alphabeta2"), order("zulu2345")


def fill(r):
    r.script("init", 0, 1, "test", 1)
    facts = {"channel": "aws", "product": "acme-search", "plan": "starter", "contract": "ACTIVE",
             "purchase": "lic-1", "license": "arn:aws:license-manager::lic-1",
             "account": "123456784135", "customer": "cust-998877", "product_code": "prodcode1",
             "quantity": "3"}
    for number, (oid, name) in enumerate([(A, "alpha"), (B, "beta"), (C, "zulu")]):
        f = dict(facts, purchase="lic-%d" % number, tid=tenant(name))
        if oid == C:
            f["contract"] = "PENDING"
            f["plan"] = HOSTILE
        pairs = [w for pair in sorted(f.items()) for w in pair]
        r.script("order_upsert", 0, oid, 1000 + number, *pairs)
        time.sleep(0.005)
    form = json.dumps({"company": HOSTILE, "region": "eu-central-1"})
    r.script("order_place", 0, A, "c" * 64, 86400000, form, "alice@acme.example", 1800000)
    task = r.script("task_claim", 0, "worker-1", "seed", 30000, 1, 5, "deploy")[1]
    r.script("order_write", 0, task["id"], task["token"], A, "o.fulfilment", "IDENTIFIED",
             "log.type", "fulfil.started", "log.text", "work begins")
    r.script("order_write", 0, task["id"], task["token"], A, "o.fulfilment", "FAILED", "o.class",
             "AUTH", "o.detail", "the cloud said \x1b[31mno", "log.type", "fulfil.failed",
             "log.text", "AUTH \x1b[2J")
    r.script("task_finish", 0, task["id"], task["token"], "dead", 0, "AUTH", "no rights")


class Cli(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="lm-cli-", dir=os.environ.get("TMPDIR", "/tmp"))
        cls.program = os.path.join(BUILD, "lastmile")
        cls.config = os.path.join(cls.dir, "lastmile.yaml")
        with open(cls.config, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(dir=cls.dir))
        subprocess.run([cls.program, "keygen", "--secret", cls.dir + "/seal.key", "--public",
                        cls.dir + "/seal.pub"], check=True, stderr=subprocess.DEVNULL)
        cls.redis = None
        cls.addClassCleanup(shutil.rmtree, cls.dir)

    def setUp(self):
        if Cli.redis is None:
            Cli.redis = Redis(self.dir)
            self.addClassCleanup(self.stop_redis)
        self.redis.call("FLUSHALL")
        fill(self.redis)

    @classmethod
    def stop_redis(cls):
        if Cli.redis:
            Cli.redis.stop()
            Cli.redis = None

    def run_cli(self, *args, code=0, config=True, env=None, stdin=subprocess.DEVNULL):
        words = [self.program] + (["--config", self.config] if config else []) + list(args)
        done = subprocess.run(words, capture_output=True, timeout=DEADLINE, stdin=stdin,
                              env=dict(os.environ, **(env or {})), check=False)
        out, err = done.stdout.decode(), done.stderr.decode()
        self.assertEqual(done.returncode, code, "%s\n%s%s" % (args, out, err))
        for text in (out, err):
            for c in text:
                self.assertTrue(c == "\n" or ord(c) >= 32 and ord(c) not in range(127, 160), text)
        return out, err

    def golden(self, name, text):
        text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", text)
        text = re.sub(r"\b\d{13}-\d+\b", "EVENT", text)
        text = re.sub(r"(?m)\b\d+s$", "AGE", text)
        text = re.sub(r'("due":)"TIME"', r"\1TIME", text).replace(self.dir, "DIR")
        path = os.path.join(GOLDEN, name)
        if os.environ.get("UPDATE"):
            os.makedirs(GOLDEN, exist_ok=True)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        with open(path, encoding="utf-8") as f:
            self.assertEqual(text, f.read(), "tests/e2e/golden/cli/" + name)

    # --- reading

    def test_get_orders(self):
        self.golden("get.txt", self.run_cli("get", "orders")[0])

    def test_get_orders_json(self):
        out = self.run_cli("get", "orders", "-o", "json")[0]
        self.golden("get.json", json.dumps(json.loads(out), indent=1, ensure_ascii=False) + "\n")

    def test_get_orders_jsonl_is_one_object_a_line(self):
        lines = self.run_cli("get", "orders", "-o", "jsonl")[0].splitlines()
        self.assertEqual([json.loads(x)["id"] for x in lines], [C, B, A])

    def test_get_filters(self):
        def ids(*args):
            out = self.run_cli("get", "orders", "-o", "json", *args)[0]
            return [o["id"] for o in json.loads(out)["orders"]]

        self.assertEqual(ids("--state", "failed"), [A])
        self.assertEqual(ids("--state", "PENDING"), [C])
        self.assertEqual(ids("--state", "paying_not_provisioned"), [A])
        self.assertEqual(ids("--channel", "aws", "-n", "2"), [C, B])
        self.assertEqual(ids("--channel", "gcp"), [])
        out, err = self.run_cli("get", "orders", "--channel", "gcp")
        self.assertEqual((out, err), ("", "lastmile: no orders like that\n"))
        self.run_cli("get", "orders", "--state", "nonsense", code=2)

    def test_many_orders_come_in_pages(self):
        for i in range(450):
            letters = "".join("abcdefghijklmnop"[int(c, 16)] for c in "%08x" % i)
            self.redis.script("order_upsert", 0, order(letters), 1000, "channel", "aws", "tid",
                              tenant(letters))
        out = self.run_cli("get", "orders", "-o", "jsonl", "--limit", "0")[0]
        ids = [json.loads(x)["id"] for x in out.splitlines()]
        self.assertEqual(len(ids), 453)
        self.assertEqual(len(set(ids)), 453)
        self.assertEqual(len(self.run_cli("get", "orders", "-o", "jsonl")[0].splitlines()), 50)
        self.run_cli("describe", "order", A[:12])

    def test_describe(self):
        self.golden("describe.txt", self.run_cli("describe", "order", A)[0])

    def test_describe_json(self):
        out = self.run_cli("describe", "order", A, "-o", "json")[0]
        self.golden("describe.json",
                    json.dumps(json.loads(out), indent=1, ensure_ascii=False) + "\n")

    def test_personal_data_only_when_asked(self):
        for verb in (["describe", "order", A], ["get", "orders"], ["events", A]):
            for fmt in ("table", "json"):
                text = "".join(self.run_cli(*verb, "-o", fmt))
                self.assertNotIn("alice", text)
                self.assertNotIn("12345678", text)
                self.assertNotIn("eu-central-1", text)
        out = json.loads(self.run_cli("describe", "order", A, "-o", "json", "--show-personal")[0])
        self.assertEqual(out["buyer"]["email"], "alice@acme.example")
        self.assertEqual(out["buyer"]["account"], "123456784135")
        self.assertEqual(out["buyer"]["form"]["company"], HOSTILE)

    def test_id_prefixes(self):
        out = self.run_cli("describe", "order", "o0-zulu2345", "-o", "json")[0]
        self.assertEqual(json.loads(out)["id"], C)
        self.run_cli("describe", C)
        err = self.run_cli("describe", "order", "o0-alph", code=2)[1]
        self.assertIn("at least 8", err)
        err = self.run_cli("describe", "order", "o0-nothinghere", code=3)[1]
        self.assertIn("no order begins", err)
        self.run_cli("describe", "order", order("never"), code=3)
        self.run_cli("describe", "order", "o9-zulu2345", code=3)
        self.run_cli("describe", "order", "zulu2345", code=2)
        self.redis.script("order_upsert", 0, order("alphaalphb"), 1, "channel", "aws", "tid",
                          tenant("x"))
        err = self.run_cli("describe", "order", "o0-alphaalp", code=2)[1]
        self.assertIn("fits 2 orders", err)
        self.assertIn(A, err)

    def test_events(self):
        self.golden("events.txt", self.run_cli("events", A)[0])
        events = json.loads(self.run_cli("events", A, "-o", "json")[0])["events"]
        self.assertEqual([e["type"] for e in events],
                         [json.loads(x)["type"] for x in
                          self.run_cli("events", A, "-o", "jsonl")[0].splitlines()])
        rest = json.loads(self.run_cli("events", A, "-o", "json", "--after", events[0]["id"])[0])
        self.assertEqual(rest["events"], events[1:])
        some = json.loads(self.run_cli("events", A, "-o", "json", "-n", "2")[0])
        self.assertEqual(some["events"], events[:2])
        self.run_cli("events", A, "-f", "-o", "json", code=2)

    def test_events_follow_ends_with_an_interrupt(self):
        with subprocess.Popen([self.program, "--config", self.config, "events", A, "-f", "-o",
                               "jsonl"], stdout=subprocess.PIPE) as p:
            p.stdout.readline()
            self.redis.script("operate", 0, A, "retry", "somebody", "try")
            line = ""
            while "operator.retry" not in line:
                line = p.stdout.readline().decode()
                self.assertTrue(line)
            p.send_signal(signal.SIGINT)
            self.assertEqual(p.wait(DEADLINE), 130)

    def test_stats(self):
        stats = json.loads(self.run_cli("stats", "-o", "json")[0])
        self.assertEqual(stats["orders"], 3)
        self.assertEqual(stats["state:ACTIVE/FAILED"], 1)
        self.assertEqual(stats["quadrant:PAYING_NOT_PROVISIONED"], 1)
        self.assertEqual(stats["shards"], 1)
        self.assertIn("orders ", self.run_cli("stats")[0])

    # --- acting

    def test_verbs_write_who_and_why(self):
        self.run_cli("retry", "order", A, code=2)
        self.run_cli("retry", "order", A, "--reason", " ", code=2)
        self.run_cli("retry", "order", A, "--reason", "two\nlines", code=2)
        out = self.run_cli("retry", "order", A, "--reason", "quota raised")[0]
        self.assertEqual(out, "order %s will be tried again\n" % A)
        last = json.loads(self.run_cli("events", A, "-o", "json", "--show-personal")[0])
        last = last["events"][-1]
        self.assertEqual((last["type"], last["text"]), ("operator.retry", "quota raised"))
        self.assertIn("(cli)", last["data"]["actor"])
        self.run_cli("retry", "order", order("never"), "--reason", "x", code=3)

    def test_killed_while_it_writes(self):
        """Before: nothing was done. After: done, and the same again changes nothing."""
        def entries():
            events = json.loads(self.run_cli("events", A, "-o", "json")[0])["events"]
            return [e for e in events if e["type"] == "operator.suspend"]
        for done, point in enumerate(POINTS):
            err = self.run_cli("suspend", "order", A, "--reason", "x", "--yes", code=-9,
                               env={"LASTMILE_CRASH": point})[1]
            self.assertIn("died at " + point, err)
            self.assertEqual(len(entries()), done)
        self.run_cli("suspend", "order", A, "--reason", "x", "--yes")
        self.assertEqual(len(entries()), 1)

    def test_severe_verbs_ask(self):
        err = self.run_cli("suspend", "order", A, "--reason", "x", code=2)[1]
        self.assertIn("--yes", err)
        out = self.run_cli("suspend", "order", A, "--reason", "x", "--dry-run", "-o", "json")[0]
        self.assertEqual(json.loads(out), {"order": A, "verb": "suspend", "done": False})
        self.assertEqual(self.redis.script("order_get", 0, A)[0].get("o.want", ""), "")
        self.run_cli("suspend", "order", A, "--reason", "x", "--yes")
        self.assertEqual(self.redis.script("order_get", 0, A)[0]["o.want"], "suspended")
        self.run_cli("resume", "order", A, "--reason", "x")
        self.run_cli("cancel", "order", A, "--reason", "x", "--yes", "--wait")

    def test_delete_needs_the_tenant(self):
        name = self.redis.script("order_get", 0, A)[0]["o.tenant"]
        self.run_cli("delete", "order", A, "--reason", "x", "--yes", code=2)
        self.run_cli("delete", "order", A, "--reason", "x", "--confirm", name[:-1], code=5)
        self.run_cli("delete", "order", C, "--reason", "x", "--confirm", name, code=5)
        self.assertEqual(self.redis.script("order_get", 0, A)[0].get("o.want", ""), "")
        self.run_cli("delete", "order", A, "--reason", "x", "--confirm", name)
        self.assertEqual(self.redis.script("order_get", 0, A)[0]["o.want"], "deleted")
        self.run_cli("suspend", "order", A, "--reason", "x", "--yes", code=5)

    def test_stopping_says_how_the_charge_stands(self):
        self.redis.script("order_upsert", 0, C, 2000, "commit", "held")
        out = self.run_cli("suspend", "order", C, "--reason", "x", "--yes")[0]
        self.assertIn("stays held", out)
        out = self.run_cli("cancel", "order", C, "--reason", "x", "--yes", "-o", "json")[0]
        self.assertEqual(json.loads(out)["charge"], "held")
        self.assertNotIn("charge", self.run_cli("suspend", "order", A, "--reason", "x", "--yes")[0])

    def test_wait_times_out(self):
        started = time.monotonic()
        self.run_cli("retry", "order", A, "--reason", "x", "--wait", "--timeout", "1s", code=124)
        self.assertGreaterEqual(time.monotonic() - started, 0.9)

    def test_question_on_a_terminal(self):
        for answer, code in ((b"n\n", 1), (b"y\n", 0)):
            master, slave = pty.openpty()
            os.write(master, answer)
            self.run_cli("suspend", "order", A, "--reason", "x", code=code, stdin=slave)
            os.close(slave)
            os.close(master)

    # --- terminals

    def on_terminal(self, *args, env=None):
        master, slave = pty.openpty()
        p = subprocess.Popen([self.program, "--config", self.config, *args], stdout=slave,
                             stderr=subprocess.DEVNULL,
                             env=dict({"PATH": "/usr/bin", "TERM": "xterm"}, **(env or {})))
        os.close(slave)
        out = b""
        try:
            while True:
                chunk = os.read(master, 65536)
                if not chunk:
                    break
                out += chunk
        except OSError:
            pass
        os.close(master)
        self.assertEqual(p.wait(DEADLINE), 0)
        return out.decode().replace("\r\n", "\n")

    def test_terminal(self):
        wide = self.on_terminal("get", "orders", env={"COLUMNS": "200"})
        self.assertIn("\x1b[31mFAILED\x1b[0m", wide)
        plain = self.on_terminal("get", "orders", env={"COLUMNS": "200", "NO_COLOR": "1"})
        self.assertNotIn("\x1b", plain)
        self.assertIn("PAYING_NOT_PROVISIONED", plain)
        narrow = self.on_terminal("get", "orders", env={"COLUMNS": "100", "NO_COLOR": "1"})
        self.assertIn("…", narrow)
        self.assertLessEqual(max(len(x) for x in narrow.splitlines()), 100)
        self.assertIn(A, narrow)

    # --- installation

    def test_doctor(self):
        self.redis.script("beat", 0, "w1", "market deploy notify", 600000)
        out = json.loads(self.run_cli("doctor", "-o", "json")[0])
        status = {c["check"]: c["status"] for c in out["checks"]}
        for check in ("config", "keys.secret", "keys.public", "redis.reachable",
                      "redis.settings", "shards", "clock", "worker.market", "worker.deploy",
                      "worker.notify"):
            self.assertEqual(status.get(check), "ok", out)
        self.assertEqual(status["queue"], "warn")

    def test_doctor_finds_what_is_wrong(self):
        self.redis.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        os.chmod(self.dir + "/seal.key", 0o644)
        try:
            out = self.run_cli("doctor", "-o", "jsonl", code=1)[0]
        finally:
            os.chmod(self.dir + "/seal.key", 0o600)
            self.redis.call("CONFIG", "SET", "maxmemory-policy", "noeviction")
        failed = {json.loads(x)["check"] for x in out.splitlines()
                  if json.loads(x)["status"] == "fail"}
        self.assertLessEqual({"redis.settings", "keys.secret", "worker.market"}, failed)

    def test_invariants(self):
        out, err = self.run_cli("doctor", "--invariants")
        self.assertEqual((out, err), ("", "lastmile: all invariants hold (1 shard)\n"))
        self.redis.call("SREM", "{p0}:live", "mail:%s:registered" % A)
        self.redis.call("HSET", "{p0}:o:" + A, "ver", "1")
        out, err = self.run_cli("doctor", "--invariants", code=1)
        self.assertIn("INV-1", out)
        self.assertIn("INV-5", out)
        out = json.loads(self.run_cli("doctor", "--invariants", "-o", "json", code=1)[0])
        self.assertEqual(set(out["violations"][0]), {"invariant", "shard", "key", "text"})

    def test_redis_away(self):
        config = os.path.join(self.dir, "away.yaml")
        with open(config, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(dir=self.dir).replace("redis.sock", "away.sock"))
        started = time.monotonic()
        err = self.run_cli("-c", config, "get", "orders", code=1, config=False)[1]
        self.assertIn("Redis at %s/away.sock does not serve" % self.dir, err)
        self.assertLess(time.monotonic() - started, DEADLINE / 2)
        out = self.run_cli("-c", config, "doctor", code=1, config=False)[0]
        self.assertRegex(out, r"redis.reachable +fail")

    def test_refused_user(self):
        self.redis.call("CONFIG", "SET", "requirepass", "secret")
        try:
            self.run_cli("get", "orders", code=4)
        finally:
            self.redis.call("CONFIG", "SET", "requirepass", "")

    def test_store_that_no_worker_has_seen(self):
        self.redis.call("FLUSHALL")
        self.assertIn("not initialised", self.run_cli("get", "orders", code=1)[1])

    def test_check_config(self):
        out = self.run_cli("check-config")[0]
        self.assertIn("starter", out)
        self.assertEqual(self.run_cli("check-config", self.config, config=False)[0], out)
        self.assertEqual(self.run_cli("check-config", config=False,
                                      env={"LASTMILE_CONFIG": self.config})[0], out)
        bad = os.path.join(self.dir, "bad.yaml")
        with open(bad, "w", encoding="utf-8") as f:
            f.write("redis:\n  sockett: /x\n")
        err = self.run_cli("check-config", bad, config=False, code=1)[1]
        self.assertRegex(err, r"(?m)^\S*bad\.yaml:2:\d+: .*socket")
        with open(self.config, encoding="utf-8") as f:
            text = f.read()
        with open(bad, "w", encoding="utf-8") as f:
            f.write(text.replace("seal.key", "lost.key"))
        plans, err = self.run_cli("check-config", bad, config=False, code=1)
        self.assertIn("lost.key' is not there", err)
        self.assertEqual(plans, out)
        self.assertIn("redis", self.run_cli("check-config", "--reference", config=False)[0])

    def test_keygen_never_overwrites(self):
        err = self.run_cli("keygen", "--secret", self.dir + "/seal.key", "--public",
                           self.dir + "/x.pub", code=5, config=False)[1]
        self.assertIn("already", err)
        self.assertFalse(os.path.exists(self.dir + "/x.pub"))
        self.assertEqual(os.stat(self.dir + "/seal.key").st_mode & 0o777, 0o600)

    # --- help, manual, completion

    def verbs(self):
        text = self.run_cli("help", config=False)[0]
        return re.findall(r"(?m)^  ([a-z-]+) {2,}\S", text.split("Verbs\n")[1])

    def test_help(self):
        self.golden("help.txt", self.run_cli("help", config=False)[0])
        self.assertEqual(self.run_cli("--help", config=False), self.run_cli("help", config=False))
        self.assertEqual(self.run_cli("get", "--help", config=False),
                         self.run_cli("help", "get", config=False))
        self.run_cli("--version", config=False)
        self.assertIn("did you mean describe?", self.run_cli("descrbe", code=2)[1])
        self.assertIn("which verb", self.run_cli(code=2, config=False)[1])

    def test_manual_names_every_verb_and_flag(self):
        with open(os.path.join(ROOT, "docs", "man", "lastmile.8"), encoding="utf-8") as f:
            page = f.read()
        for verb in self.verbs():
            self.assertRegex(page, r"(?m)^\.(It Cm |Cm ).*\b%s\b" % verb)
            for flag in re.findall(r"--([a-z-]+)", self.run_cli("help", verb, config=False)[0]):
                self.assertIn("Fl Fl " + flag, page)

    def test_manual_documents_every_json_key(self):
        with open(os.path.join(ROOT, "docs", "man", "lastmile.8"), encoding="utf-8") as f:
            words = set(re.findall(r"\w+", f.read().split(".Sh ENVIRONMENT")[0]))
        keys = set()

        def collect(value):
            if isinstance(value, dict):
                keys.update(value)
                for v in value.values():
                    collect(v)
            elif isinstance(value, list):
                for v in value:
                    collect(v)

        for args in (["get", "orders"], ["describe", A], ["events", A]):
            collect(json.loads(self.run_cli(*args, "-o", "json")[0]))
        self.assertEqual(keys - words, set())

    def test_completion_names_every_verb_and_flag(self):
        path = os.path.join(ROOT, "share", "bash-completion", "lastmile")

        def complete(*words):
            line = " ".join("'%s'" % w for w in words)
            script = ('. "%s"; COMP_WORDS=(%s); COMP_CWORD=%d; _lastmile; printf "%%s\\n" '
                      '"${COMPREPLY[@]}"' % (path, line, len(words) - 1))
            return subprocess.run(["bash", "-c", script], capture_output=True, check=True,
                                  timeout=DEADLINE).stdout.decode().split()

        verbs = self.verbs()
        self.assertLessEqual(set(verbs), set(complete("lastmile", "")))
        for verb in verbs:
            text = self.run_cli("help", verb, config=False)[0].split("\nFlags\n")[1]
            flags = set(re.findall(r"(?m)^.{4,6}(--[a-z-]+)", text))
            self.assertEqual(flags - set(complete("lastmile", verb, "--")), set(), verb)

    def test_stdout_closed_is_no_crash(self):
        for _ in range(3):
            p = subprocess.Popen([self.program, "--config", self.config, "get", "orders"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            p.stdout.close()
            p.stderr.read()
            p.stderr.close()
            self.assertIn(p.wait(DEADLINE), (0, 1))


if __name__ == "__main__":
    if "--build" in sys.argv:
        at = sys.argv.index("--build")
        BUILD = os.path.abspath(sys.argv[at + 1])
        del sys.argv[at:at + 2]
    if not os.access(os.path.join(BUILD, "lastmile"), os.X_OK):
        print("skip: %s/lastmile is not built" % BUILD)
        sys.exit(0)
    if not shutil.which("redis-server"):
        print("skip: redis-server is not installed")
        sys.exit(0)
    unittest.main()
