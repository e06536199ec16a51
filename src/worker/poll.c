/*
 * poll: one long poll per configured product with a queue; a message is acknowledged only after its
 * event is in Redis. Products that share a queue share one poller: an event finds its product by
 * product code, else the poller's own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/rand.h"
#include "store/event_key.h"
#include "worker/event_json.h"
#include "worker/truth.h"

enum { RAW_MAX = 65536 };

struct poller {
    struct poller *next;
    struct worker *w;
    struct snapshot *snap;
    size_t index; /* of the market in the snapshot */
    uv_timer_t timer;
    unsigned failures;
    unsigned open; /* calls that are out */
    bool stopping;
};

struct stored {
    struct poller *p;
    char receipt[2048];
};

static void poll_now(struct poller *p);

static void closed(uv_handle_t *h)
{
    struct poller *p = h->data;

    snapshot_unref(&p->snap);
    free(p);
}

static void release(struct poller *p)
{
    p->open--;
    if (p->stopping && p->open == 0 && !uv_is_closing((uv_handle_t *)&p->timer))
        uv_close((uv_handle_t *)&p->timer, closed);
}

static void acked(void *arg, enum market_class cls)
{
    struct stored *s = arg;

    if (cls != MARKET_OK)
        LOG(LOG_WARN, "poll.ack", F("class", market_class_name(cls)));
    release(s->p);
    free(s);
}

static void ack(struct stored *s)
{
    struct poller *p = s->p;

    crash_point("poll.before_ack");
    p->snap->market_ops[p->index]->ack(p->snap->markets[p->index], s->receipt, acked, s);
}

static void put(void *arg, int rc, const struct store_rows *rows)
{
    struct stored *s = arg;

    if (rc) {
        /* Not acknowledged: the queue delivers it again. */
        LOG(LOG_WARN, "poll.store", FI("rc", rc));
        release(s->p);
        free(s);
        return;
    }
    if (str_is(store_get(rows, "dup"), "1"))
        LOG(LOG_DEBUG, "poll.duplicate");
    ack(s);
}

static const struct cfg_market *product_of(const struct poller *p, const struct market_event *e)
{
    const struct cfg_market *own = &p->snap->cfg->markets[p->index], *m = NULL;

    if (e->product_code[0])
        m = config_market_by_code(p->snap->cfg, str_of(e->product_code));
    if (!m && e->product_id[0])
        m = config_market_by_id(p->snap->cfg, str_of(e->product_id));
    return m && strcmp(m->channel, own->channel) == 0 ? m : own;
}

/* understood false: the event task tries to read it again and parks what nobody can read. */
static void store_message(struct poller *p, const struct market_message *m, bool understood)
{
    const struct cfg_market *product = product_of(p, &m->event);
    struct str channel = str_of(product->channel), raw = str_sub(m->raw, 0, RAW_MAX);
    struct stored *s = calloc(1, sizeof(*s));
    struct event_key key;
    struct str args[9];
    struct buf json;
    char at[24];

    if (!s || str_copy(str_of(m->receipt), s->receipt, sizeof(s->receipt))) {
        free(s);
        return;
    }
    s->p = p;
    p->open++;
    buf_init(&json, RAW_MAX);
    if (understood)
        event_json_write(&m->event, &json);
    event_key(channel, understood ? str_of(m->event.dedupe) : raw, store_shards(p->w->store), &key);
    snprintf(at, sizeof(at), "%lld", (long long)m->event.time_ms);
    args[0] = str_of(key.id);
    args[1] = str_of(key.dedupe);
    args[2] = channel;
    args[3] = str_of(product->name);
    args[4] = str_of(m->event.type);
    args[5] = understood ? str_of(market_event_name(m->event.kind)) : STR("");
    args[6] = buf_view(&json);
    args[7] = raw;
    args[8] = str_of(at);
    crash_point("poll.before_store");
    store_call(p->w->store, key.shard, STORE_EVENT_PUT, args, 9, put, s);
    buf_free(&json);
}

/* What SQS holds and nobody can read is left to the queue's redrive policy. Pub/Sub has none unless
 * somebody made one, and would deliver it for a week: that is kept here, for an operator. */
static void reject(struct poller *p, const struct market_message *m)
{
    LOG(LOG_ERROR, "poll.refused", F("product", p->snap->cfg->markets[p->index].name),
        F("why", m->why), FI("deliveries", m->deliveries));
    if (m->rc == -EBADMSG && standing_channel(&p->snap->cfg->markets[p->index]))
        store_message(p, m, false);
}

static void again(uv_timer_t *timer)
{
    poll_now(timer->data);
}

static void received(void *arg, const struct market_batch *b)
{
    struct poller *p = arg;
    uint64_t delay = 1;

    if (b->cls != MARKET_OK) {
        delay = 200 + rand_backoff_ms(p->failures++, 500, 30000);
        if (b->retry_after_ms > delay)
            delay = b->retry_after_ms;
        if (!p->stopping)
            LOG(LOG_WARN, "poll.failed", F("class", market_class_name(b->cls)), F("code", b->code),
                FI("delay_ms", delay));
        if (b->cls == MARKET_CONFIG && !p->stopping)
            alarm_raise(p->w, &p->snap->cfg->markets[p->index], "alert-credentials", "", b->code);
    } else {
        p->failures = 0;
        for (size_t i = 0; i < b->n; i++) {
            if (b->messages[i].rc)
                reject(p, &b->messages[i]);
            else
                store_message(p, &b->messages[i], true);
        }
    }
    if (!p->stopping)
        uv_timer_start(&p->timer, again, delay, 0);
    release(p);
}

static void poll_now(struct poller *p)
{
    p->open++;
    p->snap->market_ops[p->index]->poll(p->snap->markets[p->index], received, p);
}

static bool shared_queue(const struct config *c, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(c->markets[k].channel, c->markets[i].channel) == 0 &&
            strcmp(c->markets[k].queue_url, c->markets[i].queue_url) == 0)
            return true;
    return false;
}

void poll_start(struct worker *w)
{
    struct snapshot *snap = w->now;

    standing_tasks_start(w);
    for (size_t i = 0; i < snap->cfg->nmarkets && i < MARKETS_MAX; i++) {
        struct poller *p;

        if (!snap->markets[i] || !snap->market_ops[i]->poll ||
            snap->cfg->markets[i].queue_url[0] == '\0' || shared_queue(snap->cfg, i))
            continue;
        p = calloc(1, sizeof(*p));
        if (!p)
            continue;
        p->w = w;
        p->snap = snapshot_ref(snap);
        p->index = i;
        p->next = w->pollers;
        w->pollers = p;
        uv_timer_init(w->loop, &p->timer);
        p->timer.data = p;
        poll_now(p);
    }
}

void poll_stop(struct worker *w)
{
    struct poller *p, *next;

    for (p = w->pollers; p; p = next) {
        next = p->next;
        p->stopping = true;
        uv_timer_stop(&p->timer);
        p->open++;
        release(p);
    }
    w->pollers = NULL;
}

void poll_wake(struct worker *w)
{
    for (struct poller *p = w->pollers; p; p = p->next)
        if (p->failures && uv_is_active((uv_handle_t *)&p->timer)) {
            p->failures = 0;
            uv_timer_start(&p->timer, again, 0, 0);
        }
}

void poll_reload(struct worker *w)
{
    poll_stop(w);
    poll_start(w);
}
