#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "market/aws.h"

#define JSON11 "application/x-amz-json-1.1"
#define JSON10 "application/x-amz-json-1.0"

enum { API_MS = 5000, SIDE_MS = 5000, REPLY = 1 << 20, POLL_MS = 30000 };

const struct aws_op aws_resolve_customer = {EP_METERING, "AWSMPMeteringService.ResolveCustomer",
                                            JSON11,      "aws-marketplace",
                                            API_MS,      REPLY,
                                            false,       true};
const struct aws_op aws_get_entitlements = {
    EP_ENTITLEMENT, "AWSMPEntitlementService.GetEntitlements",
    JSON11,         "aws-marketplace",
    API_MS,         REPLY,
    false,          false};
const struct aws_op aws_describe_agreement = {
    EP_AGREEMENT, "AWSMPCommerceService_v20200301.DescribeAgreement",
    JSON10,       "aws-marketplace",
    SIDE_MS,      REPLY,
    false,        false};
const struct aws_op aws_get_terms = {
    EP_AGREEMENT, "AWSMPCommerceService_v20200301.GetAgreementTerms",
    JSON10,       "aws-marketplace",
    SIDE_MS,      REPLY,
    false,        false};
const struct aws_op aws_get_agreement_entitlements = {
    EP_AGREEMENT, "AWSMPCommerceService_v20200301.GetAgreementEntitlements",
    JSON10,       "aws-marketplace",
    SIDE_MS,      REPLY,
    false,        false};
const struct aws_op aws_search_agreements = {
    EP_AGREEMENT, "AWSMPCommerceService_v20200301.SearchAgreements",
    JSON10,       "aws-marketplace",
    SIDE_MS,      REPLY,
    false,        false};
const struct aws_op aws_receive = {
    EP_SQS, "AmazonSQS.ReceiveMessage", JSON10, "sqs", POLL_MS, AWS_JSON_MAX, true, false};
const struct aws_op aws_delete = {
    EP_SQS, "AmazonSQS.DeleteMessage", JSON10, "sqs", API_MS, REPLY, false, false};

static void attempt(struct aws_job *j);

static void fail(struct aws_job *j, enum market_class cls, const char *code, uint64_t retry_after)
{
    j->answer(j, &(struct aws_answer){cls, code, retry_after, NULL});
}

static bool is_clock_error(struct str code)
{
    return str_is(code, "RequestExpired") || str_is(code, "InvalidSignatureException") ||
           str_is(code, "SignatureDoesNotMatch") || str_is(code, "RequestTimeTooSkewed");
}

static bool is_expired(struct str code)
{
    return str_is(code, "ExpiredTokenException") || str_is(code, "ExpiredToken");
}

/* true: tried again with what was learnt. */
static bool second_try(struct aws_job *j, const struct http_reply *r, struct str code)
{
    int64_t date;

    if (is_clock_error(code) && j->clock_retries == 0 && clock_parse_http(r->date, &date) == 0) {
        j->clock_retries++;
        j->m->skew_ms = date - clock_wall_ms();
        attempt(j);
        return true;
    }
    /* ExpiredTokenException has two meanings: our session, or the buyer's token. What it says
     * again under fresh credentials is the second. */
    if (is_expired(code) && j->creds_retries == 0) {
        j->creds_retries++;
        aws_creds_expire(j->m->creds, j->generation);
        attempt(j);
        return true;
    }
    if (str_is(code, "UnrecognizedClientException") || str_is(code, "InvalidClientTokenId"))
        aws_creds_expire(j->m->creds, j->generation);
    return false;
}

static void on_error(struct aws_job *j, const struct http_reply *r, const cJSON *body)
{
    struct str code = aws_error_code(body, r->error_type);
    const char *name;

    if (second_try(j, r, code))
        return;
    name = code.n ? aws_keep(j->a, code) : arena_fmt(j->a, "Http%d", r->status);
    fail(j, aws_classify(j->op, r->status, code), name ? name : "", r->retry_after_ms);
}

