#include "sandbox/sb_gcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sandbox/sb_gcp_key.h"

static const char *const states[SB_GCP_STATES] = {
    [SB_GCP_REQUESTED] = "ENTITLEMENT_ACTIVATION_REQUESTED",
    [SB_GCP_ACTIVE] = "ENTITLEMENT_ACTIVE",
    [SB_GCP_PLAN_APPROVAL] = "ENTITLEMENT_PENDING_PLAN_CHANGE_APPROVAL",
    [SB_GCP_PLAN_PENDING] = "ENTITLEMENT_PENDING_PLAN_CHANGE",
    [SB_GCP_ENDING] = "ENTITLEMENT_PENDING_CANCELLATION",
    [SB_GCP_CANCELLED] = "ENTITLEMENT_CANCELLED",
    [SB_GCP_SUSPENDED] = "ENTITLEMENT_SUSPENDED",
};
static const char *const approvals[] = {"PENDING", "APPROVED", "REJECTED"};

struct sb_gcp *sb_gcp_new(void)
{
    struct sb_gcp *g = calloc(1, sizeof(*g));

    if (!g)
        return NULL;
    sb_vec_init(&g->products, 64);
    sb_vec_init(&g->accounts, 20000);
    sb_vec_init(&g->ents, 20000);
    sb_vec_init(&g->subs, 64);
    sb_vec_init(&g->bearers, 10000);
    g->next_account = g->next_ent = 1;
    g->set = (struct sb_gcp_set){.linked_procurement = true,
                                 .linked_pubsub = true,
                                 .settle_ms = 1000,
                                 .pull_hold_ms = 20000,
                                 .push_retry_ms = 1000,
                                 .token_life_s = 3600,
                                 .certs_age_s = 300,
                                 .cycle_ms = 30 * (int64_t)SB_DAY_MS};
    return g;
}

void sb_gcp_free(struct sb_gcp **g)
{
    if (!*g)
        return;
    for (size_t i = 0; i < (*g)->subs.n; i++)
        sb_queue_free(&((struct sb_gcp_sub *)(*g)->subs.p[i])->queue);
    sb_vec_free(&(*g)->products);
    sb_vec_free(&(*g)->accounts);
    sb_vec_free(&(*g)->ents);
    sb_vec_free(&(*g)->subs);
    sb_vec_free(&(*g)->bearers);
    sb_gcp_keys_free(&(*g)->keys);
    free(*g);
    *g = NULL;
}

const struct sb_gcp_product *sb_gcp_product(const struct sb *s, struct str name)
{
    for (size_t i = 0; i < s->gcp->products.n; i++) {
        const struct sb_gcp_product *p = s->gcp->products.p[i];
        if (str_is(name, p->name))
            return p;
    }
    return NULL;
}

const struct sb_gcp_plan *sb_gcp_plan(const struct sb_gcp_product *p, struct str plan)
{
    if (plan.n == 0)
        return &p->plans[0];
    for (size_t i = 0; i < p->nplans; i++) {
        if (str_is(plan, p->plans[i].plan))
            return &p->plans[i];
    }
    for (size_t i = 0; i < p->nplans; i++) {
        if (str_is(plan, p->plans[i].title))
            return &p->plans[i];
    }
    return NULL;
}

bool sb_gcp_provider(const struct sb *s, struct str provider)
{
    for (size_t i = 0; i < s->gcp->products.n; i++) {
        const struct sb_gcp_product *p = s->gcp->products.p[i];
        if (str_is(provider, p->provider))
            return true;
    }
    return false;
}

struct sb_gcp_account *sb_gcp_account(const struct sb *s, struct str id)
{
    for (size_t i = 0; i < s->gcp->accounts.n; i++) {
        struct sb_gcp_account *a = s->gcp->accounts.p[i];
        if (str_is(id, a->handle) || str_is(id, a->id))
            return a;
    }
    return NULL;
}

struct sb_gcp_ent *sb_gcp_ent(const struct sb *s, struct str id)
{
    for (size_t i = 0; i < s->gcp->ents.n; i++) {
        struct sb_gcp_ent *e = s->gcp->ents.p[i];
        if (str_is(id, e->handle) || str_is(id, e->id))
            return e;
    }
    return NULL;
}

struct sb_gcp_sub *sb_gcp_sub(const struct sb *s, struct str name)
{
    for (size_t i = 0; i < s->gcp->subs.n; i++) {
        struct sb_gcp_sub *q = s->gcp->subs.p[i];
        if (str_is(name, q->name))
            return q;
    }
    return NULL;
}

const char *sb_gcp_state_name(int state)
{
    return states[state];
}

const char *sb_gcp_approval_name(int approval)
{
    return approvals[approval];
}

void sb_gcp_time(int64_t ms, char out[SB_GCP_TIME])
{
    char iso[CLOCK_ISO];
    int64_t sub = ((ms % 1000) + 1000) % 1000;
    int64_t fine = sub * 1000003 % 1000000; /* made-up digits below the millisecond */

    clock_iso(ms - sub, iso);
    if (sub == 0)
        snprintf(out, SB_GCP_TIME, "%s", iso);
    else if (sub % 3 == 0)
        snprintf(out, SB_GCP_TIME, "%.19s.%03dZ", iso, (int)sub);
    else if (sub % 3 == 1)
        snprintf(out, SB_GCP_TIME, "%.19s.%03d%03dZ", iso, (int)sub, (int)(fine % 1000));
    else
        snprintf(out, SB_GCP_TIME, "%.19s.%03d%06dZ", iso, (int)sub, (int)fine);
}
