"""The sandbox as Google: Pub/Sub, pulled and pushed, and the trouble that comes with it."""
import base64
import json
import os
import socket
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sandbox_gcp import (EMAIL, Google, Receiver, data, decode, eventually, listing,
                         types, unb64)  # noqa: E402
from stack_sandbox import ApiError  # noqa: E402

SUB = "projects/acme-public/subscriptions/lastmile"


class Pull(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.box = Google()

    @classmethod
    def tearDownClass(cls):
        cls.box.stop()

    def setUp(self):
        self.box.settings(pull_hold_ms=300, shuffle=False)
        self.box.api("DELETE", "faults")
        self.box.api("POST", "gcp/redeliver")
        self.box.drain()

    def put(self, **more):
        return self.box.api("POST", "gcp/events", dict({"product": "acme", "data": {"n": 1}},
                                                       **more))

    def test_pull_and_ack(self):
        self.assertEqual(self.box.pubsub("pull", {"maxMessages": 5}), (200, {}))
        self.put(copies=3)
        got = self.box.pull(2)
        self.assertEqual(len(got), 2)
        self.assertEqual(data(got[0]), {"n": 1})
        self.assertEqual(len({m["message"]["messageId"] for m in got}), 2)
        self.assertNotIn("deliveryAttempt", got[0])
        self.assertEqual(len(self.box.pull()), 1)
        self.assertEqual(self.box.ack(got), (200, {}))
        self.assertEqual(self.box.ack(got), (200, {}))
        status, doc = self.box.pubsub("acknowledge", {"ackIds": ["nonsense"]})
        self.assertEqual((status, doc["error"]["status"]), (400, "INVALID_ARGUMENT"))
        for verb, body in (("pull", {}), ("pull", {"maxMessages": 0}), ("acknowledge", {}),
                           ("pull", {"maxMessages": 1, "x": 1}),
                           ("modifyAckDeadline", {"ackIds": ["x"], "ackDeadlineSeconds": 601})):
            self.assertEqual(self.box.pubsub(verb, body)[0], 400, (verb, body))
        self.assertEqual(self.box.pubsub("pull", {"maxMessages": 1},
                                         "projects/acme-public/subscriptions/no")[0], 404)

    def test_long_poll_wakes(self):
        self.box.settings(pull_hold_ms=30000)
        order = self.box.order(settle_ms=300)
        self.box.drain()
        self.box.approve_account(order)
        self.box.approve(order)
        self.assertEqual(types(map(data, self.box.pull())), ["ENTITLEMENT_ACTIVE"])

    def test_redelivery(self):
        self.put()
        self.box.api("POST", "gcp/subscriptions", {"name": SUB, "ack_s": 600, "dead_letter": True})
        lost = self.box.pull()
        self.assertEqual(lost[0]["deliveryAttempt"], 1)
        self.assertEqual(self.box.pull(), [])
        self.box.api("POST", "gcp/redeliver")
        self.box.settings(pull_hold_ms=20000)
        self.box.api("POST", "gcp/subscriptions", {"name": SUB, "ack_s": 1, "dead_letter": True})
        first = self.box.pull()
        self.assertEqual(first[0]["deliveryAttempt"], 2)
        second = self.box.pull()
        self.assertEqual(second[0]["deliveryAttempt"], 3)
        self.assertEqual(second[0]["message"]["messageId"], first[0]["message"]["messageId"])
        self.assertNotEqual(second[0]["ackId"], first[0]["ackId"])
        self.box.api("POST", "gcp/subscriptions", {"name": SUB, "ack_s": 600, "dead_letter": False})
        third = self.box.pull()
        nack = {"ackIds": [third[0]["ackId"]], "ackDeadlineSeconds": 0}
        self.assertEqual(self.box.pubsub("modifyAckDeadline", nack), (200, {}))
        fourth = self.box.pull()
        self.box.api("POST", "gcp/redeliver")
        self.assertEqual(len(self.box.pull()), 1)
        self.box.ack(fourth)
        self.box.api("POST", "gcp/subscriptions", {"name": SUB, "ack_s": 10, "dead_letter": False})

    def test_faults(self):
        box = self.box
        box.fault("event:ENTITLEMENT_CREATION", "drop")
        box.order()
        self.assertEqual(types(box.drain()), ["ACCOUNT_ACTIVE"])
        box.fault("event:ACCOUNT", "duplicate", n=2)
        box.order()
        self.assertEqual(types(box.drain()).count("ACCOUNT_ACTIVE"), 3)
        box.fault("event:ACCOUNT", "reorder")
        box.order()
        self.assertEqual(types(box.drain())[-1], "ACCOUNT_ACTIVE")
        box.fault("event:ENTITLEMENT_CREATION", "delay", ms=600000)
        box.order()
        self.assertEqual(types(box.drain()), ["ACCOUNT_ACTIVE"])
        box.advance(minutes=11)
        self.assertEqual(types(box.drain()), ["ENTITLEMENT_CREATION_REQUESTED"])
        box.settings(shuffle=True)
        for n in range(20):
            self.put(data={"n": n})
        seen = [e["n"] for e in box.drain()]
        self.assertNotEqual(seen, sorted(seen))
        self.assertEqual(sorted(seen), list(range(20)))

    def test_ledger(self):
        order = self.box.active()
        self.box.drain()
        lines = [(line["op"], line["result"]) for line in self.box.ledger()
                 if line["purchase"] == order["id"]]
        for op in ("gcp.buy", "gcp.event", "gcp.entitlements.approve", "gcp.pulled", "gcp.acked"):
            self.assertIn(op, [line[0] for line in lines])

    def test_odd_data(self):
        self.put(data="not json {", label="poison")
        got = self.box.pull()
        self.assertEqual(base64.b64decode(got[0]["message"]["data"]), b"not json {")
        self.box.ack(got)


class Push(unittest.TestCase):
    def setUp(self):
        self.hook = Receiver()
        self.addCleanup(self.hook.stop)
        self.box = Google([listing("acme", push_url=self.hook.url)])
        self.addCleanup(self.box.stop)
        self.box.settings(push_retry_ms=20, settle_ms=200)

    def seen(self):
        return [json.loads(base64.b64decode(body["message"]["data"]))
                for _, body in list(self.hook.got)]

    def left(self):
        return self.box.api("GET", "gcp/state")["subscriptions"][0]["messages"]

    def test_push(self):
        order = self.box.order()
        self.box.approve_account(order)
        self.box.approve(order)
        self.assertTrue(eventually(lambda: "ENTITLEMENT_ACTIVE" in types(self.seen())))
        self.assertTrue(eventually(lambda: not self.left()))
        auth, body = self.hook.got[0]
        self.assertEqual(body["subscription"], SUB)
        self.assertEqual(body["message"]["messageId"], body["message"]["message_id"])
        head, claims = decode(auth.partition("Bearer ")[2])
        jwks = json.loads(self.box.http("GET", "/gcp/certs/oauth2/v3/certs")[2])
        self.assertIn(head["kid"], [k["kid"] for k in jwks["keys"]])
        self.assertEqual(claims["iss"], "https://accounts.google.com")
        self.assertEqual(claims["aud"], self.hook.url)
        self.assertEqual((claims["email"], claims["email_verified"]), (EMAIL, True))
        self.assertRegex(claims["azp"] + claims["sub"], r"^\d+$")
        self.assertEqual(claims["exp"] - claims["iat"], 3600)
        status, doc = self.box.pubsub("pull", {"maxMessages": 1})
        self.assertEqual((status, doc["error"]["status"]), (400, "FAILED_PRECONDITION"))

    def test_until_acknowledged(self):
        self.hook.status = 503
        self.box.order()
        self.assertTrue(eventually(lambda: len(self.hook.got) >= 4))
        self.assertEqual(len(self.left()), 2)
        self.hook.status = 204
        self.box.api("POST", "gcp/redeliver")
        self.assertTrue(eventually(lambda: not self.left()))
        results = {line["result"] for line in self.box.ledger() if line["op"] == "gcp.push"}
        self.assertLessEqual({"503", "204"}, results)

    def test_attacks(self):
        self.hook.status = 401
        jwks = json.loads(self.box.http("GET", "/gcp/certs/oauth2/v3/certs")[2])
        kids = [k["kid"] for k in jwks["keys"]]
        for how in ("no-token", "alg-none", "hs256-key", "unknown-kid", "wrong-key", "wrong-iss",
                    "wrong-aud", "expired", "future", "wrong-email", "unverified", "swapped",
                    "garbage", "genuine"):
            self.hook.got.clear()
            answer = self.box.api("POST", "gcp/attack", {"product": "acme", "how": how})
            self.assertEqual(answer, {"status": 401}, how)
            token = self.hook.got[0][0].partition("Bearer ")[2]
            if how == "no-token":
                self.assertEqual(self.hook.got[0][0], "")
            elif how != "garbage":
                head, claims = decode(token)
                self.assertEqual(head["kid"] in kids, how not in ("unknown-kid", "swapped"), how)
                self.assertEqual(claims["email_verified"], how != "unverified")
                self.assertEqual(claims["email"] == EMAIL, how != "wrong-email")
                self.assertEqual(len(unb64(token.rpartition(".")[2])) == 256,
                                 how not in ("alg-none", "hs256-key"), how)
        with self.assertRaises(ApiError):
            self.box.api("POST", "gcp/attack", {"product": "acme", "how": "nothing"})


class Emulator(unittest.TestCase):
    """The same calls to Google's own emulator must be answered alike."""

    def setUp(self):
        jar = os.environ.get("LASTMILE_PUBSUB_EMULATOR", "")
        if not os.path.exists(jar):
            self.skipTest("LASTMILE_PUBSUB_EMULATOR names no jar of the Pub/Sub emulator")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.p = subprocess.Popen(["java", "-jar", jar, "--host=127.0.0.1", "--port=%d" % port],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.p.wait)
        self.addCleanup(self.p.kill)
        self.base = "http://127.0.0.1:%d/v1/" % port
        self.box = Google()
        self.addCleanup(self.box.stop)
        topic = "projects/acme-public/topics/acme"
        self.assertTrue(eventually(lambda: self.real("PUT", topic, {})[0] == 200, 90))
        self.real("PUT", SUB, {"topic": topic})
        for _ in range(2):
            self.real("POST", topic + ":publish", {"messages": [{"data": "eyJuIjoxfQ=="}]})
            self.box.api("POST", "gcp/events", {"product": "acme", "data": {"n": 1}})

    def real(self, method, path, body):
        req = urllib.request.Request(self.base + path, json.dumps(body).encode(),
                                     {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(req, timeout=30) as r:
                return r.status, json.loads(r.read() or b"{}")
        except urllib.error.HTTPError as e:
            with e:
                return e.code, json.loads(e.read() or b"{}")
        except OSError:
            return 0, {}

    def both(self, verb, body):
        return (self.real("POST", SUB + ":" + verb, body), self.box.pubsub(verb, body))

    def test_alike(self):
        (real, theirs), (ours, mine) = self.both("pull", {"maxMessages": 1})
        self.assertEqual((real, ours), (200, 200))
        a, b = theirs["receivedMessages"][0], mine["receivedMessages"][0]
        self.assertEqual(set(a), set(b))
        self.assertEqual(set(a["message"]), set(b["message"]))
        self.assertEqual(a["message"]["data"], b["message"]["data"])
        ids = [a["ackId"], b["ackId"]]
        for n in range(2):
            real = self.real("POST", SUB + ":acknowledge", {"ackIds": [ids[0]]})
            ours = self.box.pubsub("acknowledge", {"ackIds": [ids[1]]})
            self.assertEqual(real, ours, n)
        for verb, body in (("acknowledge", {"ackIds": ["nonsense"]}), ("pull", {"maxMessages": 0}),
                           ("modifyAckDeadline", {"ackIds": ["nonsense"],
                                                  "ackDeadlineSeconds": 5})):
            (real, a), (ours, b) = self.both(verb, body)
            self.assertEqual((real, a["error"]["status"]), (ours, b["error"]["status"]), verb)


if __name__ == "__main__":
    unittest.main()
