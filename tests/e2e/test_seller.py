#!/usr/bin/python3
"""What the seller does, and his engine and his configuration do wrong, while buyers have
environments: nobody loses one because of it, the right people are told, and what they are told is
true."""
import json
import os
import re
import signal
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
from faults import FaultStack, Product, buyer
from stack import missing

NEED = ("redis", "sandbox", "worker", "front", "nginx")
TEAM = "team@acme.example"


class Seller(unittest.TestCase):
    options = {}

    @classmethod
    def setUpClass(cls):
        absent = missing(NEED)
        if absent:
            raise unittest.SkipTest("not installed or not built: " + ", ".join(absent))
        cls.s = FaultStack(parts=NEED, **{"lease": "30s", **cls.options})
        cls.configure(cls.s.options)
        cls.s.start()

    @classmethod
    def configure(cls, options):
        pass

    @classmethod
    def tearDownClass(cls):
        cls.s.stop()

    def tearDown(self):
        self.s.invariants()

    def ready(self, plan="starter"):
        p, mail = self.s.buy("notes", plan), buyer()
        page = self.s.register(self.s.land(p), mail)
        self.s.wait_ready(page)
        return p, mail, page, self.s.wait_order(p, fulfilment="READY")

    def logged(self, text):
        with open(self.s.parts["worker"].log, errors="replace") as f:
            return f.read().count(text)

    def reload(self, change):
        """The configuration, changed, and the worker told of it."""
        path, before = self.s.v["etc"] + "/lastmile.yaml", self.logged("config.reloaded")
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(change(text))
        self.s.parts["worker"].signal(signal.SIGHUP)
        self.s.until(lambda: self.logged("config.reloaded") > before, 60, "not reloaded")

    def body(self, mail):
        return mail.get_content()


class Configuration(Seller):
    options = {"resync": "1s"}

    def test_a_plan_that_has_environments_is_taken_out(self):
        """The worker lives on, and so do they: what runs is looked after as it was made."""
        p, _, _, order = self.ready("enterprise")
        pid = self.s.parts["worker"].pid
        self.reload(lambda text: re.sub(r"(?m)^    enterprise: .*\n", "", text))
        looked = self.logged("engine.result")
        self.s.until(lambda: self.logged("engine.result") > looked + 2, 60, "nobody looks after it")
        self.assertTrue(self.s.parts["worker"].running())
        self.assertEqual(self.s.parts["worker"].pid, pid)
        after = self.s.order_of(p)
        self.assertEqual((after["fulfilment"], after["tenant"], after["plan"]),
                         ("READY", order["tenant"], "enterprise"))  # starter is the default
        self.s.sandbox("POST", "purchases/%s/upgrade" % p["id"],
                       {"plan": "enterprise", "mode": "amend", "quantity": 2})
        self.s.until(lambda: [m for m in self.s.mails(TEAM, "does not know")
                              if order["id"] in m["Subject"]], 60, "the seller is not told")
        self.s.quiet()
        self.assertEqual(self.s.order_of(p)["plan"], "enterprise")
        self.assertEqual(stack_http.request("GET", order["endpoint"]).status, 200)


class Manners(Seller):
    """How the worker gets on with a service manager and with a careless hand."""

    def test_what_the_service_manager_is_told(self):
        worker = self.s.parts["worker"]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.bind(self.s.v["run"] + "/notify")
            door.settimeout(60)
            worker.stop()
            worker.start(env={"NOTIFY_SOCKET": self.s.v["run"] + "/notify"})
            self.assertIn(b"READY=1", door.recv(500))
            self.reload(lambda text: text)
            self.assertIn(b"RELOADING=1", door.recv(500))
            self.assertIn(b"READY=1", door.recv(500))
            self.assertEqual(worker.stop(), 0)
            self.assertIn(b"STOPPING=1", door.recv(500))
        worker.start()

    def test_a_configuration_that_is_wrong_changes_nothing(self):
        worker, path = self.s.parts["worker"], self.s.v["etc"] + "/lastmile.yaml"
        with open(path) as f:
            good = f.read()
        pid, before = worker.pid, self.logged("config.rejected")
        with open(path, "w") as f:
            f.write(good.replace("  lease:", "  laese:"))
        worker.signal(signal.SIGHUP)
        self.s.until(lambda: self.logged("config.rejected") > before, 60, "not looked at")
        with open(worker.log, errors="replace") as f:
            self.assertIn("did you mean 'lease'", f.read())
        self.ready()
        self.assertEqual(worker.pid, pid)
        with open(path, "w") as f:
            f.write(good)


class Lease(Seller):
    options = {"lease": "30s", "slow": "1", "products": [Product(template="exec")]}

    def test_a_shorter_one_counts_from_the_next_start(self):
        """The thread that renews leases goes by the length that it began with."""
        self.reload(lambda text: text.replace("  lease: 30s", "  lease: 2s"))
        _, _, _, order = self.ready()
        self.assertEqual(self.s.environments()[order["tenant"]], ["create", "spec", "serve"])
        self.assertEqual(self.logged("task.lost"), 0)


