/* The truth of a channel as arguments of STORE_ORDER_UPSERT, and what follows from a change. */
#include <string.h>

#include "worker/purchase.h"
#include "worker/standing.h"

enum { CHANGE_PATIENCE_MS = 10 * 60 * 1000 };

static void flag(struct args *a, const char *k, bool on)
{
    args_kv(a, k, on ? STR("1") : STR(""));
}

static void number(struct args *a, const char *k, uint64_t v)
{
    if (v)
        args_kvi(a, k, (int64_t)v);
    else
        args_kv(a, k, STR(""));
}

static bool is_gcp(const struct cfg_market *m)
{
    return strcmp(m->channel, "gcp") == 0;
}

/* Google tells an end only while there is one: a cancellation that was reverted has none. */
static bool no_end(const struct cfg_market *m, const struct market_purchase *p)
{
    return is_gcp(m) && p->standing == STANDING_ACTIVE && p->ends_ms == 0;
}

/* A renewal is told before its term begins; the term that runs has begun all the same. */
static bool next_term(const struct order_now *now, const struct market_purchase *p)
{
    return str_is(now->contract, "ACTIVE") && now->known.starts_ms &&
           now->known.starts_ms <= p->read_ms && p->starts_ms > p->read_ms;
}

static void put_keys(struct args *a, const struct cfg_market *m, const struct order_now *now,
                     const struct market_purchase *p)
{
    purchase_keys(a, m, p);
    args_kv_opt(a, "term", p->term);
    args_kv_opt(a, "usage_id", p->usage_id);
    args_kv_opt(a, "buyer_email",
                p->beneficiary.email[0] ? p->beneficiary.email : p->purchaser.email);
    if (p->starts_ms && !next_term(now, p))
        args_kvi(a, "starts", p->starts_ms);
    if (p->ends_ms)
        args_kvi(a, "ends", p->ends_ms);
    else if (no_end(m, p))
        args_kv(a, "ends", STR(""));
    flag(a, "trial", p->trial);
    flag(a, "no_renewal", p->no_renewal);
    flag(a, "test", p->test);
    flag(a, "read_only", p->read_only);
}

static void put_plan(struct args *a, const struct cfg_market *m, const struct market_purchase *p)
{
    const struct cfg_plan *plan = standing_plan(m, str_of(p->plan));

    if (p->plan[0]) {
        args_kv(a, "plan_id", str_of(p->plan));
        if (plan)
            args_kv(a, "plan", str_of(plan->name));
        flag(a, "plan_unknown", !plan);
    }
    args_kvi(a, "quantity", p->quantity ? (int64_t)p->quantity : 1);
    flag(a, "seats", p->quantity > 0);
}

/* Accepted, and to come at a day of the channel's. Its plan by our name, where it has one. */
static void put_next(struct args *a, const struct cfg_market *m, const struct market_purchase *p)
{
    bool later = p->change_id[0] == '\0' && p->pending_plan[0] && p->standing != STANDING_ENDED;
    const struct cfg_plan *plan = later ? standing_plan(m, str_of(p->pending_plan)) : NULL;

    args_kv(a, "next_plan", !later ? STR("") : str_of(plan ? plan->name : p->pending_plan));
    number(a, "next_at", later ? (uint64_t)p->pending_at_ms : 0);
}

static void put_change(struct args *a, const struct cfg_market *m, const struct order_now *now,
                       const struct market_purchase *p)
{
    bool waits = p->change_id[0] != '\0';

    args_kv(a, "change_id", str_of(p->change_id));
    args_kv(a, "pending_plan", str_of(p->pending_plan));
    number(a, "pending_quantity", p->pending_quantity);
    number(a, "change_seen", waits ? (uint64_t)p->changed_ms : 0);
    if (!waits)
        args_kv(a, "change_at", STR(""));
    else if (!now->change_at || !str_is(now->change_id, p->change_id))
        args_kvi(a, "change_at", p->read_ms);
    if (!waits && now->change_at)
        args_kvi(a, "change_over", p->read_ms);
    put_next(a, m, p);
}

static void put_end(struct args *a, const struct cfg_market *m, const struct order_now *now,
                    const struct market_purchase *p)
{
    const struct cfg_plan *plan = standing_plan(m, str_of(p->plan));
    bool expired = str_ieq(str_of(p->status), STR("expired"));
    struct str name = plan ? str_of(plan->name) : now->plan;

    if (now->ended)
        return; /* since then at_ended and delete_at run */
    args_kv(a, "contract", expired ? STR("EXPIRED") : STR("CANCELLED"));
    args_kvi(a, "at_ended", p->read_ms);
    args_kvi(a, "delete_at", p->read_ms + (int64_t)standing_grace_ms(m, name));
    args_kv_opt(a, "reason", p->status);
}

static void put_standing(struct args *a, const struct cfg_market *m, const struct order_now *now,
                         const struct market_purchase *p)
{
    args_kv(a, "gone_since", STR(""));
    if (p->standing == STANDING_UNKNOWN)
        return; /* a word that this version does not know changes nothing */
    args_kv(a, "standing", str_of(standing_word(p->standing)));
    switch (p->standing) {
    case STANDING_HELD:
        args_kv(a, "commit", STR("held"));
        break;
    case STANDING_SCHEDULED:
        args_kv(a, "commit", STR("done"));
        break;
    case STANDING_ACTIVE:
        args_kv(a, "contract", STR("ACTIVE"));
        args_kv(a, "granted", STR("1"));
        args_kv(a, "confirmed", STR("1"));
        args_kv(a, "commit", STR("done"));
        break;
    case STANDING_SUSPENDED:
        args_kv(a, "contract", STR("SUSPENDED"));
        args_kv(a, "confirmed", STR("1"));
        args_kv(a, "commit", STR("done"));
        break;
    case STANDING_ENDED:
        put_end(a, m, now, p);
        break;
    case STANDING_UNKNOWN:
        break;
    }
    if (p->unattended && p->standing != STANDING_ENDED) {
        args_kv(a, "unattended", STR("1"));
        if (p->bought_ms)
            args_kvi(a, "bought_at", p->bought_ms);
    }
    /* Neither: the account was not read (list). */
    if (is_gcp(m) && (p->signup_wanted || p->unattended))
        args_kv(a, "signup", p->signup_wanted ? STR("wanted") : STR("done"));
}

