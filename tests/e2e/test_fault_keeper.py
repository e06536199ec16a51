#!/usr/bin/python3
"""kill -9 of the keeper at each of its crash points, and of the worker around its start: one keeper
and one data directory per tenant afterwards, and one archive of a deleted one."""
import contextlib
import glob
import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
import test_fault_crash as crash
from faults import Product, buyer

KEEPER = ["engine.before_keeper", "engine.after_keeper", "keeper.before_spawn", "keeper.before_go",
          "keeper.after_spawn", "keeper.before_switch", "keeper.after_switch"]
KEEPER_END = ["archive.before_rename", "archive.after_rename"]


class KeeperDies(crash.Sweep):
    options = {"products": [Product(template="process")]}

    def test_every_point_of_the_keeper(self):
        s, worker = self.s, self.s.parts["worker"]
        for point in KEEPER:
            with self.subTest(point=point):
                b = crash.Buyer(s, point)
                self.struck(point, b.start)
                b.join(240)
                self.check(b)
        for point in KEEPER_END:
            with self.subTest(point=point):
                self.dies_in_the_end(point)
        self.assertTrue(worker.running())
        s.quiet(60)
        s.invariants()

    def restart(self, **env):
        worker = self.s.parts["worker"]
        worker.kill()
        worker.start(env=env or None, wait=0)

    def struck(self, point, act):
        """engine.* kills the worker, the rest every keeper that it starts."""
        self.restart(LASTMILE_CRASH=point)
        before = self.deaths(point)
        act()
        if point.startswith("engine."):
            self.die_at("worker", point)
        else:
            self.keeper_dies(point, before)
        self.restart()

    def deaths(self, point):
        """How often a keeper, or what it forked, died there: each says so in its own log."""
        n = 0
        for log in glob.glob(self.s.v["run"] + "/tenants/*/keeper.log"):
            with contextlib.suppress(FileNotFoundError), open(log, errors="replace") as f:
                n += f.read().count("died at %s\n" % point)
        return n

    def keeper_dies(self, point, before):
        self.s.until(lambda: self.deaths(point) > before, 20, "no keeper was at " + point)

    def dies_in_the_end(self, point):
        """What archives is a child of the keeper, so the keeper is made with the point set; and it
        keeps the point until it dies too, after the worker that would make another like it."""
        s = self.s
        self.restart(LASTMILE_CRASH=point)
        try:
            p = s.buy("notes", "brief")
            s.wait_ready(s.register(s.land(p), buyer()))
            tenant = s.wait_order(p, fulfilment="READY")["tenant"]
            s.sandbox("POST", "purchases/%s/cancel" % p["id"], {})
            s.wait_order(p, fulfilment="DELETING", contract="CANCELLED")
            self.keeper_dies(point, 0)
            s.parts["worker"].kill()
            for pid in self.keepers_of(tenant):
                os.kill(pid, signal.SIGKILL)
        finally:
            self.restart()
        s.wait_order(p, seconds=60, fulfilment="CLOSED")
        self.assertNotIn(tenant, s.data_directories())
        self.assertEqual(len([a for a in s.archives() if tenant in a]), 1)

    def keepers_of(self, tenant):
        mine = []
        for pid in self.s.keepers():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                with open("/proc/%d/cmdline" % pid, "rb") as f:
                    if tenant.encode() in f.read():
                        mine.append(pid)
        return mine

    def check(self, b):
        self.assertIsNone(b.error)
        o = self.s.wait_order(b.purchase, fulfilment="READY", contract="ACTIVE")
        self.assertEqual(stack_http.request("GET", o["endpoint"]).status, 200)
        self.assertEqual(self.s.data_directories().count(o["tenant"]), 1)
        self.assertEqual(len(self.keepers_of(o["tenant"])), 1, "keepers of one tenant")
        self.assertEqual(len(self.s.wait_mails(b.mail, 2)), 2)


if __name__ == "__main__":
    unittest.main()
