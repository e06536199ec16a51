#include "worker/plans.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "worker/truth.h"

enum { DAY_MS = 24 * 3600 * 1000 };

struct plans {
    struct task *t;
    const struct cfg_market *cfg;
    void (*next)(struct task *t);
};

void plans_choose(struct str *of, const struct market_purchase *p)
{
    if (p->purchase[0] && p->standing == STANDING_ACTIVE && !p->read_only &&
        (!p->test || of->n == 0))
        *of = str_of(p->purchase);
}

/* One market may name a plan that another has named already. */
static bool named_before(const struct market_plans *p, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (!p->plans[k].stopped && strcmp(p->plans[k].id, p->plans[i].id) == 0)
            return true;
    return false;
}

/* The id of a task is bounded, the channel's plan ids are not. */
static void alarm_of(const struct plans *s, const struct market_plan *plan)
{
    char hash[HASH_HEX], tag[48], detail[500];

    hash_sha256_hex(str_of(plan->id), hash);
    snprintf(tag, sizeof(tag), "%lld.%.16s", (long long)(clock_wall_ms() / DAY_MS), hash);
    snprintf(detail, sizeof(detail), "%s (%s)", plan->id, plan->title);
    alarm_raise(s->t->w, s->cfg, "alert-plan", tag, detail);
}

static void on_sale(const struct plans *s, const struct market_plans *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct market_plan *plan = &p->plans[i];

        if (plan->stopped || standing_plan(s->cfg, str_of(plan->id)) || named_before(p, i))
            continue;
        LOG(LOG_WARN, "plans.unknown", FS("product", s->t->subject), F("plan", plan->id),
            F("title", plan->title), FI("private", plan->private), FI("per_seat", plan->per_seat),
            FI("min", plan->min), FI("max", plan->max));
        alarm_of(s, plan);
    }
}

static void configured(const struct plans *s, const struct market_plans *p)
{
    for (size_t i = 0; i < s->cfg->nplans; i++) {
        const struct cfg_plan *plan = &s->cfg->plans[i];
        size_t k = 0;

        while (k < p->n && standing_plan(s->cfg, str_of(p->plans[k].id)) != plan)
            k++;
        if (k == p->n)
            LOG(LOG_INFO, "plans.absent", FS("product", s->t->subject), F("plan", plan->name),
                F("dimension", plan->dimension));
    }
}

static void told(void *arg, const struct market_plans *p)
{
    struct plans *s = arg;

    if (!task_release(s->t))
        return;
    if (p->cls != MARKET_OK || p->n == 0) {
        LOG(LOG_INFO, "plans.unread", FS("product", s->t->subject),
            F("class", market_class_name(p->cls)), F("code", p->code));
    } else {
        on_sale(s, p);
        configured(s, p);
    }
    s->next(s->t);
}

void plans_compare(struct task *t, struct market *m, const struct market_ops *ops,
                   const struct cfg_market *cfg, struct str of, void (*next)(struct task *t))
{
    struct plans *s = arena_alloc(t->arena, sizeof(*s));
    struct market_purchase known = market_purchase_none;

    known.purchase = arena_dup(t->arena, of);
    known.standing = STANDING_ACTIVE;
    if (!s || !known.purchase || of.n == 0 || !ops->plans) {
        next(t);
        return;
    }
    *s = (struct plans){t, cfg, next};
    task_hold(t);
    ops->plans(m, &known, told, s);
}
