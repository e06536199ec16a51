#!/usr/bin/python3
"""kill -9 of the keeper at each of its crash points, and of the worker around its start: one keeper
and one data directory per tenant afterwards, and one archive of a deleted one."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
import test_fault_crash as crash
from faults import Product, buyer

KEEPER = ["engine.before_keeper", "engine.after_keeper", "keeper.before_spawn", "keeper.before_go",
          "keeper.after_spawn", "keeper.before_switch", "keeper.after_switch"]
KEEPER_END = ["archive.before_rename", "archive.after_rename"]
HARMLESS = ("keeper.after_switch", "archive.after_rename")


class KeeperDies(crash.Sweep):
    options = {"products": [Product(template="process")]}

    def test_every_point_of_the_keeper(self):
        s, worker = self.s, self.s.parts["worker"]
        for point in KEEPER:
            with self.subTest(point=point):
                b = crash.Buyer(s, point)
                self.struck(point, b.start, lambda b=b: not b.is_alive())
                b.join(90)
                self.check(b)
        for point in KEEPER_END:
            with self.subTest(point=point):
                p = s.buy("notes", "brief")
                page = s.register(s.land(p), buyer())
                s.wait_ready(page)
                order = s.wait_order(p, fulfilment="READY")
                self.struck(point, lambda i=p["id"]: s.sandbox(
                    "POST", "purchases/%s/cancel" % i, {}),
                            lambda p=p: s.order_of(p)["fulfilment"] == "CLOSED")
                s.wait_order(p, seconds=60, fulfilment="CLOSED")
                self.assertNotIn(order["tenant"], s.data_directories())
                self.assertEqual(len([a for a in s.archives() if order["tenant"] in a]), 1)
        self.assertTrue(worker.running())
        s.quiet(60)
        s.invariants()

    def struck(self, point, act, finished):
        """engine.* kills the worker, the rest every keeper that it starts: then nothing can be
        finished, but for the points behind which all has been done."""
        s, worker = self.s, self.s.parts["worker"]
        worker.kill()
        worker.start(env={"LASTMILE_CRASH": point}, wait=0)
        act()
        if point.startswith("engine."):
            self.die_at("worker", point)
        else:
            s.settle(finished, 6)
            if point not in HARMLESS:
                self.assertFalse(finished(), "nothing died at " + point)
        worker.kill()
        worker.start()

    def check(self, b):
        self.assertIsNone(b.error)
        o = self.s.wait_order(b.purchase, fulfilment="READY", contract="ACTIVE")
        self.assertEqual(stack_http.request("GET", o["endpoint"]).status, 200)
        self.assertEqual(self.s.data_directories().count(o["tenant"]), 1)
        mine = 0
        for pid in self.s.keepers():
            with open("/proc/%d/cmdline" % pid, "rb") as f:
                mine += o["tenant"].encode() in f.read()
        self.assertEqual(mine, 1, "keepers of one tenant")
        self.assertEqual(len(self.s.mails(b.mail)), 2)


if __name__ == "__main__":
    unittest.main()
