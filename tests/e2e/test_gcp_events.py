#!/usr/bin/python3
"""Google's notifications: in any order, twice, without a type, in the older style, lost,
unreadable, of other products; pulled and pushed; the worker killed between storing and
acknowledging. What Google shows of the order decides, and nothing happens twice."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
from faults import buyer
from gcp_rig import GcpCase, Listing

TYPES = ["ACCOUNT_ACTIVE", "ACCOUNT_CREATION_REQUESTED", "ENTITLEMENT_CREATION_REQUESTED",
         "ENTITLEMENT_OFFER_ACCEPTED", "ENTITLEMENT_ACTIVE", "ENTITLEMENT_PLAN_CHANGE_REQUESTED",
         "ENTITLEMENT_PLAN_CHANGED", "ENTITLEMENT_PLAN_CHANGE_CANCELLED",
         "ENTITLEMENT_PENDING_CANCELLATION", "ENTITLEMENT_CANCELLATION_REVERTED",
         "ENTITLEMENT_CANCELLING", "ENTITLEMENT_CANCELLED", "ENTITLEMENT_RENEWED",
         "ENTITLEMENT_OFFER_ENDED", "ENTITLEMENT_DELETED", "ACCOUNT_DELETED"]


class Events(GcpCase):
    def tell(self, data, copies=1, product="notes", label=""):
        self.s.sandbox("POST", "gcp/events",
                       dict({"product": product, "data": data, "copies": copies},
                            **({"label": label} if label else {})))

    def stored(self):
        return sum(len(self.s.redis("KEYS", "{p%d}:e:*" % n)) for n in range(self.s.shards))

    def empty(self, seconds=60):
        def none():
            return not any(q["messages"] for q in
                           self.s.sandbox("GET", "gcp/state")["subscriptions"])
        self.s.until(none, seconds, "messages are left")


class Wild(Events):
    def test_every_type_at_any_time(self):
        """All types, of an order that lives: what Google shows stands, whatever is told."""
        p, _, _, order = self.ready()
        self.s.quiet()
        before = {k: order.get(k) for k in ("contract", "fulfilment", "plan", "tenant")}
        for style in ({}, {"newPlan": "enterprise", "newOfferDuration": "P1Y"},
                      {"newPendingPlan": "enterprise", "updateTime": "2020-01-01T00:00:00.1Z"}):
            for n, kind in enumerate(TYPES):
                body = {"account": {"id": p["account"]}} if kind.startswith("ACCOUNT") else \
                    {"entitlement": dict(style, id=p["entitlement_id"])}
                self.tell(dict(body, eventId="one-for-all-%d" % len(style), eventType=kind,
                               providerId="acme-public"), copies=1 + n % 2)
        self.empty(120)
        self.s.quiet()
        after = self.s.order_of(p)
        self.assertEqual({k: after.get(k) for k in before}, before)
        self.assertEqual(self.effects(after), self.effects(order))
        self.assertEqual(self.s.calls("entitlements.approvePlanChange", p), 0)

    def test_one_event_id_for_three_types(self):
        p = self.s.buy(offer=True)
        before = self.stored()
        self.empty()
        ids = [line for line in self.s.ledger("gcp.acked", p)]
        self.assertGreaterEqual(len(ids), 2)
        self.s.wait_order(p, standing="held")
        for kind in ("ACCOUNT_ACTIVE", "ENTITLEMENT_CREATION_REQUESTED",
                     "ENTITLEMENT_OFFER_ACCEPTED"):
            self.tell({"eventId": "same", "eventType": kind, "providerId": "acme-public",
                       "entitlement": {"id": p["entitlement_id"]}}, copies=3)
        self.empty()
        self.assertGreaterEqual(self.stored(), before)
        mine = [k for k in self.s.rows("e:*") if '"same"' in k.get("raw", "")]
        self.assertEqual(len(mine), 3, mine)

    def test_life_under_every_disorder(self):
        wild = [{"shuffle": True}, {"style": "old"}, {"sparse": True},
                {"account_event": "untyped"}, {"account_event": "both"}, {"account_event": "none"},
                {"shuffle": True, "style": "old", "sparse": True, "account_event": "untyped"}]
        for settings in wild:
            with self.subTest(**settings):
                self.settings(**settings)
                self.fault("event", "duplicate", n=2, count=10)
                p, mail, _, order = self.ready()
                self.s.gcp_do(p, "change-plan", plan="enterprise", when="now")
                self.s.wait_order(p, plan="enterprise", fulfilment="READY")
                self.s.gcp_do(p, "cancel")
                self.s.gcp_do(p, "revert-cancel")
                self.s.gcp_do(p, "cancel", when="now")
                self.s.wait_order(p, contract="CANCELLED", fulfilment="SUSPENDED")
                self.empty()
                self.assertEqual(self.s.order_of(p)["fulfilment"], "SUSPENDED")
                self.assertEqual(self.effects(order)[:3], ["create", "spec", "serve"])
                self.assertEqual(len(self.s.wait_mails(mail, 1, "ready")), 1)
                self.assertEqual(self.s.calls("entitlements.approve", p), 1)
                self.s.sandbox("DELETE", "faults")

    def test_cancelled_of_the_old_after_active_of_the_new(self):
        p, _, _, old = self.ready()
        self.s.quiet()
        self.fault("event:ENTITLEMENT_CANCELL", "delay", ms=3000, count=2)
        self.s.gcp_do(p, "cancel", when="now")
        q = self.s.buy(account=p["account"])
        self.s.wait_order(q, fulfilment="READY")
        self.s.wait_order(p, contract="CANCELLED", fulfilment="SUSPENDED")
        self.empty()
        self.assertEqual(self.s.order_of(q)["fulfilment"], "READY")
        self.assertNotEqual(self.s.order_of(q)["tenant"], old["tenant"])

    def test_unknown_and_unreadable(self):
        """Acknowledged at once, kept for an operator, harmless to those behind them."""
        before = self.stored()
        for n, data in enumerate((
                {"eventId": "u1", "eventType": "ENTITLEMENT_TELEPORTED", "providerId":
                 "acme-public", "entitlement": {"id": "x"}},
                "not json", "[]", "{}", '{"eventId":7,"eventType":[]}', "\x01\x02", "{" * 5000,
                {"eventId": "u2", "eventType": "ENTITLEMENT_ACTIVE"},
                {"eventId": "u3", "eventType": "ENTITLEMENT_ACTIVE", "entitlement": {"id": "../x"}},
                {"eventId": "u4", "eventType": "ENTITLEMENT_ACTIVE", "providerId": "somebody",
                 "entitlement": {"id": "x"}},
                {"eventId": "e" * 5000, "eventType": "t" * 500, "entitlement": {"id": "y" * 900}},
                {"eventId": "u5", "eventType": "ENTITLEMENT_ACTIVE", "providerId": "acme-public",
                 "entitlement": {"id": "00000000-0000-4000-8000-000000000000"}})):
            self.tell(data, label="wild-%d" % n)
        self.empty()
        self.assertGreater(self.stored(), before)
        self.ready()
        self.assertEqual(self.dead_calls(), [])

    def dead_calls(self):
        """Nothing was asked of Google for ids that are none."""
        return [e for e in self.s.ledger() if "../" in e.get("detail", "")]


class Unsold(Listing):
    """At Google only."""
    def market(self):
        return ""


class Topic(Events):
    """All products of a provider share it, and a test integration's provider has another name."""
    options = {"products": [Listing("notes", provider="DEMO-acme-public"),
                            Unsold("ours", provider="DEMO-acme-public")]}

    def test_other_products_are_left_alone(self):
        q = self.s.buy("ours")
        self.s.sandbox("POST", "gcp/accounts/%s/approve" % q["account"])
        p, _, _, order = self.ready()
        self.assertEqual(order.get("test"), "1")
        r = self.s.buy("ours", account=p["account"])
        self.s.parts["worker"].restart()  # and the reconciler's list
        self.empty()
        self.s.quiet()
        for other in (q, r):
            self.assertIsNone(self.s.order_of(other))
            self.assertEqual(self.state(other), "ACTIVATION_REQUESTED")
            self.assertEqual(self.s.calls("entitlements.approve", other), 0)
        # A token of that product at this one's address names our order or none.
        token = self.s.token(purchase=q["id"], aud="notes.acme.example")
        token["landing"]["url"] = token["landing"]["url"].replace("/ours", "/notes")
        where = self.s.land(token)
        self.s.until(lambda: "another product" in self.s.status_text(where), 60, "not looked at")
        self.s.quiet()
        self.assertEqual(self.s.calls("entitlements.approve", q), 0)
        self.assertIsNone(self.s.order_of(q))

    def test_pubsub_is_not_linked(self):
        """Told once; orders are found by the list meanwhile, and events when it is mended."""
        self.settings(linked_pubsub=False)
        self.s.parts["worker"].restart()
        self.s.until(lambda: self.s.alerts("refuses our credentials"), 60, "no alert")
        self.ready()
        self.s.settings(linked_pubsub=True)
        self.empty(120)
        self.assertEqual(len(self.s.alerts("refuses our credentials")), 1)


