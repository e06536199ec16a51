"""The sandbox, talked to by AWS's own Python SDK with AWS's own service models."""
import http.client
import json
import os
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stack_sandbox import CONTRACTS, KEY, SECRET, Sandbox  # noqa: E402

MODELS = os.path.join(CONTRACTS, "aws", "models")
try:
    import botocore.session
    from botocore.config import Config
    from botocore.exceptions import ClientError, HTTPClientError
    MISSING = None if os.path.isdir(MODELS) else "no service models at " + MODELS
except ImportError:
    MISSING = "python3-botocore is not installed"


def client(sandbox, service, models=True, **more):
    os.environ.pop("AWS_DATA_PATH", None)
    if models:
        os.environ["AWS_DATA_PATH"] = MODELS
    args = {"region_name": "us-east-1", "aws_access_key_id": KEY, "aws_secret_access_key": SECRET,
            "endpoint_url": sandbox.url,
            "config": Config(retries={"max_attempts": 0}, read_timeout=30)}
    args.update(more)
    session = botocore.session.Session()
    return session.create_client(service, **args)


def code_of(error):
    return error.response["Error"]["Code"]


def code(caught):
    return code_of(caught.exception)


@unittest.skipIf(MISSING, MISSING)
class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.box = Sandbox()
        cls.meter = client(cls.box, "meteringmarketplace")
        cls.ent = client(cls.box, "marketplace-entitlement")
        cls.agree = client(cls.box, "marketplace-agreement")
        cls.sqs = client(cls.box, "sqs")

    @classmethod
    def tearDownClass(cls):
        cls.box.stop()

    def tearDown(self):
        self.box.api("DELETE", "faults")

    def failing(self, want, call, **args):
        with self.assertRaises(ClientError) as e:
            call(**args)
        self.assertEqual(want, code(e), e.exception)

    def drain(self):
        """All receivable messages, deleted; parsed bodies."""
        out = []
        while True:
            got = self.sqs.receive_message(QueueUrl=self.box.queue, MaxNumberOfMessages=10,
                                           WaitTimeSeconds=0).get("Messages", [])
            for m in got:
                out.append(json.loads(m["Body"]))
                self.sqs.delete_message(QueueUrl=self.box.queue, ReceiptHandle=m["ReceiptHandle"])
            if not got:
                return out


class Resolve(Base):
    def test_concurrent(self):
        p = self.box.buy("acme")
        r = self.meter.resolve_customer(RegistrationToken=p["token"])
        self.assertEqual(r["LicenseArn"], p["license_arn"])
        self.assertEqual(r["CustomerAWSAccountId"], p["account_id"])
        self.assertEqual(r["ProductCode"], "code-acme")
        self.assertNotIn("CustomerIdentifier", r)
        self.assertEqual(r["LicenseArn"],
                         self.meter.resolve_customer(RegistrationToken=p["token"])["LicenseArn"])

    def test_legacy(self):
        p = self.box.buy("old", account="111122223333")
        r = self.meter.resolve_customer(RegistrationToken=p["token"])
        self.assertEqual(r["CustomerIdentifier"], p["customer_identifier"])
        self.assertNotIn("LicenseArn", r)

    def test_token_expiry(self):
        p = self.box.buy("plain")
        fresh = self.box.act(p, "token")
        self.box.act(p, "expire-token")
        for token in p["token"], fresh["token"]:
            self.failing("ExpiredTokenException", self.meter.resolve_customer,
                         RegistrationToken=token)
        again = self.box.act(p, "token")
        self.meter.resolve_customer(RegistrationToken=again["token"])
        self.failing("InvalidTokenException", self.meter.resolve_customer, RegistrationToken="nope")

    def test_two_licences_of_one_account(self):
        a, b = self.box.buy("plain"), self.box.buy("plain")
        got = {self.meter.resolve_customer(RegistrationToken=p["token"])["LicenseArn"]
               for p in (a, b)}
        self.assertEqual(got, {a["license_arn"], b["license_arn"]})


