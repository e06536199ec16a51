#include "sandbox/sb_aws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/sb_cbor.h"
#include "sandbox/sb_fault.h"
#include "sandbox/sb_ops.h"

#define RPC    "/service/AWSMPEntitlementService/operation/"
#define METER  "AWSMPMeteringService."
#define ENTITL "AWSMPEntitlementService."
#define AGREE  "AWSMPCommerceService_v20200301."
#define SQS_NS "http://queue.amazonaws.com/doc/2012-11-05/"
#define STS_NS "https://sts.amazonaws.com/doc/2011-06-15/"
#define AGR_ER "com.amazon.awsmpcommerceservice"
#define SQS_ER "com.amazonaws.sqs"
#define EAST   "us-east-1"
#define J10    SB_PROTO_JSON10
#define J11    SB_PROTO_JSON11
#define QRY    SB_PROTO_QUERY
#define MP     "aws-marketplace"

static const struct sb_op ops[] = {
    {METER "ResolveCustomer", "ResolveCustomer", MP, NULL, "", "", J11, sb_resolve_customer},
    {METER "BatchMeterUsage", "BatchMeterUsage", MP, NULL, "", "", J11, sb_meter_batch},
    {ENTITL "GetEntitlements", "GetEntitlements", MP, EAST, "", "", J11, sb_entitle_get},
    {AGREE "DescribeAgreement", "DescribeAgreement", MP, EAST, AGR_ER, "", J10, sb_agree_describe},
    {AGREE "GetAgreementTerms", "GetAgreementTerms", MP, EAST, AGR_ER, "", J10, sb_agree_terms},
    {AGREE "GetAgreementEntitlements", "GetAgreementEntitlements", MP, EAST, AGR_ER, "", J10,
     sb_agree_entitlements},
    {AGREE "SearchAgreements", "SearchAgreements", MP, EAST, AGR_ER, "", J10, sb_agree_search},
    {"AmazonSQS.ReceiveMessage", "ReceiveMessage", "sqs", EAST, SQS_ER, "", J10, sb_sqs_receive},
    {"AmazonSQS.DeleteMessage", "DeleteMessage", "sqs", EAST, SQS_ER, "", J10, sb_sqs_delete},
    {"AmazonSQS.DeleteMessageBatch", "DeleteMessageBatch", "sqs", EAST, SQS_ER, "", J10,
     sb_sqs_delete_batch},
    {"AmazonSQS.ChangeMessageVisibility", "ChangeMessageVisibility", "sqs", EAST, SQS_ER, "", J10,
     sb_sqs_visibility},
    {"AmazonSQS.GetQueueUrl", "GetQueueUrl", "sqs", EAST, SQS_ER, "", J10, sb_sqs_url},
    {"AmazonSQS.SendMessage", "SendMessage", "sqs", EAST, SQS_ER, "", J10, sb_sqs_send},
    {"AmazonSQS.GetQueueAttributes", "GetQueueAttributes", "sqs", EAST, SQS_ER, "", J10,
     sb_sqs_attributes},
    {"ReceiveMessage", "ReceiveMessage", "sqs", EAST, "", SQS_NS, QRY, sb_sqs_receive},
    {"DeleteMessage", "DeleteMessage", "sqs", EAST, "", SQS_NS, QRY, sb_sqs_delete},
    {"ChangeMessageVisibility", "ChangeMessageVisibility", "sqs", EAST, "", SQS_NS, QRY,
     sb_sqs_visibility},
    {"GetQueueUrl", "GetQueueUrl", "sqs", EAST, "", SQS_NS, QRY, sb_sqs_url},
    {"SendMessage", "SendMessage", "sqs", EAST, "", SQS_NS, QRY, sb_sqs_send},
    {"GetQueueAttributes", "GetQueueAttributes", "sqs", EAST, "", SQS_NS, QRY, sb_sqs_attributes},
    {"AssumeRole", "AssumeRole", "sts", NULL, "", STS_NS, QRY, sb_sts_assume},
    {"AssumeRoleWithWebIdentity", "AssumeRoleWithWebIdentity", NULL, NULL, "", STS_NS, QRY,
     sb_sts_web_identity},
    {"GetCallerIdentity", "GetCallerIdentity", "sts", NULL, "", STS_NS, QRY, sb_sts_identity},
};

