#include <errno.h>

#include "sandbox/sb_act.h"
#include "sandbox/sb_token.h"

/* What an action may say in its body. */
static int read_change(const struct sb_purchase *p, const cJSON *in, struct sb_change *c,
                       const char **why)
{
    struct str plan = json_str(in, "plan"), mode = json_str(in, "mode");
    struct str order = json_str(in, "order");
    int rc;

    *c = (struct sb_change){.link = json_bool(in, "link", true)};
    *why = "the product has no such plan";
    c->plan = plan.n ? sb_product_plan(p->product, plan) : NULL;
    if (plan.n && !c->plan)
        return -EINVAL;
    *why = "mode is amend or replace";
    if (mode.n && !str_is(mode, "amend") && !str_is(mode, "replace"))
        return -EINVAL;
    c->replace = str_is(mode, "replace");
    *why = "order is created-first or ended-first";
    if (order.n && !str_is(order, "created-first") && !str_is(order, "ended-first"))
        return -EINVAL;
    c->ended_first = str_is(order, "ended-first");
    *why = "start_in_ms is out of range";
    rc = json_int(in, "start_in_ms", &c->start_in_ms);
    if ((rc && rc != -ENOENT) || c->start_in_ms < 0 || c->start_in_ms > SB_DAY_MS * 400LL)
        return -EINVAL;
    *why = "quantity is 1 to 1000000000";
    rc = json_int(in, "quantity", &c->quantity);
    if (rc == -ENOENT)
        return 0;
    return rc || c->quantity < 1 || c->quantity > 1000000000 ? -EINVAL : 0;
}

/* Without a plan: the next one of the list, if there is one. */
static int upgrade(struct sb *s, struct sb_purchase *p, const cJSON *in, struct sb_purchase **out,
                   const char **why)
{
    struct sb_change c;
    int rc = read_change(p, in, &c, why);

    if (rc)
        return rc;
    /* Only a renewal names its predecessor in the documents; a replacement does when asked to. */
    c.link = json_bool(in, "link", false);
    if (!c.plan && c.quantity == 0) {
        size_t at = (size_t)(p->plan - p->product->plans);
        c.plan = at + 1 < p->product->nplans ? p->plan + 1 : NULL;
        *why = "there is no higher plan";
        if (!c.plan && !p->trial)
            return -EPERM;
    }
    return sb_purchase_upgrade(s, p, &c, out, why);
}

static int renew(struct sb *s, struct sb_purchase *p, const cJSON *in, struct sb_purchase **out,
                 const char **why)
{
    struct sb_change c;
    int rc = read_change(p, in, &c, why);

    return rc ? rc : sb_purchase_renew(s, p, &c, out, why);
}

static int cancel(struct sb *s, struct sb_purchase *p, const cJSON *in, struct sb_purchase **out,
                  const char **why)
{
    struct str status = json_str(in, "status");

    (void)out;
    *why = "status is CANCELLED, EXPIRED or TERMINATED";
    for (int st = SB_CANCELLED; st <= SB_TERMINATED; st++) {
        if (status.n == 0 || str_is(status, sb_purchase_status((enum sb_status)st)))
            return sb_purchase_cancel(s, p, (enum sb_status)st, why);
    }
    return -EINVAL;
}

static int advise(struct sb *s, struct sb_purchase *p, const cJSON *in, struct sb_purchase **out,
                  const char **why)
{
    (void)in;
    (void)out;
    return sb_purchase_advise(s, p, true, why);
}

static int resolve(struct sb *s, struct sb_purchase *p, const cJSON *in, struct sb_purchase **out,
                   const char **why)
{
    (void)in;
    (void)out;
    return sb_purchase_advise(s, p, false, why);
}

static int expire(struct sb *s, struct sb_purchase *p, const cJSON *in, struct sb_purchase **out,
                  const char **why)
{
    (void)in;
    (void)out;
    (void)why;
    sb_token_expire(s, p);
    sb_ledger_add(&s->ledger, sb_core_now(s), "expire-token", p->id, "ok", "");
    return 0;
}

static const struct {
    const char *name;
    int (*fn)(struct sb *s, struct sb_purchase *p, const cJSON *in, struct sb_purchase **out,
              const char **why);
} actions[] = {
    {"upgrade", upgrade},     {"renew", renew},     {"cancel", cancel},
    {"advisory", advise},     {"resolve", resolve}, {"advisory/resolve", resolve},
    {"expire-token", expire},
};

int sb_act(struct sb *s, struct sb_purchase *p, struct str action, const cJSON *in,
           struct sb_purchase **out, const char **why)
{
    *out = p;
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (str_is(action, actions[i].name))
            return actions[i].fn(s, p, in, out, why);
    }
    *why = "unknown action";
    return -ENOENT;
}