class Signature(Base):
    def test_wrong_secret(self):
        bad = client(self.box, "meteringmarketplace", aws_secret_access_key="x")
        self.failing("InvalidSignatureException", bad.resolve_customer, RegistrationToken="t")

    def test_wrong_key(self):
        bad = client(self.box, "meteringmarketplace", aws_access_key_id="AKIDOTHER")
        self.failing("UnrecognizedClientException", bad.resolve_customer, RegistrationToken="t")

    def test_token_that_nobody_issued(self):
        bad = client(self.box, "meteringmarketplace", aws_session_token="t")
        self.failing("UnrecognizedClientException", bad.resolve_customer, RegistrationToken="t")

    def test_wrong_region(self):
        bad = client(self.box, "marketplace-entitlement", region_name="eu-central-1")
        self.failing("InvalidSignatureException", bad.get_entitlements, ProductCode="code-acme")

    def test_clock_difference(self):
        for offset, want in ((-600000, "InvalidSignatureException"),
                             (600000, "InvalidSignatureException"), (1200000, "RequestExpired")):
            self.box.api("POST", "clock", {"offset_ms": offset})
            try:
                self.failing(want, self.meter.resolve_customer, RegistrationToken="t")
            finally:
                self.box.api("POST", "clock", {"offset_ms": 0})

    def test_unsigned(self):
        status, headers, body = self.box.http(
            "POST", "/", b"{}", {"X-Amz-Target": "AWSMPMeteringService.ResolveCustomer",
                                 "Content-Type": "application/x-amz-json-1.1"})
        self.assertEqual(status, 403)
        self.assertEqual(json.loads(body)["__type"], "MissingAuthenticationTokenException")
        self.assertTrue(headers["X-Amzn-ErrorType"].startswith("MissingAuth"))


class Entitlements(Base):
    def test_filters_and_pages(self):
        account = "222233334444"
        bought = [self.box.buy("plain", account=account, quantity=i + 1) for i in range(7)]
        pages = self.ent.get_paginator("get_entitlements")
        self.box.fault("GetEntitlements", "empty-page", count=2)
        got = [e for page in pages.paginate(ProductCode="code-plain", MaxResults=3,
                                            Filter={"CUSTOMER_AWS_ACCOUNT_ID": [account]})
               for e in page["Entitlements"]]
        self.assertEqual([e["Value"]["IntegerValue"] for e in got], list(range(1, 8)))
        self.assertEqual({e["LicenseArn"] for e in got}, {p["license_arn"] for p in bought})
        one = self.ent.get_entitlements(ProductCode="code-plain",
                                        Filter={"LICENSE_ARN": [bought[3]["license_arn"]]})
        self.assertEqual(len(one["Entitlements"]), 1)
        self.assertGreater(one["Entitlements"][0]["ExpirationDate"], datetime.now(timezone.utc))

    def test_refusals(self):
        for args in ({"ProductCode": "other"},
                     {"ProductCode": "code-plain", "NextToken": "rubbish"},
                     {"ProductCode": "code-plain",
                      "Filter": {"CUSTOMER_IDENTIFIER": ["x"], "CUSTOMER_AWS_ACCOUNT_ID": ["1"]}}):
            self.failing("InvalidParameterException", self.ent.get_entitlements, **args)

    def test_settling_and_end(self):
        p = self.box.buy("plain", settle_ms=3600000)
        args = {"ProductCode": "code-plain", "Filter": {"LICENSE_ARN": [p["license_arn"]]}}
        self.assertEqual(self.ent.get_entitlements(**args)["Entitlements"], [])
        q = self.box.buy("plain")
        args["Filter"]["LICENSE_ARN"] = [q["license_arn"]]
        self.assertEqual(len(self.ent.get_entitlements(**args)["Entitlements"]), 1)
        self.box.act(q, "cancel")
        self.assertEqual(self.ent.get_entitlements(**args)["Entitlements"], [])

    def test_cbor(self):
        """Newer SDKs prefer rpc-v2-cbor for this service; this one may be too old for it."""
        os.environ.pop("AWS_DATA_PATH", None)
        meta = botocore.session.Session().get_service_model("marketplace-entitlement").metadata
        if "cbor" not in meta["protocol"]:
            self.skipTest("this botocore does not speak rpc-v2-cbor")
        p = self.box.buy("plain")
        got = client(self.box, "marketplace-entitlement", models=False).get_entitlements(
            ProductCode="code-plain", Filter={"LICENSE_ARN": [p["license_arn"]]})
        self.assertEqual(got["Entitlements"][0]["Value"], {"IntegerValue": 5})
        self.assertGreater(got["Entitlements"][0]["ExpirationDate"], datetime.now(timezone.utc))


