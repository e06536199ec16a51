"""What the tests of the gcp channel share: listings of one provider with plans for every rule, and
the sandbox's own state and ledger as the judge. Environments are those of fault_engine.sh, so each
effect is counted where it happens."""
import json
import unittest

import faults
import stack_http
from faults import FaultStack, buyer
from stack import missing

NEED = ("redis", "sandbox", "worker", "front", "nginx")
SUBSCRIPTION = "projects/acme-public/subscriptions/lastmile"
ACCOUNT = "lastmile@acme-public.iam.gserviceaccount.com"

KEY_FILE = "credentials_file: ${var}/sandbox/gcp-key.json"

MARKET = """- name: {name}
  cloud: gcp
  product: {title}
  pricing: contract
  gcp:
    provider_id: {provider}
    product_name: {service}
    audiences: [{audience}]
    procurement_endpoint: http://127.0.0.1:${{sandbox_port}}/gcp/procurement
    pubsub_endpoint: http://127.0.0.1:${{sandbox_port}}/gcp/pubsub
    certs_endpoint: http://127.0.0.1:${{sandbox_port}}/gcp/certs
    {credentials}
    {door}
    automatic_approval: {automatic}
  plans:
"""

# name -> (template, what else the plan says)
PLANS = {
    "starter": ("exec", "changes: {fixed: refuse, others: in-place}"),
    "enterprise": ("exec", "limits: {memory: 96M}"),
    "fixed": ("exec", "changes: {others: refuse}"),
    "brief": ("exec", "grace: 2s"),
    "kept": ("exec", "grace: 4s, on_end: keep"),
    "renewal": ("exec", "changes: {others: at-renewal}"),
    "manual": ("exec", "commit: manual"),
    "early": ("sick", "commit: at-registration"),
    "sick": ("sick", "commit: after-health"),
    "sick-reject": ("sick", "commit_deadline: 4s, on_commit_deadline: reject"),
    "sick-commit": ("sick", "commit_deadline: 4s, on_commit_deadline: commit"),
    "sick-alert": ("sick", "commit_deadline: 4s, on_commit_deadline: alert"),
}
# Sold by Google, not known to the configuration.
UNKNOWN = "surprise"

SICK = """  sick:
    engine: exec
    command: [/bin/sh, ${dir}/engine.sh]
    environment: {LEDGER: ${var}/effects, ENVIRONMENTS: ${var}/environments, SLOW: ""}
    health_timeout: 2s
    deadline: 30s
    endpoint: http://127.0.0.1:${health_port}/nobody-{tenant}
"""


class Listing:
    def __init__(self, name="notes", automatic=False, push=False, provider="acme-public",
                 credentials=KEY_FILE, **sandbox):
        self.name, self.automatic, self.push, self.provider = name, automatic, push, provider
        self.credentials, self.sandbox = credentials, sandbox
        self.service = name + ".endpoints.acme-public.cloud.goog"
        self.audience = name + ".acme.example"

    def listing(self):
        base = "http://127.0.0.1:${port}/marketplace/"
        p = {"name": self.name, "title": "Acme " + self.name, "channel": "gcp",
             "provider_id": self.provider, "product_name": self.service,
             "audience": self.audience, "signup_url": base + "gcp/" + self.name,
             "login_url": base + "gcp/" + self.name + "/login",
             "subscription": SUBSCRIPTION, "automatic_approval": self.automatic,
             "plans": [{"plan": n, "title": n.title(), "price": "$1 a month"}
                       for n in list(PLANS) + [UNKNOWN, "starter-P1Y"]]}
        if self.push:
            p.update(subscription=SUBSCRIPTION + "-push", push_account=ACCOUNT,
                     push_url=base + "hooks/gcp/" + self.name, push_audience="push.acme.example")
        return dict(p, **self.sandbox)

    def market(self):
        door = "subscription: " + SUBSCRIPTION
        if self.push:
            door = "push_audience: push.acme.example\n    push_account: " + ACCOUNT
            if self.push == "both":
                door += "\n    subscription: " + SUBSCRIPTION
        text = MARKET.format(name=self.name, title="Acme " + self.name, provider=self.provider,
                             service=self.service, audience=self.audience, door=door,
                             credentials=self.credentials,
                             automatic=str(self.automatic).lower())
        for name, (template, more) in PLANS.items():
            if self.automatic and "commit" in more:
                continue  # nothing there to approve
            text += "    %s: {deployment_template: %s, %s}\n" % (name, template, more)
        return text


