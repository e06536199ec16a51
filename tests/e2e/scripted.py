"""A stack whose worker is the test: Redis, front and nginx are real, and what a worker would write
is written here through the same scripts. For the pages' tests, which need every state at will.

    with Scripted() as s:
        reg = s.arrive()                    # the marketplace's POST; a registration, state new
        s.resolve(reg, plan="starter")      # what ResolveCustomer would have told
        page = s.register(reg.url)          # fills in the form: the address of the status page
        reg = s.arrive("acme-docs")         # azure: waits for a sign-in
        s.sign_in(reg)                      # what browser, sign-in page and worker would do
        s.order(reg, fulfilment="READY", endpoint="https://x.example/")
"""
import base64
import hashlib
import re
import time
import urllib.parse

import stack_http
import stack_redis
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
  connect_timeout: 8s
  command_timeout: 8s
  shards: ${shards}
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
- name: acme-docs
  cloud: azure
  product: Acme Docs
  pricing: contract
  azure:
    offer_id: acme-docs
    tenant_id: 11111111-2222-3333-4444-555555555555
    client_id: 22222222-3333-4444-5555-666666666666
    client_secret_file: ${etc}/seal.key
    sign_in_client_id: 33333333-4444-5555-6666-777777777777
    login_endpoint: ${entra}
  plans:
    silver:
      title: Silver
      default: true
      deployment_template: t
      region_policy: buyer-selected
      regions: [westeurope, northeurope]
    byhand: {title: By hand, deployment_template: t, commit: manual}
- name: acme-plain
  cloud: azure
  product: Acme Plain
  pricing: contract
  azure:
    offer_id: acme-plain
    tenant_id: 11111111-2222-3333-4444-555555555555
    client_id: 22222222-3333-4444-5555-666666666666
    client_secret_file: ${etc}/seal.key
  plans:
    silver: {title: Silver, default: true, deployment_template: t}
- name: acme-charts
  cloud: gcp
  product: Acme Charts
  pricing: usage
  login_url: https://app.acme.example/login
  gcp:
    provider_id: acme-public
    product_name: acme-charts.endpoints.acme-public.cloud.goog
    audiences: [buy.acme.example]
    credentials_file: ${etc}/seal.key
  plans:
    basic:
      title: Basic
      default: true
      deployment_template: t
      region_policy: buyer-selected
      regions: [europe-west4, us-east1]
- name: acme-maps
  cloud: gcp
  product: Acme Maps
  pricing: usage
  gcp:
    provider_id: acme-public
    product_name: acme-maps.endpoints.acme-public.cloud.goog
    audiences: [buy.acme.example]
    credentials_file: ${etc}/seal.key
  plans:
    basic: {title: Basic, default: true, deployment_template: t}
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


CHANNELS = {"acme-docs": "azure", "acme-plain": "azure", "acme-charts": "gcp", "acme-maps": "gcp"}
FIELDS = {"aws": "x-amzn-marketplace-token", "azure": "token", "gcp": "x-gcp-marketplace-token"}
DEFAULT_PLANS = {"acme-notes": "starter", "acme-metrics": "payg", "acme-docs": "silver",
                 "acme-plain": "silver", "acme-charts": "basic", "acme-maps": "basic"}


def channel_of(product):
    return CHANNELS.get(product, "aws")


class Registration:
    def __init__(self, url, product="acme-notes"):
        self.url, self.product = url, product
        self.id = url.rsplit("/", 1)[1]
        self.hash = hashlib.sha256(self.id.split(".", 1)[1].encode()).hexdigest()
        self.order = None