class Metering(Base):
    def record(self, p, quantity=1, hours=0, **more):
        r = {"Timestamp": self.box.now() - hours * 3600, "CustomerAWSAccountId": p["account_id"],
             "LicenseArn": p["license_arn"], "Dimension": "gb_stored", "Quantity": quantity}
        r.update(more)
        return {k: v for k, v in r.items() if v is not None}

    def send(self, *records, to=None, **more):
        time.sleep(0.15)  # the service takes ten requests in a second of its clock, of all clients
        return (to or self.meter).batch_meter_usage(UsageRecords=list(records), **more)

    def refused(self, want, *records, **more):
        with self.assertRaises(ClientError) as e:
            self.send(*records, **more)
        self.assertEqual(want, code(e), e.exception)

    def test_first_write_of_an_hour_wins(self):
        p = self.box.buy("payg")
        one = self.record(p, 5)
        first = self.send(one)["Results"][0]
        self.assertEqual(first["Status"], "Success")
        again = self.send(one)["Results"][0]
        self.assertEqual((again["Status"], again["MeteringRecordId"]),
                         ("Success", first["MeteringRecordId"]))
        other = self.send(dict(one, Quantity=6))["Results"][0]
        self.assertEqual(other["Status"], "DuplicateRecord")
        kept = [r for r in self.box.state()["records"] if r["purchase"] == p["id"]]
        self.assertEqual([(r["quantity"], r["sent"], r["conflicts"]) for r in kept], [(5, 2, 1)])
        elsewhere = client(self.box, "meteringmarketplace", region_name="eu-west-1")
        r = self.send(dict(one, Quantity=7), to=elsewhere)["Results"][0]
        self.assertEqual(r["Status"], "Success")

    def test_limits(self):
        p = self.box.buy("payg")
        self.refused("ValidationException", *[self.record(p, i) for i in range(26)])
        self.refused("TimestampOutOfBoundsException", self.record(p, hours=24.01))
        self.refused("TimestampOutOfBoundsException", self.record(p, hours=-2))
        self.refused("InvalidUsageDimensionException", self.record(p, Dimension="other"))
        self.refused("InvalidLicenseException", self.record(p, LicenseArn=p["license_arn"] + "0"))
        self.refused("InvalidLicenseException", self.record(p, CustomerAWSAccountId="999999999999"))
        self.refused("InvalidProductCodeException", self.record(p), ProductCode="code-payg")
        self.refused("InvalidCustomerIdentifierException",
                     self.record(p, CustomerAWSAccountId=None, CustomerIdentifier="x"))
        self.refused("InvalidLicenseException", self.record(p, LicenseArn=None),
                     ProductCode="code-payg")
        other = self.box.buy("acme")
        self.refused("InvalidLicenseException", self.record(p), self.record(other))
        good, poison = self.record(p), self.record(p, hours=30)
        self.refused("TimestampOutOfBoundsException", good, poison)
        self.assertEqual([r for r in self.box.state()["records"] if r["purchase"] == p["id"]], [])

    def test_one_megabyte(self):
        p = self.box.buy("payg")
        tags = [{"Key": "k%d" % i, "Value": "v" * 256} for i in range(5)]
        parts = [{"AllocatedUsageQuantity": 1,
                  "Tags": [{"Key": "n", "Value": str(i)}] + tags[:4]} for i in range(900)]
        self.refused("RequestEntityTooLargeException",
                     self.record(p, 900, UsageAllocations=parts))

    def test_allocations(self):
        p = self.box.buy("payg")
        tag = [{"Key": "team", "Value": "a"}]
        part = {"AllocatedUsageQuantity": 3, "Tags": tag}
        rest = {"AllocatedUsageQuantity": 2}
        r = self.send(self.record(p, 5, UsageAllocations=[part, rest]))["Results"][0]
        self.assertEqual(r["Status"], "Success")
        self.assertEqual(r["UsageRecord"]["UsageAllocations"], [part, rest])
        for bad in ([part], [part, part], [rest, rest, part]):
            total = sum(x["AllocatedUsageQuantity"] for x in bad)
            self.refused("InvalidUsageAllocationsException",
                         self.record(p, total + (len(bad) == 1), UsageAllocations=bad))
        self.refused("InvalidTagException", self.record(
            p, 1, UsageAllocations=[{"AllocatedUsageQuantity": 1,
                                     "Tags": [{"Key": "a#", "Value": "b"}]}]))

    def test_unprocessed(self):
        p = self.box.buy("payg")
        records = [self.record(p, 1), self.record(p, 2, Dimension="api_calls")]
        self.box.fault("BatchMeterUsage", "unprocessed")
        r = self.send(*records)
        self.assertEqual(len(r["Results"]), 1)
        self.assertEqual(r["UnprocessedRecords"][0]["Dimension"], "gb_stored")
        self.assertEqual(self.send(records[0])["Results"][0]["Status"], "Success")

    def test_an_hour_after_the_end(self):
        p = self.box.buy("payg")
        self.box.act(p, "cancel")
        self.assertEqual(self.send(self.record(p, 4))["Results"][0]["Status"], "Success")
        box = self.box
        box.advance(minutes=61)
        try:
            late = client(box, "meteringmarketplace")
            with frozen(box):
                r = self.send(self.record(p, 1, hours=1, Dimension="api_calls"), to=late)
        finally:
            box.api("POST", "clock", {"offset_ms": 0})
        self.assertEqual(r["Results"][0]["Status"], "CustomerNotSubscribed")

    def test_legacy(self):
        p = self.box.buy("old", account="333344445555")
        mine = {"Timestamp": time.time(), "CustomerIdentifier": p["customer_identifier"],
                "Dimension": "gb_stored", "Quantity": 3}
        r = self.send(mine, ProductCode="code-old")["Results"][0]
        self.assertEqual(r["Status"], "Success")
        by_account = dict(mine, CustomerAWSAccountId=p["account_id"])
        del by_account["CustomerIdentifier"]
        self.assertEqual(self.send(by_account, ProductCode="code-old")["Results"][0]["Status"],
                         "Success")
        self.refused("InvalidCustomerIdentifierException", dict(mine, CustomerIdentifier="no"),
                     ProductCode="code-old")
        self.refused("InvalidProductCodeException", mine, ProductCode="code-none")
        self.assertEqual(len([r for r in self.box.state()["records"]
                              if r["purchase"] == p["id"]]), 1)

    def test_rate(self):
        def ask(_):
            try:
                self.meter.batch_meter_usage(UsageRecords=[])
                return "ok"
            except ClientError as e:
                return code_of(e)

        codes, until = set(), time.monotonic() + 30
        with ThreadPoolExecutor(10) as pool:
            while len(codes) < 2 and time.monotonic() < until:
                codes |= set(pool.map(ask, range(25)))
        time.sleep(1.1)  # leave a fresh second to the next test
        self.assertEqual(codes, {"ok", "ThrottlingException"})


