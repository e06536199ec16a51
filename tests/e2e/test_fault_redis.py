#!/usr/bin/python3
"""Redis is down, stopped, full, slow, restarted, without its scripts: buyers get 503 with
Retry-After within the budget, never a hang, and nothing that was acknowledged is lost."""
import signal
import sys
import threading
import time
import unittest

import stack
import stack_http

NEEDED = stack.missing()
BUDGET = 25  # seconds; connect 1 s + command 1 s and what a busy machine adds; no web server's 60


@unittest.skipIf(NEEDED, "missing: " + ", ".join(NEEDED))
class RedisTrouble(unittest.TestCase):
    def setUp(self):
        self.s = stack.Stack(parts=("redis", "sandbox", "worker", "front", "nginx"), lease="3s")
        self.addCleanup(self.s.stop)
        self.s.start()

    def landing(self, bought):
        began = time.monotonic()
        a = stack_http.request("POST", bought["landing"]["url"], bought["landing"]["fields"])
        self.assertLess(time.monotonic() - began, BUDGET)
        return a

    def registers(self, bought, email):
        """As a buyer who is told to come back in a moment, and does: each process of the front
        finds Redis again in its own time."""
        place = []

        def tried():
            try:
                place.append(self.s.register(self.s.land(bought), email, 60))
            except stack.StackError:
                return False
            return True
        self.s.until(tried, 30, "the buyer is not let in")
        return place[0]

    def assert_busy(self, a):
        self.assertEqual(503, a.status)
        self.assertGreater(int(a.headers["Retry-After"]), 0)
        self.assertIn("text/html", a.headers["Content-Type"])

    def test_down_then_up_again(self):
        page = self.registers(self.s.buy(), "ann@example.com")
        self.s.wait_ready(page)
        waiting = self.s.buy()
        self.s.parts["redis"].kill()
        self.assert_busy(self.landing(waiting))
        began = time.monotonic()
        a = stack_http.request("GET", page + "/status.json")
        self.assertLess(time.monotonic() - began, BUDGET)
        self.assertEqual(503, a.status)
        self.assertEqual("application/problem+json", a.headers["Content-Type"].split(";")[0])
        self.assertEqual(503, self.s.get("/readyz").status)
        self.assertEqual(200, self.s.get("/livez").status)
        self.s.parts["redis"].start()
        self.s.until(lambda: self.s.get("/readyz").status == 200, 30, "not ready again")
        self.s.wait_ready(page)  # another child of the front may still wait to connect again
        self.s.wait_ready(self.registers(waiting, "bob@example.com"))
        self.s.invariants()

    def test_stopped_like_a_hung_host(self):
        waiting = self.s.buy()
        self.s.parts["redis"].signal(signal.SIGSTOP)
        try:
            self.assert_busy(self.landing(waiting))
        finally:
            self.s.parts["redis"].signal(signal.SIGCONT)
        self.s.until(lambda: self.s.get("/readyz").status == 200, 30, "not ready again")
        self.s.wait_ready(self.registers(waiting, "bob@example.com"))
        self.s.invariants()

    def test_full(self):
        first = self.registers(self.s.buy(), "ann@example.com")
        self.s.wait_ready(first)
        waiting = self.s.buy()
        self.s.redis("CONFIG", "SET", "maxmemory", "1mb")
        self.assert_busy(self.landing(waiting))
        self.assertEqual("ready", self.s.status(first)["state"])
        self.s.redis("CONFIG", "SET", "maxmemory", "0")
        self.s.wait_ready(self.registers(waiting, "bob@example.com"))
        self.s.invariants()

    def test_scripts_flushed(self):
        self.s.redis("SCRIPT", "FLUSH")
        page = self.registers(self.s.buy(), "ann@example.com")
        self.s.redis("SCRIPT", "FLUSH")
        self.s.wait_ready(page)
        self.s.invariants()

    def test_acknowledged_work_survives_kills(self):
        """Redis is killed again and again while buyers land and register."""
        pages, stop = [], threading.Event()

        def buyer():
            while not stop.is_set():
                try:
                    pages.append(self.s.register(self.s.land(self.s.buy()), "ann@example.com", 60))
                except (stack.StackError, OSError, KeyError):
                    time.sleep(0.1)  # refused, as it must be; the buyer clicks again

        threads = [threading.Thread(target=buyer) for _ in range(3)]
        for t in threads:
            t.start()
        for _ in range(4):
            time.sleep(1.2)
            self.s.parts["redis"].kill()
            self.s.parts["redis"].start()
        self.s.until(lambda: pages, 60, "nobody got through")
        stop.set()
        for t in threads:
            t.join(240)
        for page in pages:
            self.s.wait_ready(page, 60)
        self.s.invariants()

    def test_worker_refuses_a_redis_that_forgets(self):
        self.s.parts["worker"].stop()
        self.s.redis("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        self.s.parts["worker"].start(wait=0)
        self.assertEqual(69, self.s.parts["worker"].process.wait(60))
        with open(self.s.parts["worker"].log, encoding="utf-8") as f:
            self.assertIn("redis.refused", f.read())


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=1))
