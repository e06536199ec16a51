#!/usr/bin/python3
"""AWS's own list of agreements against the orders: what lost events should have told is repaired by
the walk, and said once."""
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
from faults import FaultStack, Product, buyer
from stack import missing

NEED = ("redis", "sandbox", "worker", "front", "nginx")
TEAM = "team@acme.example"


class Walk(unittest.TestCase):
    """Every event is lost; walks follow each other closely, refreshes are far away."""
    options, plan, follow = {}, "starter", (("renew",), {})

    @classmethod
    def setUpClass(cls):
        absent = missing(NEED)
        if absent:
            raise unittest.SkipTest("not installed or not built: " + ", ".join(absent))
        cls.s = FaultStack(parts=NEED, **{"reconcile": "1s", "lease": "30s", **cls.options})
        cls.s.start()

    @classmethod
    def tearDownClass(cls):
        cls.s.stop()

    def setUp(self):
        self.two_walks()  # what the test before left to be repaired is told at the end of a walk
        self.s.quiet()
        self.s.sandbox("POST", "faults", {"op": "event", "kind": "drop", "count": 1000})
        self.before = self.reported()

    def tearDown(self):
        self.s.sandbox("DELETE", "faults")
        self.s.invariants()

    def act(self, purchase, what, **body):
        return self.s.sandbox("POST", "purchases/%s/%s" % (purchase["id"], what), body)

    def reported(self):
        """(repaired, created) of every mail about a walk."""
        found = [re.search(r"(\d+) repaired, (\d+) created", m.get_payload(decode=True).decode())
                 for m in self.s.mails(TEAM, "orders were repaired")]
        return sum(int(f.group(1)) for f in found), sum(int(f.group(2)) for f in found)

    def walks(self):
        return self.s.sandbox("GET", "state")["calls"].get("SearchAgreements", {}).get("ok", 0)

    def two_walks(self):
        start = self.walks()
        self.s.until(lambda: self.walks() >= start + 21, 90, "no more walks")

    def expect(self, repaired, created):
        """So much was reported, and two more walks report no more."""
        def told():
            now = self.reported()
            return (now[0] - self.before[0], now[1] - self.before[1])
        if not self.s.settle(lambda: told() == (repaired, created), 60):
            with open(self.s.parts["worker"].log) as f:
                walks = [line for line in f if "reconcile.repaired" in line]
            self.fail("reported %r\n%s" % (told(), "".join(walks[-10:])))
        self.two_walks()
        self.assertEqual(told(), (repaired, created))
        self.before = self.reported()

    def test_life_without_events(self):
        p = self.s.buy("notes", "starter")
        order = self.s.wait_order(p, contract="ACTIVE", plan="starter", fulfilment="RECEIVED")
        self.assertEqual(order["agreement"], p["agreement_id"])
        self.assertNotIn("tenant", order)  # nobody has landed
        self.expect(0, 1)
        page = self.s.register(self.s.land(p), buyer())
        self.s.wait_ready(page)
        order = self.s.wait_order(p, fulfilment="READY")
        self.expect(0, 0)

        self.act(p, "upgrade", plan="enterprise", mode="amend")
        self.s.wait_order(p, plan="enterprise", fulfilment="READY")
        self.expect(1, 0)

        q = self.act(p, "renew")
        after = self.s.wait_order(q, fulfilment="READY", contract="ACTIVE", renewals="1")
        self.assertEqual((after["id"], after["tenant"], after["endpoint"]),
                         (order["id"], order["tenant"], order["endpoint"]))
        self.expect(1, 0)
        r = self.act(q, "upgrade", plan="starter", mode="replace")
        after = self.s.wait_order(r, fulfilment="READY", contract="ACTIVE", renewals="2",
                                  plan="starter")
        self.assertEqual(after["tenant"], order["tenant"])
        self.expect(1, 0)
        self.assertEqual(stack_http.request("GET", after["endpoint"]).status, 200)

        self.act(r, "cancel")
        self.s.wait_order(r, contract="CANCELLED", fulfilment="SUSPENDED")
        self.expect(1, 0)

    def test_an_end_before_the_landing(self):
        p = self.s.buy("notes", "starter")
        self.s.wait_order(p, contract="ACTIVE")
        self.expect(0, 1)
        self.act(p, "cancel")
        self.s.wait_order(p, contract="CANCELLED")
        self.expect(1, 0)

    def test_two_of_one_account_stay_two(self):
        p = self.s.buy("notes", "starter")
        self.s.wait_ready(self.s.register(self.s.land(p), buyer()))
        q = self.s.buy("notes", "enterprise", account=p["account_id"])
        self.s.wait_order(q, contract="ACTIVE", plan="enterprise")
        order = self.s.wait_order(p, contract="ACTIVE", fulfilment="READY")
        self.assertNotEqual(self.s.order_of(q)["id"], order["id"])

    def absent(self, *acts):
        """What happens while no worker walks."""
        worker = self.s.parts["worker"]
        worker.stop()
        done = [act() for act in acts]
        worker.start()
        return done

    def ready(self, **more):
        p = self.s.buy("notes", self.plan, **more)
        self.s.wait_ready(self.s.register(self.s.land(p), buyer()))
        return p, self.s.wait_order(p, fulfilment="READY", contract="ACTIVE")

    def ended(self, p, before, reason):
        after = self.s.wait_order(p, contract="EXPIRED" if reason == "EXPIRED" else "CANCELLED",
                                  fulfilment="SUSPENDED")
        self.assertEqual((after["tenant"], after["reason"]), (before["tenant"], reason))
        self.assertEqual(int(after["delete_at"]) - int(after["at_ended"]), 30 * 24 * 3600 * 1000)

    def test_a_successor_that_ended_before_a_walk(self):
        """Renewed, renewed again, and cancelled: the order serves what nobody pays for."""
        p, _ = self.ready()
        before = self.s.wait_order(p, agreement=p["agreement_id"])
        last = []

        def renew():
            last.append(self.act(last[-1] if last else p, *self.follow[0], **self.follow[1]))
        self.absent(renew, renew, lambda: self.act(last[-1], "cancel", status="TERMINATED"))
        self.ended(p, before, "TERMINATED")

    def test_a_successor_that_runs_is_found_beside_one_that_ended(self):
        p, _ = self.ready()
        before = self.s.wait_order(p, agreement=p["agreement_id"])
        q, r = self.absent(lambda: self.act(p, "renew"),
                           lambda: self.s.buy("notes", "starter", account=p["account_id"]))
        self.act(r, "cancel")
        after = self.s.wait_order(q, contract="ACTIVE", fulfilment="READY", renewals="1")
        self.assertEqual(after["tenant"], before["tenant"])
        start = self.walks()
        self.s.until(lambda: self.walks() >= start + 28, 60, "no more walks")
        self.assertEqual(self.s.order_of(q)["contract"], "ACTIVE")

    def test_landing_first(self):
        """ResolveCustomer names no agreement: the walk joins it, so that its end is seen."""
        p = self.s.buy("notes", "starter")
        self.s.wait_ready(self.s.register(self.s.land(p), buyer()))
        self.s.wait_order(p, agreement=p["agreement_id"], fulfilment="READY")
        self.act(p, "cancel", status="EXPIRED")
        self.s.wait_order(p, contract="EXPIRED", fulfilment="SUSPENDED")


