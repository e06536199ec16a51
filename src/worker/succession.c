#include "worker/succession.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "worker/purchase.h"

enum { ORDERS_MAX = 200 };

static void each(struct succession *s);

static void finish(struct succession *s, enum succession_end end)
{
    s->end = end;
    s->done(s);
}

/* --- the verdict ------------------------------------------------------------------------------ */

static enum succession_end by_licenses(const struct succession *s)
{
    if (s->heirs == 0)
        return SUCCESSION_ENDED;
    return s->heirs == 1 && s->others == 0 ? SUCCESSION_CONTINUES : SUCCESSION_UNKNOWN;
}

static enum succession_end by_agreements(const struct succession *s)
{
    if (s->ended == 0)
        return SUCCESSION_OPEN;
    return s->ended > s->others ? SUCCESSION_ENDED : SUCCESSION_UNKNOWN;
}

static void judge(struct succession *s)
{
    const struct cfg_market *m = s->cfg;
    bool licenses = m->contract && (!m->metered || s->heirs);

    LOG(LOG_INFO, "succession", FS("order", s->order), FI("active", s->active),
        FI("ended", s->ended), FI("licences", s->heirs), FI("others", s->others));
    if (s->runs || s->active)
        finish(s, SUCCESSION_OPEN);
    else
        finish(s, licenses ? by_licenses(s) : by_agreements(s));
}

/* --- other orders of the account that wait for the same --------------------------------------- */

static void next_order(struct task *t);

static bool held(const struct succession *s, struct str purchase)
{
    for (size_t i = 0; i < s->n; i++)
        if (!s->h[i].agreement[0] && str_is(purchase, s->h[i].purchase))
            return true;
    return false;
}

static bool was_superseded(const struct succession *s, struct str agreement)
{
    for (size_t i = 0; i < s->n; i++)
        if (agreement.n && str_is(agreement, s->h[i].agreement))
            return purchase_superseded(str_of(s->h[i].status));
    return false;
}

static void other_read(struct task *t, int rc, const struct store_rows *rows)
{
    struct succession *s = t->state;
    bool lives = str_is(store_get(rows, "o.contract"), "ACTIVE");

    if (rc && rc != -ENOENT) {
        task_retry(t, "RETRY", "cannot read an order of the account", 0);
        return;
    }
    if (rc == 0 && lives && str_is(store_get(rows, "o.registered"), "1") &&
        str_eq(store_get(rows, "o.product"), s->product) && store_get(rows, "o.merged").n == 0)
        s->others += s->cfg->contract ? !held(s, store_get(rows, "o.purchase"))
                                      : was_superseded(s, store_get(rows, "o.agreement"));
    next_order(t);
}

static void next_order(struct task *t)
{
    struct succession *s = t->state;
    unsigned shard = 0;

    while (s->next < s->norders && id_shard(s->orders[s->next], store_shards(t->w->store), &shard))
        s->next++;
    if (s->next == s->norders)
        judge(s);
    else
        task_store(t, shard, STORE_ORDER_GET, &s->orders[s->next++], 1, other_read);
}

static void account_orders(struct task *t, int rc, const struct store_rows *rows)
{
    struct succession *s = t->state;

    if (rc) {
        task_retry(t, "RETRY", "cannot read the account's orders", 0);
        return;
    }
    s->orders = arena_alloc(t->arena, rows->n * sizeof(*s->orders) + 1);
    if (!s->orders) {
        task_retry(t, "RETRY", "task memory is used up", 0);
        return;
    }
    for (size_t i = 0; i < rows->n && s->norders < ORDERS_MAX; i++) {
        struct str o = store_row_get(&rows->row[i], "order");

        if (o.n && !str_eq(o, s->order))
            s->orders[s->norders++] = arena_str(t->arena, o);
    }
    next_order(t);
}

static void ask_account(struct succession *s)
{
    struct str args[] = {s->channel, str_of(s->cfg->product_code), str_of(s->known->account)};

    s->t->state = s;
    task_store(s->t, id_shard_of(args[0], args[2], store_shards(s->t->w->store)), STORE_ACCOUNT_GET,
               args, 3, account_orders);
}

/* --- one agreement or licence: whose is it? --------------------------------------------------- */

static void of_nobody(struct succession *s)
{
    const struct holding *h = &s->h[s->at];

    if (!h->agreement[0]) {
        s->heir = *h;
        if (s->x->now.exists && !str_eq(s->x->order, s->order))
            s->heir.agreement = s->x->now.known.agreement;
        s->heirs++;
    } else if (str_is(str_of(h->status), "ACTIVE")) {
        s->active++;
    } else if (purchase_over(h->status) && h->bought_ms >= s->bought_ms) {
        s->ended++;
        if (h->bought_ms >= s->ended_bought_ms) {
            s->status = h->status;
            s->ended_bought_ms = h->bought_ms;
        }
    }
}