class Scripted(Stack):
    def __init__(self, mail=True, branding="", parts=("redis", "front", "nginx"),
                 entra="http://127.0.0.1:9/entra", shards=1, **options):
        config = CONFIG.replace("${branding}", branding).replace("${entra}", entra)
        config = config.replace("${shards}", str(shards))
        config = config.replace("${mail}", MAIL if mail else "")
        super().__init__(parts=parts, config=config, **options)
        self.count, self.shards = 0, shards
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
        for shard in range(self.shards):
            self.run("init", self.shards, "", 1, shard=shard)
        self.wanted += rest
        try:
            for name in rest:
                self.parts[name].start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        if self.connection:
            self.connection.close()
            self.connection = None
        super().stop()

    def script(self, name):
        if name not in self.scripts:
            self.scripts[name] = stack_redis.script_text(name)
        return self.scripts[name]

    def run(self, name, *args, shard=0):
        """Rows of a script as dictionaries."""
        rows = self.client("EVAL", self.script(name), 1, "{p%d}:meta" % shard, *args)
        return [dict(zip(r[::2], r[1::2])) for r in rows]

    def now(self):
        return int(time.time() * 1000)

    def arrive(self, product="acme-notes", token=None, **fields):
        self.count += 1
        channel = channel_of(product)
        url = "%s/marketplace/%s/%s" % (self.origin(), channel, product)
        data = dict({FIELDS[channel]: token or "tok%d" % self.count}, **fields)
        headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://store.example"}
        if channel == "azure":
            a = stack_http.request("GET", url + "?" + urllib.parse.urlencode(data),
                                   headers=headers)
        else:
            a = stack_http.request("POST", url, data, headers)
        assert a.status == 303, a
        return Registration(self.origin() + a.headers["Location"], product)

    def begin_sign_in(self, reg):
        """Presses the button: (address of the sign-in page as a split URL, its query, cookie)."""
        form = stack_http.forms(self.text(reg.url))[0]
        a = stack_http.request("POST", self.origin() + form["action"], form["fields"],
                               {"Sec-Fetch-Site": "same-origin", "Origin": self.origin()})
        assert a.status == 303, a
        url = urllib.parse.urlsplit(a.headers["Location"])
        query = {k: v for k, (v,) in urllib.parse.parse_qs(url.query).items()}
        return url, query, a.headers["Set-Cookie"]

    def sign_in(self, reg, code="code", name="Ann Example", email="ann@example.com"):
        """All of it, the worker's part included: who signed in is known, the purchase is not."""
        query, cookie = self.begin_sign_in(reg)[1:]
        a = stack_http.request(
            "GET", "%s/marketplace/signin/azure?%s" % (
                self.origin(), urllib.parse.urlencode({"code": code, "state": query["state"]})),
            headers={"Cookie": cookie.split(";")[0]})
        assert (a.status, self.origin() + a.headers["Location"]) == (303, reg.url), a
        self.tokens.pop("resolve:" + reg.hash, None)
        self.run("reg_identity", "resolve:" + reg.hash, self.claim("resolve:" + reg.hash), reg.hash,
                 "id_tenant", "t1", "id_object", "o1", "id_name", name, "id_email", email)
        return reg

    def claim(self, wanted):
        """Token of a task, whose lease is ours for a while."""
        if wanted in self.tokens:
            return self.tokens[wanted]
        seed = "seed%d-%d" % (self.count, len(self.tokens))
        for row in self.run("task_claim", "test", seed, 3600000, 100, 5,
                            "market")[1:]:
            self.tokens[row["id"]] = row["token"]
        assert wanted in self.tokens, "the task %s is not due" % wanted
        return self.tokens[wanted]

    def resolve(self, reg, plan=None, order=None, product=None, upsert=(), **more):
        """upsert: pairs that say otherwise of the order than a purchase that runs."""
        product = product or reg.product
        plan = plan or DEFAULT_PLANS[product]
        fields = {"plan": plan, "plan_title": plan.title(), "quantity": "1", "starts": self.now(),
                  "ends": self.now() + 365 * 86400000, "trial": "0",
                  "account_masked": "********4135", "confirmed": "1"}
        fields.update(more)
        digest = base64.b32encode(hashlib.sha256(reg.id.encode()).digest()).decode().lower()
        reg.order = order or "o0-" + digest[:26]
        tenant = "t0-" + reg.order[3:23]
        said = {"channel": channel_of(product), "product": product, "plan": plan,
                "quantity": fields["quantity"], "starts": fields["starts"], "ends": fields["ends"],
                "granted": "1", "confirmed": "1", "account": "123456784135",
                "trial": fields["trial"], "tid": tenant}
        said.update(upsert)
        self.run("order_upsert", reg.order, self.now(),
                 *[x for k, v in said.items() for x in (k, v)])
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

    def ready_to_watch(self, plan=None, product="acme-notes", email="ann@example.com", upsert=(),
                       **more):
        """A registered order: (registration, address of its status page)."""
        reg = self.arrive(product)
        if product == "acme-docs":
            self.sign_in(reg)
        self.resolve(reg, plan=plan, upsert=upsert)
        if product in ("acme-docs", "acme-charts") and plan is None:
            more.setdefault("region", {"acme-docs": "westeurope"}.get(product, "us-east1"))
        page = self.register(reg.url, email=email, **more)
        return reg, page

    def text(self, url, **kw):
        return stack_http.request("GET", url, **kw).text


def attribute(html, pattern):
    found = re.search(pattern, html)
    assert found, pattern
    return found.group(1)
