#!/usr/bin/python3
"""A purchase at Microsoft's public SaaS API emulator instead of our sandbox: the landing with an
unescaped token, resolve, activation, and what its owner does to a subscription later.

LASTMILE_AZURE_EMULATOR is its base URL (http://127.0.0.1:3978); without it this is skipped. Entra
is played by our sandbox: the emulator reads tokens and verifies none. Its webhooks carry no token
and are refused, so later events are found by comparing its list with ours."""
import base64
import json
import os
import sys
import unittest
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
from azure_rig import MARKET, TENANT, AzureCase, Offer
from faults import buyer

EMULATOR = os.environ.get("LASTMILE_AZURE_EMULATOR", "").rstrip("/")
CLIENT = "8f4a0000-0000-4000-8000-00000000000b"
BOB = {"emailId": "bob@fabrikam.example", "puid": "1", "tenantId":
       "fab00000-1111-4000-8000-000000000001", "objectId": "b0b00000-2222-4000-8000-000000000002"}


class Emulated(Offer):
    def market(self):
        text = MARKET.format(name=self.name, match="person", version="v1")
        text = text.replace("http://127.0.0.1:${sandbox_port}/azure/api", EMULATOR + "/api")
        text = text.replace(self.name + "-offer", "flat-rate")
        for n in (1, 2, 3):
            text += "    flat-rate-%d: {deployment_template: exec}\n" % n
        return text


@unittest.skipUnless(EMULATOR, "LASTMILE_AZURE_EMULATOR is not set")
class Emulator(AzureCase):
    options = {"offers": [Emulated()], "reconcile": "1s"}

    def call(self, method, path, body=None):
        path += ("&" if "?" in path else "?") + "api-version=2018-08-31&publisherId=" + \
            TENANT + CLIENT
        a = stack_http.request(method, EMULATOR + "/api/" + path, None if body is None else
                               json.dumps(body).encode(), {"Content-Type": "application/json"})
        self.assertLess(a.status, 300, a)
        return a

    def status(self, purchase):
        return self.call("GET", "saas/subscriptions/" + purchase["id"]).json().get(
            "saasSubscriptionStatus", "").strip()

    def test_life(self):
        web = self.s.origin() + "/marketplace/"
        self.call("PATCH", "util/config", {"webhookUrl": web + "hooks/azure/notes",
                                           "landingPageUrl": web + "azure/notes"})
        ident, token = str(uuid.uuid4()), ""
        while "+" not in token:  # "~" and "?" bring one, in the right place
            token = base64.b64encode(json.dumps({
                "id": ident, "name": "??>>~~" + os.urandom(2).hex(), "offerId": "flat-rate",
                "planId": "flat-rate-1", "beneficiary": BOB, "purchaser": BOB,
                "quantity": 1, "isFreeTrial": False, "autoRenew": True}).encode()).decode()
        p = {"id": ident, "landing_url": web + "azure/notes?token=" + token}
        registration = self.s.azure_sign_in(self.s.azure_land(p), "bob")
        self.s.form(registration)
        self.assertEqual(self.status(p), "PendingFulfillmentStart")
        self.s.wait_ready(self.s.register(registration, buyer()))
        self.assertEqual(self.status(p), "Subscribed")
        order = self.s.wait_order(p, fulfilment="READY", contract="ACTIVE", plan="flat-rate-1")
        for act, fields in (("suspend", {"contract": "SUSPENDED", "fulfilment": "SUSPENDED"}),
                            ("reinstate", {"contract": "ACTIVE", "fulfilment": "READY"}),
                            ("unsubscribe", {"contract": "CANCELLED", "fulfilment": "SUSPENDED"})):
            self.call("POST", "webhook/subscription/%s/%s" % (ident, act))
            self.s.wait_order(p, **fields)
        self.assertEqual(self.effects(order).count("create"), 1)


if __name__ == "__main__":
    unittest.main()
