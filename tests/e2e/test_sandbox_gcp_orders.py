"""The sandbox as Google: entitlements in all states, their events, the filter, the store page."""
import os
import re
import sys
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sandbox_gcp import FORM, Google, decode, listing, types  # noqa: E402
from stack_sandbox import ApiError  # noqa: E402

DEMO = "DEMO-acme-public"


class Case(unittest.TestCase):
    products = None

    @classmethod
    def setUpClass(cls):
        cls.box = Google(cls.products)

    @classmethod
    def tearDownClass(cls):
        cls.box.stop()

    def setUp(self):
        self.box.drain()

    def refused(self, answer, code, status):
        self.assertEqual(answer[0], code, answer)
        self.assertEqual(answer[1]["error"]["status"], status)

    def state(self, order):
        return self.box.ent(order)["state"].removeprefix("ENTITLEMENT_")

    def verb(self, order, verb, **body):
        return self.box.proc("POST", "entitlements/%s:%s" % (order["entitlement_id"], verb), body)


class Life(Case):
    def test_manual_approval(self):
        box = self.box
        order = box.order(settle_ms=60000)
        events = box.drain()
        self.assertEqual(types(events), ["ACCOUNT_ACTIVE", "ENTITLEMENT_CREATION_REQUESTED"])
        self.assertEqual(len({e["eventId"] for e in events}), 1)
        self.assertEqual(events[0]["account"]["id"], order["account"])
        self.assertEqual(events[1]["entitlement"]["id"], order["entitlement_id"])
        self.assertEqual(events[1]["entitlement"]["newPlan"], "pro")
        shown = box.ent(order)
        self.assertEqual(shown["account"], "providers/acme-public/accounts/" + order["account"])
        self.assertEqual(shown["productExternalName"], "acme.endpoints.acme-public.cloud.goog")
        self.assertNotIn("usageReportingId", shown)
        self.refused(box.approve(order), 400, "FAILED_PRECONDITION")
        self.assertEqual(box.approve_account(order), (200, {}))
        self.assertEqual(box.approve(order), (200, {}))
        self.assertEqual(self.state(order), "ACTIVATION_REQUESTED")
        self.assertEqual(box.approve(order), (200, {}))
        box.settings(approve_again="precondition")
        self.refused(box.approve(order), 400, "FAILED_PRECONDITION")
        box.settings(approve_again="conflict")
        self.refused(box.approve(order), 409, "ABORTED")
        box.settings(approve_again="ok")
        box.do(order, "settle")
        self.assertEqual(self.state(order), "ACTIVE")
        self.assertEqual(types(box.drain()), ["ENTITLEMENT_ACTIVE"])
        self.assertTrue(box.ent(order)["usageReportingId"].startswith("project_number:"))
        self.refused(box.approve(order), 400, "FAILED_PRECONDITION")
        self.refused(self.verb(order, "reject"), 400, "FAILED_PRECONDITION")

    def test_reject_and_abandon(self):
        order = self.box.order()
        self.assertEqual(self.verb(order, "reject", reason="no"), (200, {}))
        self.assertEqual(self.state(order), "CANCELLED")
        self.assertEqual(types(self.box.drain())[-1], "ENTITLEMENT_CANCELLED")
        order = self.box.order()
        self.box.do(order, "abandon")
        self.assertEqual(self.box.ent(order)["cancellationReason"], "user-aborted")
        self.box.settings(reject_removes=True)
        order = self.box.order()
        self.verb(order, "reject")
        self.box.settings(reject_removes=False)
        self.refused(self.box.proc("GET", "entitlements/" + order["entitlement_id"]), 404,
                     "NOT_FOUND")

    def test_message(self):
        order = self.box.order(settle_ms=0)
        at = "entitlements/%s" % order["entitlement_id"]
        body = {"messageToUser": "Ready in 5 min"}
        self.refused(self.box.proc("PATCH", at, body), 400, "INVALID_ARGUMENT")
        self.refused(self.box.proc("PATCH", at + "?updateMask=plan", {"plan": "x"}), 400,
                     "INVALID_ARGUMENT")
        status, shown = self.box.proc("PATCH", at + "?updateMask=messageToUser", body)
        self.assertEqual((status, shown["messageToUser"]), (200, "Ready in 5 min"))
        self.box.approve_account(order)
        self.box.approve(order)
        self.assertNotIn("messageToUser", self.box.ent(order))
        self.assertEqual(self.state(order), "ACTIVE")
        self.refused(self.box.proc("PATCH", at + "?updateMask=messageToUser", body), 400,
                     "FAILED_PRECONDITION")

    def test_plan_change(self):
        box = self.box
        order = box.active()
        box.drain()
        box.do(order, "change-plan", plan="ultimate")
        event = box.drain()[0]
        self.assertEqual(event["eventType"], "ENTITLEMENT_PLAN_CHANGE_REQUESTED")
        self.assertEqual(event["entitlement"]["newPendingPlan"], "ultimate")
        self.assertEqual(self.state(order), "PENDING_PLAN_CHANGE_APPROVAL")
        self.assertEqual(box.ent(order)["newPendingPlan"], "ultimate")
        self.refused(self.verb(order, "approvePlanChange"), 400, "INVALID_ARGUMENT")
        self.refused(self.verb(order, "approvePlanChange", pendingPlanName="pro"), 400,
                     "FAILED_PRECONDITION")
        self.assertEqual(self.verb(order, "approvePlanChange", pendingPlanName="ultimate"),
                         (200, {}))
        shown = box.ent(order)
        self.assertEqual((shown["state"], shown["plan"]), ("ENTITLEMENT_ACTIVE", "ultimate"))
        self.assertNotIn("newPendingPlan", shown)
        changed = box.drain()[0]
        self.assertEqual(changed["eventType"], "ENTITLEMENT_PLAN_CHANGED")
        self.assertEqual(changed["eventId"], event["eventId"])
        box.do(order, "change-plan", plan="pro", when="cycle-end")
        self.verb(order, "approvePlanChange", pendingPlanName="pro")
        self.assertEqual(self.state(order), "PENDING_PLAN_CHANGE")
        box.do(order, "settle")
        self.assertEqual(box.ent(order)["plan"], "pro")

    def test_plan_change_refused_and_withdrawn(self):
        order = self.box.active()
        self.box.do(order, "change-plan", plan="ultimate")
        self.assertEqual(self.verb(order, "rejectPlanChange", pendingPlanName="ultimate"),
                         (200, {}))
        self.assertEqual(self.box.ent(order)["plan"], "pro")
        self.assertEqual(types(self.box.drain())[-1], "ENTITLEMENT_PLAN_CHANGE_CANCELLED")
        self.box.do(order, "change-plan", plan="ultimate", when="cycle-end")
        self.verb(order, "approvePlanChange", pendingPlanName="ultimate")
        self.box.do(order, "cancel-plan-change")
        self.assertEqual(self.state(order), "ACTIVE")

    def test_end(self):
        box = self.box
        order = box.active()
        box.drain()
        box.do(order, "cancel")
        self.assertEqual(self.state(order), "PENDING_CANCELLATION")
        self.assertIn("subscriptionEndTime", box.ent(order))
        box.do(order, "revert-cancel")
        self.assertEqual(self.state(order), "ACTIVE")
        box.do(order, "renew")
        box.do(order, "cancel")
        box.do(order, "settle")
        self.assertEqual(types(box.drain()), [
            "ENTITLEMENT_PENDING_CANCELLATION", "ENTITLEMENT_CANCELLATION_REVERTED",
            "ENTITLEMENT_RENEWED", "ENTITLEMENT_PENDING_CANCELLATION", "ENTITLEMENT_CANCELLED"])
        other = box.active()
        box.drain()
        box.do(other, "cancel", when="now", reason="billing-disabled")
        self.assertEqual(types(box.drain()), ["ENTITLEMENT_CANCELLING", "ENTITLEMENT_CANCELLED"])
        self.assertEqual(box.ent(other)["cancellationReason"], "billing-disabled")
        box.advance(days=61)
        box.token = None
        self.refused(box.proc("GET", "entitlements/" + order["entitlement_id"]), 404, "NOT_FOUND")
        self.assertIn("ENTITLEMENT_DELETED", types(box.drain()))

    def test_suspended(self):
        order = self.box.active()
        self.box.drain()
        self.refused(self.verb(order, "suspend"), 501, "UNIMPLEMENTED")
        self.box.do(order, "suspend")
        self.assertEqual(self.state(order), "SUSPENDED")
        self.assertEqual(self.box.drain(), [])
        self.box.do(order, "resume")
        self.assertEqual(self.state(order), "ACTIVE")

    def test_one_order_per_account(self):
        order = self.box.active()
        with self.assertRaises(ApiError):
            self.box.order(account=order["account"])
        self.box.do(order, "cancel", when="now")
        again = self.box.order(account=order["account"])
        self.assertEqual(types(self.box.drain())[-1], "ENTITLEMENT_CREATION_REQUESTED")
        self.assertEqual(self.box.approve(again), (200, {}))

    def test_late_usage_id_and_fractions(self):
        order = self.box.active(usage_late_ms=3600000)
        self.assertNotIn("usageReportingId", self.box.ent(order))
        shown = self.box.ent(order)
        self.assertEqual(shown["updateTime"], self.box.ent(order)["updateTime"])
        self.assertRegex(shown["updateTime"], r"^[^.]{19}(\.(\d{3}|\d{6}|\d{9}))?Z$")


