"""The sandbox's marketplaces call the front: its genuine events come in, its hostile ones do not.
The sandbox was written from the vendors' documents without our verifier, and our verifier
without the sandbox."""
import json
import os
import time
import unittest

import front_rig
import hook_rig
from hook_rig import ABSENT, event
from sandbox_gcp import Google, listing
from stack_azure import Azure, product

MISSING = ABSENT + [p for p in [os.path.join(front_rig.BUILD, "lastmile-sandbox")]
                    if not os.path.exists(p)] + front_rig.missing("nginx")
AZURE = {"alg-none": 401, "hs256": 401, "unknown-kid": 401, "wrong-key": 401, "wrong-aud": 401,
         "wrong-iss": 401, "wrong-tid": 401, "wrong-caller": 401, "swapped": 401, "expired": 401,
         "future": 401, "no-authorization": 401, "two-authorizations": 400, "garbage": 401,
         "huge-body": 413, "forged": 200, "other-type": 415}
GCP = {"no-token": 401, "wrong-email": 401, "unverified": 401, "swapped": 401, "alg-none": 401,
       "hs256-key": 401, "unknown-kid": 401, "wrong-key": 401, "wrong-iss": 401, "wrong-aud": 401,
       "expired": 401, "future": 401, "garbage": 401, "genuine": 200}


@unittest.skipIf(MISSING, "missing: " + ", ".join(MISSING))
class Marketplaces(hook_rig.HookCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.web = cls.rig.nginx()
        os.chmod(cls.rig.sock, 0o666)

    def start(self, kind, *args):
        box = kind(*args)
        self.addCleanup(box.stop)
        return box

    def keys_of(self, box, name, path):
        status, _, text = box.http("GET", path)
        self.assertEqual(status, 200)
        self.publish_text(name, text.decode() if isinstance(text, bytes) else text)
        time.sleep(3.1)  # the front looks again after three seconds at the earliest

    def wait_stored(self, n):
        front_rig.until(lambda: len(self.stored()) >= n, "%d events" % n)
        self.assertEqual(len(self.stored()), n)

    def test_azure(self):
        box = self.start(Azure, [product(webhook=self.web + "/marketplace/hooks/azure/micro")])
        self.keys_of(box, "azure/micro", "/entra/common/discovery/v2.0/keys")
        sub = box.subscribe()
        self.assertEqual(box.call("POST", "/%s/activate" % sub["id"])[0], 200)
        for version in (1, 2):
            box.settings(jwt_version=version)
            before = len(self.stored())
            for how, want in AZURE.items():
                with self.subTest(version=version, how=how):
                    got = box.az("attack", {"purchase": sub["id"], "how": [how]})["status"]
                    self.assertEqual(got, want)
            self.assertEqual(len(self.stored()) - before, 1)  # the forged one: the worker asks
            op = box.do(sub, "renew")["operation"]
            self.wait_stored(before + 2)
            self.assertTrue(any(json.loads(e)["id"] == op for e in self.stored()))
        box.az("operations/%s/redeliver" % op, {"copies": 50})
        front_rig.until(lambda: box.operation(op)["deliveries"] >= 51, "51 deliveries")
        self.wait_stored(before + 2)

    def test_gcp(self):
        box = self.start(Google, [listing(
            "acme", push_url=self.web + "/marketplace/hooks/gcp/google",
            push_audience=hook_rig.PUSH_AUDIENCE, push_account=hook_rig.PUSH_ACCOUNT)])
        self.keys_of(box, "gcp/google", "/gcp/certs/oauth2/v3/certs")
        for how, want in GCP.items():
            with self.subTest(how=how):
                data = {"eventId": "a-" + how, "eventType": "ENTITLEMENT_ACTIVE"}
                got = box.api("POST", "gcp/attack", {"product": "acme", "how": how,
                                                     "data": data})["status"]
                self.assertEqual(got, want)
        self.wait_stored(1)
        box.active()
        self.wait_stored(4)  # ACCOUNT_ACTIVE, CREATION_REQUESTED, ACTIVE
        types = {self.admin("HGET", k, "type") for k in self.admin("KEYS", "{p0}:e:*")}
        self.assertEqual(types, {"ACCOUNT_ACTIVE", "ENTITLEMENT_CREATION_REQUESTED",
                                 "ENTITLEMENT_ACTIVE"})

    def test_certificates(self):
        """The other form of Google's keys is read as well."""
        box = self.start(Google, [listing("acme")])
        self.keys_of(box, "gcp/google", "/gcp/certs/oauth2/v1/certs")
        self.assertEqual(self.front.count("hook.keys_refused"), 0)
        self.assertTrue(event("x"))


if __name__ == "__main__":
    unittest.main()
