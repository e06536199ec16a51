"""What the lifecycle and fault tests share: a configuration with short times, the records as
Redis holds them, and the outside ledger: environments, mails and marketplace calls counted
where they happen, not where lastmile says so.

The exec engine of these tests is fault_engine.sh: it writes one line per effect to a file that only
grows, and FaultStack answers the health checks of its environments.
"""
import collections
import http.server
import itertools
import json
import os
import re
import threading
import time

import stack_conf
import stack_http
from stack import Stack, StackError, origin_of, path_of
from stack_part import PATIENCE, Part
from stack_redis import Redis

HERE = os.path.dirname(os.path.abspath(__file__))
ENGINE = os.path.join(HERE, "fault_engine.sh")

CONFIG = """log_level: ${log_level}
front:
  public_url: http://127.0.0.1:${port}
  listen: ${run}/front.sock
  processes: ${processes}
${front_extra}
redis:
  socket: ${run}/redis.sock
  connect_timeout: ${patience}
  command_timeout: ${patience}
  front_user: front
  front_password_file: ${etc}/redis-front.pass
  worker_user: worker
  worker_password_file: ${etc}/redis-worker.pass
  cli_user: cli
  cli_password_file: ${etc}/redis-cli.pass
  shards: ${shards}
secrets:
  seal_public_file: ${etc}/seal.pub
  seal_secret_file: ${etc}/seal.key
deploy:
  run_dir: ${run}/tenants
  data_dir: ${var}/tenants
  archive_dir: ${var}/archive
  keeper: ${bin}/lastmile-keeper
  endpoint: ${endpoint}
worker:
  lease: ${lease}
  slots: ${slots}
  crash_limit: 1000
  resync: ${resync}
  refresh: ${refresh}
  reconcile: ${reconcile}
notifications:
  smtp_url: smtp://127.0.0.1:${smtp_port}
  from: Acme <marketplace@acme.example>
  alert_to: team@acme.example
branding:
  seller: Acme
  support_email: support@acme.example
marketplaces:
${markets}
deployment_templates:
  process:
    engine: process
    command: [${bin}/lastmile-demo-tenant]
    health_timeout: 20s
    drain: 1s
    limits: {memory: 64M, cpu_percent: 100, pids: 32}
  exec:
    engine: exec
    command: [/bin/sh, ${dir}/engine.sh]
    environment:
      LEDGER: ${var}/effects
      ENVIRONMENTS: ${var}/environments
      HOLD: ${var}/hold
      SLOW: "${slow}"
    health_timeout: 60s
    deadline: 5m
    endpoint: http://127.0.0.1:${health_port}/{tenant}
"""

MARKET = """- name: {name}
  product: {title}
  product_code: {code}
  product_id: {id}
  pricing: {pricing}
  mode: {mode}
{topics}  queue_url: http://127.0.0.1:${{sandbox_port}}/000000000000/lastmile-events
  metering_endpoint: http://127.0.0.1:${{sandbox_port}}
  entitlement_endpoint: http://127.0.0.1:${{sandbox_port}}
  agreement_endpoint: http://127.0.0.1:${{sandbox_port}}
  sqs_endpoint: http://127.0.0.1:${{sandbox_port}}
  sts_endpoint: http://127.0.0.1:${{sandbox_port}}
  credentials_file: ${{etc}}/aws-credentials
  plans:
"""

TOPICS = """  sns_topics: [{topics}]
  sns_cert_file: ${{var}}/sandbox/sns.pem
"""

# name -> lines of the plan below the template
PLANS = {
    "starter": "default: true",
    "enterprise": "limits: {memory: 96M}",
    "brief": "grace: 2s",
    "kept": "grace: 3s, on_end: keep",
}


class Product:
    """One listing, for the sandbox and for lastmile."""

    def __init__(self, name="notes", mode="concurrent", pricing="contract", template="process",
                 renewal="none"):
        self.name, self.mode, self.pricing, self.template = name, mode, pricing, template
        self.code, self.id, self.renewal = "code-" + name, "prod-" + name, renewal

    def listing(self):
        p = {"name": self.name, "title": "Acme " + self.name, "channel": "aws", "mode": self.mode,
             "pricing": self.pricing, "product_code": self.code, "product_id": self.id,
             "landing_url": "http://127.0.0.1:${port}/marketplace/aws/" + self.name,
             "trial_days": 14, "renewal": self.renewal}
        if self.pricing != "usage":
            p["plans"] = [{"dimension": d, "title": d.title(), "price": "1", "unit": "month",
                           "quantity": 1} for d in PLANS]
        if self.pricing != "contract":
            p["usage_dimensions"] = ["calls"]
        return p

    def market(self):
        topics = ""
        if self.mode == "legacy":
            topics = TOPICS.format(topics=", ".join(
                "arn:aws:sns:us-east-1:%s:aws-mp-%s-notification-%s"
                % (TOPIC_OWNER, kind, self.code)
                for kind in ("subscription", "entitlement")))
        text = MARKET.format(name=self.name, title="Acme " + self.name, code=self.code, id=self.id,
                             pricing=self.pricing, mode=self.mode, topics=topics)
        for name, more in PLANS.items():
            text += "    %s: {deployment_template: %s, %s}\n" % (name, self.template, more)
        return text