class Offers(Case):
    products = [listing("acme"), listing("auto", automatic_approval=True, multiple_orders=True),
                listing("demo", provider_id=DEMO, subscription="projects/acme/subscriptions/d")]

    def test_automatic(self):
        box = self.box
        order = box.order("auto", offer=True, duration="P2Y", start_in_ms=7 * 86400000)
        events = box.drain()
        self.assertEqual(types(events), ["ACCOUNT_ACTIVE", "ENTITLEMENT_OFFER_ACCEPTED"])
        e = events[1]["entitlement"]
        self.assertEqual((e["newPlan"], e["newPendingOfferDuration"], e["newOfferEndTime"]),
                         ("pro", "P2Y", ""))
        self.assertIn("/privateOffers/", e["newOffer"])
        shown = box.ent(order)
        self.assertEqual(shown["state"], "ENTITLEMENT_ACTIVATION_REQUESTED")
        self.assertEqual(shown["newOfferStartTime"], e["newOfferStartTime"])
        self.assertEqual(shown["product"], shown["offer"])
        self.refused(box.approve(order), 400, "FAILED_PRECONDITION")
        second = box.order("auto", account=order["account"])
        self.assertNotEqual(second["entitlement_id"], order["entitlement_id"])
        box.do(order, "settle")
        self.assertEqual(self.state(order), "ACTIVE")
        box.do(order, "change-plan", plan="ultimate")
        self.assertEqual(types(box.drain())[-2:],
                         ["ENTITLEMENT_OFFER_ACCEPTED", "ENTITLEMENT_PLAN_CHANGED"])

    def test_private_offer_by_hand(self):
        box = self.box
        order = box.active(offer=True, end_in_ms=86400000)
        self.assertIn("ENTITLEMENT_OFFER_ACCEPTED", types(box.drain()))
        self.assertIn("offerEndTime", box.ent(order))
        self.assertNotIn("offerDuration", box.ent(order))
        box.do(order, "offer-ended", then="continue")
        self.assertEqual(types(box.drain()), ["ENTITLEMENT_OFFER_ENDED"])
        self.assertEqual(self.state(order), "ACTIVE")
        box.do(order, "offer-ended")
        self.assertEqual(types(box.drain()), ["ENTITLEMENT_OFFER_ENDED", "ENTITLEMENT_CANCELLED"])

    def test_old_style(self):
        self.box.settings(style="old", account_event="both", sparse=True)
        order = self.box.active(offer=True)
        events = self.box.drain()
        self.assertEqual(types(events)[:2], [None, "ACCOUNT_ACTIVE"])
        self.assertNotIn("providerId", events[0])
        self.assertNotIn("updateTime", events[0]["account"])
        self.assertIn("newOfferDuration", events[3]["entitlement"])
        self.box.do(order, "change-plan", plan="ultimate")
        self.assertIn("newPlan", self.box.drain()[-1]["entitlement"])
        self.box.settings(style="current", account_event="typed", sparse=False)

    def test_demo_provider(self):
        order = self.box.order("demo")
        self.refused(self.box.proc("GET", "entitlements/" + order["entitlement_id"]), 404,
                     "NOT_FOUND")
        status, shown = self.box.proc("GET", "entitlements/" + order["entitlement_id"],
                                      provider=DEMO)
        self.assertEqual((status, shown["provider"]), (200, DEMO))
        self.assertEqual(self.box.drain(), [])

    def test_filter(self):
        box = self.box
        order = box.active()
        found = lambda text, n=1: self.assertEqual(  # noqa: E731
            [e["name"].rpartition("/")[2] for e in
             box.listed("entitlements", filter="account=%s %s" % (order["account"], text))[1]
             ["entitlements"]], [order["entitlement_id"]] * n, text)
        box.do(order, "change-plan", plan="ultimate")
        for text in ("", "state=pending_plan_change_approval", "plan=pro AND plan!=ultimate",
                     "state=ENTITLEMENT_PENDING_PLAN_CHANGE_APPROVAL", "newPendingPlan=ultimate",
                     "NOT state=active", "(plan=x OR plan=pro) new_pending_plan=ultimate",
                     'product_external_name="acme.endpoints.acme-public.cloud.goog"',
                     "consumers.project:projects/" +
                     box.ent(order)["usageReportingId"].partition(":")[2]):
            found(text)
        for text in "state=active", "plan=x OR plan=y", "NOT plan=pro":
            found("AND (%s)" % text, 0)
        for text in ("plan", "plan=", "nonsense=1", "consumers.project=projects/1", "(plan=pro",
                     "plan=pro OR", "AND", 'plan="pro'):
            status, doc = box.listed("entitlements", filter=text)
            if text != "plan=":
                self.refused((status, doc), 400, "INVALID_ARGUMENT")


