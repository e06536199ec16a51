#include "store/coming.h"

#include <stdio.h>

static struct str text(const struct store_row *row, const char *prefix, const char *name)
{
    char key[40];

    snprintf(key, sizeof(key), "%s%s", prefix, name);
    return store_row_get(row, key);
}

static int64_t number(const struct store_row *row, const char *prefix, const char *name)
{
    int64_t v;

    return str_i64(text(row, prefix, name), &v) ? 0 : v;
}

/* The rule of src/fulfil/change.c, which the worker goes by. */
static bool at_renewal(const struct store_row *row, const char *prefix,
                       const struct cfg_market *market, int64_t now_ms, struct coming *out)
{
    struct str served = text(row, prefix, "served");
    int64_t until = number(row, prefix, "plan_until");

    if (!market || until <= now_ms || served.n == 0 || out->today.n == 0 ||
        str_eq(served, out->today) || !config_plan(market, served) ||
        config_change(market, served, out->today) != CFG_CHANGE_AT_RENEWAL)
        return false;
    out->plan = out->today;
    out->today = served;
    out->at_ms = until;
    return true;
}

static bool put_down(const struct store_row *row, const char *prefix, int64_t now_ms,
                     struct coming *out)
{
    struct str plan = text(row, prefix, "next_plan");
    int64_t quantity = number(row, prefix, "next_quantity");
    int64_t at = number(row, prefix, "next_at");

    if (at && at <= now_ms)
        return false;
    if (!str_eq(plan, out->today))
        out->plan = plan;
    if (quantity > 0 && quantity != number(row, prefix, "quantity"))
        out->quantity = (uint64_t)quantity;
    out->at_ms = at;
    return out->plan.n || out->quantity;
}

bool coming_of(const struct store_row *row, const char *prefix, const struct cfg_market *market,
               int64_t now_ms, struct coming *out)
{
    struct str contract = text(row, prefix, "contract");

    *out = (struct coming){.plan = {"", 0}, .today = text(row, prefix, "plan")};
    if (!(str_is(contract, "ACTIVE") || str_is(contract, "SUSPENDED")))
        return false;
    if (at_renewal(row, prefix, market, now_ms, out)) {
        if (!str_is(text(row, prefix, "no_renewal"), "1"))
            return true;
        /* The term ends and nothing follows: what runs today goes on till then. */
        out->plan = STR("");
        out->at_ms = 0;
        return false;
    }
    return put_down(row, prefix, now_ms, out);
}