TOPIC_OWNER = "287250355862"


class _Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # /<tenant>/healthz
        there = os.path.exists(os.path.join(self.server.environments, self.path.split("/")[1],
                                            "serving"))
        self.send_response(200 if there else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class FaultStack(Stack):
    """options besides Stack's: products, shards, resync, refresh, reconcile, log_level,
    processes, slow, slots; patience with a Redis that a disk holds up."""

    def __init__(self, products=None, shards=1, lease="2s", resync="10m", refresh="6h",
                 reconcile="1h", log_level="info", processes=1, slow="", slots=512,
                 patience="8s", **more):
        self.products = products or [Product()]
        self.extra = {"shards": shards, "resync": resync, "refresh": refresh,
                      "reconcile": reconcile, "log_level": log_level,
                      "patience": patience,
                      "processes": processes, "slow": slow, "slots": slots,
                      "markets": "".join(p.market() for p in self.products)}
        self.shards = shards
        self.health = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Health)
        self.health.daemon_threads = True
        super().__init__(lease=lease, products=json.dumps([p.listing() for p in self.products]),
                         config=CONFIG, **more)
        self.health.environments = self.v["var"] + "/environments"
        threading.Thread(target=self.health.serve_forever, daemon=True).start()

    def values(self, ports):
        v = super().values(ports)
        v.update(self.extra, health_port=self.health.server_address[1])
        v["markets"] = stack_conf.fill(v["markets"], v)
        return v

    def prepare(self):
        super().prepare()
        os.makedirs(self.v["var"] + "/environments", exist_ok=True)
        with open(ENGINE) as f:
            stack_conf.write(self.v["dir"] + "/engine.sh", f.read(), 0o755)

    def stop(self):
        try:
            super().stop()
        finally:
            self.health.shutdown()
            self.health.server_close()

    def buy(self, product="notes", plan="starter", **more):
        """Each purchase is of an account of its own, unless one is given."""
        more.setdefault("account", "%012d" % (100000000000 + next(_accounts)))
        return super().buy(product, plan, **more)

    def follow(self, page, more=""):
        """An order that moved to another shard is followed, as a browser and the script do."""
        url = page + more
        for _ in range(3):
            a = stack_http.request("GET", url)
            if a.status != 303:
                return a
            url = origin_of(page) + path_of(a.headers["Location"])
        raise StackError("%s leads in circles" % url)

    def status(self, page):
        return self.follow(page, "/status.json").json()

    def wait_ready(self, page, seconds=60, state="ready"):
        last = {}

        def there():
            last.update(self.status(page))
            return last.get("state") == state
        if not self.settle(there, max(seconds, PATIENCE)):
            raise StackError("not %s within %d s: %r\n%s" % (state, seconds, last, self.tails()))
        return last

    def hold(self, on):
        """While it is on, no apply of the exec engine comes further than its environment's name."""
        path = self.v["var"] + "/hold"
        if on:
            with open(path, "w"):
                pass
        elif os.path.exists(path):
            os.unlink(path)

    # -- what Redis holds

    def rows(self, pattern):
        out = []
        for n in range(self.shards):
            for key in self.redis("KEYS", "{p%d}:%s" % (n, pattern)):
                flat = self.redis("HGETALL", key)
                out.append(dict(zip(flat[::2], flat[1::2])))
        return out

    def orders(self):
        """Live orders; one that was merged into another is only a name."""
        return [o for o in self.rows("o:*") if "merged" not in o]

    def rows_running(self, kind):
        return [t for t in self.rows("k:%s:*" % kind) if t.get("state") == "running"]

    def part_like(self, name, other):
        """A second process of a part, with a log of its own."""
        p = self.parts[name]
        return Part(other, p.argv, "%s/%s.log" % (self.v["log"], other), p.ready, p.user, p.env)

    def order_of(self, purchase):
        """By a purchase of the sandbox (dict); None when there is none."""
        key = purchase["license_id"]
        if purchase.get("customer_identifier"):
            key = "%s/%s" % (purchase["product_code"], purchase["customer_identifier"])
        found = [o for o in self.orders() if o.get("purchase") == key]
        if len(found) > 1:
            raise StackError("%d orders of one purchase: %r" % (len(found), found))
        return found[0] if found else None

    def wait_order(self, purchase, seconds=PATIENCE, **fields):
        """The order once all of fields are as given."""
        last, turn = [None], itertools.count(1)

        def as_told():
            if next(turn) % 100 == 0:  # what a dead worker took would stay hidden for minutes
                self.sandbox("POST", "redeliver")
            try:
                last[0] = self.order_of(purchase)
            except StackError as e:  # two: a renewal's events have not all come yet
                last[0] = {"error": e}
            return last[0] is not None and all(
                last[0].get(k, "") == v for k, v in fields.items())
        if not self.settle(as_told, max(seconds, PATIENCE)):
            raise StackError("not %r within %d s: %r\n%s" % (fields, seconds, last[0],
                                                             self.tails()))
        return last[0]

    def quiet(self, seconds=PATIENCE):
        """Waits until no task is due or running: what is to happen has happened."""
        busy = []

        def calm():
            # A message leaves the marketplace's queue when it is in Redis: first that, then this.
            busy[:] = self.waiting() + self.due()
            return not busy
        seconds = max(seconds, PATIENCE)
        if not self.settle(calm, seconds):
            raise StackError("not quiet within %d s: %r\n%s" % (seconds, busy, self.tails()))

    def waiting(self):
        """The marketplace's messages that nobody has deleted."""
        queue = self.sandbox("GET", "state")["queue"]
        if queue["in_flight"]:
            self.sandbox("POST", "redeliver")  # taken by a worker that died
        return [m["label"] for m in queue["messages"]]

    def due(self):
        """Tasks that run, are due or will soon be: of all shards at one moment, for what a task
        adds, also in another shard, is there before it ends."""
        c = Redis(self.v["run"] + "/redis.sock", "admin", self.files.passwords["admin"])
        try:
            soon = int(c("TIME")[0]) * 1000 + 1500
            c("MULTI")
            for p in ("{p%d}:" % n for n in range(self.shards)):
                c("ZRANGE", p + "lease", 0, -1)
                for role in ("market", "deploy", "notify"):
                    c("ZRANGEBYSCORE", p + "ready:" + role, "-inf", soon)
            return sum(c("EXEC"), [])
        finally:
            c.close()

    # -- the outside ledger

    def environments(self):
        """tenant -> [effect, ...] in order, as fault_engine.sh wrote them."""
        out = collections.defaultdict(list)
        try:
            with open(self.v["var"] + "/effects") as f:
                for line in f:
                    effect, tenant, _ = line.split(" ", 2)
                    out[tenant].append(effect)
        except FileNotFoundError:
            pass
        return dict(out)

    def data_directories(self):
        return sorted(os.listdir(self.v["var"] + "/tenants"))

    def archives(self):
        return sorted(n for n in os.listdir(self.v["var"] + "/archive") if not n.startswith("."))

    def keepers(self):
        return [pid for pid, n in self.own_processes().items() if n == "lastmile-keeper"]

    def mails(self, to, subject=None):
        """Distinct mails (Message-ID) to an address."""
        seen = {}
        for rcpt, m in list(self.mail.messages):
            if to in rcpt and (subject is None or re.search(subject, m["Subject"] or "")):
                seen.setdefault(m["Message-ID"], m)
        return list(seen.values())

    def wait_mails(self, to, count, subject=None, seconds=PATIENCE):
        """A mail goes out after the state that it tells of is written."""
        self.settle(lambda: len(self.mails(to, subject)) >= count, seconds)
        return self.mails(to, subject)

    def mail_count(self, to):
        """Deliveries, repeated ones included."""
        return sum(1 for rcpt, _ in list(self.mail.messages) if to in rcpt)


def before(ms, look, tries=3):
    """What look(ms) finds before so much time is over. A machine that was too slow to look in time
    has seen nothing, good or bad: then once more, with three times as much."""
    for _ in range(tries):
        end = time.monotonic() + ms / 1000
        try:
            found = look(ms)
        except (AssertionError, StackError):
            if time.monotonic() < end:
                raise
        else:
            if time.monotonic() < end:
                return found
        ms *= 3
    raise StackError("the machine is too slow to see it")


_buyers = itertools.count(1)
_accounts = itertools.count(1)


def buyer():
    """A mail address that no other buyer of this run has."""
    return "buyer%d@example.com" % next(_buyers)