class Engine(Seller):
    options = {"resync": "1s", "products": [Product(template="exec")]}

    def tearDown(self):
        self.play("")
        super().tearDown()

    def play(self, line):
        """A line in front of the engine's program, once it has read its request."""
        path = self.s.v["dir"] + "/engine.sh"
        with open(path) as f:
            lines = [x for x in f.read().splitlines() if not x.endswith("# played")]
        at = lines.index("request=$(cat)") + 1
        if line:
            lines.insert(at, line + " # played")
        with open(path + ".new", "w") as f:
            f.write("\n".join(lines) + "\n")
        os.chmod(path + ".new", 0o755)
        os.rename(path + ".new", path)

    def test_an_engine_that_cannot_see_takes_nothing_away(self):
        """observe fails for as long as it likes: what answers its buyers is ready."""
        p, mail, page, order = self.ready()
        for status in (3, 75, 65):
            before = self.logged("engine.blind")
            self.play('[ "$verb" != observe ] || exit %d' % status)
            self.s.until(lambda b=before: self.logged("engine.blind") > b + 1, 60, "not looked at")
            self.assertEqual(self.s.order_of(p)["fulfilment"], "READY")
        self.assertEqual(self.s.mail_count(mail), 2)
        serving = "%s/%s/serving" % (self.s.v["var"] + "/environments", order["tenant"])
        os.rename(serving, serving + "-not")
        self.s.wait_order(p, seconds=60, fulfilment="DEGRADED")
        os.rename(serving + "-not", serving)
        self.s.wait_order(p, seconds=90, fulfilment="READY")
        self.assertEqual(self.s.mails(mail, "could not"), [])

    def test_an_engine_that_never_says_what_it_did_is_given_up(self):
        """Looked at with growing distance, then a person is asked. The tries are put close to the
        limit here: they take ten minutes."""
        self.play("exit 3")
        p, mail = self.s.buy(), buyer()
        self.s.register(self.s.land(p), mail)
        order = self.s.wait_order(p, fulfilment="PROVISIONING")
        key = "{p0}:k:fulfil:" + order["id"]
        self.s.until(lambda: int(self.s.redis("HGET", key, "tries") or 0) >= 2, 60, "not counted")
        self.assertEqual(self.s.redis("HGET", key, "class"), "UNKNOWN_OUTCOME")
        self.s.until(lambda: self.s.redis("HGET", key, "state") == "queued", 60, "runs on")
        self.s.redis("HSET", key, "tries", "20")
        self.s.cli("retry", "order", order["id"], "--reason", "now", "--yes")
        self.s.wait_order(p, seconds=60, fulfilment="STUCK")
        self.assertEqual(len(self.s.wait_mails(mail, 1, "could not prepare")), 1)
        self.s.until(lambda: [m for m in self.s.mails(TEAM) if order["id"] in m["Subject"]], 60,
                     "the seller does not know")
        self.play("")
        self.s.cli("retry", "order", order["id"], "--reason", "mended", "--yes")
        self.s.wait_order(p, seconds=60, fulfilment="READY")

    def test_a_change_that_fails_is_not_a_failed_environment(self):
        p, mail, page, order = self.ready()
        self.play('[ "$verb" != apply ] || exit 65')
        self.s.sandbox("POST", "purchases/%s/upgrade" % p["id"],
                       {"plan": "enterprise", "mode": "amend"})
        self.s.wait_order(p, seconds=60, fulfilment="FAILED")
        told = self.s.wait_mails(mail, 1, "change to your environment failed")
        self.assertEqual(len(told), 1)
        self.assertIn("keeps running", self.body(told[0]))
        self.assertEqual(self.s.mails(mail, "could not prepare"), [])
        self.assertIn("keeps running", stack_http.request("GET", page).text)


class Hands(Seller):
    """Environments that people of the seller make, and unmake."""
    options = {"products": [Product(template="exec")]}

    @classmethod
    def configure(cls, options):
        options["config"] = options["config"].replace("  alert_to:",
                                                      "  late_after: 2s\n  alert_to:")
        plan = "    starter: {fulfilment: manual, manual_promise: within two working days}\n"
        cls.s.v["markets"] = re.sub(r"(?m)^    brief: .*\n", plan.replace("starter", "brief"),
                                    cls.s.v["markets"])

    def deployment(self, order):
        """What the operator is told of it."""
        done = self.s.cli("describe", "order", order["id"], "-o", "json")
        return json.loads(done.stdout)["deployment"]

    def test_by_hand_is_not_late(self):
        """The buyer was told when; the seller is reminded."""
        p, mail = self.s.buy("notes", "brief"), buyer()
        page = self.s.register(self.s.land(p), mail)
        order = self.s.wait_order(p, fulfilment="PROVISIONING", hold="manual")
        self.s.until(lambda: [m for m in self.s.mails(TEAM, "is late")
                              if order["id"] in m["Subject"]], 60, "the seller is not reminded")
        time.sleep(2.5)
        text = stack_http.request("GET", page).text
        self.assertIn("You get access within two working days", text)
        self.assertNotIn("longer than usual", text)
        self.assertEqual(self.s.mails(mail, "longer than usual"), [])
        self.assertEqual(self.s.cli("approve", "order", order["id"], "--reason", "done",
                                    "--yes").returncode, 0)
        self.s.wait_ready(page)

    def test_deleted_by_the_seller(self):
        """No subscription has ended, and neither page nor mail says so."""
        p, mail, page, order = self.ready()
        self.assertEqual(self.deployment(order)["state"], "current")
        done = self.s.cli("delete", "order", order["id"], "--reason", "asked by the buyer",
                          "--confirm", order["tenant"], "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.s.wait_order(p, fulfilment="CLOSED", contract="ACTIVE")
        self.assertEqual(self.deployment(order)["state"], "gone")
        told = self.s.wait_mails(mail, 1, "has been deleted")
        self.assertEqual(len(told), 1)
        for text in (self.body(told[0]), stack_http.request("GET", page).text):
            self.assertRegex(text, "has not ended")
            self.assertNotIn("subscription has ended", text)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=1))