class Lost(Events):
    """The reconciler finds what no event told, repairs it and says so."""
    options = {"reconcile": "1s", "products": [Listing(multiple_orders=True)]}

    def test_whole_life_without_events(self):
        self.fault("event", "drop", count=1000)
        p = self.s.buy()
        self.s.wait_order(p, standing="held")
        page = self.s.register(self.s.land(p), buyer())
        self.s.wait_ready(page)
        self.s.gcp_do(p, "change-plan", plan="enterprise", when="now")
        self.s.wait_order(p, plan="enterprise", fulfilment="READY")
        self.s.gcp_do(p, "cancel")
        self.s.wait_order(p, no_renewal="1")
        self.s.gcp_do(p, "revert-cancel")
        self.s.wait_order(p, no_renewal="")
        q = self.s.buy(account=p["account"])
        self.s.wait_order(q, fulfilment="READY")
        self.s.gcp_do(p, "suspend")
        self.s.wait_order(p, contract="SUSPENDED", fulfilment="SUSPENDED")
        self.s.gcp_do(p, "resume")
        self.s.wait_order(p, contract="ACTIVE", fulfilment="READY")
        self.s.gcp_do(p, "cancel", when="now")
        self.s.wait_order(p, contract="CANCELLED", fulfilment="SUSPENDED")
        self.s.until(lambda: self.s.alerts("repaired"), 60, "nothing was reported")
        self.assertEqual(self.s.order_of(q)["fulfilment"], "READY")


