"""What the azure tests share: one offer with a plan for every rule, and the sandbox's own record of
each subscription and operation as the judge. Health checks are answered here, each with its time,
so that "activated only when it answered" is measured outside of lastmile."""
import datetime
import http.server
import json
import os
import time
import unittest

import faults
import stack_http
from faults import FaultStack, buyer
from stack import missing

NEED = ("redis", "sandbox", "worker", "front", "nginx")
TENANT = "8f4a0000-0000-4000-8000-00000000000a"
TEAM = "team@acme.example"

# name -> (template, lines of the plan, what the sandbox's listing has besides)
PLANS = {
    "starter": ("exec", "default: true, changes: {closed: refuse, replaced: replace, "
                        "later: at-renewal}", {"trial_days": 30}),
    "enterprise": ("exec", "limits: {memory: 96M}", {"term": "P3Y"}),
    "closed": ("exec", "", {}),
    "later": ("exec", "", {"private": True}),
    "replaced": ("process", "", {}),
    "served": ("process", "changes: {replaced: replace}", {}),
    "seats": ("exec", "", {"seats": True, "min_seats": 1, "max_seats": 100}),
    "auto": ("exec", "region_policy: buyer-selected, regions: [westeurope, eastus2]",
             {"auto_activate": True}),
    "unknown": (None, "", {}),  # the configuration does not have it
    "brief": ("exec", "grace: 2s", {}),
    "early": ("sick", "commit: at-registration", {}),
    "manual": ("exec", "commit: manual", {}),
    "sick": ("sick", "commit_deadline: 3s", {}),
    "sickreject": ("sick", "commit_deadline: 3s, on_commit_deadline: reject", {}),
    "sickcommit": ("sick", "commit_deadline: 3s, on_commit_deadline: commit", {}),
    "broken": ("broken", "", {}),
}

MARKET = """- name: {name}
  cloud: azure
  product: Acme {name}
  pricing: contract
  azure:
    offer_id: {name}-offer
    tenant_id: 8f4a0000-0000-4000-8000-00000000000a
    client_id: 8f4a0000-0000-4000-8000-00000000000b
    client_secret_file: ${{etc}}/azure.secret
    sign_in_client_id: 8f4a0000-0000-4000-8000-00000000000c
    sign_in_secret_file: ${{etc}}/azure-signin.secret
    sign_in_match: {match}
    token_version: {version}
    api_endpoint: http://127.0.0.1:${{sandbox_port}}/azure/api
    login_endpoint: http://127.0.0.1:${{sandbox_port}}/entra
  plans:
"""

TEMPLATES = """  sick:
    engine: exec
    command: [/bin/sh, ${dir}/engine.sh]
    environment: {LEDGER: ${var}/effects, ENVIRONMENTS: ${var}/environments}
    health_path: /sick
    health_timeout: 10m
    endpoint: http://127.0.0.1:${health_port}/{tenant}
  broken:
    engine: exec
    command: [/bin/sh, -c, "exit 65"]
    endpoint: http://127.0.0.1:${health_port}/{tenant}
"""


class Offer:
    """One listing, for the sandbox and for lastmile (as faults.Product)."""

    def __init__(self, name="notes", match="tenant", version="v2"):
        self.name, self.match, self.version = name, match, version

    def listing(self):
        web = "http://127.0.0.1:${port}/marketplace/"
        return {"name": self.name, "title": "Acme " + self.name, "channel": "azure",
                "offer_id": self.name + "-offer", "publisher_id": "acme",
                "landing_url": web + "azure/" + self.name,
                "webhook_url": web + "hooks/azure/" + self.name,
                "plans": [dict({"plan_id": n, "title": n.title(), "price": "1", "term": "P1M"},
                               **more) for n, (_, _, more) in PLANS.items()]}

    def market(self):
        text = MARKET.format(name=self.name, match=self.match, version=self.version)
        for name, (template, lines, _) in PLANS.items():
            if template is None:
                continue
            text += "    %s: {deployment_template: %s%s}\n" % (name, template,
                                                              ", " + lines if lines else "")
        return text