class frozen:
    """Signs by the sandbox's clock, as an SDK does after it has seen the Date of an answer."""

    def __init__(self, box):
        self.offset = box.state()["offset_ms"] / 1000

    def __enter__(self):
        import botocore.auth
        import datetime as dt
        self.auth, self.dt, offset = botocore.auth, botocore.auth.datetime, self.offset

        class Moved(dt.datetime):
            @classmethod
            def utcnow(cls):
                return dt.datetime.utcfromtimestamp(time.time() + offset)

        class Module:
            datetime = Moved
        self.auth.datetime = Module if hasattr(self.dt, "timedelta") else Moved
        self.current = getattr(self.auth, "get_current_datetime", None)
        if self.current:
            self.auth.get_current_datetime = lambda *a, **k: Moved.utcnow()

    def __exit__(self, *_):
        self.auth.datetime = self.dt
        if self.current:
            self.auth.get_current_datetime = self.current


class Agreements(Base):
    def test_contract_and_trial(self):
        p = self.box.buy("acme", trial=True, account="444455556666")
        d = self.agree.describe_agreement(agreementId=p["agreement_id"])
        self.assertEqual((d["status"], d["acceptor"]["accountId"]), ("ACTIVE", "444455556666"))
        self.assertEqual(d["proposalSummary"]["resources"][0]["id"], "prod-acme")
        terms = self.agree.get_agreement_terms(agreementId=p["agreement_id"])["acceptedTerms"]
        self.assertEqual([t["freeTrialPricingTerm"]["duration"] for t in terms
                          if "freeTrialPricingTerm" in t], ["P14D"])
        e = self.agree.get_agreement_entitlements(agreementId=p["agreement_id"])
        self.assertEqual(e["agreementEntitlements"][0]["licenseArn"], p["license_arn"])
        self.box.act(p, "cancel", status="TERMINATED")
        d = self.agree.describe_agreement(agreementId=p["agreement_id"])
        self.assertEqual(d["status"], "TERMINATED")
        e = self.agree.get_agreement_entitlements(agreementId=p["agreement_id"])
        self.assertEqual(e["agreementEntitlements"][0]["status"], "DEPROVISIONED")

    def test_open_end_and_unknown(self):
        p = self.box.buy("payg")
        self.assertIsNone(self.agree.describe_agreement(
            agreementId=p["agreement_id"]).get("endTime"))
        self.failing("ResourceNotFoundException", self.agree.describe_agreement,
                     agreementId="agmt-none")

    def test_search(self):
        account = "555566667777"
        mine = {self.box.buy("plain", account=account)["agreement_id"] for _ in range(5)}
        found, token = set(), {}
        while True:
            r = self.agree.search_agreements(
                catalog="AWSMarketplace", maxResults=2,
                filters=[{"name": "PartyType", "values": ["Proposer"]},
                         {"name": "AcceptorAccountId", "values": [account]}], **token)
            found |= {a["agreementId"] for a in r["agreementViewSummaries"]}
            if not r.get("nextToken"):
                break
            token = {"nextToken": r["nextToken"]}
        self.assertEqual(found, mine)


