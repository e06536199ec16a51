#!/usr/bin/python3
"""Whatever happens and in whatever order it is told: in the end every order says what the
marketplace itself shows, and its environment does what the contract says.

A seeded random walk over three marketplaces (the sandbox is the model): purchases of all kinds,
buyers who come or do not, changes, suspensions, cancellations, with events that are dropped,
delayed, doubled and reordered, calls that fail or whose answers are lost, and a worker that is
killed. Then the faults end, and everything must become true by itself.

LASTMILE_SEED=n repeats one walk, LASTMILE_WALKS=n makes more of them, LASTMILE_STEPS=n longer
ones. The walk is the seed's; when a process meets which step of it is not."""
import collections
import datetime
import json
import os
import random
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from markets import NEED, Buyer, Markets
from stack import missing

STEPS = int(os.environ.get("LASTMILE_STEPS", "110"))  # of one walk, twelve a second
PURCHASES = 24 * STEPS // 100
CONVERGED = 180  # seconds after the last fault

CALLS = ("SaasResolve", "SaasActivate", "SaasGet", "SaasList", "SaasUpdate", "SaasOperation",
         "SaasOperations", "SaasSettle", "EntraToken", "EntraKeys", "accounts.get",
         "accounts.approve", "entitlements.get", "entitlements.list", "entitlements.approve",
         "entitlements.approvePlanChange", "entitlements.rejectPlanChange", "subscriptions.pull",
         "subscriptions.acknowledge", "GcpToken", "GcpCerts", "ResolveCustomer", "GetEntitlements",
         "DescribeAgreement", "ReceiveMessage")
CALL_FAULTS = ("throttle", "5xx", "timeout-before", "timeout-after-effect", "truncate", "slow",
               "not-json", "throttle", "5xx", "timeout-before", "timeout-after-effect", "truncate",
               "access-denied")
# How the marketplaces speak; each walk has a choice of them.
SETTINGS = {"azure": {"page_size": (2, 5, 100), "jwt_version": (1, 2),
                      "times": ("seven", "no-zone"),
                      "quantity": ("absent", "null", "empty", "string"), "padded": (False, True),
                      "extra": (False, True), "minimal": (False, True), "settle_ms": (0, 700),
                      "unknown_operation": (404, 400), "every_operation": (False, True),
                      "sparse": (False, True)},
            "gcp": {"orders": ("strings", "objects", "google"), "style": ("current", "old"),
                    "account_event": ("typed", "untyped", "both", "none"), "shuffle": (False, True),
                    "approve_again": ("ok", "precondition", "conflict"), "sparse": (False, True),
                    "reject_removes": (False, True), "settle_ms": (0, 200, 900)}}
EVENTS = {"azure": ("", ":ChangePlan", ":ChangeQuantity", ":Suspend", ":Reinstate", ":Unsubscribe",
                    ":Renew", ":Subscribe"),
          "gcp": (":ENTITLEMENT_", ":ENTITLEMENT_ACTIVE", ":ENTITLEMENT_CREATION_REQUESTED",
                  ":ENTITLEMENT_PLAN_CHANGE", ":ENTITLEMENT_CANCEL", ":ENTITLEMENT_RENEWED",
                  ":ACCOUNT"),
          "aws": (":Purchase Agreement", ":License")}
EVENT_FAULTS = ("drop", "delay", "duplicate", "reorder")

ACTS = {"azure": ("change-plan", "change-plan", "change-quantity", "suspend", "reinstate", "renew",
                  "cancel", "reinstate"),
        "gcp": ("change-plan", "change-plan", "cancel-plan-change", "renew", "suspend", "resume",
                "cancel", "revert-cancel", "abandon", "offer-ended"),
        "aws": ("upgrade", "renew", "cancel")}
PLANS = {"azure": ("starter", "pro", "team", "auto", "fixed"),
         "gcp": ("starter", "pro", "fixed"), "aws": ("starter", "enterprise")}
AZURE_KINDS = ({"start_in_ms": 6000}, {"test": True}, {"reseller": True}, {"activate_fails": True},
               {"private_offer": "4f1e9a52-1c2d-4e3f-8a4b-5c6d7e8f9a0b"}, {"auto_activate": True})
GCP_KINDS = ({"automatic": True}, {"offer": True, "start_in_ms": 5000}, {"offer": True},
             {"offer": True, "end_in_ms": 9000}, {"automatic": True, "offer": True},
             {"usage_late_ms": 3000})
RUNS = {"gcp": ("ENTITLEMENT_ACTIVE", "ENTITLEMENT_PENDING_CANCELLATION",
                "ENTITLEMENT_PENDING_PLAN_CHANGE")}