class GcpStack(FaultStack):
    """settings: of the sandbox's Google, from the start."""

    def __init__(self, products=None, settings=None, late_after="30m", lease="30s", **more):
        self.settings_at_start = dict({"settle_ms": 100}, **(settings or {}))
        super().__init__(products=products or [Listing()], lease=lease, **more)
        text = faults.CONFIG.replace("  alert_to:", "  late_after: %s\n  alert_to:" % late_after)
        self.options["config"] = text + SICK

    def start(self):
        super().start()
        self.settings(**self.settings_at_start)
        return self

    def settings(self, **values):
        return self.sandbox("POST", "gcp/settings", values)

    # -- what a buyer does

    def buy(self, product="notes", plan="starter", **more):
        return self.gcp_buy(plan, product, **more)

    def again(self, purchase, **more):
        """Another visit of the buyer at the sign-up address."""
        return self.land(self.token(purchase=purchase["id"], **more))

    def token(self, **more):
        return self.sandbox("POST", "gcp/tokens", more)

    # -- what Google's side knows

    def google(self, purchase):
        return self.gcp_state(purchase)

    def account(self, purchase):
        for a in self.sandbox("GET", "gcp/state")["accounts"]:
            if a["id"] == purchase["account"]:
                return a
        return None

    def ledger(self, op=None, purchase=None, result=None):
        """Lines of the sandbox's ledger; purchase by its handle."""
        text = stack_http.request("GET", self.store_url("/sandbox/api/ledger?after=0")).text
        lines = [json.loads(line) for line in text.splitlines()]
        return [e for e in lines if (op is None or e["op"] == op) and
                (purchase is None or e["purchase"] == purchase["id"]) and
                (result is None or e["result"] == result)]

    def calls(self, op, purchase=None, result="ok"):
        return len(self.ledger("gcp." + op, purchase, result))

    def redeliver(self):
        self.sandbox("POST", "gcp/redeliver")

    # -- what lastmile knows

    def order_of(self, purchase):
        found = [o for o in self.orders() if o.get("purchase") == purchase["entitlement_id"]]
        assert len(found) < 2, found
        return found[0] if found else None

    def sandbox(self, method, path, body=None):
        if path == "redeliver":  # of FaultStack's waiting
            path = "gcp/redeliver"
        return super().sandbox(method, path, body)

    def waiting(self):
        return [m["label"] for q in self.sandbox("GET", "gcp/state")["subscriptions"]
                for m in q["messages"]]

    def dead(self):
        return [t for n in range(self.shards)
                for t in self.redis("ZRANGE", "{p%d}:dead" % n, 0, -1)]

    def alerts(self, subject):
        return self.mails("team@acme.example", subject)

    def status_text(self, page):
        return stack_http.request("GET", page).text


class GcpCase(unittest.TestCase):
    options = {}

    @classmethod
    def setUpClass(cls):
        absent = missing(NEED)
        if absent:
            raise unittest.SkipTest("not installed or not built: " + ", ".join(absent))
        cls.s = GcpStack(parts=NEED, **cls.options)
        cls.s.start()

    @classmethod
    def tearDownClass(cls):
        cls.s.stop()

    def tearDown(self):
        self.s.sandbox("DELETE", "faults")
        self.s.invariants()

    def fault(self, op, kind, **more):
        self.s.sandbox("POST", "faults", dict(more, op=op, kind=kind))

    def settings(self, **values):
        """For this test only."""
        before = self.s.settings()
        self.s.settings(**values)
        self.addCleanup(self.s.settings, **{k: before[k] for k in values})

    def ready(self, plan="starter", product="notes", **more):
        """A buyer with an environment: purchase, mail address, status page, order."""
        p, mail = self.s.buy(product, plan, **more), buyer()
        page = self.s.register(self.s.land(p), mail)
        self.s.wait_ready(page, 120)  # a task that met a refused credential looks again after 30 s
        return p, mail, page, self.s.wait_order(p, fulfilment="READY", contract="ACTIVE")

    def state(self, purchase):
        return self.s.google(purchase)["state"].replace("ENTITLEMENT_", "").upper()

    def wait_state(self, purchase, state, seconds=60):
        if not self.s.settle(lambda: self.state(purchase) == state, seconds):
            self.fail("%s is %s, not %s" % (purchase["id"], self.state(purchase), state))

    def effects(self, order):
        return self.s.environments().get(order.get("tenant"), [])