class Events(Base):
    def setUp(self):
        self.drain()

    def types(self, bodies):
        return [b["detail-type"] for b in bodies]

    def test_life(self):
        p = self.box.buy("acme")
        got = self.drain()
        self.assertEqual(self.types(got), ["Purchase Agreement Created - Proposer",
                                           "License Updated - Manufacturer"])
        self.assertEqual(got[0]["detail"]["agreement"]["intent"], "NEW")
        self.assertNotIn("license", got[0]["detail"])
        self.assertEqual(got[1]["detail"]["license"]["arn"], p["license_arn"])
        self.box.act(p, "upgrade", plan="enterprise", mode="amend")
        self.assertEqual(self.types(self.drain()), ["Purchase Agreement Amended - Proposer",
                                                    "License Updated - Manufacturer"])
        n = self.box.act(p, "renew")
        got = self.drain()
        self.assertEqual(self.types(got), ["Purchase Agreement Created - Proposer",
                                           "Purchase Agreement Ended - Proposer",
                                           "License Deprovisioned - Manufacturer",
                                           "License Updated - Manufacturer"])
        self.assertEqual(got[0]["detail"]["agreement"]["previousAgreementId"], p["agreement_id"])
        self.assertEqual(got[1]["detail"]["agreement"]["status"], "RENEWED")
        self.assertNotEqual(n["license_arn"], p["license_arn"])
        r = self.box.act(n, "upgrade", plan="starter", mode="replace", order="ended-first")
        got = self.drain()
        self.assertEqual(got[0]["detail"]["agreement"]["status"], "REPLACED")
        self.assertEqual(got[2]["detail"]["agreement"]["intent"], "REPLACE")
        self.assertNotIn("previousAgreementId", got[2]["detail"]["agreement"])
        self.box.act(r, "advisory")
        self.box.act(r, "advisory/resolve")
        self.assertEqual(self.types(self.drain()),
                         ["Purchase Agreement Advisory Issued - Manufacturer",
                          "Purchase Agreement Advisory Resolved - Manufacturer"])

    def test_examples_have_the_same_shape(self):
        """Every member that the reference examples have is there, with the same type."""
        folder = os.path.join(CONTRACTS, "aws", "examples")
        p = self.box.buy("acme")
        self.box.act(p, "upgrade", plan="enterprise")
        self.box.act(p, "advisory")
        self.box.act(p, "advisory/resolve")
        n = self.box.act(p, "renew")
        self.box.act(n, "cancel")
        c = self.box.buy("acme", cppo=True)
        self.box.buy("payg")
        got = self.drain()
        found = {}
        for b in got:
            a = b["detail"]["agreement"]
            found[(b["detail-type"], a.get("intent"), a.get("status") or "",
                   "endTime" in a)] = b
        checks = 0
        for name in sorted(os.listdir(folder)):
            if not name.startswith("event-"):
                continue
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                want = json.load(f)
            a = want["detail"]["agreement"]
            have = found.get((want["detail-type"], a.get("intent"), a.get("status") or "",
                              "endTime" in a))
            if have:
                self.same_shape(name, want, have)
                checks += 1
        self.assertGreaterEqual(checks, 8)
        self.assertTrue(c["cppo"])

    def same_shape(self, where, want, have):
        self.assertEqual(type(want), type(have), where)
        if isinstance(want, dict):
            for k, v in want.items():
                self.assertIn(k, have, where)
                self.same_shape(where + "." + k, v, have[k])

    def test_faults(self):
        self.box.fault("event", "drop")
        self.box.buy("payg")
        self.assertEqual(self.types(self.drain()), ["License Updated - Manufacturer"])
        self.box.fault("event:License Updated", "duplicate", n=2)
        self.box.buy("payg")
        self.assertEqual(len(self.drain()), 4)
        self.box.fault("event:Purchase Agreement Created", "reorder")
        self.box.buy("payg")
        self.assertEqual(self.types(self.drain()), ["License Updated - Manufacturer",
                                                    "Purchase Agreement Created - Proposer"])
        self.box.fault("event:License Updated", "delay", ms=60000)
        self.box.fault("event:License Updated", "doc-arn")
        self.box.buy("payg")
        self.assertEqual(len(self.drain()), 1)
        self.box.advance(seconds=61)
        try:
            late = self.drain()
        finally:
            self.box.api("POST", "clock", {"offset_ms": 0})
        self.assertTrue(late[0]["detail"]["license"]["arn"].startswith("aws:license-manager:"))

    def test_time_ends_agreements(self):
        p = self.box.buy("acme", days=1)
        t = self.box.buy("payg", trial=True, account="666677778888")
        self.drain()
        self.box.advance(days=15)
        try:
            self.assertEqual({x["id"]: x["status"] for x in self.box.state()["purchases"]
                              if x["id"] in (p["id"], t["id"])},
                             {p["id"]: "EXPIRED", t["id"]: "EXPIRED"})
        finally:
            self.box.api("POST", "clock", {"offset_ms": 0})

    def test_trial_once_and_becomes_paid(self):
        t = self.box.buy("payg", trial=True, account="777788889999")
        self.assertEqual(t["landing"]["fields"]["x-amzn-marketplace-offer-type"], "free-trial")
        with self.assertRaisesRegex(Exception, "409"):
            self.box.buy("payg", trial=True, account="777788889999")
        paid = self.box.act(t, "upgrade")
        self.assertFalse(paid["trial"])
        self.assertEqual(paid["previous_agreement_id"], t["agreement_id"])


