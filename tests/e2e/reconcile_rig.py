"""What the tests of AWS's list share: a stack that loses every event and walks all the time."""
import re
import unittest

from faults import FaultStack, buyer
from stack import missing

NEED = ("redis", "sandbox", "worker", "front", "nginx")
TEAM = "team@acme.example"


class WalkCase(unittest.TestCase):
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

    def successor_ended(self):
        """Renewed, renewed again, and cancelled: the order serves what nobody pays for."""
        p, _ = self.ready()
        before = self.s.wait_order(p, agreement=p["agreement_id"])
        last = []

        def renew():
            last.append(self.act(last[-1] if last else p, *self.follow[0], **self.follow[1]))
        self.absent(renew, renew, lambda: self.act(last[-1], "cancel", status="TERMINATED"))
        self.ended(p, before, "TERMINATED")

    def dies_at(self, point):
        """A worker is started, and killed there; then another one."""
        worker = self.s.parts["worker"]
        worker.start(env={"LASTMILE_CRASH": point}, wait=0)
        self.s.until(lambda: not worker.running(), 60, "never at " + point)
        self.assertTrue(worker.died_at(point), "ended, but not at " + point)
        worker.start()
