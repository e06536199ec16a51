#!/usr/bin/python3
"""What Microsoft's marketplace sells and the configuration lacks, and the other way round: told at
the end of a walk of the list, once a day and plan by mail."""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_conf
from stack import Stack, missing

NEED = ("redis", "sandbox", "worker")
TEAM = "team@acme.example"


def listings():
    """The demo's, but that of Microsoft's marketplace sells premium and does not know starter."""
    products = json.loads(stack_conf.read("share/demo/products.json"))
    mine = next(p for p in products if p["channel"] == "azure")
    mine["plans"] = [p for p in mine["plans"] if p["plan_id"] != "starter"]
    mine["plans"].append({"plan_id": "premium", "title": "Premium", "price": "9 a month",
                          "seats": True, "min_seats": 2, "max_seats": 50, "private": True})
    return json.dumps(products)


class Plans(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        absent = missing(NEED)
        if absent:
            raise unittest.SkipTest("not installed or not built: " + ", ".join(absent))
        cls.s = Stack(parts=NEED, products=listings(), patience="8s")
        cls.s.start()

    @classmethod
    def tearDownClass(cls):
        cls.s.stop()

    @classmethod
    def ended(cls, before):
        """One more walk, and its task rests again."""
        cls.s.until(lambda: len(cls.logged("reconcile.done")) > before, 60, "no walk")
        key = "{p0}:k:reconcile:azure/acme-notes"
        cls.s.until(lambda: cls.s.redis("HGET", key, "state") == "queued", 60, "no end of it")

    @classmethod
    def logged(cls, event):
        with open(cls.s.parts["worker"].log, encoding="utf-8") as f:
            rows = [json.loads(line) for line in f if line[:1] + line[-2:] == "{}\n"]
        return [r for r in rows if r["event"] == event
                and r.get("product") == "azure/acme-notes"]

    def walk(self):
        """Every start begins a walk; the first thing that its worker does afterwards is to wait."""
        before = len(self.logged("reconcile.done"))
        self.s.parts["worker"].restart()
        self.ended(before)

    def asked(self):
        calls = self.s.sandbox("GET", "state")["calls"].get("SaasPlans", {})
        return calls.get("ok", 0) + calls.get("failed", 0)

    def mails(self):
        with self.s.mail.arrived:
            return [m for rcpt, m in self.s.mail.messages
                    if rcpt == [TEAM] and "a plan on sale" in m["Subject"]]

    def test_walks(self):
        self.ended(0)  # that of the start
        held = self.s.azure_buy("enterprise", reseller=True)
        self.walk()  # a reseller's purchase is not asked about
        self.assertEqual(self.asked(), 0)
        mine = self.s.azure_buy("enterprise")
        for purchase in held, mine:
            self.assertEqual(self.s.azure_state(purchase)["status"], "Subscribed")
        self.walk()
        self.assertEqual(self.asked(), 1)
        keys = ("plan", "level", "min", "max", "private", "per_seat")
        self.assertEqual([tuple(r[k] for k in keys) for r in self.logged("plans.unknown")],
                         [("premium", "warn", 2, 50, 1, 1)])
        self.assertEqual([(r["plan"], r["level"]) for r in self.logged("plans.absent")],
                         [("starter", "info")])
        self.s.until(self.mails, 60, "no mail")
        text = self.mails()[0].get_content()
        self.assertIn("premium (Premium)", text)
        self.assertIn("azure/acme-notes", text)
        self.walk()
        self.assertEqual((self.asked(), len(self.logged("plans.unknown"))), (2, 2))
        self.s.sandbox("POST", "faults", {"op": "SaasPlans", "kind": "5xx", "count": 9})
        self.walk()  # is not spoilt
        self.assertEqual(len(self.logged("plans.unread")), 1)
        self.s.sandbox("DELETE", "faults")
        self.s.azure_do(mine, "cancel")
        self.s.until(lambda: self.s.azure_state(mine)["status"] == "Unsubscribed",
                     60, "not cancelled")
        before = self.asked()
        self.walk()
        self.assertEqual(self.asked(), before)
        self.assertEqual(len(self.mails()), 1)


if __name__ == "__main__":
    unittest.main()