class Queue(Base):
    def setUp(self):
        self.drain()

    def test_visibility(self):
        self.sqs.send_message(QueueUrl=self.box.queue, MessageBody="hello <&> \u00e9")
        take = {"QueueUrl": self.box.queue, "VisibilityTimeout": 30, "AttributeNames": ["All"]}
        a = self.sqs.receive_message(**take)["Messages"][0]
        self.assertEqual(a["Body"], "hello <&> \u00e9")
        self.assertEqual(a["Attributes"]["ApproximateReceiveCount"], "1")
        self.assertNotIn("Messages", self.sqs.receive_message(**take))
        self.sqs.change_message_visibility(QueueUrl=self.box.queue,
                                           ReceiptHandle=a["ReceiptHandle"], VisibilityTimeout=0)
        b = self.sqs.receive_message(**take)["Messages"][0]
        self.assertEqual((b["MessageId"], b["Attributes"]["ApproximateReceiveCount"]),
                         (a["MessageId"], "2"))
        self.sqs.delete_message(QueueUrl=self.box.queue, ReceiptHandle=a["ReceiptHandle"])
        n = self.sqs.get_queue_attributes(QueueUrl=self.box.queue, AttributeNames=["All"])
        self.assertEqual(n["Attributes"]["ApproximateNumberOfMessagesNotVisible"], "1")
        self.sqs.delete_message(QueueUrl=self.box.queue, ReceiptHandle=b["ReceiptHandle"])
        n = self.sqs.get_queue_attributes(QueueUrl=self.box.queue, AttributeNames=["All"])
        self.assertEqual(n["Attributes"]["ApproximateNumberOfMessagesNotVisible"], "0")

    def test_errors(self):
        self.failing_any("NonExistentQueue", self.sqs.receive_message, QueueUrl=self.box.url + "/x")
        self.failing_any("ReceiptHandleIsInvalid", self.sqs.delete_message, QueueUrl=self.box.queue,
                         ReceiptHandle="x")

    def failing_any(self, part, call, **args):
        with self.assertRaises(ClientError) as e:
            call(**args)
        self.assertTrue(part in code(e) or code(e) == "QueueDoesNotExist", code(e))

    def test_long_poll_wakes_for_an_event(self):
        import threading
        got = []
        t = threading.Thread(target=lambda: got.append(self.sqs.receive_message(
            QueueUrl=self.box.queue, WaitTimeSeconds=20)))
        t.start()
        self.box.buy("payg")
        t.join(60)
        self.assertEqual(len(got[0]["Messages"]), 1)
        self.sqs.delete_message(QueueUrl=self.box.queue,
                                ReceiptHandle=got[0]["Messages"][0]["ReceiptHandle"])

    def test_query_protocol(self):
        old = client(self.box, "sqs", models=False)
        if old.meta.service_model.metadata["protocol"] != "query":
            self.skipTest("this botocore speaks JSON to SQS")
        url = old.get_queue_url(QueueName="lastmile-events")["QueueUrl"]
        self.assertEqual(url, self.box.queue)
        old.send_message(QueueUrl=url, MessageBody="a<b>&\u00e9")
        m = old.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1,
                                AttributeNames=["ApproximateReceiveCount"])["Messages"][0]
        self.assertEqual(m["Body"], "a<b>&\u00e9")
        self.assertEqual(m["Attributes"], {"ApproximateReceiveCount": "1"})
        old.change_message_visibility(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"],
                                      VisibilityTimeout=60)
        old.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
        n = old.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        self.assertEqual(n["ApproximateNumberOfMessages"], "0")
        self.failing_any("NonExistentQueue", old.get_queue_url, QueueName="other")


