#!/usr/bin/python3
"""Two workers on one Redis, a worker stopped longer than its lease, many submits at once.

A worker that was stopped and goes on believes that it still owns its tasks; nothing that it writes
may count, and nothing may happen outside a second time."""
import concurrent.futures
import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
import test_fault_crash as crash
from faults import FaultStack, Product, buyer
from stack import missing

NEED = ("redis", "sandbox", "worker", "front", "nginx")
SUBMITS = 1000
POINTS = ("store.task_renew.before", "store.task_renew.after")


class Two(unittest.TestCase):
    shards = 1

    @classmethod
    def setUpClass(cls):
        absent = missing(NEED)
        if absent:
            raise unittest.SkipTest("not installed or not built: " + ", ".join(absent))
        cls.s = FaultStack(parts=NEED, lease="2s", shards=cls.shards, slow="3",
                           products=[Product(template="exec")])
        cls.s.parts["second"] = cls.s.part_like("worker", "second")
        cls.s.start()

    @classmethod
    def tearDownClass(cls):
        for name in ("worker", "second"):
            cls.s.parts[name].signal(signal.SIGCONT)
        cls.s.parts["second"].stop()
        cls.s.stop()

    def setUp(self):
        for name in ("worker", "second"):
            if not self.s.parts[name].running():
                self.s.parts[name].start()
        self.addCleanup(self.s.hold, False)

    def buyers(self, n):
        def one(_):
            p, mail = self.s.buy(), buyer()
            return p, mail, self.s.register(self.s.land(p), mail, 60)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return list(pool.map(one, range(n)))

    def check(self, bought):
        for _, _, page in bought:
            self.s.wait_ready(page, 90)
        self.s.quiet(60)
        self.s.invariants()
        tenants = self.s.environments()
        for p, mail, _ in bought:
            o = self.s.order_of(p)
            self.assertEqual((o["fulfilment"], o["contract"]), ("READY", "ACTIVE"))
            self.assertEqual(tenants[o["tenant"]], ["create", "spec", "serve"])
            told = [m["Subject"] for m in self.s.wait_mails(mail, 2)]
            self.assertEqual(len(told), 2, told)
        self.assertEqual(len(tenants), len([o for o in self.s.orders() if o.get("tenant")]))

    def running(self, n):
        self.s.until(lambda: len(self.s.rows_running("fulfil")) == n, 20,
                     "%d deployments do not run" % n)

    def log_of(self, name):
        with open(self.s.parts[name].log, errors="replace") as f:
            return f.read()

    def test_both_work(self):
        """Who of them is faster takes more, so buyers come until each has had a part of it."""
        def idle():
            return [(name, what) for name in ("worker", "second")
                    for what in ("mail.sent", "engine.result") if what not in self.log_of(name)]
        for n in (24, 8, 8, 8, 8, 8, 8):
            self.check(self.buyers(n))
            if not idle():
                break
        self.assertEqual(idle(), [])

    def test_stopped_longer_than_its_lease(self):
        """The engine's program runs when its worker is stopped: the other one takes over while the
        first program may still be at work, and what the stopped one writes later is refused."""
        for first, other in (("worker", "second"), ("second", "worker")):
            with self.subTest(stopped=first):
                self.s.parts[other].signal(signal.SIGSTOP)
                time.sleep(0.1)
                self.s.hold(True)
                bought = self.buyers(4)
                self.running(4)
                self.s.parts[first].signal(signal.SIGSTOP)
                self.s.parts[other].signal(signal.SIGCONT)
                self.s.until(lambda b=bought: all(int(self.s.order_of(p)["fence_fulfil"]) > 1
                                                  for p, _, _ in b), 20, "nothing is taken over")
                self.s.hold(False)
                for _, _, page in bought:
                    self.s.wait_ready(page, 60)
                self.s.quiet()
                before = {p["id"]: self.s.order_of(p) for p, _, _ in bought}
                self.s.parts[first].signal(signal.SIGCONT)
                time.sleep(2.5)
                for p, _, _ in bought:
                    after = self.s.order_of(p)
                    self.assertEqual(after["ver"], before[p["id"]]["ver"])
                self.check(bought)

    def test_killed_in_the_middle_of_a_deployment(self):
        self.s.hold(True)
        bought = self.buyers(6)
        self.running(6)
        self.s.parts["worker"].kill()
        self.s.parts["worker"].start()
        time.sleep(0.3)
        self.s.parts["second"].kill()
        self.s.parts["second"].start()
        self.s.hold(False)
        self.check(bought)

    def test_renewal_of_the_lease_dies(self):
        """A deployment longer than a third of the lease has its lease renewed: die there."""
        for point in POINTS:
            with self.subTest(point=point):
                came = [(p, buyer(), self.s.land(p)) for p in (self.s.buy(), self.s.buy())]
                for _, _, registration in came:
                    self.s.form(registration)  # what is left to do needs no worker
                for name in ("worker", "second"):
                    self.s.parts[name].kill()
                victim = self.s.parts["worker"]
                victim.start(env={"LASTMILE_CRASH": point})
                bought = [(p, mail, self.s.register(where, mail)) for p, mail, where in came]
                self.s.until(lambda v=victim: not v.running(), 20, "never at " + point)
                self.assertTrue(victim.died_at(point), "ended, but not at " + point)
                victim.start()
                self.s.parts["second"].start()
                self.check(bought)

    def test_drained_workers_hand_over(self):
        """SIGTERM under load, again and again: nothing is lost, nothing happens twice."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            work = pool.submit(self.buyers, 12)
            for name in ("worker", "second", "worker"):
                time.sleep(0.5)
                self.assertEqual(self.s.parts[name].stop(), 0)
                self.s.parts[name].start()
            bought = work.result(180)
        self.check(bought)


class FourShards(Two):
    shards = 4


class Submits(unittest.TestCase):
    """One registration, its form sent a thousand times at once: one environment, one address."""
    shards = 1

    def test_a_thousand_submits(self):
        absent = missing(NEED)
        if absent:
            self.skipTest("not installed or not built: " + ", ".join(absent))
        for shards in (1, 4):
            with self.subTest(shards=shards), \
                    FaultStack(parts=NEED, shards=shards, processes=2,
                               products=[Product(template="exec")]) as s:
                p = s.buy()
                registration = s.land(p)
                form, _ = s.form(registration)

                def submit(i, where=registration, fields=form["fields"]):
                    while True:
                        a = stack_http.request(
                            "POST", where, dict(fields, email="ann%d@example.com" % i), timeout=60)
                        if a.status not in (429, 502, 503):
                            return a.status, a.headers.get("Location")
                        time.sleep(0.2)
                with concurrent.futures.ThreadPoolExecutor(48) as pool:
                    answers = set(pool.map(submit, range(SUBMITS)))
                self.assertEqual(len(answers), 1, answers)
                status, location = answers.pop()
                self.assertEqual(status, 303)
                s.wait_ready(s.origin() + location)
                s.quiet()
                s.invariants()
                orders = s.orders()
                self.assertEqual(len(orders), 1)
                self.assertEqual(list(s.environments().values()), [["create", "spec", "serve"]])
                self.assertEqual(len(s.wait_mails(orders[0]["email"], 2)), 2)
                buyers = {rcpt[0] for rcpt, _ in s.mail.messages}
                self.assertEqual(buyers, {orders[0]["email"]})


class OneSlot(unittest.TestCase):
    """More work than slots: claims ride on finishes, no shard or role waits for another."""

    @classmethod
    def setUpClass(cls):
        absent = missing(NEED)
        if absent:
            raise unittest.SkipTest("not installed or not built: " + ", ".join(absent))
        cls.s = FaultStack(parts=NEED, lease="2s", shards=4, slots=1,
                           products=[Product(template="exec")])
        cls.s.start()

    @classmethod
    def tearDownClass(cls):
        cls.s.stop()

    def test_a_backlog_is_worked_off_though_workers_die(self):
        s, worker = self.s, self.s.parts["worker"]
        worker.kill()
        buyers = [crash.Buyer(s, "one slot") for _ in range(12)]
        for b in buyers:
            b.start()
        for point in ("store.task_finish.after:9", "task.finished:7", "store.task_finish.before:5",
                      "task.claimed:11"):
            worker.start(env={"LASTMILE_CRASH": point}, wait=0)
            self.assertTrue(s.settle(lambda: not worker.running(), 60), point)
            self.assertEqual(worker.process.returncode, -9, point)
        worker.start()
        for b in buyers:
            b.join(240)
            self.assertIsNone(b.error)
        s.quiet(60)
        s.invariants()
        tenants = s.environments()
        for b in buyers:
            o = s.order_of(b.purchase)
            self.assertEqual((o["fulfilment"], o["contract"]), ("READY", "ACTIVE"))
            self.assertEqual(tenants[o["tenant"]], ["create", "spec", "serve"])
            self.assertEqual(len(s.wait_mails(b.mail, 2)), 2)

    def test_a_finish_brings_the_next_task(self):
        s = self.s
        s.redis("CONFIG", "SET", "slowlog-log-slower-than", "0")
        s.redis("CONFIG", "SET", "slowlog-max-len", "100000")
        s.redis("SLOWLOG", "RESET")
        s.parts["worker"].signal(signal.SIGSTOP)
        try:
            for _ in range(40):
                s.land(s.buy())
        finally:
            s.parts["worker"].signal(signal.SIGCONT)
        s.quiet(60)
        calls = [e[3] for e in s.redis("SLOWLOG", "GET", 100000)]
        # EVALSHA sha 1 meta id token how delay class error [worker seed lease role...]
        rides = [c for c in calls if c[0].upper() == "EVALSHA" and len(c) > 10 and
                 c[6] in ("done", "wait", "retry", "dead")]
        self.assertLess(len(calls), 100000, "the log was too short")
        self.assertGreater(len(rides), 0)


if __name__ == "__main__":
    unittest.main()
