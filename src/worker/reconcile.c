/*
 * reconcile: the channel's own list against our orders (task reconcile:<channel>/<product>).
 *
 * One run per page; where it stands (page, counts) are durable steps, so whoever claims the task
 * next goes on from there. One task per listing, so one reconciler, however many workers. Each
 * purchase is compared with its order as it is now and written as of the time of the listing: a
 * newer fact wins. A purchase that lives and has no order gets one; an order that differs is
 * repaired; agreements (aws) see reconcile_agreement.c. Orders that the list no longer has are
 * found by the resync, which refreshes every live order after `worker.refresh`.
 *
 * The task never ends while the listing is configured: between two walks it waits
 * `worker.reconcile`, give or take a quarter.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/rand.h"
#include "worker/kinds.h"
#include "worker/plans.h"
#include "worker/purchase.h"
#include "worker/reconcile.h"

enum { NEXT_PAGE_MS = 10, LOOK_AGAIN_MS = 1000, PAGE_TRIES = 5 };

static void each(struct task *t);

static uint64_t step_number(const struct task *t, const char *name)
{
    uint64_t v;

    return str_u64(task_step(t, name), INT64_MAX, &v) ? 0 : v;
}

static uint64_t pause_ms(const struct task *t)
{
    uint64_t every = t->snap->cfg->worker.reconcile_ms;

    return every - every / 4 + rand_below(every / 2 + 1);
}

static void rest(struct task *t)
{
    task_wait(t, pause_ms(t));
}

static void noted(struct task *t, int rc, const struct store_rows *rows)
{
    struct reconcile *r = t->state;

    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot record the progress", 0);
    else if (r->next.n)
        task_wait(t, NEXT_PAGE_MS);
    else
        plans_compare(t, r->market, r->ops, r->cfg, r->runs, rest);
}

static void report(struct task *t)
{
    struct reconcile *r = t->state;
    char tag[24], text[128];

    snprintf(text, sizeof(text), "%llu purchases, %llu repaired, %llu created",
             (unsigned long long)r->seen, (unsigned long long)r->repaired,
             (unsigned long long)r->created);
    LOG(r->repaired || r->created ? LOG_WARN : LOG_INFO, "reconcile.done",
        FS("product", t->subject), FI("seen", r->seen), FI("repaired", r->repaired),
        FI("created", r->created), FI("ms", clock_wall_ms() - r->started));
    if (r->repaired == 0 && r->created == 0)
        return;
    snprintf(tag, sizeof(tag), "%lld", (long long)r->started);
    alarm_raise(t->w, r->cfg, "alert-reconcile", tag, text);
}

/* The page is done: where the next one begins, or what the walk found. */
static void note(struct task *t)
{
    struct reconcile *r = t->state;
    bool last = r->next.n == 0;
    struct args a;

    if (last)
        report(t);
    args_init(&a, t);
    args_add(&a, t->id);
    args_add(&a, t->token);
    args_kv(&a, "s.page", r->next);
    args_kv(&a, "s.runs", last ? STR("") : r->runs);
    args_kvi(&a, "s.started", last ? 0 : r->started);
    args_kvi(&a, "s.seen", last ? 0 : (int64_t)r->seen);
    args_kvi(&a, "s.repaired", last ? 0 : (int64_t)r->repaired);
    args_kvi(&a, "s.created", last ? 0 : (int64_t)r->created);
    if (last) {
        args_kvi(&a, "s.last_at", clock_wall_ms());
        args_kvi(&a, "s.last_seen", (int64_t)r->seen);
        args_kvi(&a, "s.last_repaired", (int64_t)r->repaired);
        args_kvi(&a, "s.last_created", (int64_t)r->created);
    }
    crash_point("reconcile.before_note");
    task_store(t, t->shard, STORE_TASK_STEP, a.v, a.n, noted);
}

void reconcile_next(struct task *t)
{
    struct reconcile *r = t->state;

    r->at++;
    each(t);
}

static void asked(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot queue the refresh", 0);
    else
        reconcile_next(t);
}

/* The refresh task reads what a list does not tell (accounts) and answers a change that waits. */
void reconcile_ask_refresh(struct truth *x, int64_t ms)
{
    truth_later(x->t, x->shard, x->order, ms, "", asked);
}

static void done(struct truth *x)
{
    struct task *t = x->t;
    struct reconcile *r = x->user;

    t->state = r;
    if (x->end == TRUTH_WRITTEN && !x->stale) {
        bool normal = x->created && x->p.standing == STANDING_HELD; /* its buyer is on the way */

        r->created += x->created && !normal;
        r->repaired += !x->created && x->changed;
        if ((x->created || x->changed) && !normal)
            LOG(LOG_WARN, "reconcile.repaired", FS("order", x->order),
                F("standing", standing_word(x->p.standing)), FS("was", x->now.standing),
                FI("created", x->created));
    }
    if (x->created || x->p.change_id[0] || x->awaits)
        reconcile_ask_refresh(x, LOOK_AGAIN_MS);
    else
        reconcile_next(t);
}

