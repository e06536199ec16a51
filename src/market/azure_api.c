/* One request to the fulfilment API or to Entra. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/json.h"
#include "base/rand.h"
#include "market/azure.h"
#include "net/oauth_reply.h"

enum { CALL_MS = 10000, FORBIDDEN_MS = 60000, HEADERS = 8 };

#define VERSION "?api-version=2018-08-31"

static void attempt(struct azure_job *j);

static void fail(struct azure_job *j, enum market_class cls, const char *code, uint64_t retry_after)
{
    j->answer(j, &(struct azure_answer){cls, code ? code : "", retry_after, 0, NULL});
}

/* {"code"}, {"error":{"code"}}, {"Error":{"Code"}}, {"error":"..."} (Entra); a 403 may be a bare
 * text. */
static struct str error_code(const cJSON *j)
{
    static const char *const objects[] = {"error", "Error"};
    struct str s = json_str(j, "code");

    if (s.n == 0)
        s = json_str(j, "Code");
    for (size_t i = 0; i < 2 && s.n == 0; i++) {
        s = json_str(json_obj(j, objects[i]), "code");
        if (s.n == 0)
            s = json_str(json_obj(j, objects[i]), "Code");
    }
    return s.n <= 100 && str_text(s) ? s : str_make(NULL, 0);
}

static enum market_class classify(int status)
{
    if (status >= 200 && status < 300)
        return MARKET_OK;
    if (status == 408 || status == 429 || status >= 500)
        return MARKET_RETRY;
    return status == 404 ? MARKET_GONE : MARKET_CONFIG;
}

/* A 401 always costs the token; a 403 at most one a minute: it may be about one subscription. */
static bool once_more(struct azure_job *j, int status)
{
    uint64_t now = clock_mono_ms();

    if (!j->rq.bearer || j->again || (status != 401 && status != 403))
        return false;
    if (status == 403) {
        if (j->m->dropped_at && now - j->m->dropped_at < FORBIDDEN_MS)
            return false;
        j->m->dropped_at = now;
    }
    j->again = true;
    oauth_drop(j->m->oauth, j->token);
    attempt(j);
    return true;
}

/* Then it is not Microsoft's, and says nothing of a subscription. An empty body is. */
static bool is_page(const struct azure_job *j, const struct http_reply *r, struct str body,
                    const cJSON *json)
{
    bool matters = r->status == 404 || (r->status < 300 && strcmp(j->rq.method, "GET") == 0);

    return !json && matters && str_trim(body).n > 0;
}

static void refused(struct azure_job *j, const struct http_reply *r, struct azure_answer *a)
{
    char word[OAUTH_CODE];
    struct str code = error_code(a->json);

    if (code.n == 0) {
        (void)oauth_reply_class(r, word);
        code = str_of(word);
    }
    a->code = arena_dup(j->a, code);
    if (!a->code)
        a->code = "";
}

static void on_reply(void *arg, const struct http_reply *r)
{
    struct azure_job *j = arg;
    struct azure_answer a = {.code = "", .retry_after_ms = r->retry_after_ms, .status = r->status};
    struct str body = r->body;
    bool secret = !j->rq.bearer;
    cJSON *json = NULL;

    j->http = NULL;
    if (r->rc) {
        const char *code = market_transport_code(r->rc, &a.cls);

        fail(j, a.cls, code, r->retry_after_ms);
        return;
    }
    if (once_more(j, r->status))
        return;
    if (str_starts(body, STR("\xef\xbb\xbf")))
        body = str_from(body, 3);
    if (body.n && json_parse(body, AZURE_JSON_MAX, &json))
        json = NULL;
    if (is_page(j, r, body, json)) {
        fail(j, MARKET_RETRY, "NotJson", r->retry_after_ms);
        return;
    }
    a.cls = classify(r->status);
    a.json = json;
    if (a.cls != MARKET_OK)
        refused(j, r, &a);
    j->answer(j, &a); /* j may be gone now */
    if (secret)
        oauth_json_wipe(&json);
    else
        cJSON_Delete(json);
}

/* A version 4 GUID (RFC 9562). */
static void guid(char out[37])
{
    unsigned char b[16];
    size_t n = 0;

    rand_bytes(b, sizeof(b));
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof(b); i++)
        n += (size_t)snprintf(out + n, 37 - n,
                              i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
}