/* The one operation that newer SDKs call by rpc-v2-cbor. */
static const struct sb_op cbor_op = {
    ENTITL "GetEntitlements", "GetEntitlements", MP, EAST, "", "", SB_PROTO_CBOR, sb_entitle_get};

/* What AWS answers to a bad signature, by protocol. */
static const struct {
    const char *json, *query, *text;
} refusals[] = {
    [SB_AUTH_OK] = {"", "", ""},
    [SB_AUTH_MISSING] = {"MissingAuthenticationTokenException", "MissingAuthenticationToken",
                         "Request is missing Authentication Token"},
    [SB_AUTH_INCOMPLETE] = {"IncompleteSignatureException", "IncompleteSignature",
                            "Authorization header requires Credential, SignedHeaders with host and "
                            "all x-amz- headers, Signature and an X-Amz-Date header."},
    [SB_AUTH_UNKNOWN_KEY] = {"UnrecognizedClientException", "InvalidClientTokenId",
                             "The security token included in the request is invalid."},
    [SB_AUTH_TOKEN_EXPIRED] = {"ExpiredTokenException", "ExpiredToken",
                               "The security token included in the request is expired"},
    [SB_AUTH_SCOPE] = {"InvalidSignatureException", "SignatureDoesNotMatch",
                       "Credential should be scoped to a valid region, service and date."},
    [SB_AUTH_TOO_OLD] = {"InvalidSignatureException", "SignatureDoesNotMatch",
                         "Signature expired: the request is more than 5 min. old"},
    [SB_AUTH_TOO_NEW] = {"InvalidSignatureException", "SignatureDoesNotMatch",
                         "Signature not yet current: the request is more than 5 min. ahead"},
    [SB_AUTH_EXPIRED] = {"RequestExpired", "RequestExpired", "Request has expired."},
    [SB_AUTH_MISMATCH] = {"InvalidSignatureException", "SignatureDoesNotMatch",
                          "The request signature we calculated does not match the signature you "
                          "provided. Check your AWS Secret Access Key and signing method."},
};

static bool is_form(const struct sb_req *req)
{
    return str_starts(sb_req_header(req, "content-type"), STR("application/x-www-form-urlencoded"));
}

bool sb_aws_wants(const struct sb_req *req)
{
    if (!str_is(req->method, "POST"))
        return false;
    return sb_req_header(req, "x-amz-target").n > 0 || str_is(req->path, "/") ||
           str_starts(req->path, STR("/000000000000/")) || str_starts(req->path, STR(RPC));
}

static const struct sb_op *find_op(const struct sb_req *req)
{
    struct str target = sb_req_header(req, "x-amz-target");
    bool query = target.n == 0;
    char action[64];

    if (str_starts(req->path, STR(RPC)))
        return str_is(req->path, RPC "GetEntitlements") ? &cbor_op : NULL;
    if (query && (!is_form(req) || sb_req_field(req->body, "Action", action, sizeof(action))))
        return NULL;
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if ((ops[i].proto == SB_PROTO_QUERY) == query &&
            str_is(query ? str_of(action) : target, ops[i].target))
            return &ops[i];
    }
    return NULL;
}

static int authorize(struct sb_call *c)
{
    enum sb_auth rc;

    if (!c->op->service)
        return 0;
    rc = sb_auth_check(c->s, c->req, c->op->service, c->op->region, &c->auth);
    if (rc == SB_AUTH_OK)
        return 0;
    return sb_call_fail(c, c->proto == SB_PROTO_QUERY ? refusals[rc].query : refusals[rc].json,
                        "%s", refusals[rc].text);
}