class _Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # /<tenant>/healthz, /<tenant>/sick
        tenant, word = self.path.split("/")[1], self.path.rsplit("/", 1)[1]
        home = self.server.environments
        there = os.path.exists(os.path.join(home, tenant, "serving")) and \
            (word != "sick" or os.path.exists(home + "/cured"))
        if there and word in ("healthz", "sick"):
            self.server.healthy.setdefault(tenant, time.time() * 1000)
        self.send_response(200 if there else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class AzureStack(FaultStack):
    def __init__(self, offers=None, **more):
        super().__init__(products=offers or [Offer()], **more)
        self.options["config"] = faults.CONFIG + TEMPLATES
        self.health.RequestHandlerClass = _Health
        self.health.healthy = {}

    def order_of(self, purchase):
        found = [o for o in self.orders() if o.get("purchase") == purchase["id"]]
        assert len(found) < 2, found
        return found[0] if found else None

    def buy(self, plan="starter", product="notes", **more):
        return self.sandbox("POST", "azure/purchases", dict(more, product=product, plan=plan))

    def token(self, purchase):
        """Configure account, Manage account: the same purchase with a fresh token."""
        return self.azure_do(purchase, "token")

    def settings(self, **values):
        return self.sandbox("POST", "azure/settings", values)

    def operations(self, purchase):
        """All operations of a subscription, oldest first."""
        return [o for o in self.sandbox("GET", "state")["azure"]["operations"]
                if o["purchase"] == purchase["id"]]

    def operation(self, ident):
        return [o for o in self.sandbox("GET", "state")["azure"]["operations"]
                if o["id"] == ident][0]

    def settled(self, ident, seconds=20):
        """The operation once it is settled."""
        self.until(lambda: self.operation(ident)["status"] not in ("InProgress", "NotStarted"),
                   seconds, "operation %s is not settled" % ident)
        return self.operation(ident)

    def ledger(self, op, ident=""):
        with open(self.v["var"] + "/sandbox/ledger") as f:
            rows = [json.loads(line) for line in f]
        return [r for r in rows if r["op"] == op and ident in (r["purchase"], "")]

    def began(self, purchase):
        """When the marketplace began to bill: milliseconds of that second; [] when it did not."""
        rows = self.ledger("Subscribed", purchase["id"])
        return rows and datetime.datetime.fromisoformat(
            rows[0]["time"].replace("Z", "+00:00")).timestamp() * 1000

    def wait_sub(self, purchase, status, seconds=20):
        self.until(lambda: self.azure_state(purchase)["status"] == status, seconds,
                   "the subscription is not %s" % status)
        return self.azure_state(purchase)

    def logged(self, event, part="worker"):
        """Lines of a part's log with this event."""
        with open("%s/%s.log" % (self.v["log"], part)) as f:
            return [line for line in f if event in line.split()]

    def alert(self, subject, seconds=20):
        self.until(lambda: self.mails(TEAM, subject), seconds, "no mail to the team: " + subject)


class AzureCase(unittest.TestCase):
    options = {}

    @classmethod
    def setUpClass(cls):
        absent = missing(NEED)
        if absent:
            raise unittest.SkipTest("not installed or not built: " + ", ".join(absent))
        cls.s = AzureStack(parts=NEED, **cls.options)
        cls.s.start()
        cls.s.until(lambda: cls.s.redis("EXISTS", "{p0}:keys:azure/notes") == 1, 20, "no keys")
        # What nobody answers goes through by itself: not within a test that asks who answered.
        cls.s.settings(auto_accept_ms=3600000)
        cls.defaults = cls.s.sandbox("GET", "azure/settings")

    @classmethod
    def tearDownClass(cls):
        cls.s.stop()

    def tearDown(self):
        self.s.sandbox("DELETE", "faults")
        self.s.settings(**self.defaults)
        self.s.invariants()

    def fault(self, op, kind, **more):
        self.s.sandbox("POST", "faults", dict(more, op=op, kind=kind))

    def arrive(self, purchase, account="bob", mail=None):
        return self.s.azure_arrive(purchase, account, mail or buyer())

    def ready(self, plan="starter", account="bob", **more):
        """A subscriber with an environment: purchase, status page, order."""
        p = self.s.buy(plan, **more)
        page = self.arrive(p, account)
        self.s.wait_ready(page)
        self.assertEqual(self.s.azure_state(p)["status"], "Subscribed")
        return p, page, self.s.wait_order(p, fulfilment="READY", contract="ACTIVE")

    def effects(self, order):
        return self.s.environments().get(order["tenant"], [])

    def region(self, order):
        """Where the environment is to be, as its engine was told."""
        return json.loads(self.s.redis("HGET", "{p0}:t:" + order["tenant"], "spec"))["region"]

    def answers(self, order):
        return stack_http.request("GET", order["endpoint"] + "/").status