static void on_reply(void *arg, const struct http_reply *r)
{
    struct aws_job *j = arg;
    enum market_class cls;
    cJSON *json = NULL;
    const char *code;
    struct str body = r->body.n ? r->body : STR("{}");

    j->http = NULL;
    if (r->rc) {
        code = market_transport_code(r->rc, &cls);
        fail(j, cls, code, r->retry_after_ms);
        return;
    }
    if (json_parse(body, AWS_JSON_MAX, &json) || !cJSON_IsObject(json)) {
        cJSON_Delete(json);
        json = NULL;
    }
    if (r->status != 200)
        on_error(j, r, json);
    else if (json)
        j->answer(j, &(struct aws_answer){MARKET_OK, "", 0, json});
    else
        fail(j, MARKET_RETRY, "MalformedReply", 0);
    cJSON_Delete(json);
}

static int headers_of(struct aws_job *j, const struct sigv4_credentials *k, const char **out)
{
    const struct aws_place *at = &j->m->at[j->op->at];
    const struct sigv4_header h[] = {{STR("content-type"), str_of(j->op->type)},
                                     {STR("host"), str_of(at->host)},
                                     {STR("x-amz-target"), str_of(j->op->target)}};
    const struct sigv4_request rq = {.method = "POST",
                                     .path = STR("/"),
                                     .headers = h,
                                     .nheaders = 3,
                                     .body = j->body,
                                     .region = at->region,
                                     .service = j->op->service,
                                     .now_ms = clock_wall_ms() + j->m->skew_ms,
                                     .normalize_path = true};
    struct sigv4_result res;
    int rc = sigv4_sign(&rq, k, &res);

    if (rc == 0) {
        out[0] = arena_fmt(j->a, "Content-Type: %s", j->op->type);
        out[1] = arena_fmt(j->a, "X-Amz-Target: %s", j->op->target);
        out[2] = arena_fmt(j->a, "X-Amz-Date: %s", res.date);
        out[3] = arena_fmt(j->a, "Authorization: %s", buf_cstr(&res.authorization));
        out[4] = *k->session_token ? arena_fmt(j->a, "X-Amz-Security-Token: %s", k->session_token)
                                   : NULL;
        out[5] = NULL;
        if (!out[0] || !out[1] || !out[2] || !out[3] || (*k->session_token && !out[4]))
            rc = -ENOMEM;
    }
    sigv4_free(&res);
    return rc;
}

static void send_signed(struct aws_job *j, const struct sigv4_credentials *k)
{
    const struct aws_place *at = &j->m->at[j->op->at];
    const char *headers[6];
    struct http_request rq = {.method = "POST",
                              .url = at->url,
                              .headers = headers,
                              .body = j->body,
                              .timeout_ms = j->op->timeout_ms,
                              .reply_max = j->op->reply_max,
                              .allow = at->allow,
                              .long_poll = j->op->long_poll,
                              .repeatable = true}; /* all of these read or delete by handle */

    if (headers_of(j, k, headers)) {
        fail(j, MARKET_CONFIG, "CannotSign", 0);
        return;
    }
    j->http = http_start(j->m->http, &rq, on_reply, j);
    if (!j->http)
        fail(j, MARKET_RETRY, "NoMemory", 0);
}

static void on_creds(void *arg, int rc, const char *why)
{
    struct aws_job *j = arg;

    (void)why;
    j->waiting = false;
    if (rc == -EAGAIN)
        fail(j, MARKET_RETRY, "CredentialsUnavailable", 0);
    else if (rc)
        fail(j, MARKET_CONFIG, rc == -ENOENT ? "NoCredentials" : "CredentialsRefused", 0);
    else
        attempt(j);
}

static void attempt(struct aws_job *j)
{
    struct sigv4_credentials k;

    if (j->m->closing) {
        fail(j, MARKET_RETRY, "Canceled", 0);
    } else if (aws_creds_now(j->m->creds, &k, &j->generation)) {
        send_signed(j, &k);
    } else {
        j->waiting = true;
        aws_creds_wait(j->m->creds, &j->wait, on_creds, j);
    }
}

void aws_call(struct aws_job *j, const struct aws_op *op, const struct buf *body, aws_answer_cb *cb)
{
    j->op = op;
    j->answer = cb;
    j->clock_retries = j->creds_retries = 0;
    j->body = arena_str(j->a, buf_view(body));
    if (buf_err(body) || j->body.n != body->len)
        fail(j, MARKET_RETRY, "NoMemory", 0);
    else
        attempt(j);
}

void aws_call_cancel(struct aws_job *j)
{
    if (j->waiting) {
        aws_creds_unwait(j->m->creds, &j->wait);
        j->waiting = false;
        fail(j, MARKET_RETRY, "Canceled", 0);
    } else if (j->http) {
        http_cancel(j->http);
    }
}
