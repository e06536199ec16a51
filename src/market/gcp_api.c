#include <errno.h>
#include <stdio.h>

#include "market/gcp.h"

/* A pull waits up to 90 s at the server. */
enum { API_MS = 10000, PULL_MS = 100000, PUBLIC_MS = 5000 };

const struct gcp_op gcp_get = {.method = "GET", .timeout_ms = API_MS, .reply_max = GCP_JSON_MAX};
const struct gcp_op gcp_post = {.method = "POST", .timeout_ms = API_MS, .reply_max = 1 << 20};
const struct gcp_op gcp_patch = {.method = "PATCH", .timeout_ms = API_MS, .reply_max = 1 << 20};
const struct gcp_op gcp_pull = {.method = "POST",
                                .timeout_ms = PULL_MS,
                                .reply_max = GCP_JSON_MAX,
                                .long_poll = true,
                                .repeatable = true};
const struct gcp_op gcp_ack_op = {
    .method = "POST", .timeout_ms = API_MS, .reply_max = 64 * 1024, .repeatable = true};
const struct gcp_op gcp_public = {
    .method = "GET", .timeout_ms = PUBLIC_MS, .reply_max = JWK_TEXT_MAX, .anonymous = true};

static void attempt(struct gcp_job *j);

static void fail(struct gcp_job *j, enum market_class cls, const char *code, uint64_t retry_after)
{
    j->answer(j, &(struct gcp_answer){.cls = cls, .code = code, .retry_after_ms = retry_after});
}

static void on_error(struct gcp_job *j, const struct http_reply *r, const cJSON *body)
{
    struct gcp_answer a = {.status = r->status, .retry_after_ms = r->retry_after_ms};
    struct str code = gcp_error_code(body);

    if (r->status == 401 && !j->op->anonymous) {
        oauth_drop(j->m->oauth, j->bearer);
        if (j->retries++ == 0) {
            attempt(j);
            return;
        }
    }
    a.cls = gcp_classify(r->status, code);
    a.code = code.n ? gcp_keep(j->a, code) : arena_fmt(j->a, "Http%d", r->status);
    if (!a.code)
        a.code = "";
    j->answer(j, &a);
}

static void on_reply(void *arg, const struct http_reply *r)
{
    struct gcp_job *j = arg;
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
    if (json_parse(body, GCP_JSON_MAX, &json) || !cJSON_IsObject(json)) {
        cJSON_Delete(json);
        json = NULL;
    }
    if (r->status != 200)
        on_error(j, r, json);
    else if (json)
        j->answer(j, &(struct gcp_answer){.cls = MARKET_OK,
                                          .code = "",
                                          .status = 200,
                                          .max_age_ms = r->max_age_ms,
                                          .elapsed_ms = r->elapsed_ms,
                                          .text = body,
                                          .json = json});
    else
        fail(j, MARKET_RETRY, "MalformedReply", 0);
    cJSON_Delete(json);
}

static void transmit(struct gcp_job *j, const char *token)
{
    const char *headers[4] = {"Accept: application/json", NULL, NULL, NULL};
    struct http_request rq = {.method = j->op->method,
                              .url = j->url,
                              .headers = headers,
                              .body = j->body,
                              .timeout_ms = j->op->timeout_ms,
                              .reply_max = j->op->reply_max,
                              .allow = http_url_allow(j->url),
                              .long_poll = j->op->long_poll,
                              .repeatable = j->op->repeatable};
    size_t n = 1;

    if (token) {
        j->bearer = gcp_keep(j->a, str_of(token));
        headers[n] = arena_fmt(j->a, "Authorization: Bearer %s", token);
        if (!*j->bearer || !headers[n++]) {
            fail(j, MARKET_RETRY, "NoMemory", 0);
            return;
        }
    }
    if (j->body.n)
        headers[n] = "Content-Type: application/json";
    j->http = http_start(j->m->http, &rq, on_reply, j);
    if (!j->http)
        fail(j, MARKET_RETRY, "NoMemory", 0);
}

static void on_token(void *arg, enum oauth_class cls, const char *token, const char *code)
{
    struct gcp_job *j = arg;

    j->wait = NULL;
    if (cls == OAUTH_OK)
        transmit(j, token);
    else
        fail(j, cls == OAUTH_CONFIG ? MARKET_CONFIG : MARKET_RETRY,
             *code ? gcp_keep(j->a, str_of(code)) : "CredentialsUnavailable", 0);
}

static void attempt(struct gcp_job *j)
{
    if (j->m->closing) {
        fail(j, MARKET_RETRY, "Canceled", 0);
    } else if (j->op->anonymous) {
        transmit(j, NULL);
    } else {
        j->wait = oauth_get(j->m->oauth, on_token, j);
        if (!j->wait)
            fail(j, MARKET_RETRY, "NoMemory", 0);
    }
}

void gcp_call(struct gcp_job *j, const struct gcp_op *op, const char *url, const struct buf *body,
              gcp_answer_cb *cb)
{
    j->op = op;
    j->answer = cb;
    j->url = url;
    j->retries = 0;
    j->body = body ? arena_str(j->a, buf_view(body)) : str_make(NULL, 0);
    if (!url || (body && (buf_err(body) || j->body.n != body->len)))
        fail(j, MARKET_RETRY, "NoMemory", 0);
    else
        attempt(j);
}

void gcp_call_cancel(struct gcp_job *j)
{
    if (j->wait) {
        oauth_cancel(j->wait);
        j->wait = NULL;
        fail(j, MARKET_RETRY, "Canceled", 0);
    } else if (j->http) {
        http_cancel(j->http);
    }
}