class Partner(Walk):
    """A channel partner's agreement is his: no list has it, and nobody reads it to us."""
    options = {"resync": "1s"}

    def buy(self, **more):
        return self.ready(cppo=True, **more)

    def test_it_ends(self):
        p, before = self.buy()
        self.act(p, "cancel")
        self.ended(p, before, "EXPIRED")

    def test_another_plan(self):
        p, _ = self.buy()
        self.act(p, "upgrade", plan="enterprise", mode="amend")
        self.s.wait_order(p, plan="enterprise", fulfilment="READY")

    def test_it_goes_on_with_another_licence(self):
        p, before = self.buy()
        q = self.act(p, "renew")
        after = self.s.wait_order(q, contract="ACTIVE", fulfilment="READY", renewals="1")
        self.assertEqual((after["id"], after["tenant"]), (before["id"], before["tenant"]))
        self.act(q, "cancel")
        self.ended(q, before, "EXPIRED")

    def test_which_of_two_goes_on_is_asked(self):
        p, first = self.buy()
        q, second = self.buy(account=p["account_id"])
        mails = len(self.s.mails(TEAM, "which order goes on"))
        self.absent(lambda: self.act(p, "renew"), lambda: self.act(q, "cancel"))
        self.s.until(lambda: len(self.s.mails(TEAM, "which order goes on")) > mails, 60, "no mail")
        for each, before in ((p, first), (q, second)):
            self.assertEqual(self.s.order_of(each)["contract"], "ACTIVE")
        self.assertEqual(self.s.order_of(p)["tenant"], first["tenant"])

    def test_one_of_two_ends(self):
        p, before = self.buy()
        q, other = self.buy(account=p["account_id"])
        self.act(p, "cancel")
        self.ended(p, before, "EXPIRED")
        self.assertEqual(self.s.order_of(q)["contract"], "ACTIVE")

    test_life_without_events = test_two_of_one_account_stay_two = test_landing_first = None
    test_an_end_before_the_landing = test_a_successor_that_ended_before_a_walk = None
    test_a_successor_that_runs_is_found_beside_one_that_ended = None