class Walk:
    """One seed against one stack."""

    def __init__(self, s, seed, workers):
        self.s, self.rng, self.workers = s, random.Random(seed), workers
        self.purchases, self.buyers, self.counts = [], [], collections.Counter()

    def go(self):
        for channel, choices in SETTINGS.items():
            self.s.sandbox("POST", channel + "/settings",
                           {name: self.rng.choice(of) for name, of in choices.items()})
        began = time.monotonic()
        for i in range(STEPS):
            self.step(i)
            time.sleep(max(0, began + (i + 1) / 12 - time.monotonic()))

    def step(self, i):
        rng = self.rng
        dice = [rng.random() for _ in range(3)]
        words = {name: rng.randrange(1 << 30) for name in ("which", "what", "plan", "more")}
        if len(self.purchases) < PURCHASES and (i % 4 == 0 or not self.purchases):
            self.purchase(words, dice)
        elif dice[0] < 0.45:
            self.act(words)
        elif dice[0] < 0.65:
            self.event_fault(words)
        elif dice[0] < 0.93:
            self.call_fault(words)
        else:
            self.kill(words)

    @staticmethod
    def pick(choices, number):
        return choices[number % len(choices)]

    def purchase(self, words, dice):
        channel = ("azure", "gcp", "azure", "gcp", "aws")[len(self.purchases) % 5]
        plan, more = self.pick(PLANS[channel], words["plan"]), {}
        if channel == "azure":
            if plan == "team":
                more["quantity"] = 2 + words["more"] % 9
            if dice[1] < 0.4:
                more.update(self.pick(AZURE_KINDS, words["which"]))
        if channel == "gcp":
            mine = [p for p in self.purchases if p["channel"] == "gcp"]
            if mine and dice[1] < 0.3:  # a second order of somebody who is a customer already
                more["account"] = self.pick(mine, words["which"])["account_handle"]
            elif dice[1] < 0.6:
                more.update(self.pick(GCP_KINDS, words["which"]))
        p = self.s.purchase(channel, plan, **more)
        p["registers"] = dice[2] < 0.8
        p["asked"] = dict(more, plan=plan)
        self.purchases.append(p)
        if p["registers"]:
            self.buyers.append(Buyer(self.s, p, seconds=300, gone=lambda: self.ended(p)))
            self.buyers[-1].start()

    def ended(self, p):
        now = self.s.market_state(p)
        return now.get("status") == "Unsubscribed" or now.get("state") == "ENTITLEMENT_CANCELLED" \
            or (p["channel"] == "aws" and now["status"] not in ("ACTIVE", "RENEWED", "REPLACED"))

    def act(self, words):
        p = self.pick(self.purchases, words["which"])
        what, body = self.pick(ACTS[p["channel"]], words["what"]), {}
        if what == "cancel" and words["more"] % 2:
            what = self.pick(ACTS[p["channel"]][:2], words["more"])  # else all are cancelled soon
        if what in ("change-plan", "upgrade"):
            body["plan"] = self.pick(PLANS[p["channel"]], words["plan"])
        if what == "change-quantity":
            body["quantity"] = 2 + words["more"] % 40
        if p["channel"] == "gcp" and what in ("change-plan", "cancel"):
            body["when"] = "now" if words["more"] % 3 else "cycle-end"
        if what == "upgrade":
            body["mode"] = "replace" if words["more"] % 2 else "amend"
        done = self.s.act(p, what, **body)
        self.counts["act" if done else "act refused"] += 1
        if done and p["channel"] == "aws" and what in ("upgrade", "renew"):
            p.update({k: v for k, v in done.items() if k in ("id", "license_id")})

    def event_fault(self, words):
        channel = self.pick(("azure", "gcp", "azure", "gcp", "aws"), words["which"])
        kind = self.pick(EVENT_FAULTS, words["what"])
        self.fault("event" + self.pick(EVENTS[channel], words["plan"]), kind,
                   ms=300 + words["more"] % 3000, count=1 + words["more"] % 3)

    def call_fault(self, words):
        kind = self.pick(CALL_FAULTS, words["what"])
        self.fault(self.pick(CALLS, words["which"]), kind, ms=200 + words["more"] % 600,
                   count=1 if kind == "access-denied" else 1 + words["more"] % 4)

    def fault(self, op, kind, **more):
        self.s.sandbox("POST", "faults", dict(more, op=op, kind=kind))
        self.counts[kind] += 1

    def kill(self, words):
        name = "front" if words["what"] % 4 == 0 else self.pick(self.workers, words["which"])
        self.s.parts[name].kill()
        self.s.parts[name].start(wait=0)
        self.counts["kills of " + name] += 1

    def erase(self):
        """Google deletes what has ended: so does the seller, environment and all."""
        gone = [p for p in self.purchases if p["channel"] == "gcp" and self.ended(p)]
        known = self.s.orders_by_purchase()
        for p in gone:
            self.s.act(p, "delete")
        orders = [known[("gcp", p["entitlement_id"])][0]["id"] for p in gone
                  if ("gcp", p["entitlement_id"]) in known]

        left = []

        def closed():
            self.s.redeliver()
            left[:] = ["%s is not erased: %s" % (o["id"], o["fulfilment"])
                       for o in self.s.orders() if o["id"] in orders and
                       (o["fulfilment"] != "CLOSED" or
                        (o.get("tenant") and self.s.environment(o["tenant"])))]
            return not left
        self.s.settle(closed, 120)
        return left

    # -- what must be true in the end

    def differences(self):
        """Every sentence is something that is not as the marketplace shows it."""
        found = self.s.orders_by_purchase()
        out = ["%s %s: %d orders" % (*key, len(rows)) for key, rows in found.items()
               if len(rows) > 1]
        for b in self.buyers:
            if b.error or (b.is_alive() and not self.ended(b.purchase)):
                out.append("%s %s: the buyer waits: %s" % (b.purchase["channel"],
                                                           b.purchase["id"], b.error or b.last))
        for p in self.purchases:
            rows = found.get((p["channel"], p[self.s.key_of(p)]), [None])
            try:
                self.compare(p, self.s.market_state(p), rows[0])
            except AssertionError as e:
                out.append("%s %s: %s" % (p["channel"], p[self.s.key_of(p)], e))
        return out

    def compare(self, p, there, order):
        want = getattr(self, p["channel"])(there)
        if order is None:
            # A purchase that nobody registered for and that has ended need not be known.
            self.same("order", "none", "none" if want in ("ended", "held") else "there")
            self.same("registered", False, p["registers"] and want != "ended")
            return
        contract = {"held": ("PENDING",), "active": ("ACTIVE",), "suspended": ("SUSPENDED",),
                    "ended": ("CANCELLED", "EXPIRED")}[want]
        if order["contract"] not in contract:
            self.same("contract", order["contract"], "/".join(contract))
        if p["registers"] and want == "held":
            self.same("a charge", "waits", "runs: the buyer registered")
        wanted = order.get("registered") == "1" or order.get("unattended") == "1"
        if want in ("active", "suspended"):
            self.same("plan", order.get("plan"), there["plan"])
            if p["channel"] != "gcp":
                self.same("quantity", int(order["quantity"]), max(1, there["quantity"]))
        self.environment(order, want, wanted, there)

    def environment(self, order, want, wanted, there):
        if not order.get("tenant"):
            if wanted:
                self.same("tenant", "none", "none" if want == "ended" else "one")
            return
        env = self.s.environment(order["tenant"])
        if want == "active" and wanted:
            self.same("fulfilment", order["fulfilment"], "READY")
            # A change that the seller refuses and the marketplace did not ask about: the old plan.
            told = order.get("change_told") == there["plan"]
            self.same("environment", env, ("fixed" if told else there["plan"],
                                           int(order["quantity"]), True))
        elif env:
            self.same("the environment serves", env[2], False)

    @staticmethod
    def same(what, is_, should):
        if is_ != should:
            raise AssertionError("%s is %s, not %s" % (what, is_, should))

    @staticmethod
    def azure(there):
        return {"PendingFulfillmentStart": "held", "Subscribed": "active",
                "Suspended": "suspended", "Unsubscribed": "ended"}[there["status"]]

    @staticmethod
    def gcp(there):
        state = there["state"]
        if state == "ENTITLEMENT_PENDING_PLAN_CHANGE_APPROVAL":
            raise AssertionError("a change of plan waits for an answer")
        return {"ENTITLEMENT_ACTIVATION_REQUESTED": "held", "ENTITLEMENT_CANCELLED": "ended",
                "ENTITLEMENT_SUSPENDED": "suspended"}.get(state) or \
            ("active" if state in RUNS["gcp"] else state)

    @staticmethod
    def aws(there):
        return "active" if there["status"] == "ACTIVE" else "ended"

    # -- what must never have been

    def once(self):
        """Nothing twice, and no charge before the environment answered."""
        s, out = self.s, []
        environments, orders = s.environments(), s.orders()
        tenants = collections.Counter(o["tenant"] for o in orders if o.get("tenant"))
        for tenant, effects in environments.items():
            if effects.count("create") != 1:
                out.append("%s was created %d times" % (tenant, effects.count("create")))
            if tenants[tenant] != 1:
                out.append("%s belongs to %d orders" % (tenant, tenants[tenant]))
        served = self.first_served()
        by_purchase = {o.get("purchase"): o for o in orders}
        for at, op, key in self.commits():
            p = next((p for p in self.purchases if key in (p["id"], p.get("entitlement_id"))), None)
            order = by_purchase.get(p[s.key_of(p)]) if p else None
            if order is None or at < served.get(order.get("tenant"), 1 << 60):
                out.append("%s %s before the environment of %s served" % (op, key, order and
                                                                         order.get("tenant")))
        for sub in s.sandbox("GET", "state")["azure"]["subscriptions"]:
            if sub["activated"] > 1:
                out.append("%s was activated %d times" % (sub["id"], sub["activated"]))
        return out

    def first_served(self):
        first = {}
        with open(self.s.v["var"] + "/effects") as f:
            for line in f:
                effect, tenant, _, at = line.split()
                if effect == "serve":
                    first.setdefault(tenant, int(at))
        return first

    def commits(self):
        """(ms, operation, purchase) of every word that lets a charge begin. The ledger has whole
        seconds: the last ms of that one."""
        return [(datetime.datetime.fromisoformat(r["time"].replace("Z", "+00:00")).timestamp() *
                 1000 + 999, r["op"], r["purchase"]) for r in self.s.ledger()
                if r["op"] in ("SaasActivate", "gcp.entitlements.approve") and r["purchase"]]


