"""A stack whose worker is the test: Redis, front and nginx are real, and what a worker would write
is written here through the same scripts. For the pages' tests, which need every state at will.

    with Scripted() as s:
        reg = s.arrive()                    # the marketplace's POST; a registration, state new
        s.resolve(reg, plan="starter")      # what ResolveCustomer would have told
        page = s.register(reg.url)          # fills in the form: the address of the status page
        s.order(reg, fulfilment="READY", endpoint="https://x.example/")
"""
import base64
import hashlib
import re
import time

import stack_conf
import stack_http
from stack import Stack
from stack_redis import Redis

CONFIG = """
log_level: info
front:
  public_url: http://127.0.0.1:${port}
  listen: ${run}/front.sock
${front_extra}
redis:
  socket: ${run}/redis.sock
  front_user: front
  front_password_file: ${etc}/redis-front.pass
secrets:
  seal_public_file: ${etc}/seal.pub
  seal_secret_file: ${etc}/seal.key
deploy:
  endpoint: ${endpoint}
${mail}
branding:
  seller: Acme
  support_email: support@acme.example
  privacy_url: https://acme.example/privacy
  terms_url: https://acme.example/terms
  next_steps: Open the address above and sign in with the email address you registered.
${branding}
marketplaces:
- name: acme-notes
  product: Acme Notes
  product_code: acmenotes0000000000000001
  login_url: https://app.acme.example/login
  pricing: contract
  plans:
    starter: {title: Starter, default: true, deployment_template: t}
    global:
      title: Global
      deployment_template: t
      region_policy: buyer-selected
      regions: [eu-west-1, eu-central-1, us-east-1]
    portal: {title: Portal, fulfilment: account, account_url: "https://app.acme.example/"}
    guided: {title: Guided, fulfilment: manual, manual_promise: within one business day}
- name: acme-metrics
  product: Acme Metrics
  product_code: acmemetrics00000000000001
  pricing: usage
  plans:
    payg: {title: Pay as you go, default: true, deployment_template: t}
fields:
- {name: team_size, label: Team size, type: number, min: 1, max: 500, plans: [global]}
- name: usage
  label: What will you use it for?
  type: select
  options: [Notes, Wikis, Other]
  plans: [global]
- {name: agree, label: I agree to the terms of use, type: checkbox, required: true, plans: [global]}
deployment_templates:
  t: {engine: exec, command: [/bin/true]}
"""


MAIL = """notifications:
  smtp_url: smtp://127.0.0.1:${smtp_port}
  from: Acme <marketplace@acme.example>"""


class Registration:
    def __init__(self, url):
        self.url = url
        self.id = url.rsplit("/", 1)[1]
        self.hash = hashlib.sha256(self.id.split(".", 1)[1].encode()).hexdigest()
        self.order = None


class Scripted(Stack):
    def __init__(self, mail=True, branding="", parts=("redis", "front", "nginx"), **options):
        config = CONFIG.replace("${branding}", branding)
        config = config.replace("${mail}", MAIL if mail else "")
        super().__init__(parts=parts, config=config, **options)
        self.count = 0
        self.scripts = {}
        self.connection = None
        self.tokens = {}

    def client(self, *args):
        """A Redis command as admin; connects anew when the server was restarted."""
        for last in (False, True):
            try:
                if not self.connection:
                    self.connection = Redis(self.v["run"] + "/redis.sock", "admin",
                                            self.files.passwords["admin"])
                return self.connection(*args)
            except OSError:
                self.connection = None
                if last:
                    raise

    def start(self):
        self.wanted, rest = ["redis"], self.wanted[1:]
        super().start()
        self.run("init", 1, "", 1)
        self.wanted += rest
        try:
            for name in rest:
                self.parts[name].start()
        except BaseException:
            self.stop()
            raise
        return self

    def script(self, name):
        if name not in self.scripts:
            self.scripts[name] = "\n".join(stack_conf.read("src/store/lua", n + ".lua")
                                           for n in ("prelude", name))
        return self.scripts[name]

    def run(self, name, *args):
        """Rows of a script as dictionaries."""
        rows = self.client("EVAL", self.script(name), 1, "{p0}:meta", *args)
        return [dict(zip(r[::2], r[1::2])) for r in rows]

    def now(self):
        return int(time.time() * 1000)

    def arrive(self, product="acme-notes", token=None, **fields):
        self.count += 1
        a = stack_http.request(
            "POST", "%s/marketplace/aws/%s" % (self.origin(), product),
            dict({"x-amzn-marketplace-token": token or "tok%d" % self.count}, **fields),
            {"Sec-Fetch-Site": "cross-site", "Origin": "https://aws.example"})
        assert a.status == 303, a
        return Registration(self.origin() + a.headers["Location"])

    def claim(self, wanted):
        """Token of a task, whose lease is ours for a while."""
        if wanted in self.tokens:
            return self.tokens[wanted]
        seed = "seed%d-%d" % (self.count, len(self.tokens))
        for row in self.run("task_claim", "test", seed, 600000, 100, 5,
                            "market")[1:]:
            self.tokens[row["id"]] = row["token"]
        assert wanted in self.tokens, "the task %s is not due" % wanted
        return self.tokens[wanted]

    def resolve(self, reg, plan="starter", order=None, product="acme-notes", **more):
        fields = {"plan": plan, "plan_title": plan.title(), "quantity": "1", "starts": self.now(),
                  "ends": self.now() + 365 * 86400000, "trial": "0",
                  "account_masked": "********4135", "confirmed": "1"}
        fields.update(more)
        digest = base64.b32encode(hashlib.sha256(reg.id.encode()).digest()).decode().lower()
        reg.order = order or "o0-" + digest[:26]
        tenant = "t0-" + reg.order[3:23]
        self.run("order_upsert", reg.order, self.now(), "channel", "aws", "product", product,
                 "plan", plan, "quantity", fields["quantity"], "starts", fields["starts"], "ends",
                 fields["ends"], "granted", "1", "confirmed", "1", "account", "123456784135",
                 "trial", fields["trial"], "tid", tenant)
        pairs = [x for k, v in fields.items() for x in (k, v)]
        self.run("reg_resolved", "resolve:" + reg.hash, self.claim("resolve:" + reg.hash),
                 reg.hash, reg.order, 0, *pairs)
        return reg

    def refuse(self, reg, code, final=1):
        self.run("reg_refused", "resolve:" + reg.hash, self.claim("resolve:" + reg.hash), reg.hash,
                 code, final)

    def order(self, reg, **fields):
        """Sets fields of the order as the worker's writes would."""
        key = "{p0}:o:" + reg.order
        self.client("HINCRBY", key, "ver", 1)
        fields.setdefault("updated", self.now())
        self.client("HSET", key, *[x for k, v in fields.items() for x in (k, v)])

    def ready_to_watch(self, plan="starter", product="acme-notes", email="ann@example.com", **more):
        """A registered order: (registration, address of its status page)."""
        reg = self.resolve(self.arrive(product), plan=plan, product=product)
        page = self.register(reg.url, email=email, **more)
        return reg, page

    def text(self, url, **kw):
        return stack_http.request("GET", url, **kw).text


def attribute(html, pattern):
    found = re.search(pattern, html)
    assert found, pattern
    return found.group(1)