static int read_input(struct sb_call *c)
{
    int rc;

    if (c->req->too_big)
        return sb_call_fail(c, "RequestEntityTooLargeException", "the request is too large");
    if (c->proto == SB_PROTO_QUERY)
        rc = sb_call_form(c->req->body, &c->in);
    else if (c->proto == SB_PROTO_CBOR)
        rc = sb_cbor_decode(c->req->body, &c->in);
    else
        rc = json_parse(c->req->body, SB_BODY_MAX, &c->in);
    if (rc || !cJSON_IsObject(c->in))
        return sb_call_fail(c, "SerializationException", "the request body cannot be read");
    return 0;
}

static const char *internal_error(const struct sb_call *c)
{
    if (!strcmp(c->op->service ? c->op->service : "", MP))
        return c->proto == SB_PROTO_JSON10 ? "InternalServerException"
                                           : "InternalServiceErrorException";
    return "InternalFailure";
}

/* Faults that strike before anything happens. True: the call is over. */
static bool fault_before(struct sb_call *c, enum sb_fault_kind kind, uint64_t ms)
{
    bool query = c->proto == SB_PROTO_QUERY;

    switch (kind) {
    case SB_FAULT_THROTTLE:
        sb_call_fail(c, query ? "Throttling" : "ThrottlingException", "Rate exceeded");
        return true;
    case SB_FAULT_5XX:
        sb_call_fail(c, internal_error(c), "An internal error occurred");
        return true;
    case SB_FAULT_DENIED:
        sb_call_fail(c, query ? "AccessDenied" : "AccessDeniedException", "not authorized");
        return true;
    case SB_FAULT_EXPIRED_CREDENTIALS:
        sb_call_fail(c, query ? "ExpiredToken" : "ExpiredTokenException", "%s",
                     refusals[SB_AUTH_TOKEN_EXPIRED].text);
        return true;
    case SB_FAULT_TIMEOUT_BEFORE:
        sb_call_fail(c, "timeout-before", "no answer");
        sb_core_hold(c->s, ms);
        c->resp->wire = SB_WIRE_DROP;
        return true;
    default:
        return false;
    }
}

void sb_aws_count(struct sb *s, const char *op, bool ok)
{
    struct sb_calls *k = NULL;

    for (size_t i = 0; !k && i < s->calls.n; i++) {
        struct sb_calls *have = s->calls.p[i];
        if (!strcmp(have->op, op))
            k = have;
    }
    if (!k) {
        k = calloc(1, sizeof(*k));
        if (!k || sb_vec_add(&s->calls, k)) {
            free(k);
            return;
        }
        snprintf(k->op, sizeof(k->op), "%s", op);
    }
    if (ok)
        k->ok++;
    else
        k->failed++;
}

static void run(struct sb_call *c)
{
    enum sb_fault_kind kind = SB_FAULT_NONE;
    uint64_t ms = 0;

    if (authorize(c) == 0 && read_input(c) == 0) {
        kind = sb_fault_call(c->s, c->op->name, &ms);
        if (!fault_before(c, kind, ms))
            c->op->fn(c);
    }
    sb_aws_count(c->s, c->op->name, !c->code);
    sb_ledger_add(&c->s->ledger, sb_core_now(c->s), c->op->name, c->purchase,
                  c->code ? c->code : "ok",
                  kind != SB_FAULT_NONE ? sb_fault_name(kind) : c->detail);
    sb_call_answer(c);
    sb_fault_spoil(c->s, c->resp, kind, ms);
}

void sb_aws_handle(struct sb *s, const struct sb_req *req, struct sb_resp *resp)
{
    struct sb_call c = {.s = s, .req = req, .resp = resp, .op = find_op(req)};
    bool query = sb_req_header(req, "x-amz-target").n == 0;

    buf_init(&c.out, SB_REPLY_MAX);
    jsonw_init(&c.w, &c.out);
    c.proto = c.op ? c.op->proto : query ? SB_PROTO_QUERY : SB_PROTO_JSON11;
    if (c.op) {
        run(&c);
    } else {
        sb_call_fail(&c, query ? "InvalidAction" : "UnknownOperationException",
                     "the operation is unknown");
        sb_aws_count(s, "unknown", false);
        sb_call_answer(&c);
    }
    cJSON_Delete(c.in);
    buf_free(&c.out);
}
