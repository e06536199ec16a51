/* What a walk found, in the words of an event. See reconcile.h. */
#include "store/event_key.h"
#include "worker/event_json.h"
#include "worker/reconcile.h"

enum { JSON_MAX = 65536 };

static void stored(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot store what was found", 0);
    else
        reconcile_agreement_next(t);
}

void reconcile_store_event(struct task *t, const struct market_event *e)
{
    struct agreement_work *k = t->state;
    const char *unique = arena_fmt(t->arena, "reconcile\n%s\n%s\n%lld", e->agreement,
                                   market_event_name(e->kind), (long long)k->r->started);
    struct event_key key;
    struct buf json;
    struct args a;

    buf_init(&json, JSON_MAX);
    event_json_write(e, &json);
    if (!unique || buf_err(&json)) {
        buf_free(&json);
        task_retry(t, "RETRY", "no memory for what was found", 0);
        return;
    }
    event_key(k->r->channel, str_of(unique), store_shards(t->w->store), &key);
    args_init(&a, t);
    args_add(&a, arena_str(t->arena, str_of(key.id)));
    args_add(&a, arena_str(t->arena, str_of(key.dedupe)));
    args_add(&a, k->r->channel);
    args_add(&a, k->r->product);
    args_cstr(&a, e->type);
    args_cstr(&a, market_event_name(e->kind));
    args_add(&a, arena_str(t->arena, buf_view(&json)));
    args_cstr(&a, "");
    args_int(&a, e->time_ms);
    buf_free(&json);
    task_store(t, key.shard, STORE_EVENT_PUT, a.v, a.n, stored);
}

struct market_event reconcile_event_of(const struct agreement_work *k, enum market_event_kind kind)
{
    struct market_event e = market_event_none;
    int64_t known = k->x->now.exists ? k->x->now.at : 0;

    e.kind = kind;
    e.type = "reconcile";
    e.reason = k->p->status;
    e.purchase = k->p->purchase;
    e.license = k->p->license;
    e.agreement = k->p->agreement;
    e.account = k->p->account;
    e.offer = k->p->offer;
    e.product_code = k->r->cfg->product_code;
    e.starts_ms = k->p->starts_ms;
    e.ends_ms = k->p->ends_ms;
    e.time_ms = k->p->bought_ms ? k->p->bought_ms : k->p->read_ms;
    if (known > e.time_ms)
        e.time_ms = known; /* what was read now is no older than that */
    return e;
}
