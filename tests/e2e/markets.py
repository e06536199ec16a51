"""A FaultStack that sells on all three marketplaces, and buyers who do not give up:

    with Markets(shards=4) as s:
        b = Buyer(s, s.purchase("azure", "starter"))
        b.start()

The engine is fault_engine.sh, so that environments are counted where they are made."""
import itertools
import json
import os
import re
import threading
import time

import stack_http
from faults import FaultStack, Product, buyer
from stack import StackError, origin_of, path_of

NEED = ("redis", "sandbox", "worker", "front", "nginx")
SUBSCRIPTION = "projects/acme-public/subscriptions/lastmile"

# name -> lines of the plan below the template; "team" is sold by seats, "auto" is activated when
# it is bought, and nobody may move from "fixed" to another plan.
PLANS = {"starter": "", "pro": "", "team": "", "auto": "", "fixed": "changes: {others: refuse}"}
AZURE_MORE = {"team": {"seats": True, "min_seats": 2, "max_seats": 50},
              "auto": {"auto_activate": True}}

AZURE = """- name: {name}
  cloud: azure
  product: Acme {name}
  azure:
    offer_id: {name}
    tenant_id: 8f4a0000-0000-4000-8000-00000000000a
    client_id: 8f4a0000-0000-4000-8000-00000000000b
    client_secret_file: ${{etc}}/azure.secret
    sign_in_client_id: 8f4a0000-0000-4000-8000-00000000000c
    sign_in_secret_file: ${{etc}}/azure-signin.secret
    api_endpoint: http://127.0.0.1:${{sandbox_port}}/azure/api
    login_endpoint: http://127.0.0.1:${{sandbox_port}}/entra
  plans:
"""

GCP = """- name: {name}
  cloud: gcp
  product: Acme {name}
  gcp:
    provider_id: acme-public
    product_name: {name}.endpoints.acme-public.cloud.goog
    audiences: [buy.acme.example]
    subscription: {subscription}
    credentials_file: ${{var}}/sandbox/gcp-key.json
    procurement_endpoint: http://127.0.0.1:${{sandbox_port}}/gcp/procurement
    pubsub_endpoint: http://127.0.0.1:${{sandbox_port}}/gcp/pubsub
    certs_endpoint: http://127.0.0.1:${{sandbox_port}}/gcp/certs
{push}  plans:
"""

PUSH = """    push_audience: http://127.0.0.1:${port}/marketplace/hooks/gcp/%s
    push_account: lastmile@acme-public.iam.gserviceaccount.com
"""


def plan_lines(template):
    return "".join("    %s: {%s}\n" % (name, ", ".join(
        x for x in ("deployment_template: " + template, more) if x))
        for name, more in PLANS.items())


class Listing:
    """What Azure's and Google's have in common; for the sandbox and for lastmile."""

    def __init__(self, name="notes", template="exec", **more):
        self.name, self.template, self.more = name, template, more


class Azure(Listing):
    def listing(self):
        base = "http://127.0.0.1:${port}/marketplace/"
        return dict({"name": self.name, "title": "Acme " + self.name, "channel": "azure",
                     "offer_id": self.name, "publisher_id": "acme",
                     "landing_url": base + "azure/" + self.name,
                     "webhook_url": base + "hooks/azure/" + self.name,
                     "plans": [dict({"plan_id": p, "title": p.title(), "price": "1"},
                                    **AZURE_MORE.get(p, {})) for p in PLANS]}, **self.more)

    def market(self):
        return AZURE.format(name=self.name) + plan_lines(self.template)


class Gcp(Listing):
    """push: the subscription pushes to the front, beside what is pulled."""

    def __init__(self, name="notes", template="exec", push=False, **more):
        super().__init__(name, template, **more)
        self.push = push

    def listing(self):
        base = "http://127.0.0.1:${port}/marketplace/"
        return dict({"name": self.name, "title": "Acme " + self.name, "channel": "gcp",
                     "provider_id": "acme-public", "audience": "buy.acme.example",
                     "product_name": self.name + ".endpoints.acme-public.cloud.goog",
                     "signup_url": base + "gcp/" + self.name,
                     "login_url": base + "gcp/" + self.name + "/login",
                     "subscription": SUBSCRIPTION, "multiple_orders": True,
                     "plans": [{"plan": p, "title": p.title(), "price": "1"} for p in PLANS]},
                    **self.more)

    def market(self):
        push = PUSH % self.name
        return GCP.format(name=self.name, subscription=SUBSCRIPTION,
                          push=push if self.push else "") + plan_lines(self.template)