class Sessions(Base):
    def test_assume_role(self):
        sts = client(self.box, "sts")
        c = sts.assume_role(RoleArn="arn:aws:iam::123456512334:role/seller",
                            RoleSessionName="test", ExternalId="partner", DurationSeconds=900)
        c = c["Credentials"]
        args = {"aws_access_key_id": c["AccessKeyId"],
                "aws_secret_access_key": c["SecretAccessKey"],
                "aws_session_token": c["SessionToken"]}
        p = self.box.buy("plain")
        m = client(self.box, "meteringmarketplace", **args)
        m.resolve_customer(RegistrationToken=p["token"])
        who = client(self.box, "sts", **args).get_caller_identity()
        self.assertIn("assumed-role/seller/test", who["Arn"])
        self.box.advance(minutes=16)
        try:
            with frozen(self.box):
                self.failing("ExpiredTokenException", m.resolve_customer,
                             RegistrationToken=p["token"])
        finally:
            self.box.api("POST", "clock", {"offset_ms": 0})

    def test_web_identity(self):
        sts = client(self.box, "sts")
        r = sts.assume_role_with_web_identity(RoleArn="arn:aws:iam::123456512334:role/pod",
                                              RoleSessionName="pod", WebIdentityToken="a.b.c")
        self.assertGreater(r["Credentials"]["Expiration"], datetime.now(timezone.utc))
        self.failing("SignatureDoesNotMatch",
                     client(self.box, "sts", aws_secret_access_key="x").get_caller_identity)

    def test_metadata_services(self):
        from botocore.utils import ContainerMetadataFetcher, InstanceMetadataFetcher
        found = InstanceMetadataFetcher(base_url=self.box.url + "/sandbox/imds/", timeout=30,
                                        config={"ec2_metadata_service_endpoint":
                                                self.box.url + "/sandbox/imds/"}
                                        ).retrieve_iam_role_credentials()
        self.assertEqual(found["role_name"], "lastmile-seller")
        got = ContainerMetadataFetcher().retrieve_full_uri(self.box.url + "/sandbox/ecs")
        m = client(self.box, "meteringmarketplace", aws_access_key_id=got["AccessKeyId"],
                   aws_secret_access_key=got["SecretAccessKey"], aws_session_token=got["Token"])
        self.failing("InvalidTokenException", m.resolve_customer, RegistrationToken="t")
        self.assertEqual(self.box.http("GET", "/sandbox/eks")[0], 401)