void standing_args(struct args *a, const struct cfg_market *m, struct str order_id,
                   const struct order_now *now, const struct market_purchase *p, bool awaits_change)
{
    args_init(a, a->t);
    args_add(a, order_id);
    args_int(a, p->read_ms);
    put_keys(a, m, now, p);
    put_plan(a, m, p);
    put_standing(a, m, now, p);
    args_kvi(a, "late_ms", (int64_t)a->t->snap->cfg->notify.late_after_ms);
    if (!awaits_change)
        put_change(a, m, now, p);
}

void standing_end_args(struct args *a, const struct cfg_market *m, struct str order_id,
                       const struct order_now *now, const struct market_purchase *p)
{
    args_init(a, a->t);
    args_add(a, order_id);
    args_int(a, p->read_ms);
    args_kv(a, "standing", STR("ended"));
    args_kv(a, "gone_since", STR(""));
    put_end(a, m, now, p);
}

/* Whether and when it ends, and what it becomes. Azure's list has no changes that wait. */
static bool future_differs(const struct cfg_market *m, const struct market_purchase *was,
                           const struct market_purchase *p)
{
    if (p->no_renewal != was->no_renewal || (p->ends_ms && p->ends_ms != was->ends_ms))
        return true;
    return is_gcp(m) && (strcmp(p->pending_plan, was->pending_plan) != 0 ||
                         p->pending_at_ms != was->pending_at_ms || (no_end(m, p) && was->ends_ms));
}

bool standing_differs(const struct cfg_market *m, const struct order_now *now,
                      const struct market_purchase *p)
{
    static const char *const contracts[] = {
        [STANDING_UNKNOWN] = NULL,          [STANDING_HELD] = "PENDING",
        [STANDING_SCHEDULED] = "PENDING",   [STANDING_ACTIVE] = "ACTIVE",
        [STANDING_SUSPENDED] = "SUSPENDED", [STANDING_ENDED] = NULL,
    };
    const char *want = contracts[p->standing];
    const struct cfg_plan *plan = standing_plan(m, str_of(p->plan));

    if (now->ended)
        return false;
    if (p->standing == STANDING_ENDED || (want && !str_is(now->contract, want)))
        return true;
    return !str_is(now->standing, standing_word(p->standing)) ||
           future_differs(m, &now->known, p) ||
           (p->plan[0] && strcmp(p->plan, now->known.plan) != 0) ||
           (plan && !str_is(now->plan, plan->name)) || p->quantity != now->known.quantity;
}

bool standing_asked(const struct market_caps *caps, const struct order_now *now,
                    const struct market_purchase *p)
{
    int64_t since = p->read_ms - (int64_t)caps->settle_ms;
    bool runs = p->standing == STANDING_ACTIVE;

    if (str_is(now->commit, "rejected"))
        return p->standing == STANDING_ENDED;
    if (str_is(now->commit, "asked"))
        return (runs || p->standing == STANDING_SCHEDULED) && now->at_asked > since;
    return runs && str_is(now->standing, standing_word(STANDING_ACTIVE)) &&
           (now->change_at > since || now->change_over > since);
}

enum change_answer change_decide(const struct cfg_market *m, const struct market_caps *caps,
                                 const struct market_purchase *p)
{
    const struct cfg_plan *from, *to;

    if (p->change_id[0] == '\0' || p->standing == STANDING_ENDED)
        return ANSWER_NONE;
    /* A change of the quantity alone, and the way back after a refusal. */
    if (p->pending_plan[0] == '\0' || strcmp(p->pending_plan, p->plan) == 0)
        return ANSWER_ACCEPT;
    from = standing_plan(m, str_of(p->plan));
    to = standing_plan(m, str_of(p->pending_plan));
    /* Microsoft takes silence for consent after 10 s; Google waits. */
    if (!to)
        return strcmp(m->channel, "azure") == 0 && caps->refuse_change ? ANSWER_REFUSE
                                                                       : ANSWER_HOLD;
    if (from == to)
        return ANSWER_ACCEPT;
    if (config_change(m, str_of(from ? from->name : ""), str_of(to->name)) == CFG_CHANGE_REFUSE &&
        caps->refuse_change)
        return ANSWER_REFUSE;
    return ANSWER_ACCEPT;
}

bool change_awaited(const struct order_now *now, const struct market_purchase *p, int64_t wall_ms)
{
    bool plan, seats;

    /* Shown as accepted for later (gcp: at the end of the cycle) is shown. A record that was
     * written after the change was asked for, and has none, says that it was withdrawn. */
    if (!now->change_at || p->change_id[0] || p->pending_plan[0] || p->change_off ||
        (now->change_seen && p->changed_ms > now->change_seen) ||
        wall_ms - now->change_at > CHANGE_PATIENCE_MS)
        return false;
    plan = now->known.pending_plan[0] && strcmp(now->known.pending_plan, p->plan) != 0;
    seats = now->known.pending_quantity && now->known.pending_quantity != p->quantity;
    return plan || seats;
}
