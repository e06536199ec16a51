#include "net/oauth.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/rand.h"
#include "net/oauth_reply.h"

enum {
    EARLY_MS = 5 * 60000,
    PACE_MS = 1000,
    CONFIG_MS = 30000,
    BACKOFF_CAP_MS = 60000,
    RETRY_AFTER_CAP_MS = 10 * 60000,
    CALL_MS = 10000,
    BODY_MAX = 64 * 1024
};

struct oauth_wait {
    TAILQ_ENTRY(oauth_wait) link;
    struct oauth *o;
    uint64_t round;
    oauth_cb *cb;
    void *arg;
};
TAILQ_HEAD(oauth_waits, oauth_wait);

struct oauth {
    uv_loop_t *loop;
    struct http *http;
    struct oauth_source source;
    struct oauth_waits waits;
    uint64_t round; /* who comes while waiters are answered belongs to the next round */
    uv_timer_t kick;
    bool closing;

    struct buf token; /* empty: none */
    bool dropped;
    int64_t got_ms, expires_ms, refresh_ms; /* wall clock, for the peer's end is told in it */

    /* The chain of requests under way, and how the last one ended (monotonic clock). */
    bool fetching;
    bool renewed; /* while it was fetched: with the old credentials */
    unsigned step, failures;
    struct http_call *call;
    struct buf previous;
    uint64_t pace_at, retry_at;
    enum oauth_class cls;
    char code[OAUTH_CODE];
};

static void on_kick(uv_timer_t *t);

static void wipe(struct buf *b)
{
    if (b->p)
        sodium_memzero(b->p, b->cap);
    buf_free(b);
}

static void kick(struct oauth *o, uint64_t ms)
{
    if (!o->closing)
        uv_timer_start(&o->kick, on_kick, ms, 0);
}

/* A clock that was set back must not lengthen a token's life. */
static bool usable(const struct oauth *o)
{
    int64_t now = clock_wall_ms();

    return o->token.len && !o->dropped && now < o->expires_ms && now >= o->got_ms - EARLY_MS;
}

static void answer(struct oauth_wait *w, enum oauth_class cls, const char *token, const char *code)
{
    TAILQ_REMOVE(&w->o->waits, w, link);
    w->cb(w->arg, cls, token, code);
    free(w);
}

/* All who wait now. A callback may ask again, cancel others, drop the token or close. */
static void serve(struct oauth *o)
{
    uint64_t round = o->round++;
    struct oauth_wait *w;

    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it cannot follow TAILQ_REMOVE */
    while (!o->closing && (w = TAILQ_FIRST(&o->waits)) && w->round <= round) {
        if (usable(o)) {
            answer(w, OAUTH_OK, buf_cstr(&o->token), "");
        } else if (clock_mono_ms() < o->retry_at) {
            answer(w, o->cls, NULL, o->code);
        } else {
            kick(o, 0);
            return;
        }
    }
}

static void fetch_end(struct oauth *o)
{
    o->fetching = false;
    o->step = 0;
    wipe(&o->previous);
    buf_init(&o->previous, OAUTH_REPLY_MAX);
}

static void failed(struct oauth *o, enum oauth_class cls, const char *code, uint64_t retry_after)
{
    uint64_t wait = CONFIG_MS;

    fetch_end(o);
    o->cls = cls;
    if (code != o->code)
        snprintf(o->code, sizeof(o->code), "%s", code);
    if (cls == OAUTH_RETRY) {
        wait = PACE_MS + rand_backoff_ms(o->failures++, PACE_MS, BACKOFF_CAP_MS);
        if (retry_after > wait)
            wait = retry_after < RETRY_AFTER_CAP_MS ? retry_after : RETRY_AFTER_CAP_MS;
    }
    o->retry_at = o->renewed ? 0 : clock_mono_ms() + wait;
    o->renewed = false;
    serve(o);
}

static void publish(struct oauth *o, struct str body)
{
    int64_t now = clock_wall_ms(), life = 0;
    struct buf token;

    buf_init(&token, OAUTH_TOKEN_MAX);
    if (oauth_reply_token(body, now, &token, &life)) {
        wipe(&token);
        failed(o, OAUTH_RETRY, "NoTokenInAnswer", 0);
        return;
    }
    fetch_end(o);
    wipe(&o->token);
    o->token = token;
    o->dropped = false;
    o->got_ms = now;
    o->expires_ms = now + life;
    o->refresh_ms = o->expires_ms - (life / 10 < EARLY_MS ? life / 10 : EARLY_MS);
    o->failures = 0;
    o->retry_at = 0;
    if (o->renewed)
        o->refresh_ms = 0;
    o->renewed = false;
    serve(o);
}

static void next_step(struct oauth *o);

static void on_reply(void *arg, const struct http_reply *r)
{
    struct oauth *o = arg;
    enum oauth_class cls;

    o->call = NULL;
    if (o->closing)
        return;
    cls = oauth_reply_class(r, o->code);
    if (cls != OAUTH_OK) {
        failed(o, cls, o->code, r->retry_after_ms);
    } else if (++o->step >= o->source.steps) {
        publish(o, r->body);
    } else {
        wipe(&o->previous);
        buf_init(&o->previous, OAUTH_REPLY_MAX);
        buf_str(&o->previous, r->body);
        next_step(o);
    }
}