class Converges(unittest.TestCase):
    """shards, workers, seed of each walk that `make check` makes."""
    walks = ((1, 1, 1), (4, 1, 2), (4, 2, 3))

    def setUp(self):
        absent = missing(NEED)
        if absent:
            self.skipTest("not installed or not built: " + ", ".join(absent))

    def test_walks(self):
        walks = list(self.walks)
        walks += [(1 + 3 * (n & 1), 1 + (n >> 1 & 1), n)
                  for n in range(4, 1 + int(os.environ.get("LASTMILE_WALKS", "3")))]
        if os.environ.get("LASTMILE_SEED"):
            seed = int(os.environ["LASTMILE_SEED"])
            walks = [w for w in walks if w[2] == seed] or [(1 + 3 * (seed & 1),
                                                            1 + (seed >> 1 & 1), seed)]
        for shards, workers, seed in walks:
            with self.subTest(seed=seed, shards=shards, workers=workers):
                self.walk(shards, workers, seed)

    def walk(self, shards, workers, seed):
        names = ["worker", "second"][:workers]
        s = Markets(shards=shards, resync="1s", refresh="1s", reconcile="2s")
        if workers > 1:
            s.parts["second"] = s.part_like("worker", "second")
            s.wanted.append("second")
        with s:
            s.quicken()
            w = Walk(s, seed, names)
            w.go()
            s.sandbox("DELETE", "faults")
            for name in names:
                if not s.parts[name].running():
                    s.parts[name].start(wait=0)
            began = time.monotonic()
            left = self.settle(w)
            if left:
                self.fail(self.said(w, seed, left))
            s.invariants()
            wrong = w.once()
            if wrong:
                self.fail(self.said(w, seed, wrong))
            left = w.erase()
            if left:
                self.fail(self.said(w, seed, left))
            s.invariants()
            print("seed %d: %s, true after %.1f s" % (seed, dict(w.counts),
                                                      time.monotonic() - began), flush=True)

    @staticmethod
    def settle(w):
        """The differences that stay; [] twice in a row, with time between, is the end."""
        deadline, calm = time.monotonic() + CONVERGED, 0
        while True:
            w.s.redeliver()
            left = w.differences()
            calm = 0 if left else calm + 1
            if calm == 2 or time.monotonic() > deadline:
                return left
            time.sleep(1)

    @staticmethod
    def said(w, seed, left):
        keep = os.environ.get("LASTMILE_KEEP_LOG")
        if keep:
            for name, p in w.s.parts.items():
                with open(p.log) as f, open("%s/%s.log" % (keep, name), "w") as to:
                    to.write(f.read())
            with open(keep + "/seen.json", "w") as to:
                json.dump({"ledger": w.s.ledger(), "orders": w.s.orders(),
                           "state": w.s.sandbox("GET", "state"), "asked": w.purchases}, to)
        return "LASTMILE_SEED=%d repeats it:\n%s\n%s" % (seed, "\n".join(left), w.s.tails())


if __name__ == "__main__":
    unittest.main()