class Page(Case):
    products = [listing("acme", sso=True), listing("plain", title="<Plain>")]

    def post(self, path, **fields):
        status, headers, body = self.box.http("POST", "/sandbox/gcp/" + path,
                                              urllib.parse.urlencode(fields).encode(), FORM)
        return status, headers, body.decode()

    def test_buttons(self):
        status, _, text = self.post("subscribe", product="acme", plan="ultimate")
        self.assertEqual(status, 200)
        self.assertIn('action="http://127.0.0.1:9/marketplace/gcp/acme"', text)
        token = re.search(r'name="x-gcp-marketplace-token" value="([^"]+)"', text).group(1)
        account = decode(token)[1]["sub"]
        page = self.box.http("GET", "/")[2].decode()
        self.assertIn(account, page)
        self.assertIn("SIGN-UP PENDING", page)
        self.assertIn("&lt;Plain&gt;", page)
        ids = re.findall(r'\sid="([^"]+)"', page)
        self.assertEqual(len(ids), len(set(ids)))
        status, _, text = self.post("purchases/g1/manage")
        self.assertIn('/marketplace/gcp/acme/login"', text)
        self.assertNotIn("orders", decode(re.search(r'value="(ey[^"]+)"', text).group(1))[1])
        self.box.api("POST", "gcp/accounts/%s/approve" % account)
        self.assertEqual(self.box.approve(self.box.api("GET", "gcp/purchases/g1")), (200, {}))
        for action, more in (("settle", {}), ("change-plan", {"plan": "pro"}),
                             ("cancel-plan-change", {}), ("cancel-now", {}), ("delete", {})):
            status, headers, text = self.post("purchases/g1/" + action, **more)
            self.assertEqual(status, 303, (action, text))
            self.assertEqual(headers["Location"], "/?done=order#g1")
        self.assertEqual(self.post("purchases/g1/renew")[0], 409)
        status, _, text = self.post("subscribe", product="plain", plan="pro", offer="1", later="1")
        self.assertEqual(status, 200)
        self.assertIn("href=", self.post("purchases/g2/manage")[2])


if __name__ == "__main__":
    unittest.main()
