#include "worker/purchase.h"

#include "base/clock.h"
#include "fulfil/plan.h"

static bool copy(struct task *t, const char **s)
{
    *s = arena_dup(t->arena, str_of(*s));
    return *s != NULL;
}

static bool copy_person(struct task *t, struct market_person *p)
{
    return copy(t, &p->tenant) && copy(t, &p->object) && copy(t, &p->email);
}

bool purchase_copy(struct task *t, const struct market_purchase *p, struct market_purchase *out)
{
    struct market_entitlement *e;

    *out = *p;
    out->terms = NULL; /* of the moment */
    out->nterms = 0;
    e = arena_alloc(t->arena, p->nentitlements * sizeof(*e) + 1);
    if (!e || !copy(t, &out->purchase) || !copy(t, &out->license) || !copy(t, &out->agreement) ||
        !copy(t, &out->account) || !copy(t, &out->customer) || !copy(t, &out->product_code) ||
        !copy(t, &out->offer) || !copy(t, &out->status) || !copy(t, &out->plan) ||
        !copy(t, &out->term) || !copy(t, &out->usage_id) || !copy(t, &out->pending_plan) ||
        !copy(t, &out->change_id) || !copy_person(t, &out->beneficiary) ||
        !copy_person(t, &out->purchaser))
        return false;
    for (size_t i = 0; i < p->nentitlements; i++) {
        e[i] = p->entitlements[i];
        if (!copy(t, &e[i].dimension) || !copy(t, &e[i].value))
            return false;
    }
    out->entitlements = e;
    return true;
}

const struct cfg_plan *purchase_plan(const struct cfg_market *m, const struct market_purchase *p,
                                     uint64_t *quantity)
{
    return plan_of_entitlements(m, p->entitlements, p->nentitlements, quantity);
}

bool purchase_over(const char *status)
{
    static const char *const ends[] = {"CANCELLED", "EXPIRED", "TERMINATED", "ARCHIVED"};

    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (str_is(str_of(status), ends[i]))
            return true;
    return false;
}

bool purchase_superseded(struct str status)
{
    static const char *const words[] = {"RENEWED", "REPLACED", "SUPERSEDED", "ROLLED_BACK"};

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (str_is(status, words[i]))
            return true;
    return false;
}

uint64_t purchase_grace_ms(const struct cfg_market *m, struct str plan)
{
    const struct cfg_plan *p = config_plan(m, plan);

    if (!p)
        p = config_plan_default(m);
    return p ? p->grace_ms : 30ULL * 24 * 3600 * 1000;
}

void purchase_keys(struct args *a, const struct cfg_market *m, const struct market_purchase *p)
{
    args_kv(a, "channel", str_of(m->channel));
    args_kv(a, "product", str_of(m->name));
    args_kv_opt(a, "purchase", p->purchase);
    args_kv_opt(a, "license", p->license);
    args_kv_opt(a, "agreement", p->agreement);
    args_kv_opt(a, "account", p->account);
    args_kv_opt(a, "customer", p->customer);
    args_kv_opt(a, "product_code", p->product_code);
    args_kv_opt(a, "offer", p->offer);
}

void purchase_args(struct args *a, const struct cfg_market *m, struct str order_id,
                   const struct market_purchase *p, bool confirmed, int64_t at_ms)
{
    uint64_t quantity;
    const struct cfg_plan *plan = purchase_plan(m, p, &quantity);
    struct buf json;

    args_init(a, a->t);
    args_add(a, order_id);
    args_int(a, at_ms);
    purchase_keys(a, m, p);
    if (p->trial)
        args_kv(a, "trial", STR("1"));
    if (p->starts_ms)
        args_kvi(a, "starts", p->starts_ms);
    if (p->ends_ms)
        args_kvi(a, "ends", p->ends_ms);
    if (p->known_entitlements) {
        buf_init(&json, 65536);
        plan_entitlements_json(p->entitlements, p->nentitlements, &json);
        args_kv(a, "entitlements", arena_str(a->t->arena, buf_view(&json)));
        buf_free(&json);
    }
    /* Without entitlements a plan is a guess: only a first guess, or the truth for usage pricing.
     */
    if (plan && (p->nentitlements || !p->known_entitlements)) {
        args_kv(a, "plan", str_of(plan->name));
        args_kvi(a, "quantity", (int64_t)quantity);
        if (p->nentitlements && !plan_named_by(m, p->entitlements, p->nentitlements, &quantity))
            args_kv(a, "guess", STR("1"));
    }
    if (p->granted || confirmed) {
        args_kv(a, "granted", STR("1"));
        args_kv(a, "confirmed", STR("1"));
        args_kv(a, "contract", STR("ACTIVE"));
    }
}

unsigned purchase_order(struct worker *w, struct str channel, struct str purchase,
                        char order_id[ID_ORDER])
{
    unsigned shard = id_shard_of(channel, purchase, store_shards(w->store));

    id_order(channel, purchase, shard, order_id);
    return shard;
}