static int start(struct oauth *o, const struct oauth_request *rq)
{
    const char *headers[4] = {"Accept: application/json"};
    struct http_request hr = {.method = rq->method,
                              .url = buf_cstr(&rq->url),
                              .headers = headers,
                              .body = buf_view(&rq->body),
                              .timeout_ms = CALL_MS,
                              .reply_max = OAUTH_REPLY_MAX,
                              .allow = http_url_allow(buf_cstr(&rq->url)) |
                                       (rq->metadata ? HTTP_METADATA : 0)};
    struct buf type;
    size_t n = 1;

    buf_init(&type, 200);
    buf_fmt(&type, "Content-Type: %s",
            rq->content_type ? rq->content_type : "application/x-www-form-urlencoded");
    if (hr.body.n)
        headers[n++] = buf_cstr(&type);
    if (rq->header.len)
        headers[n++] = buf_cstr(&rq->header);
    if (buf_err(&type) == 0)
        o->call = http_start(o->http, &hr, on_reply, o);
    buf_free(&type);
    return o->call ? 0 : -ENOMEM;
}

static void next_step(struct oauth *o)
{
    struct oauth_request rq = {.method = "POST"};
    const char *why = "NoMemory";
    enum oauth_class cls = OAUTH_RETRY;
    int rc;

    buf_init(&rq.url, 4096);
    buf_init(&rq.body, BODY_MAX);
    buf_init(&rq.header, BODY_MAX);
    rc = o->source.make(o->source.arg, o->step, buf_view(&o->previous), &rq, &why);
    if (rc == 0 && (buf_err(&rq.url) || buf_err(&rq.body) || buf_err(&rq.header))) {
        why = "RequestTooBig";
        rc = -EMSGSIZE;
    }
    if (rc && rc != -ENOMEM && rc != -EAGAIN)
        cls = OAUTH_CONFIG;
    if (rc == 0)
        rc = start(o, &rq);
    wipe(&rq.url);
    wipe(&rq.body);
    wipe(&rq.header);
    if (rc)
        failed(o, cls, why, 0);
}

static void on_kick(uv_timer_t *t)
{
    struct oauth *o = t->data;
    uint64_t now = clock_mono_ms();
    bool have = usable(o);

    if (!o->fetching && now >= o->retry_at && (!have || clock_wall_ms() >= o->refresh_ms)) {
        if (now >= o->pace_at) {
            o->fetching = true;
            o->pace_at = now + PACE_MS;
            next_step(o);
        } else if (!have) {
            kick(o, o->pace_at - now);
        }
    }
    if (have || (!o->fetching && now < o->retry_at))
        serve(o);
}

struct oauth_wait *oauth_get(struct oauth *o, oauth_cb *cb, void *arg)
{
    struct oauth_wait *w = o->closing ? NULL : calloc(1, sizeof(*w));

    if (!w)
        return NULL;
    w->o = o;
    w->cb = cb;
    w->arg = arg;
    w->round = o->round;
    TAILQ_INSERT_TAIL(&o->waits, w, link);
    kick(o, 0);
    return w;
}

void oauth_cancel(struct oauth_wait *w)
{
    TAILQ_REMOVE(&w->o->waits, w, link);
    free(w);
}

/* Wiped when the next one comes: a callback may still look at it. */
void oauth_drop(struct oauth *o, const char *token)
{
    if (o->token.len && str_eq_secret(buf_view(&o->token), str_of(token)))
        o->dropped = true;
}

void oauth_renew(struct oauth *o)
{
    o->renewed = o->fetching;
    o->retry_at = 0;
    o->refresh_ms = 0;
    kick(o, 0);
}

int64_t oauth_left_ms(const struct oauth *o)
{
    return usable(o) ? o->expires_ms - clock_wall_ms() : 0;
}

int oauth_open(uv_loop_t *loop, struct http *http, const struct oauth_source *source,
               struct oauth **out)
{
    struct oauth *o = calloc(1, sizeof(*o));

    *out = NULL;
    if (!o)
        return -ENOMEM;
    o->loop = loop;
    o->http = http;
    o->source = *source;
    TAILQ_INIT(&o->waits);
    buf_init(&o->token, OAUTH_TOKEN_MAX);
    buf_init(&o->previous, OAUTH_REPLY_MAX);
    uv_timer_init(loop, &o->kick);
    o->kick.data = o;
    *out = o;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct oauth *o = handle->data;

    wipe(&o->token);
    wipe(&o->previous);
    free(o);
}

void oauth_close(struct oauth **op)
{
    struct oauth *o = *op;
    struct oauth_wait *w;

    if (!o)
        return;
    *op = NULL;
    o->closing = true;
    if (o->call)
        http_cancel(o->call);
    while ((w = TAILQ_FIRST(&o->waits))) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it cannot follow TAILQ_REMOVE */
        answer(w, OAUTH_RETRY, NULL, "Canceled");
    }
    uv_close((uv_handle_t *)&o->kick, on_closed);
}
