#!/usr/bin/python3
"""kill -9 of the worker at every step between a webhook of Microsoft's marketplace and its answer,
and between landing and activation: each is carried out once."""
import os
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
from azure_rig import AzureCase
from faults import buyer
from stack import StackError

CHANGE = ["truth.before_market", "truth.after_market", "truth.before_answer", "truth.after_answer",
          "truth.before_order", "store.order_upsert.before", "store.order_upsert.after",
          "task.claimed", "task.finishing", "task.finished",
          "fulfil.before_engine", "fulfil.after_engine", "fulfil.before_applied"]
# A change to another engine: the old environment goes first.
REPLACEMENT = ["fulfil.before_replaced", "fulfil.after_engine", "fulfil.before_applied"]
PURCHASE = ["sign_in.before_market", "sign_in.after_market", "store.reg_identity.before",
            "store.reg_identity.after", "resolve.before_market", "resolve.after_market",
            "store.reg_resolved.after", "fulfil.before_commit",
            "tell.before_market", "tell.after_market", "truth.before_order:2",
            "fulfil.before_ready"]


class Crash(AzureCase):
    options = {"lease": "2s"}

    def dies(self, point):
        worker = self.s.parts["worker"]
        self.s.until(lambda: not worker.running(), 20, "the worker was never at " + point)
        self.assertTrue(worker.died_at(point), "the worker ended, but not at " + point)

    def begin(self, point):
        worker = self.s.parts["worker"]
        worker.kill()
        worker.start(env={"LASTMILE_CRASH": point}, wait=0)

    def test_changes(self):
        plans = ["enterprise", "starter"]
        p, _, order = self.ready()
        self.s.quiet()
        for i, point in enumerate(CHANGE):
            with self.subTest(point):
                self.begin(point)
                op = self.s.azure_do(p, "change-plan", plan=plans[i % 2])["operation"]
                self.dies(point)
                self.s.parts["worker"].start()
                self.assertEqual(self.s.settled(op, 30)["status"], "Succeeded")
                # READY is also what it was before the change is begun.
                self.s.until(lambda n=i + 2: self.effects(order).count("spec") >= n, 40,
                             "the change after %s is not made" % point)
                self.s.wait_order(p, plan=plans[i % 2], fulfilment="READY")
                self.s.quiet()
                good = [r for r in self.s.ledger("SaasSettle", p["id"]) if r["result"] == "ok"]
                self.assertLessEqual(len(good), i + 1)
        self.assertEqual(self.effects(order).count("create"), 1)
        self.assertEqual(self.effects(order).count("spec"), len(CHANGE) + 1)

    def test_replacements(self):
        for point in REPLACEMENT:
            with self.subTest(point):
                p, _, order = self.ready("served")
                self.s.quiet()
                self.begin(point)
                op = self.s.azure_do(p, "change-plan", plan="replaced")["operation"]
                self.dies(point)
                self.s.parts["worker"].start()
                self.assertEqual(self.s.settled(op, 30)["status"], "Succeeded")
                self.s.until(lambda t=order["tenant"]: any(t in a for a in self.s.archives()), 40,
                             "the old data is not archived")
                self.s.wait_order(p, plan="replaced", fulfilment="READY")
                self.s.quiet()
                archives = [a for a in self.s.archives() if order["tenant"] in a]
                self.assertEqual(len(archives), 1)
                self.assertEqual(self.s.data_directories().count(order["tenant"]), 1)
                self.assertEqual(self.answers(self.s.order_of(p)), 200)

    def buyer(self, purchase, result):
        """A person who tries again, and signs in again when that is asked."""
        deadline, registration, last = time.monotonic() + 150, None, None
        while time.monotonic() < deadline:
            try:
                registration = registration or self.s.azure_land(purchase)
                text = stack_http.request("GET", registration).text
                if "/signin\"" in text:
                    self.s.azure_sign_in(registration, "bob", seconds=3)
                result.append(self.s.register(registration, buyer(), 3))
                return
            except (AssertionError, IndexError, OSError, StackError, ValueError) as e:
                last = e
                time.sleep(0.2)
        raise last

    def test_purchases(self):
        for point in PURCHASE:
            with self.subTest(point):
                self.s.quiet()
                self.begin(point)
                p, pages = self.s.buy(), []
                t = threading.Thread(target=self.buyer, args=(p, pages), daemon=True)
                t.start()
                self.dies(point)
                self.s.parts["worker"].start()
                t.join(200)
                self.assertTrue(pages, "the buyer was not let in")
                self.s.wait_ready(pages[0])
                self.assertEqual(self.s.azure_state(p)["activated"], 1)
                order = self.s.wait_order(p, fulfilment="READY", contract="ACTIVE")
                self.assertEqual(self.effects(order), ["create", "spec", "serve"])


if __name__ == "__main__":
    unittest.main()