static bool headers_of(struct azure_job *j, const char **out)
{
    const struct azure_request *rq = &j->rq;
    char id[37];
    size_t n = 0;

    out[n++] = "Accept: application/json";
    if (rq->type)
        out[n++] = arena_fmt(j->a, "Content-Type: %s", rq->type);
    if (rq->header)
        out[n++] = rq->header;
    if (rq->bearer) {
        guid(id);
        out[n++] = arena_fmt(j->a, "Authorization: Bearer %s", j->token);
        out[n++] = arena_fmt(j->a, "x-ms-requestid: %s", id);
        out[n++] =
            arena_fmt(j->a, "x-ms-correlationid: %s", *rq->correlation ? rq->correlation : id);
    }
    for (size_t i = 0; i < n; i++)
        if (!out[i])
            return false;
    out[n] = NULL;
    return true;
}

static void send_it(struct azure_job *j)
{
    const char *headers[HEADERS];
    struct http_request rq = {.method = j->rq.method,
                              .url = j->rq.url,
                              .headers = headers,
                              .body = j->rq.body,
                              .timeout_ms = CALL_MS,
                              .reply_max = AZURE_JSON_MAX,
                              .allow = http_url_allow(j->rq.url),
                              .repeatable = j->rq.repeatable};

    if (headers_of(j, headers))
        j->http = http_start(j->m->http, &rq, on_reply, j);
    if (!j->http)
        fail(j, MARKET_RETRY, "NoMemory", 0);
}

static void on_token(void *arg, enum oauth_class cls, const char *token, const char *code)
{
    struct azure_job *j = arg;

    j->wait = NULL;
    if (cls != OAUTH_OK) {
        fail(j, cls == OAUTH_CONFIG ? MARKET_CONFIG : MARKET_RETRY, arena_dup(j->a, str_of(code)),
             0);
        return;
    }
    j->token = arena_dup(j->a, str_of(token));
    if (j->token)
        send_it(j);
    else
        fail(j, MARKET_RETRY, "NoMemory", 0);
}

static void attempt(struct azure_job *j)
{
    if (j->m->closing) {
        fail(j, MARKET_RETRY, "Canceled", 0);
    } else if (!j->rq.bearer) {
        send_it(j);
    } else {
        j->wait = oauth_get(j->m->oauth, on_token, j);
        if (!j->wait)
            fail(j, MARKET_RETRY, "NoMemory", 0);
    }
}

void azure_call(struct azure_job *j, const struct azure_request *rq, azure_answer_cb *cb)
{
    j->rq = *rq;
    j->rq.body = arena_str(j->a, rq->body);
    j->answer = cb;
    j->again = false;
    if (!j->rq.correlation)
        j->rq.correlation = "";
    if (!rq->url || j->rq.body.n != rq->body.n)
        fail(j, MARKET_RETRY, "NoMemory", 0);
    else
        attempt(j);
}

void azure_call_cancel(struct azure_job *j)
{
    if (j->wait) {
        oauth_cancel(j->wait);
        j->wait = NULL;
        fail(j, MARKET_RETRY, "Canceled", 0);
    } else if (j->http) {
        http_cancel(j->http);
    }
}

const char *azure_url(struct azure_job *j, const char *id, const char *tail)
{
    const char *slash = *id ? "/" : "";

    return arena_fmt(j->a, "%s/saas/subscriptions%s%s%s" VERSION, j->m->api, slash, id, tail);
}

static void get(struct azure_job *j, const char *url, const char *id, azure_answer_cb *cb)
{
    const struct azure_request rq = {
        .method = "GET", .url = url, .correlation = id, .bearer = true};

    azure_call(j, &rq, cb);
}

void azure_get(struct azure_job *j, const char *id, azure_answer_cb *cb)
{
    get(j, azure_url(j, id, ""), id, cb);
}

void azure_get_operation(struct azure_job *j, const char *operation, azure_answer_cb *cb)
{
    const char *tail = *operation ? arena_fmt(j->a, "/operations/%s", operation) : "/operations";

    get(j, tail ? azure_url(j, j->p.purchase, tail) : NULL, j->p.purchase, cb);
}
