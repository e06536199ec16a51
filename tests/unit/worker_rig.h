/*
 * worker_rig: a worker of role market on a Redis of its own, and the marketplace of fake_market.h.
 * Include once per test program.
 */
#ifndef LM_WORKER_RIG_H
#define LM_WORKER_RIG_H

#include "fake_market.h"

#include "base/log.h"
#include "store/event_key.h"
#include "worker/lease.h"
#include "worker/purchase.h"
#include "worker/worker.h"

enum { WAIT_STEPS = 6000 };

static UNUSED const char azure[] =
    "marketplaces:\n"
    "  - name: prod\n"
    "    cloud: azure\n"
    "    azure: {offer_id: offer, tenant_id: 1f2e3d4c-0000-4000-8000-000000000001,\n"
    "      client_id: 1f2e3d4c-0000-4000-8000-000000000002, client_secret_file: /etc/hostname}\n"
    "    plans:\n"
    "      silver: {deployment_template: one, default: true, changes: {gold: in-place}}\n"
    "      gold: {deployment_template: one, changes: {silver: refuse}}\n"
    "deployment_templates:\n"
    "  one: {engine: exec, command: [/bin/true]}\n";

static struct worker rig;

static UNUSED void rig_drained(struct worker *w)
{
    (void)w;
}

static UNUSED void rig_start(const char *config)
{
    struct snapshot *s = calloc(1, sizeof(*s));
    struct buf errors, text;

    assert_non_null(s);
    memset(&fake, 0, sizeof(fake));
    fake.commit_works = true;
    fake_caps_now = fake_caps;
    memset(&rig, 0, sizeof(rig));
    buf_init(&errors, 65536);
    buf_init(&text, 65536);
    buf_fmt(&text, "redis: {socket: %s}\n%s", fx.redis.socket, config);
    if (config_parse("test", buf_view(&text), &s->cfg, &errors))
        fail_msg("%s", buf_cstr(&errors));
    buf_free(&errors);
    buf_free(&text);
    s->refs = 1;
    for (size_t i = 0; i < s->cfg->nmarkets; i++) {
        s->markets[i] = (struct market *)(void *)&fake;
        s->market_ops[i] = &fake_ops;
    }
    rig.loop = &fx.loop;
    rig.now = s;
    rig.store = fx.store;
    rig.roles = ROLE_MARKET;
    rig.drained = rig_drained;
    snprintf(rig.id, sizeof(rig.id), "rig");
    snprintf(rig.seed, sizeof(rig.seed), "rig%u", (unsigned)rand_below(1000000));
    log_init("rig", getenv("RIG_LOG") ? "debug" : "error");
    assert_int_equal(http_open(rig.loop, 4, 4, &rig.http), 0);
    assert_int_equal(lease_open(&rig, 30000, &rig.leases), 0);
    assert_int_equal(sched_start(&rig), 0);
}

static UNUSED void rig_close_walk(uv_handle_t *h, void *arg)
{
    (void)arg;
    if (h != (uv_handle_t *)&fx.beat && !uv_is_closing(h))
        uv_close(h, NULL);
}

static UNUSED void rig_stop(void)
{
    rig.draining = true;
    sched_stop(&rig);
    for (int i = 0; i < WAIT_STEPS && rig.running; i++)
        uv_run(rig.loop, UV_RUN_ONCE);
    assert_int_equal(rig.running, 0);
    lease_close(&rig.leases);
    http_close(&rig.http);
    store_close(&fx.store);
    for (int i = 0; i < 20; i++)
        uv_run(rig.loop, UV_RUN_ONCE);
    snapshot_unref(&rig.now);
    uv_walk(rig.loop, rig_close_walk, NULL);
    loop_end();
    free(rig.shards); /* its timers lived in there */
    free(fx.rows);
    fx.rows = NULL;
}

/* Runs the worker until fn says so; eventually, not within some time. */
static UNUSED void rig_until(bool (*fn)(void *arg), void *arg, const char *what)
{
    for (int i = 0; i < WAIT_STEPS; i++) {
        if (fn(arg))
            return;
        uv_run(rig.loop, UV_RUN_ONCE);
    }
    fail_msg("never: %s", what);
}

static UNUSED const char *order_of(const char *channel, const char *purchase, unsigned *shard)
{
    static char id[ID_ORDER];

    *shard = purchase_order(&rig, str_of(channel), str_of(purchase), id);
    return id;
}

/* A field of the order of a purchase; "" without order. */
static UNUSED const char *order_field(const char *channel, const char *purchase, const char *name)
{
    unsigned shard;
    const char *id = order_of(channel, purchase, &shard);

    if (CALL(shard, STORE_ORDER_GET, id))
        return "";
    return field(name);
}

static UNUSED void send_event(const char *channel, const char *raw)
{
    static unsigned n;
    struct event_key key;
    char unique[32];

    snprintf(unique, sizeof(unique), "e%u", ++n);
    event_key(str_of(channel), str_of(unique), store_shards(fx.store), &key);
    OK(key.shard, STORE_EVENT_PUT, key.id, key.dedupe, channel, "prod", "t", "", "", raw, "0");
}

struct expect {
    const char *channel, *purchase, *name, *value;
};

static UNUSED bool has_value(void *arg)
{
    const struct expect *e = arg;

    return strcmp(order_field(e->channel, e->purchase, e->name), e->value) == 0;
}

static UNUSED void wait_field(const char *channel, const char *purchase, const char *name,
                              const char *value)
{
    struct expect e = {channel, purchase, name, value};

    rig_until(has_value, &e, name);
}

/* Until every event was worked on; what waits for later is not waited for. */
static UNUSED bool quiet(void *arg)
{
    char now[32];

    (void)arg;
    snprintf(now, sizeof(now), "%lld", (long long)clock_wall_ms() + 500);
    return rig.running == 0 && strcmp(RAW("ZCARD", "{p0}:lease"), "0") == 0 &&
           strcmp(RAW("ZCOUNT", "{p0}:ready:market", "-inf", now), "0") == 0;
}

#endif