class Faults(Base):
    def test_codes(self):
        for kind, want in (("throttle", "ThrottlingException"),
                           ("5xx", "InternalServiceErrorException"),
                           ("access-denied", "AccessDeniedException"),
                           ("expired-credentials", "ExpiredTokenException")):
            self.box.fault("ResolveCustomer", kind)
            self.failing(want, self.meter.resolve_customer, RegistrationToken="t")
        self.failing("InvalidTokenException", self.meter.resolve_customer, RegistrationToken="t")

    def test_silence(self):
        p = self.box.buy("payg")
        m = client(self.box, "meteringmarketplace",
                   config=Config(retries={"max_attempts": 0}, read_timeout=1))
        for kind, effect in ("timeout-before", 0), ("timeout-after-effect", 1):
            self.box.fault("BatchMeterUsage", kind, ms=5000)
            rec = {"Timestamp": time.time(), "CustomerAWSAccountId": p["account_id"],
                   "LicenseArn": p["license_arn"], "Dimension": "gb_stored", "Quantity": 1}
            with self.assertRaises(HTTPClientError):
                m.batch_meter_usage(UsageRecords=[rec])
            self.assertEqual(len([r for r in self.box.state()["records"]
                                  if r["purchase"] == p["id"]]), effect, kind)

    def test_broken_answers(self):
        ask = b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&WebIdentityToken=a.b.c" \
              b"&RoleArn=arn:aws:iam::123456512334:role/pod&RoleSessionName=pod"
        args = ("POST", "/", ask, {"Content-Type": "application/x-www-form-urlencoded"})
        self.box.fault("AssumeRoleWithWebIdentity", "truncate")
        with self.assertRaises(http.client.IncompleteRead) as e:
            self.box.http(*args)
        self.assertGreater(len(e.exception.partial), 10)
        self.box.fault("AssumeRoleWithWebIdentity", "never-ending", ms=500)
        with self.assertRaises(http.client.IncompleteRead) as e:
            self.box.http(*args)
        self.assertTrue(e.exception.partial.strip().endswith(b"Response>"))
        self.box.fault("AssumeRoleWithWebIdentity", "slow", ms=300)
        self.assertIn(b"<AccessKeyId>", self.box.http(*args)[2])
        self.box.fault("AssumeRoleWithWebIdentity", "not-json")
        self.assertIn(b"<html>", self.box.http(*args)[2])
        self.assertIn(b"<AccessKeyId>", self.box.http(*args)[2])


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