static void compare(struct truth *x)
{
    struct reconcile *r = x->user;

    x->t->state = r;
    x->p = r->p[r->at];
    if (x->now.exists ? !standing_differs(r->cfg, &x->now, &x->p)
                      : x->p.standing == STANDING_ENDED || x->p.standing == STANDING_UNKNOWN) {
        x->end = TRUTH_ABSENT;
        done(x);
    } else if (x->cfg != r->cfg) {
        LOG(LOG_WARN, "reconcile.other_product", FS("order", x->order));
        reconcile_next(x->t);
    } else if (x->now.exists && standing_asked(market_caps_of(r->ops, r->cfg), &x->now, &x->p)) {
        LOG(LOG_INFO, "reconcile.asked", FS("order", x->order),
            F("standing", standing_word(x->p.standing)));
        reconcile_ask_refresh(x, LOOK_AGAIN_MS);
    } else {
        truth_write(x);
    }
}

static void load(struct truth *x)
{
    truth_load(x, compare);
}

static void each(struct task *t)
{
    struct reconcile *r = t->state;
    struct truth *x;

    if (r->at == r->n) {
        note(t);
        return;
    }
    r->seen++;
    if (!standing_channel(r->cfg)) {
        reconcile_agreement(t);
        return;
    }
    x = truth_new(t, r->channel, r->product, str_of(r->p[r->at].purchase));
    if (!x)
        return;
    x->user = r;
    x->done = done;
    truth_find(x, load);
}

static bool keep_page(struct task *t, const struct market_page *page)
{
    struct reconcile *r = t->state;
    int64_t now = clock_wall_ms();

    r->p = arena_alloc(t->arena, page->n * sizeof(*r->p) + 1);
    r->next = arena_str(t->arena, str_of(page->next));
    for (size_t i = 0; r->p && i < page->n; i++) {
        if (!purchase_copy(t, &page->purchases[i], &r->p[r->n]))
            return false;
        if (r->p[r->n].read_ms == 0)
            r->p[r->n].read_ms = now;
        plans_choose(&r->runs, &r->p[r->n]);
        if (r->p[r->n].purchase[0] || r->p[r->n].agreement[0])
            r->n++;
    }
    return r->p != NULL;
}

/* AWS asks for a permission of its own for its list; without it all else goes on. */
static void again(struct task *t, uint64_t retry_after_ms)
{
    const struct reconcile *r = t->state;

    if (r->cls == MARKET_CONFIG && !standing_channel(r->cfg))
        task_retry(t, "CONFIG", r->code, pause_ms(t));
    else
        truth_failed(t, r->cfg, r->cls, r->code, retry_after_ms);
}

static void begun_anew(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot record the progress", 0);
    else
        again(t, 0);
}

/* The word for the next page may be too old to be understood: the walk begins anew. */
static void begin_anew(struct task *t)
{
    struct args a;

    args_init(&a, t);
    args_add(&a, t->id);
    args_add(&a, t->token);
    args_kv(&a, "s.page", STR(""));
    args_kvi(&a, "s.started", 0);
    args_kvi(&a, "s.seen", 0);
    args_kvi(&a, "s.repaired", 0);
    args_kvi(&a, "s.created", 0);
    task_store(t, t->shard, STORE_TASK_STEP, a.v, a.n, begun_anew);
}

static void failed(struct task *t, const struct market_page *page)
{
    struct reconcile *r = t->state;
    bool stale_page = page->cls != MARKET_RETRY || t->tries >= PAGE_TRIES;

    r->cls = page->cls;
    r->code = arena_dup(t->arena, str_of(page->code));
    if (task_step(t, "s.page").n && stale_page)
        begin_anew(t);
    else
        again(t, page->retry_after_ms);
}

static void listed(void *arg, const struct market_page *page)
{
    struct task *t = arg;

    if (!task_release(t))
        return;
    crash_point("reconcile.after_market");
    if (page->cls == MARKET_OK && page->code[0])
        LOG(LOG_WARN, "reconcile.incomplete", FS("product", t->subject), F("code", page->code));
    if (page->cls != MARKET_OK)
        failed(t, page);
    else if (!keep_page(t, page))
        task_retry(t, "RETRY", "no memory for the page", 0);
    else
        each(t);
}

void reconcile_run(struct task *t)
{
    struct reconcile *r = arena_alloc(t->arena, sizeof(*r));

    if (!r) {
        task_retry(t, "RETRY", "task memory is used up", 0);
        return;
    }
    r->channel = str_cut(t->subject, '/', &r->product);
    r->market = snapshot_market(t->snap, r->channel, r->product, &r->ops, &r->cfg);
    if (!r->market || !r->ops->list || !standing_listed(r->cfg)) {
        task_done(t); /* no longer configured */
        return;
    }
    t->state = r;
    r->started = (int64_t)step_number(t, "s.started");
    r->seen = step_number(t, "s.seen");
    r->repaired = step_number(t, "s.repaired");
    r->created = step_number(t, "s.created");
    r->runs = r->started ? task_step(t, "s.runs") : STR("");
    if (r->started == 0)
        r->started = clock_wall_ms();
    crash_point("reconcile.before_market");
    task_hold(t);
    r->ops->list(r->market, arena_dup(t->arena, task_step(t, "s.page")), listed, t);
}