class Markets(FaultStack):
    def __init__(self, products=None, **more):
        more.setdefault("parts", NEED)
        super().__init__(products=products or [Product(template="exec"), Azure(), Gcp()], **more)

    def quicken(self, redeliver=1000, accept=4000, settle=200):
        """Redelivery, silent consent and activation in a test's time instead of a day's."""
        self.sandbox("POST", "azure/settings", {"redeliver_ms": redeliver,
                                                "auto_accept_ms": accept})
        self.sandbox("POST", "gcp/settings", {"settle_ms": settle})

    def purchase(self, channel, plan, **more):
        if channel == "aws":
            p = self.buy("notes", plan, **more)
        else:
            p = self.sandbox("POST", channel + "/purchases", dict(more, product="notes", plan=plan))
        return dict(p, channel=channel)

    def path_of(self, purchase):
        return ("" if purchase["channel"] == "aws" else purchase["channel"] + "/") + \
            "purchases/" + purchase["id"]

    def market_state(self, purchase):
        return self.sandbox("GET", self.path_of(purchase))

    def act(self, purchase, what, **body):
        """What the marketplace answers; None where it does not allow that now."""
        try:
            return self.sandbox("POST", self.path_of(purchase) + "/" + what, body)
        except StackError:
            return None

    @staticmethod
    def key_of(purchase):
        """The purchase's id as an order has it."""
        return {"aws": "license_id", "azure": "id", "gcp": "entitlement_id"}[purchase["channel"]]

    def orders_by_purchase(self):
        """(channel, purchase) -> [order, ...]"""
        found = {}
        for o in self.orders():
            found.setdefault((o.get("channel"), o.get("purchase")), []).append(o)
        return found

    def environment(self, tenant):
        """(plan, quantity, serves) as the engine holds it; None: there is none."""
        base = "%s/environments/%s/" % (self.v["var"], tenant)
        try:
            with open(base + "plan") as f:
                plan, quantity = f.read().split()
        except (FileNotFoundError, ValueError):
            return None
        return plan, int(quantity), os.path.exists(base + "serving")

    def ledger(self):
        """[{seq, time, op, purchase, result, detail}] of every call and effect."""
        rows = []
        while True:
            a = stack_http.request("GET", self.store_url("/sandbox/api/ledger?after=%d" % (
                rows[-1]["seq"] if rows else 0)))
            more = [json.loads(line) for line in a.text.splitlines()]
            if not more:
                return rows
            rows += more

    def redeliver(self):
        """What a dead worker took comes back now."""
        self.sandbox("POST", "redeliver")
        self.sandbox("POST", "gcp/redeliver")


_numbers = itertools.count(1)


class Buyer(threading.Thread):
    """From the marketplace's page to the status page, by whatever the pages ask for. Faults are met
    with the reload button; `gone()` says when there is nothing left to register for."""

    def __init__(self, s, purchase, account="alice", seconds=90, gone=lambda: False):
        super().__init__(daemon=True)
        self.s, self.purchase, self.account, self.gone = s, purchase, account, gone
        self.deadline = time.monotonic() + seconds
        self.mail = buyer()
        self.registration = self.page = self.error = None
        self.number, self.signed_in, self.last = next(_numbers), 0, None

    def run(self):
        try:
            self.insist(self.land)
            self.insist(self.look)
        except Exception as e:  # pylint: disable=broad-except
            self.error = e

    def insist(self, step):
        while True:
            try:
                if step():
                    return
                error = None
            except (OSError, StackError, ValueError, IndexError) as e:
                error = e
            if self.gone():
                return
            if time.monotonic() > self.deadline:
                raise StackError("%s %s: %s: %s %r" % (self.purchase["channel"],
                                                       self.purchase["id"], step.__name__, error,
                                                       self.last))
            time.sleep(0.15)

    def land(self):
        if self.purchase["channel"] == "azure":
            a = stack_http.request("GET", self.purchase["landing_url"])
            self.last = a
            if a.status != 303:
                return False
            self.registration = self.absolute(a)
        else:
            self.registration = self.s.land(self.purchase)
        return True

    def absolute(self, a):
        where = a.headers["Location"]
        return where if "://" in where else self.s.origin() + where

    def look(self):
        """One look at the registration's page and what it asks for."""
        a = stack_http.request("GET", self.registration)
        self.last = a
        if a.status == 303:
            self.page = self.absolute(a)
            return True
        for form in stack_http.forms(a.text):
            if (form["action"] or "").endswith("/signin"):
                return self.sign_in(form)
            if "email" in form["names"]:
                return self.submit(form)
        return False

    def sign_in(self, form):
        a = stack_http.request("POST", self.s.origin() + path_of(form["action"]), form["fields"])
        if a.status != 303:
            return False
        cookie = "; ".join(c.split(";", 1)[0] for c in a.headers.get_all("Set-Cookie") or ())
        a = stack_http.request("POST", a.headers["Location"], {"account": self.account})
        if a.status not in (302, 303):
            return False
        back = a.headers["Location"]
        a = stack_http.request("GET", back, headers={"Cookie": cookie})
        self.signed_in += 1
        return False

    def submit(self, form):
        url = origin_of(self.registration) + path_of(form["action"] or self.registration)
        a = stack_http.request("POST", url, dict(form["fields"], email=self.mail))
        self.last = a
        if a.status == 303 and not re.search("/r/", a.headers["Location"]):
            self.page = self.absolute(a)
            return True
        return False