class PartnerSharded(Partner):
    options = {"resync": "1s", "shards": 4}
    test_it_ends = test_another_plan = test_one_of_two_ends = None


class PartnerDies(Partner):
    """Between any two steps of going on with another licence."""
    options = {"resync": "1s", "shards": 4, "lease": "2s"}
    points = ("store.order_alias.before", "store.order_alias.after", "store.order_merge.after",
              "store.account_get.after", "refresh.before_order")

    def test_it_goes_on_with_another_licence(self):
        worker, had = self.s.parts["worker"], len(self.s.orders())
        for point in self.points:
            p, before = self.buy()
            worker.kill()
            q = self.act(p, "renew")
            worker.start(env={"LASTMILE_CRASH": point}, wait=0)
            self.s.until(lambda: not worker.running(), 60, "never at " + point)
            self.assertTrue(worker.died_at(point), "ended, but not at " + point)
            worker.start()
            after = self.s.wait_order(q, contract="ACTIVE", fulfilment="READY", renewals="1")
            self.assertEqual((after["id"], after["tenant"]), (before["id"], before["tenant"]))
        self.assertEqual(len(self.s.orders()), had + len(self.points))

    test_it_ends = test_another_plan = test_one_of_two_ends = None
    test_which_of_two_goes_on_is_asked = None


class Old(Walk):
    """A legacy listing is in no list: its orders are asked for one by one."""
    options = {"resync": "1s", "products": [Product(mode="legacy")]}

    def two_walks(self):
        """There is no list that could be walked."""

    def test_it_ends_and_changes(self):
        p, _ = self.ready()
        self.act(p, "upgrade", plan="enterprise", mode="amend")
        self.s.wait_order(p, plan="enterprise", fulfilment="READY")
        self.act(p, "cancel")
        self.s.wait_order(p, contract="CANCELLED", fulfilment="SUSPENDED")

    test_life_without_events = test_two_of_one_account_stay_two = test_landing_first = None
    test_an_end_before_the_landing = test_a_successor_that_ended_before_a_walk = None
    test_a_successor_that_runs_is_found_beside_one_that_ended = None


class Sharded(Walk):
    """Agreements, orders, their account and the walk in shards of their own."""
    options = {"shards": 4}