class Crash(Events):
    """Killed around storing and acknowledging: delivered again, no second effect."""
    options = {"lease": "2s"}
    POINTS = ("poll.before_store", "store.event_put.before", "store.event_put.after",
              "poll.before_ack", "task.claimed", "truth.before_market", "truth.after_market",
              "truth.before_order", "tell.before_market", "tell.after_market",
              "fulfil.before_commit", "resolve.before_registration", "reconcile.before_note",
              "task.finishing:4")

    def died(self, registration):
        """A buyer fills in the form once there is one: some points come before that, some after."""
        if self.s.parts["worker"].running():
            a = stack_http.request("GET", registration)
            form = [f for f in stack_http.forms(a.text) if "email" in f["names"]]
            if form:
                stack_http.request("POST", registration, dict(form[0]["fields"], email=buyer()))
        return not self.s.parts["worker"].running()

    def test_every_point(self):
        worker, made = self.s.parts["worker"], []
        for point in self.POINTS:
            with self.subTest(point):
                worker.kill()
                worker.start(env={"LASTMILE_CRASH": point}, wait=0)
                p = self.s.buy()
                registration = self.s.land(p)
                made.append((point, p))
                self.s.until(lambda r=registration: self.died(r), 60, "never at " + point)
                self.assertTrue(worker.died_at(point), "ended, but not at " + point)
                worker.start()
                self.s.register(registration, buyer())
                self.s.redeliver()
        for point, p in made:
            with self.subTest(point):
                order = self.s.wait_order(p, fulfilment="READY", contract="ACTIVE", seconds=60)
                self.assertEqual(self.effects(order), ["create", "spec", "serve"])
                # Asked again is allowed; Google says ok to what was approved already.
                self.assertEqual(self.state(p), "ACTIVE")
        self.s.redeliver()
        self.s.quiet(90)
        self.assertEqual(self.s.dead(), [])


class Push(Events):
    """One listing is pushed, by OIDC; another subscription of the same topic is pulled."""
    options = {"products": [Listing("notes", push=True), Listing("other")]}
    HOSTILE = ("no-token", "wrong-email", "unverified", "swapped", "alg-none", "hs256-key",
               "unknown-kid", "wrong-key", "wrong-iss", "wrong-aud", "expired", "future",
               "garbage")

    def test_life_by_push(self):
        """Each event comes by both doors and is stored once."""
        p, _, _, order = self.ready()
        self.s.gcp_do(p, "change-plan", plan="enterprise", when="now")
        self.s.wait_order(p, plan="enterprise", fulfilment="READY")
        self.s.gcp_do(p, "cancel", when="now")
        self.s.wait_order(p, fulfilment="SUSPENDED")
        self.empty()
        pushed = {e["result"] for e in self.s.ledger("gcp.push", p)}
        self.assertIn("200", pushed)
        self.assertTrue(self.s.ledger("gcp.acked", p))
        types = [e["type"] for e in self.s.rows("e:*") if p["entitlement_id"] in str(e)]
        self.assertEqual(len(types), len(set(types)), types)
        self.assertEqual(self.effects(order)[:3], ["create", "spec", "serve"])

    def test_hostile(self):
        p, _, _, order = self.ready()
        self.s.until(lambda: self.s.ledger("gcp.push", result="200"), 60,
                     "the front has no keys yet")
        self.empty()
        before = self.stored()
        for how in self.HOSTILE:
            with self.subTest(how):
                got = self.s.sandbox("POST", "gcp/attack", {
                    "product": "notes", "how": how, "data": {
                        "eventId": "a-" + how, "eventType": "ENTITLEMENT_CANCELLED",
                        "providerId": "acme-public", "entitlement": {"id": p["entitlement_id"]}}})
                self.assertIn(got["status"], (401, 503) if how == "unknown-kid" else (401,))
        self.assertEqual(self.stored(), before)
        self.assertEqual(self.s.order_of(p)["contract"], "ACTIVE")
        self.assertEqual(self.effects(order), ["create", "spec", "serve"])


if __name__ == "__main__":
    unittest.main()