static void next(struct succession *s)
{
    s->at++;
    each(s);
}

/* Somebody was told that it is new: no order of a landing need be there yet. */
static void judge_intent(struct succession *s)
{
    if (!str_is(s->intent, "NEW"))
        of_nobody(s);
    next(s);
}

static void intent_read(struct task *t, int rc, const struct store_rows *rows)
{
    struct succession *s = t->state;

    if (rc) {
        task_retry(t, "RETRY", "cannot read an agreement of the account", 0);
        return;
    }
    s->intent = arena_str(t->arena, store_get(rows, "intent"));
    judge_intent(s);
}

static void read_agreement(struct succession *s, const char *agreement, task_cont *next_step)
{
    struct str args[] = {s->channel, str_of(agreement), STR("0")};

    s->t->state = s;
    task_store(s->t, id_shard_of(args[0], args[1], store_shards(s->t->w->store)), STORE_AGREEMENT,
               args, 3, next_step);
}

static void owner_known(struct truth *x)
{
    struct succession *s = x->user;
    const struct holding *h = &s->h[s->at];
    bool mine = str_eq(x->order, s->order);

    s->t->state = s;
    if (mine && !h->agreement[0] && strcmp(h->purchase, s->known->purchase) == 0) {
        s->runs = true;
        next(s);
    } else if (!mine && x->now.exists && x->now.registered) {
        next(s);
    } else if (!mine && x->now.exists && !h->agreement[0] && x->now.known.agreement[0]) {
        read_agreement(s, x->now.known.agreement, intent_read);
    } else {
        judge_intent(s);
    }
}

static void owner_found(struct truth *x)
{
    truth_load(x, owner_known);
}

static void find_owner(struct succession *s, const char *purchase)
{
    s->x = truth_new(s->t, s->channel, s->product, str_of(purchase));
    if (!s->x)
        return;
    s->x->user = s;
    if (purchase[0])
        truth_find(s->x, owner_found);
    else
        judge_intent(s); /* its licence is not told: no order can be its */
}

static void agreement_read(struct task *t, int rc, const struct store_rows *rows)
{
    struct succession *s = t->state;
    const char *purchase = arena_dup(t->arena, store_get(rows, "purchase"));

    if (rc || !purchase) {
        task_retry(t, "RETRY", "cannot read an agreement of the account", 0);
        return;
    }
    s->intent = arena_str(t->arena, store_get(rows, "intent"));
    find_owner(s, purchase);
}

static void each(struct succession *s)
{
    const struct holding *h;

    while (s->at < s->n &&
           (purchase_superseded(str_of(s->h[s->at].status)) ||
            (s->h[s->at].agreement[0] && strcmp(s->h[s->at].agreement, s->known->agreement) == 0)))
        s->at++;
    s->intent = STR("");
    if (s->at == s->n) {
        ask_account(s);
        return;
    }
    h = &s->h[s->at];
    if (h->agreement[0])
        read_agreement(s, h->agreement, agreement_read);
    else
        find_owner(s, h->purchase);
}

/* --- what the account holds ------------------------------------------------------------------- */

static bool keep(struct succession *s, const struct market_purchase *p)
{
    struct arena *a = s->t->arena;
    struct holding *h = &s->h[s->n++];

    *h = (struct holding){arena_dup(a, str_of(p->agreement)), arena_dup(a, str_of(p->status)),
                          arena_dup(a, str_of(p->purchase)), arena_dup(a, str_of(p->license)),
                          p->bought_ms};
    if (!h->agreement || !h->status || !h->purchase || !h->license)
        return false;
    if (h->agreement[0] && strcmp(h->agreement, s->known->agreement) == 0) {
        s->bought_ms = h->bought_ms;
        s->runs = s->runs || str_is(str_of(h->status), "ACTIVE");
    }
    return true;
}

static void answered(void *arg, const struct market_page *page)
{
    struct task *t = arg;
    struct succession *s = t->state;
    bool kept = true;

    if (!task_release(t))
        return;
    if (page->cls != MARKET_OK) {
        truth_failed(t, s->cfg, page->cls, page->code, page->retry_after_ms);
        return;
    }
    s->h = arena_alloc(t->arena, page->n * sizeof(*s->h) + 1);
    for (size_t i = 0; s->h && kept && i < page->n; i++)
        kept = keep(s, &page->purchases[i]);
    if (!s->h || !kept)
        task_retry(t, "RETRY", "no memory for what the account holds", 0);
    else if (page->code[0] && !s->cfg->contract)
        finish(s, SUCCESSION_OPEN); /* nothing could be read */
    else
        each(s);
}

void succession_ask(struct succession *s)
{
    s->t->state = s;
    s->status = "";
    task_hold(s->t);
    s->ops->holdings(s->market, s->known, answered, s->t);
}