class Usage(Walk):
    """Nothing but the licence says that it may be served."""
    options, plan = {"products": [Product(pricing="usage")]}, None
    follow = (("upgrade",), {"mode": "replace", "quantity": 2})

    def test_life_without_events(self):
        p = self.s.buy("notes", None)
        self.s.wait_order(p, contract="ACTIVE")
        self.expect(0, 1)
        page = self.s.register(self.s.land(p), buyer())
        self.s.wait_ready(page)
        self.act(p, "cancel")
        self.s.wait_order(p, contract="CANCELLED", fulfilment="SUSPENDED")
        self.expect(1, 0)

    test_two_of_one_account_stay_two = test_landing_first = test_an_end_before_the_landing = None
    test_a_successor_that_runs_is_found_beside_one_that_ended = None


class Dies(Walk):
    """The worker is killed in the middle of a walk; whoever comes next goes on."""
    options = {"shards": 4, "resync": "3s", "lease": "2s"}
    points = ("reconcile.before_market", "reconcile.after_market", "reconcile.before_note",
              "store.event_put.before", "store.event_put.after", "event.before_order",
              "store.order_merge.before", "store.order_merge.after", "store.account_get.before",
              "store.account_get.after", "store.resync.before", "store.resync.after",
              "event.aliased", "refresh.before_market", "refresh.after_market",
              "refresh.before_order")
    license_points = ("reconcile.after_license",)

    def test_life_without_events(self):
        worker, orders, had = self.s.parts["worker"], [], len(self.s.orders())
        for point in self.points:
            p = self.s.buy("notes", "starter")
            self.s.wait_ready(self.s.register(self.s.land(p), buyer()))
            before = self.s.wait_order(p, fulfilment="READY", agreement=p["agreement_id"])
            worker.kill()
            q = self.act(p, "cancel" if point.startswith("refresh") else "renew")
            worker.start(env={"LASTMILE_CRASH": point}, wait=0)
            self.s.until(lambda: not worker.running(), 60, "never at " + point)
            self.assertTrue(worker.died_at(point), "ended, but not at " + point)
            worker.start()
            if point.startswith("refresh"):
                self.s.wait_order(p, fulfilment="SUSPENDED", contract="CANCELLED")
            else:
                orders.append((before, q))
        for before, q in orders:
            after = self.s.wait_order(q, fulfilment="READY", contract="ACTIVE", renewals="1")
            self.assertEqual(after["tenant"], before["tenant"])
        self.s.quiet()
        self.assertEqual(len(self.s.orders()), had + len(self.points))

    def test_a_licence_that_is_asked_for(self):
        """Bought and ended before a walk, by one who has an order: nothing told the licence."""
        worker, point = self.s.parts["worker"], self.license_points[0]
        p = self.s.buy("notes", "starter")
        self.s.wait_ready(self.s.register(self.s.land(p), buyer()))
        before = self.s.wait_order(p, fulfilment="READY", agreement=p["agreement_id"])
        worker.kill()
        q = self.s.buy("notes", "starter", account=p["account_id"])
        self.act(q, "cancel")
        worker.start(env={"LASTMILE_CRASH": point}, wait=0)
        self.s.until(lambda: not worker.running(), 60, "never at " + point)
        self.assertTrue(worker.died_at(point), "ended, but not at " + point)
        worker.start()
        self.two_walks()
        self.assertIsNone(self.s.order_of(q))
        after = self.s.order_of(p)
        self.assertEqual((after["tenant"], after["fulfilment"], after["contract"]),
                         (before["tenant"], "READY", "ACTIVE"))

    test_two_of_one_account_stay_two = test_landing_first = test_an_end_before_the_landing = None
    test_a_successor_that_ended_before_a_walk = None
    test_a_successor_that_runs_is_found_beside_one_that_ended = None


if __name__ == "__main__":
    unittest.main()
