/* One inbound event from its arrival to its answer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/problem.h"
#include "base/clock.h"
#include "base/enc.h"
#include "base/log.h"
#include "hooks/hook_event.h"
#include "hooks/hooks_int.h"
#include "route.h"
#include "store/store.h"

enum {
    RETRY_AFTER_S = 5,
    REMEMBER_MS = 10 * 60 * 1000, /* a stored event */
    LOGS_PER_SECOND = 10
};

struct hook {
    struct hook_waiter waiter; /* first: what waits is this */
    struct req *r;
    struct hooks *h;
    struct hook_ring *ring;
    struct str token;
    char kid[JWK_KID_MAX];
    struct hook_event event;
};

/* A refused call is worth a line: it is an attack or a wrong setting. A flood is worth ten. */
static bool may_log(struct hooks *h)
{
    int64_t second = (int64_t)clock_mono_ms() / 1000;

    if (second != h->log_second)
        h->log_count = 0;
    h->log_second = second;
    return h->log_count++ < LOGS_PER_SECOND;
}

static void refuse(struct hook *k, const char *why)
{
    if (may_log(k->h))
        LOG(LOG_WARN, "hook.refused", F("channel", k->ring->m->channel),
            F("product", k->ring->m->name), F("why", why), F("request", k->r->id));
    problem_send(k->r, 401, "not_genuine", NULL);
}

static void come_again(struct hook *k, const char *why)
{
    if (may_log(k->h))
        LOG(LOG_WARN, "hook.cannot_know", F("channel", k->ring->m->channel),
            F("product", k->ring->m->name), F("why", why), F("request", k->r->id));
    k->r->resp.retry_after = RETRY_AFTER_S;
    problem_send(k->r, 503, "unavailable", NULL);
}

static void stored(struct req *r)
{
    r->resp.status = 200;
    req_done(r);
}

static bool event_hash(const struct hook *k, uint8_t hash[HASH_LEN])
{
    return enc_hex_dec(str_of(k->event.key.dedupe), hash, HASH_LEN) == HASH_LEN;
}

static void on_event(void *arg, int rc, const struct store_rows *rows)
{
    struct hook *k = arg;
    uint8_t hash[HASH_LEN];

    (void)rows;
    if (rc) {
        come_again(k, "store");
        return;
    }
    if (event_hash(k, hash))
        hook_seen_put(k->h->events, hash, (int64_t)clock_mono_ms() + REMEMBER_MS);
    stored(k->r);
}

static void put_event(struct hook *k)
{
    const struct cfg_market *m = k->ring->m;
    const struct str none = {NULL, 0};
    char at[24];

    snprintf(at, sizeof(at), "%lld", (long long)clock_wall_ms());
    const struct str args[9] = {
        str_of(k->event.key.id),
        str_of(k->event.key.dedupe),
        str_of(m->channel),
        str_of(m->name),
        str_of(k->event.type),
        none,
        none,
        k->r->body,
        str_of(at),
    };

    store_call(k->ring->store, k->event.key.shard, STORE_EVENT_PUT, args, 9, on_event, k);
}

/* RFC 8259 11; parameters (charset) say nothing more. */
static bool json_type(struct str type)
{
    struct str rest, media = str_trim(str_cut(type, ';', &rest));

    return media.n == 0 || str_ieq(media, STR("application/json"));
}

/* The token is genuine: now the body. */
static void genuine(struct hook *k)
{
    uint8_t hash[HASH_LEN];
    int rc;

    if (!json_type(k->r->content_type)) {
        problem_send(k->r, 415, "media_type", NULL);
        return;
    }
    rc = hook_event_read(k->ring->m, k->r->body, store_shards(k->ring->store), &k->event);
    if (rc == -ENOMEM)
        come_again(k, "memory");
    else if (rc)
        problem_send(k->r, 400, "json_malformed", NULL);
    else if (event_hash(k, hash) && hook_seen_has(k->h->events, hash, (int64_t)clock_mono_ms()))
        stored(k->r);
    else
        put_event(k);
}

/* A verified token is good for its set and its product only. */
static void token_hash(const struct hook *k, uint8_t hash[HASH_LEN])
{
    struct buf b;

    buf_init(&b, JWT_MAX + 512);
    buf_fmt(&b, "%lld\n%s\n%s\n", (long long)k->ring->fetched, k->ring->m->channel,
            k->ring->m->name);
    buf_str(&b, k->token);
    hash_sha256(buf_view(&b), hash);
    buf_free(&b);
}

static void verify(struct hook *k)
{
    int64_t now = clock_wall_ms(), until;
    uint8_t hash[HASH_LEN];
    enum jwt_fault f;

    token_hash(k, hash);
    if (!hook_seen_has(k->h->tokens, hash, now)) {
        f = hook_trust(k->ring->m, k->ring->set, k->token, now, &until);
        if (f != JWT_OK) {
            refuse(k, jwt_fault_name(f));
            return;
        }
        hook_seen_put(k->h->tokens, hash, until);
    }
    genuine(k);
}

static void on_loaded(struct hook_waiter *w, int rc);

static void judge(struct hook *k)
{
    switch (hook_keys_state(k->ring, str_of(k->kid), (int64_t)clock_mono_ms())) {
    case HOOK_KEY_HERE:
        verify(k);
        break;
    case HOOK_KEY_LOAD:
        k->waiter.loaded = on_loaded;
        hook_keys_load(k->ring, &k->waiter);
        break;
    case HOOK_KEY_NONE:
        refuse(k, jwt_fault_name(JWT_KID));
        break;
    case HOOK_KEY_UNKNOWN:
        hook_keys_want(k->ring);
        come_again(k, k->ring->set ? "unknown key" : "no keys yet");
        break;
    }
}

static void on_loaded(struct hook_waiter *w, int rc)
{
    struct hook *k = (struct hook *)(void *)w;

    if (rc)
        come_again(k, "store");
    else
        judge(k);
}

/* RFC 6750 2.1. Empty: not exactly one bearer token. */
static struct str bearer(const struct req *r)
{
    struct str v = req_param(r, "HTTP_AUTHORIZATION"), token = str_from(v, 7);

    if (req_param_twice(r, "HTTP_AUTHORIZATION") || !str_ieq(str_sub(v, 0, 7), STR("Bearer ")) ||
        str_chr(token, ' ') >= 0 || str_chr(token, ',') >= 0)
        return str_make(NULL, 0);
    return token;
}

static struct hook_ring *ring_of(struct hooks *h, struct str channel, struct str product)
{
    for (size_t i = 0; h && i < h->n; i++)
        if (str_is(channel, h->ring[i].m->channel) && str_is(product, h->ring[i].m->name))
            return &h->ring[i];
    return NULL;
}

void hook_post(struct req *r, const struct str *bound)
{
    struct hooks *h = ((struct front *)r->app)->hooks;
    struct hook_ring *ring = ring_of(h, bound[0], bound[1]);
    struct hook *k = ring ? arena_alloc(r->arena, sizeof(*k)) : NULL;

    if (!k) {
        route_error(r, ROUTE_API, ring ? 503 : 404, ring ? "unavailable" : "not_found");
        return;
    }
    *k = (struct hook){.r = r, .h = h, .ring = ring, .token = bearer(r)};
    if (k->token.n == 0)
        refuse(k, "no bearer token");
    else if (jwt_kid(k->token, k->kid, sizeof(k->kid)) != 0)
        refuse(k, jwt_fault_name(JWT_MALFORMED));
    else
        judge(k);
}
